//! MAR-02 to MAR-22.

use proto::dydxprotocol::clob as wire;
use proto::dydxprotocol::clob::order::Side;
use scenario::{any, tell, World};
use types::MarketId;

use crate::{holds, ioc, order, place, refusal, world, world_with};
use crate::{BTC, COIN, DOLLAR, STEP, USD};

#[test]
fn mar_02_a_position_in_many_accounts_needs_no_less_margin_than_in_one() {
    let names: Vec<String> = (0..8).map(|number| format!("alice/{number}")).collect();
    let mut world = world(&[("alice", 10_000), ("bob", 100_000), ("carl", 10_000)]);
    for name in &names[1..] {
        let transfer = world.transfer("alice", name, 1_000 * USD);
        assert_eq!(refusal(&mut world, "alice", transfer), None);
    }
    // Odd sizes, so that margins round.
    let (part, price) = (7 * STEP, 28_687 * DOLLAR);
    let ask = order(&world, "bob", 1, Side::Sell, (16 * part, price));
    assert_eq!(place(&mut world, "bob", ask), None);
    for name in &names {
        let bid = order(&world, name, 1, Side::Buy, (part, price));
        assert_eq!(place(&mut world, name, bid), None);
    }
    let bid = order(&world, "carl", 1, Side::Buy, (8 * part, price));
    assert_eq!(place(&mut world, "carl", bid), None);
    let risk = |name: &str| subaccounts::risk(world.machine.state(), &world.account(name)).unwrap();
    let parts: Vec<_> = names.iter().map(|name| risk(name)).collect();
    let whole = risk("carl");
    let initial: i128 = parts.iter().map(|risk| risk.initial.raw()).sum();
    let maintenance: i128 = parts.iter().map(|risk| risk.maintenance.raw()).sum();
    let worth: i128 = parts.iter().map(|risk| risk.net_collateral.raw()).sum();
    assert!(initial >= whole.initial.raw() && initial <= whole.initial.raw() + 8);
    assert!(maintenance >= whole.maintenance.raw() && maintenance <= whole.maintenance.raw() + 8);
    assert!(worth <= whole.net_collateral.raw(), "splitting made value: {worth}");
}

#[test]
fn mar_03_a_withdrawal_leaves_initial_margin_with_funding_and_fees_settled_first() {
    tell(
        "
        market BTC 10% 5%
        fees 0% 0%
        oracle BTC 28000
        alice deposits 28000
        bob   deposits 28000
        alice buys  1 BTC @ 28000
        bob   sells 1 BTC @ 28000
        alice withdraws 25200.000001      # initial margin is 2800
          => refused subaccounts/102
        alice withdraws 25200
          => alice equity 2800
        alice withdraws 0.000001
          => refused subaccounts/102
    ",
    );
}

#[test]
fn mar_04_nothing_and_more_than_there_is_cannot_be_moved() {
    let mut world = world(&[("alice", 100), ("bob", 0)]);
    for amount in [0, u64::MAX, 100 * USD + 1] {
        let expected = if amount == 0 { 500 } else { 102 };
        let message = world.withdraw("alice", amount);
        assert_eq!(refusal(&mut world, "alice", message), Some(("subaccounts".into(), expected)), "{amount}");
        let message = world.transfer("alice", "bob", amount);
        let expected = if amount == 0 { ("sending".into(), 2) } else { ("subaccounts".into(), 102) };
        assert_eq!(refusal(&mut world, "alice", message), Some(expected), "{amount}");
    }
    assert_eq!(holds(&world, "alice").0, 100 * i128::from(USD));
}

#[test]
fn mar_05_a_transfer_may_save_an_account_and_a_circle_of_transfers_makes_no_money() {
    tell(
        "
        market BTC 10% 5%
        fees 0% 0%
        oracle BTC 28000
        alice deposits 2800
        bob   deposits 28000
        carl  deposits 1000
        alice buys  1 BTC @ 28000
        bob   sells 1 BTC @ 28000
        oracle BTC 26700
        block
          => alice equity 1500
        carl transfers 1 to alice           # she is below initial margin, and better off with it
          => alice equity 1501
        alice transfers 0.000001 to carl    # not the other way
          => refused subaccounts/102
        carl transfers 1 to carl
          => refused sending/1
        dave  deposits 10
        erin  deposits 10
        frank deposits 10
        together
        dave  transfers 10 to erin
        erin  transfers 20 to frank
        frank transfers 30 to dave
        block
          => dave quote 30
          => erin quote 0
          => frank quote 0
    ",
    );
}

