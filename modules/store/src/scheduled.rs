//! What blocks do by themselves, item by item: each fails alone.

/// Kinds of items that a block carries out without a transaction that asks for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scheduled {
    /// A change of the authority.
    Change,
    /// The end of a resting order whose time is up.
    Expiry,
    /// The end of an order that waits, whose time is up.
    WaitingExpiry,
    /// The end of a resting order whose market is over.
    WindUp,
    /// A conditional order whose trigger has come.
    Trigger,
    /// A slice of a TWAP order.
    Slice,
    /// An order that goes on where the block before ended it.
    Parked,
    /// A measurement of a market's premium.
    Measure,
    /// A sample of a market's premiums.
    Sample,
    /// The funding of a market.
    Tick,
    /// A liquidation.
    Liquidation,
    /// A deleveraging.
    Deleveraging,
    /// Two positions closed against each other in a market that is over.
    Settlement,
}

impl Scheduled {
    /// Every kind.
    pub const ALL: [Self; 13] = [
        Self::Change,
        Self::Expiry,
        Self::WaitingExpiry,
        Self::WindUp,
        Self::Trigger,
        Self::Slice,
        Self::Parked,
        Self::Measure,
        Self::Sample,
        Self::Tick,
        Self::Liquidation,
        Self::Deleveraging,
        Self::Settlement,
    ];

    /// How a failure of it is counted.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Change => "change fails",
            Self::Expiry => "expiry fails",
            Self::WaitingExpiry => "expiry of a waiting order fails",
            Self::WindUp => "wind-up of an order fails",
            Self::Trigger => "trigger fails",
            Self::Slice => "slice fails",
            Self::Parked => "parked order fails",
            Self::Measure => "funding measure fails",
            Self::Sample => "funding sample fails",
            Self::Tick => "funding tick fails",
            Self::Liquidation => "liquidation fails",
            Self::Deleveraging => "deleveraging fails",
            Self::Settlement => "settlement fails",
        }
    }
}
