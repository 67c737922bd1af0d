//! Margins that change while positions are open: a step in every block, so that nobody is liquidated by a vote.

use num::{mul_div, Ppm, Round};
use store::Ctx;

use crate::state::{tier, Ramp, Tier, RAMPS, TIERS};
use crate::Error;

/// Replace a tier. Margins that rise do so in equal steps over the next `blocks` blocks (at once when 0);
/// everything else, and margins that fall, hold at once. A ramp under way ends where it is. Refused (codes of
/// [`Tier::check`]) when the tier is not sound, or (12) when there is none of its number.
pub fn set_tier(ctx: &mut Ctx<'_>, new: &Tier, blocks: u32) -> Result<(), Error> {
    new.check()?;
    let old = tier(ctx.state, new.id).ok_or(Error::NoTier(new.id))?;
    let rises = new.initial_margin > old.initial_margin || new.maintenance_ppm() > old.maintenance_ppm();
    if blocks == 0 || !rises {
        RAMPS.remove(ctx.state, &new.id);
        TIERS.set(ctx.state, &new.id, new);
        return Ok(());
    }
    let ramp = Ramp {
        initial_margin: new.initial_margin,
        maintenance_fraction: new.maintenance_fraction,
        until: ctx.block.height.saturating_add(blocks.into()),
    };
    RAMPS.set(ctx.state, &new.id, &ramp);
    let kept = Tier {
        initial_margin: old.initial_margin,
        maintenance_fraction: old.maintenance_fraction,
        ..new.clone()
    };
    TIERS.set(ctx.state, &new.id, &kept);
    Ok(())
}

/// At the start of a block: every tier on its way takes its step (F8). Returns whether any did.
pub fn begin_block(ctx: &mut Ctx<'_>) -> bool {
    let ramps = RAMPS.scan(ctx.state, &(), usize::MAX);
    for (id, ramp) in &ramps {
        let Some(old) = tier(ctx.state, *id) else { continue };
        let left = ramp.until.saturating_sub(ctx.block.height).saturating_add(1);
        let initial_margin = step(old.initial_margin, ramp.initial_margin, left);
        let maintenance_fraction = step(old.maintenance_fraction, ramp.maintenance_fraction, left);
        TIERS.set(ctx.state, id, &Tier { initial_margin, maintenance_fraction, ..old });
        if left <= 1 {
            RAMPS.remove(ctx.state, id);
        }
    }
    !ramps.is_empty()
}

/// F8: one of `left` equal steps from `now` to `then`, toward zero; the last one arrives.
fn step(now: Ppm, then: Ppm, left: u64) -> Ppm {
    let (from, to) = (i128::from(now.raw()), i128::from(then.raw()));
    let part = mul_div(to.saturating_sub(from), 1, i128::from(left.max(1)), Round::Trunc);
    let next = part.and_then(|part| u32::try_from(from.saturating_add(part)).ok());
    next.map_or(then, Ppm::new)
}
