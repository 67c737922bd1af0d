//! Cases whose point is the load. They run a hundredth of it, and all of it with `BALLAST_FULL_LOAD=1`:
//!
//! ```text
//! BALLAST_FULL_LOAD=1 cargo test --release -p scenario --test cases load -- --nocapture --test-threads 1
//! ```
//!
//! Messages come without envelopes and signatures: what is loaded is the exchange.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use app::msg::Msg;
use app::{AppState, BlockOutcome};
use clob::Side as Book;
use proto::dydxprotocol::clob as wire;
use proto::dydxprotocol::clob::order::{GoodTilOneof, Side};
use proto::dydxprotocol::subaccounts::SubaccountId as WireId;
use scenario::{any, World};
use types::{Address, SubaccountId};

use crate::{book, world_with, BTC, COIN, DOLLAR, STEP, TICK, USD};

/// So much of a case's load as this run carries.
pub(crate) fn load(full: u64) -> u64 {
    if std::env::var("BALLAST_FULL_LOAD").is_ok() {
        full
    } else {
        full / 100
    }
}

/// A chain under load: many owners, blocks of bare messages, and how long the blocks took.
pub(crate) struct Load {
    pub(crate) world: World,
    pub(crate) owners: Vec<String>,
    messages: Vec<Msg>,
    times: Vec<Duration>,
}

pub(crate) fn owner(number: u64) -> Address {
    let mut bytes = [0x5a; 20];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    Address::new(bytes)
}

impl Load {
    /// So many owners, each with so many dollars in their first account.
    pub(crate) fn new(owners: u64, dollars: u64, change: impl FnOnce(&mut AppState)) -> Self {
        let mut world = world_with(&[], |app| {
            app.orders.equity_tiers.clear();
            app.orders.short_term_equity_tiers.clear();
            let (prefix, denom) = (app.prefix.clone(), app.collateral.clone());
            app.balances.extend((0..owners).map(|number| app::genesis::Balance {
                address: owner(number).to_bech32(&prefix),
                coins: vec![app::genesis::GenesisCoin {
                    denom: denom.clone(),
                    amount: (dollars.max(1) * USD).to_string(),
                }],
            }));
            change(app);
        });
        world.machine.full_checks = false;
        let prefix = world.machine.chain().prefix.clone();
        let owners: Vec<String> = (0..owners).map(|number| owner(number).to_bech32(&prefix)).collect();
        let mut load = Self { world, owners, messages: Vec::new(), times: Vec::new() };
        if dollars > 0 {
            for at in 0..load.owners.len() {
                let (sender, recipient) = (load.owners[at].clone(), Some(load.id(at)));
                load.add(&any(&proto::dydxprotocol::sending::MsgDepositToSubaccount {
                    sender,
                    recipient,
                    asset_id: 0,
                    quantums: dollars * USD,
                }));
            }
            assert_eq!(refused(&load.block()), BTreeMap::new());
        }
        load.times.clear();
        load
    }

    fn id(&self, at: usize) -> WireId {
        WireId { owner: self.owners[at].clone(), number: 0 }
    }

    pub(crate) fn add(&mut self, message: &cosmos_sdk_proto::Any) {
        let msg = Msg::decode(&message.type_url, &message.value, self.world.machine.chain());
        self.messages.push(msg.unwrap());
    }

    /// A short-term order; `block` is the last one that it lives in.
    pub(crate) fn order(&mut self, at: usize, id: u32, (side, size, price): (Side, u64, u64), block: u64) {
        let order = self.terms(at, id, (side, size, price), block);
        self.add(&any(&wire::MsgPlaceOrder { order: Some(order) }));
    }

    pub(crate) fn terms(
        &self,
        at: usize,
        id: u32,
        (side, size, price): (Side, u64, u64),
        block: u64,
    ) -> wire::Order {
        wire::Order {
            order_id: Some(wire::OrderId {
                subaccount_id: Some(self.id(at)),
                client_id: id,
                order_flags: 0,
                clob_pair_id: BTC,
            }),
            side: side.into(),
            quantums: size,
            subticks: price,
            good_til_oneof: Some(GoodTilOneof::GoodTilBlock(u32::try_from(block).unwrap())),
            ..wire::Order::default()
        }
    }

