//! What the node answers itself: sending and finding transactions, blocks, and what it says of itself. All else
//! is a question about state.

use std::future::Future;

use cosmos_sdk_proto::cosmos::base::query::v1beta1::{PageRequest, PageResponse};
use prost::Message;
use tonic::{Code, Status};

use crate::dispatch::Node;
use crate::unary::status;
use crate::EngineError;

mod blocks;
mod info;
mod record;
mod reflect;
mod tx;

/// The method that sends a transaction.
pub(crate) const BROADCAST: &str = "/cosmos.tx.v1beta1.Service/BroadcastTx";

/// What is answered here.
const METHODS: [&str; 22] = [
    "/cosmos.base.node.v1beta1.Service/Config",
    "/cosmos.base.node.v1beta1.Service/Status",
    "/cosmos.base.reflection.v1beta1.ReflectionService/ListAllInterfaces",
    "/cosmos.base.reflection.v1beta1.ReflectionService/ListImplementations",
    "/cosmos.base.reflection.v2alpha1.ReflectionService/GetAuthnDescriptor",
    "/cosmos.base.reflection.v2alpha1.ReflectionService/GetChainDescriptor",
    "/cosmos.base.reflection.v2alpha1.ReflectionService/GetCodecDescriptor",
    "/cosmos.base.reflection.v2alpha1.ReflectionService/GetConfigurationDescriptor",
    "/cosmos.base.reflection.v2alpha1.ReflectionService/GetQueryServicesDescriptor",
    "/cosmos.base.reflection.v2alpha1.ReflectionService/GetTxDescriptor",
    "/cosmos.base.tendermint.v1beta1.Service/ABCIQuery",
    "/cosmos.base.tendermint.v1beta1.Service/GetBlockByHeight",
    "/cosmos.base.tendermint.v1beta1.Service/GetLatestBlock",
    "/cosmos.base.tendermint.v1beta1.Service/GetLatestValidatorSet",
    "/cosmos.base.tendermint.v1beta1.Service/GetNodeInfo",
    "/cosmos.base.tendermint.v1beta1.Service/GetSyncing",
    "/cosmos.base.tendermint.v1beta1.Service/GetValidatorSetByHeight",
    "/cosmos.consensus.v1.Query/Params",
    BROADCAST,
    "/cosmos.tx.v1beta1.Service/GetBlockWithTxs",
    "/cosmos.tx.v1beta1.Service/GetTx",
    "/cosmos.tx.v1beta1.Service/GetTxsEvent",
];

/// What the host answers beside the questions of `app::query`.
const SIMULATE: &str = "/cosmos.tx.v1beta1.Service/Simulate";

/// Paths of all methods of one message each way that the server answers, without reflection and health.
pub fn methods() -> Vec<String> {
    let ours = METHODS.iter().map(ToString::to_string);
    ours.chain([SIMULATE.into()]).chain(app::query::methods()).collect()
}

/// Answer the method at `path`; nothing if it is a question about state.
pub(crate) async fn call(node: &Node, path: &str, request: &[u8]) -> Option<Result<Vec<u8>, Status>> {
    let (service, method) = path.rsplit_once('/')?;
    Some(match (service, method) {
        ("/cosmos.base.node.v1beta1.Service", "Config") => with(request, |r| info::config(node, r)).await,
        ("/cosmos.base.node.v1beta1.Service", "Status") => with(request, |r| info::status(node, r)).await,
        ("/cosmos.consensus.v1.Query", "Params") => with(request, |r| info::params(node, r)).await,
        ("/cosmos.base.reflection.v1beta1.ReflectionService", method) => match method {
            "ListAllInterfaces" => with(request, |r| reflect::interfaces(node, r)).await,
            "ListImplementations" => with(request, |r| reflect::implementations(node, r)).await,
            _ => return None,
        },
        ("/cosmos.base.reflection.v2alpha1.ReflectionService", method) => match method {
            "GetAuthnDescriptor" => with(request, |r| reflect::authn(node, r)).await,
            "GetChainDescriptor" => with(request, |r| reflect::chain_name(node, r)).await,
            "GetCodecDescriptor" => with(request, |r| reflect::codec(node, r)).await,
            "GetConfigurationDescriptor" => with(request, |r| reflect::configuration(node, r)).await,
            "GetQueryServicesDescriptor" => with(request, |r| reflect::queries(node, r)).await,
            "GetTxDescriptor" => with(request, |r| reflect::transaction(node, r)).await,
            _ => return None,
        },
        ("/cosmos.base.tendermint.v1beta1.Service", method) => match method {
            "ABCIQuery" => with(request, |r| info::abci_query(node, r)).await,
            "GetBlockByHeight" => with(request, |r| blocks::by_height(node, r)).await,
            "GetLatestBlock" => with(request, |r| blocks::latest(node, r)).await,
            "GetLatestValidatorSet" => with(request, |r| blocks::latest_validators(node, r)).await,
            "GetNodeInfo" => with(request, |r| info::node_info(node, r)).await,
            "GetSyncing" => with(request, |r| info::syncing(node, r)).await,
            "GetValidatorSetByHeight" => with(request, |r| blocks::validators_by_height(node, r)).await,
            _ => return None,
        },
        ("/cosmos.tx.v1beta1.Service", method) => match method {
            "BroadcastTx" => with(request, |r| tx::broadcast(node, r)).await,
            "GetBlockWithTxs" => with(request, |r| tx::block_with_txs(node, r)).await,
            "GetTx" => with(request, |r| tx::get(node, r)).await,
            "GetTxsEvent" => with(request, |r| tx::search(node, r)).await,
            _ => return None,
        },
        _ => return None,
    })
}

