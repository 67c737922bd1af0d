//! Words about orders: who, which side, how much, how long.

use borsh::{BorshDeserialize, BorshSerialize};
use core::fmt;
use num::{BaseQuantums, Ppm, Subticks};
use store::Key;
use types::{Address, MarketId, SubaccountId};

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

    /// The largest multiple of `step` that is not more; nothing when `step` is nothing.
    #[must_use]
    pub fn down_to(self, step: Self) -> Self {
        self.0.checked_rem(step.0).map_or(Self::ZERO, |rest| Self(self.0.saturating_sub(rest)))
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
    /// Flag 256: a slice of one with flag 128, placed by the chain and by nobody else.
    TwapSlice,
}

impl Kind {
    /// The kind that `flags` stands for; also that of the chain's own orders, which nobody may send.
    pub const fn from_flags(flags: u32) -> Option<Self> {
        match flags {
            0 => Some(Self::ShortTerm),
            32 => Some(Self::Conditional),
            64 => Some(Self::LongTerm),
            128 => Some(Self::Twap),
            256 => Some(Self::TwapSlice),
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
            Self::TwapSlice => 256,
        }
    }

    /// Whether it lives until a time, counts against equity tiers, and needs a sequence number.
    pub const fn is_stateful(self) -> bool {
        !matches!(self, Self::ShortTerm)
    }

    /// Whether orders of this kind may trade in the block that places them; the others wait.
    pub const fn may_take(self) -> bool {
        matches!(self, Self::ShortTerm | Self::LongTerm)
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

/// What happens when an order meets a resting one of the same subaccount. They never trade.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub enum SelfTrade {
    /// The resting order leaves, the new one goes on.
    #[default]
    CancelMaker,
    /// The rest of the new order is dropped, the resting one stays.
    CancelTaker,
    /// Both go.
    CancelBoth,
}

impl SelfTrade {
    /// Its name in events.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CancelMaker => "cancel_maker",
            Self::CancelTaker => "cancel_taker",
            Self::CancelBoth => "cancel_both",
        }
    }
}

/// Which way the price has to go before a conditional order lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub enum ConditionKind {
    /// Against the position: a buy waits for a higher price, a sell for a lower one.
    StopLoss,
    /// For the position: a buy waits for a lower price, a sell for a higher one.
    TakeProfit,
}

/// What a conditional order waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct Condition {
    /// Which way.
    pub kind: ConditionKind,
    /// The price that fires it, itself included; above 0.
    pub trigger: Subticks,
}

/// Who brought the order, and what they get for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct Builder {
    /// Where the fee goes.
    pub address: Address,
    /// Of the worth of each fill, in millionths, rounded up; 1 to 10,000.
    pub fee_ppm: u32,
}

/// How a TWAP order is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct Twap {
    /// Seconds in all, 300 to 86,400; a multiple of the interval.
    pub duration: u32,
    /// Seconds from slice to slice, 30 to 3,600.
    pub interval: u32,
    /// How far from the oracle price a slice without a price may trade; below 1,000,000.
    pub tolerance: Ppm,
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
    /// What happens when it meets an order of its own subaccount. Not part of its hash.
    pub self_trade: SelfTrade,
    /// Free for the client; the chain only repeats it.
    pub client_metadata: u32,
    /// What it waits for; of conditional orders, and of all of them.
    pub condition: Option<Condition>,
    /// Who brought it.
    pub builder: Option<Builder>,
    /// How it is cut; of TWAP orders, and of all of them.
    pub twap: Option<Twap>,
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
    /// Whether it took the place of a short-term order that was good til an earlier block, and must not come
    /// again when this one is filled.
    pub successor: bool,
}
