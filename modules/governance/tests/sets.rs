//! Validator sets by height, the authority, and what wallets see of both.
#![cfg(test)]

use cosmos_sdk_proto::cosmos::base::query::v1beta1::PageRequest;
use cosmos_sdk_proto::cosmos::staking::v1beta1 as wire;
use cosmos_sdk_proto::cosmos::upgrade::v1beta1::MsgCancelUpgrade;
use governance::queue::{self, Waiting};
use governance::{genesis, query, Error, Genesis, NewValidator, Validator, MAX_TOTAL_POWER};
use prost::Message;
use store::{Ctx, Memory};
use types::{Address, Block, Chain, Denom, Rejection, Time};

fn chain() -> Chain {
    let collateral = Denom::new("uusdc").unwrap();
    Chain { chain_id: "test-1".into(), prefix: "ballast".into(), collateral }
}

fn with<T>(state: &mut Memory, height: u64, f: impl FnOnce(&mut Ctx<'_>) -> T) -> T {
    let block = Block { height, time: Time::default(), previous_time: Time::default() };
    f(&mut Ctx { state, events: &mut types::Events::default(), block: &block, chain: &chain() })
}

fn validator(key: u8, power: u64) -> Validator {
    Validator::new([key; 32], power, &format!("v{key}"))
}

fn genesis_of(validators: Vec<Validator>) -> Genesis {
    let new = |validator: Validator| NewValidator {
        public_key: validator.public_key,
        power: validator.power,
        moniker: validator.moniker,
    };
    let staking_denom = Some(Denom::new("uballast").unwrap());
    let validators = validators.into_iter().map(new).collect();
    Genesis {
        validators,
        authority: Some(Address::new([9; 20])),
        staking_denom,
        waiting: Vec::new(),
        next: 0,
        plan: None,
        applied: Vec::new(),
    }
}

/// Validators 1 to 4 with powers 10, 30, 20 and 20.
fn start() -> Memory {
    let mut state = Memory::default();
    let set = vec![validator(1, 10), validator(2, 30), validator(3, 20), validator(4, 20)];
    with(&mut state, 0, |ctx| genesis::init(ctx, &genesis_of(set))).unwrap();
    state
}

fn names(set: &[Validator]) -> Vec<&str> {
    set.iter().map(|validator| validator.moniker.as_str()).collect()
}

#[test]
fn a_validator_is_named_by_the_hash_of_its_key() {
    // SHA-256 of 32 zero bytes.
    let expected = [
        0x66, 0x68, 0x7a, 0xad, 0xf8, 0x62, 0xbd, 0x77, 0x6c, 0x8f, 0xc1, 0x8b, 0x8e, 0x9f, 0x8e, 0x20, 0x08,
        0x97, 0x14, 0x85,
    ];
    assert_eq!(Validator::new([0; 32], 1, "").address, expected);
}

#[test]
fn a_set_lists_the_most_powerful_first_and_equals_by_address() {
    let state = start();
    let set = governance::validators(&state);
    let (third, fourth) = (validator(3, 20).address, validator(4, 20).address);
    let middle = if third < fourth { ["v3", "v4"] } else { ["v4", "v3"] };
    assert_eq!(names(&set), ["v2", middle[0], middle[1], "v1"]);
    assert_eq!(governance::total_power(&state), 80);
}

#[test]
fn each_height_has_the_set_that_counted_then() {
    let mut state = start();
    with(&mut state, 10, |ctx| governance::schedule(ctx, 12, vec![validator(5, 7)])).unwrap();
    with(&mut state, 20, |ctx| governance::schedule(ctx, 22, vec![validator(6, 8)])).unwrap();
    for (height, power) in [(0, 80), (1, 80), (11, 80), (12, 7), (21, 7), (22, 8), (u64::MAX, 8)] {
        assert_eq!(governance::total_power_at(&state, height), power, "height {height}");
    }
    assert_eq!(names(&governance::set_at(&state, 12)), ["v5"]);
    assert_eq!(names(&governance::validators(&state)), ["v6"]);
}

#[test]
fn abci_22_a_set_cannot_be_changed_for_a_block_that_already_runs() {
    let mut state = start();
    for height in [0, 9, 10] {
        let error = with(&mut state, 10, |ctx| governance::schedule(ctx, height, vec![validator(5, 7)]));
        assert_eq!(error.unwrap_err().code(), 3);
    }
    assert_eq!(governance::total_power(&state), 80);
}

#[test]
fn abci_22_lists_that_are_no_set_are_refused() {
    let many = (0..=200).map(|key| validator(key, 1)).collect();
    let named = |length: usize| vec![Validator::new([1; 32], 1, &"x".repeat(length))];
    for (name, validators) in [
        ("none", vec![]),
        ("201", many),
        ("twice", vec![validator(1, 1), validator(1, 2)]),
        ("without power", vec![validator(1, 1), validator(2, 0)]),
        ("too much power", vec![validator(1, MAX_TOTAL_POWER), validator(2, 1)]),
        ("power beyond counting", vec![validator(1, u64::MAX), validator(2, u64::MAX)]),
        ("long name", named(71)),
    ] {
        let mut state = Memory::default();
        let error = with(&mut state, 0, |ctx| genesis::init(ctx, &genesis_of(validators))).unwrap_err();
        assert_eq!((error.codespace(), error.code()), ("governance", 3), "{name}");
        assert!(state.is_empty(), "{name}");
    }
    for validators in [vec![validator(1, MAX_TOTAL_POWER)], named(70)] {
        with(&mut Memory::default(), 0, |ctx| genesis::init(ctx, &genesis_of(validators))).unwrap();
    }
}

#[test]
fn a_genesis_that_is_exported_starts_the_same_governance() {
    let state = start();
    let exported = genesis::export(&state);
    let mut second = Memory::default();
    with(&mut second, 0, |ctx| genesis::init(ctx, &exported)).unwrap();
    assert!(second.iter().eq(state.iter()));
    assert_eq!(exported.authority, Some(Address::new([9; 20])));
}

#[test]
fn administrative_messages_are_refused_by_name() {
    for type_url in [
        "/cosmos.gov.v1.MsgSubmitProposal",
        "/cosmos.staking.v1beta1.MsgDelegate",
        "/cosmos.consensus.v1.MsgUpdateParams",
        "/dydxprotocol.clob.MsgCreateClobPair",
        "/dydxprotocol.sending.MsgSendFromModuleToAccount",
        "/dydxprotocol.delaymsg.MsgDelayMessage",
    ] {
        assert!(governance::is_administrative(type_url), "{type_url}");
        let error = governance::refuse(type_url);
        assert_eq!((error.codespace(), error.code()), ("governance", 2));
        assert_eq!(error.to_string(), format!("{type_url} is not available on this chain"));
    }
    for type_url in ["/cosmos.bank.v1beta1.MsgSend", "/dydxprotocol.clob.MsgUpdateLeverage", ""] {
        assert!(!governance::is_administrative(type_url), "{type_url}");
    }
}

#[test]
fn only_the_authority_is_the_authority() {
    let state = start();
    assert_eq!(governance::require_authority(&state, &Address::new([9; 20])), Ok(()));
    let stranger = Address::new([8; 20]);
    let error = governance::require_authority(&state, &stranger).unwrap_err();
    assert_eq!((error.clone(), error.code()), (Error::NotAuthority(stranger), 4));
    assert_eq!(governance::authority(&Memory::default()), Address::module("gov"));
}

#[test]
fn wallets_see_bonded_validators_in_pages() {
    let state = start();
    let ask = |status: &str, key: Vec<u8>| {
        let pagination = Some(PageRequest { limit: 3, key, ..Default::default() });
        let request = wire::QueryValidatorsRequest { status: status.into(), pagination };
        query::validators(&state, &chain(), &request).unwrap()
    };
    let first = ask("BOND_STATUS_BONDED", vec![]);
    let page = first.pagination.unwrap();
    let rest = ask("", page.next_key);
    assert_eq!((first.validators.len(), rest.validators.len(), page.total), (3, 1, 4));
    let top = &first.validators[0];
    assert_eq!((top.tokens.as_str(), top.delegator_shares.as_str()), ("30", "30000000000000000000"));
    assert_eq!((top.status, top.description.as_ref().unwrap().moniker.as_str()), (3, "v2"));
    assert!(top.operator_address.starts_with("ballastvaloper1"));
    assert!(ask("BOND_STATUS_UNBONDED", vec![]).validators.is_empty());
    let request = wire::QueryValidatorRequest { validator_addr: top.operator_address.clone() };
    assert_eq!(query::validator(&state, &chain(), &request).unwrap().validator.as_ref(), Some(top));
    let request = wire::QueryValidatorRequest { validator_addr: "nobody".into() };
    assert_eq!(query::validator(&state, &chain(), &request).unwrap_err().code(), 22);
}

#[test]
fn wallets_see_what_staking_there_is() {
    let state = start();
    let params = query::params(&state, &chain()).params.unwrap();
    assert_eq!((params.bond_denom.as_str(), params.max_validators), ("uballast", 200));
    assert!(params.historical_entries > 0 && params.unbonding_time.unwrap().seconds > 0);
    let pool = query::pool(&state).pool.unwrap();
    assert_eq!((pool.bonded_tokens.as_str(), pool.not_bonded_tokens.as_str()), ("80", "0"));
    assert!(query::delegator_delegations().delegation_responses.is_empty());
    assert!(query::delegator_unbonding_delegations().unbonding_responses.is_empty());
    let plain = query::params(&Memory::default(), &chain()).params.unwrap();
    assert_eq!(plain.bond_denom, "uusdc");
}

#[test]
fn changes_that_wait_are_told_the_block_that_carries_them_out() {
    let cancel = MsgCancelUpgrade { authority: Address::new([9; 20]).to_bech32("ballast") };
    let waiting = Waiting {
        since: 0,
        type_url: "/cosmos.upgrade.v1beta1.MsgCancelUpgrade".into(),
        bytes: cancel.encode_to_vec(),
    };
    let mut state = Memory::default();
    let genesis =
        Genesis { waiting: vec![waiting.clone(); 23], next: 30, ..genesis_of(vec![validator(1, 1)]) };
    with(&mut state, 0, |ctx| genesis::init(ctx, &genesis)).unwrap();
    let due = queue::due(&state, 5);
    let told: Vec<(u64, u64)> = due.iter().map(|due| (due.number, due.height)).collect();
    let expected: Vec<(u64, u64)> = (7..30).map(|number| (number, 6 + (number - 7) / 10)).collect();
    assert_eq!((told, queue::next_number(&state)), (expected, 30));
    assert!(due.iter().all(|due| due.change == waiting));
}
