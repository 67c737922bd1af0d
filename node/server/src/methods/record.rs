//! Transactions and blocks in the words of the Cosmos services.

use cosmos_sdk_proto::cosmos::base::abci::v1beta1::TxResponse;
use cosmos_sdk_proto::cosmos::base::tendermint::v1beta1 as wire;
use cosmos_sdk_proto::cosmos::tx::v1beta1::Tx;
use cosmos_sdk_proto::Any;
use prost::Message;
use tendermint_proto::google::protobuf::Timestamp;
use tendermint_proto::v0_38::types::Block;
use time::format_description::well_known::Rfc3339;
use time::OffsetDateTime;
use types::Address;

use crate::{Checked, TxRecord};

/// A hash as the services write it.
pub(super) fn hash_text(hash: &[u8; 32]) -> String {
    hex::encode_upper(hash)
}

/// What the mempool said of a transaction.
pub(super) fn checked(checked: Checked) -> TxResponse {
    TxResponse {
        txhash: hash_text(&checked.hash),
        codespace: checked.codespace,
        code: checked.code,
        data: hex::encode_upper(&checked.data),
        raw_log: checked.log,
        ..TxResponse::default()
    }
}

/// A transaction of a block whose time is `time`.
pub(super) fn tx_response(record: &TxRecord, time: Option<Timestamp>) -> TxResponse {
    let result = &record.result;
    TxResponse {
        height: i64::try_from(record.height).unwrap_or(i64::MAX),
        txhash: hash_text(&record.hash),
        codespace: result.codespace.clone(),
        code: result.code,
        data: hex::encode_upper(&result.data),
        raw_log: result.log.clone(),
        logs: Vec::new(),
        info: result.info.clone(),
        gas_wanted: result.gas_wanted,
        gas_used: result.gas_used,
        // The raw and the decoded form of a transaction have the same bytes. What does not decode is left out:
        // clients decode what is inside of an `Any`, and would refuse the whole answer.
        tx: decoded(&record.tx)
            .map(|_| Any { type_url: "/cosmos.tx.v1beta1.Tx".into(), value: record.tx.to_vec() }),
        timestamp: time.and_then(|time| rfc3339(&time)).unwrap_or_default(),
        events: result.events.clone(),
    }
}

/// The transaction decoded; nothing if it is not one of accounts, such as the votes that open a block.
pub(super) fn decoded(tx: &[u8]) -> Option<Tx> {
    Tx::decode(tx).ok().filter(|tx| tx.body.is_some())
}

/// Whole seconds in UTC.
fn rfc3339(time: &Timestamp) -> Option<String> {
    OffsetDateTime::from_unix_timestamp(time.seconds).ok()?.format(&Rfc3339).ok()
}

/// The block with its proposer in bech32.
pub(super) fn sdk_block(block: &Block, prefix: &str) -> wire::Block {
    let header = block.header.clone().map(|header| wire::Header {
        version: header.version,
        chain_id: header.chain_id,
        height: header.height,
        time: header.time,
        last_block_id: header.last_block_id,
        last_commit_hash: header.last_commit_hash,
        data_hash: header.data_hash,
        validators_hash: header.validators_hash,
        next_validators_hash: header.next_validators_hash,
        consensus_hash: header.consensus_hash,
        app_hash: header.app_hash,
        last_results_hash: header.last_results_hash,
        evidence_hash: header.evidence_hash,
        proposer_address: consensus_address(&header.proposer_address, prefix),
    });
    wire::Block {
        header,
        data: block.data.clone(),
        evidence: block.evidence.clone(),
        last_commit: block.last_commit.clone(),
    }
}

/// A validator's address in bech32; empty if it is none.
pub(super) fn consensus_address(address: &[u8], prefix: &str) -> String {
    let address: Option<[u8; 20]> = address.try_into().ok();
    address.map_or_else(String::new, |address| Address::new(address).to_bech32(&format!("{prefix}valcons")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_in_whole_seconds_of_utc() {
        let time = Timestamp { seconds: 1_795_212_000, nanos: 123_456_789 };
        assert_eq!(rfc3339(&time).as_deref(), Some("2026-11-20T22:00:00Z"));
        assert_eq!(rfc3339(&Timestamp { seconds: i64::MAX, nanos: 0 }), None);
    }
}
