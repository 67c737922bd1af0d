//! Every method that the node answers, each with a question that makes sense, with values at their bounds, and with
//! values that nobody should send. A method without a case fails the test.

use cosmos_sdk_proto::cosmos::auth::v1beta1 as auth;
use cosmos_sdk_proto::cosmos::bank::v1beta1 as bank;
use cosmos_sdk_proto::cosmos::base::reflection::v1beta1 as reflection;
use cosmos_sdk_proto::cosmos::base::tendermint::v1beta1 as base;
use cosmos_sdk_proto::cosmos::staking::v1beta1 as staking;
use cosmos_sdk_proto::cosmos::tx::v1beta1 as tx;
use prost::Message;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value};
use proto::ballast::query::v1 as ballast;
use proto::dydxprotocol::{
    accountplus, affiliates, clob, epochs, feetiers, ratelimit, stats, subaccounts, vault,
};
use scenario::Wallet;
use sha2::{Digest, Sha256};
use tonic::Code;
use types::Address;

use crate::schema::learn;
use crate::support::start;

pub(crate) fn alice() -> String {
    Wallet::new("alice").address().to_bech32("ballast")
}

/// A question that makes sense, and what comes of it. Those that are not listed here say nothing and are
/// answered.
pub(crate) fn case(path: &str) -> (Vec<u8>, Code) {
    let path = path.trim_start_matches('/');
    let (service, _) = path.split_once('/').unwrap();
    let found = match service.split('.').next() {
        Some("cosmos") => cosmos(path),
        _ => dydx(path),
    };
    found
        .or_else(|| PLAIN.contains(&path).then(|| (Vec::new(), Code::Ok)))
        .unwrap_or_else(|| panic!("no case of {path}"))
}

