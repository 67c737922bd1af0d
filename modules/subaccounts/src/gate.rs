//! When money may leave: not for 50 blocks after an account below zero was seen, nor after an outage; not while the
//! network has no prices or recovers from that.

use perpetuals::Collateral;
use prices::Standing;
use store::{Ctx, Read};
use types::Block;

use crate::event;
use crate::state::{NEGATIVE_SEEN, OUTAGE_SEEN, POOL};

/// Blocks for which money may not leave.
pub const GATE_BLOCKS: u64 = 50;

/// A gap of this many seconds between two blocks is an outage.
pub const OUTAGE_SECONDS: i64 = 300;

/// What the gate stands on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gate {
    /// Height at which an account below zero was last seen; 0 for never.
    pub negative_seen: u64,
    /// Height of the first block after the last outage; 0 for never.
    pub outage_seen: u64,
    /// First height at which the network has recovered when prices go on coming; 0 when it does not recover.
    pub recovered_at: u64,
}

impl Gate {
    /// F6: first height at which money may leave; 0 when it always could.
    pub fn opens_at(&self) -> u64 {
        let opens = match self.negative_seen.max(self.outage_seen) {
            0 => 0,
            seen => seen.saturating_add(GATE_BLOCKS),
        };
        opens.max(self.recovered_at)
    }
}

/// The gate of the pool of cross markets.
pub fn gate(state: &dyn Read) -> Gate {
    gate_of(state, Collateral::Cross)
}

/// The gate of a pool.
pub fn gate_of(state: &dyn Read, of: Collateral) -> Gate {
    let pulse = prices::pulse(state);
    let recovered_at = match pulse.recovering {
        0 => 0,
        left => pulse.height.saturating_add(left.into()),
    };
    let outage_seen = OUTAGE_SEEN.get(state).unwrap_or_default();
    Gate { negative_seen: negative_seen(state, of), outage_seen, recovered_at }
}

/// Whether money stays in because the network as a whole has been without prices for long, or was a few blocks ago.
pub(crate) fn is_halted(state: &dyn Read, block: &Block) -> bool {
    matches!(prices::network(state, block), Standing::Halted | Standing::PostOnly)
}

pub(crate) fn negative_seen(state: &dyn Read, of: Collateral) -> u64 {
    NEGATIVE_SEEN.get(state, &of.address(POOL)).unwrap_or_default()
}

/// Keep the money of a pool in for the next 50 blocks: an account below zero was found in it that could not be
/// closed at once.
pub fn gate_withdrawals(ctx: &mut Ctx<'_>, of: Collateral) {
    NEGATIVE_SEEN.set(ctx.state, &of.address(POOL), &ctx.block.height);
    ctx.emit(event::withdrawals_gated("negative_account", ctx.block.height));
}

/// At the start of a block: keep money in for 50 blocks when the chain stood still. The first block follows
/// genesis, which may be long ago; that is no outage.
pub fn begin_block(ctx: &mut Ctx<'_>) {
    let stood_still = ctx.block.previous_time.plus_seconds(OUTAGE_SECONDS) <= ctx.block.time;
    if ctx.block.height > 1 && stood_still {
        OUTAGE_SEEN.set(ctx.state, &ctx.block.height);
        ctx.emit(event::withdrawals_gated("outage", ctx.block.height));
    }
}
