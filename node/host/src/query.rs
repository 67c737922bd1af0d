//! Reading: gRPC methods by their path, and raw keys with proofs, always from committed state.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::Ordering;

use app::query::{Context, Failure, FailureKind};
use tendermint_proto::v0_38::abci::{RequestQuery, ResponseQuery};
use tendermint_proto::v0_38::crypto::{ProofOp, ProofOps};
use tree::View;
use types::Chain;

use crate::consensus::height_out;
use crate::host::Host;

/// Answer of a query: protobuf bytes and the height they were read at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The response message.
    pub value: Vec<u8>,
    /// Height of the state it was read from.
    pub height: u64,
}

/// Why a query has no answer; the number is gRPC's status code.
pub type QueryError = Failure;

impl Host {
    /// The chain's configuration; nothing before the first block.
    pub fn chain(&self) -> Option<Chain> {
        app::state::chain(&self.shared.reader.latest())
    }

    /// The committed view at `height`; the latest for 0.
    pub fn view(&self, height: u64) -> Result<(u64, View), QueryError> {
        // One read: what is told about the last block may be a moment behind what can be read.
        let latest = self.shared.reader.latest();
        if height == 0 || height == latest.height() {
            return Ok((latest.height(), latest));
        }
        let view = self.shared.reader.at(height).ok_or_else(|| {
            let kept = self.shared.reader.heights();
            Failure::invalid(format!("height {height} is not kept; heights {kept:?} are"))
        })?;
        Ok((height, view))
    }

    /// Call the gRPC method at `path` (`/package.Service/Method`) with an encoded request.
    pub fn call(&self, path: &str, request: &[u8], height: u64) -> Result<Answer, QueryError> {
        self.guarded(path, || self.answer(path, request, height))
    }

    /// Queries that a fault of ours ended, since the start.
    pub fn query_faults(&self) -> u64 {
        self.shared.query_faults.load(Ordering::Relaxed)
    }

    /// A query changes nothing: one that panics is one without an answer, and the node goes on.
    fn guarded<T>(&self, path: &str, ask: impl FnOnce() -> Result<T, QueryError>) -> Result<T, QueryError> {
        catch_unwind(AssertUnwindSafe(ask)).unwrap_or_else(|_| {
            let faults = self.shared.query_faults.fetch_add(1, Ordering::Relaxed) + 1;
            tracing::error!(path, faults, "a query panicked");
            let message = "the query failed inside the node".into();
            Err(Failure { kind: FailureKind::Internal, message })
        })
    }

    fn answer(&self, path: &str, request: &[u8], height: u64) -> Result<Answer, QueryError> {
        #[cfg(test)]
        assert_ne!(path, tests::PANICS, "a query that panics");
        let (height, view) = self.view(height)?;
        if path == "/cosmos.tx.v1beta1.Service/Simulate" {
            return Ok(Answer { value: self.simulate_call(request)?, height });
        }
        let context = Context { height };
        Ok(Answer { value: app::query::call(&view, path, request, &context)?, height })
    }

    pub(crate) fn do_query(&self, request: &RequestQuery) -> ResponseQuery {
        let path = request.path.as_str();
        let height = u64::try_from(request.height)
            .map_err(|_| Failure::invalid(format!("height {} is below zero", request.height)));
        let result = height.and_then(|height| match path.trim_start_matches('/').strip_prefix("store/") {
            Some(rest) => self.guarded(path, || self.store_query(rest, request, height)),
            None => self.call(path, &request.data, height).map(|answer| ResponseQuery {
                value: answer.value.into(),
                height: height_out(answer.height),
                ..ResponseQuery::default()
            }),
        });
        result.unwrap_or_else(|failure| ResponseQuery {
            code: failure.abci_code(),
            codespace: "sdk".into(),
            // Clients recognise a missing account by this form of words.
            log: format!("rpc error: code = {} desc = {}", failure.name(), failure.message),
            height: height_out(self.last_block().height),
            ..ResponseQuery::default()
        })
    }

