//! Whose turn it is: a pure function of the accounts below their margin and of how long they have waited.
//!
//! Turns go by halves to the accounts that are worst off and to those that have waited longest, so that accounts
//! nobody can help do not keep others from their turn (I3): whoever waits is attempted within `1 + 2 * n / k`
//! blocks, with `n` accounts below their margin and room for `k`.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use store::Ctx;
use subaccounts::Risk;
use types::SubaccountId;

use crate::state::WAITING;

/// An account below its margin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Which.
    pub id: SubaccountId,
    /// Its health.
    pub risk: Risk,
    /// Height since which it waits, when an earlier block had no room for it.
    pub since: Option<u64>,
}

/// At most `room` of `candidates`, in the order of their turns: by turns the riskiest (ties to the lower id) and
/// the one that waits longest (ties to the riskier, then the lower id), each once. When nobody waits, that is the
/// order of risk. The order of `candidates` does not matter.
pub fn turns(mut candidates: Vec<Candidate>, room: usize) -> Vec<SubaccountId> {
    candidates.sort_unstable_by(|a, b| b.risk.compare(&a.risk).then(a.id.cmp(&b.id)));
    let mut waiting: Vec<(u64, SubaccountId)> =
        candidates.iter().filter_map(|candidate| Some((candidate.since?, candidate.id))).collect();
    waiting.sort_by_key(|(since, _)| *since);
    let mut worst = candidates.iter().map(|candidate| candidate.id);
    let mut waiting = waiting.into_iter().map(|(_, id)| id);
    let mut taken = BTreeSet::new();
    let mut turns = Vec::new();
    while turns.len() < room {
        let next = [worst.find(|id| taken.insert(*id)), waiting.find(|id| taken.insert(*id))];
        if next == [None, None] {
            break;
        }
        turns.extend(next.into_iter().flatten());
    }
    turns.truncate(room);
    turns
}

/// Remember who waits: they keep their height or get this one; nobody else has a row.
pub(crate) fn remember(ctx: &mut Ctx<'_>, waiting: &BTreeSet<SubaccountId>) {
    for (id, _) in WAITING.scan(ctx.state.as_read(), &(), usize::MAX) {
        if !waiting.contains(&id) {
            WAITING.remove(ctx.state, &id);
        }
    }
    for id in waiting {
        if !WAITING.has(ctx.state.as_read(), id) {
            WAITING.set(ctx.state, id, &ctx.block.height);
        }
    }
}