/// Methods whose empty request is a good one.
const PLAIN: &[&str] = &[
    "ballast.query.v1.Query/AllFunding",
    "ballast.query.v1.Query/Funding",
    "ballast.query.v1.Query/Insurance",
    "ballast.query.v1.Query/Invariants",
    "ballast.query.v1.Query/OracleVotes",
    "ballast.query.v1.Query/Orderbook",
    "cosmos.auth.v1beta1.Query/Accounts",
    "cosmos.auth.v1beta1.Query/Bech32Prefix",
    "cosmos.auth.v1beta1.Query/ModuleAccounts",
    "cosmos.auth.v1beta1.Query/Params",
    "cosmos.bank.v1beta1.Query/DenomsMetadata",
    "cosmos.bank.v1beta1.Query/Params",
    "cosmos.bank.v1beta1.Query/SendEnabled",
    "cosmos.bank.v1beta1.Query/TotalSupply",
    "cosmos.base.node.v1beta1.Service/Config",
    "cosmos.base.node.v1beta1.Service/Status",
    "cosmos.base.reflection.v1beta1.ReflectionService/ListAllInterfaces",
    "cosmos.base.reflection.v2alpha1.ReflectionService/GetAuthnDescriptor",
    "cosmos.base.reflection.v2alpha1.ReflectionService/GetChainDescriptor",
    "cosmos.base.reflection.v2alpha1.ReflectionService/GetCodecDescriptor",
    "cosmos.base.reflection.v2alpha1.ReflectionService/GetConfigurationDescriptor",
    "cosmos.base.reflection.v2alpha1.ReflectionService/GetQueryServicesDescriptor",
    "cosmos.base.reflection.v2alpha1.ReflectionService/GetTxDescriptor",
    "cosmos.base.tendermint.v1beta1.Service/GetLatestBlock",
    "cosmos.base.tendermint.v1beta1.Service/GetLatestValidatorSet",
    "cosmos.base.tendermint.v1beta1.Service/GetNodeInfo",
    "cosmos.base.tendermint.v1beta1.Service/GetSyncing",
    "cosmos.consensus.v1.Query/Params",
    "cosmos.distribution.v1beta1.Query/CommunityPool",
    "cosmos.distribution.v1beta1.Query/Params",
    "cosmos.gov.v1.Query/Constitution",
    "cosmos.gov.v1.Query/Params",
    "cosmos.gov.v1.Query/Proposals",
    "cosmos.mint.v1beta1.Query/AnnualProvisions",
    "cosmos.mint.v1beta1.Query/Inflation",
    "cosmos.mint.v1beta1.Query/Params",
    "cosmos.slashing.v1beta1.Query/Params",
    "cosmos.slashing.v1beta1.Query/SigningInfos",
    "cosmos.staking.v1beta1.Query/DelegatorDelegations",
    "cosmos.staking.v1beta1.Query/DelegatorUnbondingDelegations",
    "cosmos.staking.v1beta1.Query/Params",
    "cosmos.staking.v1beta1.Query/Pool",
    "cosmos.staking.v1beta1.Query/Validators",
    "cosmos.upgrade.v1beta1.Query/AppliedPlan",
    "cosmos.upgrade.v1beta1.Query/Authority",
    "cosmos.upgrade.v1beta1.Query/CurrentPlan",
    "cosmos.upgrade.v1beta1.Query/ModuleVersions",
    "dydxprotocol.accountplus.Query/Params",
    "dydxprotocol.affiliates.Query/AffiliateOverrides",
    "dydxprotocol.affiliates.Query/AffiliateParameters",
    "dydxprotocol.affiliates.Query/AffiliateWhitelist",
    "dydxprotocol.affiliates.Query/AllAffiliateTiers",
    "dydxprotocol.assets.Query/AllAssets",
    "dydxprotocol.assets.Query/Asset",
    "dydxprotocol.blocktime.Query/AllDowntimeInfo",
    "dydxprotocol.blocktime.Query/DowntimeParams",
    "dydxprotocol.blocktime.Query/PreviousBlockInfo",
    "dydxprotocol.blocktime.Query/SynchronyParams",
    "dydxprotocol.bridge.Query/DelayedCompleteBridgeMessages",
    "dydxprotocol.clob.Query/BlockRateLimitConfiguration",
    "dydxprotocol.clob.Query/ClobPair",
    "dydxprotocol.clob.Query/ClobPairAll",
    "dydxprotocol.clob.Query/EquityTierLimitConfiguration",
    "dydxprotocol.clob.Query/LiquidationsConfiguration",
    "dydxprotocol.clob.Query/NextClobPairId",
    "dydxprotocol.delaymsg.Query/NextDelayedMessageId",
    "dydxprotocol.epochs.Query/EpochInfoAll",
    "dydxprotocol.feetiers.Query/AllMarketFeeDiscountParams",
    "dydxprotocol.feetiers.Query/PerMarketFeeDiscountParams",
    "dydxprotocol.feetiers.Query/PerpetualFeeParams",
    "dydxprotocol.feetiers.Query/StakingTiers",
    "dydxprotocol.perpetuals.Query/AllLiquidityTiers",
    "dydxprotocol.perpetuals.Query/AllPerpetuals",
    "dydxprotocol.perpetuals.Query/NextPerpetualId",
    "dydxprotocol.perpetuals.Query/Params",
    "dydxprotocol.perpetuals.Query/Perpetual",
    "dydxprotocol.perpetuals.Query/PremiumSamples",
    "dydxprotocol.perpetuals.Query/PremiumVotes",
    "dydxprotocol.prices.Query/AllMarketParams",
    "dydxprotocol.prices.Query/AllMarketPrices",
    "dydxprotocol.prices.Query/MarketParam",
    "dydxprotocol.prices.Query/MarketPrice",
    "dydxprotocol.prices.Query/NextMarketId",
    "dydxprotocol.ratelimit.Query/AllPendingSendPackets",
    "dydxprotocol.ratelimit.Query/ListLimitParams",
    "dydxprotocol.rewards.Query/Params",
    "dydxprotocol.stats.Query/EpochStats",
    "dydxprotocol.stats.Query/GlobalStats",
    "dydxprotocol.stats.Query/Params",
    "dydxprotocol.stats.Query/StatsMetadata",
    "dydxprotocol.subaccounts.Query/CollateralPoolAddress",
    "dydxprotocol.subaccounts.Query/GetWithdrawalAndTransfersBlockedInfo",
    "dydxprotocol.subaccounts.Query/SubaccountAll",
    "dydxprotocol.vault.Query/AllVaults",
    "dydxprotocol.vault.Query/MegavaultAllOwnerShares",
    "dydxprotocol.vault.Query/MegavaultTotalShares",
];

