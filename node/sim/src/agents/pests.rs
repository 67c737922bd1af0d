//! Agents who want something else than to trade: to gain by rounding, or to make others suffer.

use perpetuals::Collateral;
use proto::dydxprotocol::clob as wire;
use proto::dydxprotocol::clob::order::{ConditionType, Side};
use scenario::any;
use types::{Address, MarketId};

use super::pen::Pen;
use crate::special;

/// Try to gain by rounding: single steps against its own other account, single quantums to and fro, positions that
/// change hands around a funding tick.
pub(super) fn shave(pen: &mut Pen<'_>, person: &str) {
    let terms = pen.terms();
    let other = format!("{person}/1");
    match pen.dice.within(0, 6) {
        0 => pen.transfer(person, &other, 1),
        1 => pen.transfer(&other, person, 1),
        2 => pen.withdraw(person, 1),
        3 => pen.deposit(&other, 1),
        4 => {
            let amount = pen.dice.within(1, 3);
            pen.transfer(person, &format!("{person}/7"), amount);
        }
        roll => {
            // Whole steps at odd ticks, so that a quote has most to round.
            let steps = if roll == 5 { 1 } else { pen.dice.within(1, 7) };
            let ticks = pen.dice.within(0, 200) * terms.tick;
            let price = pen.away(&terms, 0).saturating_sub(100 * terms.tick).max(terms.tick) + ticks;
            let (one, two) =
                if pen.dice.once_in(2) { (person, other.as_str()) } else { (other.as_str(), person) };
            let rest = pen.order(one, &terms, (Side::Sell, steps * terms.step, price));
            pen.place(one, rest);
            let take = pen.order(two, &terms, (Side::Buy, steps * terms.step, price));
            pen.place(two, take);
        }
    }
}

/// Fill what is bounded, and send money where it does not belong.
pub(super) fn grief(pen: &mut Pen<'_>, person: &str) {
    match pen.dice.within(0, 8) {
        0 => storm(pen, person),
        1 => churn(pen, person),
        2 => cross(pen, person),
        3 => arm(pen, person),
        4 => leverage(pen, person),
        5 | 6 => donate(pen, person),
        7 => dust(pen, person),
        _ => pen.withdraw(person, 1),
    }
}

/// Many small orders far away from the price.
fn storm(pen: &mut Pen<'_>, person: &str) {
    let terms = pen.terms();
    for _ in 0..pen.dice.within(5, 30) {
        let side = pen.side();
        let far = i64::try_from(pen.dice.within(50_000, 400_000)).unwrap_or_default();
        let price = pen.away(&terms, if side == Side::Buy { -far } else { far });
        let mut order = pen.order(person, &terms, (side, terms.step, price));
        if pen.dice.once_in(3) {
            order = pen.lasting(order, 400);
        }
        pen.place(person, order);
    }
}

/// One order that is replaced again and again.
fn churn(pen: &mut Pen<'_>, person: &str) {
    let terms = pen.terms();
    for _ in 0..pen.dice.within(3, 15) {
        let ppm = i64::try_from(pen.dice.within(10_000, 60_000)).unwrap_or_default();
        let (price, steps) = (pen.away(&terms, -ppm), pen.dice.within(1, 20));
        let order = pen.order(person, &terms, (Side::Buy, steps * terms.step, price));
        let mut order = pen.lasting(order, 300);
        if let Some(id) = &mut order.order_id {
            id.client_id = 990;
        }
        pen.replace(person, order);
    }
}

/// Orders of one account that would trade with each other.
fn cross(pen: &mut Pen<'_>, person: &str) {
    let terms = pen.terms();
    for side in [Side::Buy, Side::Sell, Side::Buy, Side::Sell] {
        let price = pen.away(&terms, if side == Side::Buy { 500 } else { -500 });
        let order = pen.order(person, &terms, (side, terms.step * 3, price));
        let message = special::more(order, pen.dice);
        pen.send(person, message);
    }
}

/// Triggers that wait side by side.
fn arm(pen: &mut Pen<'_>, person: &str) {
    let terms = pen.terms();
    for _ in 0..pen.dice.within(3, 12) {
        let side = pen.side();
        let price = pen.away(&terms, if side == Side::Buy { 2_000 } else { -2_000 });
        let mut order = pen.order(person, &terms, (side, terms.step, price));
        special::wait(pen.world, &mut order, pen.dice);
        order.condition_type = ConditionType::StopLoss.into();
        pen.place(person, order);
    }
}

fn leverage(pen: &mut Pen<'_>, person: &str) {
    let entry = wire::LeverageEntry {
        clob_pair_id: pen.terms().id,
        custom_imf_ppm: *pen.dice.pick(&[100_000, 333_333, 500_000, 1_000_000]),
    };
    let (subaccount_id, clob_pair_leverage) = (Some(pen.world.wire_id(person)), vec![entry]);
    pen.send(person, any(&wire::MsgUpdateLeverage { subaccount_id, clob_pair_leverage }));
}

/// Coins for pools, funds, the collector, nobody: whoever can take them must not be disturbed by them.
fn donate(pen: &mut Pen<'_>, person: &str) {
    let market = MarketId(pen.terms().id);
    let of = *pen.dice.pick(&[Collateral::Cross, Collateral::Isolated(market)]);
    let to = *pen.dice.pick(&[
        of.address(subaccounts::POOL),
        of.address(insurance::FUND),
        Address::module(bank::FEE_COLLECTOR),
        Address::module("nobody"),
        Address::default(),
    ]);
    let (to, amount) = (to.to_bech32(&pen.world.machine.chain().prefix), pen.dice.within(1, 1_000_003));
    pen.pay(person, to, amount);
}

/// People who get what they never asked for, whether they are there or not.
pub(crate) const STRANGERS: [&str; 6] = ["maker0", "whale", "gambler0", "stranger", "person0", "person1"];

/// Single quantums for accounts of others and for accounts that nobody has yet.
fn dust(pen: &mut Pen<'_>, person: &str) {
    let number = pen.dice.within(0, 127);
    let to = *pen.dice.pick(&STRANGERS);
    let to = if pen.dice.once_in(2) { to.to_owned() } else { format!("{to}/{number}") };
    let amount = pen.dice.within(1, 3);
    pen.transfer(person, &to, amount);
}
