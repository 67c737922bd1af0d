//! What clients ask of the bank. Read-only; Cosmos wire types in and out.

use alloc::string::String;
use alloc::vec::Vec;

use cosmos_sdk_proto::cosmos::bank::v1beta1 as wire;
use cosmos_sdk_proto::cosmos::base::query::v1beta1::{PageRequest, PageResponse};
use cosmos_sdk_proto::cosmos::base::v1beta1::Coin as WireCoin;
use store::Read;
use types::{Address, Chain, Coin, Denom};

use crate::coins::to_wire;
use crate::msg::address;
use crate::page::Page;
use crate::state::{self, balances_page, MAX_DENOMS, SUPPLY};
use crate::Error;

fn denom(text: &str) -> Result<Denom, Error> {
    Denom::new(text).map_err(|wrong| Error::InvalidCoins(alloc::format!("{wrong}")))
}

fn one(state: &dyn Read, chain: &Chain, holder: &str, name: &str) -> Result<WireCoin, Error> {
    let denom = denom(name)?;
    let amount = state::balance(state, &address("address", holder, chain)?, &denom);
    Ok(to_wire(&Coin { denom, amount }))
}

fn all(
    state: &dyn Read,
    chain: &Chain,
    holder: &str,
    page: Option<&PageRequest>,
) -> Result<(Vec<WireCoin>, PageResponse), Error> {
    let holder = address("address", holder, chain)?;
    let page = Page::read(page)?;
    Ok(page.of(rows(balances_page(state, &holder, None, MAX_DENOMS))))
}

fn rows(coins: Vec<Coin>) -> Vec<(Vec<u8>, WireCoin)> {
    coins.iter().map(|coin| (coin.denom.as_str().as_bytes().to_vec(), to_wire(coin))).collect()
}

/// `Balance`: the coin is there even when its amount is zero.
pub fn balance(
    state: &dyn Read,
    chain: &Chain,
    request: &wire::QueryBalanceRequest,
) -> Result<wire::QueryBalanceResponse, Error> {
    let balance = Some(one(state, chain, &request.address, &request.denom)?);
    Ok(wire::QueryBalanceResponse { balance })
}

/// `AllBalances`, in order of denomination.
pub fn all_balances(
    state: &dyn Read,
    chain: &Chain,
    request: &wire::QueryAllBalancesRequest,
) -> Result<wire::QueryAllBalancesResponse, Error> {
    let (balances, page) = all(state, chain, &request.address, request.pagination.as_ref())?;
    Ok(wire::QueryAllBalancesResponse { balances, pagination: Some(page) })
}

/// `SpendableBalances`: nothing is ever locked in the bank.
pub fn spendable_balances(
    state: &dyn Read,
    chain: &Chain,
    request: &wire::QuerySpendableBalancesRequest,
) -> Result<wire::QuerySpendableBalancesResponse, Error> {
    let (balances, page) = all(state, chain, &request.address, request.pagination.as_ref())?;
    Ok(wire::QuerySpendableBalancesResponse { balances, pagination: Some(page) })
}

/// `SpendableBalanceByDenom`.
pub fn spendable_balance_by_denom(
    state: &dyn Read,
    chain: &Chain,
    request: &wire::QuerySpendableBalanceByDenomRequest,
) -> Result<wire::QuerySpendableBalanceByDenomResponse, Error> {
    let balance = Some(one(state, chain, &request.address, &request.denom)?);
    Ok(wire::QuerySpendableBalanceByDenomResponse { balance })
}

/// `SupplyOf`: zero for a denomination that does not exist.
pub fn supply_of(
    state: &dyn Read,
    request: &wire::QuerySupplyOfRequest,
) -> Result<wire::QuerySupplyOfResponse, Error> {
    let denom = denom(&request.denom)?;
    let amount = state::supply(state, &denom);
    Ok(wire::QuerySupplyOfResponse { amount: Some(to_wire(&Coin { denom, amount })) })
}

