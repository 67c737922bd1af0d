//! Releases: which upgrades a program can do, which state it can go on from, and how a block changes the rows.
//!
//! Each module has a version, which is 1 at first; an upgrade raises some by one. The state says which versions
//! it has, a release knows which it wants, and the two are compared before each block. So a program never
//! executes a block that is another one's.
//!
//! Whoever changes a table gives the new form a table of its own: until the block of the upgrade, the new program
//! reads the old rows, and must not take them for new ones.

use governance::Plan;
use store::{Ctx, Read, State};

use crate::layout::STORES;
use crate::state::{last_block, VERSIONS};

/// An upgrade that a program can do.
#[derive(Clone, Copy, Debug)]
pub struct Upgrade {
    /// The name of its plan.
    pub name: &'static str,
    /// Modules whose version it raises by one: those whose rows or rules are others afterwards. `app` stands for
    /// the composition.
    pub raises: &'static [&'static str],
    /// Changes the rows, as a part of the block: all or nothing, and once. A reason stops the node.
    pub migrate: fn(&mut Ctx<'_>) -> Result<(), String>,
}

/// What a program knows: its upgrades from the first release on, in their order.
#[derive(Clone, Copy, Debug)]
pub struct Release(&'static [Upgrade]);

/// Upgrades of this release.
const UPGRADES: &[Upgrade] = &[];

/// An upgrade to practise on: it counts itself in the highest gas limit, so that doing it twice would show.
const REHEARSAL: Upgrade = Upgrade { name: "rehearsal", raises: &["app"], migrate: rehearse };

fn rehearse(ctx: &mut Ctx<'_>) -> Result<(), String> {
    let mut rules = crate::state::RULES.get(ctx.state).unwrap_or_default();
    rules.max_gas = rules.max_gas.checked_add(1).ok_or("the highest gas limit cannot be raised")?;
    crate::state::RULES.set(ctx.state, &rules);
    Ok(())
}

/// Why a program may not execute the next block of a state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// The block is for a program that knows an upgrade which this one does not.
    #[error(
        "UPGRADE \"{name}\" NEEDED at height {height}: {info}\nInstall the release that knows this upgrade and \
         start it on the same folders: it goes on from the last block. Nothing is lost, nothing is to be restored"
    )]
    Needed {
        /// The plan's name.
        name: String,
        /// The plan's height.
        height: u64,
        /// What the plan tells operators.
        info: String,
    },
    /// This program is for after an upgrade that has not happened.
    #[error(
        "this release is too early: the state at height {height} has version {has} of {module}, the release wants \
         {wants}. Run the release before it until that one stops by itself{until}"
    )]
    Early {
        /// Height of the state.
        height: u64,
        /// The first module that differs.
        module: &'static str,
        /// Its version in the state.
        has: u32,
        /// Its version in this release.
        wants: u32,
        /// Where the earlier release stops, in words; empty when nothing is planned.
        until: String,
    },
    /// The state went through an upgrade that this program does not know.
    #[error(
        "this release is too old: the state at height {height} has version {has} of {module}, the release knows \
         {knows}. Run the release that knows upgrade \"{upgrade}\", or restore a state from before it"
    )]
    Newer {
        /// Height of the state.
        height: u64,
        /// The first module that differs.
        module: String,
        /// Its version in the state.
        has: u32,
        /// Its version in this release.
        knows: u32,
        /// The upgrade that was done last.
        upgrade: String,
    },
}

impl Default for Release {
    fn default() -> Self {
        Self(UPGRADES)
    }
}

impl Release {
    /// A release with these upgrades.
    pub const fn of(upgrades: &'static [Upgrade]) -> Self {
        Self(upgrades)
    }

    /// This release with an upgrade more, `rehearsal`, which changes next to nothing: to practise upgrades.
    pub const fn rehearsing() -> Self {
        const { assert!(UPGRADES.is_empty(), "add REHEARSAL to a copy of UPGRADES") };
        Self(&[REHEARSAL])
    }

