//! Which changes of health are allowed: rule F5 of the README, a pure function of numbers.

use core::cmp::Ordering;

use crate::margin::Risk;
use crate::UpdateResult;

/// Whether an account may go from `old` to `new`.
///
/// With initial margin after the change everything is allowed. Without it, only what makes the account safer:
/// it needs no more maintenance margin than before, and it is worth no less per unit of that margin. When
/// either needs none there is no such ratio: then both must need none and the account must be worth more.
pub fn transition(old: &Risk, new: &Risk) -> Result<(), UpdateResult> {
    if new.is_initially_margined() {
        return Ok(());
    }
    let refusal = if old.is_initially_margined() {
        UpdateResult::NewlyUndercollateralized
    } else {
        UpdateResult::StillUndercollateralized
    };
    if new.maintenance > old.maintenance {
        return Err(refusal);
    }
    let safer = if new.maintenance.is_zero() || old.maintenance.is_zero() {
        new.maintenance == old.maintenance && new.net_collateral > old.net_collateral
    } else {
        new.compare(old) != Ordering::Greater
    };
    if safer {
        Ok(())
    } else {
        Err(refusal)
    }
}
