//! Where an oracle vote's numbers come from: price sources, and the rule that makes one price of several.
//!
//! Reading order: [`Listed`] (what is priced), [`exact`] (a decimal text to a market's own units), [`Model`] (a
//! market that does not exist, from a seed), [`Replay`] (trades that were recorded), [`Outside`] (another process),
//! [`Watch`] (which quotes are prices), [`median()`].
//!
//! A source answers with what it has, at once; a price that is too old is not there. Never: a price that no
//! source gave, a decimal through floating point, or a file held in memory as a whole.

mod decimal;
mod median;
mod model;
mod outside;
mod replay;
mod track;
mod watch;

use std::collections::BTreeMap;

pub use decimal::exact;
pub use median::median;
pub use model::{Model, Scenario};
pub use outside::{answer, Outside, OutsideError};
pub use replay::{Replay, ReplayError, Span, Window};
pub use track::TrackError;
pub use watch::{Limits, Quote, Unfit, Watch};

/// Prices by market, in each market's own exponent.
pub type Prices = BTreeMap<u32, u64>;

/// A market that wants a price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its number.
    pub market: u32,
    /// Its name, `BTC-USD`.
    pub ticker: String,
    /// A price stands for itself times 10 to this power, in USD.
    pub exponent: i32,
    /// Its price before any source has spoken.
    pub price: u64,
}