    /// `<store>/key`: one stored value, with a proof against the app hash in the header after the height when
    /// asked. Without a height, proofs answer one block back, so that this header exists already.
    fn store_query(
        &self,
        rest: &str,
        request: &RequestQuery,
        height: u64,
    ) -> Result<ResponseQuery, QueryError> {
        let unknown = || Failure::invalid(format!("store/{rest}: expected store/<module>/key"));
        let (store, kind) = rest.split_once('/').ok_or_else(unknown)?;
        let module = app::STORES.iter().find(|(_, name)| *name == store).ok_or_else(unknown)?;
        if kind != "key" {
            return Err(unknown());
        }
        let mut response = ResponseQuery { key: request.data.clone(), ..ResponseQuery::default() };
        if request.prove {
            let last = self.shared.reader.latest().height();
            let height = if height == 0 { last.saturating_sub(1).max(1) } else { height };
            response.height = height_out(height);
            let proof = self.shared.reader.prove(height, store, &request.data);
            let proof = proof.map_err(|error| Failure::invalid(error.to_string()))?;
            response.value = proof.value.unwrap_or_default().into();
            let ops = proof.ops.into_iter();
            let ops = ops.map(|op| ProofOp { r#type: op.kind.into(), key: op.key, data: op.data });
            response.proof_ops = Some(ProofOps { ops: ops.collect() });
        } else {
            // One look at what is committed: blocks may follow each other faster than this thread runs.
            let (height, view) = self.view(height)?;
            response.height = height_out(height);
            let mut key = vec![module.0];
            key.extend_from_slice(&request.data);
            store::Read::read(&view, &key, &mut |value| response.value = value.to_vec().into());
        }
        Ok(response)
    }

    fn simulate_call(&self, request: &[u8]) -> Result<Vec<u8>, QueryError> {
        use cosmos_sdk_proto::cosmos::base::abci::v1beta1::{GasInfo, Result as TxOutcome};
        use cosmos_sdk_proto::cosmos::tx::v1beta1::{SimulateRequest, SimulateResponse, TxRaw};
        use prost::Message as _;
        let request =
            SimulateRequest::decode(request).map_err(|error| Failure::invalid(error.to_string()))?;
        #[allow(deprecated, reason = "old clients still send the decoded form")]
        let tx = match request.tx {
            Some(tx) if request.tx_bytes.is_empty() => TxRaw {
                body_bytes: tx.body.unwrap_or_default().encode_to_vec(),
                auth_info_bytes: tx.auth_info.unwrap_or_default().encode_to_vec(),
                signatures: tx.signatures,
            }
            .encode_to_vec(),
            _ => request.tx_bytes,
        };
        let (result, events) = self.simulate_rendered(&tx);
        if let Some(refusal) = &result.refusal {
            return Err(Failure::invalid(format!("{} {}: {}", refusal.codespace, refusal.code, refusal.log)));
        }
        let response = SimulateResponse {
            gas_info: Some(GasInfo { gas_wanted: result.gas_wanted, gas_used: result.gas_used }),
            result: Some(TxOutcome {
                events: events
                    .into_iter()
                    .map(|event| cosmos_sdk_proto::tendermint::abci::Event {
                        r#type: event.r#type,
                        attributes: event
                            .attributes
                            .into_iter()
                            .map(|attribute| cosmos_sdk_proto::tendermint::abci::EventAttribute {
                                key: attribute.key,
                                value: attribute.value,
                                index: attribute.index,
                            })
                            .collect(),
                    })
                    .collect(),
                ..TxOutcome::default()
            }),
        };
        Ok(response.encode_to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    /// A method that panics.
    pub(super) const PANICS: &str = "/test/Panic";

    #[test]
    fn net_19_a_query_that_panics_is_one_failed_answer_and_the_node_goes_on() {
        let host = Host::in_memory(Config::default(), ());
        for faults in 1..=3 {
            let failure = host.call(PANICS, b"", 0).unwrap_err();
            assert_eq!(failure.kind, FailureKind::Internal);
            let request = RequestQuery { path: PANICS.into(), ..RequestQuery::default() };
            let answer = host.do_query(&request);
            assert_eq!((answer.code, answer.codespace.as_str()), (111_222, "sdk"));
            assert!(!answer.log.contains("a query that panics"), "what failed stays in the log");
            assert_eq!(host.query_faults(), 2 * faults);
            assert_eq!(host.call("/no/Method", b"", 0).unwrap_err().kind, FailureKind::Unavailable);
        }
    }
}
