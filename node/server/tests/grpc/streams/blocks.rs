//! `ballast.stream.v1`: everything there is to know of markets and accounts follows from a snapshot and the blocks
//! after it, and whoever comes back gets exactly what was missed.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use clob::Side;
use prost::Message;
use proto::ballast::stream::v1 as wire;
use proto::ballast::stream::v1::event::What;
use proto::dydxprotocol::clob::OrderId;
use proto::dydxprotocol::subaccounts::SubaccountId;
use scenario::World;
use server::{Limits, StreamLimits};
use tonic::transport::Channel;
use tonic::{Code, Status, Streaming};
use types::MarketId;

use crate::support::connect;
use crate::trading::{Trading, PEOPLE};

const PATH: &str = "/ballast.stream.v1.Query/Blocks";

async fn raw(channel: &Channel, request: Vec<u8>) -> Result<Streaming<Bytes>, Status> {
    super::begin(channel, PATH, request).await
}

/// Owner, number, flags, client id.
type Name = (String, u32, u32, u32);
/// Market, whether it buys, price.
type Place = (u32, bool, u64);
/// Collateral, and by market size and funding index.
type Holding = (i64, BTreeMap<u32, (i64, i64)>);

/// What a client knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Known {
    /// Orders of each level, first in front, with what remains of them.
    queues: BTreeMap<Place, Vec<(Name, u64)>>,
    waiting: BTreeSet<Name>,
    accounts: BTreeMap<(String, u32), Holding>,
    indices: BTreeMap<u32, i64>,
    prices: BTreeMap<u32, u64>,
    funds: BTreeMap<String, i64>,
    statuses: BTreeMap<u32, String>,
}

fn name(id: &OrderId) -> Name {
    let account = id.subaccount_id.as_ref().unwrap();
    (account.owner.clone(), account.number, id.order_flags, id.client_id)
}

impl Known {
    fn left(&mut self, id: &OrderId, left: u64) {
        let name = name(id);
        let of = |place: &Place| place.0 == id.clob_pair_id;
        let found = self.queues.iter_mut().filter(|(place, _)| of(place)).find_map(|(_, queue)| {
            let at = queue.iter().position(|(other, _)| *other == name)?;
            Some((queue, at))
        });
        let (queue, at) = found.unwrap_or_else(|| panic!("{id:?} is not known to rest"));
        queue[at].1 = left;
        if left == 0 {
            queue.remove(at);
        }
        self.queues.retain(|_, queue| !queue.is_empty());
    }

    fn hear(&mut self, what: What) {
        match what {
            What::OrderPlaced(placed) => {
                let order = placed.order.unwrap();
                let id = order.order_id.unwrap();
                let place = (id.clob_pair_id, order.side == 1, order.subticks);
                self.queues.entry(place).or_default().push((name(&id), placed.remaining));
            }
            What::OrderResized(resized) => {
                self.left(&resized.order.unwrap().order_id.unwrap(), resized.remaining);
            }
            What::OrderRemoved(removed) if removed.rested => self.left(&removed.order_id.unwrap(), 0),
            What::OrderRemoved(removed) => {
                self.waiting.remove(&name(&removed.order_id.unwrap()));
            }
            What::OrderWaits(waits) => {
                self.waiting.insert(name(&waits.order.unwrap().order_id.unwrap()));
            }
            What::OrderTriggered(triggered) => {
                assert!(self.waiting.remove(&name(&triggered.order_id.unwrap())));
            }
            What::OrderDone(done) => {
                self.waiting.remove(&name(&done.order_id.unwrap()));
            }
            What::Fill(fill) => self.left(&fill.maker.unwrap(), fill.maker_remaining),
            What::Account(account) => {
                let id = account.id.unwrap();
                let positions = account.positions.iter();
                let positions = positions.map(|at| (at.market_id, (at.base, at.funding_index))).collect();
                self.accounts.insert((id.owner, id.number), (account.quote, positions));
            }
            What::FundingRate(rate) => {
                self.indices.insert(rate.market_id, rate.index);
            }
            What::OraclePrice(price) => {
                self.prices.insert(price.market_id, price.price);
            }
            What::InsurancePayment(payment) => {
                let fund = self.funds.entry(payment.fund).or_default();
                assert!(payment.amount == 0 || *fund + payment.amount == payment.balance);
                *fund = payment.balance;
            }
            What::MarketStatus(status) => {
                self.statuses.insert(status.market_id, status.status);
            }
            _ => {}
        }
    }

