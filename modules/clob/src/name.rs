//! The hash that tells signed orders with the same id apart: SHA-256 of their bytes on the wire.
//!
//! Written without the structs of the wire and without memory of its own, because orders that end early are
//! named in the middle of a block. Fields stand in the order of their numbers, and those that are zero are left
//! out, but for the parts that an order always has.

use core::fmt;

use sha2::{Digest, Sha256};
use types::{Address, Chain};

use crate::order::{Builder, ConditionKind, GoodTil, Order, OrderId, Side, TimeInForce, Twap};

/// More than an order with the longest addresses has.
const MOST: usize = 384;

/// Kinds of fields.
const VARINT: u32 = 0;
const BYTES: u32 = 2;
const FIXED: u32 = 5;

/// Hash of an order.
pub fn hash(order: &Order, chain: &Chain) -> [u8; 32] {
    Sha256::digest(of_order(order, chain).bytes()).into()
}

fn of_order(order: &Order, chain: &Chain) -> Wire {
    let mut wire = Wire::default();
    wire.part(1, &of_id(&order.id, chain));
    wire.number(2, if order.side == Side::Buy { 1 } else { 2 });
    wire.number(3, order.size.raw());
    wire.number(4, order.price.raw());
    match order.good_til {
        // One of the two is always there, a zero too.
        GoodTil::Block(height) => wire.field(5, VARINT).varint(height.into()),
        GoodTil::Time(seconds) => wire.field(6, FIXED).put(&seconds.to_le_bytes()),
    }
    wire.number(
        7,
        match order.time_in_force {
            TimeInForce::Rest => 0,
            TimeInForce::ImmediateOrCancel => 1,
            TimeInForce::PostOnly => 2,
        },
    );
    wire.number(8, order.reduce_only.into());
    wire.number(9, order.client_metadata.into());
    if let Some(condition) = order.condition {
        wire.number(10, if condition.kind == ConditionKind::StopLoss { 1 } else { 2 });
        wire.number(11, condition.trigger.raw());
    }
    if let Some(Twap { duration, interval, tolerance }) = order.twap {
        let mut twap = Wire::default();
        twap.number(1, duration.into());
        twap.number(2, interval.into());
        twap.number(3, tolerance.raw().into());
        wire.part(12, &twap);
    }
    if let Some(Builder { address, fee_ppm }) = order.builder {
        let mut builder = Wire::default();
        builder.address(1, &address, chain);
        builder.number(2, fee_ppm.into());
        wire.part(13, &builder);
    }
    wire
}

fn of_id(id: &OrderId, chain: &Chain) -> Wire {
    let mut subaccount = Wire::default();
    subaccount.address(1, &id.subaccount.owner, chain);
    subaccount.number(2, id.subaccount.number.into());
    let mut wire = Wire::default();
    wire.part(1, &subaccount);
    if id.client_id != 0 {
        wire.field(2, FIXED).put(&id.client_id.to_le_bytes());
    }
    wire.number(3, id.kind.flags().into());
    wire.number(4, id.market.0.into());
    wire
}

/// Bytes of a message.
struct Wire {
    bytes: [u8; MOST],
    len: usize,
}

impl Default for Wire {
    fn default() -> Self {
        Self { bytes: [0; MOST], len: 0 }
    }
}

impl fmt::Write for Wire {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.put(text.as_bytes());
        Ok(())
    }
}

impl Wire {
    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    fn put(&mut self, bytes: &[u8]) {
        let end = self.len.saturating_add(bytes.len());
        if let Some(place) = self.bytes.get_mut(self.len..end) {
            place.copy_from_slice(bytes);
            self.len = end;
        }
    }

    fn varint(&mut self, mut value: u64) {
        while value > 0x7f {
            let [low, ..] = value.to_le_bytes();
            self.put(&[low | 0x80]);
            value >>= 7;
        }
        let [low, ..] = value.to_le_bytes();
        self.put(&[low]);
    }

    fn field(&mut self, number: u32, kind: u32) -> &mut Self {
        self.varint((number.wrapping_shl(3) | kind).into());
        self
    }

    fn number(&mut self, field: u32, value: u64) {
        if value != 0 {
            self.field(field, VARINT).varint(value);
        }
    }

