//! Liquidation at the start of a chain.

use alloc::vec::Vec;

use borsh::{BorshDeserialize, BorshSerialize};
use store::{Ctx, Read};
use types::SubaccountId;

use crate::params::Params;
use crate::state::{params, PARAMS, WAITING};
use crate::Error;

/// What the module starts with.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Genesis {
    /// Parameters.
    pub params: Params,
    /// Accounts that wait for their turn and since which height, in rising order.
    pub waiting: Vec<(SubaccountId, u64)>,
}

/// Write `genesis` into an empty state.
pub fn init(ctx: &mut Ctx<'_>, genesis: &Genesis) -> Result<(), Error> {
    genesis.params.check()?;
    PARAMS.set(ctx.state, &genesis.params);
    let mut last = None;
    for (id, since) in &genesis.waiting {
        if last.replace(*id) >= Some(*id) {
            return Err(Error::Order(*id));
        }
        WAITING.set(ctx.state, id, since);
    }
    Ok(())
}

/// The state as a genesis.
pub fn export(state: &dyn Read) -> Genesis {
    Genesis { params: params(state), waiting: WAITING.scan(state, &(), usize::MAX) }
}
