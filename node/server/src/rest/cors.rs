//! Which web pages may call: those of the origins that the operator names.

use http::header::{self, HeaderMap, HeaderValue};

use crate::web::is_named;

/// Let the page that `asked` comes from read the answer, if its origin is among `origins`.
pub(super) fn allow(origins: &[String], asked: &HeaderMap, preflight: bool, answer: &mut HeaderMap) {
    if origins.is_empty() {
        return;
    }
    answer.append(header::VARY, HeaderValue::from_static("Origin"));
    let Some(origin) = asked.get(header::ORIGIN) else { return };
    if !is_named(origins, origin) {
        return;
    }
    answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    let exposed = HeaderValue::from_static("x-cosmos-block-height");
    answer.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    if preflight {
        let verbs = HeaderValue::from_static("GET, POST, OPTIONS");
        answer.insert(header::ACCESS_CONTROL_ALLOW_METHODS, verbs);
        let accepted = "Origin, Accept, Content-Type, X-Requested-With, x-cosmos-block-height";
        answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(accepted));
        answer.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    }
}

/// Whether a page of the origin that `asked` names may open a WebSocket, for which browsers ask nobody else.
pub(super) fn takes(origins: &[String], asked: &HeaderMap) -> bool {
    asked.get(header::ORIGIN).is_none_or(|origin| is_named(origins, origin))
}
