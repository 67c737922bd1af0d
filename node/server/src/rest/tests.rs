//! Messages to JSON and back, over the whole schema.

use prost::Message as _;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};

use super::scalar::{self, Scalar};
use super::schema::Schema;
use super::{decode, encode};

/// A message with every field set, as deep as `depth`.
fn filled(schema: &Schema, kind: &MessageDescriptor, depth: usize) -> DynamicMessage {
    let mut message = DynamicMessage::new(kind.clone());
    if kind.full_name() == "google.protobuf.Any" {
        let inner = schema.message("/cosmos.base.v1beta1.Coin").unwrap();
        let bytes = filled(schema, &inner, 1).encode_to_vec();
        message.set_field_by_number(1, Value::String("/cosmos.base.v1beta1.Coin".into()));
        message.set_field_by_number(2, Value::Bytes(bytes.into()));
        return message;
    }
    for field in kind.fields() {
        if matches!(field.kind(), Kind::Message(_)) && depth == 0 || field.is_map() {
            continue;
        }
        let value = sample(schema, &field, depth);
        let value = if field.is_list() { Value::List(vec![value.clone(), value]) } else { value };
        message.set_field(&field, value);
    }
    message
}

fn sample(schema: &Schema, field: &FieldDescriptor, depth: usize) -> Value {
    let number = field.number();
    let signed = i64::from(number).wrapping_neg();
    match field.kind() {
        Kind::Bool => Value::Bool(true),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(i32::MIN),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64
            if field.parent_message().full_name().starts_with("google.") =>
        {
            Value::I64(i64::from(number))
        }
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(i64::MIN),
        Kind::Uint32 | Kind::Fixed32 => Value::U32(u32::MAX),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(u64::MAX),
        Kind::Float => Value::F32(0.5),
        Kind::Double => Value::F64(-0.1),
        Kind::String if schema.scalar(field) == Some(Scalar::Dec) => {
            Value::String("-50000000000000001".into())
        }
        Kind::String => Value::String(format!("<{number}>\u{0}\"\\\u{1f4a9}")),
        Kind::Bytes => Value::Bytes(match schema.scalar(field) {
            Some(Scalar::SerInt) => proto::serint::encode(i128::from(signed)).into(),
            Some(Scalar::Dec) => b"1500000000000000000".as_slice().into(),
            None => vec![0, 255, 254].into(),
        }),
        Kind::Enum(values) => Value::EnumNumber(values.values().last().unwrap().number()),
        Kind::Message(inner) => Value::Message(match inner.full_name() {
            name if scalar::has_form_of_its_own(name) && name != "google.protobuf.Any" => {
                let mut message = DynamicMessage::new(inner.clone());
                message.set_field_by_number(1, Value::I64(1_767_225_600));
                message.set_field_by_number(2, Value::I32(120_000_000));
                message
            }
            _ => filled(schema, &inner, depth.saturating_sub(1)),
        }),
    }
}

#[test]
fn every_message_of_the_schema_is_json_and_comes_back() {
    let schema = Schema::new();
    let mut count = 0;
    for kind in schema.messages().filter(|kind| !kind.full_name().starts_with("google.")) {
        for message in [DynamicMessage::new(kind.clone()), filled(&schema, &kind, 3)] {
            let text = encode::json(&schema, &message, 1 << 20).unwrap();
            let json = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
            let back = decode::message(&schema, &kind, &json);
            let back = back.unwrap_or_else(|error| panic!("{}: {error}: {text}", kind.full_name()));
            assert_eq!(encode::json(&schema, &back, 1 << 20).unwrap(), text, "{}", kind.full_name());
            if !message.encode_to_vec().is_empty() {
                assert_eq!(back.encode_to_vec(), message.encode_to_vec(), "{}: {text}", kind.full_name());
            }
            count += 1;
        }
    }
    println!("{count} messages");
    assert!(count > 500, "{count}");
}

#[test]
fn a_message_in_too_many_messages_ends() {
    let schema = Schema::new();
    let any = schema.message("/google.protobuf.Any").unwrap();
    let mut bytes = Vec::new();
    for _ in 0..1_000 {
        let mut message = DynamicMessage::new(any.clone());
        message.set_field_by_number(1, Value::String("/google.protobuf.Any".into()));
        message.set_field_by_number(2, Value::Bytes(bytes.into()));
        bytes = message.encode_to_vec();
    }
    let message = DynamicMessage::decode(any, bytes.as_slice()).unwrap();
    let text = encode::json(&schema, &message, 1 << 20).unwrap();
    assert_eq!(text.matches("@type").count(), 65);
    assert!(encode::json(&schema, &message, text.len()).is_ok());
    assert!(encode::json(&schema, &message, text.len() - 1).is_err());
}

#[test]
fn fractions_have_their_point_where_wallets_expect_it() {
    for (digits, text) in [
        ("50000000000000000", "0.050000000000000000"),
        ("1000000000000000000", "1.000000000000000000"),
        ("-1500000000000000000", "-1.500000000000000000"),
        ("0", "0.000000000000000000"),
        ("", "0.000000000000000000"),
    ] {
        assert_eq!(scalar::point(digits), text);
        assert_eq!(scalar::digits(text).unwrap(), if digits.is_empty() { "0" } else { digits });
    }
    assert_eq!(scalar::point("0.5"), "0.5");
    for text in ["", "x", ".5", "1.0000000000000000000", "1e5", "+1", "--1"] {
        assert!(scalar::digits(text).is_err(), "{text}");
    }
}

#[test]
fn moments_have_as_many_places_as_they_need() {
    for (nanos, text) in [(0, ""), (5, ".000000005"), (120_000_000, ".120"), (1_000, ".000001")] {
        assert_eq!(scalar::fraction(nanos), text);
    }
}
