//! The Cosmos services that wallets and relayers call.

use cosmos_sdk_proto::cosmos::tx::v1beta1::{
    Tx, TxDecodeRequest, TxDecodeResponse, TxEncodeRequest, TxEncodeResponse,
};
use cosmos_sdk_proto::cosmos::upgrade::v1beta1::{
    ModuleVersion, QueryModuleVersionsRequest, QueryModuleVersionsResponse,
};
use prost::Message;
use store::Read;

use super::{Answered, Call, Failure};

/// What is answered here.
pub(super) const METHODS: &[&str] = &[
    "cosmos.auth.v1beta1.Query/Account",
    "cosmos.auth.v1beta1.Query/AccountInfo",
    "cosmos.auth.v1beta1.Query/Accounts",
    "cosmos.auth.v1beta1.Query/AddressBytesToString",
    "cosmos.auth.v1beta1.Query/AddressStringToBytes",
    "cosmos.auth.v1beta1.Query/Bech32Prefix",
    "cosmos.auth.v1beta1.Query/ModuleAccountByName",
    "cosmos.auth.v1beta1.Query/ModuleAccounts",
    "cosmos.auth.v1beta1.Query/Params",
    "cosmos.bank.v1beta1.Query/AllBalances",
    "cosmos.bank.v1beta1.Query/Balance",
    "cosmos.bank.v1beta1.Query/DenomMetadata",
    "cosmos.bank.v1beta1.Query/DenomMetadataByQueryString",
    "cosmos.bank.v1beta1.Query/DenomOwners",
    "cosmos.bank.v1beta1.Query/DenomOwnersByQuery",
    "cosmos.bank.v1beta1.Query/DenomsMetadata",
    "cosmos.bank.v1beta1.Query/Params",
    "cosmos.bank.v1beta1.Query/SendEnabled",
    "cosmos.bank.v1beta1.Query/SpendableBalanceByDenom",
    "cosmos.bank.v1beta1.Query/SpendableBalances",
    "cosmos.bank.v1beta1.Query/SupplyOf",
    "cosmos.bank.v1beta1.Query/TotalSupply",
    "cosmos.staking.v1beta1.Query/DelegatorDelegations",
    "cosmos.staking.v1beta1.Query/DelegatorUnbondingDelegations",
    "cosmos.staking.v1beta1.Query/Params",
    "cosmos.staking.v1beta1.Query/Pool",
    "cosmos.staking.v1beta1.Query/Validator",
    "cosmos.staking.v1beta1.Query/Validators",
    "cosmos.tx.v1beta1.Service/TxDecode",
    "cosmos.tx.v1beta1.Service/TxEncode",
    "cosmos.upgrade.v1beta1.Query/AppliedPlan",
    "cosmos.upgrade.v1beta1.Query/Authority",
    "cosmos.upgrade.v1beta1.Query/CurrentPlan",
    "cosmos.upgrade.v1beta1.Query/ModuleVersions",
];

pub(super) fn call(call: &Call<'_>, service: &str, method: &str) -> Answered {
    match service {
        "cosmos.auth.v1beta1.Query" => auth(call, method),
        "cosmos.bank.v1beta1.Query" => bank(call, method),
        "cosmos.staking.v1beta1.Query" => staking(call, method),
        "cosmos.tx.v1beta1.Service" => tx(call, method),
        "cosmos.upgrade.v1beta1.Query" => upgrade(call, method),
        _ => None,
    }
}

fn auth(call: &Call<'_>, method: &str) -> Answered {
    use accounts::query;
    let (state, chain) = (call.state, call.chain);
    match method {
        "Account" => call.with(|request| query::account(state, chain, request)),
        "AccountInfo" => call.with(|request| query::account_info(state, chain, request)),
        "Accounts" => call.with(|request| query::accounts(state, chain, request)),
        "AddressBytesToString" => call.with(|request| query::address_bytes_to_string(chain, request)),
        "AddressStringToBytes" => call.with(|request| query::address_string_to_bytes(chain, request)),
        "Bech32Prefix" => call.plain(&query::bech32_prefix(chain)),
        "ModuleAccountByName" => call.with(|request| query::module_account_by_name(state, chain, request)),
        "ModuleAccounts" => call.plain(&query::module_accounts(state, chain)),
        "Params" => call.plain(&query::params(&accounts::Limits::default())),
        _ => None,
    }
}

