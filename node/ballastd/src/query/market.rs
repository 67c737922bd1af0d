//! Markets: parameters, prices, books, funding.

use client::Market;
use serde_json::{json, Value};

use super::{moment, Asker};
use crate::failure::{Failure, Outcome};
use crate::output::table;

fn shown_price(market: &Market) -> String {
    market.oracle_price().map_or_else(|| "none".into(), |price| price.to_string())
}

/// All markets.
pub(super) async fn markets(asker: &Asker<'_>) -> Outcome {
    let markets = asker.client.markets().await?;
    let tick = |market: &Market| market.price(market.subticks_per_tick.into()).to_string();
    let step = |market: &Market| market.size(market.step.into()).to_string();
    let open = |market: &Market| market.size(market.open_interest.unsigned_abs()).to_string();
    let answer = markets.iter().map(|market| {
        json!({
            "id": market.id,
            "ticker": market.ticker,
            "oracle_price": market.oracle_price().map(|price| price.to_string()),
            "tick": tick(market),
            "step": step(market),
            "open_interest": open(market),
            "liquidity_tier": market.liquidity_tier,
            "atomic_resolution": market.atomic_resolution,
            "quantum_conversion_exponent": market.quantum_conversion_exponent,
            "step_base_quantums": market.step.to_string(),
            "subticks_per_tick": market.subticks_per_tick,
        })
    });
    asker.output().print(&Value::Array(answer.collect()), || {
        let row = |market: &Market| {
            let (id, ticker) = (market.id.to_string(), market.ticker.clone());
            vec![id, ticker, shown_price(market), tick(market), step(market), open(market)]
        };
        let rows: Vec<_> = markets.iter().map(row).collect();
        table(&["ID", "MARKET", "ORACLE", "TICK", "STEP", "OPEN INTEREST"], &rows)
    });
    Ok(())
}

/// One oracle price.
pub(super) async fn price(asker: &Asker<'_>, name: &str) -> Outcome {
    let market = asker.client.market(name).await?;
    let Some(price) = market.oracle_price() else {
        return Err(Failure::refused(format!("{} has no oracle price yet", market.ticker)));
    };
    let answer = json!({ "market": market.ticker, "price": price.to_string() });
    asker.output().print(&answer, || price.to_string());
    Ok(())
}

/// All oracle prices.
pub(super) async fn prices(asker: &Asker<'_>) -> Outcome {
    let markets = asker.client.markets().await?;
    let answer = markets.iter().map(|market| {
        let price = market.oracle_price().map(|price| price.to_string());
        json!({ "market": market.ticker, "price": price })
    });
    asker.output().print(&Value::Array(answer.collect()), || {
        let row = |market: &Market| vec![market.ticker.clone(), shown_price(market)];
        table(&["MARKET", "PRICE"], &markets.iter().map(row).collect::<Vec<_>>())
    });
    Ok(())
}

/// The best levels of a book, asks above bids.
pub(super) async fn orderbook(asker: &Asker<'_>, name: &str, depth: u32) -> Outcome {
    let market = asker.client.market(name).await?;
    let book = asker.client.orderbook(market.id, depth).await?;
    let level = |level: &proto::ballast::query::v1::Level| {
        json!({
            "price": market.price(level.subticks).to_string(),
            "size": market.size(level.quantums.into()).to_string(),
            "orders": level.orders,
        })
    };
    let answer = json!({
        "market": market.ticker,
        "height": book.height.to_string(),
        "bids": book.bids.iter().map(level).collect::<Vec<_>>(),
        "asks": book.asks.iter().map(level).collect::<Vec<_>>(),
    });
    asker.output().print(&answer, || {
        let row = |side: &str, level: &proto::ballast::query::v1::Level| {
            let (price, size) = (market.price(level.subticks), market.size(level.quantums.into()));
            vec![side.to_owned(), price.to_string(), size.to_string(), level.orders.to_string()]
        };
        let mut rows: Vec<_> = book.asks.iter().rev().map(|level| row("ask", level)).collect();
        rows.extend(book.bids.iter().map(|level| row("bid", level)));
        table(&["SIDE", "PRICE", "SIZE", "ORDERS"], &rows)
    });
    Ok(())
}

/// Funding of all markets.
pub(super) async fn funding(asker: &Asker<'_>) -> Outcome {
    let (markets, all) = (asker.client.markets().await?, asker.client.funding().await?);
    let ticker = |id: u32| {
        let market = markets.iter().find(|market| market.id == id);
        market.map_or_else(|| id.to_string(), |market| market.ticker.clone())
    };
    let answer = all.iter().map(|funding| {
        json!({
            "market": ticker(funding.market),
            "predicted_rate_8h_ppm": funding.predicted_ppm,
            "samples": funding.samples,
            "funding_index": funding.index.to_string(),
            "next_tick": funding.next_tick,
        })
    });
    asker.output().print(&Value::Array(answer.collect()), || {
        let row = |funding: &client::Funding| {
            let (rate, samples) = (funding.predicted_ppm.to_string(), funding.samples.to_string());
            vec![ticker(funding.market), rate, samples, moment(funding.next_tick)]
        };
        let rows: Vec<_> = all.iter().map(row).collect();
        table(&["MARKET", "8H RATE PPM", "SAMPLES", "NEXT TICK (UTC)"], &rows)
    });
    Ok(())
}
