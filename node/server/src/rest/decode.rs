//! Requests from what stands in the path, in the query and in the body.

use prost::Message as _;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value};
use serde_json::Value as Json;

use super::scalar::{self, quoted};
use super::schema::Schema;

/// Most values in a query string.
const MAX_VALUES: usize = 64;
/// Most names that lead to a field within fields.
const MAX_NAMES: usize = 8;

/// Set the field that dotted `names` lead to. Whether there is such a field.
pub(super) fn set(
    schema: &Schema,
    message: &mut DynamicMessage,
    names: &str,
    text: &str,
) -> Result<bool, String> {
    let mut message = message;
    let mut parts = names.split('.').peekable();
    if names.split('.').count() > MAX_NAMES {
        return Err(format!("{} leads too deep", quoted(names)));
    }
    while let Some(name) = parts.next() {
        let Some(field) = field(&message_kind(message), name) else { return Ok(false) };
        if parts.peek().is_none() {
            if field.is_map() {
                return Ok(false);
            }
            let value = scalar::parse(&field.kind(), schema.scalar(&field), text)
                .map_err(|error| format!("{}: {error}", field.name()))?;
            match message.get_field_mut(&field) {
                Value::List(list) => list.push(value),
                single => *single = value,
            }
            return Ok(true);
        }
        match message.get_field_mut(&field) {
            Value::Message(inner) => message = inner,
            _ => return Ok(false),
        }
    }
    Ok(false)
}

fn message_kind(message: &DynamicMessage) -> MessageDescriptor {
    prost_reflect::ReflectMessage::descriptor(message)
}

/// Set what a query string holds. Names of no field are passed over, as gateways do; those in `taken` stand in
/// the path.
pub(super) fn query(
    schema: &Schema,
    message: &mut DynamicMessage,
    query: &str,
    taken: &[(String, String)],
) -> Result<(), String> {
    for (at, pair) in query.split('&').filter(|pair| !pair.is_empty()).enumerate() {
        if at >= MAX_VALUES {
            return Err(format!("the query has more than {MAX_VALUES} values"));
        }
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (unescape(name, true)?, unescape(value, true)?);
        if !taken.iter().any(|(taken, _)| *taken == name) {
            set(schema, message, &name, &value)?;
        }
    }
    Ok(())
}

/// A message from JSON.
pub(super) fn message(
    schema: &Schema,
    kind: &MessageDescriptor,
    json: &Json,
) -> Result<DynamicMessage, String> {
    match (kind.full_name(), json) {
        ("google.protobuf.Any", Json::Object(_)) => return any(schema, kind, json),
        (name, Json::String(text)) if scalar::has_form_of_its_own(name) => {
            return match scalar::parse(&Kind::Message(kind.clone()), None, text)? {
                Value::Message(message) => Ok(message),
                _ => Err(format!("{} is no {name}", quoted(text))),
            };
        }
        _ => {}
    }
    let Json::Object(members) = json else { return Err(format!("a {} must be an object", kind.full_name())) };
    let mut message = DynamicMessage::new(kind.clone());
    for (name, json) in members {
        let missing = || format!("{} has no field {}", kind.full_name(), quoted(name));
        let field = field(kind, name).ok_or_else(missing)?;
        if !json.is_null() {
            message.set_field(&field, value(schema, &field, json)?);
        }
    }
    Ok(message)
}

fn value(schema: &Schema, field: &FieldDescriptor, json: &Json) -> Result<Value, String> {
    if field.is_map() {
        let (Kind::Message(entry), Json::Object(members)) = (field.kind(), json) else {
            return Err(format!("{} must be an object", field.name()));
        };
        let (key, inner) = (entry.map_entry_key_field(), entry.map_entry_value_field());
        let mut map = std::collections::HashMap::new();
        for (name, json) in members {
            map.insert(map_key(scalar::parse(&key.kind(), None, name)?)?, single(schema, &inner, json)?);
        }
        return Ok(Value::Map(map));
    }
    if field.is_list() {
        let Json::Array(items) = json else { return Err(format!("{} must be a list", field.name())) };
        let items: Result<Vec<_>, _> = items.iter().map(|item| single(schema, field, item)).collect();
        return items.map(Value::List);
    }
    single(schema, field, json)
}

