//! Answers in wire form.

use proto::cosmos::base::query::v1beta1::PageRequest;
use proto::dydxprotocol::subaccounts as wire;
use subaccounts::{query, Kind};
use types::Rejection;

use crate::world::{money, person, World, BTC, DOLLAR, ONE_BTC, TWENTY_TEN};

fn one(world: &World, owner: &str, number: u32) -> Result<wire::Subaccount, subaccounts::Error> {
    let request = wire::QueryGetSubaccountRequest { owner: owner.into(), number };
    query::one_subaccount(&world.state, &world.chain, &request).map(|answer| answer.subaccount.unwrap())
}

#[test]
fn an_account_shows_collateral_and_positions() {
    let mut world = World::new(TWENTY_TEN, TWENTY_TEN);
    world.deposit(1, 10_000_000_000);
    world.deposit(2, 10_000_000_000);
    world.swap(1, 2, BTC, ONE_BTC, 50_000 * DOLLAR).unwrap();
    let owner = person(1).to_bech32("ballast");
    let shown = one(&world, &owner, 0).unwrap();
    assert_eq!(shown.id, Some(wire::SubaccountId { owner: owner.clone(), number: 0 }));
    let collateral = proto::serint::encode(-40_000_000_000);
    assert_eq!(shown.asset_positions, [wire::AssetPosition { asset_id: 0, quantums: collateral, index: 0 }]);
    let position = shown.perpetual_positions.first().unwrap();
    assert_eq!(position.quantums, [2, 5, 0xf5, 0xe1, 0]);
    assert_eq!((position.perpetual_id, &position.funding_index), (0, &vec![2]));
}

#[test]
fn an_unknown_account_is_empty_and_a_bad_name_is_refused() {
    let world = World::new(TWENTY_TEN, TWENTY_TEN);
    let owner = person(1).to_bech32("ballast");
    let shown = one(&world, &owner, 5).unwrap();
    assert_eq!(shown.id, Some(wire::SubaccountId { owner: owner.clone(), number: 5 }));
    assert!(shown.asset_positions.is_empty() && shown.perpetual_positions.is_empty());
    assert_eq!(one(&world, &owner, 128_001).unwrap_err().code(), 200);
    assert_eq!(one(&world, "dydx1", 0).unwrap_err().code(), 201);
}

#[test]
fn all_accounts_come_in_pages_that_join() {
    let mut world = World::new(TWENTY_TEN, TWENTY_TEN);
    for name in 1..=5 {
        world.deposit(name, 1);
    }
    let ask = |pagination| {
        let request = wire::QueryAllSubaccountRequest { pagination };
        query::all_subaccounts(&world.state, &world.chain, &request)
    };
    let names = |answer: &wire::QuerySubaccountAllResponse| {
        answer.subaccount.iter().map(|row| row.id.clone().unwrap().owner).collect::<Vec<_>>()
    };
    let everybody: Vec<String> = (1..=5).map(|name| person(name).to_bech32("ballast")).collect();
    let whole = ask(None).unwrap();
    assert_eq!((names(&whole), whole.pagination.unwrap().next_key), (everybody.clone(), vec![]));
    let mut found = Vec::new();
    let mut key = Vec::new();
    loop {
        let page = ask(Some(PageRequest { key, limit: 2, ..PageRequest::default() })).unwrap();
        assert!(page.subaccount.len() <= 2);
        found.extend(names(&page));
        key = page.pagination.unwrap().next_key;
        if key.is_empty() {
            break;
        }
    }
    assert_eq!(found, everybody);
    let (mut found, mut key) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let request = PageRequest { key, limit: 2, reverse: true, ..PageRequest::default() };
        let page = ask(Some(request)).unwrap();
        found.extend(names(&page));
        key = page.pagination.unwrap().next_key;
    }
    assert!(key.is_empty());
    found.reverse();
    assert_eq!(found, everybody);
    let skipped = ask(Some(PageRequest { offset: 3, limit: u64::MAX, ..PageRequest::default() })).unwrap();
    assert_eq!(names(&skipped), everybody[3..]);
    for bad in [
        PageRequest { offset: 10_001, ..PageRequest::default() },
        PageRequest { key: vec![1; 24], offset: 1, ..PageRequest::default() },
        PageRequest { key: vec![1; 23], ..PageRequest::default() },
        PageRequest { key: vec![255; 24], ..PageRequest::default() },
    ] {
        let refused = ask(Some(bad)).unwrap_err();
        assert_eq!((refused.codespace(), refused.code()), ("sdk", 18));
    }
}

#[test]
fn the_gate_and_the_pool_are_shown_for_markets_that_exist() {
    let mut world = World::new(TWENTY_TEN, TWENTY_TEN);
    let blocked = |world: &World, perpetual_id| {
        let request = wire::QueryGetWithdrawalAndTransfersBlockedInfoRequest { perpetual_id };
        query::blocked_info(&world.state, &request)
    };
    let never = wire::QueryGetWithdrawalAndTransfersBlockedInfoResponse::default();
    assert_eq!(blocked(&world, 0), Ok(never));
    world.run(|ctx| subaccounts::gate_withdrawals(ctx, perpetuals::Collateral::Cross));
    let seen = wire::QueryGetWithdrawalAndTransfersBlockedInfoResponse {
        negative_tnc_subaccount_seen_at_block: 100,
        chain_outage_seen_at_block: 0,
        withdrawals_and_transfers_unblocked_at_block: 150,
    };
    assert_eq!(blocked(&world, 1), Ok(seen));
    assert_eq!(blocked(&world, 2).unwrap_err().codespace(), "perpetuals");
    let pool = |perpetual_id| {
        let request = wire::QueryCollateralPoolAddressRequest { perpetual_id };
        query::collateral_pool_address(&world.state, &world.chain, &request)
    };
    assert_eq!(pool(0).unwrap().collateral_pool_address, subaccounts::pool().to_bech32("ballast"));
    assert!(pool(9).is_err());
}

#[test]
fn an_account_is_shown_as_it_was_last_written() {
    let mut world = World::new(TWENTY_TEN, TWENTY_TEN);
    world.deposit(1, 10_000_000_000);
    world.deposit(2, 10_000_000_000);
    world.swap(1, 2, BTC, ONE_BTC / 2, 25_000 * DOLLAR).unwrap();
    world.move_index(BTC, 100);
    let owner = person(1).to_bech32("ballast");
    let before = one(&world, &owner, 0).unwrap();
    world.update(&[money(1, 0)], Kind::Deposit).unwrap();
    assert_ne!(one(&world, &owner, 0).unwrap(), before);
}
