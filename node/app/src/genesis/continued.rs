//! A chain that goes on from the state of another one: what each module exports, beside a document that says
//! the same to people as far as a document can.

use std::collections::BTreeMap;
use std::ops::Bound;

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};
use store::{Ctx, Read};
use types::Block;

use super::{describe, value, AppState, Genesis, GenesisError};
use crate::state;

/// The first byte of the keys of the composition itself.
const OWN: u8 = 0x01;

/// The state of a chain at one height.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Continued {
    /// Height of the state; the first block of the chain that goes on has the next one.
    pub height: u64,
    /// What each module exports, by its name: borsh in hex. `app` stands for the rows of the composition.
    pub modules: BTreeMap<String, String>,
}

/// One row of the composition: key and value.
type Row = (Vec<u8>, Vec<u8>);

/// The parts that are still to be read.
struct Parts<'a>(BTreeMap<&'a str, &'a str>);

impl Parts<'_> {
    fn take<T: BorshDeserialize>(&mut self, name: &str) -> Result<T, GenesisError> {
        let wrong = |what: &str| GenesisError::Value(format!("continued.modules.{name}: {what}"));
        let text = self.0.remove(name).ok_or_else(|| wrong("is missing"))?;
        let bytes = hex::decode(text).map_err(|error| wrong(&error.to_string()))?;
        borsh::from_slice(&bytes).map_err(|error| wrong(&error.to_string()))
    }
}

/// The state as a document: a chain that begins with it goes on where this one is. Nothing when there is no
/// chain in it.
pub fn export(state: &dyn Read) -> Option<AppState> {
    let chain = state::chain(state)?;
    let mut modules = BTreeMap::new();
    let mut put = |name: &str, bytes: Vec<u8>| modules.insert(name.to_owned(), hex::encode(bytes));
    put("app", bytes(&own_rows(state)));
    put("bank", bytes(&bank::genesis::export(state)));
    put("prices", bytes(&prices::genesis::export(state)));
    put("accounts", bytes(&accounts::genesis::export(state)));
    put("perpetuals", bytes(&perpetuals::genesis::export(state)));
    put("fees", bytes(&fees::genesis::export(state)));
    put("subaccounts", bytes(&subaccounts::genesis::export(state)));
    put("insurance", bytes(&insurance::genesis::export(state)));
    put("clob", bytes(&clob::genesis::export(state)));
    put("funding", bytes(&funding::genesis::export(state)));
    put("liquidations", bytes(&liquidations::genesis::export(state)));
    put("governance", bytes(&governance::genesis::export(state)));
    let continued = Continued { height: state::last_block(state).0, modules };
    Some(AppState { continued: Some(continued), ..describe::document(state, &chain) })
}

fn bytes(part: &impl BorshSerialize) -> Vec<u8> {
    borsh::to_vec(part).unwrap_or_else(|_| store::fault("an exported part is too large for memory"))
}

/// Rows of the composition, without those that follow from the genesis itself.
fn own_rows(state: &dyn Read) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut from = Bound::Included(vec![OWN]);
    while let Some((key, value)) = state.next(from.as_ref().map(Vec::as_slice), Bound::Excluded(&[OWN + 1])) {
        from = Bound::Excluded(key.clone());
        if !is_identity(&key) {
            rows.push((key, value));
        }
    }
    rows
}

/// Whether the genesis document itself gives this row.
fn is_identity(key: &[u8]) -> bool {
    let rows = [state::CHAIN.collection(), state::EXTENSIONS_FROM.collection(), state::RULES.collection()];
    rows.iter().any(|row| key.starts_with(&row.prefix))
}

