//! What clients ask about accounts. Read-only; Cosmos wire types in and out.

use alloc::string::String;
use alloc::vec::Vec;

use bank::page::Page;
use cosmos_sdk_proto::cosmos::auth::v1beta1 as wire;
use cosmos_sdk_proto::cosmos::base::query::v1beta1::PageResponse;
use cosmos_sdk_proto::cosmos::crypto::secp256k1::PubKey;
use cosmos_sdk_proto::Any;
use prost::Message;
use store::Read;
use types::{Address, Chain};

use crate::state::{next_number, Account, ACCOUNTS};
use crate::tx::{Limits, SECP256K1_KEY};
use crate::{gas, Error};

const BASE_ACCOUNT: &str = "/cosmos.auth.v1beta1.BaseAccount";
const MODULE_ACCOUNT: &str = "/cosmos.auth.v1beta1.ModuleAccount";

fn base(chain: &Chain, address: &Address, account: &Account) -> wire::BaseAccount {
    let key = |key: &[u8; 33]| Any {
        type_url: SECP256K1_KEY.into(),
        value: PubKey { key: key.to_vec() }.encode_to_vec(),
    };
    wire::BaseAccount {
        address: address.to_bech32(&chain.prefix),
        pub_key: account.public_key.as_ref().map(key),
        account_number: account.number,
        sequence: account.sequence,
    }
}

fn any(chain: &Chain, address: &Address, account: &Account, module: Option<String>) -> Any {
    let base = base(chain, address, account);
    match module {
        None => Any { type_url: BASE_ACCOUNT.into(), value: base.encode_to_vec() },
        Some(name) => {
            let module = wire::ModuleAccount { base_account: Some(base), name, permissions: Vec::new() };
            Any { type_url: MODULE_ACCOUNT.into(), value: module.encode_to_vec() }
        }
    }
}

fn module_name(state: &dyn Read, address: &Address) -> Option<String> {
    let modules = bank::module_accounts(state);
    modules.into_iter().find(|(module, _)| module == address).map(|(_, name)| name)
}

fn find(state: &dyn Read, chain: &Chain, text: &str) -> Result<(Address, Account), Error> {
    let address = Address::from_bech32(text, &chain.prefix).map_err(|wrong| bank::Error::InvalidAddress {
        field: "address",
        reason: alloc::format!("{wrong}"),
    })?;
    let account = ACCOUNTS.get(state, &address).ok_or_else(|| Error::NotFound(text.into()))?;
    Ok((address, account))
}

/// `Account`: a `BaseAccount`, or a `ModuleAccount` for a module. Refused (22) when there is none.
pub fn account(
    state: &dyn Read,
    chain: &Chain,
    request: &wire::QueryAccountRequest,
) -> Result<wire::QueryAccountResponse, Error> {
    let (address, account) = find(state, chain, &request.address)?;
    let account = any(chain, &address, &account, module_name(state, &address));
    Ok(wire::QueryAccountResponse { account: Some(account) })
}

/// `AccountInfo`: the plain account in any case.
pub fn account_info(
    state: &dyn Read,
    chain: &Chain,
    request: &wire::QueryAccountInfoRequest,
) -> Result<wire::QueryAccountInfoResponse, Error> {
    let (address, account) = find(state, chain, &request.address)?;
    Ok(wire::QueryAccountInfoResponse { info: Some(base(chain, &address, &account)) })
}