    /// The version of a module that this release wants.
    pub fn version(&self, module: &str) -> u32 {
        let raised = self.0.iter().filter(|upgrade| upgrade.raises.contains(&module)).count();
        u32::try_from(raised).unwrap_or(u32::MAX).saturating_add(1)
    }

    fn known(&self, plan: &Plan) -> Option<&'static Upgrade> {
        self.0.iter().find(|upgrade| upgrade.name == plan.name)
    }

    /// Whether the block after the last one in `state` is for this program.
    pub fn check(&self, state: &dyn Read) -> Result<(), Unfit> {
        let height = last_block(state).0;
        let due = due(state);
        let upgrade = due.as_ref().and_then(|plan| self.known(plan));
        let raises = upgrade.map_or::<&[&str], _>(&[], |upgrade| upgrade.raises);
        let mut early = None;
        for (module, has) in versions(state) {
            let wants = self.version(&module);
            let will = has.saturating_add(u32::from(raises.contains(&module.as_str())));
            if has > wants {
                let upgrade = governance::upgrade::upgrades(state).pop();
                let upgrade = upgrade.map(|(_, name)| name).unwrap_or_default();
                return Err(Unfit::Newer { height, module, has, knows: wants, upgrade });
            }
            if will < wants && early.is_none() {
                early = Some((module, has, wants));
            }
        }
        if let (Some(plan), None) = (&due, upgrade) {
            let Plan { name, height, info } = plan.clone();
            return Err(Unfit::Needed { name, height, info });
        }
        let Some((module, has, wants)) = early else { return Ok(()) };
        let module = STORES.iter().find(|(_, name)| *name == module).map_or("", |(_, name)| name);
        let until = governance::upgrade::plan(state);
        let until = until
            .map(|plan| format!(" before height {}, for upgrade \"{}\"", plan.height, plan.name))
            .unwrap_or_default();
        Err(Unfit::Early { height, module, has, wants, until })
    }

    /// Do the upgrade that is planned for this block, if one is, before anything else of the block.
    /// Answers whether one was: then nothing that is kept in memory is right.
    pub(crate) fn begin_block(&self, ctx: &mut Ctx<'_>) -> Result<bool, String> {
        self.check(ctx.state.as_read()).map_err(|unfit| unfit.to_string())?;
        let Some(plan) = due(ctx.state.as_read()) else { return Ok(false) };
        let Some(upgrade) = self.known(&plan) else { return Ok(false) };
        (upgrade.migrate)(ctx).map_err(|reason| format!("upgrade {}: {reason}", plan.name))?;
        for (byte, module) in STORES {
            let raise = upgrade.raises.contains(module);
            if raise {
                let version = VERSIONS.get(ctx.state, byte).unwrap_or(1).saturating_add(1);
                VERSIONS.set(ctx.state, byte, &version);
            }
        }
        governance::upgrade::finish(ctx, &plan);
        Ok(true)
    }

    /// What a chain that begins with this release has.
    pub(crate) fn write_versions(&self, state: &mut dyn State) {
        for (byte, module) in STORES {
            let version = self.version(module);
            if version > 1 {
                VERSIONS.set(state, byte, &version);
            }
        }
    }
}

/// The plan whose block is the next one.
pub fn due(state: &dyn Read) -> Option<Plan> {
    let next = last_block(state).0.saturating_add(1);
    governance::upgrade::plan(state).filter(|plan| plan.is_due(next))
}

/// Versions of all modules in the state, those that it has and no release of ours knows included.
pub fn versions(state: &dyn Read) -> Vec<(String, u32)> {
    let known = |byte: &u8| STORES.iter().any(|(store, _)| store == byte);
    let strange = VERSIONS.scan(state, &(), usize::MAX).into_iter().filter(|(byte, _)| !known(byte));
    let ours = STORES.iter().map(|(byte, name)| ((*name).to_owned(), VERSIONS.get(state, byte).unwrap_or(1)));
    ours.chain(strange.map(|(byte, version)| (format!("module {byte:#04x}"), version))).collect()
}
