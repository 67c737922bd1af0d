//! Which quotes of a source are prices: judged by the times that the source itself gives, never by when they came.

use std::collections::BTreeMap;

/// A quote: when the source says it is from, in UNIX microseconds, and at what price, in the market's units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Time of the source.
    pub time: i64,
    /// Price.
    pub price: u64,
}

/// How long quotes are good for, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// From this age on a quote is old.
    pub old: i64,
    /// Further ahead than this a quote is from a clock that is wrong.
    pub ahead: i64,
    /// A price that stays the same for longer, whatever times it is given, is frozen.
    pub frozen: i64,
}

impl Default for Limits {
    /// A minute; five seconds; ten minutes.
    fn default() -> Self {
        Self { old: 60_000_000, ahead: 5_000_000, frozen: 600_000_000 }
    }
}

/// Why a market has no price from a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// Nothing came yet.
    Missing,
    /// The last quote is old.
    Old,
    /// It is from the future.
    Ahead,
    /// It has been the same for too long.
    Frozen,
    /// It is zero.
    Zero,
}

/// What one source said last of each market.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    limits: Limits,
    last: BTreeMap<u32, Last>,
}

#[derive(Clone, Copy, Debug)]
struct Last {
    quote: Quote,
    /// Time of the first quote of this price.
    since: i64,
}

impl Watch {
    /// A source of which nothing is known.
    pub fn new(limits: Limits) -> Self {
        Self { limits, last: BTreeMap::new() }
    }

    /// Note a quote that came at `now`, by our own clock. One that is not from after the last one is passed over: a
    /// source does not take back what it said. A last one from the future does not count, or a single wrong time
    /// would silence the source until then.
    pub fn note(&mut self, market: u32, quote: Quote, now: i64) {
        let last = self.last.get(&market).filter(|last| !self.is_ahead(last.quote, now));
        let since = match last {
            Some(last) if quote.time <= last.quote.time => return,
            Some(last) if quote.price == last.quote.price => last.since,
            _ => quote.time,
        };
        self.last.insert(market, Last { quote, since });
    }

    fn is_ahead(&self, quote: Quote, now: i64) -> bool {
        quote.time.saturating_sub(now) > self.limits.ahead
    }

    /// The price of `market` at `now`, by our own clock.
    pub fn price(&self, market: u32, now: i64) -> Result<u64, Unfit> {
        let Last { quote, since } = *self.last.get(&market).ok_or(Unfit::Missing)?;
        let age = now.saturating_sub(quote.time);
        match quote.price {
            0 => Err(Unfit::Zero),
            _ if age >= self.limits.old => Err(Unfit::Old),
            _ if self.is_ahead(quote, now) => Err(Unfit::Ahead),
            _ if quote.time.saturating_sub(since) > self.limits.frozen => Err(Unfit::Frozen),
            price => Ok(price),
        }
    }

    /// The last quote of `market`, whatever it is worth.
    pub fn last(&self, market: u32) -> Option<Quote> {
        self.last.get(&market).map(|last| last.quote)
    }

    /// Markets of which anything came.
    pub fn markets(&self) -> impl Iterator<Item = u32> + '_ {
        self.last.keys().copied()
    }
}
