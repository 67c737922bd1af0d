//! The application with crash points around each call of the engine: only tests ask for one.

use tendermint_abci::Application;
use tendermint_proto::v0_38::abci::{
    CheckTxType, RequestApplySnapshotChunk, RequestCheckTx, RequestEcho, RequestExtendVote,
    RequestFinalizeBlock, RequestInfo, RequestInitChain, RequestLoadSnapshotChunk, RequestOfferSnapshot,
    RequestPrepareProposal, RequestProcessProposal, RequestQuery, RequestVerifyVoteExtension,
    ResponseApplySnapshotChunk, ResponseCheckTx, ResponseCommit, ResponseEcho, ResponseExtendVote,
    ResponseFinalizeBlock, ResponseFlush, ResponseInfo, ResponseInitChain, ResponseListSnapshots,
    ResponseLoadSnapshotChunk, ResponseOfferSnapshot, ResponsePrepareProposal, ResponseProcessProposal,
    ResponseQuery, ResponseVerifyVoteExtension,
};

use crate::failure::Failure;

/// Names the point at which this process dies; see [`tree::crash`].
const VARIABLE: &str = "BALLAST_CRASH_AT";

/// Makes this program know an upgrade more, `rehearsal`.
const REHEARSE: &str = "BALLAST_REHEARSE_UPGRADE";

/// What this program knows; with one upgrade more when the environment asks for it.
pub(crate) fn release() -> app::Release {
    if std::env::var_os(REHEARSE).is_none() {
        return app::Release::default();
    }
    eprintln!(
        "WARNING: {REHEARSE} is set: this node knows an upgrade that only tests have; unset it if you do not test"
    );
    app::Release::rehearsing()
}

/// Arms the point that the environment names, if it does, and says so loudly.
pub(crate) fn arm() -> Result<(), Failure> {
    let Some(point) = std::env::var_os(VARIABLE) else { return Ok(()) };
    let point = point.to_string_lossy().into_owned();
    tree::crash::arm(&point).map_err(|error| Failure::usage(format!("{VARIABLE}: {error}")))?;
    eprintln!(
        "WARNING: {VARIABLE}={point}: this node is going to crash on purpose; unset it if you do not test"
    );
    Ok(())
}

/// Any application, which may die when it is called.
#[derive(Clone)]
pub(crate) struct Mortal<A>(pub(crate) A);

fn around<T>(call: &str, work: impl FnOnce() -> T) -> T {
    tree::crash::visit(call, "entry");
    let answer = work();
    tree::crash::visit(call, "reply");
    tree::crash::visit(call, "after");
    answer
}

impl<A: Application> Application for Mortal<A> {
    fn echo(&self, request: RequestEcho) -> ResponseEcho {
        self.0.echo(request)
    }

    fn info(&self, request: RequestInfo) -> ResponseInfo {
        around("info", || self.0.info(request))
    }

    fn init_chain(&self, request: RequestInitChain) -> ResponseInitChain {
        around("init_chain", || self.0.init_chain(request))
    }

    fn query(&self, request: RequestQuery) -> ResponseQuery {
        around("query", || self.0.query(request))
    }

    fn check_tx(&self, request: RequestCheckTx) -> ResponseCheckTx {
        let again = request.r#type == i32::from(CheckTxType::Recheck);
        around(if again { "recheck" } else { "check_tx" }, || self.0.check_tx(request))
    }

    fn prepare_proposal(&self, request: RequestPrepareProposal) -> ResponsePrepareProposal {
        around("prepare_proposal", || self.0.prepare_proposal(request))
    }

    fn process_proposal(&self, request: RequestProcessProposal) -> ResponseProcessProposal {
        around("process_proposal", || self.0.process_proposal(request))
    }

    fn extend_vote(&self, request: RequestExtendVote) -> ResponseExtendVote {
        around("extend_vote", || self.0.extend_vote(request))
    }

    fn verify_vote_extension(&self, request: RequestVerifyVoteExtension) -> ResponseVerifyVoteExtension {
        around("verify_vote_extension", || self.0.verify_vote_extension(request))
    }

    fn finalize_block(&self, request: RequestFinalizeBlock) -> ResponseFinalizeBlock {
        around("finalize_block", || self.0.finalize_block(request))
    }

    fn commit(&self) -> ResponseCommit {
        around("commit", || self.0.commit())
    }

    fn flush(&self) -> ResponseFlush {
        around("flush", || self.0.flush())
    }

    fn list_snapshots(&self) -> ResponseListSnapshots {
        around("list_snapshots", || self.0.list_snapshots())
    }

    fn offer_snapshot(&self, request: RequestOfferSnapshot) -> ResponseOfferSnapshot {
        around("offer_snapshot", || self.0.offer_snapshot(request))
    }

    fn load_snapshot_chunk(&self, request: RequestLoadSnapshotChunk) -> ResponseLoadSnapshotChunk {
        around("load_snapshot_chunk", || self.0.load_snapshot_chunk(request))
    }

    fn apply_snapshot_chunk(&self, request: RequestApplySnapshotChunk) -> ResponseApplySnapshotChunk {
        around("apply_snapshot_chunk", || self.0.apply_snapshot_chunk(request))
    }
}
