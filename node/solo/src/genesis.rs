//! The genesis document, in the form that CometBFT reads and clients are told.

use std::collections::BTreeMap;

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use serde_json::{json, Map, Value};
use sha2::{Digest, Sha256};
use tendermint::Time;
use tendermint_proto::google::protobuf::Duration;
use tendermint_proto::v0_38::types::{
    AbciParams, BlockParams, ConsensusParams, EvidenceParams, ValidatorParams, VersionParams,
};

use crate::chain::validators::ChainValidator;

/// Longest chain id that clients and headers can carry, in bytes.
const MAX_CHAIN_ID: usize = 50;
const DEFAULT_MAX_BYTES: i64 = 4_194_304;
const DEFAULT_EVIDENCE_BLOCKS: i64 = 100_000;
const DEFAULT_EVIDENCE_NANOS: i64 = 172_800_000_000_000;
const DEFAULT_EVIDENCE_BYTES: i64 = 1_048_576;
const NANOS: i64 = 1_000_000_000;

/// Why a genesis document is refused: the field and what is wrong.
#[derive(Debug, thiserror::Error)]
#[error("genesis: {field}: {reason}")]
pub struct GenesisError {
    /// Path of the field.
    pub field: &'static str,
    /// What is wrong.
    pub reason: String,
}

/// Where a chain begins.
#[derive(Clone, Debug)]
pub struct Genesis {
    /// Its name, 1 to 50 bytes.
    pub chain_id: String,
    /// Its first moment; the first block is later.
    pub time: Time,
    /// Height of the first block, at least 1.
    pub initial_height: u64,
    /// Limits of blocks, and from when votes carry extensions.
    pub params: ConsensusParams,
    /// Who votes.
    pub validators: Vec<ChainValidator>,
    /// State that the application starts from.
    pub app_state: Value,
}

impl Genesis {
    /// A genesis with this engine's default limits: blocks of at most 4 MiB, vote extensions from height 1.
    pub fn new(chain_id: &str, time: Time, validators: Vec<ChainValidator>, app_state: Value) -> Self {
        let params = ConsensusParams {
            block: Some(BlockParams { max_bytes: DEFAULT_MAX_BYTES, max_gas: -1 }),
            evidence: Some(EvidenceParams {
                max_age_num_blocks: DEFAULT_EVIDENCE_BLOCKS,
                max_age_duration: Some(Duration { seconds: DEFAULT_EVIDENCE_NANOS / NANOS, nanos: 0 }),
                max_bytes: DEFAULT_EVIDENCE_BYTES,
            }),
            validator: Some(ValidatorParams { pub_key_types: vec!["ed25519".into()] }),
            version: Some(VersionParams { app: 0 }),
            abci: Some(AbciParams { vote_extensions_enable_height: 1 }),
        };
        Self { chain_id: chain_id.into(), time, initial_height: 1, params, validators, app_state }
    }

    /// Read a document; every field that is there must be right.
    pub fn from_json(text: &[u8]) -> Result<Self, GenesisError> {
        let bad = |field, reason: &str| GenesisError { field, reason: reason.into() };
        let value: Value =
            serde_json::from_slice(text).map_err(|error| bad("document", &error.to_string()))?;
        let chain_id = value["chain_id"].as_str().ok_or_else(|| bad("chain_id", "must be a string"))?;
        let time = value["genesis_time"].as_str().and_then(|text| Time::parse_from_rfc3339(text).ok());
        let initial_height = match &value["initial_height"] {
            Value::Null => 1,
            given => integer(given)
                .and_then(|height| u64::try_from(height).ok())
                .ok_or_else(|| bad("initial_height", "must be a height"))?
                .max(1),
        };
        let validators = value["validators"].as_array().map_or(&[][..], Vec::as_slice);
        let genesis = Self {
            chain_id: chain_id.into(),
            time: time.ok_or_else(|| bad("genesis_time", "must be a time as in RFC 3339"))?,
            initial_height,
            params: params_in(&value["consensus_params"])?,
            validators: validators.iter().map(validator_in).collect::<Result<_, _>>()?,
            app_state: value["app_state"].clone(),
        };
        genesis.check()?;
        Ok(genesis)
    }

