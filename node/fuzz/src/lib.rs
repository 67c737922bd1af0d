//! Fuzz targets: functions that take any bytes, and panic when a promise is broken.
//!
//! Reading order: [`TARGETS`] (what there is), then a file for each kind of promise: `wire` (what is read is written
//! the same, and nothing else is accepted), `requests` (of clients), `proposals` (votes and blocks of strangers),
//! `committed` (proofs, snapshots, queries), `documents` (genesis), `book`, `money`, `account` and `close` (a second,
//! plain calculation agrees). `scripts/fuzz` runs them guided by coverage; the test `corpus` runs what was found
//! before, without. It is not part of the node.

use std::panic::{catch_unwind, AssertUnwindSafe};

mod account;
mod book;
mod close;
mod committed;
mod documents;
mod input;
mod money;
mod proposals;
mod requests;
mod wire;

/// Something that is fuzzed.
pub struct Target {
    /// Its name, which is also that of its folder of inputs.
    pub name: &'static str,
    /// Panics when the input breaks a promise.
    pub run: fn(&[u8]),
    /// Inputs to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target { name: "tx_decode", run: wire::tx_decode, seeds: wire::transactions },
    Target { name: "tx_canonical", run: wire::tx_canonical, seeds: wire::edits },
    Target { name: "sign_bytes", run: wire::sign_bytes, seeds: wire::transactions },
    Target { name: "compact_batch", run: wire::compact_batch, seeds: wire::batches },
    Target { name: "abci_frame", run: wire::abci_frame, seeds: wire::frames },
    Target { name: "json_rpc", run: requests::json_rpc, seeds: requests::json_calls },
    Target { name: "event_query", run: requests::event_query, seeds: requests::queries },
    Target { name: "vote_extension", run: proposals::vote_extension, seeds: proposals::extensions },
    Target { name: "extended_commit", run: proposals::extended_commit, seeds: proposals::commits },
    Target { name: "process_proposal", run: proposals::process_proposal, seeds: proposals::blocks },
    Target { name: "proof_of_state", run: committed::proof_of_state, seeds: committed::proofs },
    Target { name: "snapshot_restore", run: committed::snapshot_restore, seeds: committed::snapshots },
    Target { name: "query", run: committed::query, seeds: committed::questions },
    Target { name: "genesis_document", run: documents::genesis_document, seeds: documents::documents },
    Target { name: "order_book_vs_naive", run: book::order_book_vs_naive, seeds: book::operations },
    Target { name: "margin_vs_rational", run: money::margin_vs_rational, seeds: money::numbers },
    Target { name: "funding_vs_rational", run: money::funding_vs_rational, seeds: money::numbers },
    Target { name: "account_vs_rational", run: account::account_vs_rational, seeds: money::numbers },
    Target { name: "liquidation_vs_rational", run: account::liquidation_vs_rational, seeds: money::numbers },
    Target {
        name: "deleveraging_vs_rational",
        run: close::deleveraging_vs_rational,
        seeds: close::disasters,
    },
];

/// A target with a planted bug: fuzzing that does not find it sees nothing.
pub const CANARY: Target = Target { name: "canary", run: canary, seeds: || vec![vec![0; 8]] };

/// The target of this name, the canary included.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().chain([&CANARY]).find(|target| target.name == name)
}

/// Whether the target panics on these bytes.
pub fn breaks(target: &Target, bytes: &[u8]) -> bool {
    catch_unwind(AssertUnwindSafe(|| (target.run)(bytes))).is_err()
}

/// A mark, a length, and a sum over what it spans; the bug is that one length is believed without looking.
fn canary(data: &[u8]) {
    let Some((mark, rest)) = data.split_first_chunk::<4>() else { return };
    let Some((length, body)) = rest.split_first() else { return };
    if u32::from_be_bytes(*mark) == 0x00ba_11a5 && *length > 64 {
        let spanned = &body[..usize::from(*length)];
        assert!(spanned.iter().all(|byte| *byte < 0xff) || body.len() > 1_000);
    }
}
