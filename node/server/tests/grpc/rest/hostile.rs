//! What nobody sends who means well: every route, every place for a value.

use std::collections::BTreeMap;

use http::StatusCode;
use prost_reflect::{Kind, ReflectMessage};

use super::{all, escaped, fields_of, kind_of, rest};
use crate::support::HEIGHT;

const NUMBERS: [&str; 9] =
    ["0", "1", "4294967295", "4294967296", "18446744073709551615", "18446744073709551616", "-1", "+1", "1e3"];
const TEXTS: [&str; 12] = [
    "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "..%2f..",
    "%00",
    "%ff%fe",
    "%",
    "%zz",
    "%3Cscript%3Ealert(1)%3C%2Fscript%3E",
    "test",
    "dydx1test",
    "http%3A%2F%2F169.254.169.254%2F",
    "%F0%9F%92%A9",
    "'%20OR%201%3D1--",
];

/// The node refuses it, or answers it; it does not fail.
fn tolerable(status: StatusCode) -> bool {
    matches!(status.as_u16(), 200 | 400 | 404 | 501)
}

#[tokio::test]
async fn net_18_what_stands_in_a_path_is_refused_or_answered_and_nothing_fails() {
    let gateway = rest().await;
    let long = "x".repeat(7_000);
    let mut count = 0;
    for route in all().iter().filter(|route| route.verb == "GET") {
        for name in fields_of(&route.template) {
            let number = !matches!(kind_of(&route.request, name), Kind::String | Kind::Bytes);
            for value in NUMBERS.iter().chain(&TEXTS).copied().chain([long.as_str()]) {
                let other = BTreeMap::from([(name.to_owned(), "mark".to_owned())]);
                let address = route.address(&other).replace("mark", value);
                let got = gateway.get(&address).await;
                got.is_sound(&address);
                assert!(tolerable(got.status), "{address}: {got:?}");
                if number && value.parse::<i128>().is_err() {
                    assert_ne!(got.status, StatusCode::OK, "{address}");
                }
                count += 1;
            }
        }
    }
    println!("{count} hostile paths");
    assert!(count > 400, "{count}");
}

#[tokio::test]
async fn net_09_what_stands_in_a_query_is_refused_or_answered_and_pages_stay_bounded() {
    let gateway = rest().await;
    let pages = [
        "pagination.limit=0",
        "pagination.limit=18446744073709551615",
        "pagination.limit=18446744073709551616",
        "pagination.limit=-1",
        "pagination.offset=1000000000&pagination.limit=1",
        "pagination.offset=18446744073709551615",
        "pagination.count_total=true",
        "pagination.countTotal=1&pagination.limit=2",
        "pagination.count_total=maybe",
        "pagination.reverse=true",
        "pagination.key=AAAA",
        "pagination.key=!!!",
        "pagination.key=_-8%3D",
        "pagination=1",
        "pagination.limit.x=1",
        "pagination.limit",
        "x=1&_=2&&=3",
        "a.b.c.d.e.f.g.h.i.j=1",
        "%00=%00",
        "x=%zz",
    ];
    let (mut count, mut refused) = (0, 0);
    for route in all().iter().filter(|route| route.verb == "GET") {
        let address = route.address(&BTreeMap::new());
        let begin = if address.contains('?') { '&' } else { '?' };
        let named: Vec<String> = route
            .request
            .descriptor()
            .fields()
            .flat_map(|field| {
                ["", "-1", "%ff", "x", "99999999999999999999"]
                    .map(|value| format!("{}={value}", field.name()))
            })
            .collect();
        for query in pages.iter().map(ToString::to_string).chain(named) {
            let address = format!("{address}{begin}{query}");
            let got = gateway.get(&address).await;
            got.is_sound(&address);
            assert!(tolerable(got.status), "{address}: {got:?}");
            assert!(got.text.len() < 1 << 20, "{address} answers {} bytes", got.text.len());
            refused += usize::from(got.status != StatusCode::OK);
            count += 1;
        }
        let many = vec!["x=1"; 65].join("&");
        assert_eq!(gateway.get(&format!("{address}{begin}{many}")).await.status, StatusCode::BAD_REQUEST);
    }
    println!("{count} hostile queries, {refused} refused");
    assert!(count > 2_000 && refused > 500, "{count}, {refused}");
}