fn cosmos(path: &str) -> Option<(Vec<u8>, Code)> {
    let (address, denom) = (alice(), "uusdc".to_owned());
    let path = path.trim_start_matches("cosmos.");
    if let Some(found) = unstaked(path) {
        return Some(found);
    }
    let request = match path {
        "auth.v1beta1.Query/Account" => auth::QueryAccountRequest { address }.encode_to_vec(),
        "auth.v1beta1.Query/AccountInfo" => auth::QueryAccountInfoRequest { address }.encode_to_vec(),
        "auth.v1beta1.Query/ModuleAccountByName" => {
            auth::QueryModuleAccountByNameRequest { name: "fee_collector".into() }.encode_to_vec()
        }
        "bank.v1beta1.Query/Balance" | "bank.v1beta1.Query/SpendableBalanceByDenom" => {
            bank::QueryBalanceRequest { address, denom }.encode_to_vec()
        }
        "bank.v1beta1.Query/AllBalances" | "bank.v1beta1.Query/SpendableBalances" => {
            bank::QuerySpendableBalancesRequest { address, pagination: None }.encode_to_vec()
        }
        "auth.v1beta1.Query/AddressBytesToString" => {
            auth::AddressBytesToStringRequest { address_bytes: vec![7; 20] }.encode_to_vec()
        }
        "auth.v1beta1.Query/AddressStringToBytes" => {
            auth::AddressStringToBytesRequest { address_string: address }.encode_to_vec()
        }
        "bank.v1beta1.Query/DenomOwners" | "bank.v1beta1.Query/DenomOwnersByQuery" => {
            bank::QueryDenomOwnersRequest { denom, pagination: None }.encode_to_vec()
        }
        "bank.v1beta1.Query/DenomMetadata" | "bank.v1beta1.Query/DenomMetadataByQueryString" => {
            return Some((bank::QueryDenomMetadataRequest { denom }.encode_to_vec(), Code::NotFound));
        }
        "bank.v1beta1.Query/SupplyOf" => bank::QuerySupplyOfRequest { denom }.encode_to_vec(),
        "base.reflection.v1beta1.ReflectionService/ListImplementations" => {
            let interface_name = "cosmos.base.v1beta1.Msg".into();
            reflection::ListImplementationsRequest { interface_name }.encode_to_vec()
        }
        "base.tendermint.v1beta1.Service/ABCIQuery" => {
            let path = "/store/bank/key".into();
            base::AbciQueryRequest { path, data: vec![1], height: 2, prove: true }.encode_to_vec()
        }
        "base.tendermint.v1beta1.Service/GetBlockByHeight"
        | "base.tendermint.v1beta1.Service/GetValidatorSetByHeight"
        | "tx.v1beta1.Service/GetBlockWithTxs" => base::GetBlockByHeightRequest { height: 2 }.encode_to_vec(),
        "tx.v1beta1.Service/Simulate" => {
            let tx_bytes = crate::transactions::unsigned();
            tx::SimulateRequest { tx_bytes, ..Default::default() }.encode_to_vec()
        }
        "tx.v1beta1.Service/TxDecode" => {
            tx::TxDecodeRequest { tx_bytes: crate::transactions::unsigned() }.encode_to_vec()
        }
        "tx.v1beta1.Service/TxEncode" => {
            let body = tx::TxBody { memo: "anything".into(), ..tx::TxBody::default() };
            tx::TxEncodeRequest { tx: Some(tx::Tx { body: Some(body), ..tx::Tx::default() }) }.encode_to_vec()
        }
        "tx.v1beta1.Service/BroadcastTx" => {
            let tx_bytes = crate::transactions::unsigned();
            tx::BroadcastTxRequest { tx_bytes, mode: 2 }.encode_to_vec()
        }
        "tx.v1beta1.Service/GetTx" => {
            return Some((tx::GetTxRequest { hash: "AB".repeat(32) }.encode_to_vec(), Code::NotFound));
        }
        "tx.v1beta1.Service/GetTxsEvent" => {
            tx::GetTxsEventRequest { query: "tx.height=2".into(), ..Default::default() }.encode_to_vec()
        }
        _ => return None,
    };
    Some((request, Code::Ok))
}

