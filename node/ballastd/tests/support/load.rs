//! A load on a node, what it was told, and a twin that was never disturbed.

use std::collections::BTreeMap;
use std::time::Duration;

use client::messages::{self, NewOrder, OrderName, Side, TimeInForce, Until};
use client::{Client, Error, Fees, Key, Keyring, Market, Sender};
use cosmos_sdk_proto::cosmos::base::tendermint::v1beta1 as wire;
use host::Host;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use tendermint_abci::Application;
use tendermint_proto::google::protobuf::Timestamp;
use tendermint_proto::v0_38::abci::{RequestFinalizeBlock, RequestInitChain, ValidatorUpdate};
use tendermint_proto::v0_38::crypto::{public_key::Sum, PublicKey};

use super::Home;

/// What clients were told, and may rely on.
#[derive(Default)]
pub struct Told {
    /// Highest height that was seen.
    pub height: u64,
    /// Transactions and the heights of their blocks.
    pub txs: BTreeMap<String, u64>,
    /// Transactions that were handed over.
    pub sent: u64,
}

impl Told {
    /// A transaction is in a block.
    fn hear(&mut self, hash: String, height: u64) {
        self.txs.insert(hash, height);
        self.height = self.height.max(height);
    }
}

/// Who makes the load.
pub struct Traders {
    alice: Sender,
    bob: Sender,
    market: Market,
}

impl Traders {
    pub async fn new(node: &str, keyring: &Keyring) -> Result<Self, Error> {
        let sender = |key: Key| async { Sender::connect(Client::connect(node).await?, key).await };
        let alice = sender(keyring.load("alice")?).await?;
        let bob = sender(keyring.load("bob")?).await?;
        let market = alice.client().market("BTC").await?;
        Ok(Self { alice, bob, market })
    }

    fn fees() -> Fees {
        let amount = client::parse_coins("50000uballast").unwrap();
        Fees { gas: Some(1_000_000), amount: Some(amount), ..Fees::default() }
    }

    /// Both get collateral to trade with.
    pub async fn deposit(&mut self, told: &mut Told) {
        for sender in [&mut self.alice, &mut self.bob] {
            let own = sender.address().to_owned();
            let deposit = messages::deposit(&own, messages::subaccount(&own, 0), 100_000_000_000);
            let outcome =
                sender.send_and_wait(&[deposit], &Self::fees(), Duration::from_secs(20)).await.unwrap();
            told.sent += 1;
            told.hear(outcome.hash, outcome.height);
        }
    }

    /// One round: coins are sent, orders meet. Refusals are part of it; a node that is gone ends it.
    pub async fn round(&mut self, told: &mut Told, random: &mut ChaCha8Rng) -> Result<(), Error> {
        let height = self.alice.client().height().await?;
        told.height = told.height.max(height);
        let until = Until::Block(u32::try_from(height).unwrap() + 10);
        let offset = random.gen_range(0..5) * u64::from(self.market.subticks_per_tick);
        for (sender, side) in [(&mut self.alice, Side::Sell), (&mut self.bob, Side::Buy)] {
            let order = NewOrder {
                name: OrderName {
                    subaccount: messages::subaccount(sender.address(), 0),
                    client_id: random.gen(),
                    market: self.market.id,
                },
                side,
                quantums: self.market.step * random.gen_range(1..20),
                subticks: self.market.oracle_subticks().unwrap() + offset,
                until,
                time_in_force: TimeInForce::Unspecified,
                reduce_only: false,
            };
            told.sent += u64::from(tolerate(sender.send_free(&[order.place()]).await)?.is_some());
        }
        let (from, to) = (self.alice.address().to_owned(), self.bob.address().to_owned());
        let coins = client::parse_coins("1uballast").unwrap();
        let message = messages::send(&from, &to, &coins);
        let Some(receipt) = tolerate(self.alice.send(&[message], &Self::fees()).await)? else {
            return Ok(());
        };
        told.sent += 1;
        if random.gen_ratio(1, 3) {
            let client = self.alice.client();
            if let Some(outcome) = tolerate(client.wait_for_tx(&receipt.hash, Duration::from_secs(5)).await)?
            {
                told.hear(outcome.hash, outcome.height);
            }
        }
        Ok(())
    }
}

/// An answer, or nothing when the chain refused; an error when the node is gone.
fn tolerate<T>(answer: Result<T, Error>) -> Result<Option<T>, Error> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(Error::Refused { .. } | Error::Late { .. }) => Ok(None),
        // A connection that breaks in the middle of a call shows in several ways.
        Err(error) => Err(error),
    }
}

/// Everything that was told still holds.
pub async fn check(client: &Client, told: &Told) {
    let height = client.height().await.unwrap();
    assert!(height >= told.height, "height {height} after {} was told", told.height);
    for (hash, height) in &told.txs {
        let found = client.tx(hash).await.unwrap().unwrap_or_else(|| panic!("{hash} was told and is gone"));
        assert_eq!(found.height, *height, "{hash}");
    }
}

pub async fn connect(node: &str) -> Client {
    for _ in 0..200 {
        if let Ok(client) = Client::connect(node).await {
            if client.prefix().await.is_ok() {
                return client;
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the node at {node} does not answer");
}

/// Execute the node's blocks in an application that was never disturbed; the state after each must be the one
/// that the next block commits to.
pub async fn compare_with_twin(client: &Client, home: &Home) -> (u64, usize) {
    let genesis = std::fs::read(home.file("config/genesis.json")).unwrap();
    let genesis = solo::Genesis::from_json(&genesis).unwrap();
    let twin = Host::in_memory(host::Config::default(), ());
    twin.init_chain(RequestInitChain {
        time: Some(genesis.time.into()),
        chain_id: genesis.chain_id.clone(),
        consensus_params: Some(genesis.params.clone()),
        validators: genesis
            .validators
            .iter()
            .map(|validator| ValidatorUpdate {
                pub_key: Some(PublicKey { sum: Some(Sum::Ed25519(validator.public_key.to_vec())) }),
                power: validator.power,
            })
            .collect(),
        app_state_bytes: genesis.app_state.to_string().into(),
        initial_height: 1,
    });
    let last = client.height().await.unwrap();
    let (mut expected, mut count) = (None, 0);
    for height in 1..=last {
        let request = wire::GetBlockByHeightRequest { height: i64::try_from(height).unwrap() };
        let path = "/cosmos.base.tendermint.v1beta1.Service/GetBlockByHeight";
        let answer: wire::GetBlockByHeightResponse = client.call(path, &request).await.unwrap();
        let block = answer.sdk_block.unwrap();
        let (header, txs) = (block.header.unwrap(), block.data.unwrap_or_default().txs);
        if let Some(expected) = expected {
            assert_eq!(header.app_hash, expected, "state after height {}", height - 1);
        }
        count += txs.len();
        let time = header.time.unwrap();
        let results = twin.finalize_block(RequestFinalizeBlock {
            txs: txs.into_iter().map(Into::into).collect(),
            height: header.height,
            time: Some(Timestamp { seconds: time.seconds, nanos: time.nanos }),
            ..RequestFinalizeBlock::default()
        });
        twin.commit();
        expected = Some(results.app_hash.to_vec());
    }
    (last, count)
}
