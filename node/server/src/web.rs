//! gRPC-Web: the same calls from the pages of browsers, which have neither HTTP/2 of their own nor trailers.
//!
//! A call's body is that of gRPC, or with `-text` its base64. In the answer the trailers are the last message of
//! the body, with flag 128. A page of another origin may read answers only if that origin is configured.

use std::pin::Pin;
use std::task::{Context, Poll};

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use bytes::{BufMut, Bytes, BytesMut};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::Empty;
use tonic::Status;

use crate::dispatch::{boxed, AnyBody};

/// Flag of the message that holds the trailers.
const TRAILERS: u8 = 0x80;
/// Headers that a page may send.
const ACCEPTED: &str = "content-type,x-grpc-web,x-user-agent,grpc-timeout,x-cosmos-block-height";
/// Headers of an answer that a page may read.
const SHOWN: &str = "grpc-status,grpc-message,x-cosmos-block-height";
/// Seconds for which a browser need not ask again.
const MAX_AGE: &str = "7200";

/// How a call travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// gRPC itself.
    Plain,
    /// gRPC-Web in bytes.
    Bytes,
    /// gRPC-Web in base64.
    Text,
}

impl Form {
    /// Of a call with these headers; nothing if it is not one of protobuf messages.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let kind = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
        match kind.split(';').next().unwrap_or_default().trim() {
            "application/grpc" | "application/grpc+proto" => Some(Self::Plain),
            "application/grpc-web" | "application/grpc-web+proto" => Some(Self::Bytes),
            "application/grpc-web-text" | "application/grpc-web-text+proto" => Some(Self::Text),
            _ => None,
        }
    }

    fn kind(self) -> &'static str {
        match self {
            Self::Plain => "application/grpc",
            Self::Bytes => "application/grpc-web+proto",
            Self::Text => "application/grpc-web-text+proto",
        }
    }

    /// The answer in this form.
    pub(crate) fn dress(self, response: Response<AnyBody>) -> Response<AnyBody> {
        if self == Self::Plain {
            return response;
        }
        let text = self == Self::Text;
        let mut response =
            response.map(|inner| boxed(Dressed { inner, text, left: BytesMut::new(), over: false }));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(self.kind()));
        response
    }
}

/// Whether `origin` is among those that the operator names.
pub(crate) fn is_named(origins: &[String], origin: &HeaderValue) -> bool {
    origins.iter().any(|each| each == "*" || each.as_bytes() == origin.as_bytes())
}

/// The origin of the page that calls, if its pages may.
pub(crate) fn origin<B>(request: &Request<B>, origins: &[String]) -> Option<HeaderValue> {
    let origin = request.headers().get(header::ORIGIN)?;
    is_named(origins, origin).then(|| origin.clone())
}

/// Whether a browser asks what a page may do.
pub(crate) fn is_preflight<B>(request: &Request<B>) -> bool {
    request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ORIGIN)
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// What a page may do; [`allow`] adds for whom.
pub(crate) fn preflight(allowed: bool) -> Response<AnyBody> {
    let mut response = Response::new(boxed(Empty::new()));
    *response.status_mut() = StatusCode::NO_CONTENT;
    if allowed {
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST"));
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(ACCEPTED));
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(MAX_AGE));
    }
    response
}

/// Let the pages of `origin` read the answer.
pub(crate) fn allow(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(SHOWN));
    headers.insert(header::VARY, HeaderValue::from_static("Origin"));
}

/// A body whose base64 is taken off.
#[derive(Debug)]
pub(crate) struct Undressed<B> {
    inner: B,
    left: BytesMut,
}

impl<B> Undressed<B> {
    pub(crate) fn new(inner: B) -> Self {
        Self { inner, left: BytesMut::new() }
    }
}

impl<B: Body<Data = Bytes, Error = Status> + Unpin> Body for Undressed<B> {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        loop {
            let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(cx) else { return Poll::Pending };
            let data = match frame {
                None if self.left.is_empty() => return Poll::Ready(None),
                None => {
                    self.left.clear();
                    let words = "the base64 ends within four letters";
                    return Poll::Ready(Some(Err(Status::invalid_argument(words))));
                }
                Some(Err(status)) => return Poll::Ready(Some(Err(status))),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => data,
                    Err(_) => continue,
                },
            };
            self.left.put(data);
            let whole = self.left.len().saturating_sub(self.left.len() % 4);
            if whole > 0 {
                let letters = self.left.split_to(whole);
                return Poll::Ready(Some(decode(&letters).map(Frame::data)));
            }
        }
    }
}

