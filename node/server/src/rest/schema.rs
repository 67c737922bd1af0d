//! What is served: the routes that stand at the methods of the schema, and what JSON needs to know of messages.

use std::collections::BTreeMap;

use http::Method;
use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor, Value,
};

use super::scalar::Scalar;
use super::template::Template;
use crate::methods;

/// One way to call a method.
#[derive(Clone, Debug)]
pub(super) struct Route {
    pub(super) template: Template,
    pub(super) verb: Method,
    /// The gRPC path.
    pub(super) path: String,
    pub(super) method: MethodDescriptor,
    /// Whether the request is the body; it is in the query if not.
    pub(super) body: bool,
}

/// Routes in the order of trying, and messages.
#[derive(Debug)]
pub(super) struct Schema {
    pool: DescriptorPool,
    routes: Vec<Route>,
    scalars: BTreeMap<String, Scalar>,
}

/// What a path leads to.
pub(super) enum Found<'a> {
    /// A route, and the values in the path.
    Route(&'a Route, Vec<(&'a str, &'a str)>),
    /// Only routes of other verbs.
    OtherVerb,
    /// Nothing.
    Nothing,
}

impl Schema {
    /// The schema of all that the server answers. Descriptors are part of the program: one that does not decode
    /// leaves its routes out, which tests notice.
    pub(super) fn new() -> Self {
        let mut pool = DescriptorPool::new();
        for set in [proto::FILE_DESCRIPTOR_SET, proto::COSMOS_DESCRIPTOR_SET] {
            if let Err(error) = pool.decode_file_descriptor_set(set) {
                tracing::error!(%error, "a part of the schema is malformed");
            }
        }
        let mut routes: Vec<Route> = methods::methods().iter().flat_map(|path| routes(&pool, path)).collect();
        // A word before a field, and a field before all that follows.
        routes.sort_by(|one, other| one.template.cmp(&other.template));
        let scalars = pool.all_messages().flat_map(|message| scalars(&pool, &message)).collect();
        Self { pool, routes, scalars }
    }

    /// All routes.
    pub(super) fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// The route of a call.
    pub(super) fn find<'a>(&'a self, verb: &Method, path: &'a str) -> Found<'a> {
        let mut found = Found::Nothing;
        for route in &self.routes {
            if let Some(values) = route.template.matches(path) {
                if route.verb == *verb {
                    return Found::Route(route, values);
                }
                found = Found::OtherVerb;
            }
        }
        found
    }

    /// The message whose name a type's URL ends with.
    pub(super) fn message(&self, url: &str) -> Option<MessageDescriptor> {
        let (_, name) = url.rsplit_once('/')?;
        self.pool.get_message_by_name(name)
    }

    /// All messages.
    #[cfg(test)]
    pub(super) fn messages(&self) -> impl Iterator<Item = MessageDescriptor> + '_ {
        self.pool.all_messages()
    }

    /// What annotations say that a field means.
    pub(super) fn scalar(&self, field: &FieldDescriptor) -> Option<Scalar> {
        self.scalars.get(field.full_name()).copied()
    }
}

/// The routes that stand at the method of a gRPC path.
fn routes(pool: &DescriptorPool, path: &str) -> Vec<Route> {
    let method = path.trim_start_matches('/').rsplit_once('/').and_then(|(service, name)| {
        pool.get_service_by_name(service)?.methods().find(|method| method.name() == name)
    });
    let (Some(method), Some(http)) = (method, pool.get_extension_by_name("google.api.http")) else {
        return Vec::new();
    };
    let options = method.options();
    if !options.has_extension(&http) {
        return Vec::new();
    }
    let rule = options.get_extension(&http);
    let Some(rule) = rule.as_message() else { return Vec::new() };
    let further = rule.get_field_by_name("additional_bindings");
    let further = further.as_deref().and_then(Value::as_list).unwrap_or_default();
    let rules = std::iter::once(rule).chain(further.iter().filter_map(Value::as_message));
    rules.filter_map(|rule| route(rule, path, &method)).collect()
}

fn route(rule: &DynamicMessage, path: &str, method: &MethodDescriptor) -> Option<Route> {
    let text = |name: &str| rule.get_field_by_name(name)?.as_str().map(str::to_owned);
    let get = text("get").filter(|get| !get.is_empty());
    let (verb, template) = match get {
        Some(get) => (Method::GET, get),
        None => (Method::POST, text("post").filter(|post| !post.is_empty())?),
    };
    let body = match text("body").unwrap_or_default().as_str() {
        "" => false,
        "*" => true,
        _ => return None,
    };
    let template = Template::parse(&template)?;
    Some(Route { template, verb, path: path.to_owned(), method: method.clone(), body })
}

/// The fields of a message that annotations give a meaning.
fn scalars(pool: &DescriptorPool, message: &MessageDescriptor) -> Vec<(String, Scalar)> {
    let Some(annotation) = pool.get_extension_by_name("cosmos_proto.scalar") else { return Vec::new() };
    let fields = message.fields().filter(|field| matches!(field.kind(), Kind::String | Kind::Bytes));
    let meant = fields.filter_map(|field| {
        let options = field.options();
        let name = options.has_extension(&annotation).then(|| options.get_extension(&annotation))?;
        Some((field.full_name().to_owned(), Scalar::named(name.as_str()?)?))
    });
    meant.collect()
}
