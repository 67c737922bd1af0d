//! The `OpenAPI` document of the routes, made of the same descriptors as the routes themselves.

use std::collections::BTreeMap;

use http::Method;
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{json, Map, Value as Json};

use super::schema::{Route, Schema};

/// How deep fields of fields are offered as values of a query.
const MAX_DEPTH: usize = 3;

/// The document.
pub(super) fn document(schema: &Schema) -> String {
    let (mut paths, mut kinds) = (Map::new(), BTreeMap::new());
    kinds.insert("google.rpc.Status".to_owned(), status());
    for route in schema.routes() {
        let path = paths.entry(route.template.plain()).or_insert_with(|| json!({}));
        path[route.verb.as_str().to_lowercase()] = operation(schema, route, &mut kinds);
    }
    let document = json!({
        "openapi": "3.0.3",
        "info": {
            "title": "Ballast",
            "description": "The gRPC services of this node over HTTP, as JSON. The header x-cosmos-block-height \
                names the height that a question is about, and in answers the height they are of. What blocks do \
                comes over WebSockets: /ws/orderbook takes a dydxprotocol.clob.StreamOrderbookUpdatesRequest as its \
                first message, /ws/blocks a ballast.stream.v1.BlocksRequest.",
            "version": env!("CARGO_PKG_VERSION"),
        },
        "paths": paths,
        "components": { "schemas": kinds },
    });
    document.to_string()
}

fn status() -> Json {
    json!({
        "type": "object",
        "properties": {
            "code": { "type": "integer", "description": "a code of gRPC" },
            "message": { "type": "string" },
            "details": { "type": "array", "items": { "type": "object" } },
        },
    })
}

fn operation(schema: &Schema, route: &Route, kinds: &mut BTreeMap<String, Json>) -> Json {
    let mut parameters: Vec<Json> = Vec::new();
    for name in route.template.fields() {
        let found = field(&route.method.input(), name);
        let kind = found.map_or_else(|| json!({ "type": "string" }), |field| single(schema, &field, kinds));
        parameters.push(json!({ "name": name, "in": "path", "required": true, "schema": kind }));
    }
    let failure = content(json!({ "$ref": "#/components/schemas/google.rpc.Status" }));
    let answer = reference(schema, &route.method.output(), kinds);
    let mut operation = json!({
        "operationId": route.path.trim_start_matches('/').replace(['/', '.'], "_"),
        "tags": [route.method.parent_service().full_name()],
        "description": format!("gRPC {}", route.path),
        "responses": {
            "200": { "description": "The answer.", "content": content(answer) },
            "default": { "description": "Why there is none.", "content": failure },
        },
    });
    if route.body {
        let body = content(reference(schema, &route.method.input(), kinds));
        operation["requestBody"] = json!({ "required": true, "content": body });
    } else if route.verb == Method::GET {
        queries(schema, &route.method.input(), "", MAX_DEPTH, &mut parameters, kinds);
    }
    operation["parameters"] = parameters.into();
    operation
}

fn content(schema: Json) -> Json {
    json!({ "application/json": { "schema": schema } })
}

/// The field that dotted names lead to.
fn field(message: &MessageDescriptor, names: &str) -> Option<FieldDescriptor> {
    match names.split_once('.') {
        None => message.get_field_by_name(names),
        Some((first, rest)) => field(message.get_field_by_name(first)?.kind().as_message()?, rest),
    }
}

/// Values that a query may hold, but for those in the path.
fn queries(
    schema: &Schema,
    message: &MessageDescriptor,
    prefix: &str,
    depth: usize,
    parameters: &mut Vec<Json>,
    kinds: &mut BTreeMap<String, Json>,
) {
    for field in message.fields().filter(|field| !field.is_map()) {
        let name = format!("{prefix}{}", field.name());
        if parameters.iter().any(|known| known["name"] == name.as_str()) {
            continue;
        }
        match field.kind() {
            Kind::Message(inner) if !inner.full_name().starts_with("google.protobuf.") => {
                if let Some(depth) = depth.checked_sub(1).filter(|_| !field.is_list()) {
                    queries(schema, &inner, &format!("{name}."), depth, parameters, kinds);
                }
            }
            _ => parameters
                .push(json!({ "name": name, "in": "query", "schema": whole(schema, &field, kinds) })),
        }
    }
}

/// A reference to the schema of a message, which is described if it is not yet.
fn reference(schema: &Schema, message: &MessageDescriptor, kinds: &mut BTreeMap<String, Json>) -> Json {
    let name = message.full_name();
    match name {
        "google.protobuf.Timestamp" => return json!({ "type": "string", "format": "date-time" }),
        "google.protobuf.Duration" => return json!({ "type": "string", "example": "1.5s" }),
        "google.protobuf.Any" => {
            return json!({
                "type": "object",
                "properties": { "@type": { "type": "string" } },
                "additionalProperties": true,
            })
        }
        _ => {}
    }
    if !kinds.contains_key(name) {
        kinds.insert(name.to_owned(), json!({}));
        let fields: Map<String, Json> =
            message.fields().map(|field| (field.name().to_owned(), whole(schema, &field, kinds))).collect();
        kinds.insert(name.to_owned(), json!({ "type": "object", "properties": fields }));
    }
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn whole(schema: &Schema, field: &FieldDescriptor, kinds: &mut BTreeMap<String, Json>) -> Json {
    if let (true, Kind::Message(entry)) = (field.is_map(), field.kind()) {
        let value = single(schema, &entry.map_entry_value_field(), kinds);
        return json!({ "type": "object", "additionalProperties": value });
    }
    let single = single(schema, field, kinds);
    if field.is_list() {
        return json!({ "type": "array", "items": single });
    }
    single
}

fn single(schema: &Schema, field: &FieldDescriptor, kinds: &mut BTreeMap<String, Json>) -> Json {
    match field.kind() {
        Kind::Message(message) => reference(schema, &message, kinds),
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Double | Kind::Float => json!({ "type": "number" }),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => json!({ "type": "integer", "format": "int32" }),
        Kind::Uint32 | Kind::Fixed32 => json!({ "type": "integer", "format": "int64" }),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => json!({ "type": "string", "format": "int64" }),
        Kind::Uint64 | Kind::Fixed64 => json!({ "type": "string", "format": "uint64" }),
        Kind::Bytes if schema.scalar(field).is_none() => json!({ "type": "string", "format": "byte" }),
        Kind::Bytes | Kind::String => json!({ "type": "string" }),
        Kind::Enum(values) => {
            let names: Vec<_> = values.values().map(|value| value.name().to_owned()).collect();
            json!({ "type": "string", "enum": names })
        }
    }
}