/// The validator of [`crate::support::host`], by the address of its operator, or of its key.
pub(crate) fn validator(kind: &str) -> String {
    let hash: [u8; 32] = Sha256::digest([7; 32]).into();
    Address::new(*hash.first_chunk().unwrap()).to_bech32(&format!("ballast{kind}"))
}

/// Delegations, rewards, punishments and votes, of which there are none.
fn unstaked(path: &str) -> Option<(Vec<u8>, Code)> {
    let (delegator_addr, validator_addr) = (alice(), validator("valoper"));
    let (delegator, valoper) = (delegator_addr.clone(), validator_addr.clone());
    // Requests that name one address have it in field 1, those that name both have the delegator first.
    let one = |address: String| auth::QueryAccountRequest { address }.encode_to_vec();
    let both = || staking::QueryDelegationRequest { delegator_addr, validator_addr }.encode_to_vec();
    let pair = || {
        let request = staking::QueryDelegationRequest { delegator_addr: alice(), validator_addr: alice() };
        request.encode_to_vec()
    };
    Some(match path {
        "distribution.v1beta1.Query/DelegationRewards"
        | "staking.v1beta1.Query/Delegation"
        | "staking.v1beta1.Query/DelegatorValidator"
        | "staking.v1beta1.Query/UnbondingDelegation" => (both(), Code::NotFound),
        "distribution.v1beta1.Query/DelegationTotalRewards"
        | "distribution.v1beta1.Query/DelegatorValidators"
        | "distribution.v1beta1.Query/DelegatorWithdrawAddress"
        | "staking.v1beta1.Query/DelegatorValidators"
        | "authz.v1beta1.Query/GranteeGrants"
        | "authz.v1beta1.Query/GranterGrants"
        | "feegrant.v1beta1.Query/Allowances"
        | "feegrant.v1beta1.Query/AllowancesByGranter"
        | "staking.v1beta1.Query/Redelegations" => (one(delegator), Code::Ok),
        "distribution.v1beta1.Query/ValidatorCommission"
        | "distribution.v1beta1.Query/ValidatorDistributionInfo"
        | "distribution.v1beta1.Query/ValidatorOutstandingRewards"
        | "distribution.v1beta1.Query/ValidatorSlashes"
        | "staking.v1beta1.Query/Validator"
        | "staking.v1beta1.Query/ValidatorDelegations"
        | "staking.v1beta1.Query/ValidatorUnbondingDelegations" => (one(valoper), Code::Ok),
        "authz.v1beta1.Query/Grants" => (pair(), Code::Ok),
        "feegrant.v1beta1.Query/Allowance" => (pair(), Code::NotFound),
        "slashing.v1beta1.Query/SigningInfo" => (one(validator("valcons")), Code::Ok),
        "gov.v1.Query/Deposit"
        | "gov.v1.Query/Deposits"
        | "gov.v1.Query/Proposal"
        | "gov.v1.Query/TallyResult"
        | "gov.v1.Query/Vote"
        | "gov.v1.Query/Votes" => (Vec::new(), Code::NotFound),
        _ => return None,
    })
}