#[tokio::test]
async fn net_12_bodies_that_are_no_requests_are_refused() {
    let gateway = rest().await;
    let deep = |open: &str, close: &str, times: usize| open.repeat(times) + &close.repeat(times);
    let bodies = [
        String::new(),
        "{}".into(),
        "null".into(),
        "[]".into(),
        "7".into(),
        "{".into(),
        "{\"tx_bytes\":7}".into(),
        "{\"tx_bytes\":\"!\"}".into(),
        "{\"tx_bytes\":[\"AA==\"]}".into(),
        "{\"unknown\":1}".into(),
        "{\"mode\":\"BROADCAST_MODE_NONE\"}".into(),
        "{\"mode\":1e400}".into(),
        "{\"mode\":18446744073709551616}".into(),
        "{\"mode\":2,\"tx_bytes\":\"AA==\",\"tx_bytes\":null}".into(),
        "{\"tx\":{\"body\":{\"messages\":[{\"@type\":7}]}}}".into(),
        "{\"tx\":{\"body\":{\"messages\":[{\"@type\":\"/no.such.Type\",\"value\":\"AA==\"}]}}}".into(),
        "{\"tx\":{\"body\":{\"messages\":[{\"@type\":\"/cosmos.bank.v1beta1.MsgSend\",\"amount\":[{}]}]}}}"
            .into(),
        deep("[", "]", 100_000),
        deep("{\"tx\":", "}", 10_000),
        deep("{\"@type\":\"/google.protobuf.Any\",\"value\":", "}", 120),
    ];
    let mut count = 0;
    for path in ["/cosmos/tx/v1beta1/txs", "/cosmos/tx/v1beta1/simulate"] {
        for body in &bodies {
            let got = gateway.post(path, body.clone()).await;
            let shown = &body[..body.len().min(80)];
            got.is_sound(shown);
            assert!(tolerable(got.status), "{path} {shown}: {got:?}");
            assert_ne!(got.status, StatusCode::OK, "{path} {shown}: {got:?}");
            count += 1;
        }
    }
    println!("{count} bodies refused");
    assert!(gateway.chain.engine.sent.lock().unwrap().is_empty());
}

#[tokio::test]
async fn net_10_heights_that_are_not_kept_are_refused_and_kept_ones_come_back() {
    let gateway = rest().await;
    let mut count = 0;
    for (height, status) in [
        ("0", 200),
        ("3", 200),
        ("2", 200),
        ("1", 400),
        ("4", 400),
        ("18446744073709551615", 400),
        ("18446744073709551616", 400),
        ("-1", 400),
        ("x", 400),
        ("", 400),
    ] {
        let request = gateway.request(reqwest::Method::GET, "/dydxprotocol/clob/clob_pair");
        let got = super::Gateway::send(request.header("x-cosmos-block-height", height)).await;
        got.is_sound(height);
        assert_eq!(got.status.as_u16(), status, "{height}: {got:?}");
        if status == 200 {
            let told = if height == "0" { HEIGHT.to_string() } else { height.to_owned() };
            assert_eq!(got.header("x-cosmos-block-height"), told);
        }
        count += 1;
    }
    println!("{count} heights");
}

#[tokio::test]
async fn unknown_routes_and_verbs_are_not_implemented() {
    let gateway = rest().await;
    let last = escaped("ibc/<b>");
    for path in [
        "/cosmos",
        "/cosmos/bank/v1beta1/balances",
        "/cosmos/bank/v1beta1/balances/",
        "/cosmos/bank/v1beta1/balances/a/b/c",
        "/cosmos/bank/v1beta1/balances/../../../etc/passwd",
        "//cosmos/bank/v1beta1/params",
        "/COSMOS/bank/v1beta1/params",
        "/cosmos/bank/v1beta1/params/",
        "/ibc/apps/transfer/v1/params",
        "/feemarket/v1/params",
        &format!("/{last}"),
    ] {
        let got = gateway.get(path).await;
        got.is_sound(path);
        assert_eq!(
            (got.status.as_u16(), got.json()["message"].as_str()),
            (501, Some("Not Implemented")),
            "{path}"
        );
        assert!(!got.text.contains("<b>"));
    }
    for verb in [reqwest::Method::PUT, reqwest::Method::DELETE, reqwest::Method::POST] {
        let got = super::Gateway::send(gateway.request(verb.clone(), "/cosmos/bank/v1beta1/params")).await;
        got.is_sound(verb.as_str());
        assert_eq!((got.status.as_u16(), got.json()["message"].as_str()), (501, Some("Method Not Allowed")));
    }
}