/// The bytes of base64 that may be several pieces, each with its padding.
fn decode(letters: &[u8]) -> Result<Bytes, Status> {
    let mut out = Vec::with_capacity(letters.len());
    let mut rest = letters;
    while !rest.is_empty() {
        let padding = rest.iter().position(|letter| *letter == b'=').unwrap_or(rest.len());
        let end = padding.div_ceil(4).max(1).saturating_mul(4).min(rest.len());
        let (piece, others) = rest.split_at(end);
        let wrong = |error| Status::invalid_argument(format!("the base64 is none: {error}"));
        STANDARD.decode_vec(piece, &mut out).map_err(wrong)?;
        rest = others;
    }
    Ok(out.into())
}

/// An answer's body with its trailers inside, and with base64 put on.
struct Dressed {
    inner: AnyBody,
    text: bool,
    /// Less than three bytes, which do not fill four letters yet.
    left: BytesMut,
    over: bool,
}

impl Dressed {
    fn put_on(&mut self, data: Bytes) -> Bytes {
        if !self.text {
            return data;
        }
        self.left.put(data);
        let whole = self.left.len().saturating_sub(self.left.len() % 3);
        Bytes::from(STANDARD.encode(self.left.split_to(whole)))
    }
}

impl Body for Dressed {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        while !self.over {
            let data = match Pin::new(&mut self.inner).poll_frame(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => {
                    self.over = true;
                    break;
                }
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error))),
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => data,
                    Err(frame) => trailers(&frame.into_trailers().unwrap_or_default()),
                },
            };
            let data = self.put_on(data);
            if !data.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(data))));
            }
        }
        let left = self.left.split();
        if left.is_empty() {
            return Poll::Ready(None);
        }
        Poll::Ready(Some(Ok(Frame::data(Bytes::from(STANDARD.encode(left))))))
    }
}

/// The message that holds the trailers.
fn trailers(trailers: &HeaderMap) -> Bytes {
    let mut lines = BytesMut::new();
    for (name, value) in trailers {
        let name: &HeaderName = name;
        lines.put_slice(name.as_str().as_bytes());
        lines.put_u8(b':');
        lines.put_slice(value.as_bytes());
        lines.put_slice(b"\r\n");
    }
    let mut message = BytesMut::new();
    message.put_u8(TRAILERS);
    message.put_u32(u32::try_from(lines.len()).unwrap_or(u32::MAX));
    message.put(lines);
    message.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_comes_in_one_piece_or_in_many_with_their_own_padding() {
        for (text, expected) in [
            ("AAAA", Some(vec![0, 0, 0])),
            ("AA==", Some(vec![0])),
            ("AAA=AA==AAAA", Some(vec![0; 6])),
            ("AAAAAA==AAAA", Some(vec![0; 7])),
            ("A===", None),
            ("====", None),
            ("AA=A", None),
            ("AA-_", None),
            ("AB==", None),
        ] {
            assert_eq!(decode(text.as_bytes()).ok().map(|bytes| bytes.to_vec()), expected, "{text}");
        }
    }

    #[test]
    fn kinds_of_content_name_the_form() {
        for (kind, form) in [
            ("application/grpc", Some(Form::Plain)),
            ("application/grpc-web", Some(Form::Bytes)),
            ("application/grpc-web+proto; charset=x", Some(Form::Bytes)),
            ("application/grpc-web-text", Some(Form::Text)),
            ("application/grpc-web-text+proto", Some(Form::Text)),
            ("application/grpc-web+json", None),
            ("application/grpc-web-", None),
            ("text/plain", None),
        ] {
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(kind))]);
            assert_eq!(Form::of(&headers), form, "{kind}");
        }
        assert_eq!(Form::of(&HeaderMap::new()), None);
    }
}