    /// What makes a chain impossible from the start.
    pub(crate) fn check(&self) -> Result<(), GenesisError> {
        let bad = |field, reason: String| Err(GenesisError { field, reason });
        if self.chain_id.is_empty() || self.chain_id.len() > MAX_CHAIN_ID {
            return bad("chain_id", format!("must have 1 to {MAX_CHAIN_ID} bytes"));
        }
        let max_bytes = self.params.block.unwrap_or_default().max_bytes;
        if max_bytes != -1 && !(10_000..=104_857_600).contains(&max_bytes) {
            return bad(
                "consensus_params.block.max_bytes",
                format!("{max_bytes} is not in 10000..=104857600"),
            );
        }
        if self.initial_height == 0 || i64::try_from(self.initial_height).is_err() {
            return bad("initial_height", format!("{} is not in 1..=2^63-1", self.initial_height));
        }
        let mut keys: Vec<_> = self.validators.iter().map(|validator| validator.public_key).collect();
        keys.sort_unstable();
        keys.dedup();
        if keys.len() != self.validators.len() {
            return bad("validators", "a key is listed twice".into());
        }
        let power = self.validators.iter().fold(0_i64, |sum, each| sum.saturating_add(each.power));
        if self.validators.iter().any(|each| each.power <= 0) || power > i64::MAX / 8 {
            return bad("validators", "powers must be positive, their sum at most 2^60".into());
        }
        Ok(())
    }

    /// The document.
    pub fn to_json(&self) -> Value {
        json!({
            "genesis_time": self.time.to_rfc3339(),
            "chain_id": self.chain_id,
            "initial_height": self.initial_height.to_string(),
            "consensus_params": params_out(&self.params),
            "validators": self.validators.iter().map(|validator| json!({
                "address": hex::encode_upper(validator.address),
                "pub_key": {
                    "type": "tendermint/PubKeyEd25519",
                    "value": STANDARD.encode(validator.public_key),
                },
                "power": validator.power.to_string(),
                "name": "",
            })).collect::<Vec<_>>(),
            "app_hash": "",
            "app_state": self.app_state,
        })
    }

    /// Tells chains apart: hash of the document with its keys in order.
    pub(crate) fn fingerprint(&self) -> [u8; 32] {
        Sha256::digest(sorted(self.to_json()).to_string()).into()
    }

    /// First height whose votes carry extensions; nothing when none do.
    pub(crate) fn extensions_from(&self) -> Option<i64> {
        let height = self.params.abci.map(|abci| abci.vote_extensions_enable_height).unwrap_or_default();
        (height > 0).then_some(height)
    }
}

/// The same value with all keys in order, whatever order the file and the parser keep.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields: BTreeMap<String, Value> =
                fields.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            Value::Object(fields.into_iter().collect())
        }
        Value::Array(values) => values.into_iter().map(sorted).collect(),
        other => other,
    }
}

/// Consensus parameters as JSON; 64-bit numbers are strings.
pub(crate) fn params_out(params: &ConsensusParams) -> Value {
    let block = params.block.unwrap_or_default();
    let evidence = params.evidence.unwrap_or_default();
    let age = evidence.max_age_duration.unwrap_or_default();
    let age = i128::from(age.seconds) * i128::from(NANOS) + i128::from(age.nanos);
    let types = params.validator.as_ref().map(|validator| validator.pub_key_types.clone());
    let app = params.version.map(|version| version.app).unwrap_or_default();
    let height = params.abci.map(|abci| abci.vote_extensions_enable_height).unwrap_or_default();
    let mut abci = Map::new();
    if height > 0 {
        abci.insert("vote_extensions_enable_height".into(), height.to_string().into());
    }
    json!({
        "block": { "max_bytes": block.max_bytes.to_string(), "max_gas": block.max_gas.to_string() },
        "evidence": {
            "max_age_num_blocks": evidence.max_age_num_blocks.to_string(),
            "max_age_duration": age.to_string(),
            "max_bytes": evidence.max_bytes.to_string(),
        },
        "validator": { "pub_key_types": types.unwrap_or_default() },
        "version": if app == 0 { json!({}) } else { json!({ "app": app.to_string() }) },
        "abci": abci,
    })
}

fn params_in(value: &Value) -> Result<ConsensusParams, GenesisError> {
    let read = |field: &'static str, default: i64| match &value
        .pointer(&format!("/{}", field.replace('.', "/")))
        .unwrap_or(&Value::Null)
    {
        Value::Null => Ok(default),
        given => integer(given).ok_or_else(|| GenesisError {
            field: "consensus_params",
            reason: format!("{field}: {given} is not a 64-bit integer"),
        }),
    };
    let age = read("evidence.max_age_duration", DEFAULT_EVIDENCE_NANOS)?;
    let types = value["validator"]["pub_key_types"]
        .as_array()
        .map(|types| types.iter().filter_map(|each| each.as_str().map(str::to_owned)).collect::<Vec<_>>());
    let app = u64::try_from(read("version.app", 0)?).unwrap_or_default();
    Ok(ConsensusParams {
        block: Some(BlockParams {
            max_bytes: read("block.max_bytes", DEFAULT_MAX_BYTES)?,
            max_gas: read("block.max_gas", -1)?,
        }),
        evidence: Some(EvidenceParams {
            max_age_num_blocks: read("evidence.max_age_num_blocks", DEFAULT_EVIDENCE_BLOCKS)?,
            max_age_duration: Some(Duration {
                seconds: age / NANOS,
                nanos: i32::try_from(age % NANOS).unwrap_or_default(),
            }),
            max_bytes: read("evidence.max_bytes", DEFAULT_EVIDENCE_BYTES)?,
        }),
        validator: Some(ValidatorParams { pub_key_types: types.unwrap_or_else(|| vec!["ed25519".into()]) }),
        version: Some(VersionParams { app }),
        abci: Some(AbciParams {
            vote_extensions_enable_height: read("abci.vote_extensions_enable_height", 0)?,
        }),
    })
}

