//! What this module keeps in the store. Module byte `0x1a`.

use alloc::string::String;
use alloc::vec::Vec;

use store::{fault, Collection, Ctx, Item, Key, Map, Read};
use types::{Address, Denom};

use crate::queue::Waiting;
use crate::upgrade::Plan;
use crate::validator::{set_of, sum, Validator};
use crate::Error;

/// Height from which a set counts. Later heights sort first, so that the set of a height is the first row at
/// or after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Since(pub(crate) u64);

impl Key for Since {
    fn write(&self, out: &mut store::KeyBytes) {
        (!self.0).write(out);
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        u64::read(bytes).map(|inverted| Self(!inverted))
    }
}

/// Validator sets: `height from which it counts -> validators in order`.
pub(crate) const SETS: Map<Since, Vec<Validator>> = Map::new([0x1a, 0x00], "governance/sets");

/// Who may change parameters.
pub(crate) const AUTHORITY: Item<Address> = Item::new([0x1a, 0x01], "governance/authority");

/// Coin that power stands for.
pub(crate) const STAKING_DENOM: Item<Denom> = Item::new([0x1a, 0x02], "governance/staking_denom");

/// Changes that wait for the next block: `number -> change`.
pub(crate) const QUEUE: Map<u64, Waiting> = Map::new([0x1a, 0x03], "governance/queue");

/// Number of the next change.
pub(crate) const NEXT: Item<u64> = Item::new([0x1a, 0x04], "governance/next");

/// The upgrade that is to come.
pub(crate) const PLAN: Item<Plan> = Item::new([0x1a, 0x05], "governance/plan");

/// Upgrades that were done: `height -> name`.
pub(crate) const APPLIED: Map<u64, String> = Map::new([0x1a, 0x06], "governance/applied");

/// What this module keeps.
pub fn layout() -> [Collection; 7] {
    [
        SETS.collection(),
        AUTHORITY.collection(),
        STAKING_DENOM.collection(),
        QUEUE.collection(),
        NEXT.collection(),
        PLAN.collection(),
        APPLIED.collection(),
    ]
}

/// The latest set, the most powerful validator first, then by address. Empty before genesis only.
pub fn validators(state: &dyn Read) -> Vec<Validator> {
    SETS.first(state, &()).map(|(_, set)| set).unwrap_or_default()
}

/// The set whose votes count for the block at `height`. Votes in the block at `h` are about the block at
/// `h - 1` and are weighed by the set of `h - 1`.
pub fn set_at(state: &dyn Read, height: u64) -> Vec<Validator> {
    SETS.page(state, Some(&Since(height)), 1).pop().map(|(_, set)| set).unwrap_or_default()
}

/// Power of the latest set.
pub fn total_power(state: &dyn Read) -> u64 {
    power_of(&validators(state))
}

/// Power of the set of `height`.
pub fn total_power_at(state: &dyn Read, height: u64) -> u64 {
    power_of(&set_at(state, height))
}

fn power_of(set: &[Validator]) -> u64 {
    sum(set).unwrap_or_else(|| fault("a validator set has more power than can be counted"))
}

/// Make `validators` the set from `height` on. Refused (`governance/3`) when they are no set, or when `height`
/// is not above the current one, whose votes are already counted.
pub fn schedule(ctx: &mut Ctx<'_>, height: u64, validators: Vec<Validator>) -> Result<(), Error> {
    if height <= ctx.block.height {
        return Err(Error::Set("cannot count for a block that already runs"));
    }
    SETS.set(ctx.state, &Since(height), &set_of(validators)?);
    Ok(())
}

/// Who may change parameters; the account of module `gov` unless genesis says otherwise.
pub fn authority(state: &dyn Read) -> Address {
    AUTHORITY.get(state).unwrap_or_else(|| Address::module("gov"))
}

/// Coin that power stands for, once genesis has named it.
pub fn staking_denom(state: &dyn Read) -> Option<Denom> {
    STAKING_DENOM.get(state)
}
