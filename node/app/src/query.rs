//! Every question that can be asked about committed state: gRPC methods by path, protobuf in and out. The
//! gRPC server, `abci_query` and the command line all come through this one table.

use prost::Message;
use store::Read;
use types::{Chain, Rejection};

use crate::state;

mod absent;
mod ballast;
mod cosmos;
mod dydx;
mod grants;
mod page;
mod timers;
mod unstaked;

/// What an answer depends on beside the state.
#[derive(Clone, Copy, Debug)]
pub struct Context {
    /// Height of the state that is read.
    pub height: u64,
}

/// Why there is no answer; the kinds are gRPC's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// Which kind.
    pub kind: FailureKind,
    /// Why, in words.
    pub message: String,
}

/// Kinds of failures, with gRPC's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// The question makes no sense.
    InvalidArgument = 3,
    /// What was asked for is not there.
    NotFound = 5,
    /// No such method.
    Unimplemented = 12,
    /// The node failed while it looked.
    Internal = 13,
    /// The node cannot answer now.
    Unavailable = 14,
}

impl Failure {
    /// The question makes no sense.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self { kind: FailureKind::InvalidArgument, message: message.into() }
    }

    /// What was asked for is not there.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self { kind: FailureKind::NotFound, message: message.into() }
    }

    /// gRPC's name of the kind, as it stands in error texts that clients match on.
    pub fn name(&self) -> &'static str {
        match self.kind {
            FailureKind::InvalidArgument => "InvalidArgument",
            FailureKind::NotFound => "NotFound",
            FailureKind::Unimplemented => "Unimplemented",
            FailureKind::Internal => "Internal",
            FailureKind::Unavailable => "Unavailable",
        }
    }

    /// The code that `abci_query` answers with, codespace `sdk`: the Cosmos numbers for an invalid request, a
    /// missing key, an unknown request and a panic.
    pub fn abci_code(&self) -> u32 {
        match self.kind {
            FailureKind::InvalidArgument => 18,
            FailureKind::NotFound => 22,
            FailureKind::Unimplemented => 6,
            FailureKind::Internal => 111_222,
            FailureKind::Unavailable => 35,
        }
    }
}

/// What a module says about a question: bytes, addresses and pages that make no sense are the asker's fault,
/// all else is something that is not there.
impl<R: Rejection> From<R> for Failure {
    fn from(rejection: R) -> Self {
        let nonsense = rejection.codespace() == "sdk" && [2, 7, 10, 18].contains(&rejection.code());
        let kind = if nonsense { FailureKind::InvalidArgument } else { FailureKind::NotFound };
        Self { kind, message: rejection.to_string() }
    }
}

/// What is said before the first block; the client library waits when it hears how this begins.
pub const NOT_BEGUN: &str = "the chain has not begun: no block is committed yet";

/// Call the method at `path` with an encoded request.
pub fn call(state: &dyn Read, path: &str, request: &[u8], context: &Context) -> Result<Vec<u8>, Failure> {
    let chain = state::chain(state)
        .ok_or_else(|| Failure { kind: FailureKind::Unavailable, message: NOT_BEGUN.into() })?;
    let call = Call { state, chain: &chain, request, height: context.height };
    let (service, method) = path.trim_start_matches('/').split_once('/').unwrap_or((path, ""));
    let answer = match service.split('.').next() {
        Some("cosmos") => cosmos::call(&call, service, method)
            .or_else(|| unstaked::call(&call, service, method))
            .or_else(|| grants::call(&call, service, method)),
        Some("dydxprotocol") => dydx::call(&call, service, method)
            .or_else(|| timers::call(&call, service, method))
            .or_else(|| absent::call(&call, service, method)),
        Some("ballast") => ballast::call(&call, service, method),
        _ => None,
    };
    answer.unwrap_or_else(|| {
        let message = format!("unknown query path {}", path.chars().take(200).collect::<String>());
        Err(Failure { kind: FailureKind::Unimplemented, message })
    })
}

/// Methods that [`call`] answers, as paths; for documentation and for tests that call each of them.
pub fn methods() -> Vec<String> {
    [
        cosmos::METHODS,
        unstaked::METHODS,
        grants::METHODS,
        dydx::METHODS,
        timers::METHODS,
        absent::METHODS,
        ballast::METHODS,
    ]
    .concat()
    .iter()
    .map(|path| format!("/{path}"))
    .collect()
}

/// One call.
pub(crate) struct Call<'a> {
    pub(crate) state: &'a dyn Read,
    pub(crate) chain: &'a Chain,
    pub(crate) request: &'a [u8],
    pub(crate) height: u64,
}

pub(crate) type Answered = Option<Result<Vec<u8>, Failure>>;

impl Call<'_> {
    /// Answer with what `f` makes of the request.
    pub(crate) fn with<Q: Message + Default, A: Message, F: Into<Failure>>(
        &self,
        f: impl FnOnce(&Q) -> Result<A, F>,
    ) -> Answered {
        let request = Q::decode(self.request).map_err(|error| Failure::invalid(error.to_string()));
        Some(request.and_then(|request| f(&request).map(|answer| answer.encode_to_vec()).map_err(Into::into)))
    }

    /// Answer a question that cannot fail and whose request says nothing.
    #[expect(clippy::unnecessary_wraps, reason = "all answers of the table have one type")]
    pub(crate) fn plain<A: Message>(&self, answer: &A) -> Answered {
        Some(Ok(answer.encode_to_vec()))
    }
}
