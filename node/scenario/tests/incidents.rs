//! What went wrong elsewhere, told on this chain. Each test carries the id of its incident; figures are
//! those of the incident scaled down to a book that a reader can add up.

use std::collections::BTreeSet;
use std::panic::{catch_unwind, AssertUnwindSafe};

use clob::event::Reason;
use proto::dydxprotocol::clob::order::Side;
use scenario::{tell, World};
use types::{Event, Value};

/// There a liquidation closed all open interest of an isolated market at once; its collateral left for the
/// common pool before the fund had paid, the pool went below zero and the chain stopped for eight hours.
/// Here the fund pays first, and when it cannot the other side closes: with a fund above, at and below the
/// loss of 50 the chain goes on and the common pool and fund never move.
#[test]
fn e1_all_open_interest_of_an_isolated_market_closes_at_once_and_the_chain_goes_on() {
    for (fund, left, dave) in [("100", "50", "800"), ("50", "0", "800"), ("49.999999", "49.999999", "750")] {
        tell(&format!(
            "
            market ETH 10% 5%
            isolated ETH
            fees 0% 0%
            band 0%
            insurance 1000000
            insurance ETH {fund}
            liquidations max_position_portion_ppm 1000000
            oracle ETH 2000
            alice deposits 5000
            carl  deposits 250
            dave  deposits 500
            dave buys  1 ETH @ 2000
            carl sells 1 ETH @ 2000
              => pool ETH 750
            dave sells 1 ETH @ 2300 long-term
            oracle ETH 2300                     # Carl is worth -50
            block
              => carl quote 0 ETH 0
              => dave quote {dave} ETH 0
              => open ETH 0
              => pool ETH 0
              => insurance ETH {left}
              => insurance 1000000
            dave  withdraws {dave}
            alice withdraws 5000
            block
              => count negative_accounts 0
        "
        ));
    }
}

/// There the price feeders came back hours after the chain had stopped, later than the validators: trades and
/// liquidations happened at the prices of before, and 27 people were paid 462,097. Here nobody trades, is
/// liquidated or takes money out at an old price, however often validators start; the price of now must come
/// ten times first.
#[test]
fn e2_feeders_that_start_late_make_nobody_trade_at_the_prices_of_before() {
    tell(
        "
        recovery 60 10
        market BTC 20% 10%
        fees 0% 0%
        band 0%
        oracle BTC 50000
        alice deposits 12000
        bob   deposits 100000
        carol deposits 100000
        alice buys  1 BTC @ 50000
        bob   sells 1 BTC @ 50000
        carol buys  1 BTC @ 41000 as 7 long-term for 60000
        oracle BTC 42500                    # Alice has 4500, just more than she must have
        oracle BTC silent
        wait 28800
        restart
        block
          => oracle BTC halted
        bob sells 1 BTC @ 41000 ioc
          => refused clob/20001
        alice withdraws 1
          => refused subaccounts/102
        restart
        blocks 5 every 10
          => no liquidation
          => oracle BTC halted
        oracle BTC 50500
        blocks 8
          => oracle BTC post_only
          => no fill
          => no liquidation
        blocks 2
          => oracle BTC 50500
          => alice equity 12500
          => book BTC: 1 @ 41000 |
        bob sells 1 BTC @ 41000 ioc
          => fill 1 @ 41000
    ",
    );
}

/// Every reason; one that is new does not compile until it is named here.
const fn known(reason: Reason) -> bool {
    match reason {
        Reason::Cancelled
        | Reason::Expired
        | Reason::SelfTrade
        | Reason::Undercollateralized
        | Reason::NotResting
        | Reason::ConditionalWouldRest
        | Reason::TooManyFills
        | Reason::OutsideBand
        | Reason::OpenInterestCap
        | Reason::Replaced
        | Reason::FinalSettlement
        | Reason::ReduceOnly
        | Reason::PostOnly
        | Reason::Isolated
        | Reason::Refused => true,
    }
}

/// An indexer that was never told of any reason but one.
fn outdated(events: &[Event]) -> usize {
    let removed = events.iter().filter(|event| event.kind == "order_removed");
    let read = removed.map(|event| match event.get("reason") {
        Some(Value::Text("expired")) => 1,
        other => panic!("no such reason: {other:?}"),
    });
    read.sum()
}

