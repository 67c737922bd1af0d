//! CometBFT's JSON: numbers of 64 bits as text, bytes in base64, hashes in hexadecimal digits, lists that may be
//! null.

use base64::prelude::{Engine as _, BASE64_STANDARD};
use serde::Deserialize;
use tendermint_proto::google::protobuf::Duration;
use tendermint_proto::v0_38::abci::{Event, EventAttribute, ExecTxResult};
use tendermint_proto::v0_38::p2p::{DefaultNodeInfo, DefaultNodeInfoOther, ProtocolVersion};
use tendermint_proto::v0_38::types::{
    AbciParams, Block as RawBlock, BlockId, BlockParams, ConsensusParams, EvidenceParams, ValidatorParams,
    VersionParams,
};

use crate::{BlockRecord, Checked, Found as FoundTxs, NodeStatus, TxRecord};

/// What cannot be read, in words.
type Unread = String;

/// Any answer.
#[derive(Deserialize)]
pub(super) struct Answer<T> {
    pub(super) result: Option<T>,
    pub(super) error: Option<Error>,
}

#[derive(Deserialize)]
pub(super) struct Error {
    message: String,
    #[serde(default)]
    data: Option<String>,
}

impl Error {
    /// The reason is in the data; the message names the kind.
    pub(super) fn words(self) -> String {
        self.data.filter(|data| !data.is_empty()).unwrap_or(self.message)
    }
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, Unread> {
    text.parse().map_err(|_| format!("`{text}` is no number here"))
}

/// A number that may be left out, which means 0.
fn optional<T: std::str::FromStr + Default>(text: &str) -> Result<T, Unread> {
    if text.is_empty() {
        Ok(T::default())
    } else {
        number(text)
    }
}

fn bytes(text: &str) -> Result<Vec<u8>, Unread> {
    BASE64_STANDARD.decode(text).map_err(|error| error.to_string())
}

fn hash(text: &str) -> Result<[u8; 32], Unread> {
    let mut hash = [0; 32];
    hex::decode_to_slice(text, &mut hash).map_err(|error| format!("hash {text}: {error}"))?;
    Ok(hash)
}

/// `broadcast_tx_sync`, `broadcast_tx_async`.
#[derive(Deserialize)]
pub(super) struct Broadcast {
    code: u32,
    #[serde(default)]
    data: Option<String>,
    #[serde(default)]
    log: String,
    #[serde(default)]
    codespace: String,
    hash: String,
}

impl Broadcast {
    pub(super) fn read(self) -> Result<Checked, Unread> {
        // The data of a check is in hexadecimal digits, unlike all other data.
        let data = hex::decode(self.data.unwrap_or_default()).map_err(|error| error.to_string())?.into();
        let hash = hash(&self.hash)?;
        Ok(Checked { code: self.code, codespace: self.codespace, log: self.log, data, hash })
    }
}

/// `tx`, and each element of `tx_search`.
#[derive(Deserialize)]
pub(super) struct Tx {
    hash: String,
    height: String,
    index: u32,
    tx_result: TxResult,
    tx: String,
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct TxResult {
    code: u32,
    data: Option<String>,
    log: String,
    info: String,
    gas_wanted: String,
    gas_used: String,
    events: Option<Vec<TxEvent>>,
    codespace: String,
}

#[derive(Deserialize)]
struct TxEvent {
    r#type: String,
    #[serde(default)]
    attributes: Option<Vec<TxAttribute>>,
}

#[derive(Deserialize)]
struct TxAttribute {
    #[serde(default)]
    key: String,
    #[serde(default)]
    value: Option<String>,
    #[serde(default)]
    index: bool,
}

impl Tx {
    pub(super) fn read(self) -> Result<TxRecord, Unread> {
        let result = self.tx_result;
        let attribute = |attribute: TxAttribute| EventAttribute {
            key: attribute.key,
            value: attribute.value.unwrap_or_default(),
            index: attribute.index,
        };
        let event = |event: TxEvent| Event {
            r#type: event.r#type,
            attributes: event.attributes.unwrap_or_default().into_iter().map(attribute).collect(),
        };
        Ok(TxRecord {
            hash: hash(&self.hash)?,
            height: number(&self.height)?,
            index: self.index,
            tx: bytes(&self.tx)?.into(),
            result: ExecTxResult {
                code: result.code,
                data: bytes(&result.data.unwrap_or_default())?.into(),
                log: result.log,
                info: result.info,
                gas_wanted: optional(&result.gas_wanted)?,
                gas_used: optional(&result.gas_used)?,
                events: result.events.unwrap_or_default().into_iter().map(event).collect(),
                codespace: result.codespace,
            },
        })
    }
}

/// `tx_search`.
#[derive(Deserialize)]
pub(super) struct Found {
    #[serde(default)]
    txs: Option<Vec<Tx>>,
    total_count: String,
}

impl Found {
    pub(super) fn read(self) -> Result<FoundTxs, Unread> {
        let txs = self.txs.unwrap_or_default().into_iter().map(Tx::read).collect::<Result<_, _>>()?;
        Ok(FoundTxs { total: number(&self.total_count)?, txs })
    }
}

/// `block`.
#[derive(Deserialize)]
pub(super) struct Block {
    block_id: BlockId,
    block: Option<RawBlock>,
}

impl Block {
    pub(super) fn read(self) -> Option<BlockRecord> {
        let block = self.block.filter(|_| !self.block_id.hash.is_empty())?;
        Some(BlockRecord { block_id: self.block_id, block })
    }
}

/// `consensus_params`.
#[derive(Deserialize)]
pub(super) struct Params {
    consensus_params: ParamsParts,
}

#[derive(Deserialize)]
struct ParamsParts {
    block: BlockPart,
    evidence: EvidencePart,
    validator: ValidatorPart,
    #[serde(default)]
    version: VersionPart,
    #[serde(default)]
    abci: AbciPart,
}

#[derive(Deserialize)]
struct BlockPart {
    max_bytes: String,
    max_gas: String,
}

#[derive(Deserialize)]
struct EvidencePart {
    max_age_num_blocks: String,
    max_age_duration: String,
    #[serde(default)]
    max_bytes: String,
}

#[derive(Deserialize)]
struct ValidatorPart {
    pub_key_types: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct VersionPart {
    app: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AbciPart {
    vote_extensions_enable_height: String,
}

impl Params {
    pub(super) fn read(self) -> Result<ConsensusParams, Unread> {
        let params = self.consensus_params;
        let age: i64 = number(&params.evidence.max_age_duration)?;
        Ok(ConsensusParams {
            block: Some(BlockParams {
                max_bytes: number(&params.block.max_bytes)?,
                max_gas: number(&params.block.max_gas)?,
            }),
            evidence: Some(EvidenceParams {
                max_age_num_blocks: number(&params.evidence.max_age_num_blocks)?,
                max_age_duration: Some(Duration {
                    seconds: age.div_euclid(1_000_000_000),
                    nanos: i32::try_from(age.rem_euclid(1_000_000_000)).unwrap_or_default(),
                }),
                max_bytes: optional(&params.evidence.max_bytes)?,
            }),
            validator: Some(ValidatorParams { pub_key_types: params.validator.pub_key_types }),
            version: Some(VersionParams { app: optional(&params.version.app)? }),
            abci: Some(AbciParams {
                vote_extensions_enable_height: optional(&params.abci.vote_extensions_enable_height)?,
            }),
        })
    }
}

/// `status`.
#[derive(Deserialize)]
pub(super) struct Status {
    node_info: NodeInfo,
    sync_info: SyncInfo,
}

#[derive(Deserialize)]
struct NodeInfo {
    protocol_version: Protocols,
    id: String,
    #[serde(default)]
    listen_addr: String,
    network: String,
    version: String,
    #[serde(default)]
    channels: String,
    #[serde(default)]
    moniker: String,
    #[serde(default)]
    other: Other,
}

#[derive(Deserialize)]
struct Protocols {
    p2p: String,
    block: String,
    app: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Other {
    tx_index: String,
    rpc_address: String,
}

#[derive(Deserialize)]
struct SyncInfo {
    catching_up: bool,
}

impl Status {
    pub(super) fn read(self) -> Result<NodeStatus, Unread> {
        let info = self.node_info;
        let versions = info.protocol_version;
        Ok(NodeStatus {
            info: DefaultNodeInfo {
                protocol_version: Some(ProtocolVersion {
                    p2p: number(&versions.p2p)?,
                    block: number(&versions.block)?,
                    app: optional(&versions.app)?,
                }),
                default_node_id: info.id,
                listen_addr: info.listen_addr,
                network: info.network,
                version: info.version,
                channels: hex::decode(&info.channels).map_err(|error| error.to_string())?,
                moniker: info.moniker,
                other: Some(DefaultNodeInfoOther {
                    tx_index: info.other.tx_index,
                    rpc_address: info.other.rpc_address,
                }),
            },
            catching_up: self.sync_info.catching_up,
        })
    }
}