fn dydx(path: &str) -> Option<(Vec<u8>, Code)> {
    let (address, denom) = (alice(), "uusdc".to_owned());
    let subaccount_id = Some(subaccounts::SubaccountId { owner: alice(), number: 0 });
    let (request, code) = match path.trim_start_matches("dydxprotocol.") {
        "ballast.query.v1.Query/OpenOrders" => {
            (ballast::OpenOrdersRequest { subaccount_id, limit: 0 }.encode_to_vec(), Code::Ok)
        }
        "ballast.query.v1.Query/AccountRisk" => {
            (ballast::AccountRiskRequest { subaccount_id, ..Default::default() }.encode_to_vec(), Code::Ok)
        }
        "accountplus.Query/AccountState" => {
            (accountplus::AccountStateRequest { address }.encode_to_vec(), Code::NotFound)
        }
        "accountplus.Query/GetAuthenticator" => {
            let request = accountplus::GetAuthenticatorRequest { account: address, authenticator_id: 0 };
            (request.encode_to_vec(), Code::NotFound)
        }
        "accountplus.Query/GetAuthenticators" => {
            (accountplus::GetAuthenticatorsRequest { account: address }.encode_to_vec(), Code::Ok)
        }
        "affiliates.Query/AffiliateInfo" | "affiliates.Query/ReferredBy" => {
            (affiliates::ReferredByRequest { address }.encode_to_vec(), Code::Ok)
        }
        "clob.Query/Leverage" => {
            (clob::QueryLeverageRequest { owner: address, number: 0 }.encode_to_vec(), Code::Ok)
        }
        "clob.Query/StatefulOrder" => {
            let order_id = clob::OrderId { subaccount_id, client_id: 1, order_flags: 64, clob_pair_id: 0 };
            (clob::QueryStatefulOrderRequest { order_id: Some(order_id) }.encode_to_vec(), Code::NotFound)
        }
        "delaymsg.Query/BlockMessageIds" | "delaymsg.Query/Message" => (Vec::new(), Code::NotFound),
        "epochs.Query/EpochInfo" => {
            (epochs::QueryGetEpochInfoRequest { name: "funding-tick".into() }.encode_to_vec(), Code::Ok)
        }
        "feetiers.Query/UserFeeTier" => {
            (feetiers::QueryUserFeeTierRequest { user: address }.encode_to_vec(), Code::Ok)
        }
        "feetiers.Query/UserStakingTier" => {
            (feetiers::QueryUserStakingTierRequest { address }.encode_to_vec(), Code::Ok)
        }
        "ratelimit.Query/CapacityByDenom" => {
            (ratelimit::QueryCapacityByDenomRequest { denom }.encode_to_vec(), Code::Ok)
        }
        "stats.Query/UserStats" => (stats::QueryUserStatsRequest { user: address }.encode_to_vec(), Code::Ok),
        "subaccounts.Query/Subaccount" => {
            (subaccounts::QueryGetSubaccountRequest { owner: address, number: 0 }.encode_to_vec(), Code::Ok)
        }
        "vault.Query/MegavaultOwnerShares" => {
            (vault::QueryMegavaultOwnerSharesRequest { address }.encode_to_vec(), Code::NotFound)
        }
        "vault.Query/MegavaultWithdrawalInfo" | "vault.Query/Vault" | "vault.Query/VaultParams" => {
            (Vec::new(), Code::NotFound)
        }
        _ => return None,
    };
    Some((request, code))
}

