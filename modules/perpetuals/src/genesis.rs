//! Perpetuals and tiers at the start of a chain.

use alloc::vec::Vec;

use borsh::{BorshDeserialize, BorshSerialize};
use num::QuoteQuantums;
use store::{Ctx, Read};
use types::MarketId;

use crate::admin::set_open_interest_cap;
use crate::params::{MarketType, Params};
use crate::state::{
    all, isolated, module_params, tiers, Perpetual, Ramp, Tier, CAPS, ISOLATED, PARAMS, PERPETUALS, RAMPS,
    TIERS,
};
use crate::Error;

/// What the module starts with.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Genesis {
    /// Parameters of all markets.
    pub params: Params,
    /// Liquidity tiers, in rising order of number.
    pub tiers: Vec<Tier>,
    /// Perpetuals with their type, in rising order of market. Each needs an oracle market of the same number.
    pub perpetuals: Vec<(Perpetual, MarketType)>,
    /// Tiers on their way to other margins, in rising order of number.
    pub ramps: Vec<(u32, Ramp)>,
    /// Hard caps on open interest, in rising order of market.
    pub caps: Vec<(MarketId, QuoteQuantums)>,
}

/// Write `genesis` into a state that already has oracle markets and no perpetuals.
pub fn init(ctx: &mut Ctx<'_>, genesis: &Genesis) -> Result<(), Error> {
    genesis.params.check()?;
    PARAMS.set(ctx.state, &genesis.params);
    let mut last = None;
    for tier in &genesis.tiers {
        tier.check()?;
        if last.replace(tier.id) >= Some(tier.id) {
            return Err(Error::TierOrder(tier.id));
        }
        TIERS.set(ctx.state, &tier.id, tier);
    }
    let mut last = None;
    for (perpetual, market_type) in &genesis.perpetuals {
        perpetual.check()?;
        let market = perpetual.market;
        if last.replace(market) >= Some(market) {
            return Err(Error::Order(market));
        }
        if !TIERS.has(ctx.state, &perpetual.tier) {
            return Err(Error::NoTier(perpetual.tier));
        }
        if prices::params(ctx.state, market).is_none() {
            return Err(Error::NoMarket(market));
        }
        PERPETUALS.set(ctx.state, &market, perpetual);
        if *market_type == MarketType::Isolated {
            ISOLATED.set(ctx.state, &market, &true);
        }
    }
    for (tier, ramp) in &genesis.ramps {
        let old = TIERS.get(ctx.state, tier).ok_or(Error::NoTier(*tier))?;
        Tier { initial_margin: ramp.initial_margin, maintenance_fraction: ramp.maintenance_fraction, ..old }
            .check()?;
        RAMPS.set(ctx.state, tier, ramp);
    }
    for (market, cap) in &genesis.caps {
        set_open_interest_cap(ctx, *market, *cap)?;
    }
    Ok(())
}

/// The state as a genesis.
pub fn export(state: &dyn Read) -> Genesis {
    let isolated = isolated(state);
    let typed = |perpetual: Perpetual| {
        let own = isolated.contains(&perpetual.market);
        (perpetual, if own { MarketType::Isolated } else { MarketType::Cross })
    };
    Genesis {
        params: module_params(state),
        tiers: tiers(state),
        perpetuals: all(state).into_iter().map(typed).collect(),
        ramps: RAMPS.scan(state, &(), usize::MAX),
        caps: CAPS.scan(state, &(), usize::MAX),
    }
}