/// Answer with what `f` makes of the request.
async fn with<Q, A, F>(request: &[u8], f: impl FnOnce(Q) -> F) -> Result<Vec<u8>, Status>
where
    Q: Message + Default,
    A: Message,
    F: Future<Output = Result<A, Status>>,
{
    let request = Q::decode(request).map_err(|error| invalid(&error.to_string()))?;
    f(request).await.map(|answer| answer.encode_to_vec())
}

/// The question makes no sense.
fn invalid(words: &str) -> Status {
    status(Code::InvalidArgument, words)
}

/// Why the engine does not answer, as a status.
fn refused(error: EngineError) -> Status {
    let code = match error {
        EngineError::Known => Code::AlreadyExists,
        EngineError::Full(_) => Code::ResourceExhausted,
        EngineError::TooLarge(_) | EngineError::Invalid(_) => Code::InvalidArgument,
        EngineError::Unavailable(_) => Code::Unavailable,
        EngineError::Failed(_) => Code::Internal,
    };
    status(code, &error.to_string())
}

/// The part of `rows` that `page` asks for, at most `most` of them, and where the next one begins. Keys are
/// offsets in four bytes.
fn page<T>(rows: Vec<T>, page: Option<PageRequest>, most: u64) -> Result<(Vec<T>, PageResponse), Status> {
    let page = page.unwrap_or_default();
    let total = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    let from = match page.key.as_slice() {
        [] => page.offset,
        key => {
            u64::from(u32::from_be_bytes(key.try_into().map_err(|_| invalid("the page key is not ours"))?))
        }
    };
    let size = if page.limit == 0 { most } else { page.limit.min(most) };
    let next = from.saturating_add(size);
    let next_key = u32::try_from(next).ok().filter(|_| next < total).map(|next| next.to_be_bytes().to_vec());
    let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
    let rows: Vec<T> = if page.reverse {
        rows.into_iter().rev().skip(place(from)).take(place(size)).collect()
    } else {
        rows.into_iter().skip(place(from)).take(place(size)).collect()
    };
    Ok((rows, PageResponse { next_key: next_key.unwrap_or_default(), total }))
}

#[cfg(test)]
mod tests {
    use super::{page, PageRequest};

    #[test]
    fn net_09_pages_follow_each_other_to_the_end() {
        let rows: Vec<u32> = (0..7).collect();
        let (mut seen, mut key) = (Vec::new(), Vec::new());
        for _ in 0..3 {
            let request = PageRequest { key: key.clone(), limit: 3, ..PageRequest::default() };
            let (part, response) = page(rows.clone(), Some(request), 100).unwrap();
            seen.extend(part);
            key = response.next_key;
            assert_eq!(response.total, 7);
        }
        assert_eq!((seen, key), (rows.clone(), Vec::new()));
        let reverse = PageRequest { reverse: true, limit: u64::MAX, ..PageRequest::default() };
        assert_eq!(page(rows.clone(), Some(reverse), 2).unwrap().0, [6, 5]);
        let beyond = PageRequest { offset: u64::MAX, ..PageRequest::default() };
        assert!(page(rows.clone(), Some(beyond), 2).unwrap().0.is_empty());
        assert!(page(rows, Some(PageRequest { key: vec![1], ..PageRequest::default() }), 2).is_err());
    }
}
