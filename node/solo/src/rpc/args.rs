//! Arguments of a call: named or listed JSON, or text of a URI.

use std::collections::BTreeMap;

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use serde_json::Value;

use crate::rpc::envelope::RpcError;

/// One argument.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Arg {
    /// From a JSON body.
    Json(Value),
    /// From a URI: quoted text.
    Quoted(String),
    /// From a URI: `0x` and hex.
    Hex(Vec<u8>),
    /// From a URI: anything else.
    Bare(String),
}

impl Arg {
    /// An argument as it stands in a URI.
    pub(crate) fn from_uri(text: &str) -> Result<Self, RpcError> {
        if let Some(digits) = text.strip_prefix("0x") {
            let bytes = hex::decode(digits);
            return bytes
                .map(Self::Hex)
                .map_err(|_| RpcError::params("0x must be followed by whole bytes of hex"));
        }
        if text.starts_with('"') {
            let quoted = serde_json::from_str(text);
            return quoted.map(Self::Quoted).map_err(|_| RpcError::params("a quoted argument is malformed"));
        }
        Ok(Self::Bare(text.to_owned()))
    }

    fn is_absent(&self) -> bool {
        matches!(self, Self::Json(Value::Null)) || matches!(self, Self::Bare(text) if text.is_empty())
    }
}

/// All arguments of a call.
#[derive(Clone, Debug)]
pub(crate) enum Args {
    Named(BTreeMap<String, Arg>),
    Listed(Vec<Value>),
}

impl Default for Args {
    fn default() -> Self {
        Self::Named(BTreeMap::new())
    }
}

/// The arguments of a method that names them in this order.
pub(crate) struct Params<'a> {
    args: &'a Args,
    names: &'static [&'static str],
}

