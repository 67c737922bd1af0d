//! A chain of a few blocks, a server in front of it, and a client that speaks bytes.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes};
use host::{Config, Host};
use prost::Message;
use scenario::Wallet;
use server::{Limits, Server};
use tendermint_abci::Application;
use tendermint_proto::google::protobuf::Timestamp;
use tendermint_proto::v0_38::abci::{RequestFinalizeBlock, RequestInitChain, ValidatorUpdate};
use tendermint_proto::v0_38::crypto::{public_key::Sum, PublicKey};
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status};

use crate::engine::FakeEngine;

pub(crate) const CHAIN: &str = "ballast-test-1";
pub(crate) const START: i64 = 1_767_225_600;
pub(crate) const HEIGHT: u64 = 3;

/// An application with the devnet's genesis, `people` with coins, and blocks up to `height`.
pub(crate) fn host(people: &[&str], height: u64) -> Host {
    let mut genesis: serde_json::Value =
        serde_json::from_slice(include_bytes!("../../../../genesis/devnet.json")).unwrap();
    for person in people {
        let coin = |denom: &str| serde_json::json!({ "denom": denom, "amount": "1000000000" });
        genesis["balances"].as_array_mut().unwrap().push(serde_json::json!({
            "address": Wallet::new(person).address().to_bech32("ballast"),
            "coins": [coin("uballast"), coin("uusdc")],
        }));
    }
    let host = Host::in_memory(Config { keep_heights: 2, ..Config::default() }, ());
    host.init_chain(RequestInitChain {
        time: Some(Timestamp { seconds: START, nanos: 0 }),
        chain_id: CHAIN.into(),
        validators: vec![ValidatorUpdate {
            pub_key: Some(PublicKey { sum: Some(Sum::Ed25519(vec![7; 32])) }),
            power: 10,
        }],
        app_state_bytes: genesis.to_string().into(),
        initial_height: 1,
        ..RequestInitChain::default()
    });
    for height in 1..=height {
        block(&host, height, Vec::new());
    }
    host
}

/// Execute and commit a block.
pub(crate) fn block(host: &Host, height: u64, txs: Vec<Bytes>) {
    let height = i64::try_from(height).unwrap();
    let time = Some(Timestamp { seconds: START + height, nanos: 5 });
    host.finalize_block(RequestFinalizeBlock { height, time, txs, ..RequestFinalizeBlock::default() });
    host.commit();
}

/// A chain with a server.
pub(crate) struct Chain {
    pub(crate) engine: Arc<FakeEngine>,
    pub(crate) server: Server,
    pub(crate) channel: Channel,
    pub(crate) host: Host,
}

/// A chain of [`HEIGHT`] blocks where alice and bob have coins.
pub(crate) async fn start() -> Chain {
    start_with(host(&["alice", "bob"], HEIGHT), Limits::default()).await
}

pub(crate) async fn start_with(host: Host, limits: Limits) -> Chain {
    let engine = Arc::new(FakeEngine::new(host.clone()));
    let address = "127.0.0.1:0".parse().unwrap();
    let server = Server::start(address, host.clone(), engine.clone(), limits).await.unwrap();
    let channel = connect(&server).await;
    Chain { engine, server, channel, host }
}

pub(crate) async fn connect(server: &Server) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{}", server.local_addr())).unwrap();
    endpoint.timeout(Duration::from_secs(20)).connect().await.unwrap()
}

impl Chain {
    /// Call `path` with bytes.
    pub(crate) async fn raw(&self, path: &str, request: impl Into<Bytes>) -> Result<Response<Bytes>, Status> {
        call(&self.channel, path, Request::new(request.into())).await
    }

    /// Call `path` with a message.
    pub(crate) async fn call<Q: Message, A: Message + Default>(
        &self,
        path: &str,
        request: &Q,
    ) -> Result<A, Status> {
        let answer = self.raw(path, request.encode_to_vec()).await?;
        Ok(A::decode(answer.into_inner()).unwrap())
    }

    /// Call `path` about a height, as metadata has it.
    pub(crate) async fn at(&self, path: &str, height: &str) -> Result<Response<Bytes>, Status> {
        let mut request = Request::new(Bytes::new());
        request.metadata_mut().insert("x-cosmos-block-height", height.parse().unwrap());
        call(&self.channel, path, request).await
    }
}

pub(crate) async fn call(
    channel: &Channel,
    path: &str,
    request: Request<Bytes>,
) -> Result<Response<Bytes>, Status> {
    let mut grpc = tonic::client::Grpc::new(channel.clone());
    grpc.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
    grpc.unary(request, path.parse().unwrap(), Raw).await
}

/// Height in an answer's metadata.
pub(crate) fn height_of(answer: &Response<Bytes>) -> u64 {
    answer.metadata().get("x-cosmos-block-height").unwrap().to_str().unwrap().parse().unwrap()
}

/// Messages as bytes.
#[derive(Clone, Copy)]
pub(crate) struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Raw;
    type Decoder = Raw;

    fn encoder(&mut self) -> Raw {
        Raw
    }

    fn decoder(&mut self) -> Raw {
        Raw
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}
