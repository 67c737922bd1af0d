//! Why this module refuses. Codes up to 11001 are those of the dYdX chain; 20001 and up are ours.

use alloc::boxed::Box;
use num::Subticks;
use subaccounts::UpdateResult;
use types::{Malformed, MarketId, Rejection, SubaccountId};

use crate::leverage::Senseless;
use crate::order::{OrderId, Size};

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A change of leverage that makes no sense.
    #[error(transparent)]
    Leverage(#[from] Senseless),
    /// The bytes are not a message.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The subaccount's id is not valid.
    #[error(transparent)]
    Subaccount(subaccounts::Error),
    /// An operation of a batch failed, and nothing of the batch has happened. Codespace and code are the cause's.
    #[error("operation {index}: {cause}")]
    Operation {
        /// Its place, from 0.
        index: usize,
        /// What refused it.
        cause: Box<Error>,
    },
    /// Moving fees failed.
    #[error(transparent)]
    Fees(#[from] fees::Error),
    /// Moving the insurance fund's money failed.
    #[error(transparent)]
    Insurance(#[from] insurance::Error),
    /// Neither buy nor sell.
    #[error("side {0} is neither buy (1) nor sell (2)")]
    Side(i32),
    /// No size.
    #[error("quantums must be above 0")]
    ZeroSize,
    /// A short-term order or cancel without a block.
    #[error("a short-term order or cancel needs a good til block above 0")]
    NoBlock,
    /// No price.
    #[error("subticks must be above 0")]
    ZeroPrice,
    /// Cancelled before it came.
    #[error("order {id} is cancelled until block {until}")]
    Cancelled {
        /// The order.
        id: OrderId,
        /// Until when.
        until: u32,
    },
    /// There is no such market.
    #[error("there is no clob pair {0}")]
    NoPair(MarketId),
    /// The cancel says nothing new.
    #[error("order {id} is cancelled until block {until} already")]
    CancelExists {
        /// The order.
        id: OrderId,
        /// Until when.
        until: u32,
    },
    /// Too late.
    #[error("good til block {until} is before block {height}")]
    BlockPassed {
        /// What was asked.
        until: u32,
        /// This block.
        height: u64,
    },
    /// Too early.
    #[error("good til block {until} is more than {window} blocks after block {height}")]
    BlockTooFar {
        /// What was asked.
        until: u32,
        /// This block.
        height: u64,
        /// The bound.
        window: u32,
    },
    /// Not a price of this market.
    #[error("subticks {price} is not a multiple of {tick}")]
    OffTick {
        /// What was asked.
        price: Subticks,
        /// Subticks in a tick.
        tick: u32,
    },
    /// Not a size of this market.
    #[error("quantums {size} is not a multiple of {step}")]
    OffStep {
        /// What was asked.
        size: Size,
        /// The step.
        step: Size,
    },
    /// Slices that do not fit.
    #[error("twap {0}")]
    TwapParameters(&'static str),
    /// Too many orders.
    #[error("subaccount {id} has {count} orders in clob pair {market}, the most there may be")]
    TooManyResting {
        /// Whose.
        id: SubaccountId,
        /// Where.
        market: MarketId,
        /// How many.
        count: u32,
    },
    /// The id rests, or an order that ended came after this one.
    #[error("order {0} cannot be replaced by this order")]
    Replacement(OrderId),
    /// Nothing of the order is left.
    #[error("order {id} has {left} left to fill, less than the step {step}")]
    FullyFilled {
        /// The order.
        id: OrderId,
        /// What is left.
        left: Size,
        /// The step.
        step: Size,
    },
    /// A cancel that ends before the order.
    #[error("order {id} lives until {until}, the cancel is good til {asked}")]
    CancelTooEarly {
        /// The order.
        id: OrderId,
        /// Until when it lives, seconds since 1970.
        until: u32,
        /// What was asked.
        asked: u32,
    },
    /// This very order was here before.
    #[error("order {0} was processed before")]
    Reprocessed(OrderId),
    /// The market does not trade.
    #[error("clob pair {0} does not take this order now")]
    NotActive(MarketId),
    /// A market cannot become that.
    #[error("clob pair {market} is {from} and cannot become {to} now")]
    Transition {
        /// Which.
        market: MarketId,
        /// What it is.
        from: &'static str,
        /// What was asked.
        to: &'static str,
    },
    /// No such time in force.
    #[error("there is no time in force {0}")]
    TimeInForce(i32),
    /// A batch that is empty, too long or names something twice.
    #[error("batch cancel {0}")]
    Batch(&'static str),
    /// Not one cancel of a batch succeeded.
    #[error("none of the {0} cancels succeeded")]
    BatchFailed(usize),
    /// A time in force that is no more.
    #[error("fill-or-kill is no longer accepted")]
    FillOrKill,
    /// A builder's fee out of bounds.
    #[error("builder code {0}")]
    BuilderCode(&'static str),
    /// Reduce-only without a position to reduce.
    #[error("reduce-only order {0} does not oppose a position")]
    ReduceOnly(OrderId),
    /// It would have traded.
    #[error("post-only order {0} would trade at once")]
    PostOnlyWouldCross(OrderId),
    /// It had its one chance.
    #[error("immediate-or-cancel order {0} has traded before")]
    ImmediateFilled(OrderId),
    /// A market of its own next to others.
    #[error("order {0} mixes an isolated market with another one")]
    Isolated(OrderId),
    /// No such kind of order.
    #[error("there are no orders with flags {0}")]
    Flags(u32),
    /// An order that lives until a time, without a time.
    #[error("this kind of order or cancel needs a good til block time above 0")]
    NoTime,
    /// An order cannot live long and not rest.
    #[error("a long-term order cannot be immediate-or-cancel")]
    LongTermImmediate,
    /// Too late.
    #[error("good til block time {until} is not after the previous block's time {time}")]
    TimePassed {
        /// What was asked, seconds since 1970.
        until: u32,
        /// The previous block's time.
        time: i64,
    },
    /// Too early.
    #[error("good til block time {until} is more than 95 days after the previous block's time {time}")]
    TimeTooFar {
        /// What was asked, seconds since 1970.
        until: u32,
        /// The previous block's time.
        time: i64,
    },
    /// The id rests already.
    #[error("order {0} exists")]
    Exists(OrderId),
    /// There is nothing to cancel.
    #[error("there is no order {0}")]
    NotFound(OrderId),
    /// The account cannot carry the order.
    #[error("subaccount {id} cannot carry the order: {code}")]
    Undercollateralized {
        /// Whose order.
        id: SubaccountId,
        /// What the account said.
        code: UpdateResult,
    },
    /// Too many messages.
    #[error("the owner has used up its {limit} {family} in {blocks} blocks")]
    RateLimit {
        /// Of what.
        family: &'static str,
        /// The bound.
        limit: u32,
        /// In so many blocks, this one included.
        blocks: u32,
    },
    /// A budget out of bounds.
    #[error("budget of {family}: {reason}")]
    RateParam {
        /// Of what.
        family: &'static str,
        /// What is wrong.
        reason: &'static str,
    },
    /// The price has come to this trigger already, and the orders that it woke are not placed yet.
    #[error("clob pair {market} places orders whose trigger was reached; {trigger} is among those")]
    Backlog {
        /// Which market.
        market: MarketId,
        /// What was asked.
        trigger: Subticks,
    },
    /// A condition that is none, or a kind that needs one.
    #[error("condition type {0} does not fit the kind of order")]
    Condition(i32),
    /// A trigger that does not fit.
    #[error("a trigger price belongs to conditional orders, and to all of them")]
    Trigger,
    /// Too many orders for what the account is worth.
    #[error(
        "subaccount {id} has {count} stateful orders, at most {limit} are allowed for its net collateral"
    )]
    EquityTier {
        /// Whose.
        id: SubaccountId,
        /// How many it has.
        count: u32,
        /// The bound.
        limit: u32,
    },
    /// Nobody registered that address.
    #[error("order router {0} is not registered")]
    Router(alloc::string::String),
    /// Nobody knows what the market is worth.
    #[error("the oracle price of clob pair {0} is stale")]
    StalePrice(MarketId),
    /// Size times price does not fit.
    #[error("quantums {size} at subticks {price} are worth too much")]
    TooLarge {
        /// Size.
        size: Size,
        /// Price.
        price: Subticks,
    },
    /// The market is as large as it may become.
    #[error("the open interest of clob pair {0} has reached its cap, only positions may be closed")]
    OpenInterestCap(MarketId),
    /// A batch that may have been signed before the ticks of its market became smaller.
    #[error(
        "ticks of clob pair {market} became smaller: the block of a batch, {height}, must be beyond {old}"
    )]
    Refined {
        /// The market.
        market: MarketId,
        /// The block until which the operation is good, or, when it lives until a time, the one that it is in.
        height: u64,
        /// The last block until which what was signed before may be good.
        old: u64,
    },
    /// A number does not fit.
    #[error("a trade in clob pair {0} does not fit the numbers")]
    Overflow(MarketId),
    /// A parameter out of bounds.
    #[error("{name} is {value}, it must be 1 to {most}")]
    Param {
        /// Which.
        name: &'static str,
        /// Its value.
        value: u32,
        /// The bound.
        most: u32,
    },
    /// Tiers out of order.
    #[error("equity tiers must require more and more")]
    EquityTiers,
    /// Units that make no sense.
    #[error("clob pair {market}: {reason}")]
    Pair {
        /// Which.
        market: MarketId,
        /// What is wrong.
        reason: &'static str,
    },
}

impl Error {
    /// The refusal of another module that this one passes on.
    fn inner(&self) -> Option<&dyn Rejection> {
        if let Self::Operation { cause, .. } = self {
            return Some(cause.as_ref());
        }
        if let Self::Malformed(inner) = self {
            return Some(inner);
        }
        if let Self::Subaccount(inner) = self {
            return Some(inner);
        }
        if let Self::Fees(inner) = self {
            return Some(inner);
        }
        if let Self::Insurance(inner) = self {
            return Some(inner);
        }
        None
    }
}

impl Rejection for Error {
    fn codespace(&self) -> &'static str {
        self.inner().map_or("clob", Rejection::codespace)
    }

    fn code(&self) -> u32 {
        match self {
            Self::Malformed(inner) => inner.code(),
            Self::Operation { cause, .. } => cause.code(),
            Self::Subaccount(inner) => inner.code(),
            Self::Fees(inner) => inner.code(),
            Self::Insurance(inner) => inner.code(),
            Self::Side(_) => 3,
            Self::ZeroSize => 4,
            Self::NoBlock => 5,
            Self::ZeroPrice => 6,
            Self::Cancelled { .. } => 7,
            Self::NoPair(_) => 8,
            Self::CancelExists { .. } => 9,
            Self::BlockPassed { .. } => 10,
            Self::BlockTooFar { .. } => 11,
            Self::OffTick { .. } | Self::OffStep { .. } | Self::TwapParameters(_) => 12,
            Self::TooManyResting { .. } => 17,
            Self::Replacement(_) => 20,
            Self::FullyFilled { .. } => 24,
            Self::CancelTooEarly { .. } => 29,
            Self::Reprocessed(_) => 30,
            Self::NotActive(_) => 34,
            Self::Transition { .. } => 35,
            Self::TimeInForce(_) => 44,
            Self::Batch(_) => 45,
            Self::BatchFailed(_) => 46,
            Self::FillOrKill => 48,
            Self::BuilderCode(_) => 50,
            Self::ReduceOnly(_) => 2_001,
            Self::PostOnlyWouldCross(_) => 2_003,
            Self::ImmediateFilled(_) => 2_004,
            Self::Isolated(_) => 2_005,
            Self::Flags(_) => 3_000,
            Self::NoTime => 3_001,
            Self::LongTermImmediate => 3_002,
            Self::TimePassed { .. } => 3_003,
            Self::TimeTooFar { .. } => 3_004,
            Self::Exists(_) => 3_005,
            Self::NotFound(_) => 3_006,
            Self::Undercollateralized { .. } => 3_007,
            Self::RateParam { .. } => 5_000,
            Self::RateLimit { .. } => 5_001,
            Self::Condition(_) => 6_000,
            Self::Trigger => 6_001,
            Self::EquityTier { .. } => 10_001,
            Self::Router(_) => 11_000,
            Self::Leverage(Senseless::Empty) => 11_002,
            Self::Leverage(Senseless::Share { .. }) => 11_003,
            Self::Leverage(Senseless::Twice(_)) => 11_004,
            Self::StalePrice(_) => 20_001,
            Self::TooLarge { .. } => 20_002,
            Self::Overflow(_) => 20_003,
            Self::Param { .. } => 20_004,
            Self::EquityTiers => 20_005,
            Self::Pair { .. } => 20_006,
            Self::Backlog { .. } => 20_010,
            Self::OpenInterestCap(_) => 20_011,
            Self::Refined { .. } => 20_012,
        }
    }
}
