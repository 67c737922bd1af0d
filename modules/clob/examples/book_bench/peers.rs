//! Order books of other people on the same operations.
//!
//! Neither knows accounts, so an order that meets one of its own account trades with it instead of removing it,
//! and neither knows when orders end. They match by price and time as we do.

use clob::{Order, Side, TimeInForce};
use matchcore::{
    AmendCmd, AmendPatch, CancelCmd, Command, CommandKind, CommandMeta, CommandOutcome, LimitOrder,
    LimitOrderPatch, NewOrder, OrderFlags, OrderKind, Price, Quantity, QuantityPolicy, SequenceNumber,
    SubmitCmd, Timestamp,
};

use crate::stream::Operation;

/// The crate `lobster`. An immediate-or-cancel order is a limit order that is cancelled at once; a move is a
/// cancel and a limit order, which it cannot name together.
#[derive(Default)]
pub(crate) struct Lobster(lobster::OrderBook);

impl Lobster {
    fn cancel(&mut self, client_id: u32) -> u64 {
        let event = self.0.execute(lobster::OrderType::Cancel { id: client_id.into() });
        u64::from(matches!(event, lobster::OrderEvent::Canceled { .. }))
    }

    fn limit(&mut self, order: &Order) -> u64 {
        let event = self.0.execute(lobster::OrderType::Limit {
            id: order.id.client_id.into(),
            side: if order.side == Side::Buy { lobster::Side::Bid } else { lobster::Side::Ask },
            qty: order.size.raw(),
            price: order.price.raw(),
        });
        match event {
            lobster::OrderEvent::PartiallyFilled { fills, .. }
            | lobster::OrderEvent::Filled { fills, .. } => fills.len() as u64,
            lobster::OrderEvent::Unfilled { .. }
            | lobster::OrderEvent::Placed { .. }
            | lobster::OrderEvent::Canceled { .. } => 0,
        }
    }

    pub(crate) fn run(&mut self, operation: &Operation) -> u64 {
        match operation {
            Operation::Cancel(id) => self.cancel(id.client_id),
            Operation::Place(order) => {
                let fills = self.limit(order);
                if order.time_in_force == TimeInForce::ImmediateOrCancel {
                    self.cancel(order.id.client_id);
                }
                fills
            }
            Operation::Move(order) => {
                self.cancel(order.id.client_id);
                self.limit(order)
            }
        }
    }
}

/// The crate `matchcore`. It names orders by the command that brought them; a table leads there from client
/// ids. A move is its own amendment of price, or a new order when the old one is gone.
pub(crate) struct Matchcore {
    book: matchcore::OrderBook,
    next: u64,
    names: Vec<u64>,
}

impl Default for Matchcore {
    fn default() -> Self {
        Self { book: matchcore::OrderBook::new("W1"), next: 0, names: Vec::new() }
    }
}

impl Matchcore {
    fn execute(&mut self, kind: CommandKind) -> CommandOutcome {
        let meta =
            CommandMeta { sequence_number: SequenceNumber(self.next), timestamp: Timestamp(self.next) };
        self.next += 1;
        self.book.execute(&Command { meta, kind })
    }

    fn name(&mut self, client_id: u32) -> &mut u64 {
        let at = client_id as usize;
        if at >= self.names.len() {
            self.names.resize(at * 2 + 64, u64::MAX);
        }
        &mut self.names[at]
    }

    fn submit(&mut self, order: &Order) -> u64 {
        *self.name(order.id.client_id) = self.next;
        let side = if order.side == Side::Buy { matchcore::Side::Buy } else { matchcore::Side::Sell };
        let immediate = order.time_in_force == TimeInForce::ImmediateOrCancel;
        let time_in_force = if immediate { matchcore::TimeInForce::Ioc } else { matchcore::TimeInForce::Gtc };
        let limit = LimitOrder::new(
            Price(order.price.raw()),
            QuantityPolicy::Standard { quantity: Quantity(order.size.raw()) },
            OrderFlags::new(side, false, time_in_force),
        );
        let outcome = self.execute(CommandKind::Submit(SubmitCmd { order: NewOrder::Limit(limit) }));
        u64::from(matches!(outcome, CommandOutcome::Applied(_)))
    }

    pub(crate) fn run(&mut self, operation: &Operation) -> u64 {
        match operation {
            Operation::Cancel(id) => {
                let order_id = matchcore::OrderId(*self.name(id.client_id));
                let cancel = CancelCmd { order_id, order_kind: OrderKind::Limit };
                u64::from(matches!(self.execute(CommandKind::Cancel(cancel)), CommandOutcome::Applied(_)))
            }
            Operation::Place(order) => self.submit(order),
            Operation::Move(order) => {
                let order_id = matchcore::OrderId(*self.name(order.id.client_id));
                let patch = LimitOrderPatch::new()
                    .with_price(Price(order.price.raw()))
                    .with_quantity_policy(QuantityPolicy::Standard { quantity: Quantity(order.size.raw()) });
                let amend = AmendCmd { order_id, patch: AmendPatch::Limit(patch) };
                match self.execute(CommandKind::Amend(amend)) {
                    CommandOutcome::Applied(_) => 1,
                    CommandOutcome::Rejected(_) => self.submit(order),
                }
            }
        }
    }
}
