//! Services of the dYdX chain's public API for what this chain does not have, where "there is none" is the whole
//! truth: clients ask as a matter of course and take an answer better than a refusal.

use proto::cosmos::base::query::v1beta1::PageResponse;
use proto::dydxprotocol::{accountplus, affiliates, bridge, ratelimit, rewards, vault};
use proto::serint;
use types::{Address, Denom};

use super::{Answered, Call, Failure};

/// What is answered here.
pub(super) const METHODS: &[&str] = &[
    "dydxprotocol.accountplus.Query/AccountState",
    "dydxprotocol.accountplus.Query/GetAuthenticator",
    "dydxprotocol.accountplus.Query/GetAuthenticators",
    "dydxprotocol.accountplus.Query/Params",
    "dydxprotocol.affiliates.Query/AffiliateInfo",
    "dydxprotocol.affiliates.Query/AffiliateOverrides",
    "dydxprotocol.affiliates.Query/AffiliateParameters",
    "dydxprotocol.affiliates.Query/AffiliateWhitelist",
    "dydxprotocol.affiliates.Query/AllAffiliateTiers",
    "dydxprotocol.affiliates.Query/ReferredBy",
    "dydxprotocol.bridge.Query/DelayedCompleteBridgeMessages",
    "dydxprotocol.ratelimit.Query/AllPendingSendPackets",
    "dydxprotocol.ratelimit.Query/CapacityByDenom",
    "dydxprotocol.ratelimit.Query/ListLimitParams",
    "dydxprotocol.rewards.Query/Params",
    "dydxprotocol.vault.Query/AllVaults",
    "dydxprotocol.vault.Query/MegavaultAllOwnerShares",
    "dydxprotocol.vault.Query/MegavaultOwnerShares",
    "dydxprotocol.vault.Query/MegavaultTotalShares",
    "dydxprotocol.vault.Query/MegavaultWithdrawalInfo",
    "dydxprotocol.vault.Query/Vault",
    "dydxprotocol.vault.Query/VaultParams",
];

pub(super) fn call(call: &Call<'_>, service: &str, method: &str) -> Answered {
    match service {
        "dydxprotocol.accountplus.Query" => accountplus(call, method),
        "dydxprotocol.affiliates.Query" => affiliates(call, method),
        "dydxprotocol.bridge.Query" => bridge(call, method),
        "dydxprotocol.ratelimit.Query" => ratelimit(call, method),
        "dydxprotocol.rewards.Query" if method == "Params" => {
            call.plain(&rewards::QueryParamsResponse { params: Some(rewards::Params::default()) })
        }
        "dydxprotocol.vault.Query" => vault(call, method),
        _ => None,
    }
}

/// Refuse what is not an address of this chain.
fn address(call: &Call<'_>, text: &str) -> Result<(), Failure> {
    let wrong = |wrong| Failure::invalid(format!("the address is malformed: {wrong}"));
    Address::from_bech32(text, &call.chain.prefix).map(|_| ()).map_err(wrong)
}

/// Accounts sign with their key, and count their transactions.
fn accountplus(call: &Call<'_>, method: &str) -> Answered {
    match method {
        "AccountState" => call.with(|request: &accountplus::AccountStateRequest| {
            address(call, &request.address)?;
            let none = "accounts have no timestamp nonces here: transactions carry the account's sequence";
            Err::<accountplus::AccountStateResponse, _>(Failure::not_found(none))
        }),
        "GetAuthenticator" => call.with(|request: &accountplus::GetAuthenticatorRequest| {
            address(call, &request.account)?;
            let none = "accounts have no authenticators here: their key signs";
            Err::<accountplus::GetAuthenticatorResponse, _>(Failure::not_found(none))
        }),
        "GetAuthenticators" => call.with(|request: &accountplus::GetAuthenticatorsRequest| {
            address(call, &request.account)?;
            Ok::<_, Failure>(accountplus::GetAuthenticatorsResponse::default())
        }),
        "Params" => call.plain(&accountplus::QueryParamsResponse {
            params: Some(accountplus::Params { is_smart_account_active: false }),
        }),
        _ => None,
    }
}

