//! A chain of one's own, from the first command to the last: init, start, keys, trade, ask, stop, start again.

mod support;

use serde_json::Value;
use support::{Home, Node};

struct World {
    home: Home,
    node: Node,
}

impl World {
    fn new(people: &[&str]) -> Self {
        let home = Home::with_chain(people);
        let node = home.start(&["--block-interval", "100", "--full-checks"]);
        let world = Self { home, node };
        world.await_height(2);
        world
    }

    fn ask(&self, args: &[&str]) -> Value {
        self.try_ask(args).json()
    }

    fn try_ask(&self, args: &[&str]) -> support::Ran {
        let mut all = args.to_vec();
        all.extend(["--node", &self.node.grpc, "-o", "json"]);
        self.home.run(&all)
    }

    fn height(&self) -> u64 {
        let block = self.try_ask(&["query", "block"]);
        if block.code != 0 {
            return 0;
        }
        block.json()["height"].as_str().unwrap().parse().unwrap()
    }

    fn await_height(&self, height: u64) {
        for _ in 0..300 {
            if self.height() >= height {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("height {height} does not come");
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

#[test]
fn two_people_trade_and_the_node_goes_on_where_it_stopped() {
    let world = World::new(&["alice", "bob"]);
    for person in ["alice", "bob"] {
        let done = world.ask(&["tx", "deposit", "100000", "--from", person]);
        assert_eq!(done["code"], 0, "{done}");
    }
    let placed =
        world.ask(&["tx", "place-order", "BTC", "sell", "1", "28688", "--client-id", "1", "--from", "alice"]);
    assert_eq!(placed["client_id"], 1);
    let book = world.ask(&["query", "orderbook", "BTC-USD"]);
    assert_eq!((text(&book["asks"][0]["price"]), text(&book["asks"][0]["size"])), ("28688", "1"));
    world.ask(&["tx", "place-order", "btc", "buy", "0.4", "28700", "--tif", "ioc", "--from", "bob"]);
    let position = |person: &str| {
        let subaccount = world.ask(&["query", "subaccount", person]);
        text(&subaccount["positions"][0]["size"]).to_owned()
    };
    assert_eq!((position("alice"), position("bob")), ("-0.4".to_owned(), "0.4".to_owned()));
    let risk = world.ask(&["query", "risk", "bob", "--if", "withdraw 1", "--if", "BTC 30000"]);
    let position = &risk["now"]["positions"][0];
    assert_eq!((text(&position["market"]), risk["now"]["liquidatable"].as_bool()), ("BTC-USD", Some(false)));
    assert_eq!(text(&risk["then"]["positions"][0]["oracle_price"]), "30000");
    assert_ne!(risk["then"]["collateral"], risk["now"]["collateral"]);
    assert_eq!(risk["refused"], Value::Null);
    let risk = world.ask(&["query", "risk", "bob", "--if", "withdraw 1000000000"]);
    assert_eq!(risk["refused"]["code"], 102, "{risk}");
    let picture = world.home.run(&["top", "bob", "--once", "--node", &world.node.grpc]);
    assert_eq!(picture.code, 0, "{}", picture.stderr);
    for part in ["MARKET", "BTC-USD", "VALIDATOR", "margin ratio", "LIQUIDATION"] {
        assert!(picture.stdout.contains(part), "{part} is missing:\n{}", picture.stdout);
    }
    world.try_ask(&["query", "risk", "bob", "--if", "buy much BTC"]).fails(2, "is not a number");
    let book = world.ask(&["query", "orderbook", "0"]);
    assert_eq!(text(&book["asks"][0]["size"]), "0.6");
    world.ask(&["tx", "cancel-order", "BTC", "1", "--from", "alice"]);
    assert!(world.ask(&["query", "orderbook", "BTC"])["asks"].as_array().unwrap().is_empty());

    long_term_orders(&world);
    money(&world);
    questions(&world);
    refusals(&world);
    restart(world);
}

fn long_term_orders(world: &World) {
    let args = ["tx", "place-order", "ETH", "buy", "2", "1500", "--long-term", "600", "--client-id", "7"];
    world.ask(&[&args[..], &["--from", "bob"]].concat());
    let order = world.ask(&["query", "order", "bob", "ETH", "7"]);
    assert_eq!((text(&order["price"]), text(&order["size"]), text(&order["filled"])), ("1500", "2", "0"));
    world.ask(&["tx", "cancel-order", "ETH", "7", "--long-term", "--from", "bob"]);
    world.try_ask(&["query", "order", "bob", "ETH", "7"]).fails(1, "has no long-term order 7 in ETH-USD");
    world.ask(&[
        "tx",
        "place-order",
        "SOL",
        "buy",
        "5",
        "20",
        "--blocks",
        "40",
        "--client-id",
        "8",
        "--from",
        "bob",
    ]);
    world.ask(&["tx", "place-order", "SOL", "buy", "5", "21", "--client-id", "9", "--from", "bob"]);
    assert_eq!(world.ask(&["query", "orderbook", "SOL"])["bids"].as_array().unwrap().len(), 2);
    world.ask(&["tx", "batch-cancel", "SOL=8,9", "--from", "bob"]);
    assert!(world.ask(&["query", "orderbook", "SOL"])["bids"].as_array().unwrap().is_empty());
}

fn money(world: &World) {
    let collateral = |person: &str, number: &str| {
        let subaccount = world.ask(&["query", "subaccount", person, number]);
        text(&subaccount["quote_quantums"]).parse::<i128>().unwrap()
    };
    let before = collateral("alice", "0");
    world.ask(&["tx", "withdraw", "1000", "--from", "alice"]);
    world.ask(&["tx", "transfer", "500.25", "--to-subaccount", "3", "--from", "alice"]);
    assert_eq!(collateral("alice", "0"), before - 1_500_250_000);
    assert_eq!(collateral("alice", "3"), 500_250_000);
    let bob = world.home.address("bob");
    let coins = |denom: &str| {
        let balance = world.ask(&["query", "balance", "bob"]);
        let all = balance["balances"].as_array().unwrap().clone();
        let coin = all.iter().find(|coin| coin["denom"] == denom).unwrap();
        text(&coin["amount"]).parse::<u128>().unwrap()
    };
    let before = coins("uballast");
    let sent =
        world.ask(&["tx", "send", &bob, "12345uballast", "--fees", "50000uballast", "--from", "alice"]);
    assert_eq!(coins("uballast"), before + 12_345);
    let found = world.ask(&["query", "tx", text(&sent["txhash"])]);
    assert_eq!((found["code"].as_u64(), text(&found["height"])), (Some(0), text(&sent["height"])));
    let dry = world.ask(&["tx", "send", &bob, "1uballast", "--dry-run", "--from", "alice"]);
    assert!(text(&dry["gas_used"]).parse::<u64>().unwrap() > 0);
    let signed = world.ask(&["tx", "send", &bob, "1uballast", "--generate-only", "--from", "alice"]);
    assert!(!text(&signed["tx"]).is_empty());
    assert_eq!(coins("uballast"), before + 12_345);
}

fn questions(world: &World) {
    assert!(world.ask(&["query", "markets"]).as_array().unwrap().len() >= 6);
    assert_eq!(text(&world.ask(&["query", "price", "BTC"])["price"]), "28688.19524");
    assert_eq!(world.ask(&["query", "prices"])[0]["market"], "BTC-USD");
    assert_eq!(world.ask(&["query", "funding"])[0]["market"], "BTC-USD");
    assert_eq!(text(&world.ask(&["query", "insurance"])["balance"]), "5");
    let votes = world.ask(&["query", "votes"]);
    assert!(votes["votes"][0]["prices"].as_array().unwrap().len() >= 6, "{votes}");
    assert_eq!(text(&world.ask(&["query", "block", "1"])["height"]), "1");
    assert_eq!(world.ask(&["query", "validators"]).as_array().unwrap().len(), 1);
    let laws = world.ask(&["query", "invariants"]);
    assert!(laws["results"].as_array().unwrap().iter().all(|law| law["holds"] == true), "{laws}");
    let account = world.ask(&["query", "account", "alice"]);
    assert!(text(&account["sequence"]).parse::<u64>().unwrap() >= 4);
    for question in [&["markets"][..], &["orderbook", "BTC"], &["subaccount", "bob"], &["votes"], &["block"]]
    {
        let shown = world.home.run(&[&["query"], question, &["--node", &world.node.grpc]].concat());
        assert!(shown.code == 0 && !shown.stdout.contains('{'), "{shown:?}");
    }
}

fn refusals(world: &World) {
    let bob = world.home.address("bob");
    world.ask(&["tx", "deposit", "1", "--from", "bob"]);
    world.home.run(&["keys", "add", "newcomer", "-o", "json"]).json();
    for (args, words) in [
        (
            vec!["tx", "place-order", "BTC", "buy", "1", "28688.5", "--from", "bob"],
            "nearest are 28688 and 28689",
        ),
        (vec!["tx", "place-order", "BTC", "buy", "0.00015", "28688", "--from", "bob"], "0.0001 and 0.0002"),
        (vec!["tx", "place-order", "DOGE", "buy", "1", "1", "--from", "bob"], "there is no market DOGE"),
        (
            vec!["tx", "cancel-order", "BTC", "99", "--long-term", "--from", "bob"],
            "has no long-term order 99",
        ),
        (vec!["tx", "withdraw", "99999999", "--from", "bob"], "`ballastd query risk` says how much is free"),
        (vec!["tx", "deposit", "99999999999", "--from", "bob"], "what to do: deposit or send less"),
        (vec!["tx", "deposit", "1", "--from", "newcomer"], "`ballastd tx send ballast1"),
        (vec!["tx", "send", "ballast1nobody", "1uusdc", "--from", "bob"], "addresses begin with"),
        (vec!["tx", "send", &bob, "1uusdc", "--chain-id", "other-1", "--from", "bob"], "not of other-1"),
        (
            vec!["tx", "send", &bob, "1uusdc", "--fees", "1uusdc", "--gas", "200000", "--from", "bob"],
            "(sdk 13)",
        ),
        (vec!["tx", "send", &bob, "1uusdc", "--gas", "1", "--from", "bob"], "(sdk "),
        (vec!["query", "account", "ballast1nobody"], "neither an address"),
        (vec!["query", "price", "DOGE"], "there is no market DOGE"),
        (vec!["query", "block", "99999999"], "must not be above the last, "),
        (vec!["query", "tx", &"0".repeat(64)], "no block has transaction"),
    ] {
        world.try_ask(&args).fails(1, words);
    }
    let home = world.home.path().to_str().unwrap();
    support::run(&["export", "--home", home]).fails(74, "in use by another process");
    support::run(&["start", "--home", home]).fails(74, "in use by another process");
}

fn restart(world: World) {
    let World { home, node } = world;
    assert_eq!(node.stop(), 0);
    let stopped = home.run(&["export"]).json();
    assert_eq!(stopped["invariants"], "hold");
    let total = |denom: &str| {
        let totals = stopped["totals"].as_array().unwrap();
        let coin = totals.iter().find(|coin| coin["denom"] == denom).unwrap();
        text(&coin["amount"]).to_owned()
    };
    assert_eq!(total("uballast"), "2000000000");
    assert_eq!(total("uusdc"), "2000005000000");
    assert_eq!(stopped["markets"][0]["longs"], stopped["markets"][0]["shorts"]);
    assert_eq!(stopped["markets"][0]["longs"], stopped["markets"][0]["open_interest"]);
    let rows = home.run(&["export", "--rows"]).json();
    assert!(rows["rows"]["bank"].as_object().unwrap().len() > 3);
    assert_eq!(rows["app_hash"], stopped["app_hash"]);

    let height: u64 = stopped["height"].to_string().parse().unwrap();
    let node = home.start(&["--block-interval", "100"]);
    let world = World { home, node };
    world.await_height(height + 2);
    let next = world.ask(&["query", "block", &(height + 1).to_string()]);
    assert_eq!(next["app_hash"], stopped["app_hash"]);
    assert_eq!(world.node.stop(), 0);
    damage(&world.home);
}

/// Bytes that were not written by us are found before anything is served.
fn damage(home: &Home) {
    let folder = home.file("data/state.db");
    let mut damaged = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let table = path.extension().is_some_and(|extension| extension == "sst" || extension == "log");
        let mut bytes = std::fs::read(&path).unwrap_or_default();
        if table && bytes.len() > 64 {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0x55;
            std::fs::write(&path, bytes).unwrap();
            damaged += 1;
        }
    }
    assert!(damaged > 0);
    home.run(&["export"]).fails(74, "");
}
