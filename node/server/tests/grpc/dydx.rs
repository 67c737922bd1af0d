//! What the services of the dYdX chain's public API answer, value by value.

use proto::cosmos::base::query::v1beta1::PageRequest;
use proto::dydxprotocol::{affiliates, clob, epochs, perpetuals, prices, ratelimit, vault};
use proto::serint;
use tonic::Code;

use crate::cases::alice;
use crate::support::{start, Chain, START};

/// Row numbers of a list's page, and the key of the next.
async fn page(chain: &Chain, path: &str, pagination: PageRequest) -> (Vec<u32>, Vec<u8>, u64) {
    let pagination = Some(pagination);
    let (rows, answer) = match path {
        "clob" => {
            let request = clob::QueryAllClobPairRequest { pagination };
            let answer: clob::QueryClobPairAllResponse =
                chain.call("/dydxprotocol.clob.Query/ClobPairAll", &request).await.unwrap();
            (answer.clob_pair.iter().map(|row| row.id).collect(), answer.pagination)
        }
        "perpetuals" => {
            let request = perpetuals::QueryAllPerpetualsRequest { pagination };
            let answer: perpetuals::QueryAllPerpetualsResponse =
                chain.call("/dydxprotocol.perpetuals.Query/AllPerpetuals", &request).await.unwrap();
            let id = |row: &perpetuals::Perpetual| row.params.as_ref().unwrap().id;
            (answer.perpetual.iter().map(id).collect(), answer.pagination)
        }
        "tiers" => {
            let request = perpetuals::QueryAllLiquidityTiersRequest { pagination };
            let answer: perpetuals::QueryAllLiquidityTiersResponse =
                chain.call("/dydxprotocol.perpetuals.Query/AllLiquidityTiers", &request).await.unwrap();
            (answer.liquidity_tiers.iter().map(|row| row.id).collect(), answer.pagination)
        }
        "prices" => {
            let request = prices::QueryAllMarketPricesRequest { pagination };
            let answer: prices::QueryAllMarketPricesResponse =
                chain.call("/dydxprotocol.prices.Query/AllMarketPrices", &request).await.unwrap();
            (answer.market_prices.iter().map(|row| row.id).collect(), answer.pagination)
        }
        _ => {
            let request = prices::QueryAllMarketParamsRequest { pagination };
            let answer: prices::QueryAllMarketParamsResponse =
                chain.call("/dydxprotocol.prices.Query/AllMarketParams", &request).await.unwrap();
            (answer.market_params.iter().map(|row| row.id).collect(), answer.pagination)
        }
    };
    let answer = answer.unwrap();
    (rows, answer.next_key, answer.total)
}

#[tokio::test]
async fn net_09_lists_of_markets_come_in_pages_that_meet() {
    let chain = start().await;
    for list in ["clob", "perpetuals", "tiers", "prices", "params"] {
        // What clients of the dYdX chain send.
        let whole = PageRequest { limit: u64::MAX, count_total: true, ..PageRequest::default() };
        let (all, next, total) = page(&chain, list, whole).await;
        assert!(all.len() > 1 && next.is_empty() && total == all.len() as u64, "{list}: {all:?} {total}");
        assert_eq!(page(&chain, list, PageRequest::default()).await.0, all, "{list}");
        let (mut seen, mut request) = (Vec::new(), PageRequest { limit: 1, ..PageRequest::default() });
        loop {
            let (rows, next, _) = page(&chain, list, request.clone()).await;
            seen.extend(rows);
            if next.is_empty() {
                break;
            }
            request.key = next;
        }
        assert_eq!(seen, all, "{list}");
        let last = PageRequest { limit: 1, reverse: true, ..PageRequest::default() };
        assert_eq!(page(&chain, list, last).await.0.first(), all.last(), "{list}");
        let second = PageRequest { limit: 1, offset: 1, ..PageRequest::default() };
        assert_eq!(page(&chain, list, second).await.0, all[1..2], "{list}");
    }
}

#[tokio::test]
async fn timers_tick_at_even_steps() {
    let chain = start().await;
    let answer: epochs::QueryEpochInfoAllResponse = chain
        .call("/dydxprotocol.epochs.Query/EpochInfoAll", &epochs::QueryAllEpochInfoRequest::default())
        .await
        .unwrap();
    let names: Vec<&str> = answer.epoch_info.iter().map(|timer| timer.name.as_str()).collect();
    assert_eq!(names, ["funding-sample", "funding-tick", "stats-epoch"]);
    for timer in answer.epoch_info {
        let now = u32::try_from(START + 3).unwrap();
        assert!(timer.next_tick > now && timer.next_tick <= now + timer.duration, "{timer:?}");
        assert!(timer.is_initialized);
        let request = epochs::QueryGetEpochInfoRequest { name: timer.name.clone() };
        let one: epochs::QueryEpochInfoResponse =
            chain.call("/dydxprotocol.epochs.Query/EpochInfo", &request).await.unwrap();
        assert_eq!(one.epoch_info, Some(timer));
    }
    let request = epochs::QueryGetEpochInfoRequest { name: "weekly".into() };
    let none =
        chain.call::<_, epochs::QueryEpochInfoResponse>("/dydxprotocol.epochs.Query/EpochInfo", &request);
    assert_eq!(none.await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn what_the_chain_does_not_have_is_said_in_the_form_that_clients_decode() {
    let chain = start().await;
    let request = affiliates::AffiliateInfoRequest { address: alice() };
    let info: affiliates::AffiliateInfoResponse =
        chain.call("/dydxprotocol.affiliates.Query/AffiliateInfo", &request).await.unwrap();
    assert_eq!((info.fee_share_ppm, info.staked_amount), (0, serint::encode(0)));
    let request = affiliates::ReferredByRequest { address: alice() };
    let by: affiliates::ReferredByResponse =
        chain.call("/dydxprotocol.affiliates.Query/ReferredBy", &request).await.unwrap();
    assert_eq!(by.affiliate_address, "");
    let shares: vault::QueryMegavaultTotalSharesResponse = chain
        .call("/dydxprotocol.vault.Query/MegavaultTotalShares", &vault::QueryMegavaultTotalSharesRequest {})
        .await
        .unwrap();
    assert_eq!(shares.total_shares.unwrap().num_shares, serint::encode(0));
    let request = ratelimit::QueryCapacityByDenomRequest { denom: "uusdc".into() };
    let capacity: ratelimit::QueryCapacityByDenomResponse =
        chain.call("/dydxprotocol.ratelimit.Query/CapacityByDenom", &request).await.unwrap();
    assert!(capacity.limiter_capacity_list.is_empty());
    for path in ["affiliates.Query/AffiliateInfo", "affiliates.Query/ReferredBy"] {
        let request = affiliates::AffiliateInfoRequest { address: "dydx1nothing".into() };
        let path = format!("/dydxprotocol.{path}");
        let answer = chain.call::<_, affiliates::ReferredByResponse>(&path, &request).await;
        assert_eq!(answer.unwrap_err().code(), Code::InvalidArgument, "{path}");
    }
}
