//! The fund: what it can pay, what moves, and what must add up.
#![cfg(test)]

use insurance::genesis::{export, init, Genesis};
use insurance::{balance, can_pay, fund, query, settle, totals, Error, Totals};
use num::QuoteQuantums;
use store::{Ctx, Memory};
use types::{Address, Block, Chain, Coin, Denom, Event, Events, MarketId, Rejection};

fn chain() -> Chain {
    let collateral = Denom::new("uusdc").unwrap();
    Chain { chain_id: "test-1".into(), prefix: "ballast".into(), collateral }
}

fn with<T>(state: &mut Memory, f: impl FnOnce(&mut Ctx<'_>) -> T) -> (T, Vec<Event>) {
    let (block, chain, mut events) = (Block::default(), chain(), Events::default());
    let result = f(&mut Ctx { state, events: &mut events, block: &block, chain: &chain });
    (result, events.take())
}

fn pool() -> Address {
    Address::module("subaccounts")
}

fn quote(raw: i128) -> QuoteQuantums {
    QuoteQuantums::new(raw)
}

/// A fund and a pool that hold this much.
fn start(fund_holds: u128, pool_holds: u128) -> Memory {
    let mut state = Memory::default();
    let coin = |amount| Coin { denom: chain().collateral, amount };
    with(&mut state, |ctx| {
        bank::mint(ctx, &fund(), &coin(fund_holds)).unwrap();
        bank::mint(ctx, &pool(), &coin(pool_holds)).unwrap();
        init(ctx, &Genesis::default()).unwrap();
    });
    state
}

fn pay(state: &mut Memory, delta: i128) -> Result<(), Error> {
    with(state, |ctx| settle(ctx, MarketId(0), quote(delta))).0
}

/// I2: balance = start + paid in - paid out.
fn check(state: &Memory) {
    assert_eq!(totals(state).sum(), Some(balance(state, &chain().collateral)));
}

#[test]
fn d1_a_payment_is_valid_down_to_an_empty_fund() {
    for (id, holds, delta, valid) in [
        ("D1", 9_998_000_000, 0, true),
        ("D1", 0, 1_000_000, true),
        ("D1", 10_000_000_000, -10_000_000_000, true),
        ("D1", 10_000_000_000, -10_000_000_001, false),
        ("D1", 0, -1, false),
        ("beyond 128 bits", 1, i128::MAX, false),
    ] {
        assert_eq!(can_pay(quote(holds), quote(delta)), valid, "{id} {holds} {delta}");
        let mut state = start(u128::try_from(holds).unwrap(), 1_000_000);
        assert_eq!(pay(&mut state, delta).is_ok(), valid, "{id} {holds} {delta}");
        check(&state);
    }
}

#[test]
fn money_moves_between_pool_and_fund_and_is_counted() {
    let mut state = start(100, 100);
    pay(&mut state, 30).unwrap();
    pay(&mut state, -120).unwrap();
    pay(&mut state, 0).unwrap();
    let denom = chain().collateral;
    assert_eq!(balance(&state, &denom), quote(10));
    assert_eq!(bank::balance(&state, &pool(), &denom), 190);
    let expected = Totals {
        start: quote(100),
        paid_in: quote(30),
        paid_out: quote(120),
        payments_in: 1,
        payments_out: 1,
    };
    assert_eq!(totals(&state), expected);
    check(&state);
}

#[test]
fn what_cannot_be_paid_changes_nothing_and_says_why() {
    let mut state = start(10, 10);
    let before: Vec<_> = state.clone().iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    let dry = pay(&mut state, -11).unwrap_err();
    assert_eq!(dry, Error::Dry { has: quote(10), delta: quote(-11) });
    assert_eq!((dry.codespace(), dry.code()), ("insurance", 1));
    let poor = pay(&mut state, 11).unwrap_err();
    assert_eq!((poor.codespace(), poor.code()), ("sdk", 5));
    let after: Vec<_> = state.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    assert_eq!(after, before);
}

#[test]
fn a_payment_tells_amount_and_balance() {
    let mut state = start(100, 0);
    let (_, events) = with(&mut state, |ctx| settle(ctx, MarketId(0), quote(-40)));
    let told = events.last().unwrap();
    assert_eq!(told.kind, "insurance_payment");
    assert_eq!(told.get("amount"), Some(&types::Value::Signed(-40)));
    assert_eq!(told.get("balance"), Some(&types::Value::Signed(60)));
    let (_, events) = with(&mut state, |ctx| settle(ctx, MarketId(0), quote(0)));
    assert!(events.is_empty());
}

#[test]
fn a_genesis_that_is_exported_starts_the_same_fund() {
    let mut state = start(100, 100);
    pay(&mut state, 5).unwrap();
    pay(&mut state, -7).unwrap();
    let genesis = export(&state);
    let before: Vec<_> = state.clone().iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    with(&mut state, |ctx| init(ctx, &genesis)).0.unwrap();
    let after: Vec<_> = state.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    assert_eq!(after, before);
    let wrong =
        Genesis { totals: Some(Totals { start: quote(1), ..Totals::default() }), ..Genesis::default() };
    assert_eq!(with(&mut state, |ctx| init(ctx, &wrong)).0, Err(Error::Totals(quote(98))));
}

#[test]
fn users_cannot_send_to_the_fund() {
    let state = start(0, 0);
    assert!(bank::is_module(&state, &fund()));
}

#[test]
fn the_query_shows_account_and_balance() {
    let answer = query::insurance(&start(300, 0), &chain(), 7);
    assert_eq!(answer.address, fund().to_bech32("ballast"));
    assert_eq!((answer.balance, answer.height), (proto::serint::encode(300), 7));
}