/// `TotalSupply`, in order of denomination.
pub fn total_supply(
    state: &dyn Read,
    request: &wire::QueryTotalSupplyRequest,
) -> Result<wire::QueryTotalSupplyResponse, Error> {
    let page = Page::read(request.pagination.as_ref())?;
    let supply = SUPPLY.scan(state, &(), MAX_DENOMS);
    let coins = supply.into_iter().map(|(denom, amount)| Coin { denom, amount }).collect();
    let (supply, page) = page.of(rows(coins));
    Ok(wire::QueryTotalSupplyResponse { supply, pagination: Some(page) })
}

/// `Params`: every denomination may be sent.
pub fn params() -> wire::QueryParamsResponse {
    let params = wire::Params { default_send_enabled: true, ..wire::Params::default() };
    wire::QueryParamsResponse { params: Some(params) }
}

/// `DenomMetadata`: none is kept.
pub fn denom_metadata(
    request: &wire::QueryDenomMetadataRequest,
) -> Result<wire::QueryDenomMetadataResponse, Error> {
    let shown: String = request.denom.chars().take(128).collect();
    Err(Error::NoMetadata(shown))
}

/// `DenomsMetadata`: none is kept.
pub fn denoms_metadata() -> wire::QueryDenomsMetadataResponse {
    wire::QueryDenomsMetadataResponse { metadatas: Vec::new(), pagination: Some(PageResponse::default()) }
}

/// `DenomMetadataByQueryString`: none is kept.
pub fn denom_metadata_by_query_string(
    request: &wire::QueryDenomMetadataByQueryStringRequest,
) -> Result<wire::QueryDenomMetadataByQueryStringResponse, Error> {
    let shown: String = request.denom.chars().take(128).collect();
    Err(Error::NoMetadata(shown))
}

/// `SendEnabled`: no denomination is an exception.
pub fn send_enabled(
    request: &wire::QuerySendEnabledRequest,
) -> Result<wire::QuerySendEnabledResponse, Error> {
    Page::read(request.pagination.as_ref())?;
    Ok(wire::QuerySendEnabledResponse { send_enabled: Vec::new(), pagination: Some(PageResponse::default()) })
}

/// Balances that a page of `DenomOwners` looks at; one where few have the denomination may have few rows, or
/// none, and yet a next page.
pub const MAX_LOOKED_AT: usize = 10_000;

/// `DenomOwners`, in order of address. Pages go by key, which is the address that the page begins with; offsets
/// and pages backwards are refused.
pub fn denom_owners(
    state: &dyn Read,
    chain: &Chain,
    request: &wire::QueryDenomOwnersRequest,
) -> Result<wire::QueryDenomOwnersResponse, Error> {
    let wanted = denom(&request.denom)?;
    let page = Page::read(request.pagination.as_ref())?;
    if page.reverse || page.offset != 0 {
        return Err(Error::InvalidPage("owners are listed forwards and by key only"));
    }
    let from = match page.key.as_slice() {
        [] => None,
        key => {
            Some(Address::new(key.try_into().map_err(|_| Error::InvalidPage("the key is not an address"))?))
        }
    };
    let (mut denom_owners, mut next_key) = (Vec::new(), Vec::new());
    for (looked, holder) in state::holders(state, from).enumerate() {
        if denom_owners.len() >= page.limit || looked >= MAX_LOOKED_AT {
            next_key = holder.bytes().to_vec();
            break;
        }
        let amount = state::balance(state, &holder, &wanted);
        if amount != 0 {
            let balance = Some(to_wire(&Coin { denom: wanted.clone(), amount }));
            denom_owners.push(wire::DenomOwner { address: holder.to_bech32(&chain.prefix), balance });
        }
    }
    let pagination = Some(PageResponse { next_key, total: 0 });
    Ok(wire::QueryDenomOwnersResponse { denom_owners, pagination })
}

/// `DenomOwnersByQuery`: the same.
pub fn denom_owners_by_query(
    state: &dyn Read,
    chain: &Chain,
    request: &wire::QueryDenomOwnersByQueryRequest,
) -> Result<wire::QueryDenomOwnersByQueryResponse, Error> {
    let (denom, pagination) = (request.denom.clone(), request.pagination.clone());
    let wire::QueryDenomOwnersResponse { denom_owners, pagination } =
        denom_owners(state, chain, &wire::QueryDenomOwnersRequest { denom, pagination })?;
    Ok(wire::QueryDenomOwnersByQueryResponse { denom_owners, pagination })
}
