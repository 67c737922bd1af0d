//! Events as the engine wants them: strings.

use tendermint_proto::v0_38::abci::{Event as AbciEvent, EventAttribute};
use types::{Event, Value};

/// The event with all values as text; addresses carry the chain's prefix.
pub fn render(event: &Event, prefix: &str) -> AbciEvent {
    AbciEvent {
        r#type: event.kind.into(),
        attributes: event
            .attributes
            .iter()
            .map(|(key, value)| EventAttribute {
                key: (*key).into(),
                value: text(value, prefix),
                index: true,
            })
            .collect(),
    }
}

/// The events of a block outside its transactions. As in Cosmos chains, each says in its attribute `mode` whether
/// it happened before the transactions or after them: the order in which to hear them.
pub(crate) fn render_block(outcome: &app::BlockOutcome, prefix: &str) -> Vec<AbciEvent> {
    let of = |(at, event): (usize, &Event)| {
        let mut event = render(event, prefix);
        let mode = if at < outcome.begin { "BeginBlock" } else { "EndBlock" };
        event.attributes.push(EventAttribute { key: "mode".into(), value: mode.into(), index: true });
        event
    };
    outcome.events.iter().enumerate().map(of).collect()
}

fn text(value: &Value, prefix: &str) -> String {
    match value {
        Value::Unsigned(number) => number.to_string(),
        Value::Signed(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Address(address) => address.to_bech32(prefix),
        Value::Text(text) => (*text).to_owned(),
        Value::Owned(text) => text.clone(),
        Value::Bytes(bytes) => hex::encode(bytes),
        Value::Hash(bytes) => hex::encode(bytes),
    }
}