    /// What the machine says, of accounts that the client knows.
    fn of(world: &World) -> Self {
        let (state, books, chain) = (world.machine.state(), world.machine.books(), world.machine.chain());
        let name = |id: &clob::OrderId| {
            let owner = id.subaccount.owner.to_bech32(&chain.prefix);
            (owner, id.subaccount.number, id.kind.flags(), id.client_id)
        };
        let mut known = Self::default();
        let signed = |raw: i128| i64::try_from(raw).unwrap();
        for perpetual in perpetuals::all(state) {
            let market = perpetual.market;
            known.indices.insert(market.0, signed(perpetual.funding_index.raw()));
            known.prices.insert(market.0, prices::price(state, market).unwrap().price.raw());
            known.statuses.insert(market.0, clob::pair(state, market).unwrap().status.name().into());
            let fund = perpetuals::collateral(state, market).address(insurance::FUND);
            let balance = i64::try_from(bank::balance(state, &fund, &chain.collateral)).unwrap();
            known.funds.insert(fund.to_bech32(&chain.prefix), balance);
            for (side, buys) in [(Side::Buy, true), (Side::Sell, false)] {
                for level in books.levels(market, side) {
                    let orders = books.queue(market, side, level.price);
                    let orders = orders.map(|resting| (name(&resting.order.id), resting.remaining.raw()));
                    known.queues.insert((market.0, buys, level.price.raw()), orders.collect());
                }
            }
        }
        for (id, account) in subaccounts::page(state, None, usize::MAX) {
            let position = |(market, at): &(MarketId, subaccounts::Position)| {
                (market.0, (signed(at.base.raw()), signed(at.funding_index.raw())))
            };
            let positions = account.positions.iter().map(position).collect();
            let id = (id.owner.to_bech32(&chain.prefix), id.number);
            known.accounts.insert(id, (signed(account.quote.raw()), positions));
        }
        known.waiting = clob::query::all_waiting(state).iter().map(|order| name(&order.id)).collect();
        known
    }
}

/// A client.
struct Listener {
    stream: Streaming<Bytes>,
    known: Known,
    cursor: wire::Place,
    snapshots: Vec<String>,
    /// Messages of whole blocks, by height.
    blocks: BTreeMap<u64, wire::BlocksResponse>,
    kinds: BTreeMap<String, u64>,
}

fn kind(what: &What) -> String {
    let text = format!("{what:?}");
    text.split('(').next().unwrap().to_owned()
}

impl Listener {
    async fn begin(channel: &Channel) -> Self {
        let stream = raw(channel, Vec::new()).await.unwrap();
        let (known, blocks, kinds) = (Known::default(), BTreeMap::new(), BTreeMap::new());
        Self { stream, known, cursor: wire::Place::default(), snapshots: Vec::new(), blocks, kinds }
    }

    /// Come back with what is known.
    async fn resume(&mut self, channel: &Channel) {
        let request = wire::BlocksRequest { after: Some(self.cursor), ..Default::default() };
        self.stream = raw(channel, request.encode_to_vec()).await.unwrap();
    }

    async fn next(&mut self) -> Result<wire::BlocksResponse, Status> {
        let bytes = self.stream.message().await?.expect("the end has a reason");
        Ok(wire::BlocksResponse::decode(bytes).unwrap())
    }

