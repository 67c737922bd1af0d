//! A node for CometBFT, seen from the engine's side of the socket.

mod support;

use support::socket::call as ask;
use support::Home;
use tendermint_proto::v0_38::abci::{request, response, RequestInfo};

fn info(version: &str) -> request::Value {
    request::Value::Info(RequestInfo { version: version.into(), ..RequestInfo::default() })
}

#[test]
fn a_node_answers_an_engine_that_is_safe_and_stops_when_it_is_told_to() {
    let home = Home::with_chain(&[]);
    let node = home.start_for_comet("tcp://127.0.0.1:0");
    let answer = ask(&node.rpc, info("0.38.25"));
    let Some(response::Value::Info(answer)) = answer else { panic!("{answer:?}") };
    assert_eq!((answer.data.as_str(), answer.last_block_height), ("ballast", 0));
    assert_eq!(node.stop(), 0);
}

#[test]
fn a_node_refuses_an_engine_with_published_holes_and_says_which_to_run() {
    let home = Home::with_chain(&[]);
    let node = home.start_for_comet("tcp://127.0.0.1:0");
    assert_eq!(ask(&node.rpc, info("0.38.24")), None);
    let (code, said) = node.ended();
    assert_eq!(code, 1);
    assert!(said.contains("CometBFT 0.38.24 has known security holes; run v0.38.25 or later"), "{said}");
}

#[test]
fn a_unix_socket_is_for_its_owner_only_and_goes_with_the_node() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::with_chain(&[]);
    let socket = home.file("abci.sock");
    let address = format!("unix://{}", socket.display());
    let node = home.start_for_comet(&address);
    assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(node.rpc, address);
    assert_eq!(node.stop(), 0);
    assert!(!socket.exists());
}
