//! Quotes in the request line: `curl` sends `/abci_query?path="/x"` as it is typed, and the HTTP library
//! refuses it. The first line of a connection is mended before the library sees it.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Longest first line that is mended; longer ones pass as they are.
const MAX_LINE: usize = 8_192;

enum State {
    /// The line is not complete yet.
    Gathering(Vec<u8>),
    /// Bytes, and how many of them were passed on.
    Passing(Vec<u8>, usize),
    Through,
}

/// A connection whose first line is mended.
pub(super) struct Lenient {
    stream: TcpStream,
    state: State,
}

impl Lenient {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream, state: State::Gathering(Vec::new()) }
    }
}

/// Escape what may not stand in a URI, up to the end of the first line of a GET.
fn mend(bytes: &[u8]) -> Vec<u8> {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let (line, rest) = bytes.split_at(end);
    if !line.starts_with(b"GET ") {
        return bytes.to_vec();
    }
    let mut mended = Vec::with_capacity(bytes.len());
    for byte in line {
        match byte {
            b'"' => mended.extend_from_slice(b"%22"),
            b'<' => mended.extend_from_slice(b"%3C"),
            b'>' => mended.extend_from_slice(b"%3E"),
            other => mended.push(*other),
        }
    }
    mended.extend_from_slice(rest);
    mended
}

impl AsyncRead for Lenient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let this = &mut *self;
        loop {
            match &mut this.state {
                State::Gathering(gathered) => {
                    let mut chunk = [0; 1_024];
                    let mut chunk = ReadBuf::new(&mut chunk);
                    match Pin::new(&mut this.stream).poll_read(context, &mut chunk) {
                        Poll::Ready(Ok(())) => {}
                        other => return other,
                    }
                    gathered.extend_from_slice(chunk.filled());
                    let complete = chunk.filled().is_empty() || chunk.filled().contains(&b'\n');
                    if complete || gathered.len() > MAX_LINE {
                        this.state = State::Passing(mend(gathered), 0);
                    }
                }
                State::Passing(bytes, at) => {
                    let left = &bytes[*at..];
                    if left.is_empty() {
                        this.state = State::Through;
                        continue;
                    }
                    let count = left.len().min(out.remaining());
                    out.put_slice(&left[..count]);
                    *at += count;
                    return Poll::Ready(Ok(()));
                }
                State::Through => return Pin::new(&mut this.stream).poll_read(context, out),
            }
        }
    }
}

impl AsyncWrite for Lenient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_line_of_a_get_is_mended() {
        let rest = b"\r\nHost: \"x\"\r\n\r\n\"<>";
        let mended = mend(&[&b"GET /a?b=\"c\"&d<>e HTTP/1.1"[..], rest].concat());
        assert_eq!(mended, [&b"GET /a?b=%22c%22&d%3C%3Ee HTTP/1.1"[..], rest].concat());
        for other in [&b"POST /\"\r\n"[..], b"GET /\" without an end", b"\"\n", b""] {
            assert_eq!(mend(other), other);
        }
    }
}