    async fn until(&mut self, height: u64) {
        while self.cursor.height < height {
            let mut message = self.next().await.unwrap();
            let snapshot = message.snapshot.is_some();
            if let Some(reason) = &message.snapshot {
                self.snapshots.push(reason.clone());
                self.known = Known::default();
            } else {
                assert_eq!(message.height, self.cursor.height + 1, "block after block");
                self.blocks.insert(message.height, message.clone());
            }
            loop {
                for event in message.events {
                    let what = event.what.unwrap();
                    assert_eq!(event.stage == 0, snapshot);
                    *self.kinds.entry(kind(&what)).or_default() += 1;
                    self.known.hear(what);
                }
                if !message.more {
                    break;
                }
                message = self.next().await.unwrap();
            }
            self.cursor = wire::Place { height: message.height, sequence: message.last_sequence };
        }
    }

    fn equals(&self, world: &World) {
        assert_eq!(self.cursor.height, world.height());
        let mut known = self.known.clone();
        let state = Known::of(world);
        // An account that holds nothing has no row.
        known.accounts.retain(|_, (quote, positions)| *quote != 0 || !positions.is_empty());
        assert_eq!(known.queues, state.queues, "at {}", self.cursor.height);
        assert_eq!(known, state, "at {}", self.cursor.height);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_follows_from_the_blocks_and_who_comes_back_gets_exactly_what_was_missed() {
    let (mut compared, mut resumed, mut missed) = (0, 0, 0);
    let mut kinds: BTreeMap<String, u64> = BTreeMap::new();
    for seed in 0..3 {
        let mut trading = Trading::new(100 + seed);
        let server = trading.serve(Limits::default()).await;
        let channel = connect(&server).await;
        let mut steady = Listener::begin(&channel).await;
        let mut restless = Listener::begin(&channel).await;
        steady.until(trading.world.height()).await;
        restless.until(trading.world.height()).await;
        for _ in 0..60 {
            trading.world.block_seconds = if trading.dice.once_in(10) { 1_200 } else { 1 };
            trading.trade();
            steady.until(trading.world.height()).await;
            steady.equals(&trading.world);
            compared += 1;
            if trading.dice.once_in(5) {
                let away = trading.world.height() - restless.cursor.height;
                restless.resume(&channel).await;
                restless.until(trading.world.height()).await;
                restless.equals(&trading.world);
                (resumed, missed, compared) = (resumed + 1, missed + away, compared + 1);
            }
        }
        assert_eq!((steady.snapshots.len(), restless.snapshots.len()), (1, 1), "nobody was started over");
        let shared =
            restless.blocks.iter().filter(|(height, block)| steady.blocks.get(height) == Some(block));
        assert_eq!(shared.count(), restless.blocks.len(), "what is told later is what was told");
        for (kind, count) in steady.kinds {
            *kinds.entry(kind).or_default() += count;
        }
    }
    println!("{compared} comparisons, {resumed} resumed after {missed} blocks, {kinds:?}");
    assert!(compared > 150 && resumed > 10 && missed > 50);
    for kind in ["OrderPlaced", "OrderRemoved", "OrderWaits", "OrderTriggered", "Fill", "Account", "Coins"] {
        assert!(kinds.get(kind).is_some_and(|count| *count > 10), "{kind}");
    }
    for kind in ["FundingRate", "FundingPaid", "FundingPremium", "OraclePrice", "OracleVote", "OrderResized"]
    {
        assert!(kinds.contains_key(kind), "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_of_a_block_is_continued_and_what_is_not_kept_is_begun_anew_with_the_reason() {
    let mut trading = Trading::new(31);
    let streams = StreamLimits { keep_blocks: 10, ..StreamLimits::default() };
    let server = trading.serve(Limits { streams, ..Limits::default() }).await;
    let channel = connect(&server).await;
    let mut steady = Listener::begin(&channel).await;
    steady.until(trading.world.height()).await;
    for _ in 0..20 {
        trading.trade();
        steady.until(trading.world.height()).await;
    }
    let last = trading.world.height();
    let ask = |height, sequence| {
        let after = Some(wire::Place { height, sequence });
        wire::BlocksRequest { after, ..Default::default() }.encode_to_vec()
    };
    let first = |bytes: Bytes| wire::BlocksResponse::decode(bytes).unwrap();
    for (height, sequence) in [(last - 9, 0), (last - 5, 7), (last, 3), (last - 1, u32::MAX), (last - 2, 1)] {
        let mut stream = raw(&channel, ask(height, sequence)).await.unwrap();
        let mut expected = Vec::new();
        let own = &steady.blocks[&height];
        let rest: Vec<_> = own.events.iter().filter(|event| event.sequence > sequence).cloned().collect();
        if !rest.is_empty() {
            expected.push(wire::BlocksResponse { events: rest, ..own.clone() });
        }
        expected.extend(steady.blocks.range(height + 1..).map(|(_, block)| block.clone()));
        for block in expected {
            assert_eq!(first(stream.message().await.unwrap().unwrap()), block, "after {height}/{sequence}");
        }
    }
    for (height, words) in [(last - 10, "not kept"), (1, "not kept"), (0, "not kept"), (last + 1, "ahead")] {
        let mut stream = raw(&channel, ask(height, 0)).await.unwrap();
        let message = first(stream.message().await.unwrap().unwrap());
        let reason = message.snapshot.unwrap();
        assert!(reason.contains(words), "{height}: {reason}");
        assert_eq!(message.height, last);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_named_markets_and_accounts_are_told_of() {
    let mut trading = Trading::new(37);
    let server = trading.serve(Limits::default()).await;
    let channel = connect(&server).await;
    let mut all = Listener::begin(&channel).await;
    all.until(trading.world.height()).await;
    let accounts: Vec<SubaccountId> =
        PEOPLE[..2].iter().map(|person| trading.world.wire_id(person)).collect();
    let request =
        wire::BlocksRequest { market_ids: vec![1], accounts: accounts.clone(), ..Default::default() };
    let mut stream = raw(&channel, request.encode_to_vec()).await.unwrap();
    let snapshot = wire::BlocksResponse::decode(stream.message().await.unwrap().unwrap()).unwrap();
    assert!(snapshot.snapshot.is_some() && !snapshot.more);
    let (mut told, mut left) = (0, 0);
    for _ in 0..30 {
        trading.trade();
        all.until(trading.world.height()).await;
        let message = wire::BlocksResponse::decode(stream.message().await.unwrap().unwrap()).unwrap();
        let whole = &all.blocks[&message.height];
        assert_eq!((message.last_sequence, message.time), (whole.last_sequence, whole.time));
        let own = |account: &Option<SubaccountId>| account.as_ref().is_some_and(|id| accounts.contains(id));
        let of_order = |id: &OrderId| own(&id.subaccount_id);
        let wanted = |event: &&wire::Event| match event.what.as_ref().unwrap() {
            What::OrderPlaced(one) => Some(one.order.as_ref().unwrap().order_id.as_ref().unwrap())
                .is_some_and(|id| id.clob_pair_id == 1 && of_order(id)),
            What::OrderRemoved(one) => {
                let id = one.order_id.as_ref().unwrap();
                id.clob_pair_id == 1 && of_order(id)
            }
            What::Fill(one) => {
                one.market_id == 1 && (own(&one.taker) || of_order(one.maker.as_ref().unwrap()))
            }
            What::Account(one) => own(&one.id),
            What::OraclePrice(one) => one.market_id == 1,
            _ => message.events.contains(event),
        };
        let expected: Vec<_> = whole.events.iter().filter(wanted).cloned().collect();
        assert_eq!(message.events, expected, "at {}", message.height);
        told += message.events.len();
        left += whole.events.len() - message.events.len();
    }
    println!("{told} events told, {left} left out");
    assert!(told > 100 && left > 1_000, "{told} {left}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_for_blocks_that_makes_no_sense_is_refused() {
    let trading = Trading::new(41);
    let server = trading.serve(Limits::default()).await;
    let channel = connect(&server).await;
    let many = wire::BlocksRequest { market_ids: (0..1_001).collect(), ..Default::default() };
    let nobody = SubaccountId { owner: "cosmos1nobody".into(), number: 0 };
    let nobody = wire::BlocksRequest { accounts: vec![nobody], ..Default::default() };
    for request in [many.encode_to_vec(), nobody.encode_to_vec(), vec![255; 9], vec![0x1a, 0x7f, 1]] {
        let refused = raw(&channel, request.clone()).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{request:?}: {refused:?}");
    }
}
