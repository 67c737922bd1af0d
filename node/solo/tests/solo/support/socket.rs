//! A client of a node's WebSocket.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{json, Value};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::WebSocketStream;

use super::net::Running;

pub struct Socket<'a> {
    runtime: &'a Runtime,
    stream: WebSocketStream<TcpStream>,
}

/// What comes from a node.
#[derive(Debug, PartialEq)]
pub enum Heard {
    Json(Value),
    /// Code and reason of a frame that ends the connection.
    Closed(u16, String),
    Gone,
}

impl<'a> Socket<'a> {
    pub fn open(node: &'a Running) -> Self {
        Self::try_open(node).unwrap()
    }

    pub fn try_open(node: &'a Running) -> Result<Self, String> {
        Self::connect(&node.runtime, node.address())
    }

    pub fn connect(runtime: &'a Runtime, address: SocketAddr) -> Result<Self, String> {
        let stream = runtime.block_on(async {
            let tcp = TcpStream::connect(address).await.unwrap();
            tokio_tungstenite::client_async(format!("ws://{address}/websocket"), tcp).await
        });
        Ok(Self { runtime, stream: stream.map_err(|error| error.to_string())?.0 })
    }

    pub fn send(&mut self, message: Message) {
        // A node that has closed is heard of in the answer.
        let _ = self.runtime.block_on(self.stream.send(message));
    }

    pub fn hear(&mut self) -> Heard {
        self.runtime.block_on(async {
            loop {
                let next = tokio::time::timeout(Duration::from_secs(20), self.stream.next()).await;
                match next.expect("nothing was heard") {
                    None | Some(Err(_)) => return Heard::Gone,
                    Some(Ok(Message::Text(text))) => {
                        return Heard::Json(serde_json::from_str(text.as_str()).unwrap())
                    }
                    Some(Ok(Message::Close(frame))) => {
                        let frame = frame.unwrap();
                        return Heard::Closed(frame.code.into(), frame.reason.to_string());
                    }
                    Some(Ok(_)) => {}
                }
            }
        })
    }

    pub fn json(&mut self) -> Value {
        match self.hear() {
            Heard::Json(value) => value,
            other => panic!("{other:?}"),
        }
    }

    /// The answer to a call, whole.
    pub fn call(&mut self, id: impl Into<Value>, method: &str, params: Value) -> Value {
        let id = id.into();
        let call = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        self.send(Message::text(call.to_string()));
        let answer = self.json();
        assert_eq!((&answer["id"], &answer["jsonrpc"]), (&id, &json!("2.0")));
        answer
    }

    pub fn subscribe(&mut self, id: impl Into<Value>, query: &str) {
        let answer = self.call(id, "subscribe", json!({ "query": query }));
        assert_eq!(answer["result"], json!({}), "{answer}");
    }
}
