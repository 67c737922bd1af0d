//! The first trade of the chain: two people, two signed orders, exact balances.

use proto::dydxprotocol::clob::order::Side;
use scenario::World;
use types::MarketId;

const USDC: u64 = 1_000_000;
const BTC: u32 = 0;
const ONE_BTC: u64 = 10_000_000_000;
/// 28,688 USD for a BTC: 10^10 quantums x subticks x 10^-9 = 28,688 x 10^6 quote quantums.
const PRICE: u64 = 2_868_800_000;

fn two_people_who_traded() -> World {
    let mut world = World::new(&["alice", "bob"], 1_000_000 * USDC);
    for person in ["alice", "bob"] {
        let deposit = world.deposit(person, 100_000 * USDC);
        assert_eq!(world.run(person, &[deposit]).refusal, None);
    }
    let ask = world.place(world.order("alice", BTC, 1, (Side::Sell, ONE_BTC, PRICE)));
    assert_eq!(world.run("alice", &[ask]).refusal, None);
    let bid = world.place(world.order("bob", BTC, 1, (Side::Buy, ONE_BTC, PRICE + 100_000_000)));
    assert_eq!(world.run("bob", &[bid]).refusal, None);
    world
}

fn holds(world: &World, person: &str) -> (i128, i128) {
    let account = world.account(person);
    (account.quote.raw(), account.size(MarketId(BTC)).raw())
}

#[test]
fn a_bid_above_the_ask_trades_at_the_makers_price() {
    let world = two_people_who_traded();
    assert_eq!(world.last.summary.fills, 1);
    // The maker gets 28,688 and 110 ppm of it, the taker pays 28,688 and 500 ppm of it.
    assert_eq!(holds(&world, "alice"), (100_000_000_000 + 28_688_000_000 + 3_155_680, -10_000_000_000));
    assert_eq!(holds(&world, "bob"), (100_000_000_000 - 28_688_000_000 - 14_344_000, 10_000_000_000));
    let collector = types::Address::module(bank::FEE_COLLECTOR);
    let fees = bank::balance(world.machine.state(), &collector, &world.machine.chain().collateral);
    assert_eq!(fees, 14_344_000 - 3_155_680, "what the taker paid and the maker did not get");
    let open = perpetuals::perpetual(world.machine.state(), MarketId(BTC)).unwrap().open_interest;
    assert_eq!(open.raw(), 10_000_000_000);
    assert!(world.machine.books().is_empty(), "both orders are filled");
}

#[test]
fn a_withdrawal_within_the_margin_is_paid_and_one_beyond_it_is_refused() {
    let mut world = two_people_who_traded();
    let account = world.account("bob");
    let risk = subaccounts::risk(world.machine.state(), &account).unwrap();
    // The market's initial margin is 5 % of the one position, a withdrawal leaves 10 %.
    let free = u64::try_from((risk.net_collateral - risk.initial - risk.initial).raw()).unwrap();
    let (wallet, before) = (world.wallet("bob"), holds(&world, "bob"));

    let beyond = world.withdraw("bob", free + 1);
    let refusal = world.run("bob", &[beyond]).refusal.expect("one quantum too many");
    assert_eq!((refusal.codespace.as_str(), refusal.code), ("subaccounts", 1_004));
    assert_eq!((world.wallet("bob"), holds(&world, "bob")), (wallet, before));

    let within = world.withdraw("bob", free);
    assert_eq!(world.run("bob", &[within]).refusal, None);
    assert_eq!(world.wallet("bob"), wallet + u128::from(free));
    assert_eq!(holds(&world, "bob"), (before.0 - i128::from(free), before.1));
}
