//! Validators and authority at the start of a chain.

use alloc::string::String;
use alloc::vec::Vec;

use borsh::{BorshDeserialize, BorshSerialize};
use store::{Ctx, Read};
use types::{Address, Denom};

use crate::admin::decode;
use crate::authority::refuse;
use crate::queue::{waiting, Waiting};
use crate::state::{staking_denom, validators, Since};
use crate::state::{APPLIED, AUTHORITY, NEXT, PLAN, QUEUE, SETS, STAKING_DENOM};
use crate::upgrade::{upgrades, Plan};
use crate::validator::{set_of, Validator};
use crate::Error;

/// What governance starts with.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Genesis {
    /// Validators that the engine starts with, in any order.
    pub validators: Vec<NewValidator>,
    /// Who may change parameters; the account of module `gov` when nobody is named.
    pub authority: Option<Address>,
    /// Coin that power stands for.
    pub staking_denom: Option<Denom>,
    /// Changes that wait for the first block, in their order.
    pub waiting: Vec<Waiting>,
    /// Number of the next change; those that wait have the numbers before it, as far as there are so many.
    pub next: u64,
    /// The upgrade that is to come.
    pub plan: Option<Plan>,
    /// Heights and names of the upgrades that were done.
    pub applied: Vec<(u64, String)>,
}

/// A validator as the engine names it; its address follows from its key.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct NewValidator {
    /// Ed25519 key.
    pub public_key: [u8; 32],
    /// Weight of its vote, above zero.
    pub power: u64,
    /// What it calls itself.
    pub moniker: String,
}

/// Write `genesis` into an empty state; its set counts from the first block on. Refused (`governance/3`) when
/// the validators are no set, with `governance/7` when the plan is none.
pub fn init(ctx: &mut Ctx<'_>, genesis: &Genesis) -> Result<(), Error> {
    let given = genesis.validators.iter();
    let validators = given.map(|new| Validator::new(new.public_key, new.power, &new.moniker));
    SETS.set(ctx.state, &Since(0), &set_of(validators.collect())?);
    if let Some(authority) = &genesis.authority {
        AUTHORITY.set(ctx.state, authority);
    }
    if let Some(denom) = &genesis.staking_denom {
        STAKING_DENOM.set(ctx.state, denom);
    }
    if let Some(plan) = &genesis.plan {
        plan.check()?;
        PLAN.set(ctx.state, plan);
    }
    for (height, name) in &genesis.applied {
        APPLIED.set(ctx.state, height, name);
    }
    let waiting = u64::try_from(genesis.waiting.len()).unwrap_or(u64::MAX);
    let next = genesis.next.max(waiting);
    if next > 0 {
        NEXT.set(ctx.state, &next);
    }
    for (number, row) in (next.saturating_sub(waiting)..).zip(&genesis.waiting) {
        // Bytes that cannot be read now could not be read when their turn comes.
        match decode(&row.type_url, &row.bytes, ctx.chain) {
            Some(change) => change.map(|_| ())?,
            None => return Err(refuse(&row.type_url)),
        }
        QUEUE.set(ctx.state, &number, row);
    }
    Ok(())
}

/// The state as a genesis: the latest set, without history.
pub fn export(state: &dyn Read) -> Genesis {
    let new = |validator: Validator| NewValidator {
        public_key: validator.public_key,
        power: validator.power,
        moniker: validator.moniker,
    };
    Genesis {
        validators: validators(state).into_iter().map(new).collect(),
        authority: AUTHORITY.get(state),
        staking_denom: staking_denom(state),
        waiting: waiting(state).into_iter().map(|(_, row)| row).collect(),
        next: NEXT.get(state).unwrap_or_default(),
        plan: PLAN.get(state),
        applied: upgrades(state),
    }
}