fn validator_in(value: &Value) -> Result<ChainValidator, GenesisError> {
    let bad = |reason: &str| GenesisError { field: "validators", reason: reason.into() };
    if value["pub_key"]["type"] != "tendermint/PubKeyEd25519" {
        return Err(bad("pub_key.type must be tendermint/PubKeyEd25519"));
    }
    let key = value["pub_key"]["value"].as_str().and_then(|text| STANDARD.decode(text).ok());
    let key = key.and_then(|key| <[u8; 32]>::try_from(key).ok());
    let power = integer(&value["power"]).ok_or_else(|| bad("power must be an integer"))?;
    let validator =
        ChainValidator::new(key.ok_or_else(|| bad("pub_key.value must be 32 bytes in base64"))?, power);
    match &value["address"] {
        Value::Null => {}
        Value::String(text) if text.is_empty() => {}
        Value::String(text) if text.eq_ignore_ascii_case(&hex::encode(validator.address)) => {}
        _ => return Err(bad("address is not that of pub_key")),
    }
    Ok(validator)
}

/// An integer as CometBFT writes it: a string; a plain number will do.
fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_i64(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn genesis() -> Genesis {
        let time = Time::parse_from_rfc3339("2025-10-10T21:00:00.5Z").unwrap();
        let key = crate::Key::from_seed([1; 32]).public();
        Genesis::new("ballast-1", time, vec![ChainValidator::new(key, 10)], json!({"bank": {"a": 1}}))
    }

    #[test]
    fn a_document_written_is_read_back_and_keeps_its_fingerprint() {
        let text = genesis().to_json().to_string();
        let read = Genesis::from_json(text.as_bytes()).unwrap();
        assert_eq!(read.fingerprint(), genesis().fingerprint());
        assert_eq!(read.params, genesis().params);
        assert_eq!(read.extensions_from(), Some(1));
        let other_order = |text: &str| text.replace(r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#);
        let mut two = genesis();
        two.app_state = json!({"a": 1, "b": 2});
        let turned = Genesis::from_json(other_order(&two.to_json().to_string()).as_bytes()).unwrap();
        assert_eq!(turned.fingerprint(), two.fingerprint());
        assert_ne!(turned.fingerprint(), genesis().fingerprint());
    }

    #[test]
    fn the_tendermint_crate_reads_the_document() {
        let theirs: tendermint::Genesis<Value> = serde_json::from_value(genesis().to_json()).unwrap();
        assert_eq!(theirs.chain_id.as_str(), "ballast-1");
        assert_eq!(theirs.consensus_params.block.max_bytes, 4_194_304);
        assert_eq!(theirs.consensus_params.abci.vote_extensions_enable_height, Some(1_u32.into()));
        assert_eq!(theirs.validators[0].power.value(), 10);
    }

    #[test]
    fn a_document_that_cannot_start_a_chain_is_refused_by_field() {
        let rows: [(&str, Value, &str); 10] = [
            ("/chain_id", json!(""), "chain_id"),
            ("/chain_id", json!("x".repeat(51)), "chain_id"),
            ("/genesis_time", json!("yesterday"), "genesis_time"),
            ("/initial_height", json!("-4"), "initial_height"),
            ("/initial_height", json!({}), "initial_height"),
            ("/consensus_params/block/max_bytes", json!("0"), "consensus_params.block.max_bytes"),
            ("/consensus_params/block/max_gas", json!({}), "consensus_params"),
            ("/validators/0/power", json!("0"), "validators"),
            ("/validators/0/pub_key/type", json!("tendermint/PubKeySecp256k1"), "validators"),
            ("/validators/0/address", json!("00"), "validators"),
        ];
        for (path, value, field) in rows {
            let mut document = genesis().to_json();
            *document.pointer_mut(path).unwrap() = value;
            let error = Genesis::from_json(document.to_string().as_bytes()).unwrap_err();
            assert_eq!(error.field, field, "{path}");
        }
        let mut twice = genesis();
        twice.validators.push(twice.validators[0].clone());
        assert!(twice.check().is_err());
    }
}
