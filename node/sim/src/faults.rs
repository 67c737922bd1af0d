//! Faults that are put in on purpose.

use prost::bytes::Bytes;
use scenario::Dice;
use store::Scheduled;
use tree::Breakage;

use crate::twins::Kind;

/// Every kind of fault that a run of so many blocks has.
pub(crate) fn kinds(blocks: u64) -> impl Iterator<Item = &'static str> {
    // Few markets end while the seed lets what blocks do fail.
    let rare = [Scheduled::WindUp, Scheduled::Settlement];
    let items = Scheduled::ALL.into_iter().filter(move |item| blocks >= 500_000 || !rare.contains(item));
    KINDS.into_iter().chain(items.map(Scheduled::name))
}

/// Those that are not failures of what blocks do by themselves.
const KINDS: [&str; 26] = [
    "block came twice",
    "bit flipped on disk",
    "disk full",
    "empty proposal refused",
    "killed after the commit",
    "killed before a block",
    "killed before the commit",
    "late unverified vote",
    "lying vote",
    "missing vote",
    "nil round",
    "proposal alters",
    "proposal drops",
    "proposal forges votes",
    "proposal has stray votes",
    "proposal injects",
    "proposal is empty",
    "proposal is huge",
    "proposal lacks votes",
    "proposal reorders",
    "proposal repeats",
    "small block",
    "sync fails",
    "unsynced writes lost",
    "empty vote",
    "leap of time",
];

/// What happens to a node during a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Nothing.
    None,
    /// It is killed before the block.
    Killed,
    /// The block comes twice before it is to be committed.
    Twice,
    /// It is killed when it has executed the block.
    KilledBeforeCommit,
    /// It is killed when it has committed the block.
    KilledAfterCommit,
    /// Its disk breaks as it commits, and the power goes; whether the batch is there afterwards.
    Breaks(Breakage, bool),
    /// It is killed, and a bit of its disk is another one then.
    Flipped(u64),
}

impl Trouble {
    /// Trouble of a node of this kind, at these rates.
    pub(crate) fn draw(kind: Kind, rates: &Rates, dice: &mut Dice) -> Self {
        let roll = dice.within(0, 999);
        let (at, kept) = (dice.roll(), dice.once_in(2));
        if roll < rates.kills * 10 {
            let kills = [Self::Killed, Self::Twice, Self::KilledBeforeCommit, Self::KilledAfterCommit];
            return *dice.pick(&kills);
        }
        if roll < rates.kills * 10 + rates.disk {
            return match dice.within(0, 3) {
                0 => Self::Breaks(Breakage::Full, false),
                1 => Self::Breaks(Breakage::Sync, kept),
                2 => Self::Breaks(Breakage::Lie, false),
                _ => Self::Flipped(at),
            };
        }
        if kind == Kind::Reborn {
            Self::Killed
        } else {
            Self::None
        }
    }

    /// How it is counted.
    pub(crate) fn name(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Killed => Some("killed before a block"),
            Self::Twice => Some("block came twice"),
            Self::KilledBeforeCommit => Some("killed before the commit"),
            Self::KilledAfterCommit => Some("killed after the commit"),
            Self::Breaks(Breakage::Full, _) => Some("disk full"),
            Self::Breaks(Breakage::Sync, _) => Some("sync fails"),
            Self::Breaks(..) => Some("unsynced writes lost"),
            Self::Flipped(_) => Some("bit flipped on disk"),
        }
    }
}

/// How often nodes have trouble.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rates {
    /// Kills in 100 blocks.
    pub(crate) kills: u64,
    /// Faults of the disk in 1,000 blocks.
    pub(crate) disk: u64,
}

impl Rates {
    /// Rates as the seed wants them.
    pub(crate) fn draw(dice: &mut Dice) -> Self {
        Self { kills: *dice.pick(&[0, 2, 10]), disk: *dice.pick(&[0, 5, 20]) }
    }
}

/// What a byzantine proposer makes of an honest proposal, and the name of it.
pub(crate) fn damage(honest: &[Bytes], dice: &mut Dice) -> (Vec<Bytes>, &'static str) {
    let mut txs = honest.to_vec();
    let at = |dice: &mut Dice, count: usize| {
        let last = u64::try_from(count).unwrap_or(1).saturating_sub(1);
        usize::try_from(dice.within(0, last)).unwrap_or_default()
    };
    let count = txs.len();
    let kind = dice.within(0, 9);
    match kind {
        0 if count > 1 => {
            txs.remove(1 + at(dice, count - 1));
            (txs, "proposal drops")
        }
        1 if count > 2 => {
            let (one, other) = (at(dice, count), at(dice, count));
            txs.swap(one, other);
            (txs, "proposal reorders")
        }
        2 if count > 0 => {
            let tx = txs[at(dice, count)].clone();
            txs.insert(at(dice, count + 1), tx);
            (txs, "proposal repeats")
        }
        3 if count > 0 => {
            let length = dice.within(0, 60);
            let tx: Vec<u8> = (0..length).map(|_| dice.roll().to_le_bytes()[0]).collect();
            txs.insert(1 + at(dice, count), tx.into());
            (txs, "proposal injects")
        }
        4 if count > 0 => {
            txs.push(vec![0x0a; 200_000].into());
            (txs, "proposal is huge")
        }
        5 if count > 0 => {
            let mut forged = txs[0].to_vec();
            let place = at(dice, forged.len());
            forged[place] ^= 1 << dice.within(0, 7);
            txs[0] = forged.into();
            (txs, "proposal forges votes")
        }
        6 if count > 0 => {
            txs.remove(0);
            (txs, "proposal lacks votes")
        }
        7 if count > 1 => {
            let place = 1 + at(dice, count - 1);
            let mut tx = txs[place].to_vec();
            let byte = at(dice, tx.len());
            if let Some(byte) = tx.get_mut(byte) {
                *byte ^= 1 << dice.within(0, 7);
            }
            txs[place] = tx.into();
            (txs, "proposal alters")
        }
        8 => (Vec::new(), "proposal is empty"),
        _ => {
            txs.push(vec![app::oracle::VOTE_SET_MARK, 8, 1].into());
            (txs, "proposal has stray votes")
        }
    }
}
