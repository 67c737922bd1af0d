//! Markets and prices at the start of a chain.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use borsh::{BorshDeserialize, BorshSerialize};
use store::{Ctx, Read};
use types::MarketId;

use crate::params::{MarketParams, Params};
use crate::state::{
    markets, module_params, pulse, OraclePrice, Pulse, MARKETS, NETWORK, PARAMS, PRICES, SILENT,
};
use crate::Error;

/// What the module starts with.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Genesis {
    /// When any price was last agreed on; nothing on a new chain.
    pub network: Pulse,
    /// Blocks in a row that validators were silent in, in rising order of consensus address.
    pub silent: Vec<([u8; 20], u32)>,
    /// Parameters of all markets.
    pub params: Params,
    /// Markets, in rising order.
    pub markets: Vec<MarketParams>,
    /// Prices of markets that have one, in rising order of market.
    pub prices: Vec<(MarketId, OraclePrice)>,
}

/// Write `genesis` into an empty state.
pub fn init(ctx: &mut Ctx<'_>, genesis: &Genesis) -> Result<(), Error> {
    genesis.params.check()?;
    PARAMS.set(ctx.state, &genesis.params);
    if genesis.network.height > 0 {
        NETWORK.set(ctx.state, &genesis.network);
    }
    for (validator, blocks) in &genesis.silent {
        SILENT.set(ctx.state, validator, blocks);
    }
    let mut last = None;
    let mut pairs = BTreeSet::new();
    for market in &genesis.markets {
        market.check()?;
        if last.replace(market.market) >= Some(market.market) {
            return Err(Error::Order(market.market));
        }
        if !pairs.insert(&market.pair) {
            return Err(Error::PairTaken(market.market));
        }
        MARKETS.set(ctx.state, &market.market, market);
    }
    let mut last = None;
    for (market, price) in &genesis.prices {
        if last.replace(*market) >= Some(*market) {
            return Err(Error::Order(*market));
        }
        if !MARKETS.has(ctx.state, market) {
            return Err(Error::NoMarket(*market));
        }
        if price.price.raw() == 0 {
            return Err(Error::ZeroPrice(*market));
        }
        PRICES.set(ctx.state, market, price);
    }
    Ok(())
}

/// The state as a genesis.
pub fn export(state: &dyn Read) -> Genesis {
    Genesis {
        network: pulse(state),
        silent: SILENT.scan(state, &(), usize::MAX),
        params: module_params(state),
        markets: markets(state),
        prices: PRICES.scan(state, &(), usize::MAX),
    }
}