    /// Height of the block that comes next.
    pub(crate) fn next(&self) -> u64 {
        self.world.height() + 1
    }

    /// A second later, with everybody's prices as they are.
    pub(crate) fn block(&mut self) -> BlockOutcome {
        let messages = std::mem::take(&mut self.messages);
        let time = self.world.machine.last_block().1.plus_seconds(1);
        let began = Instant::now();
        let outcome = self.world.machine.rehearse(time, &self.world.prices, &messages).unwrap();
        self.times.push(began.elapsed());
        self.world.machine.take_changes();
        outcome
    }

    pub(crate) fn account(&self, at: usize) -> subaccounts::Subaccount {
        let id = SubaccountId { owner: owner(at as u64), number: 0 };
        subaccounts::get(self.world.machine.state(), &id)
    }

    /// Median and 99th percentile of the blocks, in milliseconds.
    pub(crate) fn percentiles(&mut self) -> (f64, f64) {
        self.times.sort();
        let at = |part: usize| self.times[(self.times.len() - 1) * part / 100].as_secs_f64() * 1e3;
        (at(50), at(99))
    }
}

/// How many messages were refused, by code.
pub(crate) fn refused(outcome: &BlockOutcome) -> BTreeMap<u32, usize> {
    let mut codes = BTreeMap::new();
    for refusal in outcome.results.iter().filter_map(|result| result.refusal.as_ref()) {
        *codes.entry(refusal.code).or_default() += 1;
    }
    codes
}

pub(crate) fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or_default() * 4_096
}

#[test]
fn mar_01_a_million_cycles_of_odd_sizes_pay_nobody_but_the_chain() {
    const MISER: i128 = 1_000 * USD as i128;
    let cycles = load(1_000_000);
    let mut load = Load::new(2, 1_000, |app| {
        app.orders.taker_band_ppm = 0;
        app.orders.short_term_rates.clear();
    });
    let collector = types::Address::module(bank::FEE_COLLECTOR);
    let denom = load.world.machine.chain().collateral.clone();
    let (mut id, mut done) = (0, 0);
    while done < cycles {
        let part = (cycles - done).min(2_000);
        let until = load.next();
        for cycle in done..done + part {
            let price = (1 + cycle % 7) * TICK;
            // Who made a trade takes the next one, and both are where they were.
            for (maker, taker) in [(0, 1), (1, 0)] {
                for (at, side) in [(maker, Side::Buy), (taker, Side::Sell)] {
                    id += 1;
                    load.order(at, id, (side, STEP * (1 + cycle % 3), price), until);
                }
            }
        }
        done += part;
        assert_eq!(refused(&load.block()), BTreeMap::new());
        let (miser, other) = (load.account(0), load.account(1));
        assert!(miser.positions.is_empty() && other.positions.is_empty(), "all is closed again");
        assert!(miser.quote.raw() <= MISER && other.quote.raw() <= MISER, "somebody has gained");
        let collected = bank::balance(load.world.machine.state(), &collector, &denom);
        let lost = 2 * MISER - miser.quote.raw() - other.quote.raw();
        assert_eq!(lost, i128::try_from(collected).unwrap(), "the chain has it, to the unit");
    }
    let lost = 2 * MISER - load.account(0).quote.raw() - load.account(1).quote.raw();
    assert!(lost >= i128::from(2 * cycles), "each trade costs its taker a quantum at least");
    let (median, most) = load.percentiles();
    println!(
        "MAR-01: {cycles} cycles of 4 orders, {lost} quantums to the chain, drift 0; block of 8,000 orders: \
         median {median:.1} ms, p99 {most:.1} ms"
    );
}

