//! A list of misfortunes that follows from a seed.

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What happens to a network, and to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Application and engine of one are killed, and start again.
    Kill(usize),
    /// All are killed at once, and start again.
    KillAll,
    /// The application of one is killed; its engine ends by itself; both start again.
    KillApplication(usize),
    /// The engine of one is killed and starts again; the application stays.
    KillEngine(usize),
    /// One is asked to end, and starts again.
    Restart(usize),
    /// One stands still.
    Pause(usize),
    /// Two stand still: nobody can go on.
    PauseTwo(usize, usize),
    /// One has no connection to anybody.
    Disconnect(usize),
    /// Two and the other two have no connection: nobody can go on.
    Halves(usize, usize),
    /// What one says is heard by nobody, and it hears all.
    Mute(usize),
    /// Nothing that one sends or is sent arrives, and nobody notices at once.
    HalfOpen(usize),
    /// All links are late and narrow.
    SlowLinks,
    /// Each time one makes its files durable takes long.
    SlowDisk(usize),
    /// One's feeder is gone.
    FeederDead(usize),
    /// One's feeder says nothing.
    FeederHung(usize),
    /// One's feeder says prices that are a thousand times too high.
    FeederLying(usize),
    /// One's feeder says no end of prices.
    FeederFlooding(usize),
    /// All feeders are gone: prices get old.
    FeedersDead,
}

impl Fault {
    /// One word for tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kill(_) => "kill",
            Self::KillAll => "kill-all",
            Self::KillApplication(_) => "kill-application",
            Self::KillEngine(_) => "kill-engine",
            Self::Restart(_) => "restart",
            Self::Pause(_) => "pause",
            Self::PauseTwo(..) => "pause-two",
            Self::Disconnect(_) => "disconnect",
            Self::Halves(..) => "halves",
            Self::Mute(_) => "mute",
            Self::HalfOpen(_) => "half-open",
            Self::SlowLinks => "slow-links",
            Self::SlowDisk(_) => "slow-disk",
            Self::FeederDead(_) => "feeder-dead",
            Self::FeederHung(_) => "feeder-hung",
            Self::FeederLying(_) => "feeder-lying",
            Self::FeederFlooding(_) => "feeder-flooding",
            Self::FeedersDead => "feeders-dead",
        }
    }

    /// Whom it happens to; empty when it happens to all.
    pub fn victims(self) -> Vec<usize> {
        match self {
            Self::Kill(one)
            | Self::KillApplication(one)
            | Self::KillEngine(one)
            | Self::Restart(one)
            | Self::Pause(one)
            | Self::Disconnect(one)
            | Self::Mute(one)
            | Self::HalfOpen(one)
            | Self::SlowDisk(one)
            | Self::FeederDead(one)
            | Self::FeederHung(one)
            | Self::FeederLying(one)
            | Self::FeederFlooding(one) => vec![one],
            Self::PauseTwo(one, other) | Self::Halves(one, other) => vec![one, other],
            Self::SlowLinks | Self::FeedersDead | Self::KillAll => vec![],
        }
    }

    /// Whether no two thirds of the voting power are left that can talk to each other.
    pub fn halts(self) -> bool {
        matches!(self, Self::PauseTwo(..) | Self::Halves(..) | Self::KillAll)
    }

    /// One of each kind.
    pub fn kinds() -> Vec<Self> {
        Self::all(0, 1)
    }

    /// All kinds, of the nodes `one` and `other`.
    fn all(one: usize, other: usize) -> Vec<Self> {
        vec![
            Self::Kill(one),
            Self::KillAll,
            Self::KillApplication(one),
            Self::KillEngine(one),
            Self::Restart(one),
            Self::Pause(one),
            Self::PauseTwo(one, other),
            Self::Disconnect(one),
            Self::Halves(one, other),
            Self::Mute(one),
            Self::HalfOpen(one),
            Self::SlowLinks,
            Self::SlowDisk(one),
            Self::FeederDead(one),
            Self::FeederHung(one),
            Self::FeederLying(one),
            Self::FeederFlooding(one),
            Self::FeedersDead,
        ]
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let victims: Vec<_> = self.victims().iter().map(ToString::to_string).collect();
        write!(formatter, "{:<17} {:<4}", self.name(), victims.join(","))
    }
}

/// Misfortunes in their order, and how many seconds each lasts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest(pub Vec<(Fault, u64)>);

impl Manifest {
    /// So many as follow from `seed`, for so many nodes, of the kinds that `possible` says can be done here, one at
    /// least. No kind comes again before all have been.
    pub fn draw(seed: u64, faults: usize, nodes: usize, possible: impl Fn(Fault) -> bool) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let (mut deck, mut drawn) = (Vec::new(), Vec::new());
        while drawn.len() < faults {
            let Some(kind) = deck.pop() else {
                deck = (0..Fault::all(0, 0).len()).collect::<Vec<_>>();
                deck.shuffle(&mut random);
                continue;
            };
            let one = random.gen_range(0..nodes.max(2));
            let other = (one + random.gen_range(1..nodes.max(2))) % nodes.max(2);
            let seconds = random.gen_range(3..=7);
            let fault = Fault::all(one, other)[kind];
            let paused = matches!(fault, Fault::Pause(_) | Fault::PauseTwo(..));
            if possible(fault) {
                drawn.push((fault, if paused { 10 } else { seconds }));
            }
        }
        Self(drawn)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_manifest_follows_from_its_seed_and_has_every_kind_before_any_comes_again() {
        let all = Fault::all(0, 1).len();
        for seed in 0..50 {
            let manifest = Manifest::draw(seed, all, 4, |_| true);
            assert_eq!(manifest, Manifest::draw(seed, all, 4, |_| true));
            let kinds: BTreeSet<_> = manifest.0.iter().map(|(fault, _)| fault.name()).collect();
            assert_eq!(kinds.len(), all);
        }
        let manifests: BTreeSet<_> =
            (0..50).map(|seed| format!("{:?}", Manifest::draw(seed, 6, 4, |_| true))).collect();
        assert!(manifests.len() > 45, "seeds differ");
    }

    #[test]
    fn misfortunes_happen_to_nodes_that_there_are_and_only_of_the_kinds_that_are_possible() {
        let mut victims = BTreeSet::new();
        for seed in 0..50 {
            let manifest = Manifest::draw(seed, 40, 4, |fault| !matches!(fault, Fault::SlowDisk(_)));
            assert_eq!(manifest.0.len(), 40);
            for (fault, seconds) in manifest.0 {
                assert!(!matches!(fault, Fault::SlowDisk(_)));
                assert!((3..=10).contains(&seconds));
                let hit: BTreeSet<_> = fault.victims().into_iter().collect();
                assert_eq!(hit.len(), fault.victims().len(), "{fault} hits one node twice");
                assert_eq!(fault.halts(), hit.len() == 2 || fault == Fault::KillAll);
                victims.extend(hit);
            }
        }
        assert_eq!(victims, BTreeSet::from([0, 1, 2, 3]));
    }
}
