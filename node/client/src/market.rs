//! A market's parameters, and the way between people's numbers (coins, USD a coin) and the chain's (base
//! quantums, subticks). Exact in both directions: what does not fit is refused, and its neighbours are named.

use crate::decimal::Decimal;

/// The collateral's smallest unit is 10^-6 USD.
const COLLATERAL_DIGITS: i32 = 6;

/// A number between two that fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Between {
    /// Which market.
    pub ticker: String,
    /// What was asked for: USD for a price, coins for a size.
    pub value: Decimal,
    /// The tick or step.
    pub unit: Decimal,
    /// Next lower number that fits; the unit itself when there is none.
    pub below: Decimal,
    /// Next higher number that fits.
    pub above: Decimal,
}

/// Why an order does not fit its market.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// The price is between two ticks.
    #[error("{}: price {} is not a multiple of the tick {}; the nearest are {} and {}",
            .0.ticker, .0.value, .0.unit, .0.below, .0.above)]
    Tick(Box<Between>),
    /// The size is between two steps.
    #[error("{}: size {} is not a multiple of the step {}; the nearest are {} and {}",
            .0.ticker, .0.value, .0.unit, .0.below, .0.above)]
    Step(Box<Between>),
    /// The size is less than one step.
    #[error("{}: size {} is less than the step {}, which is the least", .0.ticker, .0.value, .0.unit)]
    Small(Box<Between>),
    /// Price or size is zero or too large for the chain.
    #[error("{ticker}: {what} {value} must be above zero and below 2^64 of the smallest unit")]
    Range {
        /// Which market.
        ticker: String,
        /// `price` or `size`.
        what: &'static str,
        /// What was asked for.
        value: Decimal,
    },
    /// No such market.
    #[error("there is no market {name}; there are {known}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// Tickers that exist.
        known: String,
    },
}

/// A market: its parameters and its latest oracle price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Market {
    /// Its number, for everything: order book, perpetual, oracle price.
    pub id: u32,
    /// Its name, `BTC-USD`.
    pub ticker: String,
    /// A base quantum is 10 to this power of a coin.
    pub atomic_resolution: i32,
    /// Sizes are multiples of this many base quantums.
    pub step: u64,
    /// Prices are multiples of this many subticks.
    pub subticks_per_tick: u32,
    /// Quote quantums of one base quantum are subticks times 10 to this power.
    pub quantum_conversion_exponent: i32,
    /// State of the book as the wire has it; 1 is active.
    pub status: i32,
    /// The oracle price and its exponent; nothing before the first one.
    pub oracle: Option<(u64, i32)>,
    /// Open interest in base quantums.
    pub open_interest: i128,
    /// Number of its liquidity tier.
    pub liquidity_tier: u32,
}

impl Market {
    /// The order book price of `price` USD a coin. Refuses prices between ticks.
    pub fn subticks(&self, price: Decimal) -> Result<u64, OrderError> {
        let tick = u64::from(self.subticks_per_tick.max(1));
        match fit(price, self.price_power(), tick) {
            Fit::Exact(subticks) => Ok(subticks),
            Fit::Between(below, above) => Err(OrderError::Tick(Box::new(Between {
                ticker: self.ticker.clone(),
                value: price,
                unit: self.price(tick),
                below: self.price(below),
                above: self.price(above),
            }))),
            Fit::Outside => Err(self.out_of_range("price", price)),
        }
    }

    /// The base quantums of `size` coins. Refuses sizes between steps.
    pub fn quantums(&self, size: Decimal) -> Result<u64, OrderError> {
        let step = self.step.max(1);
        match fit(size, -self.atomic_resolution, step) {
            Fit::Exact(quantums) => Ok(quantums),
            Fit::Between(below, above) => {
                let between = Box::new(Between {
                    ticker: self.ticker.clone(),
                    value: size,
                    unit: self.size(step.into()),
                    below: self.size(below.into()),
                    above: self.size(above.into()),
                });
                Err(if below == above { OrderError::Small(between) } else { OrderError::Step(between) })
            }
            Fit::Outside => Err(self.out_of_range("size", size)),
        }
    }

    /// The oracle price of `price` USD a coin, rounded down. Refuses what is zero or too large, and any price
    /// before the market's first one.
    pub fn oracle_units(&self, price: Decimal) -> Result<u64, OrderError> {
        let units = self.oracle.and_then(|(_, exponent)| price.whole(-exponent));
        let units = units.and_then(|(units, _)| u64::try_from(units).ok()).filter(|units| *units > 0);
        units.ok_or_else(|| self.out_of_range("price", price))
    }

    fn out_of_range(&self, what: &'static str, value: Decimal) -> OrderError {
        OrderError::Range { ticker: self.ticker.clone(), what, value }
    }

    /// USD a coin of an order book price.
    pub fn price(&self, subticks: u64) -> Decimal {
        Decimal::scaled(subticks.into(), -self.price_power())
    }

    /// Coins of an amount of base quantums, sign left out.
    pub fn size(&self, quantums: u128) -> Decimal {
        Decimal::scaled(quantums, self.atomic_resolution)
    }

    /// The oracle price in USD a coin.
    pub fn oracle_price(&self) -> Option<Decimal> {
        self.oracle.map(|(price, exponent)| Decimal::scaled(price.into(), exponent))
    }