/// `Accounts`, in order of address. The total counts account numbers.
pub fn accounts(
    state: &dyn Read,
    chain: &Chain,
    request: &wire::QueryAccountsRequest,
) -> Result<wire::QueryAccountsResponse, Error> {
    let page = Page::read(request.pagination.as_ref())?;
    let refused = |reason| Error::Bank(bank::Error::InvalidPage(reason));
    let from = match page.key.as_slice() {
        [] => None,
        key => Some(Address::new(key.try_into().map_err(|_| refused("the key is not an address"))?)),
    };
    let wanted = page.offset.saturating_add(page.limit).saturating_add(1);
    let rows = match page.reverse {
        false => ACCOUNTS.page(state, from.as_ref(), wanted),
        true => ACCOUNTS.page_back(state, from.as_ref(), wanted),
    };
    let mut rows = rows.into_iter().skip(page.offset);
    let found = rows.by_ref().take(page.limit);
    let accounts =
        found.map(|(address, account)| any(chain, &address, &account, module_name(state, &address)));
    let accounts = accounts.collect();
    let next_key = rows.next().map(|(address, _)| address.bytes().to_vec()).unwrap_or_default();
    let total = if from.is_none() { next_number(state) } else { 0 };
    Ok(wire::QueryAccountsResponse { accounts, pagination: Some(PageResponse { next_key, total }) })
}

/// `ModuleAccounts`, in order of address.
pub fn module_accounts(state: &dyn Read, chain: &Chain) -> wire::QueryModuleAccountsResponse {
    let accounts = bank::module_accounts(state).into_iter().map(|(address, name)| {
        let account = ACCOUNTS.get(state, &address).unwrap_or_default();
        any(chain, &address, &account, Some(name))
    });
    wire::QueryModuleAccountsResponse { accounts: accounts.collect() }
}

/// `ModuleAccountByName`. Refused (22) when no module has that name.
pub fn module_account_by_name(
    state: &dyn Read,
    chain: &Chain,
    request: &wire::QueryModuleAccountByNameRequest,
) -> Result<wire::QueryModuleAccountByNameResponse, Error> {
    let address = Address::module(&request.name);
    let name = module_name(state, &address)
        .ok_or_else(|| Error::NotFound(request.name.chars().take(128).collect()))?;
    let account = ACCOUNTS.get(state, &address).unwrap_or_default();
    let account = Some(any(chain, &address, &account, Some(name)));
    Ok(wire::QueryModuleAccountByNameResponse { account })
}

/// `Params`: the limits that hold for transactions.
pub fn params(limits: &Limits) -> wire::QueryParamsResponse {
    let params = wire::Params {
        max_memo_characters: u64::try_from(limits.memo).unwrap_or(u64::MAX),
        tx_sig_limit: 1,
        tx_size_cost_per_byte: gas::PER_BYTE,
        sig_verify_cost_ed25519: 0,
        sig_verify_cost_secp256k1: gas::PER_SIGNATURE,
    };
    wire::QueryParamsResponse { params: Some(params) }
}

/// `Bech32Prefix`.
pub fn bech32_prefix(chain: &Chain) -> wire::Bech32PrefixResponse {
    wire::Bech32PrefixResponse { bech32_prefix: chain.prefix.clone() }
}

/// `AddressBytesToString`. Refused when it is no address.
pub fn address_bytes_to_string(
    chain: &Chain,
    request: &wire::AddressBytesToStringRequest,
) -> Result<wire::AddressBytesToStringResponse, Error> {
    let wrong = |_| bank::Error::InvalidAddress { field: "address_bytes", reason: "not 20 bytes".into() };
    let address = Address::new(request.address_bytes.as_slice().try_into().map_err(wrong)?);
    Ok(wire::AddressBytesToStringResponse { address_string: address.to_bech32(&chain.prefix) })
}

/// `AddressStringToBytes`. Refused when it is no address of this chain.
pub fn address_string_to_bytes(
    chain: &Chain,
    request: &wire::AddressStringToBytesRequest,
) -> Result<wire::AddressStringToBytesResponse, Error> {
    let wrong =
        |wrong| bank::Error::InvalidAddress { field: "address_string", reason: alloc::format!("{wrong}") };
    let address = Address::from_bech32(&request.address_string, &chain.prefix).map_err(wrong)?;
    Ok(wire::AddressStringToBytesResponse { address_bytes: address.bytes().to_vec() })
}
