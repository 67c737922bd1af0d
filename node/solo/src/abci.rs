//! The application as the engine calls it: one object for all threads, whatever type is behind it.

use std::sync::{Mutex, PoisonError};

use tendermint_abci::Application;
use tendermint_proto::v0_38::abci as pb;

/// The calls of ABCI 2.0 that this engine makes.
pub(crate) trait Abci: Send + Sync {
    fn info(&self, request: pb::RequestInfo) -> pb::ResponseInfo;
    fn init_chain(&self, request: pb::RequestInitChain) -> pb::ResponseInitChain;
    fn query(&self, request: pb::RequestQuery) -> pb::ResponseQuery;
    fn check_tx(&self, request: pb::RequestCheckTx) -> pb::ResponseCheckTx;
    fn prepare_proposal(&self, request: pb::RequestPrepareProposal) -> pb::ResponsePrepareProposal;
    fn process_proposal(&self, request: pb::RequestProcessProposal) -> pb::ResponseProcessProposal;
    fn verify_vote_extension(
        &self,
        request: pb::RequestVerifyVoteExtension,
    ) -> pb::ResponseVerifyVoteExtension;
    fn finalize_block(&self, request: pb::RequestFinalizeBlock) -> pb::ResponseFinalizeBlock;
    fn commit(&self) -> pb::ResponseCommit;
}

/// Any application. Each call has a clone of its own, as each connection would have.
pub(crate) struct Shared<A>(Mutex<A>);

impl<A: Application> Shared<A> {
    pub(crate) fn new(application: A) -> Self {
        Self(Mutex::new(application))
    }

    fn clone_inner(&self) -> A {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl<A: Application> Abci for Shared<A> {
    fn info(&self, request: pb::RequestInfo) -> pb::ResponseInfo {
        self.clone_inner().info(request)
    }

    fn init_chain(&self, request: pb::RequestInitChain) -> pb::ResponseInitChain {
        self.clone_inner().init_chain(request)
    }

    fn query(&self, request: pb::RequestQuery) -> pb::ResponseQuery {
        self.clone_inner().query(request)
    }

    fn check_tx(&self, request: pb::RequestCheckTx) -> pb::ResponseCheckTx {
        self.clone_inner().check_tx(request)
    }

    fn prepare_proposal(&self, request: pb::RequestPrepareProposal) -> pb::ResponsePrepareProposal {
        self.clone_inner().prepare_proposal(request)
    }

    fn process_proposal(&self, request: pb::RequestProcessProposal) -> pb::ResponseProcessProposal {
        self.clone_inner().process_proposal(request)
    }

    fn verify_vote_extension(
        &self,
        request: pb::RequestVerifyVoteExtension,
    ) -> pb::ResponseVerifyVoteExtension {
        self.clone_inner().verify_vote_extension(request)
    }

    fn finalize_block(&self, request: pb::RequestFinalizeBlock) -> pb::ResponseFinalizeBlock {
        self.clone_inner().finalize_block(request)
    }

    fn commit(&self) -> pb::ResponseCommit {
        self.clone_inner().commit()
    }
}
