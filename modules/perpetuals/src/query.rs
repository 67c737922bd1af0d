//! Read-only answers in wire form. Markets and tiers come from genesis and are few: lists are whole,
//! and pages are cut where they are asked for.

use alloc::vec::Vec;

use num::QuoteQuantums;
use proto::dydxprotocol::perpetuals as wire;
use proto::serint;
use store::Read;
use types::MarketId;

use crate::params::Collateral;
use crate::state::{all, collateral, module_params, perpetual, tiers, Perpetual, Tier, PERPETUALS};
use crate::Error;

/// `Perpetual`. Refused when it does not exist.
pub fn one_perpetual(
    state: &dyn Read,
    request: &wire::QueryPerpetualRequest,
) -> Result<wire::QueryPerpetualResponse, Error> {
    let market = MarketId(request.id);
    let perpetual = perpetual(state, market).ok_or(Error::NoPerpetual(market))?;
    Ok(wire::QueryPerpetualResponse { perpetual: Some(perpetual_to_wire(state, &perpetual)) })
}

/// `AllPerpetuals`, in order of market.
pub fn all_perpetuals(state: &dyn Read) -> Vec<wire::Perpetual> {
    all(state).iter().map(|one| perpetual_to_wire(state, one)).collect()
}

/// `AllLiquidityTiers`, in order of number.
pub fn all_liquidity_tiers(state: &dyn Read) -> Vec<wire::LiquidityTier> {
    tiers(state).iter().map(tier_to_wire).collect()
}

/// `Params`.
pub fn params(state: &dyn Read) -> wire::QueryParamsResponse {
    let params = module_params(state);
    wire::QueryParamsResponse {
        params: Some(wire::Params {
            funding_rate_clamp_factor_ppm: params.funding_rate_clamp_factor.raw(),
            premium_vote_clamp_factor_ppm: params.premium_vote_clamp_factor.raw(),
            min_num_votes_per_sample: params.min_num_votes_per_sample,
        }),
    }
}

/// `NextPerpetualId`: one above the highest.
pub fn next_perpetual_id(state: &dyn Read) -> wire::QueryNextPerpetualIdResponse {
    let last = PERPETUALS.last(state, &()).map(|(market, _)| market.0);
    wire::QueryNextPerpetualIdResponse { next_perpetual_id: last.map_or(0, |last| last.saturating_add(1)) }
}

/// `PremiumVotes`: always empty, because nobody votes on premiums here: `funding` reads the book.
pub fn premium_votes() -> wire::QueryPremiumVotesResponse {
    wire::QueryPremiumVotesResponse { premium_votes: Some(wire::PremiumStore::default()) }
}

/// `PremiumSamples`: always empty here; `funding` keeps the samples.
pub fn premium_samples() -> wire::QueryPremiumSamplesResponse {
    wire::QueryPremiumSamplesResponse { premium_samples: Some(wire::PremiumStore::default()) }
}

/// A perpetual in wire form.
pub fn perpetual_to_wire(state: &dyn Read, perpetual: &Perpetual) -> wire::Perpetual {
    let market_type = match collateral(state, perpetual.market) {
        Collateral::Cross => wire::PerpetualMarketType::Cross,
        Collateral::Isolated(_) => wire::PerpetualMarketType::Isolated,
    };
    wire::Perpetual {
        params: Some(wire::PerpetualParams {
            id: perpetual.market.0,
            ticker: perpetual.ticker.clone(),
            market_id: perpetual.market.0,
            atomic_resolution: perpetual.atomic_resolution,
            default_funding_ppm: perpetual.default_funding.raw(),
            liquidity_tier: perpetual.tier,
            market_type: market_type.into(),
        }),
        funding_index: serint::encode(perpetual.funding_index.raw()),
        open_interest: serint::encode(perpetual.open_interest.raw()),
    }
}

#[expect(deprecated, reason = "one field is deprecated and stays 0")]
fn tier_to_wire(tier: &Tier) -> wire::LiquidityTier {
    // Genesis bounds them, so that nothing is cut off here.
    let unsigned = |amount: QuoteQuantums| u64::try_from(amount.raw()).unwrap_or(u64::MAX);
    wire::LiquidityTier {
        id: tier.id,
        name: tier.name.clone(),
        initial_margin_ppm: tier.initial_margin.raw(),
        maintenance_fraction_ppm: tier.maintenance_fraction.raw(),
        base_position_notional: 0,
        impact_notional: unsigned(tier.impact_notional),
        open_interest_lower_cap: unsigned(tier.open_interest_lower_cap),
        open_interest_upper_cap: unsigned(tier.open_interest_upper_cap),
    }
}