    fn part(&mut self, field: u32, part: &Self) {
        self.field(field, BYTES).varint(u64::try_from(part.len).unwrap_or_default());
        self.put(part.bytes());
    }

    fn address(&mut self, field: u32, address: &Address, chain: &Chain) {
        let mut text = Self::default();
        if address.write_bech32(&chain.prefix, &mut text).is_ok() {
            self.part(field, &text);
        }
    }
}

#[cfg(test)]
mod tests {
    use num::{Ppm, Subticks};
    use types::{Denom, MarketId, SubaccountId};

    use super::*;
    use crate::msg::wire_order;
    use crate::order::{Condition, Kind, SelfTrade, Size};

    fn chain(prefix: &str) -> Chain {
        let collateral = Denom::new("uusdc").unwrap();
        Chain { chain_id: "test-1".into(), prefix: prefix.into(), collateral }
    }

    fn order() -> Order {
        Order {
            id: OrderId {
                subaccount: SubaccountId { owner: Address::new([7; 20]), number: 0 },
                market: MarketId(0),
                kind: Kind::ShortTerm,
                client_id: 0,
            },
            side: Side::Buy,
            price: Subticks::new(10),
            size: Size::new(5),
            good_til: GoodTil::Block(15),
            time_in_force: TimeInForce::Rest,
            reduce_only: false,
            self_trade: SelfTrade::CancelMaker,
            client_metadata: 0,
            condition: None,
            builder: None,
            twap: None,
        }
    }

    #[test]
    fn an_order_has_the_name_that_the_dydx_chain_gives_it() {
        let owner = Address::from_bech32("dydx199tqg4wdlnu4qjlxchpd7seg454937hjrknju4", "dydx").unwrap();
        let mut order = order();
        order.id.subaccount.owner = owner;
        let name = hash(&order, &chain("dydx"));
        let name = name.iter().map(|byte| alloc::format!("{byte:02x}"));
        let name: alloc::string::String = name.collect();
        assert_eq!(name, "a7ff5678fc54ff3b9f4a71a2c4149718ac4bf653679fffb8e0f847af36db355d");
    }

    #[test]
    fn every_part_of_an_order_is_in_its_name_as_on_the_wire() {
        let base = order();
        let id = |change: fn(&mut OrderId)| {
            let mut order = base;
            change(&mut order.id);
            order
        };
        let trigger = Subticks::new(u64::MAX);
        let twap = Twap { duration: 86_400, interval: 3_600, tolerance: Ppm::new(999_999) };
        let builder = Builder { address: Address::new([255; 20]), fee_ppm: 10_000 };
        let orders = [
            base,
            id(|id| id.client_id = u32::MAX),
            id(|id| id.kind = Kind::TwapSlice),
            id(|id| id.market = MarketId(300)),
            id(|id| id.subaccount.number = 128_000),
            Order { side: Side::Sell, price: Subticks::new(u64::MAX), size: Size::new(128), ..base },
            Order { price: Subticks::new(0), size: Size::new(0), good_til: GoodTil::Block(0), ..base },
            Order { good_til: GoodTil::Time(1_700_000_000), ..base },
            Order { good_til: GoodTil::Time(0), time_in_force: TimeInForce::ImmediateOrCancel, ..base },
            Order { time_in_force: TimeInForce::PostOnly, reduce_only: true, client_metadata: 127, ..base },
            Order { condition: Some(Condition { kind: ConditionKind::StopLoss, trigger }), ..base },
            Order { condition: Some(Condition { kind: ConditionKind::TakeProfit, trigger }), ..base },
            Order { twap: Some(twap), ..base },
            Order { twap: Some(Twap { tolerance: Ppm::new(0), ..twap }), ..base },
            Order { builder: Some(builder), twap: Some(twap), client_metadata: u32::MAX, ..base },
        ];
        for prefix in ["dydx", "ballast", "", &"x".repeat(45)] {
            let chain = chain(prefix);
            for order in &orders {
                let expected = proto::hash::order_hash(&wire_order(order, &chain));
                assert_eq!(hash(order, &chain), expected, "{order:?}");
            }
        }
    }
}
