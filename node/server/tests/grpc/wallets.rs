//! What wallets and explorers ask, value by value.

use cosmos_sdk_proto::cosmos::auth::v1beta1 as auth;
use cosmos_sdk_proto::cosmos::bank::v1beta1 as bank;
use cosmos_sdk_proto::cosmos::base::query::v1beta1::PageRequest;
use cosmos_sdk_proto::cosmos::base::reflection::v2alpha1 as reflection;
use cosmos_sdk_proto::cosmos::distribution::v1beta1 as distribution;
use cosmos_sdk_proto::cosmos::gov::v1 as gov;
use cosmos_sdk_proto::cosmos::mint::v1beta1 as mint;
use cosmos_sdk_proto::cosmos::slashing::v1beta1 as slashing;
use cosmos_sdk_proto::cosmos::staking::v1beta1 as staking;
use cosmos_sdk_proto::cosmos::tx::v1beta1 as tx;
use prost::Message;
use tonic::Code;

use crate::cases::{alice, validator};
use crate::support::{start, Chain};

const BANK: &str = "/cosmos.bank.v1beta1.Query";

async fn owners(chain: &Chain, key: Vec<u8>, limit: u64) -> bank::QueryDenomOwnersResponse {
    let pagination = Some(PageRequest { key, limit, ..PageRequest::default() });
    let request = bank::QueryDenomOwnersRequest { denom: "uusdc".into(), pagination };
    chain.call(&format!("{BANK}/DenomOwners"), &request).await.unwrap()
}

#[tokio::test]
async fn net_09_owners_of_a_coin_come_in_pages_and_hold_all_of_it() {
    let chain = start().await;
    let all = owners(&chain, Vec::new(), 0).await.denom_owners;
    assert!(all.iter().any(|owner| owner.address == alice()), "{all:?}");
    let amount = |owner: &bank::DenomOwner| owner.balance.as_ref().unwrap().amount.parse::<u128>().unwrap();
    assert!(all.iter().all(|owner| amount(owner) > 0));
    let request = bank::QuerySupplyOfRequest { denom: "uusdc".into() };
    let supply: bank::QuerySupplyOfResponse =
        chain.call(&format!("{BANK}/SupplyOf"), &request).await.unwrap();
    let supply = supply.amount.unwrap().amount.parse::<u128>().unwrap();
    assert_eq!(all.iter().map(amount).sum::<u128>(), supply);
    let (mut seen, mut key) = (Vec::new(), Vec::new());
    loop {
        let page = owners(&chain, key, 1).await;
        assert!(page.denom_owners.len() <= 1);
        seen.extend(page.denom_owners);
        key = page.pagination.unwrap().next_key;
        if key.is_empty() {
            break;
        }
    }
    assert_eq!(seen, all);
    for pagination in [
        PageRequest { offset: 1, ..PageRequest::default() },
        PageRequest { reverse: true, ..PageRequest::default() },
        PageRequest { key: vec![1], ..PageRequest::default() },
    ] {
        let request = bank::QueryDenomOwnersRequest { denom: "uusdc".into(), pagination: Some(pagination) };
        let path = format!("{BANK}/DenomOwners");
        let answer = chain.call::<_, bank::QueryDenomOwnersResponse>(&path, &request).await;
        assert_eq!(answer.unwrap_err().code(), Code::InvalidArgument);
    }
}

#[tokio::test]
async fn tools_are_told_which_messages_transactions_may_carry() {
    let chain = start().await;
    let service = "/cosmos.base.reflection.v2alpha1.ReflectionService";
    let answer: reflection::GetTxDescriptorResponse = chain
        .call(&format!("{service}/GetTxDescriptor"), &reflection::GetTxDescriptorRequest {})
        .await
        .unwrap();
    let told: Vec<String> = answer.tx.unwrap().msgs.into_iter().map(|msg| msg.msg_type_url).collect();
    for known in [
        "/cosmos.bank.v1beta1.MsgSend",
        "/cosmos.upgrade.v1beta1.MsgSoftwareUpgrade",
        "/dydxprotocol.clob.MsgPlaceOrder",
        "/dydxprotocol.clob.MsgUpdateClobPair",
        "/dydxprotocol.sending.MsgCreateTransfer",
    ] {
        assert!(told.iter().any(|url| url == known), "{known}: {told:?}");
    }
    for unknown in ["/dydxprotocol.clob.MsgProposedOperations", "/dydxprotocol.bridge.MsgCompleteBridge"] {
        assert!(!told.iter().any(|url| url == unknown), "{unknown}");
    }
    let answer: reflection::GetQueryServicesDescriptorResponse = chain
        .call(
            &format!("{service}/GetQueryServicesDescriptor"),
            &reflection::GetQueryServicesDescriptorRequest {},
        )
        .await
        .unwrap();
    let services = answer.queries.unwrap().query_services;
    assert_eq!(services.iter().map(|service| service.methods.len()).sum::<usize>(), server::methods().len());
}

