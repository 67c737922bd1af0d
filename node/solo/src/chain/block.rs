//! Blocks: from transactions to header, parts and identity.

use prost::Message;
use sha2::{Digest, Sha256};
use tendermint::Time;
use tendermint_proto::v0_38::abci::ExecTxResult;
use tendermint_proto::v0_38::types::{
    Block, BlockId, Commit, ConsensusParams, Data, EvidenceList, HashedParams, Header, PartSetHeader,
};
use tendermint_proto::v0_38::version::Consensus;

use super::merkle::{self, Hash};

/// Version of the block format.
pub(crate) const BLOCK_VERSION: u64 = 11;
/// Version of the peer protocol, which is reported but not spoken.
pub(crate) const P2P_VERSION: u64 = 8;
/// Size of the parts that a block is cut into to be identified.
const PART_BYTES: usize = 65_536;

/// What a block is made of, beside what follows from the chain before it.
pub(crate) struct Contents<'a> {
    pub(crate) chain_id: &'a str,
    pub(crate) app_version: u64,
    pub(crate) height: i64,
    pub(crate) time: Time,
    pub(crate) last_block_id: BlockId,
    pub(crate) last_commit: Commit,
    pub(crate) validators_hash: Hash,
    pub(crate) consensus_hash: Hash,
    pub(crate) app_hash: Vec<u8>,
    pub(crate) last_results_hash: Vec<u8>,
    pub(crate) proposer: [u8; 20],
    pub(crate) txs: Vec<Vec<u8>>,
}

/// The block with all hashes filled in.
pub(crate) fn build(contents: Contents<'_>) -> Block {
    let header = Header {
        version: Some(Consensus { block: BLOCK_VERSION, app: contents.app_version }),
        chain_id: contents.chain_id.to_owned(),
        height: contents.height,
        time: Some(contents.time.into()),
        last_block_id: Some(contents.last_block_id),
        last_commit_hash: commit_hash(&contents.last_commit).to_vec(),
        data_hash: merkle::root(&tx_hashes(&contents.txs)).to_vec(),
        validators_hash: contents.validators_hash.to_vec(),
        next_validators_hash: contents.validators_hash.to_vec(),
        consensus_hash: contents.consensus_hash.to_vec(),
        app_hash: contents.app_hash,
        last_results_hash: contents.last_results_hash,
        evidence_hash: merkle::root(&tx_hashes(&[])).to_vec(),
        proposer_address: contents.proposer.to_vec(),
    };
    Block {
        header: Some(header),
        data: Some(Data { txs: contents.txs }),
        evidence: Some(EvidenceList::default()),
        last_commit: Some(contents.last_commit),
    }
}

/// Hash of the header, which is the block's hash. Nothing if the header is malformed.
pub(crate) fn header_hash(header: &Header) -> Option<Hash> {
    let header = tendermint::block::Header::try_from(header.clone()).ok()?;
    header.hash().as_bytes().try_into().ok()
}

/// Identity of a block: hash of its header and root over its encoded parts. Nothing if the header is
/// malformed.
pub(crate) fn block_id(block: &Block, encoded: &[u8]) -> Option<BlockId> {
    let hash = header_hash(block.header.as_ref()?)?;
    let parts: Vec<&[u8]> = encoded.chunks(PART_BYTES).collect();
    let total = u32::try_from(parts.len()).ok()?;
    let part_set_header = PartSetHeader { total, hash: merkle::root(&parts).to_vec() };
    Some(BlockId { hash: hash.to_vec(), part_set_header: Some(part_set_header) })
}

/// What stands for the identity of the block before the first.
pub(crate) fn no_block_id() -> BlockId {
    BlockId { hash: Vec::new(), part_set_header: Some(PartSetHeader::default()) }
}

fn commit_hash(commit: &Commit) -> Hash {
    let leaves: Vec<Vec<u8>> = commit.signatures.iter().map(Message::encode_to_vec).collect();
    merkle::root(&leaves)
}

/// Hash of one transaction.
pub(crate) fn tx_hash(tx: &[u8]) -> Hash {
    Sha256::digest(tx).into()
}

/// Leaves of the tree over a block's transactions.
pub(crate) fn tx_hashes(txs: &[Vec<u8>]) -> Vec<Hash> {
    txs.iter().map(|tx| tx_hash(tx)).collect()
}

/// Root over those fields of the results that all nodes agree on.
pub(crate) fn results_hash(results: &[ExecTxResult]) -> Hash {
    let leaves: Vec<Vec<u8>> = results
        .iter()
        .map(|result| {
            let agreed = ExecTxResult {
                code: result.code,
                data: result.data.clone(),
                gas_wanted: result.gas_wanted,
                gas_used: result.gas_used,
                ..ExecTxResult::default()
            };
            agreed.encode_to_vec()
        })
        .collect();
    merkle::root(&leaves)
}

/// Hash of those consensus parameters that the header commits to.
pub(crate) fn consensus_hash(params: &ConsensusParams) -> Hash {
    let block = params.block.unwrap_or_default();
    let hashed = HashedParams { block_max_bytes: block.max_bytes, block_max_gas: block.max_gas };
    Sha256::digest(hashed.encode_to_vec()).into()
}

/// Bytes that a block's transactions may fill when the encoded block must not exceed `max_bytes`.
pub(crate) fn max_tx_bytes(max_bytes: i64, validators: usize) -> i64 {
    // Encoding overhead, longest header, and per commit signature its longest encoding.
    const FIXED: i64 = 11 + 626 + 94;
    const PER_SIGNATURE: i64 = 111;
    // -1 in the parameters stands for the largest block there may be.
    let max_bytes = if max_bytes < 0 { 100 * 1024 * 1024 } else { max_bytes };
    let signatures = i64::try_from(validators).unwrap_or(i64::MAX).saturating_mul(PER_SIGNATURE);
    max_bytes.saturating_sub(FIXED).saturating_sub(signatures).max(0)
}

/// Bytes that `tx` takes within a block's list of transactions.
pub(crate) fn tx_cost(tx: &[u8]) -> i64 {
    let length = tx.len();
    let prefix = prost::length_delimiter_len(length);
    i64::try_from(1 + prefix + length).unwrap_or(i64::MAX)
}