#[test]
fn ord_14_a_million_orders_of_ten_thousand_accounts_rest_and_no_more() {
    let accounts = load(10_000);
    let mut load = Load::new(accounts, 1_000, |app| {
        app.orders.max_resting = 100;
        app.orders.short_term_rates.clear();
        app.orders.max_block_fills = 10_000_000;
    });
    let before = resident();
    let mut id = 0;
    for round in 0..100 {
        for at in 0..load.owners.len() {
            id += 1;
            let (side, price) = if at % 2 == 0 { (Side::Buy, 20_000) } else { (Side::Sell, 40_000) };
            let price = (price + (at as u64 * 7 + round * 13) % 5_000) * DOLLAR;
            load.order(at, id, (side, STEP, price), load.next() + 40);
            // Few enough blocks that the first orders still live at the end.
            if load.messages.len() == 50_000 {
                assert_eq!(refused(&load.block()), BTreeMap::new());
            }
        }
    }
    assert_eq!(refused(&load.block()), BTreeMap::new());
    let orders: u32 = [Book::Buy, Book::Sell]
        .into_iter()
        .flat_map(|side| book(&load.world, side))
        .map(|(_, _, orders)| orders)
        .sum();
    assert_eq!(u64::from(orders), accounts * 100);
    let (median, most) = load.percentiles();
    let each = resident().saturating_sub(before) / (accounts * 100);
    for at in 0..load.owners.len() {
        load.order(at, u32::MAX, (Side::Buy, STEP, 19_000 * DOLLAR), load.next());
    }
    let full = refused(&load.block());
    assert_eq!(full, BTreeMap::from([(17, load.owners.len())]), "nobody has room for one more");
    println!(
        "ORD-14: {} orders of {accounts} accounts rest; block of up to 50,000 orders: median {median:.1} ms, \
         p99 {most:.1} ms; {each} bytes each with rows in memory",
        accounts * 100
    );
}

#[test]
fn ord_16_a_thousand_accounts_churn_at_their_limit_and_those_without_money_get_nothing() {
    let accounts = load(1_000);
    let mut load = Load::new(accounts, 1_000, |app| app.orders.max_resting = 1_000);

    let blocks = 5;
    for round in 0..blocks {
        let until = load.next();
        for at in 0..load.owners.len() {
            for turn in 0..201 {
                let id = round * 1_000 + turn;
                let price = (20_000 + u64::from(turn)) * DOLLAR;
                load.order(at, id, (Side::Buy, STEP, price), until);
                let order_id = load.terms(at, id, (Side::Buy, STEP, price), until).order_id;
                let good_til =
                    wire::msg_cancel_order::GoodTilOneof::GoodTilBlock(u32::try_from(until).unwrap());
                load.add(&any(&wire::MsgCancelOrder { order_id, good_til_oneof: Some(good_til) }));
            }
        }
        let refused = refused(&load.block());
        assert_eq!(
            refused,
            BTreeMap::from([(5001, 2 * load.owners.len())]),
            "402 messages, 400 of them heard"
        );
    }
    assert_eq!(book(&load.world, Book::Buy), []);
    let (median, most) = load.percentiles();
    println!(
        "ORD-16: {accounts} accounts, 402 messages each and block, 400 heard: median {median:.1} ms, \
         p99 {most:.1} ms"
    );
}