#[tokio::test]
async fn addresses_go_to_bytes_and_back() {
    let chain = start().await;
    let request = auth::AddressStringToBytesRequest { address_string: alice() };
    let bytes: auth::AddressStringToBytesResponse =
        chain.call("/cosmos.auth.v1beta1.Query/AddressStringToBytes", &request).await.unwrap();
    let request = auth::AddressBytesToStringRequest { address_bytes: bytes.address_bytes };
    let text: auth::AddressBytesToStringResponse =
        chain.call("/cosmos.auth.v1beta1.Query/AddressBytesToString", &request).await.unwrap();
    assert_eq!(text.address_string, alice());
}

#[tokio::test]
async fn a_transaction_goes_to_its_parts_and_back() {
    let chain = start().await;
    let tx_bytes = crate::transactions::unsigned();
    let request = tx::TxDecodeRequest { tx_bytes: tx_bytes.clone() };
    let decoded: tx::TxDecodeResponse =
        chain.call("/cosmos.tx.v1beta1.Service/TxDecode", &request).await.unwrap();
    assert_eq!(decoded.tx, Some(tx::Tx::decode(tx_bytes.as_slice()).unwrap()));
    let request = tx::TxEncodeRequest { tx: decoded.tx };
    let encoded: tx::TxEncodeResponse =
        chain.call("/cosmos.tx.v1beta1.Service/TxEncode", &request).await.unwrap();
    assert_eq!(encoded.tx_bytes, tx_bytes);
    for garbage in [Vec::new(), vec![0xff], vec![0x12, 0]] {
        let request = tx::TxDecodeRequest { tx_bytes: garbage };
        let answer =
            chain.call::<_, tx::TxDecodeResponse>("/cosmos.tx.v1beta1.Service/TxDecode", &request).await;
        assert_eq!(answer.unwrap_err().code(), Code::InvalidArgument);
    }
}

#[tokio::test]
async fn validators_are_watched_but_nobody_delegates_earns_or_votes() {
    let chain = start().await;
    let infos: slashing::QuerySigningInfosResponse = chain
        .call("/cosmos.slashing.v1beta1.Query/SigningInfos", &slashing::QuerySigningInfosRequest::default())
        .await
        .unwrap();
    let [info] = infos.info.as_slice() else { panic!("{infos:?}") };
    assert_eq!((info.address.clone(), info.tombstoned), (validator("valcons"), false));
    let request = slashing::QuerySigningInfoRequest { cons_address: validator("valcons") };
    let one: slashing::QuerySigningInfoResponse =
        chain.call("/cosmos.slashing.v1beta1.Query/SigningInfo", &request).await.unwrap();
    assert_eq!(one.val_signing_info.as_ref(), Some(info));
    let request = distribution::QueryDelegationTotalRewardsRequest { delegator_address: alice() };
    let rewards: distribution::QueryDelegationTotalRewardsResponse =
        chain.call("/cosmos.distribution.v1beta1.Query/DelegationTotalRewards", &request).await.unwrap();
    assert!(rewards.rewards.is_empty() && rewards.total.is_empty());
    let request = gov::QueryProposalsRequest { voter: alice(), ..Default::default() };
    let proposals: gov::QueryProposalsResponse =
        chain.call("/cosmos.gov.v1.Query/Proposals", &request).await.unwrap();
    assert!(proposals.proposals.is_empty() && proposals.pagination.is_some());
    let inflation: mint::QueryInflationResponse =
        chain.call("/cosmos.mint.v1beta1.Query/Inflation", &mint::QueryInflationRequest {}).await.unwrap();
    assert_eq!(inflation.inflation, b"0");
    for part in ["", "voting", "deposit", "tallying"] {
        let request = gov::QueryParamsRequest { params_type: part.into() };
        let params: gov::QueryParamsResponse =
            chain.call("/cosmos.gov.v1.Query/Params", &request).await.unwrap();
        assert!(params.params.is_some(), "{part}");
    }
}

#[tokio::test]
async fn a_validator_that_does_not_exist_is_told_from_one_without_delegations() {
    let chain = start().await;
    let path = "/cosmos.staking.v1beta1.Query/ValidatorDelegations";
    let wrong = types::Address::new([1; 20]).to_bech32("ballastvaloper");
    for (validator_addr, code) in [
        (validator("valoper"), Code::Ok),
        (wrong, Code::NotFound),
        (validator("valcons"), Code::InvalidArgument),
        (alice(), Code::InvalidArgument),
        (String::new(), Code::InvalidArgument),
    ] {
        let request = staking::QueryValidatorDelegationsRequest {
            validator_addr: validator_addr.clone(),
            pagination: None,
        };
        let answer = chain.call::<_, staking::QueryValidatorDelegationsResponse>(path, &request).await;
        assert_eq!(answer.map_or_else(|status| status.code(), |_| Code::Ok), code, "{validator_addr}");
    }
}
