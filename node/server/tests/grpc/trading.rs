//! Random trading on a host, block by block, next to the same machine that the test can look into.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cosmos_sdk_proto::Any;
use host::{Config, Host};
use proto::dydxprotocol::clob as wire;
use proto::dydxprotocol::clob::order::{ConditionType, GoodTilOneof, Side, TimeInForce};
use scenario::{Dice, World};
use server::{Limits, Server};
use tendermint_abci::Application;
use tendermint_proto::google::protobuf::Timestamp;
use tendermint_proto::v0_38::abci::{RequestFinalizeBlock, RequestInitChain, ValidatorUpdate};
use tendermint_proto::v0_38::crypto::{public_key::Sum, PublicKey};
use tendermint_proto::v0_38::types::{AbciParams, ConsensusParams};
use types::{MarketId, Time};

use crate::engine::FakeEngine;

pub(crate) const PEOPLE: [&str; 6] = ["ann", "ben", "cleo", "dan", "eve", "finn"];
pub(crate) const MARKETS: u32 = 3;

pub(crate) struct Trading {
    pub(crate) world: World,
    pub(crate) host: Host,
    pub(crate) dice: Dice,
    /// How long the host took for each block.
    pub(crate) took: Vec<Duration>,
    /// Markets that trade.
    pub(crate) markets: Vec<u32>,
    /// Short-term orders of a person in a block, at most.
    busy: u64,
    /// Orders that may rest: who, and their ids.
    placed: Vec<(&'static str, wire::OrderId)>,
    next: u32,
}

fn timestamp(time: Time) -> Option<Timestamp> {
    Some(Timestamp { seconds: time.seconds(), nanos: i32::try_from(time.subsec_nanos()).unwrap() })
}

impl Trading {
    /// A chain where everybody has money in their subaccount.
    pub(crate) fn new(seed: u64) -> Self {
        Self::with(seed, MARKETS, 4)
    }

    /// The same with so many markets, and at most so many short-term orders of a person in a block.
    pub(crate) fn with(seed: u64, markets: u32, busy: u64) -> Self {
        let mut app = World::devnet();
        // What a block does not need must not hide what it does.
        app.markets.truncate(usize::try_from(markets).unwrap());
        let markets = app.markets.iter().map(|market| market.id).collect();
        let key = ed25519_consensus::SigningKey::from([7; 32]).verification_key().to_bytes();
        let validator = app::GenesisValidator { public_key: key, power: 10 };
        let genesis = World::genesis(app, &PEOPLE, 1_000_000_000_000, vec![validator]);
        let host = Host::in_memory(Config { keep_heights: 2, ..Config::default() }, ());
        host.init_chain(RequestInitChain {
            time: timestamp(genesis.time),
            chain_id: genesis.chain_id.clone(),
            consensus_params: Some(ConsensusParams {
                abci: Some(AbciParams { vote_extensions_enable_height: 1 }),
                ..ConsensusParams::default()
            }),
            validators: vec![ValidatorUpdate {
                pub_key: Some(PublicKey { sum: Some(Sum::Ed25519(key.to_vec())) }),
                power: 10,
            }],
            app_state_bytes: serde_json::to_vec(&genesis.app).unwrap().into(),
            initial_height: 1,
        });
        let world = World::begin(&genesis);
        let (dice, took, placed) = (Dice::new(seed), Vec::new(), Vec::new());
        let mut trading = Self { world, host, dice, took, markets, busy, placed, next: 0 };
        for (person, amount) in PEOPLE.iter().zip([90_000, 60_000, 30_000, 20_000, 9_000, 6_000]) {
            let deposit = trading.world.deposit(person, amount * 1_000_000);
            trading.send(person, &[deposit]);
        }
        trading.block();
        trading
    }

    /// Stand a server in front of it.
    pub(crate) async fn serve(&self, limits: Limits) -> Server {
        let engine = Arc::new(FakeEngine::new(self.host.clone()));
        let address = "127.0.0.1:0".parse().unwrap();
        Server::start(address, self.host.clone(), engine, limits).await.unwrap()
    }

    pub(crate) fn send(&mut self, person: &str, messages: &[Any]) {
        let tx = self.world.sign(person, messages);
        self.world.submit(tx);
    }

    /// Execute what waits, on both.
    pub(crate) fn block(&mut self) {
        let input = self.world.propose();
        self.world.apply(&input).unwrap();
        let begun = Instant::now();
        let answer = self.host.finalize_block(RequestFinalizeBlock {
            txs: input.txs.iter().map(|tx| tx.clone().into()).collect(),
            height: i64::try_from(input.height).unwrap(),
            time: timestamp(input.time),
            ..RequestFinalizeBlock::default()
        });
        self.host.commit();
        self.took.push(begun.elapsed());
        assert_eq!(answer.tx_results.len(), input.txs.len());
    }