/// The rows of the composition, of which the last block is one. They come before everything else, because the
/// block is what the modules begin in.
pub(super) fn block(state: &mut dyn store::State, genesis: &Genesis) -> Result<Block, GenesisError> {
    let wrong = |what: String| Err(GenesisError::Value(format!("continued.{what}")));
    let first = genesis.initial_height.max(1);
    let Some(continued) = &genesis.app.continued else {
        return Ok(Block { height: first - 1, time: genesis.time, previous_time: genesis.time });
    };
    if !genesis.app.balances.is_empty() {
        return wrong(
            "height: a state that goes on holds its balances; the document must not give any".into(),
        );
    }
    let mut parts = parts(continued);
    for (key, value) in parts.take::<Vec<Row>>("app")? {
        let known = state::rows().iter().any(|row| key.starts_with(&row.prefix));
        if !known || is_identity(&key) {
            return wrong(format!("modules.app: {} is no row of it", hex::encode(key)));
        }
        state.set(&key, &value);
    }
    let block = state::previous_block(state.as_read());
    if (block.height, first) != (continued.height, continued.height.saturating_add(1)) {
        return wrong(format!(
            "height: it is {}, its last block has {}: initial_height must be the next one, not {first}",
            continued.height, block.height
        ));
    }
    if genesis.time < block.time {
        return wrong(format!("height: the genesis time is before that of the last block, {}", block.time));
    }
    Ok(block)
}

fn parts(continued: &Continued) -> Parts<'_> {
    Parts(continued.modules.iter().map(|(name, part)| (name.as_str(), part.as_str())).collect())
}

/// The modules from the ground up, each with what it exported.
pub(super) fn modules(
    ctx: &mut Ctx<'_>,
    genesis: &Genesis,
    continued: &Continued,
) -> Result<(), GenesisError> {
    let mut parts = parts(continued);
    let _rows: Vec<Row> = parts.take("app")?;
    bank::genesis::init(ctx, &parts.take("bank")?).map_err(value)?;
    prices::genesis::init(ctx, &parts.take("prices")?).map_err(value)?;
    perpetuals::genesis::init(ctx, &parts.take("perpetuals")?).map_err(value)?;
    fees::genesis::init(ctx, &parts.take("fees")?).map_err(value)?;
    subaccounts::genesis::init(ctx, &parts.take("subaccounts")?).map_err(value)?;
    insurance::genesis::init(ctx, &parts.take("insurance")?).map_err(value)?;
    clob::genesis::init(ctx, &parts.take("clob")?).map_err(value)?;
    funding::genesis::init(ctx, &parts.take("funding")?).map_err(value)?;
    liquidations::genesis::init(ctx, &parts.take("liquidations")?).map_err(value)?;
    let exported: governance::Genesis = parts.take("governance")?;
    governance::genesis::init(ctx, &with_validators(exported, genesis)).map_err(value)?;
    accounts::genesis::init(ctx, &parts.take("accounts")?).map_err(value)?;
    if let Some(name) = parts.0.keys().next() {
        return Err(GenesisError::Value(format!("continued.modules.{name}: there is no such module")));
    }
    says_the_same(ctx.state.as_read(), &genesis.app, ctx.chain)
}

/// Who validates is for the engine to say; what they call themselves it does not know.
fn with_validators(exported: governance::Genesis, genesis: &Genesis) -> governance::Genesis {
    let moniker = |key: &[u8; 32]| {
        let old = exported.validators.iter().find(|validator| validator.public_key == *key);
        old.map(|validator| validator.moniker.clone()).unwrap_or_default()
    };
    let validators = genesis.validators.iter().map(|new| governance::NewValidator {
        public_key: new.public_key,
        power: new.power,
        moniker: moniker(&new.public_key),
    });
    governance::Genesis { validators: validators.collect(), ..exported }
}

/// The readable part of the document must say what the state is: otherwise somebody changed it and would
/// wrongly believe that it counts.
fn says_the_same(state: &dyn Read, app: &AppState, chain: &types::Chain) -> Result<(), GenesisError> {
    let json = |app: &AppState| serde_json::to_value(AppState { continued: None, ..app.clone() });
    let failed = |error: serde_json::Error| GenesisError::Json(error.to_string());
    let (is, said) = (json(&describe::document(state, chain)).map_err(failed)?, json(app).map_err(failed)?);
    let fields = is.as_object().into_iter().flatten();
    for (field, is) in fields {
        if said.get(field) != Some(is) {
            return Err(GenesisError::Value(format!(
                "{field} is not what continued.modules says; a state that goes on is changed by governance"
            )));
        }
    }
    Ok(())
}
