//! Budgets that span blocks, and tiers of both kinds of orders.

use clob::{check, EquityTier, Family, GoodTil, Msg, Order, Params, RateLimits, Usage, Window};
use num::QuoteQuantums;
use types::{Rejection, SubaccountId};

use crate::world::{account, buy, ioc, long_term, sell, Start, World, USD};

fn windows(windows: &[(u32, u32)]) -> Vec<Window> {
    windows.iter().map(|(blocks, limit)| Window { blocks: *blocks, limit: *limit }).collect()
}

fn world(rate_limits: RateLimits) -> World {
    World::with(Start { params: Params { rate_limits, ..Params::default() }, ..Start::default() })
}

/// A long-term order that may be placed at any time of a story.
fn order(byte: u8, client_id: u32) -> Order {
    long_term(buy(byte, client_id, 1, 100), 1_000)
}

fn code(result: Result<(), clob::Error>) -> u32 {
    result.map_or_else(|error| error.code(), |()| 0)
}

#[test]
fn a_window_of_blocks_forgets_the_oldest_block_first() {
    let mut world = world(RateLimits { stateful: windows(&[(1, 2), (3, 4)]), ..RateLimits::NONE });
    world.place(order(1, 1)).unwrap();
    world.place(order(1, 2)).unwrap();
    assert_eq!(world.refused_order(order(1, 3)), 5_001, "two in a block");
    world.next_block();
    // The refused one counts: three are used of four.
    world.place(order(1, 3)).unwrap();
    assert_eq!(world.refused_order(order(1, 4)), 5_001, "four in three blocks");
    world.next_block();
    assert_eq!(world.refused_order(order(1, 4)), 5_001, "five and one");
    // The first block with its three is out of sight: three of the second and third remain.
    world.next_block();
    world.place(order(1, 4)).unwrap();
    world.place(order(2, 4)).unwrap();
}

#[test]
fn a_row_of_usage_goes_when_no_window_sees_it() {
    let mut world = world(RateLimits { stateful: windows(&[(3, 9)]), ..RateLimits::NONE });
    world.place(order(1, 1)).unwrap();
    world.next_block();
    let owner = account(1).owner;
    assert_eq!(world.exported().usage, [((Family::Stateful, owner), Usage(vec![(1, 1)]))]);
    world.place(order(1, 2)).unwrap();
    world.next_block();
    world.blocks(1);
    assert_eq!(world.block.height, 4);
    assert_eq!(world.exported().usage, [((Family::Stateful, owner), Usage(vec![(1, 1), (2, 1)]))]);
    world.next_block();
    assert_eq!(world.exported().usage, []);
}

#[test]
fn a_long_window_is_counted_in_at_most_a_hundred_steps_and_forgets_none_early() {
    let mut world = world(RateLimits { stateful: windows(&[(1_000, 3)]), ..RateLimits::NONE });
    world.place(order(1, 1)).unwrap();
    world.next_block();
    world.place(order(1, 2)).unwrap();
    world.next_block();
    // Steps of ten blocks.
    assert_eq!(world.exported().usage[0].1, Usage(vec![(10, 2)]));
    world.blocks(996);
    assert_eq!(world.block.height, 999);
    world.oracle(50_000);
    let order = long_term(buy(1, 9, 1, 100), 3_000);
    world.place(Order { id: clob::OrderId { client_id: 3, ..order.id }, ..order }).unwrap();
    assert_eq!(world.refused_order(order), 5_001);
}

#[test]
fn budgets_belong_to_owners_and_families() {
    let one = windows(&[(1, 1)]);
    let mut world =
        world(RateLimits { short_term: one.clone(), stateful: one, leverage: windows(&[(10, 2)]) });
    world.place(order(1, 1)).unwrap();
    world.place(buy(1, 1, 1, 100)).unwrap();
    let other = SubaccountId { number: 1, ..account(1) };
    let mut theirs = buy(1, 2, 1, 100);
    theirs.id.subaccount = other;
    assert_eq!(world.refused_order(theirs), 5_001, "another subaccount of the same owner");
    world.place(buy(2, 1, 1, 100)).unwrap();
    // Cancels of long-term orders are free.
    world.cancel(order(1, 1).id, GoodTil::Time(1_700_001_000)).unwrap();
    let owner = account(1).owner;
    let charge = |world: &mut World, weight| {
        let World { state, books, block, chain, events } = world;
        let ctx = store::Ctx { state, events, block, chain };
        code(clob::charge(&ctx, books, owner, (Family::Leverage, weight)))
    };
    assert_eq!(charge(&mut world, 2), 0);
    world.next_block();
    assert_eq!(charge(&mut world, 1), 5_001);
}

