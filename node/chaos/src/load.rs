//! Traders who never stop: transfers and orders through any of the nodes, each sent again elsewhere when its node
//! falls silent, and a record of what the chain has promised them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use client::messages::{deposit, send, subaccount, NewOrder, OrderName, Side, TimeInForce, Until};
use client::tx::SignedTx;
use client::{Client, Fees, Key, Market, Sender};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::sync::watch;
use tokio::task::JoinSet;
use types::{Coin, Denom};

/// Quote quantums that each trader puts into its subaccount.
const COLLATERAL: u64 = 100_000_000_000;
/// Gas limit of what is not free.
const GAS: u64 = 300_000;
/// How long one node is asked what became of a transaction.
const ASKED: Duration = Duration::from_secs(6);
/// Nodes that are asked before the answer is given up.
const TRIES: u32 = 4;
/// Longest answer of one call.
const CALL: Duration = Duration::from_secs(3);

/// What a node said is in a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Promise {
    /// The transaction, upper-case hex.
    pub(crate) hash: String,
    /// Where it is said to be.
    pub(crate) height: u64,
    /// Who said so.
    pub(crate) node: usize,
}

/// What was sent and what was answered.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// Transactions that are in a block, as a node said.
    pub(crate) promises: Vec<Promise>,
    /// Hashes of all transfers of one coin to the sink, whatever became of them.
    pub(crate) transfers: BTreeSet<String>,
    /// Transactions that a node took.
    pub(crate) sent: u64,
    /// Transactions that were sent again through another node.
    pub(crate) again: u64,
    /// Transactions of which no answer came.
    pub(crate) unknown: u64,
    /// Attempts that never reached a node.
    pub(crate) unreached: u64,
    /// Refusals, by their code.
    pub(crate) refused: BTreeMap<String, u64>,
}

/// Key of a trader.
pub(crate) fn trader(number: u32) -> Key {
    key(&format!("trader {number} of the network test"))
}

/// Key of whom the transfers go to.
pub(crate) fn sink() -> Key {
    key("sink of the network test")
}

fn key(text: &str) -> Key {
    // A digest that is no key happens to nobody.
    Key::from_seed_text(text).unwrap_or_else(|_| unreachable!("{text} gives no key"))
}

/// Traders at work.
pub(crate) struct Load {
    ledger: Arc<Mutex<Ledger>>,
    stop: watch::Sender<bool>,
    workers: JoinSet<()>,
}

#[derive(Clone)]
struct Shared {
    clients: Vec<Client>,
    chain_id: String,
    prefix: String,
    market: Market,
    ledger: Arc<Mutex<Ledger>>,
    stop: watch::Receiver<bool>,
}

impl Load {
    /// Let so many traders deposit and begin; `nodes` are addresses of gRPC.
    pub(crate) async fn start(nodes: &[String], traders: u32, seed: u64) -> anyhow::Result<Self> {
        let clients = nodes.iter().map(|node| Client::lazy(node)).collect::<Result<Vec<_>, _>>()?;
        let first = &clients[0];
        let (chain_id, prefix) = (first.chain_id().await?, first.prefix().await?);
        let market = first.market("BTC").await?;
        let (stop, stopped) = watch::channel(false);
        let ledger = Arc::<Mutex<Ledger>>::default();
        let shared = Shared { clients, chain_id, prefix, market, ledger: ledger.clone(), stop: stopped };
        for number in 0..traders {
            let mut sender = shared.sender(0, trader(number));
            let address = sender.address().to_owned();
            let message = deposit(&address, subaccount(&address, 0), COLLATERAL);
            sender.send_and_wait(&[message], &Fees::default(), Duration::from_secs(30)).await?;
        }
        let mut workers = JoinSet::new();
        for number in 0..traders {
            let random = ChaCha8Rng::seed_from_u64(seed ^ u64::from(number + 1).rotate_right(8));
            workers.spawn(shared.clone().work(number, random));
        }
        Ok(Self { ledger, stop, workers })
    }

    /// What is recorded so far.
    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Let all finish what they are at; what is recorded then.
    pub(crate) async fn finish(mut self) -> Ledger {
        self.stop.send_replace(true);
        while self.workers.join_next().await.is_some() {}
        std::mem::take(&mut *self.ledger())
    }
}