#[test]
fn mar_06_money_waits_fifty_blocks_after_an_outage_and_comes_in_all_the_same() {
    tell(
        "
        alice deposits 100
        bob   deposits 100
        wait 301                      # the chain stood still; the gate closes with this block
        blocks 47
        alice deposits 1
        alice withdraws 1             # the forty-ninth block after it
          => refused subaccounts/102
        alice withdraws 1             # the fiftieth
          => alice quote 100
        wait 299                      # not long enough to be an outage
        alice withdraws 1
          => alice quote 99
    ",
    );
}

#[test]
fn mar_10_open_interest_makes_margin_dearer_until_a_position_must_be_paid_in_full() {
    tell(
        "
        market BTC 10% 5%
        market BTC open 100000 200000
        fees 0% 0%
        oracle BTC 10000
        alice deposits 1000000
        bob   deposits 1000000
        carl  deposits 27499.999999
        dave  deposits 50000
        alice buys  10 BTC @ 10000
        bob   sells 10 BTC @ 10000
          => open BTC 10                        # 100000: a tenth is still enough
        bob   sells 11 BTC @ 10000
        carl  buys  5 BTC @ 10000               # half way up: 55 percent of 50000
          => refused clob/3007
        carl  deposits 0.000001
        carl  buys  5 BTC @ 10000
          => open BTC 15
        dave  buys  5.0001 BTC @ 10000          # all of it
          => refused clob/3007
        dave  buys  5 BTC @ 10000
        bob   cancels 3
          => open BTC 20
          => carl equity 27500
        carl  sells 5 BTC @ 10000               # whoever is below margin now may still leave
        bob   buys  5 BTC @ 10000
          => carl quote 27500
          => open BTC 15
          => no liquidation
    ",
    );
}

#[test]
fn mar_12_a_limit_on_leverage_is_a_share_that_the_account_can_carry() {
    let mut world = world(&[("alice", 10_000), ("bob", 100_000)]);
    let limit = |world: &World, market: u32, ppm: u32| {
        any(&wire::MsgUpdateLeverage {
            subaccount_id: Some(world.wire_id("alice")),
            clob_pair_leverage: vec![wire::LeverageEntry { clob_pair_id: market, custom_imf_ppm: ppm }],
        })
    };
    let ask = order(&world, "bob", 1, Side::Sell, (COIN, 28_688 * DOLLAR));
    assert_eq!(place(&mut world, "bob", ask), None);
    let bid = order(&world, "alice", 1, Side::Buy, (COIN, 28_688 * DOLLAR));
    assert_eq!(place(&mut world, "alice", bid), None);
    // A share of the market is 5 percent; she holds 28,688 dollars with about 10,000.
    for (market, ppm, refused) in [
        (BTC, 0, Some(("clob", 11_003))),
        (BTC, 1_000_001, Some(("clob", 11_003))),
        (999, 100_000, Some(("clob", 8))),
        (BTC, 49_999, Some(("subaccounts", 701))),
        (BTC, 400_000, Some(("subaccounts", 703))),
        (BTC, 50_000, None),
    ] {
        world.blocks(5);
        let message = limit(&world, market, ppm);
        let expected = refused.map(|(codespace, code)| (String::from(codespace), code));
        assert_eq!(refusal(&mut world, "alice", message), expected, "{ppm} ppm of market {market}");
    }
    world.blocks(5);
    let message = limit(&world, BTC, 300_000);
    assert_eq!(refusal(&mut world, "alice", message), None);
    let message = world.withdraw("alice", 2_000 * USD);
    assert_eq!(refusal(&mut world, "alice", message), Some(("subaccounts".into(), 102)), "8,606 must stay");
    let message = world.withdraw("alice", 1_300 * USD);
    assert_eq!(refusal(&mut world, "alice", message), None);
}

