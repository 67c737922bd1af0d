//! The pipeline: what it refuses, what it writes, what it tells.

use num::BaseQuantums;
use subaccounts::{Kind, Side, Subaccount, Update, UpdateResult};
use types::{MarketId, Rejection, Time};

use crate::world::{
    account, base, holding, money, quote, trade, Terms, World, BTC, DOLLAR, ETH, ONE_BTC, TWENTY_TEN,
};

/// Persons 1 and 2 with $10,000 each; at 20 % that is enough for 1 BTC.
fn two_people() -> World {
    let mut world = World::new(TWENTY_TEN, TWENTY_TEN);
    world.deposit(1, 10_000_000_000);
    world.deposit(2, 10_000_000_000);
    world.events.clear();
    world
}

#[test]
fn a_trade_moves_positions_money_and_open_interest() {
    let mut world = two_people();
    world.swap(1, 2, BTC, ONE_BTC, 50_000 * DOLLAR).unwrap();
    assert_eq!(world.get(1), holding(-40_000 * DOLLAR, &[(BTC, ONE_BTC)]));
    assert_eq!(world.get(2), holding(60_000 * DOLLAR, &[(BTC, -ONE_BTC)]));
    let open = |world: &World| perpetuals::perpetual(&world.state, BTC).unwrap().open_interest;
    assert_eq!(open(&world), base(ONE_BTC));
    let kinds: Vec<&str> = world.events.iter().map(|event| event.kind).collect();
    assert_eq!(kinds, ["subaccount_update", "subaccount_update"]);
    // Person 3 takes over half of the long side: open interest stays.
    world.deposit(3, 10_000_000_000);
    world.swap(3, 1, BTC, ONE_BTC / 2, 25_000 * DOLLAR).unwrap();
    assert_eq!(open(&world), base(ONE_BTC));
    world.swap(2, 1, BTC, ONE_BTC / 2, 25_000 * DOLLAR).unwrap();
    assert_eq!(open(&world), base(ONE_BTC / 2));
    assert_eq!(world.get(1), holding(10_000 * DOLLAR, &[]));
    world.check();
}

#[test]
fn an_account_that_holds_nothing_has_no_row() {
    let mut world = World::new(TWENTY_TEN, TWENTY_TEN);
    let empty = world.rows().len();
    world.deposit(1, 5);
    world.deposit(2, 5);
    world.update(&[money(1, -5), money(2, 5)], Kind::Transfer).unwrap();
    assert_eq!(world.get(1), Subaccount::default());
    assert_eq!(subaccounts::page(&world.state, None, 10).len(), 1);
    let out =
        subaccounts::Msg::Withdraw { sender: account(2), recipient: crate::world::person(2), amount: 10 };
    world.execute(&out).unwrap();
    assert_eq!(world.rows().len(), empty);
}

#[test]
fn a_flip_through_zero_keeps_the_index_of_holders_right() {
    let mut world = two_people();
    let who = |world: &World, side| world.accounts.holders(BTC, side);
    world.swap(1, 2, BTC, ONE_BTC / 2, 25_000 * DOLLAR).unwrap();
    assert_eq!((who(&world, Side::Long), who(&world, Side::Short)), (vec![account(1)], vec![account(2)]));
    world.swap(2, 1, BTC, ONE_BTC, 50_000 * DOLLAR).unwrap();
    assert_eq!((who(&world, Side::Long), who(&world, Side::Short)), (vec![account(2)], vec![account(1)]));
    world.check();
    world.swap(1, 2, BTC, ONE_BTC / 2, 25_000 * DOLLAR).unwrap();
    assert_eq!((who(&world, Side::Long), who(&world, Side::Short)), (vec![], vec![]));
    world.check();
}

#[test]
fn holders_come_in_order_of_account_and_by_market() {
    let mut world = World::new(TWENTY_TEN, TWENTY_TEN);
    for name in 1..=5 {
        world.deposit(name, 1_000_000_000_000);
    }
    for name in [4, 2, 3] {
        world.swap(name, 5, BTC, 10, 5_000).unwrap();
    }
    world.swap(1, 5, ETH, 10, 30).unwrap();
    let ids = |names: &[u8]| names.iter().map(|name| account(*name)).collect::<Vec<_>>();
    assert_eq!(world.accounts.holders(BTC, Side::Long), ids(&[2, 3, 4]));
    assert_eq!(world.accounts.holders(ETH, Side::Long), ids(&[1]));
    assert_eq!(world.accounts.holders(ETH, Side::Short), ids(&[5]));
    assert_eq!(Side::Long.opposite(), Side::Short);
}

