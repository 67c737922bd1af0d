//! Who closes how much when a position must go and the book does not take it: pro rata to size, exact.

use alloc::vec::Vec;

use num::{round_to_multiple, BaseQuantums, Ratio, Round, Wide};
use types::SubaccountId;

/// A counterparty and an amount of base quantums, above zero.
pub type Share = (SubaccountId, BaseQuantums);

/// A holder's part while it is being rounded.
struct Part {
    id: SubaccountId,
    held: BaseQuantums,
    given: BaseQuantums,
    /// What rounding took from it, times the sum of all holdings.
    remainder: Wide,
}

/// F8: split `needed` over `holders` (each once, sizes above zero) in proportion to their sizes, in multiples of
/// `step`: each first gets its quota rounded down, then what is left goes by one step at a time to the largest
/// remainders, ties to the lower id; the last one may get less than a step. When the holders have less than
/// `needed` in all, everyone gives everything. Shares of zero are left out; the result is in order of id.
///
/// The sum is exactly `needed` (or all there is), nobody gives more than it holds, and each is within one step
/// of its quota. The order of `holders` does not matter. Nothing when a product outgrows 512 bits, or the step
/// is not positive.
pub fn allocate(needed: BaseQuantums, step: BaseQuantums, holders: &[Share]) -> Option<Vec<Share>> {
    let total: BaseQuantums = holders.iter().map(|(_, held)| *held).sum();
    let needed = needed.min(total);
    let mut parts = Vec::with_capacity(holders.len());
    let mut left = needed;
    for (id, held) in holders {
        let exact = Wide::from(needed.raw()).mul(Wide::from(held.raw()))?;
        let quota = Ratio::new(exact, total.raw())?.to_integer(Round::Floor)?;
        let given = BaseQuantums::new(round_to_multiple(quota, step.raw(), Round::Floor)?);
        let remainder = exact.sub(Wide::from(given.raw()).mul(Wide::from(total.raw()))?)?;
        left -= given;
        parts.push(Part { id: *id, held: *held, given, remainder });
    }
    parts.sort_unstable_by(|a, b| b.remainder.cmp(&a.remainder).then(a.id.cmp(&b.id)));
    for part in &mut parts {
        // A remainder is below a step and, with what was given, within what is held: one round is enough.
        let more = step.min(left).min(part.held - part.given);
        part.given += more;
        left -= more;
    }
    parts.sort_unstable_by_key(|part| part.id);
    Some(
        parts
            .into_iter()
            .map(|part| (part.id, part.given))
            .filter(|(_, given)| given.is_positive())
            .collect(),
    )
}
