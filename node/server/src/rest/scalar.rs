//! Single values between text and messages: numbers, enums, bytes, times, and what annotations say of a field.

use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::DecodePaddingMode::Indifferent;
use base64::{alphabet, Engine as _};
use prost_reflect::{DynamicMessage, Kind, MessageDescriptor, Value};
use time::format_description::well_known::Rfc3339;
use time::OffsetDateTime;

/// Places of `cosmos.Dec`.
const PLACES: usize = 18;
/// Most characters of a number.
const MAX_NUMBER: usize = 100;

const ANY_PADDING: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(Indifferent).with_decode_allow_trailing_bits(true);
const PLAIN: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, ANY_PADDING);
const FOR_URLS: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, ANY_PADDING);

/// What the text or the bytes of a field mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scalar {
    /// A fraction of 18 decimal places, on the wire its digits without the point.
    Dec,
    /// A signed integer.
    SerInt,
}

impl Scalar {
    /// The meaning by its name in annotations.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "cosmos.Dec" => Some(Self::Dec),
            "ballast.SerInt" => Some(Self::SerInt),
            _ => None,
        }
    }

    /// The bytes of a field as text; nothing if they have no such meaning.
    pub(super) fn read(self, bytes: &[u8]) -> Option<String> {
        match self {
            Self::SerInt => proto::serint::decode(bytes).ok().map(|value| value.to_string()),
            Self::Dec => std::str::from_utf8(bytes).ok().map(point),
        }
    }

    /// Text as the bytes of a field.
    pub(super) fn write(self, text: &str) -> Result<Vec<u8>, String> {
        match self {
            Self::SerInt => Ok(proto::serint::encode(number(text)?)),
            Self::Dec => Ok(digits(text)?.into_bytes()),
        }
    }
}

/// Digits with the point in its place; what are not digits stays as it is.
pub(super) fn point(digits: &str) -> String {
    let (sign, magnitude) = digits.strip_prefix('-').map_or(("", digits), |rest| ("-", rest));
    if digits.len() > MAX_NUMBER || !magnitude.bytes().all(|byte| byte.is_ascii_digit()) {
        return digits.to_owned();
    }
    let padded = format!("{magnitude:0>width$}", width = PLACES.saturating_add(1));
    let (whole, fraction) = padded.split_at(padded.len().saturating_sub(PLACES));
    format!("{sign}{whole}.{fraction}")
}

/// A decimal number as digits without the point, of [`PLACES`] places.
pub(super) fn digits(text: &str) -> Result<String, String> {
    let malformed = || format!("{} is no decimal number of {PLACES} places", quoted(text));
    let (sign, magnitude) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (whole, fraction) = magnitude.split_once('.').unwrap_or((magnitude, ""));
    let all = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if text.len() > MAX_NUMBER || whole.is_empty() || fraction.len() > PLACES || !all(whole) || !all(fraction)
    {
        return Err(malformed());
    }
    let joined = format!("{whole}{fraction:0<PLACES$}");
    let bare = joined.trim_start_matches('0');
    Ok(if bare.is_empty() { "0".into() } else { format!("{sign}{bare}") })
}

/// The value of a field that is neither message nor list, from text.
pub(super) fn parse(kind: &Kind, meaning: Option<Scalar>, text: &str) -> Result<Value, String> {
    Ok(match kind {
        Kind::Bool => Value::Bool(match text {
            "true" | "1" => true,
            "false" | "0" => false,
            _ => return Err(format!("{} is neither true nor false", quoted(text))),
        }),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(number(text)?),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(number(text)?),
        Kind::Uint32 | Kind::Fixed32 => Value::U32(number(text)?),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(number(text)?),
        Kind::Float => Value::F32(number(text)?),
        Kind::Double => Value::F64(number(text)?),
        Kind::String if meaning == Some(Scalar::Dec) => Value::String(digits(text)?),
        Kind::String => Value::String(text.to_owned()),
        Kind::Bytes => Value::Bytes(match meaning {
            Some(meaning) => meaning.write(text)?.into(),
            None => bytes(text)?.into(),
        }),
        Kind::Enum(values) => {
            match values.get_value_by_name(text) {
                Some(value) => Value::EnumNumber(value.number()),
                None => Value::EnumNumber(number(text).map_err(|_| {
                    format!("{} is none of the values of {}", quoted(text), values.full_name())
                })?),
            }
        }
        Kind::Message(message) => match message.full_name() {
            "google.protobuf.Timestamp" => Value::Message(timestamp(message, text)?),
            "google.protobuf.Duration" => Value::Message(duration(message, text)?),
            name => return Err(format!("{} is no {name}", quoted(text))),
        },
    })
}

