//! What wallets ask about validators, in the words of Cosmos staking. There is no staking: every validator is
//! bonded with its power, and nobody delegates.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use bank::page::Page;
use cosmos_sdk_proto::cosmos::base::query::v1beta1::PageResponse;
use cosmos_sdk_proto::cosmos::crypto::ed25519::PubKey;
use cosmos_sdk_proto::cosmos::staking::v1beta1 as wire;
use cosmos_sdk_proto::tendermint::google::protobuf::Duration;
use cosmos_sdk_proto::{Any, Timestamp};
use prost::Message;
use store::Read;
use types::{Address, Chain};

use crate::state::{staking_denom, total_power, validators as latest};
use crate::validator::{Validator, MAX_VALIDATORS};
use crate::Error;

/// Type of a validator's key.
const ED25519_KEY: &str = "/cosmos.crypto.ed25519.PubKey";

/// Three weeks, the usual unbonding time: what light clients take for the time a set stays accountable.
const UNBONDING_SECONDS: i64 = 1_814_400;

/// Heights whose sets are kept, as relayers want to see it: all of them are.
const HISTORICAL_ENTRIES: u32 = 10_000;

fn operator(chain: &Chain, validator: &Validator) -> String {
    Address::new(validator.address).to_bech32(&format!("{}valoper", chain.prefix))
}

fn bonded(chain: &Chain, validator: &Validator) -> wire::Validator {
    let key = PubKey { key: validator.public_key.to_vec() };
    let description = wire::Description { moniker: validator.moniker.clone(), ..Default::default() };
    // Decimals are whole numbers of 10^-18.
    let rates =
        || wire::CommissionRates { rate: "0".into(), max_rate: "0".into(), max_change_rate: "0".into() };
    let commission =
        wire::Commission { commission_rates: Some(rates()), update_time: Some(Timestamp::default()) };
    wire::Validator {
        operator_address: operator(chain, validator),
        consensus_pubkey: Some(Any { type_url: ED25519_KEY.into(), value: key.encode_to_vec() }),
        status: wire::BondStatus::Bonded.into(),
        tokens: validator.power.to_string(),
        delegator_shares: format!("{}000000000000000000", validator.power),
        description: Some(description),
        unbonding_time: Some(Timestamp::default()),
        commission: Some(commission),
        min_self_delegation: "1".into(),
        ..Default::default()
    }
}

/// `Validators`, the most powerful first. Any status but bonded has none.
pub fn validators(
    state: &dyn Read,
    chain: &Chain,
    request: &wire::QueryValidatorsRequest,
) -> Result<wire::QueryValidatorsResponse, Error> {
    let page = Page::read(request.pagination.as_ref())?;
    let wanted = matches!(request.status.as_str(), "" | "BOND_STATUS_BONDED");
    let set = if wanted { latest(state) } else { Vec::new() };
    // Rows are keyed by their place, so that pages keep the order of the set.
    let rows = (1_u32..).zip(&set);
    let rows = rows.map(|(place, validator)| (place.to_be_bytes().to_vec(), bonded(chain, validator)));
    let (validators, pagination) = page.of(rows.collect());
    Ok(wire::QueryValidatorsResponse { validators, pagination: Some(pagination) })
}

/// `Validator`, by operator address. Refused (22) when there is none.
pub fn validator(
    state: &dyn Read,
    chain: &Chain,
    request: &wire::QueryValidatorRequest,
) -> Result<wire::QueryValidatorResponse, Error> {
    let set = latest(state);
    let found = set.iter().find(|validator| operator(chain, validator) == request.validator_addr);
    let missing = || Error::NotFound(request.validator_addr.chars().take(128).collect());
    Ok(wire::QueryValidatorResponse { validator: Some(bonded(chain, found.ok_or_else(missing)?)) })
}

/// `Params`. The coin is that of the collateral when genesis names none.
pub fn params(state: &dyn Read, chain: &Chain) -> wire::QueryParamsResponse {
    let denom = staking_denom(state).unwrap_or_else(|| chain.collateral.clone());
    let params = wire::Params {
        unbonding_time: Some(Duration { seconds: UNBONDING_SECONDS, nanos: 0 }),
        max_validators: u32::try_from(MAX_VALIDATORS).unwrap_or(u32::MAX),
        max_entries: 7,
        historical_entries: HISTORICAL_ENTRIES,
        bond_denom: denom.as_str().into(),
        min_commission_rate: "0".into(),
    };
    wire::QueryParamsResponse { params: Some(params) }
}

/// `Pool`: all power is bonded.
pub fn pool(state: &dyn Read) -> wire::QueryPoolResponse {
    let bonded_tokens = total_power(state).to_string();
    wire::QueryPoolResponse { pool: Some(wire::Pool { not_bonded_tokens: "0".into(), bonded_tokens }) }
}

/// `DelegatorDelegations`: none.
pub fn delegator_delegations() -> wire::QueryDelegatorDelegationsResponse {
    let pagination = Some(PageResponse::default());
    wire::QueryDelegatorDelegationsResponse { delegation_responses: Vec::new(), pagination }
}

/// `DelegatorUnbondingDelegations`: none.
pub fn delegator_unbonding_delegations() -> wire::QueryDelegatorUnbondingDelegationsResponse {
    let pagination = Some(PageResponse::default());
    wire::QueryDelegatorUnbondingDelegationsResponse { unbonding_responses: Vec::new(), pagination }
}
