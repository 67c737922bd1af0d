//! The application trait of `tendermint-abci`: one line per call, to the place where it is done.

use tendermint_abci::Application;
use tendermint_proto::v0_38::abci::{
    RequestApplySnapshotChunk, RequestCheckTx, RequestExtendVote, RequestFinalizeBlock, RequestInfo,
    RequestInitChain, RequestLoadSnapshotChunk, RequestOfferSnapshot, RequestPrepareProposal,
    RequestProcessProposal, RequestQuery, RequestVerifyVoteExtension, ResponseApplySnapshotChunk,
    ResponseCheckTx, ResponseCommit, ResponseExtendVote, ResponseFinalizeBlock, ResponseInfo,
    ResponseInitChain, ResponseListSnapshots, ResponseLoadSnapshotChunk, ResponseOfferSnapshot,
    ResponsePrepareProposal, ResponseProcessProposal, ResponseQuery, ResponseVerifyVoteExtension,
};

use crate::Host;

impl Application for Host {
    fn info(&self, request: RequestInfo) -> ResponseInfo {
        self.do_info(&request)
    }

    fn init_chain(&self, request: RequestInitChain) -> ResponseInitChain {
        self.do_init_chain(&request)
    }

    fn query(&self, request: RequestQuery) -> ResponseQuery {
        self.do_query(&request)
    }

    fn check_tx(&self, request: RequestCheckTx) -> ResponseCheckTx {
        self.do_check_tx(&request)
    }

    fn prepare_proposal(&self, request: RequestPrepareProposal) -> ResponsePrepareProposal {
        self.do_prepare_proposal(&request)
    }

    fn process_proposal(&self, request: RequestProcessProposal) -> ResponseProcessProposal {
        self.do_process_proposal(&request)
    }

    fn extend_vote(&self, request: RequestExtendVote) -> ResponseExtendVote {
        self.vote_of(&self.shared.voter, &request)
    }

    fn verify_vote_extension(&self, request: RequestVerifyVoteExtension) -> ResponseVerifyVoteExtension {
        self.do_verify_vote_extension(&request)
    }

    fn finalize_block(&self, request: RequestFinalizeBlock) -> ResponseFinalizeBlock {
        self.do_finalize_block(&request)
    }

    fn commit(&self) -> ResponseCommit {
        self.do_commit()
    }

    fn list_snapshots(&self) -> ResponseListSnapshots {
        self.do_list_snapshots()
    }

    fn load_snapshot_chunk(&self, request: RequestLoadSnapshotChunk) -> ResponseLoadSnapshotChunk {
        self.do_load_snapshot_chunk(&request)
    }

    fn offer_snapshot(&self, request: RequestOfferSnapshot) -> ResponseOfferSnapshot {
        self.do_offer_snapshot(&request)
    }

    fn apply_snapshot_chunk(&self, request: RequestApplySnapshotChunk) -> ResponseApplySnapshotChunk {
        self.do_apply_snapshot_chunk(&request)
    }
}
