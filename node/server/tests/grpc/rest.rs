//! REST in front of the same chain: a client that speaks HTTP, and addresses made of the schema.

use std::collections::BTreeMap;

use http::StatusCode;
use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor, Kind, ReflectMessage, Value};
use serde_json::Value as Json;
use server::{Limits, RestConfig};

use crate::support::{host, start_with, Chain, HEIGHT};

mod golden;
mod guards;
mod hostile;
mod routes;

/// A chain with REST.
pub(crate) struct Gateway {
    pub(crate) chain: Chain,
    base: String,
    client: reqwest::Client,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: StatusCode,
    pub(crate) headers: http::HeaderMap,
    pub(crate) text: String,
}

impl Got {
    pub(crate) fn json(&self) -> Json {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// It is an answer, or a refusal in the form of gateways; nothing else leaves the server.
    pub(crate) fn is_sound(&self, what: &str) {
        assert_eq!(self.header("content-type"), "application/json", "{what}: {self:?}");
        assert_eq!(self.header("x-content-type-options"), "nosniff", "{what}");
        assert!(!self.header("x-cosmos-block-height").is_empty(), "{what}");
        let json = self.json();
        if self.status != StatusCode::OK {
            let members: Vec<&String> = json.as_object().unwrap().keys().collect();
            assert_eq!(members, ["code", "details", "message"], "{what}: {json}");
            assert_eq!(json["details"], Json::Array(Vec::new()));
            assert!(!json["message"].as_str().unwrap().is_empty(), "{what}: {json}");
            assert_eq!(status_of(json["code"].as_i64().unwrap()), self.status, "{what}: {json}");
        }
    }
}

/// The status that gateways have for a code of gRPC.
pub(crate) fn status_of(code: i64) -> StatusCode {
    let number = match code {
        0 => 200,
        3 => 400,
        4 => 504,
        5 => 404,
        8 => 429,
        11 => 413,
        12 => 501,
        14 => 503,
        _ => 500,
    };
    StatusCode::from_u16(number).unwrap()
}

pub(crate) async fn rest() -> Gateway {
    rest_with(Limits::default(), RestConfig::default()).await
}

pub(crate) async fn rest_with(limits: Limits, config: RestConfig) -> Gateway {
    let mut chain = start_with(host(&["alice", "bob"], HEIGHT), limits).await;
    let listen = "127.0.0.1:0".parse().unwrap();
    let address = chain.server.serve_rest(RestConfig { listen, ..config }).await.unwrap();
    assert_eq!(chain.server.rest_addr(), Some(address));
    Gateway { chain, base: format!("http://{address}"), client: reqwest::Client::new() }
}

impl Gateway {
    pub(crate) fn address(&self) -> &str {
        self.base.trim_start_matches("http://")
    }

    pub(crate) fn request(&self, verb: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(verb, format!("{}{path}", self.base))
    }

    pub(crate) async fn send(request: reqwest::RequestBuilder) -> Got {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        Got { status, headers, text: response.text().await.unwrap() }
    }