#[test]
fn mar_13_the_last_trade_of_an_isolated_market_empties_its_pool_and_the_fund_pays_first() {
    tell(
        "
        isolated BTC
        insurance BTC 1000
        market BTC 10% 5%
        fees 0% 0%
        band 0%
        liquidations max_position_portion_ppm 1000000
        oracle BTC 28000
        alice deposits 2800
        bob   deposits 10000
        carl  deposits 10000
        carl  sells 1 ETH @ 1500
        bob   buys  1 ETH @ 1500
        alice buys  1 BTC @ 28000
        bob   sells 1 BTC @ 28000            # he holds a cross position
          => refused clob/2005
        carl  buys  1 ETH @ 1500
        bob   sells 1 ETH @ 1500
        bob   sells 1 BTC @ 28000
          => fill 1 @ 28000
          => pool BTC 12800
        bob   transfers 100 to carl          # from one pool to another
          => pool BTC 12700
        carl  transfers 100 to bob
          => pool BTC 12800
        bob   sells 1 ETH @ 1500             # he holds an isolated position
        carl  buys  1 ETH @ 1500
          => no fill
        bob   buys  1 BTC @ 25150
        oracle BTC 25100                     # alice is worth -100; at 25150 she lacks 50
        block
          => liquidated alice 1 BTC fund -50
          => alice quote 0
          => bob   quote 12850
          => pool BTC 0
          => insurance BTC 950
          => insurance 0
          => open BTC 0
    ",
    );
}

#[test]
fn mar_14_profit_that_was_not_realised_cannot_be_taken_out_below_initial_margin() {
    tell(
        "
        market BTC 10% 5%
        fees 0% 0%
        oracle BTC 28000
        whale deposits 2800
        bob   deposits 1000000
        whale buys  1 BTC @ 28000
        bob   sells 1 BTC @ 28000
        oracle BTC 30000
        block
        whale withdraws 1800.000001      # worth 4800, must keep 3000
          => refused subaccounts/102
        whale withdraws 1800
          => whale equity 3000
        oracle BTC 27500                 # back again: worth 500, below 1375
        bob buys 1 BTC @ 27100           # the book takes the position above its bankruptcy price of 27000
          => insurance 10
    ",
    );
}

#[test]
fn mar_15_trading_with_oneself_at_a_false_price_moves_no_mark_and_takes_nothing_from_anybody() {
    tell(
        "
        market BTC 10% 5%
        fees 0% 0%
        oracle BTC 28000
        whale deposits 100000
        mule  deposits 4900
        bob   deposits 100000
        bob sells 10 BTC @ 30900
        whale sells 1 BTC @ 30200
        mule buys 1 BTC @ 30200           # 2700 would be left of a margin of 2800
          => refused clob/3007
        whale cancels 2
        whale sells 1 BTC @ 30100
        mule buys 1 BTC @ 30100
          => fill 1 @ 30100
          => whale equity 102100          # the mark is still 28000: what one gains, the other has paid
          => mule  equity 2800
        whale withdraws 99300
          => whale equity 2800
        mule withdraws 0.000001
          => refused subaccounts/102
        blocks 5
          => no liquidation
          => insurance 0
    ",
    );
}

#[test]
fn mar_16_after_a_gap_everybody_can_be_paid() {
    for to in ["14000", "2800", "280"] {
        tell(&format!(
            "
            market BTC 10% 5%
            fees 0% 0%
            insurance 100
            oracle BTC 28000
            alice deposits 2800
            carl  deposits 5600
            bob   deposits 10000
            bob   sells 2 BTC @ 28000
            alice buys  1 BTC @ 28000
            carl  buys  1 BTC @ 28000
            oracle BTC {to}
            blocks 3
              => alice quote 0
              => carl  quote 0
            blocks 60
            bob withdraws 18400              # his own and all that the others had; the fund is for the book
              => bob quote 0
              => insurance 100
        "
        ));
    }
}

