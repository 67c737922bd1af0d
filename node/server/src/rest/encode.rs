//! Messages as JSON in the form that Cosmos nodes give it: fields by their names in the schema, defaults written
//! out, 64-bit integers as strings, bytes in base64, enums by name, the message inside of an `Any` in the open.

use std::fmt::Write;

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use prost_reflect::{DynamicMessage, EnumDescriptor, FieldDescriptor, Kind, MapKey, ReflectMessage, Value};
use time::OffsetDateTime;

use super::scalar::{self, Scalar};
use super::schema::Schema;

/// How deep messages may stand in messages; deeper ones stay bytes.
const MAX_DEPTH: usize = 64;

/// The text would be longer than is allowed.
#[derive(Debug, PartialEq)]
pub(super) struct TooLong;

/// The message as JSON of at most `limit` bytes.
pub(super) fn json(schema: &Schema, message: &DynamicMessage, limit: usize) -> Result<String, TooLong> {
    let mut writer = Writer { schema, out: String::new(), limit };
    writer.message(message, MAX_DEPTH)?;
    Ok(writer.out)
}

struct Writer<'a> {
    schema: &'a Schema,
    out: String,
    limit: usize,
}

impl Writer<'_> {
    fn put(&mut self, text: &str) -> Result<(), TooLong> {
        if self.out.len().saturating_add(text.len()) > self.limit {
            return Err(TooLong);
        }
        self.out.push_str(text);
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), TooLong> {
        if self.out.len().saturating_add(text.len()) > self.limit {
            return Err(TooLong);
        }
        // Text is always JSON.
        self.put(&serde_json::to_string(text).unwrap_or_default())
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        if self.out.len().saturating_add(bytes.len()) > self.limit {
            return Err(TooLong);
        }
        self.text(&STANDARD.encode(bytes))
    }

    fn message(&mut self, message: &DynamicMessage, depth: usize) -> Result<(), TooLong> {
        let descriptor = message.descriptor();
        match descriptor.full_name() {
            "google.protobuf.Timestamp" => return self.timestamp(message),
            "google.protobuf.Duration" => return self.duration(message),
            "google.protobuf.Any" => return self.any(message, depth),
            _ => {}
        }
        self.put("{")?;
        self.fields(message, depth, true)?;
        self.put("}")
    }

    /// All fields but those of a choice that are not chosen.
    fn fields(&mut self, message: &DynamicMessage, depth: usize, mut first: bool) -> Result<(), TooLong> {
        for field in message.descriptor().fields() {
            let set = message.has_field(&field);
            if field.containing_oneof().is_some() && !set {
                continue;
            }
            if !first {
                self.put(",")?;
            }
            first = false;
            self.text(field.name())?;
            self.put(":")?;
            if !set && field.supports_presence() {
                self.put("null")?;
                continue;
            }
            self.value(&field, &message.get_field(&field), depth)?;
        }
        Ok(())
    }

    fn value(&mut self, field: &FieldDescriptor, value: &Value, depth: usize) -> Result<(), TooLong> {
        match value {
            Value::List(list) => {
                self.put("[")?;
                for (at, item) in list.iter().enumerate() {
                    if at > 0 {
                        self.put(",")?;
                    }
                    self.single(field, &field.kind(), item, depth)?;
                }
                self.put("]")
            }
            Value::Map(map) => {
                let Kind::Message(entry) = field.kind() else { return self.put("{}") };
                let (inner, mut entries) = (entry.map_entry_value_field(), map.iter().collect::<Vec<_>>());
                entries.sort_by_key(|(key, _)| key_text(key));
                self.put("{")?;
                for (at, (key, item)) in entries.into_iter().enumerate() {
                    if at > 0 {
                        self.put(",")?;
                    }
                    self.text(&key_text(key))?;
                    self.put(":")?;
                    self.single(&inner, &inner.kind(), item, depth)?;
                }
                self.put("}")
            }
            single => self.single(field, &field.kind(), single, depth),
        }
    }

    fn single(
        &mut self,
        field: &FieldDescriptor,
        kind: &Kind,
        value: &Value,
        depth: usize,
    ) -> Result<(), TooLong> {
        match value {
            Value::Bool(value) => self.put(if *value { "true" } else { "false" }),
            Value::I32(value) => self.put(&value.to_string()),
            Value::U32(value) => self.put(&value.to_string()),
            Value::I64(value) => self.text(&value.to_string()),
            Value::U64(value) => self.text(&value.to_string()),
            Value::F32(value) => self.float(f64::from(*value)),
            Value::F64(value) => self.float(*value),
            Value::String(text) => match self.schema.scalar(field) {
                Some(Scalar::Dec) => self.text(&scalar::point(text)),
                _ => self.text(text),
            },
            Value::Bytes(bytes) => match self.schema.scalar(field) {
                Some(meaning) => match meaning.read(bytes) {
                    Some(text) => self.text(&text),
                    None => self.bytes(bytes),
                },
                // Absent bytes are nothing in the language of those nodes.
                None if bytes.is_empty() => self.put("null"),
                None => self.bytes(bytes),
            },
            Value::EnumNumber(number) => match kind.as_enum().and_then(|values| name(values, *number)) {
                Some(name) => self.text(&name),
                None => self.put(&number.to_string()),
            },
            Value::Message(message) => match depth.checked_sub(1) {
                Some(depth) => self.message(message, depth),
                None => self.put("null"),
            },
            Value::List(_) | Value::Map(_) => self.put("null"),
        }
    }

    fn float(&mut self, value: f64) -> Result<(), TooLong> {
        let number = serde_json::Number::from_f64(value);
        match number {
            Some(number) => self.put(&number.to_string()),
            None if value.is_nan() => self.text("NaN"),
            None => self.text(if value > 0.0 { "Infinity" } else { "-Infinity" }),
        }
    }

    fn any(&mut self, message: &DynamicMessage, depth: usize) -> Result<(), TooLong> {
        let (url, bytes) = (message.get_field_by_number(1), message.get_field_by_number(2));
        let url = url.as_deref().and_then(Value::as_str).unwrap_or_default().to_owned();
        let bytes = bytes.as_deref().and_then(Value::as_bytes).cloned().unwrap_or_default();
        let inner = depth.checked_sub(1).zip(self.schema.message(&url));
        let inner =
            inner.and_then(|(depth, kind)| Some((depth, DynamicMessage::decode(kind, bytes.clone()).ok()?)));
        self.put("{\"@type\":")?;
        self.text(&url)?;
        match inner {
            Some((depth, inner)) if scalar::has_form_of_its_own(inner.descriptor().full_name()) => {
                self.put(",\"value\":")?;
                self.message(&inner, depth)?;
            }
            Some((depth, inner)) => self.fields(&inner, depth, false)?,
            // A type that nobody described here stays what it is.
            None => {
                self.put(",\"value\":")?;
                self.bytes(&bytes)?;
            }
        }
        self.put("}")
    }

    fn timestamp(&mut self, message: &DynamicMessage) -> Result<(), TooLong> {
        let (seconds, nanos) = scalar::seconds_and_nanos(message);
        let Ok(moment) = OffsetDateTime::from_unix_timestamp(seconds) else { return self.put("null") };
        let mut text = String::new();
        let _ = write!(
            text,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{}Z",
            moment.year(),
            u8::from(moment.month()),
            moment.day(),
            moment.hour(),
            moment.minute(),
            moment.second(),
            scalar::fraction(nanos.unsigned_abs()),
        );
        self.text(&text)
    }

    fn duration(&mut self, message: &DynamicMessage) -> Result<(), TooLong> {
        let (seconds, nanos) = scalar::seconds_and_nanos(message);
        let sign = if seconds < 0 || nanos < 0 { "-" } else { "" };
        let fraction = scalar::fraction(nanos.unsigned_abs());
        self.text(&format!("{sign}{}{fraction}s", seconds.unsigned_abs()))
    }
}

fn name(values: &EnumDescriptor, number: i32) -> Option<String> {
    values.get_value(number).map(|value| value.name().to_owned())
}

fn key_text(key: &MapKey) -> String {
    match key {
        MapKey::Bool(key) => key.to_string(),
        MapKey::I32(key) => key.to_string(),
        MapKey::I64(key) => key.to_string(),
        MapKey::U32(key) => key.to_string(),
        MapKey::U64(key) => key.to_string(),
        MapKey::String(key) => key.clone(),
    }
}
