//! Agents who want to trade: makers, takers, a whale, gamblers, one owner with many names.

use cosmos_sdk_proto::Any;
use proto::dydxprotocol::clob as wire;
use proto::dydxprotocol::clob::order::{Side, TimeInForce};
use scenario::any;

use super::pen::Pen;
use crate::crowd::USD;

/// Quote both sides; now and then take everything back, or shift a quote that lives longer.
pub(super) fn make(pen: &mut Pen<'_>, person: &str) {
    let terms = pen.terms();
    if pen.dice.once_in(12) {
        let message = cancel_all(pen, person, terms.id);
        return pen.send(person, message);
    }
    let value = pen.dice.within(100, 3_000) * USD;
    let size = pen.market.worth(&terms, value);
    let spread = i64::try_from(pen.dice.within(100, 6_000)).unwrap_or_default();
    for (side, ppm) in [(Side::Buy, -spread), (Side::Sell, spread)] {
        let price = pen.away(&terms, ppm);
        let mut order = pen.order(person, &terms, (side, size, price));
        if pen.dice.once_in(2) {
            order.time_in_force = TimeInForce::PostOnly.into();
        }
        if pen.dice.once_in(4) {
            let mut order = pen.lasting(order, 120);
            if let Some(id) = &mut order.order_id {
                id.client_id = if side == Side::Buy { 900 } else { 901 };
            }
            pen.replace(person, order);
        } else {
            pen.place(person, order);
        }
    }
}

fn cancel_all(pen: &Pen<'_>, person: &str, market: u32) -> Any {
    let books = pen.world.machine.books();
    let id = pen.world.id(person);
    let sides = [clob::Side::Buy, clob::Side::Sell];
    let market_id = types::MarketId(market);
    let levels = sides.into_iter().flat_map(|side| {
        books.levels(market_id, side).flat_map(move |level| books.queue(market_id, side, level.price))
    });
    let own = levels.filter(|resting| resting.order.id.subaccount == id);
    let short = own.filter(|resting| resting.order.id.kind == clob::Kind::ShortTerm);
    let client_ids = short.map(|resting| resting.order.id.client_id).take(100).collect();
    any(&wire::MsgBatchCancel {
        subaccount_id: Some(pen.world.wire_id(person)),
        short_term_cancels: vec![wire::OrderBatch { clob_pair_id: market, client_ids }],
        good_til_block: u32::try_from(pen.world.height() + 20).unwrap_or(u32::MAX),
    })
}

/// Take what rests, at times only to come out of a position.
pub(super) fn take(pen: &mut Pen<'_>, person: &str) {
    let terms = pen.terms();
    let person = pen.account(person);
    let held = pen.size(&person, &terms);
    if held != 0 && pen.dice.once_in(3) {
        let side = if held > 0 { Side::Sell } else { Side::Buy };
        let price = pen.away(&terms, if held > 0 { -30_000 } else { 30_000 });
        let size = u64::try_from(held.unsigned_abs()).unwrap_or(u64::MAX);
        let mut order = pen.order(&person, &terms, (side, size, price));
        (order.time_in_force, order.reduce_only) = (TimeInForce::Ioc.into(), true);
        return pen.place(&person, order);
    }
    let value = pen.dice.within(10, 2_000) * USD;
    let size = pen.market.worth(&terms, value);
    let side = pen.side();
    pen.sweep(&person, &terms, (side, size));
}

/// Trade most of what margin carries, or take most of what is free away.
pub(super) fn heave(pen: &mut Pen<'_>, person: &str) {
    let terms = pen.terms();
    let person = pen.account(person);
    let worth = pen.worth(&person);
    match pen.dice.within(0, 5) {
        0 => {
            let sum = pen.free(&person) / 10 * pen.dice.within(1, 9);
            pen.withdraw(&person, sum.max(1));
        }
        1 => pen.deposit(&person, worth / 20 + 1),
        2 | 3 => {
            let side = pen.side();
            let size = pen.market.worth(&terms, worth / 10 * pen.dice.within(1, 40));
            let price = pen.away(&terms, if side == Side::Buy { -8_000 } else { 8_000 });
            let order = pen.order(&person, &terms, (side, size, price));
            let order = pen.lasting(order, 200);
            pen.place(&person, order);
        }
        _ => {
            let side = pen.side();
            let size = pen.market.worth(&terms, worth / 10 * pen.dice.within(1, 30));
            pen.sweep(&person, &terms, (side, size));
        }
    }
}

/// All on one card, with the most leverage; come back with new money when nothing is left.
pub(super) fn gamble(pen: &mut Pen<'_>, person: &str) {
    let terms = pen.terms();
    let person = pen.account(person);
    let worth = pen.worth(&person);
    if worth < 20 * USD {
        let amount = pen.dice.within(20, 400) * USD;
        return pen.deposit(&person, amount);
    }
    let share = perpetuals::perpetual(pen.world.machine.state(), types::MarketId(terms.id))
        .and_then(|perpetual| perpetuals::tier(pen.world.machine.state(), perpetual.tier))
        .map_or(1_000_000, |tier| u64::from(tier.initial_margin.raw().max(1)));
    let most = u128::from(worth) * 1_000_000 / u128::from(share) * u128::from(pen.dice.within(60, 99)) / 100;
    let size = pen.market.worth(&terms, u64::try_from(most).unwrap_or(1 << 50));
    let side = pen.side();
    if pen.dice.once_in(3) {
        let price = pen.away(&terms, if side == Side::Buy { 1_000 } else { -1_000 });
        let order = pen.order(&person, &terms, (side, size, price));
        pen.place(&person, order);
    } else {
        pen.sweep(&person, &terms, (side, size));
    }
}

/// Many names: all push the same way, trade with each other at a price of their choice, or pass money around.
pub(super) fn herd(pen: &mut Pen<'_>, people: &[&str]) {
    let terms = pen.terms();
    let side = pen.side();
    let size = pen.market.worth(&terms, pen.dice.within(10, 300) * USD);
    match pen.dice.within(0, 3) {
        0 => people.iter().for_each(|person| pen.sweep(person, &terms, (side, size))),
        1 => {
            let (from, to) = (*pen.dice.pick(people), *pen.dice.pick(people));
            let ppm = i64::try_from(pen.dice.within(0, 160_000)).unwrap_or_default() - 80_000;
            let price = pen.away(&terms, ppm);
            let rest = pen.order(from, &terms, (side, size, price));
            pen.place(from, rest);
            let other = if side == Side::Buy { Side::Sell } else { Side::Buy };
            let take = pen.order(to, &terms, (other, size, price));
            pen.place(to, take);
        }
        2 => {
            let (from, to) = (*pen.dice.pick(people), *pen.dice.pick(people));
            let sum = pen.free(from) / 2;
            pen.transfer(from, &format!("{to}/1"), sum.max(1));
        }
        _ => {
            let (from, to) = (*pen.dice.pick(people), *pen.dice.pick(people));
            let (sum, to) = (pen.dice.within(1, 50 * USD), pen.world.address(to));
            pen.pay(from, to, sum);
        }
    }
}
