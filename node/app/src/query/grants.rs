//! Cosmos services about acting and paying for others, which nobody does here: an account's key signs for it, and
//! it pays its own fees.

use cosmos_sdk_proto::cosmos::authz::v1beta1 as authz;
use cosmos_sdk_proto::cosmos::feegrant::v1beta1 as feegrant;

use super::unstaked::{account, nothing};
use super::{Answered, Call, Failure};

/// What is answered here.
pub(super) const METHODS: &[&str] = &[
    "cosmos.authz.v1beta1.Query/GranteeGrants",
    "cosmos.authz.v1beta1.Query/GranterGrants",
    "cosmos.authz.v1beta1.Query/Grants",
    "cosmos.feegrant.v1beta1.Query/Allowance",
    "cosmos.feegrant.v1beta1.Query/Allowances",
    "cosmos.feegrant.v1beta1.Query/AllowancesByGranter",
];

pub(super) fn call(call: &Call<'_>, service: &str, method: &str) -> Answered {
    match (service, method) {
        ("cosmos.authz.v1beta1.Query", "GranteeGrants") => {
            call.with(|request: &authz::QueryGranteeGrantsRequest| {
                account(call, &request.grantee)?;
                let pagination = nothing(request.pagination.as_ref())?;
                Ok::<_, Failure>(authz::QueryGranteeGrantsResponse { grants: Vec::new(), pagination })
            })
        }
        ("cosmos.authz.v1beta1.Query", "GranterGrants") => {
            call.with(|request: &authz::QueryGranterGrantsRequest| {
                account(call, &request.granter)?;
                let pagination = nothing(request.pagination.as_ref())?;
                Ok::<_, Failure>(authz::QueryGranterGrantsResponse { grants: Vec::new(), pagination })
            })
        }
        ("cosmos.authz.v1beta1.Query", "Grants") => call.with(|request: &authz::QueryGrantsRequest| {
            account(call, &request.granter)?;
            account(call, &request.grantee)?;
            let pagination = nothing(request.pagination.as_ref())?;
            Ok::<_, Failure>(authz::QueryGrantsResponse { grants: Vec::new(), pagination })
        }),
        ("cosmos.feegrant.v1beta1.Query", "Allowance") => {
            call.with(|request: &feegrant::QueryAllowanceRequest| {
                account(call, &request.granter)?;
                account(call, &request.grantee)?;
                let words = "everybody pays their own fees on this chain";
                Err::<feegrant::QueryAllowanceResponse, _>(Failure::not_found(words))
            })
        }
        ("cosmos.feegrant.v1beta1.Query", "Allowances") => {
            call.with(|request: &feegrant::QueryAllowancesRequest| {
                account(call, &request.grantee)?;
                let pagination = nothing(request.pagination.as_ref())?;
                Ok::<_, Failure>(feegrant::QueryAllowancesResponse { allowances: Vec::new(), pagination })
            })
        }
        ("cosmos.feegrant.v1beta1.Query", "AllowancesByGranter") => {
            call.with(|request: &feegrant::QueryAllowancesByGranterRequest| {
                account(call, &request.granter)?;
                let (allowances, pagination) = (Vec::new(), nothing(request.pagination.as_ref())?);
                Ok::<_, Failure>(feegrant::QueryAllowancesByGranterResponse { allowances, pagination })
            })
        }
        _ => None,
    }
}
