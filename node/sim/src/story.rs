//! What is told: everything follows from it.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::canary::Canary;
use crate::script::Item;

/// How much is kept beside the chain to compare with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// One node.
    #[default]
    Lite,
    /// Four nodes that are kept in different ways.
    Full,
}

/// A story. Its text is the command line that tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Story {
    /// The seed.
    pub seed: u64,
    /// Blocks.
    pub blocks: u64,
    /// The first so many blocks are chaos, the others heal.
    pub chaos: u64,
    /// How much is compared.
    pub mode: Mode,
    /// The parts that are told; all of them when nothing is said.
    pub only: Option<BTreeSet<Item>>,
    /// A bug that is planted.
    pub canary: Option<Canary>,
}

impl Story {
    /// The story of `seed`: the last fifth of its blocks, but not more than sixty, heals.
    pub fn new(seed: u64, blocks: u64, mode: Mode) -> Self {
        Self { seed, blocks, chaos: blocks - (blocks / 5).min(60), mode, ..Self::default() }
    }
}

impl FromStr for Mode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "lite" => Ok(Self::Lite),
            "full" => Ok(Self::Full),
            _ => Err(format!("there is no mode {text:?}: lite and full are")),
        }
    }
}

/// The canary of this name.
///
/// # Errors
/// With the names there are.
pub fn canary(name: &str) -> Result<Canary, String> {
    let known = Canary::ALL.iter().find(|(known, _)| *known == name);
    known.map(|(_, canary)| *canary).ok_or_else(|| format!("there is no canary {name:?}"))
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mode = if self.mode == Mode::Full { "full" } else { "lite" };
        let Self { seed, blocks, chaos, .. } = self;
        write!(f, "sim --seed {seed} --blocks {blocks} --chaos {chaos} --mode {mode}")?;
        for (name, canary) in Canary::ALL {
            if self.canary == Some(canary) {
                write!(f, " --canary {name}")?;
            }
        }
        if let Some(only) = &self.only {
            let items: Vec<String> = only.iter().map(ToString::to_string).collect();
            write!(f, " --only {}", if items.is_empty() { ",".into() } else { items.join(",") })?;
        }
        Ok(())
    }
}
