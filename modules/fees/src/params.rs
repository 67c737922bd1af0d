//! Parameters and discounts, with the bounds they must keep.

use borsh::{BorshDeserialize, BorshSerialize};
use num::{Ppm, Round, SignedPpm};
use store::{Ctx, Read};
use types::{Address, MarketId, Time};

use crate::genesis::Genesis;
use crate::state::{FeeTier, DISCOUNTS, PARAMS, TIERS};
use crate::Error;

/// Longest window of volumes: one year.
pub const MAX_WINDOW_SECONDS: u32 = 31_622_400;

/// Longest discount: 90 days.
pub const MAX_DISCOUNT_SECONDS: i64 = 7_776_000;

/// Largest bound of builder fees: 10 %.
pub const MAX_BUILDER_CAP: Ppm = Ppm::new(100_000);

/// What can be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Params {
    /// How long a volume counts, in seconds; 3,600 to [`MAX_WINDOW_SECONDS`].
    pub window_seconds: u32,
    /// Part of the fees that goes to the insurance fund of the market; the rest goes to the collector.
    pub insurance_share: Ppm,
    /// Most that a builder may ask for, in ppm of a fill's quote quantums; at most [`MAX_BUILDER_CAP`].
    pub builder_cap: Ppm,
}

impl Default for Params {
    fn default() -> Self {
        Self { window_seconds: 2_592_000, insurance_share: Ppm::new(0), builder_cap: Ppm::new(10_000) }
    }
}

impl Params {
    /// Refuse values outside their bounds.
    pub fn check(&self) -> Result<(), Error> {
        if !(3_600..=MAX_WINDOW_SECONDS).contains(&self.window_seconds) {
            return Err(Error::Params("window_seconds"));
        }
        if self.insurance_share > Ppm::ONE {
            return Err(Error::Params("insurance_share"));
        }
        if self.builder_cap > MAX_BUILDER_CAP {
            return Err(Error::Params("builder_cap"));
        }
        Ok(())
    }
}

/// Lower fees in one market, from `start` on and before `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Discount {
    /// First moment.
    pub start: Time,
    /// First moment after it; at most 90 days later.
    pub end: Time,
    /// Part of the rate that is still charged; at most 100 %.
    pub charge: Ppm,
}

impl Discount {
    /// Refuse an empty or long window, and charges above the whole.
    pub fn check(&self, market: MarketId) -> Result<(), Error> {
        if self.start >= self.end || self.end > self.start.plus_seconds(MAX_DISCOUNT_SECONDS) {
            return Err(Error::DiscountWindow(market));
        }
        if self.charge > Ppm::ONE {
            return Err(Error::DiscountCharge { market, charge: self.charge.raw() });
        }
        Ok(())
    }

    /// Whether it holds at `now`: the start is in, the end is out.
    pub fn runs(&self, now: Time) -> bool {
        self.start <= now && now < self.end
    }
}

/// F3: what is left of `rate`: `trunc(rate * charge / 1e6)`, for rebates as well.
pub(crate) fn discounted(rate: SignedPpm, charge: Ppm) -> SignedPpm {
    let left = num::mul_div(rate.raw().into(), charge.raw().into(), 1_000_000, Round::Trunc);
    // Never larger than the rate, as the charge is at most the whole.
    left.and_then(|left| i32::try_from(left).ok()).map_or(rate, SignedPpm::new)
}

/// Replace the table of fees. In force from the next block on.
pub fn set_tiers(ctx: &mut Ctx<'_>, tiers: &[FeeTier]) -> Result<(), Error> {
    Genesis { tiers: tiers.to_vec(), ..Genesis::default() }.check()?;
    TIERS.set(ctx.state, &tiers.to_vec());
    Ok(())
}

/// Replace the parameters. In force from the next block on.
pub fn set_params(ctx: &mut Ctx<'_>, params: &Params) -> Result<(), Error> {
    params.check()?;
    PARAMS.set(ctx.state, params);
    Ok(())
}

/// Give `market` a discount, in place of the one it has. In force from the next block on.
pub fn set_discount(ctx: &mut Ctx<'_>, market: MarketId, discount: &Discount) -> Result<(), Error> {
    discount.check(market)?;
    DISCOUNTS.set(ctx.state, &market, discount);
    Ok(())
}

/// Take the discount of `market` away.
pub fn remove_discount(ctx: &mut Ctx<'_>, market: MarketId) {
    DISCOUNTS.remove(ctx.state, &market);
}

/// Refuse builder fees of nothing or beyond the cap, and builders that are modules: they could not be paid.
pub fn check_builder(state: &dyn Read, builder: &Address, fee: Ppm) -> Result<(), Error> {
    let cap = crate::state::params(state).builder_cap;
    if fee.is_zero() || fee > cap {
        return Err(Error::BuilderFee { fee: fee.raw(), cap: cap.raw() });
    }
    if bank::is_module(state, builder) {
        return Err(Error::BuilderBlocked(*builder));
    }
    Ok(())
}
