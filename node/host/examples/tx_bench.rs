//! Signed single-order transactions per second through CheckTx, FinalizeBlock and Commit, one order each.
//!
//! `cargo run --release -p host --example tx_bench -- [ORDERS] [ACCOUNTS] [BLOCK]` on a store on disk; prints
//! each stage and one line of JSON.

use std::collections::BTreeMap;
use std::time::Instant;

use app::genesis::{Balance, GenesisCoin};
use ed25519_consensus::SigningKey;
use host::{Config, Host};
use proto::dydxprotocol::clob::{order::GoodTilOneof, order::Side, MsgPlaceOrder, Order, OrderId};
use proto::dydxprotocol::sending::MsgDepositToSubaccount;
use proto::dydxprotocol::subaccounts::SubaccountId;
use scenario::{any, sign, Envelope, Wallet};
use tendermint_abci::Application;
use tendermint_proto::google::protobuf::Timestamp;
use tendermint_proto::v0_38::abci::{
    RequestCheckTx, RequestFinalizeBlock, RequestInitChain, ValidatorUpdate,
};
use tendermint_proto::v0_38::crypto::{public_key::Sum, PublicKey};

const CHAIN: &str = "ballast-bench-1";
const START: i64 = 1_767_225_600;

struct Bench {
    host: Host,
    height: i64,
    seconds: BTreeMap<&'static str, f64>,
}

impl Bench {
    fn timed<T>(&mut self, stage: &'static str, f: impl FnOnce(&Host) -> T) -> T {
        let start = Instant::now();
        let result = f(&self.host);
        *self.seconds.entry(stage).or_default() += start.elapsed().as_secs_f64();
        result
    }

    fn block(&mut self, txs: &[Vec<u8>]) -> usize {
        let checked = self.timed("check", |host| {
            txs.iter()
                .filter(|tx| {
                    let request = RequestCheckTx { tx: tx.to_vec().into(), ..RequestCheckTx::default() };
                    host.check_tx(request).code == 0
                })
                .count()
        });
        assert_eq!(checked, txs.len(), "all transactions are good");
        self.height += 1;
        let height = self.height;
        let request = RequestFinalizeBlock {
            txs: txs.iter().map(|tx| tx.clone().into()).collect(),
            height,
            time: Some(Timestamp { seconds: START + height, nanos: 0 }),
            ..RequestFinalizeBlock::default()
        };
        let response = self.timed("finalize", |host| host.finalize_block(request));
        self.timed("commit", |host| host.commit());
        response.tx_results.iter().filter(|result| result.code == 0).count()
    }
}

fn envelope(number: u64, sequence: u64) -> Envelope {
    Envelope {
        chain_id: CHAIN.into(),
        account_number: number,
        sequence,
        fee: Some((25_000, "uballast".into())),
        gas: 1_000_000,
        memo: String::new(),
        timeout_height: 0,
    }
}

fn subaccount(wallet: &Wallet) -> SubaccountId {
    SubaccountId { owner: wallet.address().to_bech32("ballast"), number: 0 }
}

fn order(wallet: &Wallet, client_id: u32, height: i64) -> MsgPlaceOrder {
    let side = if client_id.is_multiple_of(2) { Side::Buy } else { Side::Sell };
    // Within twenty ticks around 28,688 USD, so that part of the orders trade.
    let tick = u64::from(client_id.wrapping_mul(2_654_435_761) >> 8) % 20;
    let order = Order {
        order_id: Some(OrderId {
            subaccount_id: Some(subaccount(wallet)),
            client_id,
            order_flags: 0,
            clob_pair_id: 0,
        }),
        side: side.into(),
        quantums: 10_000_000,
        subticks: 2_868_000_000 + tick * 100_000,
        good_til_oneof: Some(GoodTilOneof::GoodTilBlock(u32::try_from(height).unwrap() + 20)),
        ..Order::default()
    };
    MsgPlaceOrder { order: Some(order) }
}

