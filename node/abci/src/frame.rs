//! Frames: a varint with the length, then a protobuf message. Decoded in place, out of one buffer.

use prost::bytes::{Buf, Bytes, BytesMut};
use prost::Message;
use tendermint_proto::v0_38::abci::Request;

/// Longest frame that is taken. CometBFT's largest block is 100 MiB; with its framing and the votes this is
/// more than any request it can make.
pub const MAX_FRAME_BYTES: usize = 128 << 20;

/// Why a connection cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// A frame is longer than [`MAX_FRAME_BYTES`].
    #[error("a frame of {0} bytes; at most {MAX_FRAME_BYTES} are taken")]
    TooLong(u64),
    /// The length is no varint.
    #[error("a frame's length does not decode")]
    Length,
    /// The message does not decode.
    #[error("a request does not decode: {0}")]
    Request(String),
}

/// Take the first whole request off the front of `buffer`; nothing when it is not all there yet.
pub fn next(buffer: &mut BytesMut) -> Result<Option<Request>, FrameError> {
    let mut ahead = &buffer[..];
    let length = match prost::decode_length_delimiter(&mut ahead) {
        Ok(length) => length,
        // At most ten bytes make a varint; fewer may still be on their way.
        Err(_) if buffer.len() < 10 && buffer.iter().all(|byte| byte & 0x80 != 0) => return Ok(None),
        Err(_) => return Err(FrameError::Length),
    };
    if length > MAX_FRAME_BYTES {
        return Err(FrameError::TooLong(u64::try_from(length).unwrap_or(u64::MAX)));
    }
    let header = buffer.len() - ahead.len();
    if ahead.len() < length {
        buffer.reserve(length - ahead.len());
        return Ok(None);
    }
    buffer.advance(header);
    let frame: Bytes = buffer.split_to(length).freeze();
    Request::decode(frame).map(Some).map_err(|error| FrameError::Request(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tendermint_proto::v0_38::abci::{request::Value, RequestEcho};

    fn echo(text: &str) -> Request {
        Request { value: Some(Value::Echo(RequestEcho { message: text.into() })) }
    }

    #[test]
    fn frames_come_out_whole_however_the_bytes_arrive() {
        let mut wire = Vec::new();
        for text in ["a", &"b".repeat(300), ""] {
            echo(text).encode_length_delimited(&mut wire).unwrap();
        }
        let mut buffer = BytesMut::new();
        let mut seen = Vec::new();
        for byte in wire {
            buffer.extend_from_slice(&[byte]);
            while let Some(request) = next(&mut buffer).unwrap() {
                seen.push(request);
            }
        }
        assert_eq!(seen, [echo("a"), echo(&"b".repeat(300)), echo("")]);
        assert!(buffer.is_empty());
    }

    #[test]
    fn abci_45_long_frames_and_broken_lengths_end_the_connection() {
        let mut wire = BytesMut::new();
        prost::encode_length_delimiter(MAX_FRAME_BYTES + 1, &mut wire).unwrap();
        assert!(matches!(next(&mut wire), Err(FrameError::TooLong(_))));
        let mut endless = BytesMut::from(&[0xff; 11][..]);
        assert!(matches!(next(&mut endless), Err(FrameError::Length)));
        let mut garbage = BytesMut::from(&[3, 0xff, 0xff, 0xff][..]);
        assert!(matches!(next(&mut garbage), Err(FrameError::Request(_))));
    }
}
