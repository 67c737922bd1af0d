//! The fund at the start of a chain. Its money is part of the bank's genesis.

use alloc::vec::Vec;

use borsh::{BorshDeserialize, BorshSerialize};
use perpetuals::Collateral;
use store::{Ctx, Read};
use types::MarketId;

use crate::state::{held, moved, set_totals, totals, Totals, FUND};
use crate::Error;

/// What the module starts with.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Genesis {
    /// Totals of an exported chain; none on a new one, which starts with what the bank gave the fund.
    pub totals: Option<Totals>,
    /// Totals of the funds of isolated markets, in rising order; a fund not named starts with what the bank gave it.
    pub isolated: Vec<(MarketId, Totals)>,
}

/// Write `genesis` into a state that already has balances. Refused when totals do not add up (I2).
pub fn init(ctx: &mut Ctx<'_>, genesis: &Genesis) -> Result<(), Error> {
    start(ctx, Collateral::Cross, genesis.totals)?;
    for market in perpetuals::isolated(ctx.state.as_read()) {
        let given = genesis.isolated.iter().find(|(id, _)| *id == market).map(|(_, totals)| *totals);
        start(ctx, Collateral::Isolated(market), given)?;
    }
    Ok(())
}

/// Open the fund of a market that is new; a cross market has the common one.
pub fn open(ctx: &mut Ctx<'_>, market: MarketId) -> Result<(), Error> {
    match perpetuals::collateral(ctx.state.as_read(), market) {
        Collateral::Cross => Ok(()),
        own @ Collateral::Isolated(_) => start(ctx, own, None),
    }
}

fn start(ctx: &mut Ctx<'_>, of: Collateral, given: Option<Totals>) -> Result<(), Error> {
    bank::register_module(ctx, &of.name(FUND));
    let held = held(ctx.state.as_read(), of, &ctx.chain.collateral);
    let totals = given.unwrap_or(Totals { start: held, ..Totals::default() });
    if totals.sum() != Some(held) {
        return Err(Error::Totals(held));
    }
    set_totals(ctx.state, of, &totals);
    Ok(())
}

/// The state as a genesis.
pub fn export(state: &dyn Read) -> Genesis {
    let own = perpetuals::isolated(state).into_iter();
    let isolated = own.map(|market| (market, moved(state, Collateral::Isolated(market)))).collect();
    Genesis { totals: Some(totals(state)), isolated }
}