#[test]
fn a_mempool_refuses_cheaply_what_committed_counters_leave_no_room_for() {
    let mut world = world(RateLimits { stateful: windows(&[(5, 2)]), ..RateLimits::NONE });
    let msg = Msg::Place(order(1, 3));
    world.place(order(1, 1)).unwrap();
    world.place(order(1, 2)).unwrap();
    world.next_block();
    assert_eq!(code(check(&world.state, &world.block, &msg)), 5_001);
    assert_eq!(code(check(&world.state, &world.block, &Msg::Place(order(2, 3)))), 0);
    world.blocks(4);
    assert_eq!(code(check(&world.state, &world.block, &msg)), 0);
}

#[test]
fn a_restart_in_the_middle_of_a_window_forgets_nothing() {
    let mut world = world(RateLimits { stateful: windows(&[(4, 2)]), ..RateLimits::NONE });
    world.place(order(1, 1)).unwrap();
    world.place(order(1, 2)).unwrap();
    world.next_block();
    world.books = clob::rebuild(&world.state);
    assert_eq!(world.refused_order(order(1, 3)), 5_001);
    world.blocks(5);
    assert_eq!(world.exported().usage.len(), 0, "the rebuilt books prune rows too");
}

#[test]
fn budgets_out_of_bounds_are_refused() {
    let wrong: &[(Family, &[(u32, u32)])] = &[
        (Family::ShortTerm, &[(0, 1)]),
        (Family::ShortTerm, &[(1, 0)]),
        (Family::ShortTerm, &[(2_001, 1)]),
        (Family::ShortTerm, &[(1, 10_000_001)]),
        (Family::Stateful, &[(10_001, 1)]),
        (Family::Stateful, &[(1, 1_000_001)]),
        (Family::Leverage, &[(2_001, 1)]),
        (Family::Leverage, &[(1, 10_001)]),
        (Family::Stateful, &[(5, 1), (5, 2)]),
    ];
    for (family, list) in wrong {
        let mut limits = RateLimits::NONE;
        match family {
            Family::ShortTerm => limits.short_term = windows(list),
            Family::Stateful => limits.stateful = windows(list),
            Family::Leverage => limits.leverage = windows(list),
        }
        let params = Params { rate_limits: limits, ..Params::default() };
        assert_eq!(code(params.check()), 5_000, "{family:?} {list:?}");
    }
    assert_eq!(code(Params::default().check()), 0);
}

#[test]
fn equity_decides_how_many_short_term_orders_may_rest() {
    let tier = |dollars: i128, limit| EquityTier { required: QuoteQuantums::new(dollars * USD), limit };
    let tiers = vec![tier(0, 0), tier(20, 1), tier(1_000, 2)];
    let params = Params { short_term_equity_tiers: tiers, ..Params::default() };
    let dollars = vec![19, 20, 1_000, 1_000_000];
    let mut world = World::with(Start { dollars, params, ..Start::default() });
    assert_eq!(world.refused_order(buy(1, 1, 1, 100)), 10_001);
    world.place(buy(2, 1, 1, 100)).unwrap();
    assert_eq!(world.refused_order(buy(2, 2, 1, 100)), 10_001);
    world.place(buy(3, 1, 1, 100)).unwrap();
    world.place(buy(3, 2, 1, 100)).unwrap();
    // What never rests is not counted, nor are orders that live until a time.
    world.place(ioc(sell(3, 3, 1, 200))).unwrap();
    world.place(order(3, 4)).unwrap();
    assert_eq!(world.refused_order(buy(3, 5, 1, 100)), 10_001);
    // A cancel makes room.
    world.cancel(buy(3, 1, 1, 100).id, GoodTil::Block(20)).unwrap();
    world.place(buy(3, 5, 1, 100)).unwrap();
}
