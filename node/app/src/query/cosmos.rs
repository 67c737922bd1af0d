//! The Cosmos services that wallets and relayers call.

use cosmos_sdk_proto::cosmos::upgrade::v1beta1::{
    ModuleVersion, QueryModuleVersionsRequest, QueryModuleVersionsResponse,
};
use store::Read;

use super::{Answered, Call, Failure};

/// What is answered here.
pub(super) const METHODS: &[&str] = &[
    "cosmos.auth.v1beta1.Query/Account",
    "cosmos.auth.v1beta1.Query/AccountInfo",
    "cosmos.auth.v1beta1.Query/Accounts",
    "cosmos.auth.v1beta1.Query/Bech32Prefix",
    "cosmos.auth.v1beta1.Query/ModuleAccountByName",
    "cosmos.auth.v1beta1.Query/ModuleAccounts",
    "cosmos.auth.v1beta1.Query/Params",
    "cosmos.bank.v1beta1.Query/AllBalances",
    "cosmos.bank.v1beta1.Query/Balance",
    "cosmos.bank.v1beta1.Query/DenomMetadata",
    "cosmos.bank.v1beta1.Query/DenomsMetadata",
    "cosmos.bank.v1beta1.Query/Params",
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
        "DenomsMetadata" => call.plain(&query::denoms_metadata()),
        "Params" => call.plain(&query::params()),
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
