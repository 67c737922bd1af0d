//! The bank at the start of a chain, and transfers between modules.
#![cfg(test)]

use bank::genesis::{self, Balance, Genesis};
use bank::Error;
use store::{Ctx, Memory};
use types::{Address, Block, Chain, Coin, Denom, Rejection};

fn coin(amount: u128, name: &str) -> Coin {
    Coin { denom: Denom::new(name).unwrap(), amount }
}

fn person(name: u8) -> Address {
    Address::new([name; 20])
}

fn with<T>(state: &mut Memory, f: impl FnOnce(&mut Ctx<'_>) -> T) -> (T, usize) {
    let (block, mut events) = (Block::default(), types::Events::default());
    let collateral = Denom::new("uusdc").unwrap();
    let chain = Chain { chain_id: "test-1".into(), prefix: "ballast".into(), collateral };
    let result = f(&mut Ctx { state, events: &mut events, block: &block, chain: &chain });
    (result, events.len())
}

fn rows(state: &Memory) -> Vec<(Vec<u8>, Vec<u8>)> {
    state.iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
}

/// Person 1 holds 100 ualpha and 50 uusdc.
fn start() -> Memory {
    let mut state = Memory::default();
    let balances = vec![Balance { address: person(1), coins: vec![coin(100, "ualpha"), coin(50, "uusdc")] }];
    let genesis = Genesis { balances, modules: vec!["subaccounts".into()] };
    with(&mut state, |ctx| genesis::init(ctx, &genesis)).0.unwrap();
    state
}

#[test]
fn a_module_may_send_to_a_module_and_nothing_at_all() {
    let mut state = start();
    let pool = Address::module("subaccounts");
    let (sent, events) = with(&mut state, |ctx| bank::transfer(ctx, &person(1), &pool, &coin(9, "uusdc")));
    assert_eq!((sent, events), (Ok(()), 3));
    assert_eq!(bank::balance(&state, &pool, &coin(0, "uusdc").denom), 9);
    let nothing = with(&mut state, |ctx| bank::transfer(ctx, &person(9), &pool, &coin(0, "uusdc")));
    assert_eq!(nothing, (Ok(()), 0));
    let (sent, _) = with(&mut state, |ctx| bank::transfer(ctx, &pool, &person(1), &coin(10, "uusdc")));
    let error = sent.unwrap_err();
    assert_eq!(error, Error::InsufficientFunds { has: 9, needs: coin(10, "uusdc") });
    assert_eq!(error.to_string(), "balance 9uusdc is smaller than 10uusdc: insufficient funds");
}

#[test]
fn several_coins_move_together_or_not_at_all() {
    let mut state = start();
    let before = rows(&state);
    let coins = [coin(1, "ualpha"), coin(51, "uusdc")];
    let (sent, events) = with(&mut state, |ctx| bank::transfer_coins(ctx, &person(1), &person(2), &coins));
    assert_eq!((sent.unwrap_err().code(), events), (5, 0));
    assert_eq!(rows(&state), before);
}

#[test]
fn a_genesis_that_is_exported_starts_the_same_bank() {
    let mut state = start();
    with(&mut state, |ctx| bank::transfer(ctx, &person(1), &person(3), &coin(50, "uusdc"))).0.unwrap();
    let exported = genesis::export(&state);
    let mut second = Memory::default();
    with(&mut second, |ctx| genesis::init(ctx, &exported)).0.unwrap();
    assert_eq!(rows(&second), rows(&state));
    assert_eq!(genesis::export(&second), exported);
    assert_eq!(exported.modules.len(), 2);
}

#[test]
fn an_impossible_genesis_is_refused() {
    let max = coin(u128::MAX, "uusdc");
    let row = |address, coins| Balance { address, coins };
    for balances in [
        vec![row(person(1), vec![max.clone()]), row(person(2), vec![coin(1, "uusdc")])],
        vec![row(person(1), vec![coin(1, "uusdc")]), row(person(1), vec![coin(1, "ualpha")])],
        vec![row(person(1), vec![coin(1, "uusdc"), coin(1, "uusdc")])],
        vec![row(person(1), vec![coin(0, "uusdc")])],
    ] {
        let genesis = Genesis { balances, modules: vec![] };
        let (result, _) = with(&mut Memory::default(), |ctx| genesis::init(ctx, &genesis));
        assert_eq!(result.unwrap_err().code(), 10);
    }
}