fn bank(call: &Call<'_>, method: &str) -> Answered {
    use bank::query;
    let (state, chain) = (call.state, call.chain);
    match method {
        "AllBalances" => call.with(|request| query::all_balances(state, chain, request)),
        "Balance" => call.with(|request| query::balance(state, chain, request)),
        "DenomMetadata" => call.with(query::denom_metadata),
        "DenomMetadataByQueryString" => call.with(query::denom_metadata_by_query_string),
        "DenomOwners" => call.with(|request| query::denom_owners(state, chain, request)),
        "DenomOwnersByQuery" => call.with(|request| query::denom_owners_by_query(state, chain, request)),
        "DenomsMetadata" => call.plain(&query::denoms_metadata()),
        "Params" => call.plain(&query::params()),
        "SendEnabled" => call.with(query::send_enabled),
        "SpendableBalanceByDenom" => {
            call.with(|request| query::spendable_balance_by_denom(state, chain, request))
        }
        "SpendableBalances" => call.with(|request| query::spendable_balances(state, chain, request)),
        "SupplyOf" => call.with(|request| query::supply_of(state, request)),
        "TotalSupply" => call.with(|request| query::total_supply(state, request)),
        _ => None,
    }
}

fn staking(call: &Call<'_>, method: &str) -> Answered {
    use governance::query;
    let (state, chain) = (call.state, call.chain);
    match method {
        "DelegatorDelegations" => call.plain(&query::delegator_delegations()),
        "DelegatorUnbondingDelegations" => call.plain(&query::delegator_unbonding_delegations()),
        "Params" => call.plain(&query::params(state, chain)),
        "Pool" => call.plain(&query::pool(state)),
        "Validator" => call.with(|request| query::validator(state, chain, request)),
        "Validators" => call.with(|request| query::validators(state, chain, request)),
        _ => None,
    }
}

/// The two forms of a transaction.
fn tx(call: &Call<'_>, method: &str) -> Answered {
    match method {
        "TxDecode" => call.with(|request: &TxDecodeRequest| {
            let tx = Tx::decode(request.tx_bytes.as_slice());
            let tx = tx.map_err(|error| Failure::invalid(format!("no transaction: {error}")))?;
            if tx.body.is_none() {
                return Err(Failure::invalid("no transaction: it has no body"));
            }
            Ok(TxDecodeResponse { tx: Some(tx) })
        }),
        "TxEncode" => call.with(|request: &TxEncodeRequest| {
            let tx = request.tx.as_ref().ok_or_else(|| Failure::invalid("there is no transaction"))?;
            Ok::<_, Failure>(TxEncodeResponse { tx_bytes: tx.encode_to_vec() })
        }),
        _ => None,
    }
}

fn upgrade(call: &Call<'_>, method: &str) -> Answered {
    use governance::upgrade;
    let (state, chain) = (call.state, call.chain);
    match method {
        "AppliedPlan" => call.with(|request| upgrade::applied_plan(state, request)),
        "Authority" => call.plain(&upgrade::authority(state, chain)),
        "CurrentPlan" => call.plain(&upgrade::current_plan(state)),
        "ModuleVersions" => call.with(|request| module_versions(state, request)),
        _ => None,
    }
}

/// `ModuleVersions`: all modules, or the one that is named.
fn module_versions(
    state: &dyn Read,
    request: &QueryModuleVersionsRequest,
) -> Result<QueryModuleVersionsResponse, Failure> {
    let wanted = |name: &str| request.module_name.is_empty() || request.module_name == name;
    let versions = crate::upgrade::versions(state).into_iter().filter(|(name, _)| wanted(name));
    let versions = versions.map(|(name, version)| ModuleVersion { name, version: version.into() });
    let module_versions: Vec<ModuleVersion> = versions.collect();
    if module_versions.is_empty() {
        return Err(Failure::not_found("there is no such module"));
    }
    Ok(QueryModuleVersionsResponse { module_versions })
}
