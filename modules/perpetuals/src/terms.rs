//! All that margin needs to know of one market.

use num::{BaseQuantums, FundingIndex, Ppm, Price, QuoteQuantums};
use store::Read;
use types::MarketId;

use crate::margin::{self, Caps};
use crate::state::{open_interest_cap, perpetual, tier, Tier};
use crate::Error;

/// Terms of a market, loaded once for many questions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Which market.
    pub market: MarketId,
    /// The oracle price stands for price times 10^price_exponent USD per coin.
    pub price_exponent: i32,
    /// A base quantum is 10^atomic_resolution coins.
    pub atomic_resolution: i32,
    /// Price times base quantums times 10^exponent is quote quantums.
    pub exponent: i32,
    /// Its liquidity tier.
    pub tier: Tier,
    /// Sum of all long positions.
    pub open_interest: BaseQuantums,
    /// What the open interest may be worth at most; nothing when there is no hard cap.
    pub open_interest_cap: Option<QuoteQuantums>,
    /// Funding paid per base quantum since the start.
    pub funding_index: FundingIndex,
}

/// Terms of `market`. Refused (code 1) when there is no such perpetual.
pub fn terms(state: &dyn Read, market: MarketId) -> Result<Terms, Error> {
    let perpetual = perpetual(state, market).ok_or(Error::NoPerpetual(market))?;
    let tier = tier(state, perpetual.tier).ok_or(Error::NoTier(perpetual.tier))?;
    let price_exponent = prices::params(state, market).ok_or(Error::NoMarket(market))?.exponent;
    Ok(Terms {
        market,
        price_exponent,
        atomic_resolution: perpetual.atomic_resolution,
        exponent: price_exponent.saturating_add(perpetual.atomic_resolution).saturating_add(6),
        tier,
        open_interest: perpetual.open_interest,
        open_interest_cap: open_interest_cap(state, market),
        funding_index: perpetual.funding_index,
    })
}

/// What one position is worth and requires.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Margin {
    /// Its signed worth.
    pub notional: QuoteQuantums,
    /// What its account must be worth to take on more.
    pub initial: QuoteQuantums,
    /// What its account must be worth not to be liquidated.
    pub maintenance: QuoteQuantums,
}

impl Terms {
    /// F1, F3 and F6 of one position at once; `custom` is the user's own initial margin share.
    pub fn margin(&self, base: BaseQuantums, price: Price, custom: Option<Ppm>) -> Result<Margin, Error> {
        let notional = self.notional(base, price)?;
        let share = self.initial_ppm(price)?.max(custom.unwrap_or_default());
        let of = |share| margin::share_of(notional, share).ok_or(Error::Overflow(self.market));
        let maintenance =
            margin::maintenance_margin(notional, self.tier.initial_margin, self.tier.maintenance_fraction);
        Ok(Margin {
            notional,
            initial: of(share)?,
            maintenance: maintenance.ok_or(Error::Overflow(self.market))?,
        })
    }

    /// F1: signed worth of `base` at `price`, toward zero.
    pub fn notional(&self, base: BaseQuantums, price: Price) -> Result<QuoteQuantums, Error> {
        margin::notional(base, price, self.exponent).ok_or(Error::Overflow(self.market))
    }

    /// F9: the largest open interest that the hard cap allows at `price`; nothing when there is no cap, zero when
    /// nobody knows the price or the number does not fit.
    pub fn most_open(&self, price: Option<Price>) -> Option<BaseQuantums> {
        let cap = self.open_interest_cap?;
        let most = price.and_then(|price| num::quote_to_base(cap, price, self.exponent));
        Some(most.unwrap_or(BaseQuantums::ZERO))
    }

    /// F5: initial margin share at the present open interest.
    pub fn initial_ppm(&self, price: Price) -> Result<Ppm, Error> {
        let caps =
            Caps { lower: self.tier.open_interest_lower_cap, upper: self.tier.open_interest_upper_cap };
        if caps.upper.is_zero() {
            return Ok(self.tier.initial_margin);
        }
        let open = self.notional(self.open_interest, price)?;
        margin::scaled_initial_ppm(self.tier.initial_margin, caps, open).ok_or(Error::Overflow(self.market))
    }

    /// F6: initial margin of `base`: the larger of the scaled share and the user's own, rounded up.
    pub fn initial_margin(
        &self,
        base: BaseQuantums,
        price: Price,
        custom: Option<Ppm>,
    ) -> Result<QuoteQuantums, Error> {
        let share = self.initial_ppm(price)?.max(custom.unwrap_or_default());
        margin::share_of(self.notional(base, price)?, share).ok_or(Error::Overflow(self.market))
    }

    /// F3: maintenance margin of `base`, rounded up twice.
    pub fn maintenance_margin(&self, base: BaseQuantums, price: Price) -> Result<QuoteQuantums, Error> {
        let notional = self.notional(base, price)?;
        margin::maintenance_margin(notional, self.tier.initial_margin, self.tier.maintenance_fraction)
            .ok_or(Error::Overflow(self.market))
    }

    /// F4: maintenance margin as a share of notional, rounded down.
    pub fn maintenance_ppm(&self) -> Ppm {
        margin::maintenance_ppm(self.tier.initial_margin, self.tier.maintenance_fraction)
    }

    /// F7: largest funding rate or premium, either way, in ppm.
    pub fn max_rate(&self, factor: Ppm) -> u64 {
        margin::max_rate(self.tier.initial_margin, self.tier.maintenance_fraction, factor)
    }
}
