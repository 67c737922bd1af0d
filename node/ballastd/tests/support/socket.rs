//! An engine that asks one thing.

use std::io::{Read, Write};
use std::net::TcpStream;

use prost::Message;
use tendermint_proto::v0_38::abci::{request, response, Request, Response};

/// One request over the socket, and the answer; none when the node goes away instead.
pub fn call(address: &str, request: request::Value) -> Option<response::Value> {
    let mut stream = TcpStream::connect(address.trim_start_matches("tcp://")).ok()?;
    let bytes = Request { value: Some(request) }.encode_length_delimited_to_vec();
    stream.write_all(&bytes).ok()?;
    stream.shutdown(std::net::Shutdown::Write).ok()?;
    let mut answer = Vec::new();
    // The node may go away instead of answering.
    let _ = stream.read_to_end(&mut answer);
    Response::decode_length_delimited(&answer[..]).ok()?.value
}