fn single(schema: &Schema, field: &FieldDescriptor, json: &Json) -> Result<Value, String> {
    let kind = field.kind();
    if let Kind::Message(inner) = &kind {
        return message(schema, inner, json).map(Value::Message);
    }
    let parsed = match (&kind, json) {
        (Kind::Bool, Json::Bool(value)) => return Ok(Value::Bool(*value)),
        (Kind::Bool, _) => Err("true or false is wanted".to_owned()),
        (Kind::String | Kind::Bytes, Json::String(text)) => scalar::parse(&kind, schema.scalar(field), text),
        (Kind::String | Kind::Bytes, _) => Err("text is wanted".to_owned()),
        (_, Json::String(text)) => scalar::parse(&kind, None, text),
        (_, Json::Number(number)) => scalar::parse(&kind, None, &number.to_string()),
        _ => Err("a number is wanted".to_owned()),
    };
    parsed.map_err(|error| format!("{}: {error}", field.name()))
}

fn map_key(value: Value) -> Result<MapKey, String> {
    Ok(match value {
        Value::Bool(key) => MapKey::Bool(key),
        Value::I32(key) => MapKey::I32(key),
        Value::I64(key) => MapKey::I64(key),
        Value::U32(key) => MapKey::U32(key),
        Value::U64(key) => MapKey::U64(key),
        Value::String(key) => MapKey::String(key),
        _ => return Err("a key must be text or a whole number".into()),
    })
}

/// `{"@type": ...}` with the fields of that type beside it, or with its bytes as `value` if nobody described it.
fn any(schema: &Schema, kind: &MessageDescriptor, json: &Json) -> Result<DynamicMessage, String> {
    let Some(members) = json.as_object() else { return Err("an Any must be an object".into()) };
    let url = match members.get("@type") {
        Some(Json::String(url)) => url.clone(),
        None if members.is_empty() => String::new(),
        _ => return Err("an Any needs the name of its type in \"@type\"".into()),
    };
    let mut rest = members.clone();
    rest.remove("@type");
    let bytes = match schema.message(&url) {
        Some(inner) if scalar::has_form_of_its_own(inner.full_name()) => {
            message(schema, &inner, rest.get("value").unwrap_or(&Json::Null))?.encode_to_vec()
        }
        Some(inner) => message(schema, &inner, &Json::Object(rest))?.encode_to_vec(),
        None => {
            match scalar::parse(&Kind::Bytes, None, rest.get("value").and_then(Json::as_str).unwrap_or(""))? {
                Value::Bytes(bytes) => bytes.to_vec(),
                _ => Vec::new(),
            }
        }
    };
    let mut any = DynamicMessage::new(kind.clone());
    any.set_field_by_number(1, Value::String(url));
    any.set_field_by_number(2, Value::Bytes(bytes.into()));
    Ok(any)
}

/// A field by either of its names.
fn field(kind: &MessageDescriptor, name: &str) -> Option<FieldDescriptor> {
    kind.get_field_by_name(name).or_else(|| kind.get_field_by_json_name(name))
}

/// Undo the escapes of a path or, with `+` for spaces, of a query.
pub(super) fn unescape(text: &str, plus: bool) -> Result<String, String> {
    let malformed = || format!("an escape in {} is malformed", quoted(text));
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' if plus => b' ',
            b'%' => {
                let pair = [rest.next().ok_or_else(malformed)?, rest.next().ok_or_else(malformed)?];
                let mut decoded = [0];
                hex::decode_to_slice(pair, &mut decoded).map_err(|_| malformed())?;
                let [decoded] = decoded;
                decoded
            }
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_| malformed())
}
