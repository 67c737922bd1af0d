//! What the authority may change about a market. Margins of tiers are changed elsewhere.

use alloc::string::String;

use num::{Ppm, QuoteQuantums, SignedPpm};
use store::Ctx;
use types::MarketId;

use crate::params::Params;
use crate::state::{module_params, perpetual, Perpetual, CAPS, PARAMS, PERPETUALS, TIERS};
use crate::Error;

/// Replace the parameters of all markets. Refused with the codes of [`Params::check`].
pub fn set_params(ctx: &mut Ctx<'_>, params: &Params) -> Result<(), Error> {
    params.check()?;
    PARAMS.set(ctx.state, params);
    Ok(())
}

/// Let money that leaves an account leave this share of the notional of its positions in it. Refused above the whole
/// (1005).
pub fn set_withdrawal_margin(ctx: &mut Ctx<'_>, share: Ppm) -> Result<(), Error> {
    let old = module_params(ctx.state.as_read());
    set_params(ctx, &Params { withdrawal_margin: share, ..old })
}

/// Replace name, default funding and liquidity tier of `market`. Everything else about it is for ever. Refused
/// when there is no such market (code 1) or tier (12), or a value is out of bounds (5, 6).
pub fn set_terms(
    ctx: &mut Ctx<'_>,
    market: MarketId,
    (ticker, default_funding, tier): (String, SignedPpm, u32),
) -> Result<(), Error> {
    let old = perpetual(ctx.state, market).ok_or(Error::NoPerpetual(market))?;
    if !TIERS.has(ctx.state, &tier) {
        return Err(Error::NoTier(tier));
    }
    let new = Perpetual { ticker, default_funding, tier, ..old };
    new.check()?;
    PERPETUALS.set(ctx.state, &market, &new);
    Ok(())
}

/// Let the open interest of `market` be worth `cap` quote quantums at most; 0 for no cap. What is open beyond it
/// stays. Refused when there is no such market (code 1) or the cap is out of bounds (1004).
pub fn set_open_interest_cap(ctx: &mut Ctx<'_>, market: MarketId, cap: QuoteQuantums) -> Result<(), Error> {
    perpetual(ctx.state, market).ok_or(Error::NoPerpetual(market))?;
    if u64::try_from(cap.raw()).is_err() {
        return Err(Error::OpenInterestCap(market));
    }
    if cap.is_zero() {
        CAPS.remove(ctx.state, &market);
    } else {
        CAPS.set(ctx.state, &market, &cap);
    }
    Ok(())
}
