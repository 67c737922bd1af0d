//! Requests, answers and errors of JSON-RPC 2.0, with CometBFT's words.

use serde_json::{json, Value};

use crate::rpc::args::{Arg, Args};

/// An error that a client sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RpcError {
    pub(crate) code: i64,
    pub(crate) data: String,
}

impl RpcError {
    const NO_JSON: i64 = -32700;
    const NO_CALL: i64 = -32600;
    /// Code of an error that says that there is no such method.
    pub(crate) const NO_METHOD: i64 = -32601;

    /// The code of the error in an answer, if it is one.
    pub(crate) fn code_in(answer: &Value) -> Option<i64> {
        answer.get("error")?.get("code")?.as_i64()
    }

    /// Whether an answer says that the request was none; CometBFT answers those with status 500, unlike calls that
    /// fail.
    pub(crate) fn is_of_no_call(answer: &Value) -> bool {
        matches!(Self::code_in(answer), Some(Self::NO_JSON | Self::NO_CALL))
    }

    pub(crate) fn parse(reason: impl Into<String>) -> Self {
        Self { code: Self::NO_JSON, data: reason.into() }
    }

    pub(crate) fn request(reason: impl Into<String>) -> Self {
        Self { code: Self::NO_CALL, data: reason.into() }
    }

    pub(crate) fn method(name: &str) -> Self {
        // Long names are not sent back whole.
        let name: String = name.chars().take(96).collect();
        Self { code: Self::NO_METHOD, data: name }
    }

    pub(crate) fn params(reason: impl Into<String>) -> Self {
        Self { code: -32602, data: reason.into() }
    }

    /// Everything that goes wrong within a method.
    pub(crate) fn internal(reason: impl Into<String>) -> Self {
        Self { code: -32603, data: reason.into() }
    }

    fn message(&self) -> &'static str {
        match self.code {
            Self::NO_JSON => "Parse error. Invalid JSON",
            Self::NO_CALL => "Invalid Request",
            Self::NO_METHOD => "Method not found",
            -32602 => "Invalid params",
            _ => "Internal error",
        }
    }

    /// The answer to the request `id`.
    pub(crate) fn answer(&self, id: &Value) -> Value {
        json!({
            "jsonrpc": "2.0",
            "id": id,
            "error": { "code": self.code, "message": self.message(), "data": self.data },
        })
    }
}

impl From<crate::StoreError> for RpcError {
    fn from(error: crate::StoreError) -> Self {
        Self::internal(error.to_string())
    }
}

/// One call. Without an id it is a notification: it is done but not answered.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) id: Option<Value>,
    pub(crate) method: String,
    pub(crate) args: Args,
}

/// A call, or the answer that a malformed one gets.
pub(crate) type Parsed = Result<Call, (Value, RpcError)>;

/// Several calls, each possibly malformed, or one.
#[derive(Debug)]
pub(crate) enum Body {
    Single(Parsed),
    Batch(Vec<Parsed>),
}

impl Body {
    /// Take a POST body apart; at most `max_batch` calls.
    pub(crate) fn parse(body: &[u8], max_batch: usize) -> Result<Self, RpcError> {
        let value: Value =
            serde_json::from_slice(body).map_err(|error| RpcError::parse(error.to_string()))?;
        match value {
            Value::Array(calls) if calls.is_empty() => Err(RpcError::request("the batch is empty")),
            Value::Array(calls) if calls.len() > max_batch => Err(RpcError::request(format!(
                "the batch has {} calls, at most {max_batch} are answered",
                calls.len()
            ))),
            Value::Array(calls) => Ok(Self::Batch(calls.into_iter().map(call).collect())),
            other => Ok(Self::Single(call(other))),
        }
    }
}

fn call(value: Value) -> Parsed {
    let Value::Object(mut fields) = value else {
        return Err((Value::Null, RpcError::request("a call must be an object")));
    };
    let id = match fields.remove("id") {
        None => None,
        Some(id @ (Value::String(_) | Value::Null)) => Some(id),
        Some(Value::Number(number)) if number.is_i64() || number.is_u64() => Some(number.into()),
        Some(_) => return Err((Value::Null, RpcError::request("id must be a string or an integer"))),
    };
    let told = id.clone().unwrap_or(Value::Null);
    if fields.get("jsonrpc").is_some_and(|version| version != "2.0") {
        return Err((told, RpcError::request("jsonrpc must be \"2.0\"")));
    }
    let Some(Value::String(method)) = fields.remove("method") else {
        return Err((told, RpcError::request("method must be a string")));
    };
    let args = match fields.remove("params") {
        None | Some(Value::Null) => Args::default(),
        Some(Value::Object(named)) => {
            Args::Named(named.into_iter().map(|(name, value)| (name, Arg::Json(value))).collect())
        }
        Some(Value::Array(values)) => Args::Listed(values),
        Some(_) => return Err((told, RpcError::params("params must be an object or an array"))),
    };
    Ok(Call { id, method, args })
}

/// The answer to a call that went well.
pub(crate) fn answer(id: &Value, result: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "result": result })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn single(body: &str) -> Parsed {
        match Body::parse(body.as_bytes(), 3) {
            Ok(Body::Single(call)) => call,
            Ok(Body::Batch(_)) => panic!("a batch"),
            Err(error) => Err((Value::Null, error)),
        }
    }

    #[test]
    fn ids_come_back_with_the_type_they_had() {
        for id in ["123456789012", "\"a-b\"", "-1", "null"] {
            let call = single(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"status"}}"#)).unwrap();
            assert_eq!(call.id.unwrap().to_string(), id);
        }
        assert_eq!(single(r#"{"jsonrpc":"2.0","method":"status"}"#).unwrap().id, None);
    }

    #[test]
    fn malformed_requests_are_told_apart() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let rows: [(&str, i64); 14] = [
            ("", -32700),
            ("{", -32700),
            ("{\"id\":1e999,\"method\":\"a\"}", -32700),
            ("\u{0}", -32700),
            (&deep, -32700),
            ("5", -32600),
            ("[]", -32600),
            ("[1,2,3,4]", -32600),
            (r#"{"id":1.5,"method":"status"}"#, -32600),
            (r#"{"id":{},"method":"status"}"#, -32600),
            (r#"{"id":1,"method":5}"#, -32600),
            (r#"{"id":1}"#, -32600),
            (r#"{"id":1,"jsonrpc":"1.0","method":"status"}"#, -32600),
            (r#"{"id":1,"method":"status","params":"x"}"#, -32602),
        ];
        for (body, code) in rows {
            let (_, error) = single(body).unwrap_err();
            assert_eq!(error.code, code, "{}", &body[..body.len().min(60)]);
        }
    }
}
