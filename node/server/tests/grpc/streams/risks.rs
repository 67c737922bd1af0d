//! The risk of accounts as a stream: at every height what the query answers there.

use std::collections::BTreeMap;

use prost::Message;
use proto::ballast::query::v1 as query;
use proto::ballast::stream::v1 as wire;
use proto::dydxprotocol::subaccounts::SubaccountId;
use server::{Limits, StreamLimits};
use tonic::codec::ProstCodec;
use tonic::transport::Channel;
use tonic::{Code, Request, Streaming};

use crate::support::connect;
use crate::trading::{Trading, PEOPLE};

const PATH: &str = "/ballast.stream.v1.Query/Blocks";

/// What one subscriber knows.
struct Listener {
    stream: Streaming<bytes::Bytes>,
    accounts: Vec<SubaccountId>,
    known: BTreeMap<String, Option<query::AccountRisk>>,
    height: u64,
    /// Whether all risks came.
    begun: bool,
    told: u64,
}

impl Listener {
    async fn begin(channel: &Channel, accounts: Vec<SubaccountId>, after: Option<wire::Place>) -> Self {
        let request =
            wire::BlocksRequest { accounts: accounts.clone(), risk: true, after, ..Default::default() };
        let stream = super::begin(channel, PATH, request.encode_to_vec()).await.unwrap();
        Self { stream, accounts, known: BTreeMap::new(), height: 0, begun: false, told: 0 }
    }

    async fn until(&mut self, height: u64) {
        while self.height < height || !self.begun {
            let bytes = self.stream.message().await.unwrap().expect("the stream goes on");
            let message = wire::BlocksResponse::decode(bytes).unwrap();
            if message.snapshot.is_some() {
                (self.begun, self.known) = (false, BTreeMap::new());
            }
            self.height = message.height;
            self.begun |= message.risks.len() == self.accounts.len();
            for risk in message.risks {
                let id = risk.id.unwrap();
                assert!(self.accounts.contains(&id), "{id:?} was not asked for");
                let before = self.known.insert(id.owner, risk.risk.clone());
                assert_ne!(before, Some(risk.risk), "what did not change is not told");
                self.told += 1;
            }
        }
    }

    async fn equals(&self, channel: &Channel) {
        for id in &self.accounts {
            let request = query::AccountRiskRequest { subaccount_id: Some(id.clone()), ..Default::default() };
            let mut grpc = tonic::client::Grpc::new(channel.clone());
            grpc.ready().await.unwrap();
            let codec: ProstCodec<query::AccountRiskRequest, query::AccountRiskResponse> =
                ProstCodec::default();
            let path = "/ballast.query.v1.Query/AccountRisk".parse().unwrap();
            let answer = grpc.unary(Request::new(request), path, codec).await;
            if let Ok(answer) = &answer {
                assert_eq!(answer.get_ref().height, self.height);
            }
            let risk = answer.ok().and_then(|answer| answer.into_inner().now);
            assert_eq!(self.known[&id.owner], risk, "{id:?} at {}", self.height);
        }
    }
}

fn ids(trading: &Trading, people: &[&str]) -> Vec<SubaccountId> {
    people.iter().map(|person| trading.world.wire_id(person)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_risk_that_is_told_is_what_the_query_answers_at_every_height() {
    let (mut compared, mut resumed) = (0, 0);
    for max_backlog in [64, 1] {
        let mut trading = Trading::new(71);
        let streams = StreamLimits { max_backlog, ..StreamLimits::default() };
        let server = trading.serve(Limits { streams, ..Limits::default() }).await;
        let channel = connect(&server).await;
        let mut all = Listener::begin(&channel, ids(&trading, &PEOPLE), None).await;
        let mut some = Listener::begin(&channel, ids(&trading, &PEOPLE[..2]), None).await;
        for _ in 0..30 {
            trading.world.block_seconds = if trading.dice.once_in(10) { 1_200 } else { 1 };
            trading.trade();
            all.until(trading.world.height()).await;
            some.until(trading.world.height()).await;
            all.equals(&channel).await;
            some.equals(&channel).await;
            compared += PEOPLE.len() + 2;
            if trading.dice.once_in(5) {
                let place = wire::Place { height: some.height, sequence: u32::MAX };
                some = Listener::begin(&channel, some.accounts, Some(place)).await;
                resumed += 1;
            }
        }
        // Nothing happens to anybody, and nothing is told.
        let before = all.told;
        for _ in 0..3 {
            trading.block();
            all.until(trading.world.height()).await;
            all.equals(&channel).await;
        }
        println!("{compared} risks compared, {} told, {resumed} came back", all.told);
        assert!(all.told > 100 && resumed > 0);
        assert!(all.told - before < 3 * u64::try_from(PEOPLE.len()).unwrap(), "only what changed is told");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn risk_of_nobody_is_refused() {
    let trading = Trading::new(73);
    let server = trading.serve(Limits::default()).await;
    let channel = connect(&server).await;
    let request = wire::BlocksRequest { risk: true, ..Default::default() };
    let refused = super::begin(&channel, PATH, request.encode_to_vec()).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument, "{refused:?}");
}
