//! Cosmos services of what this chain does not have: delegations, rewards, punishments, new coins, votes on
//! proposals. Wallets and explorers ask as a matter of course; "there is none" is the whole truth. Validators are
//! there, and who asks about one that is not is told so.

use cosmos_sdk_proto::cosmos::base::query::v1beta1::{PageRequest, PageResponse};
use cosmos_sdk_proto::cosmos::distribution::v1beta1 as distribution;
use cosmos_sdk_proto::cosmos::gov::v1 as gov;
use cosmos_sdk_proto::cosmos::mint::v1beta1 as mint;
use cosmos_sdk_proto::cosmos::slashing::v1beta1 as slashing;
use cosmos_sdk_proto::cosmos::staking::v1beta1 as staking;
use cosmos_sdk_proto::tendermint::google::protobuf::Duration;
use cosmos_sdk_proto::Timestamp;
use types::Address;

use super::{Answered, Call, Failure};

/// What is answered here.
pub(super) const METHODS: &[&str] = &[
    "cosmos.distribution.v1beta1.Query/CommunityPool",
    "cosmos.distribution.v1beta1.Query/DelegationRewards",
    "cosmos.distribution.v1beta1.Query/DelegationTotalRewards",
    "cosmos.distribution.v1beta1.Query/DelegatorValidators",
    "cosmos.distribution.v1beta1.Query/DelegatorWithdrawAddress",
    "cosmos.distribution.v1beta1.Query/Params",
    "cosmos.distribution.v1beta1.Query/ValidatorCommission",
    "cosmos.distribution.v1beta1.Query/ValidatorDistributionInfo",
    "cosmos.distribution.v1beta1.Query/ValidatorOutstandingRewards",
    "cosmos.distribution.v1beta1.Query/ValidatorSlashes",
    "cosmos.gov.v1.Query/Constitution",
    "cosmos.gov.v1.Query/Deposit",
    "cosmos.gov.v1.Query/Deposits",
    "cosmos.gov.v1.Query/Params",
    "cosmos.gov.v1.Query/Proposal",
    "cosmos.gov.v1.Query/Proposals",
    "cosmos.gov.v1.Query/TallyResult",
    "cosmos.gov.v1.Query/Vote",
    "cosmos.gov.v1.Query/Votes",
    "cosmos.mint.v1beta1.Query/AnnualProvisions",
    "cosmos.mint.v1beta1.Query/Inflation",
    "cosmos.mint.v1beta1.Query/Params",
    "cosmos.slashing.v1beta1.Query/Params",
    "cosmos.slashing.v1beta1.Query/SigningInfo",
    "cosmos.slashing.v1beta1.Query/SigningInfos",
    "cosmos.staking.v1beta1.Query/Delegation",
    "cosmos.staking.v1beta1.Query/DelegatorValidator",
    "cosmos.staking.v1beta1.Query/DelegatorValidators",
    "cosmos.staking.v1beta1.Query/Redelegations",
    "cosmos.staking.v1beta1.Query/UnbondingDelegation",
    "cosmos.staking.v1beta1.Query/ValidatorDelegations",
    "cosmos.staking.v1beta1.Query/ValidatorUnbondingDelegations",
];

/// A decimal fraction of nothing: on the wire these are whole numbers of 10^-18.
const ZERO: &str = "0";

/// Votes on proposals write fractions with their point.
const ZERO_POINT: &str = "0.000000000000000000";

pub(super) fn call(call: &Call<'_>, service: &str, method: &str) -> Answered {
    match service {
        "cosmos.distribution.v1beta1.Query" => {
            validator_rewards(call, method).or_else(|| delegator_rewards(call, method))
        }
        "cosmos.gov.v1.Query" => gov(call, method),
        "cosmos.mint.v1beta1.Query" => mint(call, method),
        "cosmos.slashing.v1beta1.Query" => slashing(call, method),
        "cosmos.staking.v1beta1.Query" => staking(call, method),
        _ => None,
    }
}

/// The address of an account, or with `kind` that of a validator.
fn address(call: &Call<'_>, text: &str, kind: &str) -> Result<Address, Failure> {
    let wrong = |wrong| Failure::invalid(format!("the address is malformed: {wrong}"));
    Address::from_bech32(text, &format!("{}{kind}", call.chain.prefix)).map_err(wrong)
}

