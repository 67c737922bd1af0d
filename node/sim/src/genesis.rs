//! A state leaves as a genesis document and comes back: nothing that counts is lost on the way.

use std::collections::BTreeMap;
use std::sync::Arc;

use app::{Genesis, GenesisValidator, Machine};
use scenario::World;

/// Rows that follow from how the chain began: when votes carry prices, and the history of validator sets.
const IDENTITY: [[u8; 2]; 2] = [[0x01, 0x02], [0x1a, 0x00]];

/// All rows by key.
type Rows = BTreeMap<Arc<[u8]>, Arc<[u8]>>;

fn rows(machine: &mut Machine) -> Rows {
    let all = machine.memory().iter();
    all.filter(|(key, _)| !IDENTITY.iter().any(|prefix| key.starts_with(prefix))).collect()
}

/// Export the state, begin a chain with it, and compare all rows, validators, books, and what that chain exports.
/// Answers the rows compared.
///
/// # Errors
/// With the table of the first row that differs.
pub fn comes_back(world: &mut World) -> Result<u64, String> {
    let machine = &mut world.machine;
    let text = document(machine)?;
    let read = Genesis::from_json(&text).map_err(|error| error.to_string())?;
    let (height, time) = machine.last_block();
    let voter = |validator: governance::Validator| GenesisValidator {
        public_key: validator.public_key,
        power: validator.power,
    };
    let validators = governance::validators(machine.state());
    let genesis = Genesis {
        chain_id: machine.chain().chain_id.clone(),
        time,
        initial_height: height + 1,
        extensions_from: 1,
        validators: validators.iter().cloned().map(voter).collect(),
        ..read
    };
    let mut back = Machine::from_genesis(&genesis).map_err(|error| error.to_string())?;
    let (before, after) = (rows(machine), rows(&mut back));
    if let Some(key) = first_difference(&before, &after) {
        return Err(format!("row {key} is not what it was before it was exported and imported"));
    }
    if validators != governance::validators(back.state()) {
        return Err("the validators are not those before".into());
    }
    if clob::hash(machine.books()) != clob::hash(back.books()) {
        return Err("the books are not those before".into());
    }
    if document(&back)? != text {
        return Err("what was imported exports something else".into());
    }
    Ok(before.len() as u64)
}

fn document(machine: &Machine) -> Result<Vec<u8>, String> {
    let document = app::genesis::export(machine.state()).ok_or("there is no chain to export")?;
    serde_json::to_vec(&document).map_err(|error| error.to_string())
}

/// The table and key of a row that only one side has, or both with different values.
fn first_difference(before: &Rows, after: &Rows) -> Option<String> {
    let keys = before.keys().chain(after.keys());
    let key = keys.filter(|key| before.get(*key) != after.get(*key)).min()?;
    let layout = app::layout();
    let table = layout.iter().find(|row| key.starts_with(&row.prefix)).map_or("of no table", |row| row.name);
    Some(format!("{table} {key:02x?}: {:02x?} became {:02x?}", before.get(key), after.get(key)))
}