/// Values for a field: those at the bounds of its type, and what nobody should send.
fn values(field: &FieldDescriptor, depth: u32) -> Vec<Value> {
    let one = match field.kind() {
        Kind::Bool => vec![Value::Bool(true)],
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => [i32::MIN, -1, 1, i32::MAX].map(Value::I32).to_vec(),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => [i64::MIN, -1, 1, i64::MAX].map(Value::I64).to_vec(),
        Kind::Uint32 | Kind::Fixed32 => [1, 128_000, 128_001, u32::MAX].map(Value::U32).to_vec(),
        Kind::Uint64 | Kind::Fixed64 => [1, 1_001, 10_001, u64::MAX].map(Value::U64).to_vec(),
        Kind::Enum(_) => [1, 99, i32::MIN].map(Value::EnumNumber).to_vec(),
        Kind::Float => vec![Value::F32(f32::NAN)],
        Kind::Double => vec![Value::F64(f64::NAN)],
        Kind::Bytes => {
            [vec![0xff; 3], vec![0; 4], vec![0; 24], vec![7; 40_000]].map(|b| Value::Bytes(b.into())).to_vec()
        }
        Kind::String => {
            let long = "z".repeat(40_000);
            let other = Wallet::new("alice").address().to_bech32("dydx");
            let texts = [
                "\0",
                "\u{e9}\u{2026}\u{202e}",
                "../../etc",
                "%00' OR 1=1--",
                &alice(),
                &other,
                "uusdc",
                &long,
            ];
            texts.map(|text| Value::String(text.into())).to_vec()
        }
        Kind::Message(inner) if depth < 3 => {
            questions(&inner, depth + 1).into_iter().map(Value::Message).collect()
        }
        Kind::Message(_) => Vec::new(),
    };
    if field.is_map() {
        return one.into_iter().map(|value| Value::Map([(MapKey::I32(0), value)].into())).take(0).collect();
    }
    if field.is_list() {
        let many = one.first().map(|first| Value::List(vec![first.clone(); 300]));
        return one.iter().map(|value| Value::List(vec![value.clone()])).chain(many).collect();
    }
    one
}

/// Messages where one field at a time has such a value.
fn questions(message: &MessageDescriptor, depth: u32) -> Vec<DynamicMessage> {
    let mut all = vec![DynamicMessage::new(message.clone())];
    for field in message.fields() {
        for value in values(&field, depth) {
            let mut question = DynamicMessage::new(message.clone());
            question.set_field(&field, value);
            all.push(question);
        }
    }
    all
}

#[tokio::test]
async fn every_method_answers_its_case_and_a_method_without_a_case_fails() {
    let chain = start().await;
    let (mut answered, mut refused) = (0, 0);
    for path in server::methods() {
        let (request, expected) = case(&path);
        let answer = chain.raw(&path, request).await;
        let code = answer.as_ref().map_or_else(|status| status.code(), |_| Code::Ok);
        assert_eq!(code, expected, "{path}: {answer:?}");
        match code {
            Code::Ok => answered += 1,
            _ => refused += 1,
        }
    }
    println!("{answered} methods answered their case, {refused} said that there is none");
    assert!(answered > 90 && refused > 5, "{answered} {refused}");
    for path in PLAIN {
        assert!(server::methods().contains(&format!("/{path}")), "{path} is not answered any more");
    }
}

#[tokio::test]
async fn net_08_every_field_of_every_method_takes_bounds_and_hostile_values_without_a_fault() {
    let chain = start().await;
    let pool = learn(&chain).await;
    let mut asked = 0;
    for path in server::methods() {
        let (service, method) = path.trim_start_matches('/').rsplit_once('/').unwrap();
        let service = pool.get_service_by_name(service).unwrap();
        let method = service.methods().find(|candidate| candidate.name() == method).unwrap();
        let mut requests: Vec<Vec<u8>> =
            questions(&method.input(), 0).iter().map(|question| question.encode_to_vec()).collect();
        // The good question with one more field, too, so that what comes first does not hide the rest.
        let good = DynamicMessage::decode(method.input(), case(&path).0.as_slice()).unwrap();
        for field in method.input().fields() {
            requests.extend(values(&field, 0).into_iter().map(|value| {
                let mut question = good.clone();
                question.set_field(&field, value);
                question.encode_to_vec()
            }));
        }
        for request in requests {
            let shown = request.get(..request.len().min(60)).unwrap_or_default().to_vec();
            match chain.raw(&path, request).await {
                Ok(answer) => {
                    DynamicMessage::decode(method.output(), answer.into_inner()).unwrap();
                }
                Err(status) => {
                    let known = [Code::InvalidArgument, Code::NotFound, Code::ResourceExhausted];
                    assert!(known.contains(&status.code()), "{path} {shown:?}: {status:?}");
                    assert!(status.message().len() <= 2_048, "{path}: long words");
                }
            }
            asked += 1;
        }
    }
    println!("{asked} questions at their bounds and beyond, none a fault");
    assert!(asked > 1_000, "{asked}");
}