/// The address of an account.
pub(super) fn account(call: &Call<'_>, text: &str) -> Result<Address, Failure> {
    address(call, text, "")
}

/// A validator that exists, by its operator's address.
fn operator(call: &Call<'_>, text: &str) -> Result<Address, Failure> {
    existing(call, address(call, text, "valoper")?)
}

fn existing(call: &Call<'_>, address: Address) -> Result<Address, Failure> {
    let found = governance::validators(call.state).iter().any(|one| one.address == *address.bytes());
    found.then_some(address).ok_or_else(|| Failure::not_found("there is no such validator"))
}

fn no_delegation() -> Failure {
    Failure::not_found("there are no delegations on this chain")
}

fn no_proposal() -> Failure {
    Failure::not_found("there are no proposals on this chain: one authority decides")
}

/// An empty page; still, the request must be for one.
pub(super) fn nothing(request: Option<&PageRequest>) -> Result<Option<PageResponse>, Failure> {
    ::bank::page::Page::read(request)?;
    Ok(Some(PageResponse::default()))
}

fn staking(call: &Call<'_>, method: &str) -> Answered {
    use staking as wire;
    match method {
        "Delegation" => call.with(|request: &wire::QueryDelegationRequest| {
            account(call, &request.delegator_addr)?;
            operator(call, &request.validator_addr)?;
            Err::<wire::QueryDelegationResponse, _>(no_delegation())
        }),
        "DelegatorValidator" => call.with(|request: &wire::QueryDelegatorValidatorRequest| {
            account(call, &request.delegator_addr)?;
            operator(call, &request.validator_addr)?;
            Err::<wire::QueryDelegatorValidatorResponse, _>(no_delegation())
        }),
        "DelegatorValidators" => call.with(|request: &wire::QueryDelegatorValidatorsRequest| {
            account(call, &request.delegator_addr)?;
            let pagination = nothing(request.pagination.as_ref())?;
            Ok::<_, Failure>(wire::QueryDelegatorValidatorsResponse { validators: Vec::new(), pagination })
        }),
        "Redelegations" => call.with(|request: &wire::QueryRedelegationsRequest| {
            account(call, &request.delegator_addr)?;
            let pagination = nothing(request.pagination.as_ref())?;
            Ok::<_, Failure>(wire::QueryRedelegationsResponse { pagination, ..Default::default() })
        }),
        "UnbondingDelegation" => call.with(|request: &wire::QueryUnbondingDelegationRequest| {
            account(call, &request.delegator_addr)?;
            operator(call, &request.validator_addr)?;
            Err::<wire::QueryUnbondingDelegationResponse, _>(no_delegation())
        }),
        "ValidatorDelegations" => call.with(|request: &wire::QueryValidatorDelegationsRequest| {
            operator(call, &request.validator_addr)?;
            let pagination = nothing(request.pagination.as_ref())?;
            Ok::<_, Failure>(wire::QueryValidatorDelegationsResponse { pagination, ..Default::default() })
        }),
        "ValidatorUnbondingDelegations" => {
            call.with(|request: &wire::QueryValidatorUnbondingDelegationsRequest| {
                operator(call, &request.validator_addr)?;
                let (unbonding_responses, pagination) = (Vec::new(), nothing(request.pagination.as_ref())?);
                Ok::<_, Failure>(wire::QueryValidatorUnbondingDelegationsResponse {
                    unbonding_responses,
                    pagination,
                })
            })
        }
        _ => None,
    }
}

