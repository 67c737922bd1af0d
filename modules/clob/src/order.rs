//! Words about orders: who, which side, how much, how long.

use borsh::{BorshDeserialize, BorshSerialize};
use core::fmt;
use num::{BaseQuantums, Subticks};
use store::Key;
use types::{MarketId, SubaccountId};

/// Side of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub enum Side {
    /// Buys base, pays quote.
    Buy,
    /// Sells base, receives quote.
    Sell,
}

impl Side {
    /// The other side.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }

    /// What trading `size` on this side does to a position: positive for a buyer.
    pub fn signed(self, size: Size) -> BaseQuantums {
        match self {
            Self::Buy => size.base(),
            Self::Sell => -size.base(),
        }
    }

    /// F1: whether an order of this side with this limit trades with one that rests at `price`.
    pub fn crosses(self, limit: Subticks, price: Subticks) -> bool {
        match self {
            Self::Buy => price <= limit,
            Self::Sell => price >= limit,
        }
    }

    /// Its name in events: `buy` or `sell`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Buy => "buy",
            Self::Sell => "sell",
        }
    }
}

/// How much of an order: base quantums, never negative. Eight bytes, because two million of them rest.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct Size(u64);

impl Size {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// `quantums` base quantums.
    pub const fn new(quantums: u64) -> Self {
        Self(quantums)
    }

    /// Base quantums.
    pub const fn raw(self) -> u64 {
        self.0
    }

    /// Whether it is nothing.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// As an amount that accounts understand; not negative.
    pub fn base(self) -> BaseQuantums {
        BaseQuantums::new(self.0.into())
    }

    /// The size of `base` without its sign; as much as fits when it is larger than an order can be.
    pub fn of(base: BaseQuantums) -> Self {
        Self(u64::try_from(base.raw().unsigned_abs()).unwrap_or(u64::MAX))
    }

    /// This size less `other`; nothing when `other` is larger.
    #[must_use]
    pub const fn less(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// This size and `other`; the largest size when the sum is larger.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// Whether it is a multiple of `step`; false when `step` is nothing.
    pub fn is_multiple_of(self, step: Self) -> bool {
        self.0.checked_rem(step.0) == Some(0)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Kind of an order: part of its id, with the numbers that the wire calls flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub enum Kind {
    /// Flag 0: lives for at most forty blocks, free of gas and sequence.
    ShortTerm,
    /// Flag 32: waits for a price before it lives.
    Conditional,
    /// Flag 64: lives until a time.
    LongTerm,
    /// Flag 128: is placed in slices over time.
    Twap,
}

impl Kind {
    /// The kind that `flags` stands for. Flag 256 is for the chain's own orders and nobody may send it.
    pub const fn from_flags(flags: u32) -> Option<Self> {
        match flags {
            0 => Some(Self::ShortTerm),
            32 => Some(Self::Conditional),
            64 => Some(Self::LongTerm),
            128 => Some(Self::Twap),
            _ => None,
        }
    }

    /// Its flags on the wire.
    pub const fn flags(self) -> u32 {
        match self {
            Self::ShortTerm => 0,
            Self::Conditional => 32,
            Self::LongTerm => 64,
            Self::Twap => 128,
        }
    }

    /// Whether it lives until a time, counts against equity tiers, and needs a sequence number.
    pub const fn is_stateful(self) -> bool {
        !matches!(self, Self::ShortTerm)
    }
}

impl Key for Kind {
    fn write(&self, out: &mut store::KeyBytes) {
        self.flags().write(out);
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        Self::from_flags(u32::read(bytes)?)
    }
}

/// Names an order. The same client id may be used again under another kind or market.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct OrderId {
    /// Whose margin account trades.
    pub subaccount: SubaccountId,
    /// In which market.
    pub market: MarketId,
    /// Which kind.
    pub kind: Kind,
    /// Chosen by the client.
    pub client_id: u32,
}

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}/{}", self.subaccount, self.market, self.kind.flags(), self.client_id)
    }
}

/// Sorts by subaccount, market, flags, client id.
impl Key for OrderId {
    fn write(&self, out: &mut store::KeyBytes) {
        self.subaccount.write(out);
        self.market.write(out);
        self.kind.write(out);
        self.client_id.write(out);
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        Some(Self {
            subaccount: Key::read(bytes)?,
            market: Key::read(bytes)?,
            kind: Key::read(bytes)?,
            client_id: Key::read(bytes)?,
        })
    }
}

/// Until when an order lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub enum GoodTil {
    /// Through the block with this height: short-term orders.
    Block(u32),
    /// Until the block time reaches this, in seconds since 1970: all other orders.
    Time(u32),
}

/// What happens to the part that does not trade at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub enum TimeInForce {
    /// It rests.
    Rest,
    /// It is dropped.
    ImmediateOrCancel,
    /// It rests, and the order is refused if any part would trade at once.
    PostOnly,
}

/// Terms of an order, as its owner signed them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Order {
    /// Its name.
    pub id: OrderId,
    /// Buy or sell.
    pub side: Side,
    /// Worst price it accepts.
    pub price: Subticks,
    /// How much in all, traded parts included.
    pub size: Size,
    /// Until when.
    pub good_til: GoodTil,
    /// What happens to the part that does not trade at once.
    pub time_in_force: TimeInForce,
    /// Whether it may only make a position smaller.
    pub reduce_only: bool,
    /// Free for the client; the chain only repeats it.
    pub client_metadata: u32,
}

/// An order in a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Resting {
    /// Its terms.
    pub order: Order,
    /// What has not traded yet; never nothing.
    pub remaining: Size,
    /// Its turn: at a price the lower number trades first.
    pub sequence: u64,
}