impl Shared {
    fn sender(&self, node: usize, key: Key) -> Sender {
        Sender::new(self.clients[node].clone(), key, &self.chain_id, &self.prefix)
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn work(mut self, number: u32, mut random: ChaCha8Rng) {
        let mut order = 0;
        while !*self.stop.borrow() {
            let node = random.gen_range(0..self.clients.len());
            order += 1;
            let transfer = random.gen_bool(0.4);
            let side = if random.gen() { Side::Buy } else { Side::Sell };
            let sender = self.sender(node, trader(number));
            let prepared = tokio::time::timeout(CALL, async {
                if transfer {
                    self.transfer(sender).await
                } else {
                    self.order(sender, side, (number, order)).await
                }
            });
            match prepared.await {
                Ok(Ok(tx)) => self.deliver(tx, transfer, node, &mut random).await,
                Ok(Err(client::Error::Unreachable { .. } | client::Error::Status { .. })) | Err(_) => {
                    self.ledger().unreached += 1;
                }
                Ok(Err(error)) => *self.ledger().refused.entry(error.to_string()).or_default() += 1,
            }
            let pause = Duration::from_millis(random.gen_range(50..300));
            let _ = tokio::time::timeout(pause, self.stop.wait_for(|stop| *stop)).await;
        }
    }

    async fn transfer(&self, mut sender: Sender) -> Result<SignedTx, client::Error> {
        let coin = Coin { denom: Denom::new("uusdc")?, amount: 1 };
        let to = sink().address().to_bech32(&self.prefix);
        let message = send(sender.address(), &to, &[coin]);
        sender.prepare(&[message], &Fees { gas: Some(GAS), ..Fees::default() }).await
    }

    /// Even traders let orders rest, odd ones take them.
    async fn order(
        &self,
        mut sender: Sender,
        side: Side,
        (number, order): (u32, u32),
    ) -> Result<SignedTx, client::Error> {
        let client = sender.client().clone();
        let (height, market) = (client.height().await?, client.market("BTC").await?);
        let price = market.oracle_subticks().unwrap_or_default();
        let takes = number % 2 == 1;
        let price = match side {
            Side::Buy if takes => price + price / 500,
            Side::Sell if takes => price - price / 500,
            _ => price,
        };
        let tick = u64::from(self.market.subticks_per_tick.max(1));
        let order = NewOrder {
            name: OrderName {
                subaccount: subaccount(sender.address(), 0),
                client_id: order,
                market: self.market.id,
            },
            side,
            quantums: self.market.step * 100,
            subticks: (price / tick * tick).max(tick),
            until: Until::Block(u32::try_from(height).unwrap_or(u32::MAX).saturating_add(10)),
            time_in_force: if takes { TimeInForce::Ioc } else { TimeInForce::Unspecified },
            reduce_only: false,
        };
        sender.prepare_free(&[order.place()], 0).await
    }

    /// Send it until somebody says in which block it is.
    async fn deliver(&self, tx: SignedTx, transfer: bool, mut node: usize, random: &mut ChaCha8Rng) {
        let hash = tx.hash();
        if transfer {
            self.ledger().transfers.insert(hash.clone());
        }
        let mut taken = false;
        for attempt in 0..TRIES {
            let broadcast = self.clients[node].broadcast(tx.bytes.clone());
            match tokio::time::timeout(CALL, broadcast).await {
                Ok(Ok(_)) if taken => self.ledger().again += 1,
                Ok(Ok(_)) => {
                    taken = true;
                    self.ledger().sent += 1;
                }
                // A second refusal may be because the first was taken: only the blocks know.
                Ok(Err(client::Error::Refused { codespace, code, .. })) if attempt == 0 => {
                    *self.ledger().refused.entry(format!("{codespace} {code}")).or_default() += 1;
                    return;
                }
                Ok(Err(_)) | Err(_) => {}
            }
            if let Some(height) = self.found(node, &hash).await {
                self.ledger().promises.push(Promise { hash, height, node });
                return;
            }
            node = random.gen_range(0..self.clients.len());
        }
        self.ledger().unknown += 1;
    }

    /// In which block a node says that a transaction is.
    async fn found(&self, node: usize, hash: &str) -> Option<u64> {
        let end = tokio::time::Instant::now() + ASKED;
        while tokio::time::Instant::now() < end {
            if let Ok(Ok(Some(outcome))) = tokio::time::timeout(CALL, self.clients[node].tx(hash)).await {
                return Some(outcome.height);
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        None
    }
}
