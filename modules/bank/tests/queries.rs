//! Answers to clients.
#![cfg(test)]

use bank::genesis::{self, Balance, Genesis};
use bank::page::Page;
use bank::query;
use cosmos_sdk_proto::cosmos::bank::v1beta1 as wire;
use cosmos_sdk_proto::cosmos::base::query::v1beta1::PageRequest;
use store::{Ctx, Memory};
use types::{Address, Block, Chain, Coin, Denom, Rejection};

fn chain() -> Chain {
    Chain { chain_id: "test-1".into(), prefix: "ballast".into(), collateral: Denom::new("uusdc").unwrap() }
}

/// One person with 1 uaa, 2 ubb, ... 5 uee; another with 10 uaa.
fn state() -> Memory {
    let mut state = Memory::default();
    let coin = |name: &str, amount| Coin { denom: Denom::new(name).unwrap(), amount };
    let many = ["uaa", "ubb", "ucc", "udd", "uee"];
    let coins = many.iter().zip(1..).map(|(name, amount)| coin(name, amount)).collect();
    let balances = vec![
        Balance { address: Address::new([1; 20]), coins },
        Balance { address: Address::new([2; 20]), coins: vec![coin("uaa", 10)] },
    ];
    let (block, chain) = (Block::default(), chain());
    let mut ctx =
        Ctx { state: &mut state, events: &mut types::Events::default(), block: &block, chain: &chain };
    genesis::init(&mut ctx, &Genesis { balances, modules: vec![] }).unwrap();
    state
}

fn who(byte: u8) -> String {
    Address::new([byte; 20]).to_bech32("ballast")
}

fn page(pagination: PageRequest) -> (Vec<String>, Vec<u8>, u64) {
    let request =
        wire::QueryAllBalancesRequest { address: who(1), pagination: Some(pagination), resolve_denom: false };
    let answer = query::all_balances(&state(), &chain(), &request).unwrap();
    let page = answer.pagination.unwrap();
    let names = answer.balances.iter().map(|coin| format!("{}{}", coin.amount, coin.denom)).collect();
    (names, page.next_key, page.total)
}

#[test]
fn a_balance_is_answered_even_when_it_is_zero() {
    for (address, denom, amount) in [(1, "ucc", "3"), (2, "ucc", "0"), (9, "uaa", "0")] {
        let request = wire::QueryBalanceRequest { address: who(address), denom: denom.into() };
        let balance = query::balance(&state(), &chain(), &request).unwrap().balance.unwrap();
        assert_eq!((balance.denom.as_str(), balance.amount.as_str()), (denom, amount));
        let request =
            wire::QuerySpendableBalanceByDenomRequest { address: who(address), denom: denom.into() };
        let spendable = query::spendable_balance_by_denom(&state(), &chain(), &request).unwrap();
        assert_eq!(spendable.balance.unwrap(), balance);
    }
    let request = wire::QueryBalanceRequest { address: "nobody".into(), denom: "ucc".into() };
    assert_eq!(query::balance(&state(), &chain(), &request).unwrap_err().code(), 7);
}

#[test]
fn balances_come_in_pages_by_key_by_offset_and_backwards() {
    let request = PageRequest { limit: 2, ..Default::default() };
    assert_eq!(page(request), (vec!["1uaa".into(), "2ubb".into()], b"ucc".to_vec(), 5));
    let request = PageRequest { limit: 2, key: b"ucc".to_vec(), ..Default::default() };
    assert_eq!(page(request), (vec!["3ucc".into(), "4udd".into()], b"uee".to_vec(), 0));
    let request = PageRequest { limit: 2, key: b"uee".to_vec(), ..Default::default() };
    assert_eq!(page(request), (vec!["5uee".into()], vec![], 0));
    let request = PageRequest { offset: 4, ..Default::default() };
    assert_eq!(page(request), (vec!["5uee".into()], vec![], 5));
    let request = PageRequest { limit: 2, reverse: true, ..Default::default() };
    assert_eq!(page(request), (vec!["5uee".into(), "4udd".into()], b"ucc".to_vec(), 5));
    let request = PageRequest { limit: 2, reverse: true, key: b"ucc".to_vec(), ..Default::default() };
    assert_eq!(page(request), (vec!["3ucc".into(), "2ubb".into()], b"uaa".to_vec(), 0));
    assert_eq!(page(PageRequest::default()).0.len(), 5);
}

