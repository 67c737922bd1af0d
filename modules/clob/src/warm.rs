//! Asking memory at once for what the next operations need, so that one wait serves many of them.
//!
//! An operation follows a chain: hash, index, record, level, neighbours. Alone it waits for memory at each link.
//! Here some operations take each step together, and find everything near when their turn comes. Nothing changes
//! and nothing is answered.

use core::hint::black_box;
use num::Subticks;

use crate::batch::{Batch, Operation, Placing};
use crate::books::{Books, Glance, TOGETHER};
use crate::msg::Msg;
use crate::order::{GoodTil, Order, OrderId, Side};

/// Where an order would rest, and until when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rest {
    pub(crate) side: Side,
    pub(crate) price: Subticks,
    pub(crate) good_til: GoodTil,
}

impl Rest {
    pub(crate) const fn of(order: &Order) -> Self {
        Self { side: order.side, price: order.price, good_til: order.good_til }
    }
}

/// What is known of an operation before it runs: the order, and where it would rest.
pub(crate) type Ahead = (OrderId, Option<Rest>);

/// Look at what these messages will need, before they run. Worth it for some messages at a time, some dozens.
pub fn warm<'a>(books: &Books, msgs: impl IntoIterator<Item = &'a Msg>) {
    let single = msgs.into_iter().filter_map(|msg| match msg {
        Msg::Place(order) | Msg::PlaceMore { order, .. } => Some((order.id, Some(Rest::of(order)))),
        Msg::Cancel(cancel) => Some((cancel.id, None)),
        Msg::BatchCancel(_) | Msg::Batch(_) | Msg::Leverage(_) => None,
    });
    look(books, single, |_, _, _| 0);
}

/// The same for orders that come to rest whose owners had no reason to be near: also all that only they need.
pub(crate) fn warm_arrivals(books: &Books, orders: impl Iterator<Item = Ahead>) {
    look(books, orders, Books::glance_at_arrivals);
}

/// The same for the operations of a batch.
pub(crate) fn warm_batch(books: &Books, batch: &Batch) {
    let operations = batch.operations.iter().map(|operation| {
        let (market, client_id, rests) = match operation {
            Operation::Place(placing) | Operation::Replace(placing) => {
                let Placing { market, client_id, side, ticks, good_til, .. } = *placing;
                let tick = books.grid(market).map_or(0, |grid| grid.subticks_per_tick.into());
                let price = Subticks::new(ticks.saturating_mul(tick));
                (market, client_id, Some(Rest { side, price, good_til }))
            }
            Operation::Cancel { market, client_id, .. } => (*market, *client_id, None),
        };
        (OrderId { subaccount: batch.subaccount, market, kind: operation.kind(), client_id }, rests)
    });
    look(books, operations, |_, _, _| 0);
}

/// `besides` looks at what these operations need besides what all do.
fn look(
    books: &Books,
    mut ahead: impl Iterator<Item = Ahead>,
    besides: impl Fn(&Books, &[Ahead], &mut [Glance]) -> u64,
) {
    let mut glances = [Glance::NONE; TOGETHER];
    let Some(first) = ahead.next() else { return };
    let mut some = [first; TOGETHER];
    let mut count: usize = 1;
    loop {
        for (place, next) in some.iter_mut().skip(count).zip(ahead.by_ref()) {
            *place = next;
            count = count.saturating_add(1);
        }
        let Some(known) = some.get(..count).filter(|known| !known.is_empty()) else { return };
        black_box(books.glance(known, &mut glances));
        black_box(besides(books, known, &mut glances));
        count = 0;
    }
}
