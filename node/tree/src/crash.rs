//! Dying on purpose, so that tests see what a process that dies there leaves behind.
//!
//! Nothing happens in a process that did not [`arm`] a point: a visit is then one load of a pointer that never
//! changes. One that did dies at that point as if its power had gone: no destructor runs, nothing is flushed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::OnceLock;
use std::time::Duration;

/// What an engine calls.
pub const CALLS: [&str; 16] = [
    "info",
    "init_chain",
    "check_tx",
    "recheck",
    "prepare_proposal",
    "process_proposal",
    "extend_vote",
    "verify_vote_extension",
    "finalize_block",
    "commit",
    "query",
    "flush",
    "list_snapshots",
    "load_snapshot_chunk",
    "offer_snapshot",
    "apply_snapshot_chunk",
];

/// Moments of a call: it came; it is done but not answered; its answer is out (two milliseconds later).
pub const MOMENTS: [&str; 3] = ["entry", "reply", "after"];

/// Moments of a block in the store: it is computed; its batch is made; the batch is written and synced; the
/// witness knows; readers see it; and, when a store opens, before rows that are not kept any more go.
pub const STORE: [&str; 6] = ["staged", "batch", "written", "witnessed", "published", "prune"];

/// How long the answer of a call has to get out.
const LATER: Duration = Duration::from_millis(2);

struct Armed {
    group: String,
    moment: String,
    /// Visits up to and with the last one.
    left: AtomicU64,
}

static ARMED: OnceLock<Armed> = OnceLock::new();

/// All points there are, as `group:moment`.
pub fn points() -> Vec<String> {
    let calls = CALLS.iter().flat_map(|call| MOMENTS.map(|moment| format!("{call}:{moment}")));
    calls.chain(STORE.map(|moment| format!("store:{moment}"))).collect()
}

/// Makes this process die at a visit, written `group:moment:visit` with visits counted from 1. Once in a
/// process; the error says what is wrong with the text.
pub fn arm(text: &str) -> Result<(), String> {
    let parsed = text.rsplit_once(':').and_then(|(point, visit)| Some((point, visit.parse().ok()?)));
    let Some((point, visit @ 1..)) = parsed else {
        return Err(format!("{text:?} is no crash point: write it as commit:entry:17"));
    };
    if !points().iter().any(|known| known == point) {
        return Err(format!("there is no crash point {point:?}: there are {}", points().join(", ")));
    }
    let (group, moment) = point.split_once(':').unwrap_or((point, ""));
    let armed = Armed { group: group.into(), moment: moment.into(), left: AtomicU64::new(visit) };
    ARMED.set(armed).map_err(|_| "a crash point is armed already".into())
}

/// The process is here; it dies if that was asked for.
pub fn visit(group: &str, moment: &str) {
    let Some(armed) = ARMED.get() else { return };
    if armed.moment == moment && armed.group == group && armed.left.fetch_sub(1, Ordering::SeqCst) == 1 {
        if moment == "after" {
            std::thread::spawn(|| {
                std::thread::sleep(LATER);
                die()
            });
        } else {
            die()
        }
    }
}

fn die() -> ! {
    // The one line that tells this death from one that nobody ordered.
    eprintln!("crash point reached");
    std::process::abort()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_named_in_full_and_counted_from_one() {
        for text in ["", "commit", "commit:entry", "commit:entry:0", "commit:entry:x", "commit:late:1"] {
            assert!(arm(text).is_err(), "{text}");
        }
        assert!(arm("nothing:entry:1").unwrap_err().contains("store:written"));
        // None of them armed anything.
        visit("commit", "entry");
        assert_eq!(points().len(), 54);
    }
}