#[test]
fn pages_are_bounded() {
    let both = PageRequest { key: vec![1], offset: 1, ..Default::default() };
    let deep = PageRequest { offset: 10_001, ..Default::default() };
    assert_eq!(Page::read(Some(&both)).unwrap_err().code(), 18);
    assert_eq!(Page::read(Some(&deep)).unwrap_err().code(), 18);
    let greedy = PageRequest { limit: u64::MAX, ..Default::default() };
    assert_eq!(Page::read(Some(&greedy)).unwrap().limit, 1_000);
    assert_eq!(Page::read(None).unwrap().limit, 100);
}

#[test]
fn supply_is_the_sum_of_all_balances() {
    let request = wire::QuerySupplyOfRequest { denom: "uaa".into() };
    assert_eq!(query::supply_of(&state(), &request).unwrap().amount.unwrap().amount, "11");
    let request = wire::QuerySupplyOfRequest { denom: "nothing".into() };
    assert_eq!(query::supply_of(&state(), &request).unwrap().amount.unwrap().amount, "0");
    let total = query::total_supply(&state(), &wire::QueryTotalSupplyRequest::default()).unwrap();
    let amounts: Vec<_> = total.supply.iter().map(|coin| coin.amount.as_str()).collect();
    assert_eq!(amounts, ["11", "2", "3", "4", "5"]);
}

#[test]
fn everything_may_be_sent_and_nothing_is_described() {
    assert!(query::params().params.unwrap().default_send_enabled);
    assert!(query::denoms_metadata().metadatas.is_empty());
    let request = wire::QueryDenomMetadataRequest { denom: "uaa".into() };
    let error = query::denom_metadata(&request).unwrap_err();
    assert_eq!((error.codespace(), error.code()), ("bank", 6));
}

/// A page of the owners of uaa, from `key` on: how many, and the next key.
fn owners(state: &Memory, key: Vec<u8>) -> (usize, Vec<u8>) {
    let pagination = Some(PageRequest { key, limit: 5, ..PageRequest::default() });
    let request = wire::QueryDenomOwnersRequest { denom: "uaa".into(), pagination };
    let answer = query::denom_owners(state, &chain(), &request).unwrap();
    (answer.denom_owners.len(), answer.pagination.unwrap().next_key)
}

#[test]
fn net_09_a_page_of_owners_looks_at_a_bounded_number_of_holders() {
    let mut state = Memory::default();
    let holder = |number: u32| {
        let mut bytes = [0xff; 20];
        bytes[..4].copy_from_slice(&number.to_be_bytes());
        Address::new(bytes)
    };
    let count = u32::try_from(query::MAX_LOOKED_AT).unwrap() + 7;
    let balance = |number: u32, denom: &str| {
        let coin = Coin { denom: Denom::new(denom).unwrap(), amount: 1 };
        Balance { address: holder(number), coins: vec![coin] }
    };
    // The last address that there can be is one of two who have the coin.
    let mut balances: Vec<Balance> = (0..count).map(|number| balance(number, "ubb")).collect();
    balances.extend([balance(count, "uaa"), balance(u32::MAX, "uaa")]);
    let (block, chain) = (Block::default(), chain());
    let mut ctx =
        Ctx { state: &mut state, events: &mut types::Events::default(), block: &block, chain: &chain };
    genesis::init(&mut ctx, &Genesis { balances, modules: vec![] }).unwrap();
    let (found, next) = owners(&state, Vec::new());
    assert_eq!(
        (found, next.clone()),
        (0, holder(u32::try_from(query::MAX_LOOKED_AT).unwrap()).bytes().to_vec())
    );
    assert_eq!(owners(&state, next), (2, Vec::new()));
}
