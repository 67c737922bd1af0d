//! What somebody gains who knows the next price, or who makes one: nothing.

use num::Price;
use proto::dydxprotocol::clob::msg_cancel_order::GoodTilOneof;
use proto::dydxprotocol::clob::order::{Side, TimeInForce};
use proto::dydxprotocol::clob::OrderId;
use scenario::{tell, World};
use types::MarketId;

const BTC: MarketId = MarketId(0);
/// A hundredth of a coin.
const SIZE: u64 = 100_000_000;
/// Smallest step of an order's price.
const TICK: u64 = 100_000;

struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

fn equity(world: &World, person: &str) -> i128 {
    let risk = subaccounts::risk(world.machine.state(), &world.account(person));
    risk.unwrap().net_collateral.raw()
}

/// A maker quotes both sides around the price; an agent that knows the price of the next block takes whatever is
/// cheap at it, ahead of everybody who comes to the proposer. Answers what the agent gained, and how many blocks
/// had a quote of the block before that was worth taking.
fn play(seed: u64, maker_wakes: bool) -> (i128, u32) {
    let mut app = World::devnet();
    app.recovery.after_seconds = 0;
    let mut world = World::with(app, &["maker", "agent"], 1_000_000_000_000_000);
    for person in ["maker", "agent"] {
        let deposit = world.deposit(person, 900_000_000_000_000);
        assert_eq!(world.run(person, &[deposit]).refusal, None);
    }
    let (mut dice, mut quotes, mut worth) = (Dice(seed), Vec::<OrderId>::new(), 0);
    let mut gained = 0;
    let mut resting: Option<(u64, u64)> = None;
    for block in 0..50_u32 {
        // The next price, known to the agent before anybody's order is in a block: up or down by up to 1 %.
        let old = world.prices[&BTC].raw();
        let next = old / TICK * TICK * (990 + dice.below(21)) / 1_000 / TICK * TICK;
        world.prices.insert(BTC, Price::new(next));
        // Taken at the old quotes, that is a gain.
        worth += u32::from(resting.is_some_and(|(bid, ask)| next > ask || next < bid));
        let (mut txs, mut quoting) = (Vec::new(), Vec::new());
        for (side, limit) in [(Side::Buy, next), (Side::Sell, next)] {
            let id = 1_000 + 2 * block + u32::from(side == Side::Sell);
            let mut order = world.order("agent", 0, id, (side, SIZE, limit));
            order.time_in_force = TimeInForce::Ioc.into();
            txs.push(world.sign("agent", &[world.place(order)]));
        }
        if maker_wakes || block % 10 == 0 {
            let until = u32::try_from(world.height() + 12).unwrap();
            for id in quotes.drain(..) {
                quoting.push(world.sign("maker", &[world.cancel(id, GoodTilOneof::GoodTilBlock(until))]));
            }
            let spread = next / 1_000 / TICK * TICK;
            let (bid, ask) = (next - spread, next + spread);
            for (side, price) in [(Side::Buy, bid), (Side::Sell, ask)] {
                let id = 1 + 2 * block + u32::from(side == Side::Sell);
                let mut order = world.order("maker", 0, id, (side, SIZE * 10, price));
                order.time_in_force = TimeInForce::PostOnly.into();
                quotes.push(order.order_id.clone().unwrap());
                quoting.push(world.sign("maker", &[world.place(order)]));
            }
            resting = Some((bid, ask));
        }
        // What the agent has gained when the block is over, beside the same block without it.
        let mut without = world.twin();
        quoting.iter().for_each(|tx| without.submit(tx.clone()));
        without.block();
        txs.into_iter().chain(quoting).for_each(|tx| world.submit(tx));
        world.block();
        gained += equity(&world, "agent") - equity(&without, "agent");
    }
    (gained, worth)
}

#[test]
fn orc_17_who_knows_the_next_price_gains_nothing_from_makers_who_know_it_too() {
    let mut chances = 0;
    for seed in 1..=2 {
        let (gained, worth) = play(seed, true);
        assert!(gained <= 0, "seed {seed}: {gained} gained");
        chances += worth;
        // The same agent does gain from somebody who sleeps: it is not a poor trader.
        let (from_sleepers, _) = play(seed, false);
        assert!(from_sleepers > 0, "seed {seed}: {from_sleepers}");
    }
    println!("2 runs of 50 blocks: {chances} old quotes were worth taking, none was taken");
    assert!(chances > 40, "{chances}");
}

#[test]
fn orc_17_orders_of_a_block_meet_its_own_price_and_not_that_of_the_block_before() {
    tell(
        "fees 0% 0%
        band 5%
        oracle BTC 50000
        alice deposits 100000
        bob deposits 100000
        alice buys 1 BTC @ 48000
        # Within the band of the old price, and far from that of the block: nobody is sold so low.
        oracle BTC 60000
        bob sells 1 BTC @ 48000 ioc
        => no fill
        => oracle BTC 60000
        oracle BTC 50000
        bob sells 1 BTC @ 48000 ioc
        => fill 1 @ 48000",
    );
}

#[test]
fn orc_21_without_an_outside_price_nobody_trades_and_a_pumped_book_moves_no_margin() {
    tell(
        "fees 0% 0%
        band 5%
        oracle BTC 50000
        carl deposits 6000
        dave deposits 100000
        mallory deposits 1000000
        trudy deposits 1000000
        carl sells 1 BTC @ 50000
        dave buys 1 BTC @ 50000 ioc
        => fill 1 @ 50000
        => carl equity 6000
        # The book is pumped as far as takers may go, with oneself on the other side.
        mallory sells 1 BTC @ 52400
        trudy buys 1 BTC @ 52400 ioc
        => fill 1 @ 52400
        => no liquidation
        => carl equity 6000
        => oracle BTC 50000
        # Further is not possible.
        mallory sells 1 BTC @ 80000
        trudy buys 1 BTC @ 80000 ioc
        => no fill
        => no liquidation
        # Nobody outside knows a price any more: less risk only, and the book alone makes none.
        oracle BTC silent
        wait 31
        => oracle BTC stale
        trudy buys 1 BTC @ 51000
        => refused clob/20001
        blocks 50
        => oracle BTC stale
        => no liquidation
        => carl equity 6000",
    );
}
