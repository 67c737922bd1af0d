//! One call of one message: reading it, bounded, and answering it.
//!
//! A message travels as a flag (0: not compressed), its length in four bytes, and its bytes; after an answer's
//! message come trailers with the status. What is read and what is being sent counts against budgets of bytes
//! that all connections share.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::{Code, Status};

use crate::activity::InAnswer;

/// Flag and length before a message.
const PREFIX: usize = 5;
/// Bytes that are handed to the connection at a time; it holds one such piece for each answer that is not taken.
const PIECE: usize = 16 << 10;
/// Bytes of a status' words; headers have bounds on the client's side too.
const MAX_WORDS: usize = 2_048;

/// A request's message, and the part of the budget that it takes.
#[derive(Debug)]
pub(crate) struct Request {
    /// The message.
    pub(crate) message: Bytes,
    _held: Option<OwnedSemaphorePermit>,
}

/// A request whose bytes stop coming.
pub(crate) fn broken(error: impl std::fmt::Display) -> Status {
    Status::cancelled(format!("the request broke off: {error}"))
}

/// Read the only message of a request.
pub(crate) async fn read<B>(body: B, limit: usize, budget: &Arc<Semaphore>) -> Result<Request, Status>
where
    B: Body<Data = Bytes, Error = Status>,
{
    let mut body = std::pin::pin!(body);
    let mut read = BytesMut::new();
    let mut held: Option<OwnedSemaphorePermit> = None;
    let mut expected = None;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        let full = || Status::resource_exhausted("the server holds as many requests as it can; try again");
        let size = u32::try_from(data.len()).map_err(|_| full())?;
        let permit = budget.clone().try_acquire_many_owned(size).map_err(|_| full())?;
        match held.as_mut() {
            Some(held) => held.merge(permit),
            None => held = Some(permit),
        }
        read.put(data);
        if expected.is_none() {
            expected = length(&read, limit)?;
        }
        if expected.is_some_and(|length| read.len() > length.saturating_add(PREFIX)) {
            return Err(Status::invalid_argument("the call takes one message, and more bytes than one came"));
        }
    }
    match expected {
        Some(length) if read.len() == length.saturating_add(PREFIX) => {
            Ok(Request { message: read.split_off(PREFIX).freeze(), _held: held })
        }
        _ => Err(Status::invalid_argument("the request ended before its message did")),
    }
}

/// The length of the message that begins with `bytes`; nothing as long as they do not say.
fn length(bytes: &[u8], limit: usize) -> Result<Option<usize>, Status> {
    let Some((prefix, _)) = bytes.split_first_chunk::<PREFIX>() else { return Ok(None) };
    let [flag, length @ ..] = *prefix;
    if flag != 0 {
        return Err(Status::unimplemented("messages are taken uncompressed only"));
    }
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > limit {
        let words = format!("the request has {length} bytes; {limit} are allowed");
        return Err(Status::resource_exhausted(words));
    }
    Ok(Some(length))
}

/// An answer's message on its way.
#[derive(Debug)]
pub(crate) struct Answer {
    rest: Bytes,
    trailers: Option<HeaderMap>,
    _held: OwnedSemaphorePermit,
    _sending: InAnswer,
}

impl Answer {
    /// The response of a call that went well.
    pub(crate) fn respond(
        message: &[u8],
        limit: usize,
        budget: &Arc<Semaphore>,
        sending: InAnswer,
    ) -> Result<Response<Self>, Status> {
        if message.len() > limit {
            let words =
                format!("the answer has {} bytes; {limit} are allowed: ask for a page", message.len());
            return Err(Status::resource_exhausted(words));
        }
        let (size, held) = hold(message.len(), budget)?;
        let mut bytes = BytesMut::with_capacity(message.len().saturating_add(PREFIX));
        bytes.put_u8(0);
        bytes.put_u32(size);
        bytes.put_slice(message);
        let ok = (HeaderName::from_static("grpc-status"), HeaderValue::from_static("0"));
        let trailers = Some(HeaderMap::from_iter([ok]));
        let answer = Self { rest: bytes.freeze(), trailers, _held: held, _sending: sending };
        let mut response = Response::new(answer);
        let kind = HeaderValue::from_static("application/grpc");
        response.headers_mut().insert(http::header::CONTENT_TYPE, kind);
        Ok(response)
    }

    /// Bytes as they are, as answers over plain HTTP have them.
    pub(crate) fn document(bytes: Bytes, budget: &Arc<Semaphore>, sending: InAnswer) -> Result<Self, Status> {
        let (_, held) = hold(bytes.len(), budget)?;
        Ok(Self { rest: bytes, trailers: None, _held: held, _sending: sending })
    }
}

/// The part of the budget that an answer of a length takes.
fn hold(length: usize, budget: &Arc<Semaphore>) -> Result<(u32, OwnedSemaphorePermit), Status> {
    let full = || Status::resource_exhausted("the server sends as many answers as it can; try again");
    let size = u32::try_from(length).map_err(|_| full())?;
    Ok((size, budget.clone().try_acquire_many_owned(size).map_err(|_| full())?))
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if !self.rest.is_empty() {
            let size = self.rest.len().min(PIECE);
            let piece = self.rest.split_to(size);
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        Poll::Ready(self.trailers.take().map(|trailers| Ok(Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.trailers.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        // Calls of gRPC say their length themselves.
        match self.trailers {
            None => SizeHint::with_exact(u64::try_from(self.rest.len()).unwrap_or(u64::MAX)),
            Some(_) => SizeHint::default(),
        }
    }
}

/// A status with a code of gRPC and words of bounded length.
pub(crate) fn status(code: Code, words: &str) -> Status {
    Status::new(code, words.get(..words.floor_char_boundary(MAX_WORDS)).unwrap_or_default())
}
