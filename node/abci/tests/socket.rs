//! The server as the engine sees it: real sockets, pipelined requests, bad bytes.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;

use abci::{Address, Server};
use prost::Message;
use tendermint_abci::Application;
use tendermint_proto::v0_38::abci::request::Value;
use tendermint_proto::v0_38::abci::{
    response, Request, RequestCheckTx, RequestFlush, Response, ResponseCheckTx,
};

#[derive(Clone)]
struct Counter;

impl Application for Counter {
    fn check_tx(&self, request: RequestCheckTx) -> ResponseCheckTx {
        ResponseCheckTx { gas_used: i64::try_from(request.tx.len()).unwrap(), ..Default::default() }
    }
}

fn check(len: usize) -> Request {
    Request { value: Some(Value::CheckTx(RequestCheckTx { tx: vec![1; len].into(), ..Default::default() })) }
}

fn responses(stream: &mut impl Read, count: usize) -> Vec<Response> {
    let (mut bytes, mut chunk, mut found) = (Vec::new(), [0; 4096], Vec::new());
    while found.len() < count {
        let read = stream.read(&mut chunk).unwrap();
        assert!(read > 0, "closed after {} answers", found.len());
        bytes.extend_from_slice(&chunk[..read]);
        loop {
            let mut rest = &bytes[..];
            if rest.is_empty() {
                break;
            }
            let Ok(response) = Response::decode_length_delimited(&mut rest) else { break };
            found.push(response);
            bytes = rest.to_vec();
        }
    }
    found
}

fn exercise(mut stream: impl Read + Write) {
    let mut wire = Vec::new();
    for len in 0..500 {
        check(len).encode_length_delimited(&mut wire).unwrap();
    }
    Request { value: Some(Value::Flush(RequestFlush {})) }.encode_length_delimited(&mut wire).unwrap();
    stream.write_all(&wire).unwrap();
    let answers = responses(&mut stream, 501);
    for (len, answer) in answers.iter().take(500).enumerate() {
        let Some(response::Value::CheckTx(checked)) = &answer.value else { panic!("{answer:?}") };
        assert_eq!(checked.gas_used, i64::try_from(len).unwrap());
    }
    assert!(matches!(answers[500].value, Some(response::Value::Flush(_))));
}

fn start(address: &Address) -> Option<std::net::SocketAddr> {
    let server = Server::bind(address, Counter).unwrap();
    let bound = server.local_addr();
    std::thread::spawn(move || server.run());
    bound
}

#[test]
fn pipelined_requests_are_answered_in_order_over_both_kinds_of_socket() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("abci.sock");
    start(&Address::Unix(path.clone()));
    exercise(UnixStream::connect(&path).unwrap());
    let bound = start(&"tcp://127.0.0.1:0".parse().unwrap()).unwrap();
    exercise(TcpStream::connect(bound).unwrap());
}

#[test]
fn abci_45_a_request_without_content_is_answered_with_an_exception_and_garbage_closes_the_connection() {
    let bound = start(&"tcp://127.0.0.1:0".parse().unwrap()).unwrap();
    let mut stream = TcpStream::connect(bound).unwrap();
    stream.write_all(&[0]).unwrap();
    assert!(matches!(responses(&mut stream, 1)[0].value, Some(response::Value::Exception(_))));
    stream.write_all(&[0xff; 32]).unwrap();
    assert_eq!(stream.read(&mut [0; 16]).unwrap_or(0), 0);
    exercise(TcpStream::connect(bound).unwrap());
}

#[test]
fn abci_16_net_22_a_second_server_on_a_live_unix_socket_is_refused_and_a_dead_socket_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let address = Address::Unix(folder.path().join("abci.sock"));
    drop(Server::bind(&address, Counter).unwrap());
    start(&address);
    assert!(Server::bind(&address, Counter).is_err());
    assert!("http://x".parse::<Address>().is_err());
    assert!("unix://".parse::<Address>().is_err());
}
