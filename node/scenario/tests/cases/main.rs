//! The abuse cases of orders (ORD) and of margin, collateral and funding (MAR): for each what somebody tries,
//! and what must come of it. Some are told here, over the whole chain; some in the module whose rule it is.
//! Their names begin with the case.

mod again;
mod limits;
mod load;
mod margin;
mod meeting;
mod named;
mod nodes;
mod orders;
mod sent;

use proto::dydxprotocol::clob as wire;
use proto::dydxprotocol::clob::order::{GoodTilOneof, Side, TimeInForce};
use scenario::World;
use subaccounts::Subaccount;
use types::MarketId;

pub(crate) const USD: u64 = 1_000_000;
pub(crate) const BTC: u32 = 0;
/// Base quantums of a whole bitcoin, and the smallest size.
pub(crate) const COIN: u64 = 10_000_000_000;
pub(crate) const STEP: u64 = 1_000_000;
/// Subticks of a dollar, and the smallest price.
pub(crate) const DOLLAR: u64 = 100_000;
pub(crate) const TICK: u64 = 100_000;

/// A chain whose people have so many dollars in their first subaccounts.
pub(crate) fn world(people: &[(&str, u64)]) -> World {
    world_with(people, |_| {})
}

/// The same, after a change of the genesis document.
pub(crate) fn world_with(people: &[(&str, u64)], change: impl FnOnce(&mut app::AppState)) -> World {
    let mut app = World::devnet();
    change(&mut app);
    let mut names: Vec<&str> = people.iter().map(|(name, _)| name.split('/').next().unwrap()).collect();
    names.dedup();
    let mut world = World::with(app, &names, 1_000_000_000_000 * USD);
    world.block();
    for (person, dollars) in people {
        if *dollars > 0 {
            let deposit = world.deposit(person, dollars * USD);
            assert_eq!(world.run(person, &[deposit]).refusal, None);
        }
    }
    world
}

/// Codespace and code of what refused the message, or nothing.
pub(crate) fn refusal(
    world: &mut World,
    person: &str,
    message: cosmos_sdk_proto::Any,
) -> Option<(String, u32)> {
    let refusal = world.run(person, &[message]).refusal;
    refusal.map(|refusal| (refusal.codespace.to_string(), refusal.code))
}

/// Place an order; answers the code of module `clob` that refused it.
pub(crate) fn place(world: &mut World, person: &str, order: wire::Order) -> Option<u32> {
    let message = world.place(order);
    refusal(world, person, message).map(|(codespace, code)| {
        assert_eq!(codespace, "clob", "{code}");
        code
    })
}

/// A short-term order with this client id.
pub(crate) fn order(
    world: &World,
    person: &str,
    id: u32,
    side: Side,
    (size, price): (u64, u64),
) -> wire::Order {
    world.order(person, BTC, id, (side, size, price))
}

/// The same order, immediate or cancel.
pub(crate) fn ioc(mut order: wire::Order) -> wire::Order {
    order.time_in_force = TimeInForce::Ioc.into();
    order
}

/// The same order, good until so many seconds after the last block.
pub(crate) fn long_term(world: &World, mut order: wire::Order, seconds: i64) -> wire::Order {
    if let Some(id) = &mut order.order_id {
        id.order_flags = 64;
    }
    let until = world.machine.last_block().1.seconds() + seconds;
    order.good_til_oneof = Some(GoodTilOneof::GoodTilBlockTime(u32::try_from(until).unwrap()));
    order
}

/// Levels of the bitcoin book: price in dollars, size in steps, orders.
pub(crate) fn book(world: &World, side: clob::Side) -> Vec<(u64, u128, u32)> {
    let levels = clob::query::levels(world.machine.state(), MarketId(BTC), side, 1_000_000);
    let level = |(price, level): (num::Subticks, clob::state::Level)| {
        (price.raw() / DOLLAR, level.quantums / u128::from(STEP), level.orders)
    };
    levels.into_iter().map(level).collect()
}

/// Collateral and bitcoins of an account.
pub(crate) fn holds(world: &World, person: &str) -> (i128, i128) {
    let account: Subaccount = world.account(person);
    (account.quote.raw(), account.size(MarketId(BTC)).raw())
}