#[test]
fn mar_19_nothing_is_divided_by_nothing() {
    // No open interest, no margin, no equity, no price, no positions.
    let mut world = world_with(&[("alice", 0), ("bob", 1_000)], |app| app.funding = Default::default());
    world.prices.clear();
    world.block_seconds = 3_600;
    world.blocks(3);
    let bid = order(&world, "bob", 1, Side::Buy, (STEP, DOLLAR));
    let refused = place(&mut world, "bob", bid);
    assert_eq!(refused, Some(20001), "there is no price");
    let risk = subaccounts::risk(world.machine.state(), &world.account("alice")).unwrap();
    assert!(risk.is_initially_margined() && !risk.is_liquidatable());
}

#[test]
fn mar_20_no_account_without_positions_owes_anything_when_a_block_ends() {
    let mut world = world(&[("alice", 3_000), ("bob", 1_000_000), ("carl", 3_000)]);
    let bid = order(&world, "alice", 1, Side::Buy, (COIN, 28_600 * DOLLAR));
    assert_eq!(place(&mut world, "alice", bid), None);
    let ask = order(&world, "bob", 1, Side::Sell, (2 * COIN, 28_600 * DOLLAR));
    assert_eq!(place(&mut world, "bob", ask), None);
    let bid = order(&world, "carl", 1, Side::Buy, (COIN, 28_600 * DOLLAR));
    assert_eq!(place(&mut world, "carl", bid), None);
    assert_eq!((holds(&world, "alice").1, holds(&world, "carl").1), (i128::from(COIN), i128::from(COIN)));
    world.prices.insert(MarketId(BTC), num::Price::new(20_000 * 100_000));
    for _ in 0..5 {
        world.block();
        for (id, account) in subaccounts::page(world.machine.state(), None, 100) {
            assert!(!(account.positions.is_empty() && account.quote.is_negative()), "{id} owes");
        }
    }
    assert_eq!((holds(&world, "alice").1, holds(&world, "carl").1), (0, 0), "both were closed");
}

#[test]
fn mar_21_a_position_goes_through_nothing_and_its_row_goes_with_it() {
    tell(
        "
        market BTC 10% 5%
        fees 0% 0%
        oracle BTC 28000
        alice deposits 100000
        bob   deposits 100000
        alice buys  1 BTC @ 28000
        bob   sells 1 BTC @ 28000
        alice sells 1 BTC @ 28000          # exactly to nothing
        bob   buys  1 BTC @ 28000
          => alice quote 100000
          => bob   quote 100000
          => open BTC 0
        alice buys  1 BTC @ 28000
        bob   sells 1 BTC @ 28000
        alice sells 3 BTC @ 28000          # through nothing to the other side
        bob   buys  3 BTC @ 28000
          => alice quote 156000 BTC -2
          => bob   quote  44000 BTC 2
          => open BTC 2
    ",
    );
}

#[test]
fn mar_22_the_largest_amounts_add_up() {
    // A hundred accounts of half the largest deposit each: sums above 64 bits.
    let names: Vec<String> = (0..100).map(|number| format!("alice/{number}")).collect();
    let mut world = world(&[("alice", 0)]);
    let most = 1_000_000_000_000 * USD / 100;
    for name in &names {
        let deposit = world.deposit(name, most);
        assert_eq!(refusal(&mut world, "alice", deposit), None);
    }
    let audit = subaccounts::invariants::audit(world.machine.state(), &world.machine.chain().collateral);
    assert!(audit.unwrap().pool_is_exact());
    // The largest order at the largest price that fits is judged, not wrapped.
    let huge = ioc(order(&world, "alice", 1, Side::Buy, (u64::MAX / STEP * STEP, 1_000_000 * DOLLAR)));
    assert_eq!(place(&mut world, "alice", huge), None);
    let most = order(&world, "alice", 2, Side::Sell, (u64::MAX / STEP * STEP, u64::MAX / DOLLAR * DOLLAR));
    assert!(place(&mut world, "alice", most).is_none_or(|code| [20002, 3007].contains(&code)));
}
