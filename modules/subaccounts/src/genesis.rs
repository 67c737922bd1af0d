//! Accounts at the start of a chain. Their money is part of the bank's genesis.

use alloc::vec::Vec;

use borsh::{BorshDeserialize, BorshSerialize};
use store::{Ctx, Read};
use types::{SubaccountId, MAX_SUBACCOUNT_NUMBER};

use crate::invariants::audit;
use crate::state::{
    funding_dust, page, pool, write, Subaccount, FUNDING_DUST, NEGATIVE_SEEN, OUTAGE_SEEN, POOL,
};
use crate::Error;

/// What the module starts with.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Genesis {
    /// Accounts that hold something, in rising order.
    pub accounts: Vec<(SubaccountId, Subaccount)>,
    /// Funding that rounding left in the pool, in millionths of a quote quantum.
    pub funding_dust: i128,
    /// Height at which an account below zero was last seen.
    pub negative_seen: Option<u64>,
    /// Height of the first block after the last outage.
    pub outage_seen: Option<u64>,
}

/// Write `genesis` into a state that already has balances, prices and perpetuals, and no accounts. Refused when
/// accounts, pool and open interest do not add up (I1 to I3).
pub fn init(ctx: &mut Ctx<'_>, genesis: &Genesis) -> Result<(), Error> {
    bank::register_module(ctx, POOL);
    let mut last = None;
    for (id, account) in &genesis.accounts {
        if last.replace(*id) >= Some(*id) || !is_sound(id, account) {
            return Err(Error::GenesisAccount(*id));
        }
        write(ctx.state, id, &Subaccount::default(), account);
    }
    if genesis.funding_dust != 0 {
        FUNDING_DUST.set(ctx.state, &pool(), &genesis.funding_dust);
    }
    if let Some(height) = genesis.negative_seen {
        NEGATIVE_SEEN.set(ctx.state, &height);
    }
    if let Some(height) = genesis.outage_seen {
        OUTAGE_SEEN.set(ctx.state, &height);
    }
    let audit = audit(ctx.state, &ctx.chain.collateral).ok_or(Error::OutOfRange)?;
    if !audit.pool_is_exact() {
        let owed = audit.owed_ppm().unwrap_or_default();
        return Err(Error::GenesisPool { pool: audit.pool, owed });
    }
    match audit.unequal_market(ctx.state) {
        Some(market) => Err(Error::GenesisOpenInterest(market)),
        None => Ok(()),
    }
}

fn is_sound(id: &SubaccountId, account: &Subaccount) -> bool {
    let sorted = account.positions.is_sorted_by(|(one, _), (next, _)| one < next);
    let open = account.positions.iter().all(|(_, position)| !position.base.is_zero());
    id.number <= MAX_SUBACCOUNT_NUMBER && !account.is_empty() && sorted && open
}

/// The state as a genesis. Reads every account.
pub fn export(state: &dyn Read) -> Genesis {
    Genesis {
        accounts: page(state, None, usize::MAX),
        funding_dust: funding_dust(state),
        negative_seen: NEGATIVE_SEEN.get(state),
        outage_seen: OUTAGE_SEEN.get(state),
    }
}
