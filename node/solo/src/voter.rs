//! Those who vote: keys of this process, each with its own way to extend a vote.

use tendermint_abci::Application;
use tendermint_proto::v0_38::abci::{RequestExtendVote, ResponseExtendVote};

use crate::key::Key;

type Extend = dyn Fn(RequestExtendVote) -> ResponseExtendVote + Send;

/// One validator of this process.
pub struct Voter {
    pub(crate) key: Key,
    pub(crate) extend: Box<Extend>,
}

impl Voter {
    /// A validator that asks `extend` for what its votes carry: one process can vote for several sources.
    pub fn new(key: Key, extend: impl Fn(RequestExtendVote) -> ResponseExtendVote + Send + 'static) -> Self {
        Self { key, extend: Box::new(extend) }
    }

    /// A validator whose votes carry what the application itself gives.
    pub fn of(key: Key, application: impl Application) -> Self {
        Self::new(key, move |request| application.extend_vote(request))
    }
}

impl std::fmt::Debug for Voter {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Voter({:?})", self.key)
    }
}