/// There a reason that the indexer's list did not have panicked inside of consensus. Here a block is over
/// before anybody reads of it: a reader that panics at every block changes nothing.
#[test]
fn e4_a_reader_that_does_not_know_a_reason_panics_alone() {
    assert!(known(Reason::Cancelled));
    let mut world = World::new(&["alice", "bob"], 1_000_000_000_000);
    for person in ["alice", "bob"] {
        let deposit = world.deposit(person, 10_000_000_000);
        assert_eq!(world.run(person, &[deposit]).refusal, None);
    }
    let mut unread = world.twin();
    let (mut panics, mut reasons) = (0, BTreeSet::new());
    for round in 0..20_u32 {
        // By turns: a bid that rests, a taker that leaves a rest, a bid for less, more than one can pay.
        let (person, side, size) = match round % 4 {
            0 => ("alice", Side::Buy, 1_000_000_000),
            1 => ("bob", Side::Sell, 3_000_000_000),
            2 => ("bob", Side::Buy, 500_000_000),
            _ => ("alice", Side::Buy, 900_000_000_000),
        };
        let order = world.place(world.order(person, 0, round, (side, size, 2_868_800_000)));
        let tx = world.sign(person, &[order]);
        world.submit(tx);
        let input = world.propose();
        let (one, other) = (world.machine.execute(&input).unwrap(), unread.machine.execute(&input).unwrap());
        let mut events = one.events.clone();
        events.extend(one.results.iter().flat_map(|result| result.events.clone()));
        let of = |event: &Event| match event.get("reason") {
            Some(Value::Text(reason)) if event.kind == "order_removed" => Some(*reason),
            _ => None,
        };
        reasons.extend(events.iter().filter_map(of));
        panics += usize::from(catch_unwind(AssertUnwindSafe(|| outdated(&events))).is_err());
        assert_eq!(one, other, "round {round}");
        assert_eq!(world.machine.take_changes(), unread.machine.take_changes(), "round {round}");
        world.pass(1);
        unread.pass(1);
    }
    println!("E4: {panics} panics of the reader in 20 blocks over {reasons:?}; states equal");
    assert!(panics >= 4 && reasons.len() >= 2, "{panics} {reasons:?}");
}

/// There a hundred wallets held 5x longs while the spot rose by 215 %, took their profit out and levered it
/// again up to 50 million of open interest; a fall of 30 % within the hour cost the fund 9 million. Here a
/// cap keeps open interest from growing, whoever holds it; the fund of the market alone pays, at most the
/// gap beyond what withdrawals leave: 10 % of 3,150 at a share of 20 %, nothing at 30 %.
#[test]
fn e5_profit_of_a_pumped_market_is_not_levered_again_and_its_fall_costs_at_most_the_gap() {
    for (share, most, code, fund) in [("10%", "860", "102", "685"), ("30%", "702.5", "1004", "1000")] {
        tell(
            &format!(
                "
            market SOL 20% 10%
            market SOL cap 1000
            isolated SOL
            fees 0% 0%
            band 0%
            withdrawals {share}
            insurance 1000000
            insurance SOL 1000
            liquidations max_position_portion_ppm 1000000
            oracle SOL 10
            bob       deposits 10000
            mallory/1 deposits 100
            mallory/2 deposits 100
            bob       sells 100 SOL @ 10
            mallory/1 buys   50 SOL @ 10
            mallory/2 buys   50 SOL @ 10
              => open SOL 100
            oracle SOL 31.5
            block
              => mallory/1 equity 1175
            bob       sells 50 SOL @ 31.5 as 9
            mallory/1 buys   5 SOL @ 31.5 ioc
              => refused clob/20011
            bob cancels SOL 9
            mallory/1 withdraws {most}.000001
              => refused subaccounts/{code}
            mallory/1 withdraws {most}
            mallory/2 withdraws {most}
            oracle SOL 22.05
            bob buys 100 SOL @ 22.05
              => mallory/1 quote 0 SOL 0
              => mallory/2 quote 0 SOL 0
              => insurance SOL {fund}
              => insurance 1000000
              => open SOL 0
              => bob quote 8795 SOL 0
        ",
            )
            .replace(".5.000001", ".500001"),
        );
    }
}

/// There a whale took 17 million of profit out down to the trading minimum of a 50x market and left the
/// position to the backstop, which lost 4 million. Here: a long of 200,000 on 20,000, up by 5 %, back by as
/// much. Without a withdrawal margin 25,800 leave, the fund pays 6,300 and the whale is up by 5,800; with a
/// tenth of the notional to stay nobody but the whale pays anything.
#[test]
fn e7_a_whale_cannot_take_its_margin_out_and_leave_the_position_to_others() {
    for (share, refused, taken, then, fund) in [
        ("0%", "", "25800", "=> whale quote 0 ETH 0", "3700"),
        (
            "10%",
            "whale withdraws 9000.000001\n => refused subaccounts/1004",
            "9000",
            "=> whale equity 10500",
            "10000",
        ),
    ] {
        tell(&format!(
            "
            market ETH 2% 1%
            fees 0% 0%
            band 0%
            withdrawals {share}
            insurance 10000
            liquidations max_position_portion_ppm 1000000
            liquidations max_account_notional 1000000
            whale has 20000
            oracle ETH 2000
            whale deposits 20000
            bob   deposits 1000000
            bob   sells 100 ETH @ 2000
            whale buys  100 ETH @ 2000
            oracle ETH 2100
            block
              => whale equity 30000
            {refused}
            whale withdraws {taken}
              => whale wallet {taken}
            oracle ETH 1995
            bob buys 100 ETH @ 1995
              {then}
              => insurance {fund}
        "
        ));
    }
}