impl<'a> Params<'a> {
    pub(crate) fn new(args: &'a Args, names: &'static [&'static str]) -> Result<Self, RpcError> {
        if let Args::Listed(values) = args {
            if values.len() > names.len() {
                return Err(RpcError::params(format!(
                    "expected at most {} arguments {names:?}, got {}",
                    names.len(),
                    values.len()
                )));
            }
        }
        Ok(Self { args, names })
    }

    fn get(&self, name: &str) -> Option<Arg> {
        let arg = match self.args {
            Args::Named(named) => named.get(name).cloned(),
            Args::Listed(values) => {
                let at = self.names.iter().position(|each| *each == name)?;
                values.get(at).cloned().map(Arg::Json)
            }
        };
        arg.filter(|arg| !arg.is_absent())
    }

    /// Whether there is such an argument.
    pub(crate) fn given(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// A 64-bit integer: a number, or a string of digits.
    pub(crate) fn integer(&self, name: &str) -> Result<Option<i64>, RpcError> {
        let Some(arg) = self.get(name) else { return Ok(None) };
        let number = match &arg {
            Arg::Json(Value::String(text)) | Arg::Quoted(text) | Arg::Bare(text) => text.parse().ok(),
            Arg::Json(value) => value.as_i64(),
            Arg::Hex(_) => None,
        };
        number.map(Some).ok_or_else(|| RpcError::params(format!("{name} must be a 64-bit integer")))
    }

    pub(crate) fn boolean(&self, name: &str) -> Result<bool, RpcError> {
        match self.get(name) {
            None => Ok(false),
            Some(Arg::Json(Value::Bool(flag))) => Ok(flag),
            Some(Arg::Bare(text)) if text == "true" => Ok(true),
            Some(Arg::Bare(text)) if text == "false" => Ok(false),
            Some(_) => Err(RpcError::params(format!("{name} must be true or false"))),
        }
    }

    pub(crate) fn text(&self, name: &str) -> Result<Option<String>, RpcError> {
        match self.get(name) {
            None => Ok(None),
            Some(Arg::Json(Value::String(text)) | Arg::Quoted(text)) => Ok(Some(text)),
            Some(Arg::Json(_) | Arg::Hex(_) | Arg::Bare(_)) => {
                Err(RpcError::params(format!("{name} must be a string (in a URI, in double quotes)")))
            }
        }
    }

    /// Bytes that bodies hold as base64, URIs as `0x` hex or as quoted text.
    pub(crate) fn base64(&self, name: &str) -> Result<Option<Vec<u8>>, RpcError> {
        match self.get(name) {
            None => Ok(None),
            Some(Arg::Hex(bytes)) => Ok(Some(bytes)),
            Some(Arg::Quoted(text)) => Ok(Some(text.into_bytes())),
            Some(Arg::Json(Value::String(text))) => {
                let bytes = STANDARD.decode(text);
                bytes.map(Some).map_err(|_| RpcError::params(format!("{name} must be base64")))
            }
            Some(_) => Err(RpcError::params(format!("{name} must be base64 (in a URI, 0x and hex)"))),
        }
    }

    /// Bytes that bodies hold as hex, URIs as `0x` hex or as quoted text.
    pub(crate) fn hex(&self, name: &str) -> Result<Option<Vec<u8>>, RpcError> {
        match self.get(name) {
            None => Ok(None),
            Some(Arg::Hex(bytes)) => Ok(Some(bytes)),
            Some(Arg::Quoted(text)) => Ok(Some(text.into_bytes())),
            Some(Arg::Json(Value::String(text))) => {
                let digits = text.strip_prefix("0x").unwrap_or(&text);
                hex::decode(digits).map(Some).map_err(|_| RpcError::params(format!("{name} must be hex")))
            }
            Some(_) => Err(RpcError::params(format!("{name} must be hex (in a URI after 0x)"))),
        }
    }

    /// A hash of 32 bytes: base64 or hex in bodies (their lengths tell them apart), `0x` hex in URIs.
    pub(crate) fn hash(&self, name: &str) -> Result<[u8; 32], RpcError> {
        let bytes = match self.get(name) {
            Some(Arg::Hex(bytes)) => Some(bytes),
            Some(Arg::Json(Value::String(text)) | Arg::Quoted(text)) => {
                let digits = text.strip_prefix("0x").unwrap_or(&text);
                let from_hex = hex::decode(digits).ok().filter(|bytes| bytes.len() == 32);
                from_hex.or_else(|| STANDARD.decode(&text).ok())
            }
            _ => None,
        };
        bytes
            .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
            .ok_or_else(|| RpcError::params(format!("{name} must be a hash of 32 bytes")))
    }
}

/// Page and size: pages count from 1; sizes above 100 are cut to it, below 1 they are 30.
pub(crate) fn paging(params: &Params<'_>, total: usize) -> Result<(usize, usize), RpcError> {
    let size = params.integer("per_page")?.unwrap_or(30);
    let size = usize::try_from(size).unwrap_or_default();
    let size = if size == 0 { 30 } else { size.min(100) };
    let pages = total.div_ceil(size).max(1);
    let page = params.integer("page")?.unwrap_or(1);
    match usize::try_from(page) {
        Ok(page) if (1..=pages).contains(&page) => Ok(((page - 1) * size, size)),
        _ => Err(RpcError::internal(format!("page should be within [1, {pages}] range, given {page}"))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn listed(values: Value) -> Args {
        Args::Listed(values.as_array().unwrap().clone())
    }

    #[test]
    fn each_form_of_an_argument_gives_the_same_value() {
        let uri = |text: &str| Args::Named([("x".to_owned(), Arg::from_uri(text).unwrap())].into());
        for args in [listed(json!([5])), listed(json!(["5"])), uri("5"), uri("\"5\"")] {
            assert_eq!(Params::new(&args, &["x"]).unwrap().integer("x"), Ok(Some(5)));
        }
        for args in [listed(json!(["q6s="])), uri("0xabab")] {
            assert_eq!(Params::new(&args, &["x"]).unwrap().base64("x"), Ok(Some(vec![0xab, 0xab])));
        }
        let (hex, base64) = ("ab".repeat(32), STANDARD.encode([0xab; 32]));
        for args in [listed(json!([hex])), listed(json!([base64])), uri(&format!("0x{hex}"))] {
            assert_eq!(Params::new(&args, &["x"]).unwrap().hash("x"), Ok([0xab; 32]));
        }
        for args in [listed(json!([])), listed(json!([null])), uri("")] {
            assert_eq!(Params::new(&args, &["x"]).unwrap().integer("x"), Ok(None));
        }
    }

    #[test]
    fn wrong_types_are_refused_by_name() {
        let args = listed(json!([{}, [], 1.5, "99999999999999999999", true]));
        let params = Params::new(&args, &["a", "b", "c", "d", "e"]).unwrap();
        for name in ["a", "b", "c", "d", "e"] {
            assert!(params.integer(name).unwrap_err().data.contains(name));
        }
        assert!(params.text("a").is_err() && params.base64("b").is_err() && params.hash("c").is_err());
        assert!(params.boolean("d").is_err() && params.hex("e").is_err());
        assert!(Params::new(&args, &["a"]).is_err());
        assert!(Arg::from_uri("0xabc").is_err() && Arg::from_uri("\"open").is_err());
    }

    #[test]
    fn pages_are_bounded() {
        let page = |page: Value, size: Value, total| {
            paging(&Params::new(&listed(json!([page, size])), &["page", "per_page"]).unwrap(), total)
        };
        assert_eq!(page(Value::Null, Value::Null, 100), Ok((0, 30)));
        assert_eq!(page("2".into(), "50".into(), 100), Ok((50, 50)));
        assert_eq!(page(1.into(), i64::MAX.into(), 1_000), Ok((0, 100)));
        assert_eq!(page(1.into(), 0.into(), 0), Ok((0, 30)));
        for bad in [0, -1, 5, i64::MAX] {
            assert!(page(bad.into(), 30.into(), 100).is_err(), "{bad}");
        }
    }
}