#[test]
fn ord_16_immediate_orders_without_money_are_refused_one_by_one() {
    let accounts = load(1_000);
    let mut load = Load::new(accounts + 1, 0, |app| app.orders.max_resting = 1_000);
    let rich = load.owners.len() - 1;
    let sender = load.owners[rich].clone();
    let denom = load.world.machine.chain().collateral.clone();
    assert_eq!(bank::balance(load.world.machine.state(), &owner(rich as u64), &denom), u128::from(USD));
    let recipient = Some(load.id(rich));
    load.add(&any(&proto::dydxprotocol::sending::MsgDepositToSubaccount {
        sender,
        recipient,
        asset_id: 0,
        quantums: USD,
    }));
    let until = load.next();
    load.order(rich, 1, (Side::Sell, STEP, 28_688 * DOLLAR), until + 20);
    load.block();
    load.times.clear();
    for round in 0..5 {
        for at in 0..rich {
            for turn in 0..401 {
                let price = 28_700 * DOLLAR;
                let until = load.next();
                let mut order = load.terms(at, round * 1_000 + turn, (Side::Buy, COIN, price), until);
                order.time_in_force = wire::order::TimeInForce::Ioc.into();
                load.add(&any(&wire::MsgPlaceOrder { order: Some(order) }));
            }
        }
        let refused = refused(&load.block());
        // A refused order counts among those that a block meets; whoever comes then meets nobody.
        let met = (400 * rich).min(50_000);
        assert_eq!(refused, BTreeMap::from([(3007, met), (5001, rich)]));
    }
    let held = |at: usize| load.account(at);
    assert!((0..rich).all(|at| held(at).positions.is_empty()));
    assert_eq!(book(&load.world, Book::Sell).len(), 1, "what nobody could pay for still rests");

    let (median, most) = load.percentiles();
    println!(
        "ORD-16: {accounts} accounts without money, 401 immediate orders each and block: median {median:.1} ms, \
         p99 {most:.1} ms"
    );
}

/// Whether the first owner's order of this size, at any price that the book has, is done: it goes on from block to
/// block. Answers the blocks that it took.
fn sweep(load: &mut Load, size: u64) -> u64 {
    let until = load.next() + 40;
    load.order(0, 1, (Side::Buy, size, 50_000 * DOLLAR), until);
    let mut blocks = 0;
    while !book(&load.world, Book::Sell).is_empty() && blocks < 40 {
        assert_eq!(refused(&load.block()), BTreeMap::new());
        blocks += 1;
    }
    blocks
}

#[test]
fn ord_15_forty_thousand_levels_are_swept_a_thousand_in_a_block() {
    // As many blocks as an order may live, and a thousand orders in each.
    let levels = load(40_000);
    let mut load = Load::new(2, 1_000_000_000, |app| {
        app.orders.taker_band_ppm = 0;
        app.orders.max_resting = 1_000_000;
        app.orders.short_term_rates.clear();
        app.orders.max_fills = u32::try_from(levels / 40).unwrap();
    });
    let until = load.next() + 40;
    for level in 0..levels {
        let id = u32::try_from(level).unwrap();
        load.order(1, id, (Side::Sell, STEP, (10_000 + level) * DOLLAR), until);
    }
    assert_eq!(refused(&load.block()), BTreeMap::new());
    load.times.clear();
    let blocks = sweep(&mut load, levels * STEP);
    assert_eq!(blocks, 40, "each block has its part");
    assert_eq!(load.account(0).size(types::MarketId(BTC)).raw(), i128::from(levels * STEP));
    let (median, most) = load.percentiles();
    println!("ORD-15: {levels} levels in {blocks} blocks: median {median:.1} ms, p99 {most:.1} ms");
}

#[test]
fn ord_19_ten_thousand_makers_without_money_are_swept_a_thousand_in_a_block() {
    let makers = load(10_000);
    let mut load = Load::new(makers + 1, 1_000, |app| {
        app.orders.taker_band_ppm = 0;
        app.orders.max_fills = u32::try_from(makers / 10).unwrap();
    });
    let until = load.next() + 40;
    for at in 1..load.owners.len() {
        // Far too cheap: whoever sells so owes more than they have.
        load.order(at, 1, (Side::Sell, COIN, 20_000 * DOLLAR), until);
    }
    assert_eq!(refused(&load.block()), BTreeMap::new());
    load.times.clear();
    let blocks = sweep(&mut load, COIN);
    assert_eq!(blocks, 10, "each block removes its part");
    assert!((0..load.owners.len()).all(|at| load.account(at).positions.is_empty()), "nobody could pay");
    let (median, most) = load.percentiles();
    println!(
        "ORD-19: {makers} makers without money in {blocks} blocks: median {median:.1} ms, p99 {most:.1} ms"
    );
}