/// There a short of 4 million was left to a backstop that shared its collateral with everything else; the
/// spot rose fourfold, up to 13.5 million were at stake and the market was closed by hand at a price of
/// choice. Here nobody inherits: what the short cannot pay, the longs do not get. They close at its
/// bankruptcy price in the block of the jump, neither fund pays, the common pool is not part of it, and the
/// two sides of one attacker gain nothing together.
#[test]
fn e8_an_abandoned_short_is_closed_against_those_who_gain_from_it() {
    tell(
        "
        market LINK 20% 10%
        isolated LINK
        fees 0% 0%
        band 0%
        insurance 1000000
        insurance LINK 100
        mallory has 1200
        oracle LINK 10
        alice     deposits 5000
        carol     deposits 400
        mallory   deposits 800
        mallory/1 deposits 400
        mallory   sells 400 LINK @ 10
        mallory/1 buys  200 LINK @ 10
        carol     buys  200 LINK @ 10
          => pool LINK 1600
        oracle LINK 41                      # the short is worth -11600, three times what was ever paid in
        block
          => mallory   quote 0 LINK 0
          => mallory/1 quote 800 LINK 0     # 12 a piece
          => carol     quote 800 LINK 0
          => open LINK 0
          => pool LINK 0
          => insurance LINK 100
          => insurance 1000000
        mallory/1 withdraws 800
          => mallory wallet 800             # of 1200
        alice withdraws 5000
    ",
    );
}

/// There a service that started again read funding indices as zero: everybody's funding of all time was due at
/// once, and accounts by the hundred were liquidated; the chain was rolled back. Here the index is a row like
/// any other: a short that opened late, and to whom an index of zero would be a bill, has after a start what it
/// had before. That a node with a zeroed or lost row does not start, `outages` shows.
#[test]
fn e14_who_starts_again_has_the_funding_of_before_and_liquidates_nobody() {
    tell(
        "
        market BTC 20% 10%
        market BTC impact 5005
        fees 0% 0%
        oracle BTC 50000
        alice deposits 1000000
        bob   deposits 1000000
        carol deposits 1000000
        dave  deposits 10000
        alice sells 1 BTC @ 50000
        bob   buys  1 BTC @ 50000
        carol buys  1 BTC @ 50050 long-term as 1 for 60000
        blocks 120 every 30
          => funding BTC 625
        dave  sells 0.99 BTC @ 50000
          => fill 0.99 @ 50050
          => dave equity 10049.5
        restart
          => funding BTC 625
          => dave equity 10049.5
        block
          => no liquidation
          => dave quote 59549.5 BTC -0.99
          => funding BTC 625
    ",
    );
}

/// There one trader matched himself on a thin market, pumped its spot thirteenfold and took 116 million of
/// other people's deposits out against profit that nobody could pay. Here a thin market is isolated: what
/// may leave it is what was paid into it, to the unit, even in the block of the jump, and the cap keeps the
/// bet at 1,000. The common pool of 100,000 is out of reach, the fund is not asked, and both sides together
/// end with what they began with.
#[test]
fn e17_profit_against_oneself_takes_nothing_from_anybody() {
    tell(
        "
        market SOL 20% 10%
        market SOL cap 1000
        isolated SOL
        fees 0% 0%
        band 0%
        insurance 1000000
        insurance SOL 1000
        mallory has 1000
        oracle SOL 10
        alice     deposits 100000
        mallory   deposits 200
        mallory/1 deposits 600
        mallory   sells 100 SOL @ 10
        mallory/1 buys  100 SOL @ 10
          => open SOL 100
          => pool SOL 800
        oracle SOL 140
        together
        mallory/1 withdraws 800.000001      # worth 13600, margin 2800; but the market holds no more than 800
        block
          => refused sdk/5
          => mallory   quote 0 SOL 0
          => mallory/1 quote 800 SOL 0
          => pool SOL 0
          => insurance SOL 1000
        mallory/1 withdraws 800
          => mallory wallet 1000
          => insurance 1000000
        alice withdraws 100000
    ",
    );
}
