//! Engine and model side by side on random operations: every answer, every fill, every balance, every book.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::crowd::Crowd;
use crate::engine::Engine;
use crate::setting::Setting;
use crate::terms::{Note, Op};

/// What a run has seen.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) ops: u64,
    pub(crate) blocks: u64,
    pub(crate) accepted: u64,
    pub(crate) notes: BTreeMap<String, u64>,
    pub(crate) refused: BTreeMap<(String, u32), u64>,
}

impl Seen {
    fn note(&mut self, note: &Note) {
        let kind = match note {
            Note::Fill { insurance: None, .. } => "fill".into(),
            Note::Fill { .. } => "liquidation fill".into(),
            Note::Placed(..) => "placed".into(),
            Note::Resized(..) => "resized".into(),
            Note::Removed { reason, .. } => format!("removed: {reason}"),
            Note::Later { kind, .. } => kind.clone(),
            Note::Liquidated { .. } => "liquidated".into(),
            Note::Deleveraged { .. } => "deleveraged".into(),
            Note::Settled { .. } => "settled".into(),
        };
        *self.notes.entry(kind).or_default() += 1;
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.ops += other.ops;
        self.blocks += other.blocks;
        self.accepted += other.accepted;
        for (kind, count) in other.notes {
            *self.notes.entry(kind).or_default() += count;
        }
        for (code, count) in other.refused {
            *self.refused.entry(code).or_default() += count;
        }
    }
}

/// A run of `ops` operations in blocks; the error is one line that names where the two differ.
pub(crate) fn run(seed: u64, ops: u64) -> Result<Seen, String> {
    let setting = Setting::odd();
    let (mut engine, mut chain) = (Engine::new(&setting), setting.chain());
    let mut crowd = Crowd::new(seed, &setting);
    let mut seen = Seen::default();
    while seen.ops < ops {
        let (time, prices) = crowd.moment(&chain);
        let count = crowd.dice.within(0, 60);
        let mut batch: Vec<Op> = (0..count).map(|_| crowd.op(&chain)).collect();
        if seen.blocks == 0 {
            batch = (0..setting.accounts.len())
                .map(|account| Op::Deposit { account, amount: 20_000_000 << (account / 2) })
                .collect();
        }
        batch.iter_mut().for_each(|op| engine.hash(op));
        let height = seen.blocks + 1;
        let failed = |what: String| {
            format!(
                "{what}\nblock {height}; again: BALLAST_MODEL_SEED={seed} BALLAST_MODEL_OPS={ops} \
                 cargo test --release -p scenario --test model random"
            )
        };
        let theirs = engine.block(time, &prices, &batch).map_err(failed)?;
        let ours = chain.block(time, &prices, &batch);
        if theirs.expired != ours.expired {
            return Err(failed(format!("expired {:?}, the model says {:?}", theirs.expired, ours.expired)));
        }
        for ((op, theirs), ours) in batch.iter().zip(&theirs.answers).zip(&ours.answers) {
            if theirs != ours {
                return Err(failed(format!("{op:?}\nengine {theirs:?}\nmodel  {ours:?}")));
            }
            match &theirs.refused {
                Some(code) => *seen.refused.entry(code.clone()).or_default() += 1,
                None => {
                    seen.accepted += 1;
                    if let Op::Many { .. } = op {
                        *seen.notes.entry("batch".into()).or_default() += 1;
                    }
                }
            }
            theirs.notes.iter().for_each(|note| seen.note(note));
        }
        if theirs.after != ours.after {
            return Err(failed(format!(
                "after the messages\nengine {:?}\nmodel  {:?}",
                theirs.after, ours.after
            )));
        }
        theirs.expired.iter().chain(&theirs.after).for_each(|note| seen.note(note));
        let exchange = &chain.exchange;
        if let Some(difference) = engine.difference(&exchange.ledger, &exchange.resting) {
            return Err(failed(difference));
        }
        seen.ops += count;
        seen.blocks += 1;
        if crowd.dice.once_in(50) {
            engine.restart();
        }
    }
    Ok(seen)
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

/// What must not be missing from a run, or it has tested too little.
const EXPECTED_NOTES: [&str; 27] = [
    "batch",
    "fill",
    "placed",
    "removed: cancelled",
    "removed: expired",
    "removed: self_trade",
    "removed: undercollateralized",
    "removed: not_resting",
    "removed: too_many_fills",
    "removed: conditional_ioc_would_rest",
    "removed: post_only",
    "removed: isolated",
    "removed: replaced",
    "removed: reduce_only",
    "removed: outside_band",
    "removed: final_settlement",
    "settled",
    "resized",
    "liquidated",
    "liquidation fill",
    "deleveraged",
    "conditional_placed",
    "conditional_triggered",
    "twap_placed",
    "twap_slice",
    "twap_completed",
    "twap_failed",
];

const EXPECTED_CODES: [(&str, u32); 43] = [
    ("clob", 4),
    ("clob", 5),
    ("clob", 6),
    ("clob", 7),
    ("clob", 8),
    ("clob", 9),
    ("clob", 10),
    ("clob", 11),
    ("clob", 12),
    ("clob", 17),
    ("clob", 20),
    ("clob", 24),
    ("clob", 29),
    ("clob", 30),
    ("clob", 34),
    ("clob", 35),
    ("clob", 46),
    ("clob", 48),
    ("clob", 2001),
    ("clob", 2003),
    ("clob", 2004),
    ("clob", 2005),
    ("clob", 3000),
    ("clob", 3001),
    ("clob", 3002),
    ("clob", 3003),
    ("clob", 3004),
    ("clob", 3005),
    ("clob", 3006),
    ("clob", 3007),
    ("clob", 5001),
    ("clob", 6000),
    ("clob", 6001),
    ("clob", 10_001),
    ("clob", 20_001),
    ("clob", 20_002),
    ("clob", 11_003),
    ("feetiers", 1008),
    ("feetiers", 1009),
    ("subaccounts", 102),
    ("subaccounts", 701),
    ("subaccounts", 703),
    ("subaccounts", 1000),
];

#[test]
fn random_operations_end_as_the_naive_model_says() {
    let started = Instant::now();
    let ops = setting("BALLAST_MODEL_OPS").unwrap_or(if cfg!(debug_assertions) { 60_000 } else { 120_000 });
    let seeds: Vec<u64> = setting("BALLAST_MODEL_SEED").map_or((1..=4).collect(), |seed| vec![seed]);
    let each = ops.div_ceil(seeds.len() as u64);
    let runs: Vec<_> = std::thread::scope(|scope| {
        let run = |seed: &u64| {
            let seed = *seed;
            scope.spawn(move || run(seed, each))
        };
        let threads: Vec<_> = seeds.iter().map(run).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let mut seen = Seen::default();
    for run in runs {
        seen.add(run.unwrap_or_else(|difference| panic!("{difference}")));
    }
    println!(
        "{} operations in {} blocks of {} runs, {} accepted, {:.1} s",
        seen.ops,
        seen.blocks,
        seeds.len(),
        seen.accepted,
        started.elapsed().as_secs_f64()
    );
    println!("{:?}", seen.notes);
    let codes: Vec<_> = seen.refused.iter().map(|((space, code), n)| format!("{space}/{code} {n}")).collect();
    println!("refused: {}", codes.join(", "));
    for kind in EXPECTED_NOTES {
        assert!(seen.notes.contains_key(kind), "nothing was ever {kind}");
    }
    for (space, code) in EXPECTED_CODES {
        assert!(seen.refused.contains_key(&(space.into(), code)), "nothing was refused with {space}/{code}");
    }
}