/// Nobody is paid for bringing traders.
fn affiliates(call: &Call<'_>, method: &str) -> Answered {
    match method {
        "AffiliateInfo" => call.with(|request: &affiliates::AffiliateInfoRequest| {
            address(call, &request.address)?;
            #[expect(deprecated, reason = "older clients decode it")]
            Ok::<_, Failure>(affiliates::AffiliateInfoResponse {
                referred_volume: serint::encode(0),
                staked_amount: serint::encode(0),
                referred_volume_30d_rolling: serint::encode(0),
                attributed_volume_30d_rolling: serint::encode(0),
                ..Default::default()
            })
        }),
        "AffiliateOverrides" => {
            call.plain(&affiliates::AffiliateOverridesResponse { overrides: Some(Default::default()) })
        }
        "AffiliateParameters" => {
            call.plain(&affiliates::AffiliateParametersResponse { parameters: Some(Default::default()) })
        }
        "AffiliateWhitelist" => {
            call.plain(&affiliates::AffiliateWhitelistResponse { whitelist: Some(Default::default()) })
        }
        "AllAffiliateTiers" => {
            call.plain(&affiliates::AllAffiliateTiersResponse { tiers: Some(Default::default()) })
        }
        "ReferredBy" => call.with(|request: &affiliates::ReferredByRequest| {
            address(call, &request.address)?;
            Ok::<_, Failure>(affiliates::ReferredByResponse::default())
        }),
        _ => None,
    }
}

/// No bridge.
fn bridge(call: &Call<'_>, method: &str) -> Answered {
    match method {
        "DelayedCompleteBridgeMessages" => {
            call.with(|request: &bridge::QueryDelayedCompleteBridgeMessagesRequest| {
                if !request.address.is_empty() {
                    address(call, &request.address)?;
                }
                Ok::<_, Failure>(bridge::QueryDelayedCompleteBridgeMessagesResponse::default())
            })
        }
        _ => None,
    }
}

/// No coin leaves for another chain, so none has a limit.
fn ratelimit(call: &Call<'_>, method: &str) -> Answered {
    match method {
        "AllPendingSendPackets" => call.plain(&ratelimit::QueryAllPendingSendPacketsResponse::default()),
        "CapacityByDenom" => call.with(|request: &ratelimit::QueryCapacityByDenomRequest| {
            Denom::new(&request.denom).map_err(|wrong| Failure::invalid(wrong.to_string()))?;
            Ok::<_, Failure>(ratelimit::QueryCapacityByDenomResponse::default())
        }),
        "ListLimitParams" => call.plain(&ratelimit::ListLimitParamsResponse::default()),
        _ => None,
    }
}

/// No vaults, and nobody has shares in them.
fn vault(call: &Call<'_>, method: &str) -> Answered {
    let missing = || Failure::not_found("this chain has no vaults");
    match method {
        "AllVaults" => call.with(|_: &vault::QueryAllVaultsRequest| {
            let pagination = Some(PageResponse::default());
            Ok::<_, Failure>(vault::QueryAllVaultsResponse { vaults: Vec::new(), pagination })
        }),
        "MegavaultAllOwnerShares" => call.with(|_: &vault::QueryMegavaultAllOwnerSharesRequest| {
            let (owner_shares, pagination) = (Vec::new(), Some(PageResponse::default()));
            Ok::<_, Failure>(vault::QueryMegavaultAllOwnerSharesResponse { owner_shares, pagination })
        }),
        "MegavaultOwnerShares" => call.with(|request: &vault::QueryMegavaultOwnerSharesRequest| {
            address(call, &request.address)?;
            Err::<vault::QueryMegavaultOwnerSharesResponse, _>(missing())
        }),
        "MegavaultTotalShares" => call.plain(&vault::QueryMegavaultTotalSharesResponse {
            total_shares: Some(vault::NumShares { num_shares: serint::encode(0) }),
        }),
        "MegavaultWithdrawalInfo" => call.with(|_: &vault::QueryMegavaultWithdrawalInfoRequest| {
            Err::<vault::QueryMegavaultWithdrawalInfoResponse, _>(missing())
        }),
        "Vault" => call.with(|_: &vault::QueryVaultRequest| Err::<vault::QueryVaultResponse, _>(missing())),
        "VaultParams" => call
            .with(|_: &vault::QueryVaultParamsRequest| Err::<vault::QueryVaultParamsResponse, _>(missing())),
        _ => None,
    }
}
