//! Traders. They know the node's address and their own keys, and ask and send what any stranger could.
//!
//! All act in turn, one after the other: what the node sees of them depends on seed and chain alone.

mod gambler;
mod maker;
mod orders;
mod taker;

use std::collections::BTreeMap;

use client::messages::{deposit, subaccount};
use client::{Client, Error, Fees, Market, Sender};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::devnet::accounts::Role;
use crate::failure::Failure;

/// Gas of a deposit, and what it costs at the devnet's lowest price.
const DEPOSIT_GAS: u64 = 200_000;
const DEPOSIT_FEE: &str = "5000uusdc";
/// Blocks after which a deposit that did not arrive is sent again.
const PATIENCE: u64 = 10;
/// Longest pause of a trader that is refused, in blocks.
const LONGEST_PAUSE: u64 = 32;

/// Markets as the traders see them at one height.
pub(crate) struct Sight {
    /// Height of the last block.
    pub(crate) height: u32,
    /// Those they trade in, with their latest prices.
    pub(crate) markets: Vec<Market>,
}

/// All traders of a devnet.
pub(crate) struct Crowd {
    client: Client,
    seed: u64,
    roles: Vec<(Role, usize)>,
    wanted: Vec<u32>,
    markets: Vec<Market>,
    traders: Vec<Trader>,
}

struct Trader {
    role: Role,
    number: usize,
    sender: Sender,
    random: ChaCha8Rng,
    funded: bool,
    deposited_at: Option<u64>,
    next_order: u32,
    /// Orders that may still rest: market and client id.
    resting: Vec<(u32, u32)>,
    /// Blocks to wait after the next refusal, and until which height this one waits.
    pause: u64,
    waits_until: u64,
}

impl Crowd {
    /// Traders with these roles, in these markets.
    pub(crate) fn new(client: Client, seed: u64, roles: &[(Role, usize)], markets: &[u32]) -> Self {
        let (roles, wanted) = (roles.to_vec(), markets.to_vec());
        Self { client, seed, roles, wanted, markets: Vec::new(), traders: Vec::new() }
    }

    /// What all do after the block at `height`. Refusals slow down whom they concern; an error means that the
    /// node does not answer.
    pub(crate) async fn act(&mut self, height: u64) -> Result<(), Failure> {
        if self.roles.is_empty() {
            return Ok(());
        }
        if self.traders.is_empty() {
            self.gather().await?;
        }
        let oracle = self.client.oracle_prices().await?;
        for market in &mut self.markets {
            market.oracle = oracle.get(&market.id).copied();
        }
        let height32 = u32::try_from(height).unwrap_or(u32::MAX);
        let sight = Sight { height: height32, markets: self.markets.clone() };
        for trader in &mut self.traders {
            trader.turn(&sight).await?;
        }
        Ok(())
    }

    /// Learn the markets and make the traders.
    async fn gather(&mut self) -> Result<(), Failure> {
        let (chain_id, prefix) = (self.client.chain_id().await?, self.client.prefix().await?);
        self.markets = self.client.markets().await?;
        self.markets.retain(|market| self.wanted.contains(&market.id));
        for (place, (role, number)) in (1_u64..).zip(&self.roles) {
            let mut random = ChaCha8Rng::seed_from_u64(self.seed);
            random.set_stream(place);
            self.traders.push(Trader {
                role: *role,
                number: *number,
                sender: Sender::new(self.client.clone(), role.key(*number)?, &chain_id, &prefix),
                random,
                funded: false,
                deposited_at: None,
                next_order: 1,
                resting: Vec::new(),
                pause: 1,
                waits_until: 0,
            });
        }
        Ok(())
    }
}

impl Trader {
    /// One turn: get money into the margin account, then do what the role does.
    async fn turn(&mut self, sight: &Sight) -> Result<(), Failure> {
        let height = u64::from(sight.height);
        if height < self.waits_until {
            return Ok(());
        }
        let done = if self.funded {
            match self.role {
                Role::Maker => self.quote(sight).await,
                Role::Taker => self.take(sight).await,
                Role::Gambler => self.gamble(sight).await,
            }
        } else {
            self.fund(height).await
        };
        match done {
            Ok(()) => self.pause = 1,
            Err(error @ (Error::Unreachable { .. } | Error::Answer { .. })) => return Err(error.into()),
            Err(error) => {
                tracing::info!(role = ?self.role, number = self.number, %error, "a trader pauses");
                self.waits_until = height + self.pause;
                self.pause = (self.pause * 2).min(LONGEST_PAUSE);
            }
        }
        Ok(())
    }

    async fn fund(&mut self, height: u64) -> Result<(), Error> {
        let address = self.sender.address().to_owned();
        if let Some(sent_at) = self.deposited_at {
            self.funded = self.sender.client().subaccount(&address, 0).await?.quote > 0;
            if self.funded || height < sent_at + PATIENCE {
                return Ok(());
            }
        }
        let message = deposit(&address, subaccount(&address, 0), self.role.stake());
        let amount = Some(client::parse_coins(DEPOSIT_FEE)?);
        let fees = Fees { gas: Some(DEPOSIT_GAS), amount, ..Fees::default() };
        self.deposited_at = Some(height);
        self.sender.send(&[message], &fees).await?;
        Ok(())
    }

    /// A client id that was not used yet.
    fn new_id(&mut self) -> u32 {
        self.next_order = self.next_order.wrapping_add(1);
        self.next_order
    }

    /// Forget resting orders; answers their ids by market.
    fn forget_resting(&mut self) -> Vec<(u32, Vec<u32>)> {
        let mut by_market: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (market, id) in self.resting.drain(..) {
            by_market.entry(market).or_default().push(id);
        }
        by_market.into_iter().collect()
    }
}