fn validator_rewards(call: &Call<'_>, method: &str) -> Answered {
    use distribution as wire;
    match method {
        "ValidatorCommission" => call.with(|request: &wire::QueryValidatorCommissionRequest| {
            operator(call, &request.validator_address)?;
            let commission = Some(wire::ValidatorAccumulatedCommission::default());
            Ok::<_, Failure>(wire::QueryValidatorCommissionResponse { commission })
        }),
        "ValidatorDistributionInfo" => call.with(|request: &wire::QueryValidatorDistributionInfoRequest| {
            let operator_address = operator(call, &request.validator_address)?.to_bech32(&call.chain.prefix);
            Ok::<_, Failure>(wire::QueryValidatorDistributionInfoResponse {
                operator_address,
                ..Default::default()
            })
        }),
        "ValidatorOutstandingRewards" => {
            call.with(|request: &wire::QueryValidatorOutstandingRewardsRequest| {
                operator(call, &request.validator_address)?;
                let rewards = Some(wire::ValidatorOutstandingRewards::default());
                Ok::<_, Failure>(wire::QueryValidatorOutstandingRewardsResponse { rewards })
            })
        }
        "ValidatorSlashes" => call.with(|request: &wire::QueryValidatorSlashesRequest| {
            operator(call, &request.validator_address)?;
            let pagination = nothing(request.pagination.as_ref())?;
            Ok::<_, Failure>(wire::QueryValidatorSlashesResponse { slashes: Vec::new(), pagination })
        }),
        _ => None,
    }
}

fn delegator_rewards(call: &Call<'_>, method: &str) -> Answered {
    use distribution as wire;
    match method {
        "CommunityPool" => call.plain(&wire::QueryCommunityPoolResponse::default()),
        "DelegationRewards" => call.with(|request: &wire::QueryDelegationRewardsRequest| {
            account(call, &request.delegator_address)?;
            operator(call, &request.validator_address)?;
            Err::<wire::QueryDelegationRewardsResponse, _>(no_delegation())
        }),
        "DelegationTotalRewards" => call.with(|request: &wire::QueryDelegationTotalRewardsRequest| {
            account(call, &request.delegator_address)?;
            Ok::<_, Failure>(wire::QueryDelegationTotalRewardsResponse::default())
        }),
        "DelegatorValidators" => call.with(|request: &wire::QueryDelegatorValidatorsRequest| {
            account(call, &request.delegator_address)?;
            Ok::<_, Failure>(wire::QueryDelegatorValidatorsResponse::default())
        }),
        "DelegatorWithdrawAddress" => call.with(|request: &wire::QueryDelegatorWithdrawAddressRequest| {
            account(call, &request.delegator_address)?;
            let withdraw_address = request.delegator_address.clone();
            Ok::<_, Failure>(wire::QueryDelegatorWithdrawAddressResponse { withdraw_address })
        }),
        "Params" => {
            #[expect(deprecated, reason = "older clients decode them")]
            let params = wire::Params {
                community_tax: ZERO.into(),
                base_proposer_reward: ZERO.into(),
                bonus_proposer_reward: ZERO.into(),
                withdraw_addr_enabled: false,
            };
            call.plain(&wire::QueryParamsResponse { params: Some(params) })
        }
        _ => None,
    }
}

fn mint(call: &Call<'_>, method: &str) -> Answered {
    match method {
        "AnnualProvisions" => {
            call.plain(&mint::QueryAnnualProvisionsResponse { annual_provisions: ZERO.into() })
        }
        "Inflation" => call.plain(&mint::QueryInflationResponse { inflation: ZERO.into() }),
        "Params" => {
            let denom = governance::staking_denom(call.state);
            let params = mint::Params {
                mint_denom: denom.map(|denom| denom.to_string()).unwrap_or_default(),
                inflation_rate_change: ZERO.into(),
                inflation_max: ZERO.into(),
                inflation_min: ZERO.into(),
                goal_bonded: ZERO.into(),
                blocks_per_year: 0,
            };
            call.plain(&mint::QueryParamsResponse { params: Some(params) })
        }
        _ => None,
    }
}

