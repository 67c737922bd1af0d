//! Stories over the whole chain: signed transactions in, exact balances out. The ids are those of the reference
//! vectors.

use proto::dydxprotocol::clob::order::Side;
use scenario::{play, tell, World};

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
    for (story, reason) in [
        ("alice deposits 5\n => alice quote 6", "line 2: => alice quote 6: quote: expected 6, got 5"),
        (
            "alice deposits 5\n => insurance 1",
            "line 2: => insurance 1: the insurance fund: expected 1, got 0",
        ),
        ("alice deposits 5\n => no fill\n => fill 1 @ 2", "line 3: => fill 1 @ 2: there is no further fill"),
        ("alice dances", "line 1: alice dances: nobody understands this line"),
        ("alice deposits 0.0000001", "is no number with at most 6 decimal places"),
    ] {
        let untrue = play(story).unwrap_err().to_string();
        assert!(untrue.contains(reason), "{untrue}");
    }
}

#[test]
fn a_refusal_that_nobody_expects_ends_the_story() {
    let untrue = play("alice withdraws 1\nblock").unwrap_err();
    assert_eq!(untrue.line, 2);
    assert!(untrue.reason.starts_with("something before was refused: subaccounts/102"), "{untrue}");
    assert!(play("alice withdraws 1").is_err(), "also at the end");
    assert!(play("alice withdraws 1\n => refused subaccounts/102").is_ok());
}

#[test]
fn o1_what_a_taker_does_not_trade_rests_at_its_own_price() {
    tell(
        "
        fees 0% 0%
        band 0%
        alice deposits 1000
        bob   deposits 1000
        alice sells 5 SOL @ 10
        bob   buys 20 SOL @ 35
          => fill 5 SOL @ 10
          => no fill
          => book SOL: 15 @ 35 |
          => alice quote 1050 SOL -5
          => bob   quote  950 SOL 5
    ",
    );
}

#[test]
fn o3_two_subaccounts_of_one_owner_trade_and_one_subaccount_does_not_trade_with_itself() {
    tell(
        "
        fees 0% 0%
        alice   deposits 1000
        alice/1 deposits 1000
        alice   sells 2.5 SOL @ 23.5
        alice/1 buys  3.5 SOL @ 23.5
          => fill 2.5 SOL @ 23.5
          => book SOL: 1 @ 23.5 |
          => alice   quote 1058.75 SOL -2.5
          => alice/1 quote  941.25 SOL 2.5
        alice/1 sells 1 SOL @ 23.5
          => no fill
          => count order_removed 1
          => book SOL: | 1 @ 23.5
    ",
    );
}

#[test]
fn o5_a_maker_gets_110_ppm_and_a_taker_pays_500() {
    tell(
        "
        market BTC 20% 10%
        oracle BTC 50000
        maker  deposits 100000
        taker  deposits 550025
        seller deposits 100000
        seller sells 1 BTC @ 50000
        taker  buys  1 BTC @ 50000
          => taker quote 500000 BTC 1
        maker  buys  1 BTC @ 50000
        taker  sells 1 BTC @ 50000 ioc reduce-only
          => fill 1 @ 50000
          => maker quote 50005.5 BTC 1
          => taker quote 549975 BTC 0
          => fees 39
    ",
    );
}

#[test]
fn cancels_come_before_post_only_orders_and_those_before_takers() {
    tell(
        "
        fees 0% 0%
        alice deposits 100000
        bob   deposits 100000
        carol deposits 100000
        alice sells 1 BTC @ 28688 as 1
        together
        bob   buys  1 BTC @ 28700
        carol sells 1 BTC @ 28690 post-only
        alice cancels 1
        block
          => fill 1 @ 28690
          => carol quote 128690 BTC -1
          => alice quote 100000 BTC 0
    ",
    );
}