    /// A price of a market near the oracle's, on the tick.
    fn price(&mut self, market: u32) -> u64 {
        let pair = clob::pair(self.world.machine.state(), MarketId(market)).unwrap();
        let oracle = oracle_subticks(&self.world, market);
        let ticks = oracle / u64::from(pair.subticks_per_tick);
        let ticks = ticks * (1_000 - 12 + self.dice.within(0, 24)) / 1_000;
        ticks.max(1) * u64::from(pair.subticks_per_tick)
    }

    fn order(&mut self, person: &'static str) -> wire::Order {
        let market = *self.dice.pick(&self.markets);
        let pair = clob::pair(self.world.machine.state(), MarketId(market)).unwrap();
        let side = if self.dice.once_in(2) { Side::Buy } else { Side::Sell };
        let price = self.price(market);
        // Worth about 1,000 USD at most.
        let worth = 1_000_000_000_u128 * u128::from(self.dice.within(1, 100)) / 100;
        let exponent = u32::try_from(-pair.quantum_conversion_exponent).unwrap();
        let size = worth * 10_u128.pow(exponent) / u128::from(price);
        let steps = (u64::try_from(size).unwrap() / pair.step.raw()).max(1);
        self.next += 1;
        let client = if self.dice.once_in(4) { self.next / 2 } else { self.next };
        let mut order = self.world.order(person, market, client, (side, steps * pair.step.raw(), price));
        match self.dice.within(0, 9) {
            0 => order.time_in_force = TimeInForce::Ioc.into(),
            1 => order.time_in_force = TimeInForce::PostOnly.into(),
            2 => order.reduce_only = true,
            _ => {}
        }
        order
    }

    /// The same, but it lives until a time, or waits for a price.
    fn stateful(&mut self, person: &'static str) -> wire::Order {
        let mut order = self.order(person);
        let until = self.world.time().seconds() + 5 + i64::try_from(self.dice.within(0, 60)).unwrap();
        order.good_til_oneof = Some(GoodTilOneof::GoodTilBlockTime(u32::try_from(until).unwrap()));
        order.order_id.as_mut().unwrap().order_flags = 64;
        (order.time_in_force, order.reduce_only) = (0, false);
        if self.dice.once_in(3) {
            order.order_id.as_mut().unwrap().order_flags = 32;
            let kind = [ConditionType::StopLoss, ConditionType::TakeProfit];
            order.condition_type = (*self.dice.pick(&kind)).into();
            order.conditional_order_trigger_subticks = order.subticks;
        }
        order
    }

    /// A block of random trading.
    pub(crate) fn trade(&mut self) {
        for person in PEOPLE {
            for _ in 0..self.dice.within(0, self.busy) {
                let order = self.order(person);
                self.placed.push((person, order.order_id.clone().unwrap()));
                let place = self.world.place(order);
                self.send(person, &[place]);
            }
            let message = match self.dice.within(0, 7) {
                0 => self.world.deposit(person, self.dice.within(1, 100) * 1_000_000),
                1 => self.world.withdraw(person, self.dice.within(1, 100) * 1_000_000),
                2 => {
                    let to = *self.dice.pick(&PEOPLE);
                    self.world.transfer(person, to, self.dice.within(1, 50) * 1_000_000)
                }
                _ => {
                    let order = self.stateful(person);
                    self.placed.push((person, order.order_id.clone().unwrap()));
                    self.world.place(order)
                }
            };
            self.send(person, &[message]);
        }
        for _ in 0..self.dice.within(0, self.busy) {
            self.cancel();
        }
        for market in self.markets.clone() {
            let moved = self.dice.within(990, 1_010);
            let price = self.world.prices.get_mut(&MarketId(market)).unwrap();
            *price = num::Price::new(price.raw() * moved / 1_000 + 1);
        }
        self.block();
    }

    fn cancel(&mut self) {
        let Some(at) = u64::try_from(self.placed.len()).unwrap().checked_sub(1) else { return };
        let at = usize::try_from(self.dice.within(0, at)).unwrap();
        let (person, id) = self.placed.swap_remove(at);
        if id.order_flags == 0 {
            let until = u32::try_from(self.world.height() + 9).unwrap();
            let message = self.world.cancel(id, wire::msg_cancel_order::GoodTilOneof::GoodTilBlock(until));
            self.send(person, &[message]);
        }
    }
}

/// The oracle price of a market in subticks.
fn oracle_subticks(world: &World, market: u32) -> u64 {
    let state = world.machine.state();
    let price = prices::price(state, MarketId(market)).unwrap().price;
    let exponent = prices::params(state, MarketId(market)).unwrap().exponent;
    let perpetual = perpetuals::perpetual(state, MarketId(market)).unwrap();
    let pair = clob::pair(state, MarketId(market)).unwrap();
    let shift = perpetual.atomic_resolution + exponent + 6 - pair.quantum_conversion_exponent;
    let raw = u128::from(price.raw());
    let power = 10_u128.pow(shift.unsigned_abs());
    u64::try_from(if shift < 0 { raw / power } else { raw * power }).unwrap()
}
