//! Messages of streams as JSON, and requests for them.

use std::sync::OnceLock;

use prost::Message;
use prost_reflect::{DynamicMessage, MessageDescriptor};
use tonic::{Code, Status};

use super::schema::Schema;
use super::{decode, encode};
use crate::unary;

/// The schema, for whoever has no [`Gateway`](super::Gateway).
pub(crate) struct Json(Schema);

impl Json {
    /// The only one; made when it is first needed.
    pub(crate) fn get() -> &'static Self {
        static JSON: OnceLock<Json> = OnceLock::new();
        JSON.get_or_init(|| Self(Schema::new()))
    }

    fn kind(&self, name: &str) -> Result<MessageDescriptor, Status> {
        self.0.message(&format!("/{name}")).ok_or_else(|| Status::internal("a message is not described"))
    }

    /// The request called `name` that `text` is.
    pub(crate) fn request(&self, name: &str, text: &[u8]) -> Result<Vec<u8>, Status> {
        let invalid = |words: String| unary::status(Code::InvalidArgument, &words);
        let json = serde_json::from_slice(text).map_err(|error| invalid(error.to_string()))?;
        let message = decode::message(&self.0, &self.kind(name)?, &json).map_err(invalid)?;
        Ok(message.encode_to_vec())
    }

    /// The message called `name` as text.
    pub(crate) fn text(&self, name: &str, message: &[u8]) -> Result<String, Status> {
        let message = DynamicMessage::decode(self.kind(name)?, message);
        let message = message.map_err(|error| unary::status(Code::Internal, &error.to_string()))?;
        let long = |encode::TooLong| Status::internal("a message is too long");
        encode::json(&self.0, &message, usize::MAX).map_err(long)
    }
}