/// Whether messages of this name are JSON in a form of their own.
pub(super) fn has_form_of_its_own(name: &str) -> bool {
    matches!(name, "google.protobuf.Timestamp" | "google.protobuf.Duration" | "google.protobuf.Any")
}

/// Both fields of a `Timestamp` or `Duration`.
pub(super) fn seconds_and_nanos(message: &DynamicMessage) -> (i64, i32) {
    let (seconds, nanos) = (message.get_field_by_number(1), message.get_field_by_number(2));
    let seconds = seconds.as_deref().and_then(Value::as_i64).unwrap_or_default();
    (seconds, nanos.as_deref().and_then(Value::as_i32).unwrap_or_default())
}

/// Nanoseconds after the point, in 0, 3, 6 or 9 places.
pub(super) fn fraction(nanos: u32) -> String {
    let text = format!(".{nanos:09}");
    let text = text.strip_suffix("000").unwrap_or(&text);
    let text = text.strip_suffix("000").unwrap_or(text);
    text.strip_suffix(".000").unwrap_or(text).to_owned()
}

fn timestamp(kind: &MessageDescriptor, text: &str) -> Result<DynamicMessage, String> {
    let moment = OffsetDateTime::parse(text, &Rfc3339);
    let moment = moment.map_err(|_| format!("{} is no time of RFC 3339", quoted(text)))?;
    let nanos = i32::try_from(moment.nanosecond()).unwrap_or_default();
    Ok(of_both(kind, moment.unix_timestamp(), nanos))
}

fn duration(kind: &MessageDescriptor, text: &str) -> Result<DynamicMessage, String> {
    let malformed = || format!("{} is no number of seconds such as 1.5s", quoted(text));
    let bare = text.strip_suffix('s').ok_or_else(malformed)?;
    let (sign, bare) = bare.strip_prefix('-').map_or((1, bare), |rest| (-1, rest));
    let (whole, fraction) = bare.split_once('.').unwrap_or((bare, ""));
    let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || fraction.len() > 9 || !plain(whole) || !plain(fraction) {
        return Err(malformed());
    }
    let seconds: i64 = whole.parse().map_err(|_| malformed())?;
    let nanos: i32 = format!("{fraction:0<9}").parse().map_err(|_| malformed())?;
    Ok(of_both(kind, seconds.saturating_mul(sign.into()), nanos.saturating_mul(sign)))
}

fn of_both(kind: &MessageDescriptor, seconds: i64, nanos: i32) -> DynamicMessage {
    let mut message = DynamicMessage::new(kind.clone());
    message.set_field_by_number(1, Value::I64(seconds));
    message.set_field_by_number(2, Value::I32(nanos));
    message
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    let plain = text.len() <= MAX_NUMBER && !text.starts_with('+');
    let parsed = plain.then(|| text.parse().ok()).flatten();
    parsed.ok_or_else(|| format!("{} is no number of the range that is wanted", quoted(text)))
}

/// Base64 in either alphabet, padded or not.
fn bytes(text: &str) -> Result<Vec<u8>, String> {
    let engine = if text.contains(['-', '_']) { FOR_URLS } else { PLAIN };
    engine.decode(text).map_err(|_| format!("{} is not base64", quoted(text)))
}

/// The beginning of what somebody sent.
pub(super) fn quoted(text: &str) -> String {
    format!("{:?}", text.get(..text.floor_char_boundary(64)).unwrap_or_default())
}