fn start(folder: &std::path::Path, wallets: &[Wallet]) -> Bench {
    let mut app = app::Genesis::from_json(include_bytes!("../../../genesis/devnet.json")).unwrap().app;
    // The bench has no oracle: its one price stays fresh.
    app.price_max_age_seconds = 3_600;
    app.orders.short_term_rates.clear();
    let coin = |denom: &str| GenesisCoin { denom: denom.into(), amount: "1000000000000".into() };
    app.balances = wallets
        .iter()
        .map(|wallet| Balance {
            address: wallet.address().to_bech32("ballast"),
            coins: vec![coin("uballast"), coin("uusdc")],
        })
        .collect();
    let host = Host::open(folder, Config::default(), ()).unwrap();
    host.init_chain(RequestInitChain {
        time: Some(Timestamp { seconds: START, nanos: 0 }),
        chain_id: CHAIN.into(),
        app_state_bytes: serde_json::to_vec(&app).unwrap().into(),
        validators: vec![ValidatorUpdate {
            pub_key: Some(PublicKey {
                sum: Some(Sum::Ed25519(SigningKey::from([1; 32]).verification_key().to_bytes().to_vec())),
            }),
            power: 10,
        }],
        initial_height: 1,
        ..RequestInitChain::default()
    });
    Bench { host, height: 0, seconds: BTreeMap::new() }
}

fn main() {
    let argument = |index: usize, default: usize| {
        std::env::args().nth(index).map_or(default, |text| text.parse().expect("a number"))
    };
    let (orders, people, size) = (argument(1, 20_000), argument(2, 1_000), argument(3, 2_000));
    let folder = tempfile::tempdir().unwrap();
    let mut wallets: Vec<_> = (0..people).map(|index| Wallet::new(&format!("bench{index}"))).collect();
    // Accounts are numbered in order of address.
    wallets.sort_by_key(Wallet::address);
    let mut bench = start(folder.path(), &wallets);
    bench.block(&[]);
    let number = |index: usize| u64::try_from(index).unwrap();
    let deposits: Vec<_> = wallets
        .iter()
        .enumerate()
        .map(|(index, wallet)| {
            let deposit = MsgDepositToSubaccount {
                sender: subaccount(wallet).owner,
                recipient: Some(subaccount(wallet)),
                asset_id: 0,
                quantums: 900_000_000_000,
            };
            sign(wallet, &[any(&deposit)], &envelope(number(index), 0))
        })
        .collect();
    let deposited = bench.block(&deposits);
    assert_eq!(deposited, people);
    bench.seconds.clear();
    let (mut done, mut accepted) = (0, 0);
    while done < orders {
        let height = bench.height + 1;
        let txs: Vec<_> = (done..orders.min(done + size))
            .map(|index| {
                let person = index % people;
                let client_id = u32::try_from(index).unwrap();
                let message = any(&order(&wallets[person], client_id, height));
                let envelope = Envelope { fee: None, ..envelope(number(person), 1) };
                sign(&wallets[person], &[message], &envelope)
            })
            .collect();
        accepted += bench.block(&txs);
        done += txs.len();
    }
    report(&bench, orders, accepted);
}

fn report(bench: &Bench, orders: usize, accepted: usize) {
    let rate = |seconds: f64| (orders as f64 / seconds).round();
    let total: f64 = bench.seconds.values().sum();
    for (stage, seconds) in &bench.seconds {
        println!("{stage:>9}: {seconds:8.3} s  {:>10} tx/s", rate(*seconds));
    }
    println!("{:>9}: {total:8.3} s  {:>10} tx/s, {accepted} of {orders} orders accepted", "all", rate(total));
    let json = serde_json::json!({
        "orders": orders,
        "accepted": accepted,
        "check_per_second": rate(bench.seconds["check"]),
        "finalize_per_second": rate(bench.seconds["finalize"]),
        "commit_per_second": rate(bench.seconds["commit"]),
        "all_per_second": rate(total),
    });
    println!("{json}");
}