#[test]
fn l7_a_tenth_of_a_position_is_liquidated_and_the_fund_gets_its_fee() {
    tell(
        "
        market BTC 20% 10%
        fees 0% 0%
        liquidations max_fee_ppm 5000
        oracle BTC 40000
        carl deposits 10499
        dave deposits 1000000
        carl sells 1 BTC @ 40000
        dave buys  1 BTC @ 40000
        dave sells 1 BTC @ 50000
          => carl quote 50499 BTC -1
        oracle BTC 50000
        block
          => fill 0.1 @ 50000
          => no fill
          => liquidated carl 0.1 BTC fund 25
          => carl quote 45474 BTC -0.9
          => insurance 25
    ",
    );
}

#[test]
fn l9_a_block_closes_no_more_of_an_account_than_its_notional() {
    tell(
        "
        market BTC 20% 10%
        fees 0% 0%
        liquidations max_fee_ppm 5000
        liquidations max_position_portion_ppm 1000000
        liquidations max_account_notional 5000
        oracle BTC 40000
        carl deposits 10499
        dave deposits 1000000
        carl sells 1 BTC @ 40000
        dave buys  1 BTC @ 40000
        dave sells 1 BTC @ 49500
        oracle BTC 50000
        block
          => fill 0.1 @ 49500
          => carl quote 45524.25 BTC -0.9
          => insurance 24.75
    ",
    );
}

#[test]
fn l11_the_fund_pays_what_the_account_lacks() {
    tell(
        "
        market BTC 20% 10%
        fees 0.05% 0.02%
        insurance 10
        liquidations max_position_portion_ppm 1000000
        oracle BTC 40000
        carl deposits 10519
        dave deposits 100000
        erin deposits 50000
        dave buys  1 BTC @ 40000
        carl sells 1 BTC @ 40000
          => carl quote 50499 BTC -1
        erin sells 1 BTC @ 50500
        oracle BTC 50000
        block
          => fill 1 @ 50500
          => liquidated carl 1 BTC fund -1
          => carl quote 0 BTC 0
          => erin quote 100489.9 BTC -1
          => insurance 9
    ",
    );
}

#[test]
fn liq_01_d7_with_a_dry_fund_the_other_side_closes_at_the_bankruptcy_price() {
    tell(
        "
        market BTC 20% 10%
        fees 0% 0%
        oracle BTC 40000
        carl deposits 9999
        dave deposits 90000
        carl sells 1 BTC @ 40000
        dave buys  1 BTC @ 40000
          => carl quote 49999 BTC -1
          => dave quote 50000 BTC 1
        oracle BTC 50000
        block
          => deleveraged carl dave 1 BTC
          => carl quote 0 BTC 0
          => dave quote 99999 BTC 0
          => open BTC 0
          => insurance 0
    ",
    );
}

#[test]
fn a_crash_goes_down_the_ladder_book_then_fund_then_the_other_side() {
    tell(
        "
        market BTC 20% 10%
        fees 0% 0%
        insurance 50
        oracle BTC 50000
        alice deposits 10000
        bob   deposits 1000000
        carol deposits 1000000
        bob   sells 1 BTC @ 50000
        alice buys  1 BTC @ 50000
          => alice quote -40000 BTC 1 equity 10000
        carol buys 0.1 BTC @ 43500 long-term

        # 1. Below its margin of 4,400 the account sells a tenth; 43,400 is as low as it may go. The fund
        # gets 1.5 % of 4,350.
        oracle BTC 44000
        block
          => liquidated alice 0.1 BTC fund 65.25
          => fill 0.1 @ 43500
          => alice quote -35715.25 BTC 0.9 equity 3884.75
          => insurance 115.25

        # 2. A gap: worth less than nothing. Its bankruptcy price is 39,683.611..., the fund pays the rest.
        carol buys 0.09 BTC @ 39000 long-term
        carol buys 0.2  BTC @ 38000 long-term
        oracle BTC 39000
        block
          => fill 0.09 @ 39000
          => no fill
          => liquidated alice 0.09 BTC fund -61.525
          => insurance 53.725
          => alice quote -32143.725 BTC 0.81
          => count negative_accounts 1

        # 3. While somebody is worth less than nothing, money stays. The fund cannot pay for the next tenth:
        # what is left goes to those who are short, at the price that leaves the account with nothing.
        bob withdraws 1
          => refused subaccounts/102
          => no fill
          => no liquidation
          => deleveraged alice bob 0.81 BTC
          => alice quote 0 BTC 0
          => insurance 53.725
          => bob   quote 1017856.275 BTC -0.19
          => carol quote 992140 BTC 0.19
          => open BTC 0.19
          => book BTC: 0.2 @ 38000 |

        # 4. Nobody owes anything any more; 50 blocks after the last who did, money may leave.
        restart
        blocks 47
        bob withdraws 1
          => refused subaccounts/102
        bob withdraws 1
          => bob quote 1017855.275 BTC -0.19
    ",
    );
}

