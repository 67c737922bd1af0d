//! Account numbers, and what clients ask about accounts.

use accounts::{account, ensure, query, Account, Genesis, Limits};
use cosmos_sdk_proto::cosmos::auth::v1beta1 as wire;
use cosmos_sdk_proto::cosmos::base::query::v1beta1::PageRequest;
use cosmos_sdk_proto::Any;
use prost::Message;
use types::{Address, Rejection};

use crate::world::{address, any_key, chain, key, Draft, World};

fn base(any: Option<Any>) -> wire::BaseAccount {
    let any = any.unwrap();
    assert_eq!(any.type_url, "/cosmos.auth.v1beta1.BaseAccount");
    wire::BaseAccount::decode(any.value.as_slice()).unwrap()
}

fn ask(world: &World, text: String) -> Result<wire::QueryAccountResponse, accounts::Error> {
    query::account(&world.state, &chain(), &wire::QueryAccountRequest { address: text })
}

#[test]
fn whoever_receives_coins_gets_the_next_number_once() {
    let mut world = World::new();
    // After person 1 with number 7 came the two module accounts.
    for (person, number) in [(2, 10), (3, 11), (2, 10)] {
        world.with(|ctx| ensure(ctx, &address(person)));
        let expected = Account { number, sequence: 0, public_key: None };
        assert_eq!(account(&world.state, &address(person)), Some(expected));
    }
    assert_eq!(accounts::state::next_number(&world.state), 12);
}

#[test]
fn an_account_is_answered_with_its_key_once_that_is_known() {
    let mut world = World::new();
    let text = address(1).to_bech32("ballast");
    let mut expected =
        wire::BaseAccount { address: text.clone(), pub_key: None, account_number: 7, sequence: 3 };
    assert_eq!(base(ask(&world, text.clone()).unwrap().account), expected);
    world.submit(&Draft::new().bytes()).unwrap();
    expected = wire::BaseAccount { sequence: 4, pub_key: Some(any_key(&key(1))), ..expected };
    assert_eq!(base(ask(&world, text.clone()).unwrap().account), expected);
    let request = wire::QueryAccountInfoRequest { address: text };
    assert_eq!(query::account_info(&world.state, &chain(), &request).unwrap().info, Some(expected));
}

#[test]
fn an_account_that_is_not_there_is_not_found_in_words_that_clients_read() {
    let world = World::new();
    let text = address(9).to_bech32("ballast");
    let error = ask(&world, text.clone()).unwrap_err();
    assert_eq!((error.codespace(), error.code()), ("sdk", 22));
    assert_eq!(error.to_string(), format!("account {text} not found: key not found"));
    assert_eq!(ask(&world, address(1).to_bech32("dydx")).unwrap_err().code(), 7);
}

#[test]
fn module_accounts_are_named() {
    let world = World::new();
    let listed = query::module_accounts(&world.state, &chain()).accounts;
    let modules = listed.iter().map(|any| wire::ModuleAccount::decode(any.value.as_slice()).unwrap());
    let mut names: Vec<String> = modules.map(|module| module.name).collect();
    names.sort();
    assert_eq!(names, ["fee_collector", "subaccounts"]);
    let by_address = ask(&world, Address::module("subaccounts").to_bech32("ballast")).unwrap();
    assert_eq!(by_address.account.as_ref().unwrap().type_url, "/cosmos.auth.v1beta1.ModuleAccount");
    let request = wire::QueryModuleAccountByNameRequest { name: "subaccounts".into() };
    let by_name = query::module_account_by_name(&world.state, &chain(), &request).unwrap();
    assert_eq!(by_name.account, by_address.account);
    let request = wire::QueryModuleAccountByNameRequest { name: "nobody".into() };
    assert_eq!(query::module_account_by_name(&world.state, &chain(), &request).unwrap_err().code(), 22);
}

#[test]
fn accounts_are_listed_in_pages() {
    let mut world = World::new();
    for person in 2..6 {
        world.with(|ctx| ensure(ctx, &address(person)));
    }
    let page = |key: Vec<u8>, offset| {
        let pagination = Some(PageRequest { key, offset, limit: 3, ..Default::default() });
        let request = wire::QueryAccountsRequest { pagination };
        query::accounts(&world.state, &chain(), &request).unwrap()
    };
    let first = page(vec![], 0);
    let next = first.pagination.clone().unwrap().next_key;
    let second = page(next, 0);
    let last = page(second.pagination.clone().unwrap().next_key, 0);
    assert_eq!((first.accounts.len(), second.accounts.len(), last.accounts.len()), (3, 3, 1));
    assert!(last.pagination.as_ref().unwrap().next_key.is_empty());
    assert_eq!(page(vec![], 3).accounts, second.accounts);
    let ask = |pagination| {
        let request = wire::QueryAccountsRequest { pagination: Some(pagination) };
        query::accounts(&world.state, &chain(), &request)
    };
    let (mut found, mut key) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let request = PageRequest { key, limit: 3, reverse: true, ..Default::default() };
        let page = ask(request).unwrap();
        found.extend(page.accounts);
        key = page.pagination.unwrap().next_key;
    }
    found.reverse();
    let rising = [first.accounts, second.accounts, last.accounts].concat();
    assert_eq!((found, key), (rising, Vec::new()));
    assert_eq!(ask(PageRequest { key: vec![1], ..Default::default() }).unwrap_err().code(), 18);
}

#[test]
fn limits_are_told() {
    let params = query::params(&Limits::default()).params.unwrap();
    assert_eq!((params.max_memo_characters, params.tx_sig_limit), (256, 1));
    assert_eq!((params.tx_size_cost_per_byte, params.sig_verify_cost_secp256k1), (10, 1_000));
    assert_eq!(query::bech32_prefix(&chain()).bech32_prefix, "ballast");
}

#[test]
fn a_genesis_that_is_exported_starts_the_same_accounts() {
    let mut world = World::new();
    world.submit(&Draft::new().bytes()).unwrap();
    let exported = accounts::genesis::export(&world.state);
    let mut second = World::new();
    second.state = store::Memory::default();
    second.with(|ctx| accounts::genesis::init(ctx, &exported)).unwrap();
    assert_eq!(accounts::genesis::export(&second.state), exported);
    assert_eq!(accounts::state::next_number(&second.state), accounts::state::next_number(&world.state));
}

#[test]
fn a_genesis_that_names_an_account_or_number_twice_is_refused() {
    let row = |person, number| (address(person), Account { number, sequence: 0, public_key: None });
    for accounts in [vec![row(1, 1), row(1, 2)], vec![row(1, 1), row(2, 1)], vec![row(1, u64::MAX)]] {
        let mut world = World::new();
        world.state = store::Memory::default();
        let genesis = Genesis { accounts };
        assert_eq!(world.with(|ctx| accounts::genesis::init(ctx, &genesis)).unwrap_err().code(), 18);
    }
}
