//! A plan to go on with another release: at which height the program that executes blocks is replaced.
//!
//! The plan is what all nodes agree on. Whether a program knows it, and what it then does to the rows, is the
//! composition's; see its `upgrade`.

use alloc::string::String;
use alloc::vec::Vec;

use borsh::{BorshDeserialize, BorshSerialize};
use cosmos_sdk_proto::cosmos::upgrade::v1beta1 as wire;
use store::{Ctx, Read};
use types::{Address, Chain, Event};

use crate::state::{APPLIED, PLAN};
use crate::Error;

/// Bytes that the name of an upgrade may have.
pub const MAX_NAME: usize = 64;

/// Bytes of what a plan tells operators.
pub const MAX_INFO: usize = 4_096;

/// An upgrade that is to come.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Plan {
    /// Its name, by which a program knows it.
    pub name: String,
    /// The first block that the new program executes.
    pub height: u64,
    /// What operators are told, such as where the program is.
    pub info: String,
}

impl Plan {
    /// Whether the block at `height` is for the new program.
    pub fn is_due(&self, height: u64) -> bool {
        self.height <= height
    }

    /// Refused (`governance/7`) when no program could be known by its name, or it says too much.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let letter = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
        if self.name.is_empty() || self.name.len() > MAX_NAME || !self.name.chars().all(letter) {
            return Err(Error::Plan("needs a name of 1 to 64 letters, digits, dots, dashes and underscores"));
        }
        if self.info.len() > MAX_INFO {
            return Err(Error::Plan("has more than 4096 bytes of info"));
        }
        Ok(())
    }
}

/// The upgrade that is to come.
pub fn plan(state: &dyn Read) -> Option<Plan> {
    PLAN.get(state)
}

/// The height at which the upgrade of this name was done.
pub fn applied(state: &dyn Read, name: &str) -> Option<u64> {
    upgrades(state).into_iter().find(|(_, done)| done == name).map(|(height, _)| height)
}

/// All upgrades that were done, by height.
pub fn upgrades(state: &dyn Read) -> Vec<(u64, String)> {
    APPLIED.scan(state, &(), usize::MAX)
}

/// Refuse (`governance/7`) a plan whose first block is not after the one at `holds`, in which it comes to hold:
/// every node must know before.
pub(crate) fn in_time(plan: &Plan, holds: u64) -> Result<(), Error> {
    if plan.is_due(holds) {
        return Err(Error::Plan("must be for a height at least two blocks ahead"));
    }
    Ok(())
}

/// Make `plan` the one that is to come, in place of any other. Refused with `governance/7`.
pub(crate) fn schedule(ctx: &mut Ctx<'_>, plan: &Plan) -> Result<(), Error> {
    plan.check()?;
    in_time(plan, ctx.block.height)?;
    if applied(ctx.state.as_read(), &plan.name).is_some() {
        return Err(Error::Plan("has the name of an upgrade that was done"));
    }
    PLAN.set(ctx.state, plan);
    ctx.emit(Event::new("upgrade_planned").with("name", plan.name.clone()).with("height", plan.height));
    Ok(())
}

/// Go on with the program that runs. Refused (`governance/8`) when no upgrade is planned.
pub(crate) fn cancel(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let plan = PLAN.get(ctx.state).ok_or(Error::NoPlan)?;
    PLAN.remove(ctx.state);
    ctx.emit(Event::new("upgrade_cancelled").with("name", plan.name.clone()).with("height", plan.height));
    Ok(())
}

/// The upgrade is done in this block: it is no plan any more. Called by the composition after it has changed
/// the rows.
pub fn finish(ctx: &mut Ctx<'_>, plan: &Plan) {
    PLAN.remove(ctx.state);
    APPLIED.set(ctx.state, &ctx.block.height, &plan.name);
    ctx.emit(Event::new("upgrade").with("name", plan.name.clone()).with("height", ctx.block.height));
}

fn height_out(height: u64) -> i64 {
    i64::try_from(height).unwrap_or(i64::MAX)
}

/// `CurrentPlan`: empty when there is none.
pub fn current_plan(state: &dyn Read) -> wire::QueryCurrentPlanResponse {
    #[expect(deprecated, reason = "the message has fields that are not used any more")]
    let out = |plan: Plan| wire::Plan {
        name: plan.name,
        time: None,
        height: height_out(plan.height),
        info: plan.info,
        upgraded_client_state: None,
    };
    wire::QueryCurrentPlanResponse { plan: plan(state).map(out) }
}

/// `AppliedPlan`: height 0 when no upgrade of this name was done.
pub fn applied_plan(
    state: &dyn Read,
    request: &wire::QueryAppliedPlanRequest,
) -> Result<wire::QueryAppliedPlanResponse, Error> {
    let height = applied(state, &request.name).map_or(0, height_out);
    Ok(wire::QueryAppliedPlanResponse { height })
}

/// `Authority`: who may plan upgrades.
pub fn authority(state: &dyn Read, chain: &Chain) -> wire::QueryAuthorityResponse {
    let authority: Address = crate::state::authority(state);
    wire::QueryAuthorityResponse { address: authority.to_bech32(&chain.prefix) }
}