    /// The oracle price in subticks, rounded down to a tick; what bots quote around.
    pub fn oracle_subticks(&self) -> Option<u64> {
        let (whole, _) = self.oracle_price()?.whole(self.price_power())?;
        let tick = u128::from(self.subticks_per_tick.max(1));
        u64::try_from(whole / tick * tick).ok().filter(|subticks| *subticks > 0)
    }

    /// Subticks are USD a coin times 10 to this power.
    fn price_power(&self) -> i32 {
        COLLATERAL_DIGITS + self.atomic_resolution - self.quantum_conversion_exponent
    }
}

/// Collateral in USD, sign left out.
pub fn usd(quote_quantums: u128) -> Decimal {
    Decimal::scaled(quote_quantums, -COLLATERAL_DIGITS)
}

enum Fit {
    Exact(u64),
    Between(u64, u64),
    Outside,
}

/// `value * 10^power` as a multiple of `unit`.
fn fit(value: Decimal, power: i32, unit: u64) -> Fit {
    let Some((whole, exact)) = value.whole(power) else { return Fit::Outside };
    let Ok(whole) = u64::try_from(whole) else { return Fit::Outside };
    let below = whole - whole % unit;
    if exact && below == whole {
        return if whole == 0 { Fit::Outside } else { Fit::Exact(whole) };
    }
    match below.checked_add(unit) {
        // Zero is no price and no size: the next lower is then the smallest there is.
        Some(above) => Fit::Between(below.max(unit), above),
        None => Fit::Outside,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn market(atomic_resolution: i32, step: u64, subticks_per_tick: u32) -> Market {
        Market {
            id: 0,
            ticker: "BTC-USD".into(),
            atomic_resolution,
            step,
            subticks_per_tick,
            quantum_conversion_exponent: -9,
            status: 1,
            oracle: Some((2_868_819_524, -5)),
            open_interest: 0,
            liquidity_tier: 0,
        }
    }

    fn number(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn prices_and_sizes_become_the_chains_numbers_and_come_back() {
        // BTC: quantums of 10^-10 coins, subticks of 10^-5 USD; LINK: quantums of 10^-6, subticks of 10^-9.
        let (btc, link) = (market(-10, 1_000_000, 100_000), market(-6, 1_000_000, 1_000_000));
        for (market, price, subticks) in [
            (&btc, "28688", 2_868_800_000),
            (&btc, "1", 100_000),
            (&link, "7.204", 7_204_000_000),
            (&link, "0.001", 1_000_000),
        ] {
            assert_eq!(market.subticks(number(price)), Ok(subticks));
            assert_eq!(market.price(subticks), number(price));
        }
        for (market, size, quantums) in
            [(&btc, "1", 10_000_000_000), (&btc, "0.0001", 1_000_000), (&link, "250", 250_000_000)]
        {
            assert_eq!(market.quantums(number(size)), Ok(quantums));
            assert_eq!(market.size(quantums.into()), number(size));
        }
    }

    #[test]
    fn a_price_between_ticks_is_refused_with_its_neighbours() {
        let btc = market(-10, 1_000_000, 100_000);
        for (price, below, above) in
            [("28688.5", "28688", "28689"), ("0.3", "1", "1"), ("28688.0000001", "28688", "28689")]
        {
            let error = btc.subticks(number(price)).unwrap_err();
            let expected = Between {
                ticker: "BTC-USD".into(),
                value: number(price),
                unit: number("1"),
                below: number(below),
                above: number(above),
            };
            assert_eq!(error, OrderError::Tick(Box::new(expected)));
        }
        let text = btc.subticks(number("28688.5")).unwrap_err().to_string();
        let wanted =
            "BTC-USD: price 28688.5 is not a multiple of the tick 1; the nearest are 28688 and 28689";
        assert_eq!(text, wanted);
    }

    #[test]
    fn a_size_between_steps_is_refused_with_its_neighbours() {
        let btc = market(-10, 1_000_000, 100_000);
        let text = btc.quantums(number("0.00015")).unwrap_err().to_string();
        let wanted = "BTC-USD: size 0.00015 is not a multiple of the step 0.0001; \
                      the nearest are 0.0001 and 0.0002";
        assert_eq!(text, wanted);
        let text = btc.quantums(number("0.00001")).unwrap_err().to_string();
        assert_eq!(text, "BTC-USD: size 0.00001 is less than the step 0.0001, which is the least");
    }

    #[test]
    fn zero_and_what_is_too_large_is_refused() {
        let btc = market(-10, 1_000_000, 100_000);
        for value in ["0", "0.0", "999999999999999999999"] {
            assert!(matches!(btc.subticks(number(value)), Err(OrderError::Range { .. })), "{value}");
            assert!(matches!(btc.quantums(number(value)), Err(OrderError::Range { .. })), "{value}");
        }
        assert!(matches!(btc.quantums(number("1844674407.3709551616")), Err(OrderError::Range { .. })));
    }

    #[test]
    fn the_oracle_price_is_shown_in_full_and_quoted_on_a_tick() {
        let btc = market(-10, 1_000_000, 100_000);
        assert_eq!(btc.oracle_price().unwrap().to_string(), "28688.19524");
        assert_eq!(btc.oracle_subticks(), Some(2_868_800_000));
        let silent = Market { oracle: None, ..btc };
        assert_eq!((silent.oracle_price(), silent.oracle_subticks()), (None, None));
    }
}