/// Nobody is jailed and no misses are counted.
fn slashing(call: &Call<'_>, method: &str) -> Answered {
    let info = |address: [u8; 20]| slashing::ValidatorSigningInfo {
        address: Address::new(address).to_bech32(&format!("{}valcons", call.chain.prefix)),
        jailed_until: Some(Timestamp::default()),
        ..Default::default()
    };
    match method {
        "Params" => {
            let params = slashing::Params {
                signed_blocks_window: 0,
                min_signed_per_window: ZERO.into(),
                downtime_jail_duration: Some(Duration::default()),
                slash_fraction_double_sign: ZERO.into(),
                slash_fraction_downtime: ZERO.into(),
            };
            call.plain(&slashing::QueryParamsResponse { params: Some(params) })
        }
        "SigningInfo" => call.with(|request: &slashing::QuerySigningInfoRequest| {
            let address = existing(call, address(call, &request.cons_address, "valcons")?)?;
            let val_signing_info = Some(info(*address.bytes()));
            Ok::<_, Failure>(slashing::QuerySigningInfoResponse { val_signing_info })
        }),
        "SigningInfos" => call.with(|request: &slashing::QuerySigningInfosRequest| {
            let page = ::bank::page::Page::read(request.pagination.as_ref())?;
            let mut addresses: Vec<[u8; 20]> =
                governance::validators(call.state).iter().map(|one| one.address).collect();
            addresses.sort_unstable();
            let rows = addresses.into_iter().map(|address| (address.to_vec(), info(address)));
            let (info, pagination) = page.of(rows.collect());
            Ok::<_, Failure>(slashing::QuerySigningInfosResponse { info, pagination: Some(pagination) })
        }),
        _ => None,
    }
}

fn gov(call: &Call<'_>, method: &str) -> Answered {
    match method {
        "Constitution" => call.plain(&gov::QueryConstitutionResponse::default()),
        "Deposit" => {
            call.with(|_: &gov::QueryDepositRequest| Err::<gov::QueryDepositResponse, _>(no_proposal()))
        }
        "Deposits" => {
            call.with(|_: &gov::QueryDepositsRequest| Err::<gov::QueryDepositsResponse, _>(no_proposal()))
        }
        "Params" => call.with(|request: &gov::QueryParamsRequest| gov_params(&request.params_type)),
        "Proposal" => {
            call.with(|_: &gov::QueryProposalRequest| Err::<gov::QueryProposalResponse, _>(no_proposal()))
        }
        "Proposals" => call.with(|request: &gov::QueryProposalsRequest| {
            for text in [&request.voter, &request.depositor] {
                if !text.is_empty() {
                    account(call, text)?;
                }
            }
            let pagination = nothing(request.pagination.as_ref())?;
            Ok::<_, Failure>(gov::QueryProposalsResponse { proposals: Vec::new(), pagination })
        }),
        "TallyResult" => call
            .with(|_: &gov::QueryTallyResultRequest| Err::<gov::QueryTallyResultResponse, _>(no_proposal())),
        "Vote" => call.with(|_: &gov::QueryVoteRequest| Err::<gov::QueryVoteResponse, _>(no_proposal())),
        "Votes" => call.with(|_: &gov::QueryVotesRequest| Err::<gov::QueryVotesResponse, _>(no_proposal())),
        _ => None,
    }
}

/// Rules of votes that nobody can call for: no time, no deposit, no share.
#[expect(deprecated, reason = "older clients ask for the parts by their names")]
fn gov_params(part: &str) -> Result<gov::QueryParamsResponse, Failure> {
    let none = || Some(Duration::default());
    let mut answer = gov::QueryParamsResponse {
        params: Some(gov::Params {
            max_deposit_period: none(),
            voting_period: none(),
            expedited_voting_period: none(),
            quorum: ZERO_POINT.into(),
            threshold: ZERO_POINT.into(),
            veto_threshold: ZERO_POINT.into(),
            min_initial_deposit_ratio: ZERO_POINT.into(),
            proposal_cancel_ratio: ZERO_POINT.into(),
            expedited_threshold: ZERO_POINT.into(),
            min_deposit_ratio: ZERO_POINT.into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    match part {
        "" => {}
        "deposit" => {
            let params = gov::DepositParams { min_deposit: Vec::new(), max_deposit_period: none() };
            answer.deposit_params = Some(params);
        }
        "tallying" => {
            let (quorum, threshold, veto_threshold) =
                (ZERO_POINT.into(), ZERO_POINT.into(), ZERO_POINT.into());
            answer.tally_params = Some(gov::TallyParams { quorum, threshold, veto_threshold });
        }
        "voting" => answer.voting_params = Some(gov::VotingParams { voting_period: none() }),
        _ => return Err(Failure::invalid("the part is deposit, tallying or voting")),
    }
    Ok(answer)
}