#[test]
fn nobody_is_liquidated_or_takes_risk_on_a_stale_price() {
    tell(
        "
        market BTC 20% 10%
        fees 0% 0%
        oracle BTC 50000
        alice deposits 10100
        bob   deposits 1000000
        bob   sells 1 BTC @ 50000
        alice buys  1 BTC @ 50000
        bob   sells 0.1 ETH @ 1800
        alice buys  0.1 ETH @ 1800
        bob   buys  1 BTC @ 44000 long-term

        oracle ETH silent
        wait 31
          => oracle ETH stale
          => oracle BTC 50000
        alice buys 1 ETH @ 1800
          => refused clob/20001
        alice withdraws 1
          => refused subaccounts/1000

        oracle BTC 44000
        blocks 3
          => no liquidation
          => alice quote -40080 BTC 1 ETH 0.1
        oracle ETH 1800
        block
          => fill 0.1 @ 44000
          => alice quote -35746 BTC 0.9 ETH 0.1
    ",
    );
}

#[test]
fn f7_funding_is_paid_each_hour_and_adds_up_to_nothing() {
    // A premium of 1,000 ppm in each of 60 samples is 625 a BTC quantum for the hour.
    tell(
        "
        market BTC 20% 10%
        market BTC impact 5005
        fees 0% 0%
        oracle BTC 50000
        alice deposits 1000000
        bob   deposits 1000000
        carol deposits 1000000
        alice sells 1   BTC @ 50000
        bob   buys  0.8 BTC @ 50000
        carol buys  0.2 BTC @ 50000
        carol buys  1   BTC @ 50050 long-term as 1
        blocks 118 every 30
          => funding BTC 0
        blocks 2 every 30
          => funding BTC 625
          => alice quote 1050006.25 BTC -1
          => bob   quote  959995 BTC 0.8
          => carol quote  989998.75 BTC 0.2
        carol cancels 1 long-term
        blocks 120 every 30
          => funding BTC 625
    ",
    );
}

#[test]
fn a_node_that_was_killed_goes_on_as_if_it_had_not() {
    let mut world = World::new(&["alice", "bob", "carol"], 1_000_000_000_000);
    for person in ["alice", "bob", "carol"] {
        let deposit = world.deposit(person, 100_000_000_000);
        assert_eq!(world.run(person, &[deposit]).refusal, None);
    }
    for round in 0..30_u32 {
        let size = 100_000_000 * u64::from(round % 5 + 1);
        let price = 2_868_800_000 + 100_000_000 * u64::from(round % 3);
        for (person, side) in [("alice", Side::Sell), ("bob", Side::Buy), ("carol", Side::Sell)] {
            let order = world.place(world.order(person, 0, round, (side, size, price)));
            world.submit(world.sign(person, &[order]));
        }
        world.block_seconds = i64::from(round % 4) * 17;
        let mut killed = world.twin();
        let input = world.propose();
        let (one, other) = (world.machine.execute(&input), killed.machine.execute(&input));
        assert_eq!(one, other, "round {round}");
        assert_eq!(world.machine.take_changes(), killed.machine.take_changes(), "round {round}");
        world.pass(world.block_seconds);
        if round % 2 == 0 {
            world = killed;
            world.pass(world.block_seconds);
        }
    }
    assert!(world.machine.books().len() > 3, "orders rested all the time");
    assert!(world.account("carol").size(types::MarketId(0)).is_negative());
}
