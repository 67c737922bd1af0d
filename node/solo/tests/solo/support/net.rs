//! A node on a port of its own, and a client that sends what it is told to.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{json, Value};
use solo::{Config, Handle, Node, RpcConfig};

use super::{config, genesis, voters, Disk, Fake};

/// A node that makes blocks when told to.
pub struct Running {
    pub handle: Handle,
    pub disk: Arc<Mutex<Disk>>,
    pub runtime: tokio::runtime::Runtime,
    _folder: tempfile::TempDir,
}

/// What came back over HTTP.
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {} {}", self.head, String::from_utf8_lossy(&self.body)))
    }
}

impl Running {
    pub fn start(rpc: RpcConfig) -> Self {
        Self::start_with(|config| config.rpc = Some(rpc))
    }

    pub fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let disk = Arc::<Mutex<Disk>>::default();
        let app = Fake::new(disk.clone());
        let mut config = config(folder.path());
        change(&mut config);
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let started = Node::start(config, app.clone(), genesis(3), voters(&app, 3));
        let handle = runtime.block_on(started).unwrap();
        Self { handle, disk, runtime, _folder: folder }
    }

    /// A chain of four blocks: three transactions in the second, one (failed) in the third.
    pub fn with_blocks() -> Self {
        Self::blocks_with(any_port())
    }

    /// The same on another server.
    pub fn blocks_with(rpc: RpcConfig) -> Self {
        let node = Self::start(rpc);
        node.step();
        for tx in ["a=1", "b=2", "a=3"] {
            assert_eq!(node.handle.submit_tx(tx).unwrap().code, 0);
        }
        node.step();
        node.handle.submit_tx("fail=1").unwrap();
        node.step();
        node.step();
        node
    }

    pub fn step(&self) -> Arc<solo::Decided> {
        self.runtime.block_on(self.handle.step()).unwrap()
    }

    pub fn address(&self) -> SocketAddr {
        self.handle.rpc_address().unwrap()
    }

    pub fn post(&self, body: impl AsRef<[u8]>) -> Answer {
        self.send(&posted("HTTP/1.1", body.as_ref()))
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes())
    }

    pub fn send(&self, request: &[u8]) -> Answer {
        send_to(self.address(), request)
    }

    /// The result of a call that goes well.
    pub fn call(&self, method: &str, params: Value) -> Value {
        let answer = self.try_call(method, params.clone());
        answer.unwrap_or_else(|error| panic!("{method} {params}: {error}"))
    }

    /// What a call is answered with, whole.
    pub fn post_call(&self, method: &str, params: Value) -> Value {
        post_to(self.address(), method, params)
    }

    /// The result of a call, or its error object.
    pub fn try_call(&self, method: &str, params: Value) -> Result<Value, Value> {
        let request = json!({ "jsonrpc": "2.0", "id": 123456789012_u64, "method": method, "params": params });
        let answer = self.post(request.to_string());
        assert_eq!(answer.status, 200, "errors of calls are no errors of HTTP");
        let mut answer = answer.json();
        assert_eq!(answer["id"], 123456789012_u64);
        assert_eq!(answer["jsonrpc"], "2.0");
        match answer["error"].take() {
            Value::Null => Ok(answer["result"].take()),
            error => Err(error),
        }
    }
}

fn posted(version: &str, body: &[u8]) -> Vec<u8> {
    let head =
        format!("POST / {version}\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn send_to(address: SocketAddr, request: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // The server may answer and close before all of a body that is too long was sent.
    let _ = stream.write_all(request);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    parse(&answer)
}

/// What any node answers to a call, whole.
pub fn post_to(address: SocketAddr, method: &str, params: Value) -> Value {
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    // Under HTTP 1.0 no node cuts its answer into chunks.
    send_to(address, &posted("HTTP/1.0", call.to_string().as_bytes())).json()
}

pub fn any_port() -> RpcConfig {
    RpcConfig { listen: SocketAddr::from(([127, 0, 0, 1], 0)), ..RpcConfig::default() }
}

fn parse(answer: &[u8]) -> Answer {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or(answer.len());
    let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
    let body = answer.get(end + 4..).unwrap_or_default().to_vec();
    Answer { status, head, body }
}
