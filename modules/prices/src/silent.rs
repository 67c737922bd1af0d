//! Validators who sign blocks but do not say prices: counted, told and shown, so that those who choose validators
//! know. Nothing in the protocol depends on it.

use alloc::collections::{BTreeMap, BTreeSet};

use num::Price;
use store::Ctx;
use types::MarketId;

use crate::aggregate::Vote;
use crate::event;
use crate::state::SILENT;

/// Every so many blocks of silence in a row are told.
pub const TOLD_EVERY: u32 = 100;

/// Count what the votes of a block left out: of `validators`, those who named fewer than half of the markets that
/// got a price are silent. A block in which none got one is nobody's fault.
pub fn note_silent(
    ctx: &mut Ctx<'_>,
    validators: impl Iterator<Item = [u8; 20]>,
    votes: &[Vote],
    agreed: &BTreeMap<MarketId, Price>,
) {
    if agreed.is_empty() {
        return;
    }
    let spoke = |vote: &&Vote| {
        let named: BTreeSet<MarketId> = vote.prices.iter().map(|(market, _)| *market).collect();
        let named = agreed.keys().filter(|market| named.contains(market)).count();
        named.saturating_mul(2) >= agreed.len()
    };
    let speakers: BTreeSet<[u8; 20]> = votes.iter().filter(spoke).map(|vote| vote.validator).collect();
    let mut counted: BTreeMap<[u8; 20], u32> =
        SILENT.scan(ctx.state.as_read(), &(), usize::MAX).into_iter().collect();
    for validator in validators {
        let before = counted.remove(&validator);
        if speakers.contains(&validator) {
            if before.is_some() {
                SILENT.remove(ctx.state, &validator);
            }
            continue;
        }
        let blocks = before.unwrap_or_default().saturating_add(1);
        SILENT.set(ctx.state, &validator, &blocks);
        if blocks.checked_rem(TOLD_EVERY) == Some(0) {
            ctx.emit(event::validator_silent(&validator, blocks));
        }
    }
    // Those who are validators no more.
    for gone in counted.into_keys() {
        SILENT.remove(ctx.state, &gone);
    }
}