/// Name, updates, their kind; place of the refused update, why, its code.
type Refusal = (&'static str, Vec<Update>, Kind, (usize, UpdateResult, u32));

fn refuse_all(rows: Vec<Refusal>) {
    for (name, updates, kind, (index, code, number)) in rows {
        let mut world = two_people();
        let refused = world.update(&updates, kind).unwrap_err();
        assert_eq!((refused.index, refused.code, refused.code()), (index, code, number), "{name}");
        assert_eq!(refused.codespace(), "subaccounts");
        assert!(world.events.is_empty(), "{name}");
    }
}

/// Person 1 buys from person 2.
fn both(size: i128, cost: i128) -> Vec<Update> {
    vec![trade(1, BTC, size, cost), trade(2, BTC, -size, -cost)]
}

#[test]
fn trades_and_payments_beyond_margin_are_refused() {
    use UpdateResult::{NewlyUndercollateralized as Newly, StillUndercollateralized};
    let cost = 50_000 * DOLLAR;
    refuse_all(vec![
        ("the buyer is a quantum short", both(ONE_BTC + 1, cost + 1_000), Kind::Match, (0, Newly, 102)),
        ("the seller is paid too little", both(ONE_BTC, cost - 1), Kind::Match, (1, Newly, 102)),
        ("more than there is", vec![money(1, -10_000 * DOLLAR - 1)], Kind::Withdrawal, (0, Newly, 102)),
    ]);
    let weak = holding(-46_000 * DOLLAR, &[(BTC, ONE_BTC)]);
    let mut world = World::with_accounts([TWENTY_TEN; 2], &[(1, weak)]);
    let refused = world.update(&[money(1, -1)], Kind::Withdrawal).unwrap_err();
    assert_eq!(refused.code, StillUndercollateralized);
}

#[test]
fn updates_that_do_not_fit_together_are_refused() {
    use UpdateResult::{NotUnique, NotUpdatable, UpdateCausedError as Cause};
    let pair = |one, other| vec![one, other];
    let nowhere = |size| trade(if size > 0 { 1 } else { 2 }, MarketId(7), size, size);
    let wrong = (0, Cause, 102);
    refuse_all(vec![
        ("twice", pair(trade(1, BTC, 1, 500), trade(1, BTC, -1, -500)), Kind::Match, (1, NotUnique, 101)),
        ("no such market", pair(nowhere(1), nowhere(-1)), Kind::Match, (0, NotUpdatable, 103)),
        ("sizes differ", pair(trade(1, BTC, 2, 500), trade(2, BTC, -1, -500)), Kind::Match, wrong),
        ("markets differ", pair(trade(1, BTC, 1, 500), trade(2, ETH, -1, -500)), Kind::Match, wrong),
        ("no position", pair(money(1, 1), money(2, -1)), Kind::Match, wrong),
        ("one side only", vec![trade(1, BTC, 1, 500)], Kind::Match, wrong),
        ("one side is liquidated alone", vec![trade(1, BTC, 1, 500)], Kind::Liquidation, wrong),
        ("a position by transfer", both(1, 500), Kind::Transfer, wrong),
        ("a position by deposit", vec![trade(1, BTC, 1, 0)], Kind::Deposit, wrong),
        ("a deposit that takes", vec![money(1, -1)], Kind::Deposit, wrong),
        ("a withdrawal that gives", vec![money(1, 1)], Kind::Withdrawal, wrong),
        ("a transfer that loses", pair(money(1, -2), money(2, 1)), Kind::Transfer, wrong),
        ("a question as an update", vec![money(1, 1)], Kind::CollateralCheck, wrong),
        ("nothing", vec![], Kind::Match, wrong),
        ("quote beyond 128 bits", vec![money(1, i128::MAX)], Kind::Deposit, wrong),
        ("size beyond any notional", both(i128::MAX, 0), Kind::Match, wrong),
    ]);
}

#[test]
fn an_account_below_initial_margin_may_only_get_safer() {
    // Worth $4,000 with $10,000 initial and $5,000 maintenance margin.
    let start =
        || World::with_accounts([TWENTY_TEN; 2], &[(1, holding(-46_000 * DOLLAR, &[(BTC, ONE_BTC)]))]);
    let half = ONE_BTC / 2;
    let still = Err(UpdateResult::StillUndercollateralized);
    for (name, size, cost, expected) in [
        ("half at the oracle price", -half, -25_000 * DOLLAR, Ok(())),
        ("half at the price that keeps the ratio", -half, -23_000 * DOLLAR, Ok(())),
        ("half a quantum worse", -half, -23_000 * DOLLAR + 1, still),
        ("all at the bankruptcy price", -ONE_BTC, -46_000 * DOLLAR, Ok(())),
        ("all a quantum below it", -ONE_BTC, -46_000 * DOLLAR + 1, still),
        ("more at a gift of a price", 1, 0, still),
    ] {
        let mut world = start();
        let updates = [trade(1, BTC, size, cost), trade(99, BTC, -size, -cost)];
        for kind in [Kind::Liquidation, Kind::Match] {
            let mut world = start();
            let result = world.update(&updates, kind).map_err(|refused| refused.code);
            assert_eq!(result, expected, "{name} {kind:?}");
            world.check();
        }
        world.deposit(1, 1);
        assert_eq!(world.get(1).quote, quote(-46_000 * DOLLAR + 1), "{name}: a deposit always helps");
    }
}

#[test]
fn nobody_leaves_the_last_position_with_a_debt_even_where_positions_need_no_margin() {
    let free = Terms { initial: 200_000, fraction: 0, caps: (0, 0) };
    let debt = -51_000 * DOLLAR;
    for (name, size, cost, expected) in [
        // Worth $1,000 less than nothing at the oracle price of $50,000.
        (
            "all of it for too little",
            -ONE_BTC,
            -51_000 * DOLLAR + 1,
            Err(UpdateResult::StillUndercollateralized),
        ),
        ("all of it for what pays the debt", -ONE_BTC, -51_000 * DOLLAR, Ok(())),
        ("a part for more than it is worth", -ONE_BTC / 2, -25_001 * DOLLAR, Ok(())),
    ] {
        let mut world = World::with_accounts([free; 2], &[(1, holding(debt, &[(BTC, ONE_BTC)]))]);
        let updates = [trade(1, BTC, size, cost), trade(99, BTC, -size, -cost)];
        let result = world.update(&updates, Kind::Match).map_err(|refused| refused.code);
        assert_eq!(result, expected, "{name}");
        world.check();
        world.deposit(1, 1);
    }
}

#[test]
fn health_before_and_after_is_compared_with_funding_settled() {
    // Worth $4,000 less funding of $1,000: half may be closed at what keeps the ratio of $3,000.
    let half = ONE_BTC / 2;
    for (cost, passes) in [(-23_500 * DOLLAR, true), (-23_500 * DOLLAR + 1, false)] {
        let weak = holding(-46_000 * DOLLAR, &[(BTC, ONE_BTC)]);
        let mut world = World::with_accounts([TWENTY_TEN; 2], &[(1, weak)]);
        world.move_index(BTC, 10_000_000);
        let updates = [trade(1, BTC, -half, cost), trade(99, BTC, half, -cost)];
        assert_eq!(world.update(&updates, Kind::Match).is_ok(), passes, "{cost}");
        world.check();
    }
}

/// $20,000 each and half a BTC long and short; then the oracle falls silent for `age` nanoseconds.
fn aged(seconds: i64, nanos: u32) -> World {
    let mut world = World::new(TWENTY_TEN, TWENTY_TEN);
    world.deposit(1, 20_000_000_000);
    world.deposit(2, 20_000_000_000);
    world.deposit(3, 20_000_000_000);
    world.swap(1, 2, BTC, ONE_BTC / 2, 25_000 * DOLLAR).unwrap();
    world.block.time = Time::from_unix(1_000_000 + seconds, nanos);
    world
}

/// Updates of one kind.
type Action = (Vec<Update>, Kind);

#[test]
fn on_a_stale_price_risk_only_falls() {
    let stale = Err(UpdateResult::StalePrice);
    let swap = |buyer, seller, market, size: i128| -> Action {
        let cost = if market == BTC { size * 500 } else { size * 3 };
        (vec![trade(buyer, market, size, cost), trade(seller, market, -size, -cost)], Kind::Match)
    };
    let eighth = ONE_BTC / 8;
    let rows: Vec<(&str, Action, Result<(), UpdateResult>)> = vec![
        ("both close a part", swap(2, 1, BTC, eighth), Ok(())),
        ("both close all", swap(2, 1, BTC, ONE_BTC / 2), Ok(())),
        ("both grow", swap(1, 2, BTC, eighth), stale),
        ("a newcomer takes over", swap(3, 1, BTC, eighth), stale),
        ("both flip", swap(2, 1, BTC, ONE_BTC), stale),
        ("both flip to something smaller", swap(2, 1, BTC, ONE_BTC / 2 + 10), stale),
        ("out of an account with a position", (vec![money(1, -1)], Kind::Withdrawal), stale),
        ("out of an account without one", (vec![money(3, -1)], Kind::Withdrawal), Ok(())),
        ("a transfer from a position", (vec![money(1, -1), money(3, 1)], Kind::Transfer), stale),
        ("a transfer to a position", (vec![money(3, -1), money(1, 1)], Kind::Transfer), Ok(())),
        ("a deposit", (vec![money(1, 1)], Kind::Deposit), Ok(())),
    ];
    for (name, (updates, kind), expected) in rows {
        let fresh = aged(30, 0).update(&updates, kind);
        assert_eq!(fresh, Ok(()), "{name}, fresh");
        let mut world = aged(30, 1);
        let result = world.update(&updates, kind);
        assert_eq!(result.map_err(|refused| refused.code), expected, "{name}, stale");
        if let Err(refused) = result {
            assert_eq!(refused.code(), 1_000);
        }
    }
}

#[test]
fn one_stale_market_keeps_its_holders_from_growing_in_another() {
    let mut world = aged(31, 0);
    world.set_price(ETH, 3_000_000_000);
    let refused = world.swap(1, 3, ETH, 10, 30).unwrap_err();
    assert_eq!((refused.index, refused.code), (0, UpdateResult::StalePrice));
    world.deposit(4, 1_000_000_000);
    assert_eq!(world.swap(4, 3, ETH, 10, 30), Ok(()));
}

#[test]
fn the_gate_stops_what_leaves_for_50_blocks_and_nothing_else() {
    let blocked = Err(UpdateResult::WithdrawalsAndTransfersBlocked);
    for (height, expected) in [(100, blocked), (149, blocked), (150, Ok(()))] {
        let outcome = |updates: &[Update], kind| {
            let mut world = two_people();
            world.run(|ctx| subaccounts::gate_withdrawals(ctx, perpetuals::Collateral::Cross));
            world.block.height = height;
            world.update(updates, kind).map_err(|refused| refused.code)
        };
        assert_eq!(outcome(&[money(1, -1)], Kind::Withdrawal), expected);
        assert_eq!(outcome(&[money(1, -1), money(2, 1)], Kind::Transfer), expected);
        assert_eq!(outcome(&[money(1, 1)], Kind::Deposit), Ok(()));
        let match_it = [trade(1, BTC, 1, 500), trade(2, BTC, -1, -500)];
        assert_eq!(outcome(&match_it, Kind::Match), Ok(()));
    }
}

#[test]
fn an_outage_of_five_minutes_closes_the_gate() {
    for (height, gap, opens_at) in [(100, 299, 0), (100, 300, 150), (1, 1_000_000, 0)] {
        let mut world = two_people();
        world.block.height = height;
        world.block.time = world.block.previous_time.plus_seconds(gap);
        world.run(subaccounts::gate::begin_block);
        assert_eq!(subaccounts::gate::gate(&world.state).opens_at(), opens_at, "{height} {gap}");
    }
}

#[test]
fn a_question_changes_nothing_and_judges_each_update_alone() {
    let world = two_people();
    let rows = world.rows();
    let ask = |updates: &[Update]| {
        world
            .accounts
            .can_update(&world.state, &world.block, updates, Kind::CollateralCheck)
            .map_err(|refused| refused.index)
    };
    assert_eq!(ask(&[trade(1, BTC, ONE_BTC, 50_000 * DOLLAR)]), Ok(()));
    assert_eq!(ask(&[trade(1, BTC, ONE_BTC + 1, 50_001 * DOLLAR)]), Err(0));
    let both = [trade(1, BTC, ONE_BTC, 50_000 * DOLLAR), trade(2, BTC, ONE_BTC, 50_001 * DOLLAR)];
    assert_eq!(ask(&both), Err(1));
    assert_eq!(world.rows(), rows);
}

#[test]
fn two_trades_by_one_account_equal_one_of_the_sum() {
    let mut one = two_people();
    let mut two = two_people();
    one.swap(1, 2, BTC, 70, 35_000).unwrap();
    two.swap(1, 2, BTC, 30, 15_000).unwrap();
    two.swap(1, 2, BTC, 40, 20_000).unwrap();
    assert_eq!(one.rows(), two.rows());
    assert_eq!(one.get(1).size(BTC), BaseQuantums::new(70));
}

#[test]
fn an_account_at_the_edge_of_a_page_is_a_holder_once() {
    let mut world = two_people();
    let trader = |number| types::SubaccountId { number, ..account(1) };
    let leg = |number, size: i128| {
        let quote = quote(-size);
        Update { id: trader(number), quote, base: Some((BTC, base(size))), fee: Default::default() }
    };
    world.with(|ctx, accounts| {
        for number in 0..1_100 {
            let msg = subaccounts::Msg::Deposit {
                sender: crate::world::person(1),
                recipient: trader(number),
                amount: 1_000_000,
            };
            subaccounts::execute(ctx, accounts, &msg).unwrap();
        }
        for pair in 0..550 {
            let updates = [leg(pair * 2, 10), leg(pair * 2 + 1, -10)];
            subaccounts::update(ctx, accounts, &updates, Kind::Match).unwrap();
        }
    });
    let again = subaccounts::Accounts::rebuild(&world.state);
    assert_eq!([Side::Long, Side::Short].map(|side| again.holders(BTC, side).len()), [550, 550]);
    world.check();
}
