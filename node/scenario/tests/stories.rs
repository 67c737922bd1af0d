//! Stories over the whole chain.

use scenario::{play, tell};

#[test]
fn an_order_beyond_initial_margin_is_refused_and_leaves_no_trace() {
    tell(
        "
        market BTC 10% 5%
        fees 0% 0%
        oracle BTC 50000
        alice deposits 100000
        bob   deposits   4999

        alice sells 1 BTC @ 50000
        bob   buys  1 BTC @ 50000
          => refused clob/3007
          => alice quote 100000 BTC 0
          => bob   quote   4999 BTC 0
          => book BTC: | 1 @ 50000
    ",
    );
}

#[test]
fn a_wrong_number_is_told_with_its_line_and_both_values() {
    let untrue = play("alice deposits 5\n  => alice quote 6").unwrap_err();
    assert_eq!(untrue.to_string(), "line 2: => alice quote 6: quote: expected 6, got 5");
}
