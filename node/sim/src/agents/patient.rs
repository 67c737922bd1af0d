//! Agents who wait for prices and moments, or send many operations at once.

use clob::Operation;
use proto::dydxprotocol::clob as wire;
use proto::dydxprotocol::clob::order::Side;

use super::pen::Pen;
use crate::crowd::USD;
use crate::special;

fn order(pen: &mut Pen<'_>, person: &str, most: i64) -> wire::Order {
    let terms = pen.terms();
    let side = pen.side();
    let value = pen.dice.within(10, 500) * USD;
    let size = pen.market.worth(&terms, value);
    let ppm = i64::try_from(pen.dice.within(0, u64::try_from(most).unwrap_or(1))).unwrap_or_default();
    let price = pen.away(&terms, if side == Side::Buy { ppm } else { -ppm });
    pen.order(person, &terms, (side, size, price))
}

/// An order that waits for a price, or one that is placed in slices.
pub(super) fn wait(pen: &mut Pen<'_>, person: &str) {
    let person = pen.account(person);
    let mut order = order(pen, &person, 15_000);
    if pen.dice.once_in(2) {
        special::wait(pen.world, &mut order, pen.dice);
    } else {
        special::slice(pen.world, &mut order, pen.dice);
    }
    pen.place(&person, order);
}

/// Orders of all kinds and cancels of what rests, in one message.
pub(super) fn batch(pen: &mut Pen<'_>, person: &str) {
    let mut orders = Vec::new();
    for _ in 0..pen.dice.within(1, 12) {
        let mut order = order(pen, person, 20_000);
        match pen.dice.within(0, 4) {
            0 => special::wait(pen.world, &mut order, pen.dice),
            1 => order = pen.lasting(order, 90),
            _ => {}
        }
        orders.push(order);
    }
    let books = pen.world.machine.books();
    let own = books.markets().flat_map(|market| {
        let side =
            |side| books.levels(market, side).flat_map(move |level| books.queue(market, side, level.price));
        side(clob::Side::Buy).chain(side(clob::Side::Sell))
    });
    let id = pen.world.id(person);
    let own = own.map(|resting| resting.order.id).filter(|order| order.subaccount == id);
    let gone = own.take(3).map(|order| wire::OrderId {
        subaccount_id: Some(pen.world.wire_id(person)),
        client_id: order.client_id,
        order_flags: order.kind.flags(),
        clob_pair_id: order.market.0,
    });
    let gone: Vec<_> = gone.collect();
    let operations: Vec<Operation> = special::operations(pen.world, orders, gone.into_iter(), pen.dice);
    let message = special::batch(pen.world, person, &operations, pen.dice);
    pen.send(person, message);
}