    pub(crate) async fn get(&self, path: &str) -> Got {
        Self::send(self.request(reqwest::Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: impl Into<String>) -> Got {
        Self::send(self.request(reqwest::Method::POST, path).body(body.into())).await
    }
}

pub(crate) fn pool() -> DescriptorPool {
    let mut pool = DescriptorPool::decode(proto::FILE_DESCRIPTOR_SET).unwrap();
    pool.decode_file_descriptor_set(proto::COSMOS_DESCRIPTOR_SET).unwrap();
    pool
}

/// A way to call a method, and the request that a test of the method makes.
pub(crate) struct Route {
    pub(crate) verb: String,
    pub(crate) template: String,
    pub(crate) path: String,
    pub(crate) request: DynamicMessage,
}

/// All routes, with requests that make sense.
pub(crate) fn all() -> Vec<Route> {
    let pool = pool();
    let routes = server::routes().into_iter().map(|(verb, template, path)| {
        let (service, method) = path.trim_start_matches('/').rsplit_once('/').unwrap();
        let service = pool.get_service_by_name(service).unwrap();
        let method = service.methods().find(|candidate| candidate.name() == method).unwrap();
        let request = crate::cases::case(&path).0;
        let mut request = DynamicMessage::decode(method.input(), request.as_slice()).unwrap();
        for name in fields_of(&template) {
            if place(&mut request, name, |value| value.as_str() == Some("")) {
                set(&mut request, name, Value::String("x".into()));
            }
        }
        Route { verb, template, path, request }
    });
    routes.collect()
}

/// Names in a template.
pub(crate) fn fields_of(template: &str) -> impl Iterator<Item = &str> {
    template.split('{').skip(1).map(|rest| rest.split('}').next().unwrap())
}

fn place(request: &mut DynamicMessage, name: &str, is: impl Fn(&Value) -> bool) -> bool {
    let flat = flat(request);
    let value = flat.iter().find(|(field, _)| field == name).map(|(_, value)| Value::String(value.clone()));
    value.is_none_or(|value| is(&value)) && kind_of(request, name) == Kind::String
}

fn field_of(request: &DynamicMessage, name: &str) -> FieldDescriptor {
    let mut message = request.descriptor();
    let (last, first) =
        name.split('.').rev().collect::<Vec<_>>().split_first().map(|(a, b)| (*a, b.to_vec())).unwrap();
    for name in first.into_iter().rev() {
        message = message.get_field_by_name(name).unwrap().kind().as_message().unwrap().clone();
    }
    message.get_field_by_name(last).unwrap_or_else(|| panic!("{} has no {name}", message.full_name()))
}

pub(crate) fn kind_of(request: &DynamicMessage, name: &str) -> Kind {
    field_of(request, name).kind()
}

fn set(request: &mut DynamicMessage, name: &str, value: Value) {
    match name.split_once('.') {
        None => request.set_field_by_name(name, value),
        Some((first, rest)) => {
            let inner = request.get_field_by_name_mut(first).unwrap();
            let Value::Message(inner) = inner else { panic!("{name}") };
            set(inner, rest, value);
        }
    }
}

/// The values in a request as text by dotted names.
fn flat(message: &DynamicMessage) -> Vec<(String, String)> {
    let mut out = Vec::new();
    for (field, value) in message.fields() {
        let list: Vec<Value> = value.as_list().map_or_else(|| vec![value.clone()], <[Value]>::to_vec);
        for value in list {
            let text = match &value {
                Value::Message(inner) => {
                    out.extend(
                        flat(inner)
                            .into_iter()
                            .map(|(name, text)| (format!("{}.{name}", field.name()), text)),
                    );
                    continue;
                }
                Value::Bytes(bytes) => base64(bytes),
                Value::String(text) => text.clone(),
                Value::Bool(value) => value.to_string(),
                Value::I32(value) | Value::EnumNumber(value) => value.to_string(),
                Value::I64(value) => value.to_string(),
                Value::U32(value) => value.to_string(),
                Value::U64(value) => value.to_string(),
                other => panic!("{other:?}"),
            };
            out.push((field.name().to_owned(), text));
        }
    }
    out
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// Text with all that could mean something in an address escaped.
pub(crate) fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.';
    let one = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(one).collect()
}

impl Route {
    /// The address with the values of the request, but for `other` ones.
    pub(crate) fn address(&self, other: &BTreeMap<String, String>) -> String {
        let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, text) in flat(&self.request) {
            values.entry(name).or_default().push(text);
        }
        for (name, text) in other {
            values.insert(name.clone(), vec![text.clone()]);
        }
        let mut address = self.template.clone();
        for name in fields_of(&self.template) {
            let value = values.remove(name).map_or_else(|| "0".into(), |mut list| list.remove(0));
            address = address.replace(&format!("{{{name}}}"), &escaped(&value));
        }
        let query: Vec<String> = values
            .iter()
            .flat_map(|(name, list)| list.iter().map(move |text| format!("{name}={}", escaped(text))))
            .collect();
        if query.is_empty() || self.verb == "POST" {
            return address;
        }
        format!("{address}?{}", query.join("&"))
    }

    /// The body, for those that have one.
    pub(crate) fn body(&self) -> Json {
        let mut body = Json::Object(serde_json::Map::new());
        for (name, text) in flat(&self.request) {
            // What is inside of a message goes into an object of its own.
            let place = name.split('.').fold(&mut body, |place, part| &mut place[part]);
            *place = Json::String(text);
        }
        body
    }

    /// Call it.
    pub(crate) async fn call(&self, gateway: &Gateway, other: &BTreeMap<String, String>) -> Got {
        let address = self.address(other);
        if self.verb == "POST" {
            return gateway.post(&address, self.body().to_string()).await;
        }
        gateway.get(&address).await
    }

    /// The answer over gRPC, as a message.
    pub(crate) async fn by_grpc(&self, chain: &Chain) -> Result<DynamicMessage, tonic::Status> {
        use prost::Message as _;
        let pool = self.request.descriptor().parent_pool().clone();
        let (service, method) = self.path.trim_start_matches('/').rsplit_once('/').unwrap();
        let service = pool.get_service_by_name(service).unwrap();
        let method = service.methods().find(|candidate| candidate.name() == method).unwrap();
        let answer = chain.raw(&self.path, self.request.encode_to_vec()).await?;
        Ok(DynamicMessage::decode(method.output(), answer.into_inner()).unwrap())
    }
}
