//! Documents that people write.

use std::sync::OnceLock;

use app::{Genesis, GenesisValidator, Machine};
use serde_json::Value;
use types::Time;

use crate::input::Input;

const DEVNET: &[u8] = include_bytes!("../../../genesis/devnet.json");

fn devnet() -> &'static (Value, Vec<String>) {
    static PARSED: OnceLock<(Value, Vec<String>)> = OnceLock::new();
    PARSED.get_or_init(|| {
        let document: Value = serde_json::from_slice(DEVNET).expect("the devnet's genesis parses");
        let mut leaves = Vec::new();
        visit(&document, "", &mut leaves);
        (document, leaves)
    })
}

/// Pointers to everything below `value`, objects and lists included.
fn visit(value: &Value, path: &str, out: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| visit(value, &format!("{path}/{name}"), out))
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, value)| visit(value, &format!("{path}/{at}"), out))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    if !path.is_empty() {
        out.push(path.into());
    }
}

/// First byte 0: the rest is the document. Else edits of the devnet's: which place, what kind of value, the value.
pub(crate) fn documents() -> Vec<Vec<u8>> {
    let mut out = vec![b"\0{}".to_vec(), vec![1]];
    let edit = |at: u8| vec![1, at.wrapping_mul(7), 0, at % 8, 200, 1, 0, 0, 0, 0, 0, 0, at];
    out.extend((0..24).map(edit));
    out
}

fn edited(input: &mut Input<'_>) -> Vec<u8> {
    let (document, leaves) = devnet();
    let mut document = document.clone();
    for _ in 0..6 {
        if input.is_empty() {
            break;
        }
        let place = &leaves[usize::from(input.u16()) % leaves.len()];
        let (kind, amount) = (input.u8() % 8, input.amount());
        let Some(value) = document.pointer_mut(place) else { continue };
        match kind {
            0 => *value = amount.into(),
            1 => *value = amount.to_string().into(),
            2 => *value = amount.wrapping_neg().cast_signed().into(),
            3 => *value = Value::Null,
            4 => *value = String::from_utf8_lossy(&amount.to_le_bytes()).as_ref().into(),
            5 => *value = Value::Array(vec![value.clone(); usize::from(amount % 4 == 1) + 1]),
            6 => value.as_array_mut().into_iter().for_each(|items| {
                items.first().cloned().into_iter().for_each(|first| items.push(first));
            }),
            _ => value.as_array_mut().into_iter().for_each(|items| drop(items.pop())),
        }
    }
    document.to_string().into_bytes()
}

/// A document is refused, or makes a chain that a restarted node reads again, and whose first block executes.
pub(crate) fn genesis_document(data: &[u8]) {
    let Some((kind, rest)) = data.split_first() else { return };
    let bytes = if *kind == 0 { rest.to_vec() } else { edited(&mut Input(rest)) };
    let Ok(mut genesis) = Genesis::from_json(&bytes) else { return };
    genesis.chain_id = "test-1".into();
    genesis.time = Time::from_unix(1_767_225_600, 0);
    genesis.validators = vec![GenesisValidator { public_key: [7; 32], power: 10 }];
    let Ok(mut machine) = Machine::from_genesis(&genesis) else { return };
    machine.full_checks = true;
    let input =
        app::BlockInput { height: 1, time: genesis.time.plus_seconds(1), txs: Vec::new(), votes: false };
    machine.execute(&input).expect("the first block of a genesis that was taken executes");
    let pairs = machine.memory().iter().map(|(key, value)| (key.clone(), value.clone()));
    let rebuilt = Machine::from_state(store::Memory::from_pairs(pairs)).expect("the state holds a chain");
    assert_eq!(clob::hash(rebuilt.books()), clob::hash(machine.books()), "books differ after a restart");
}
