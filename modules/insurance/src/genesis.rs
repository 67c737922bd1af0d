//! The fund at the start of a chain. Its money is part of the bank's genesis.

use borsh::{BorshDeserialize, BorshSerialize};
use store::{Ctx, Read};

use crate::state::{balance, totals, Totals, FUND, TOTALS};
use crate::Error;

/// What the module starts with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Genesis {
    /// Totals of an exported chain; none on a new one, which starts with what the bank gave the fund.
    pub totals: Option<Totals>,
}

/// Write `genesis` into a state that already has balances. Refused when totals do not add up (I2).
pub fn init(ctx: &mut Ctx<'_>, genesis: &Genesis) -> Result<(), Error> {
    bank::register_module(ctx, FUND);
    let held = balance(ctx.state, &ctx.chain.collateral);
    let totals = genesis.totals.unwrap_or(Totals { start: held, ..Totals::default() });
    if totals.sum() != Some(held) {
        return Err(Error::Totals(held));
    }
    TOTALS.set(ctx.state, &totals);
    Ok(())
}

/// The state as a genesis.
pub fn export(state: &dyn Read) -> Genesis {
    Genesis { totals: Some(totals(state)) }
}
