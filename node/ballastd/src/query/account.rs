//! Accounts and what they own.

use client::messages::{self, OrderName, Until};
use client::usd;
use serde_json::json;

use super::Asker;
use crate::failure::{Failure, Outcome};
use crate::output::{pairs, signed, table};

/// Number and sequence.
pub(super) async fn account(asker: &Asker<'_>, account: &str) -> Outcome {
    let address = asker.address(account).await?;
    let Some(state) = asker.client.account(&address).await? else {
        return Err(Failure::refused(format!("account {address} is not on the chain; it never had coins")));
    };
    let answer = json!({
        "address": address,
        "account_number": state.number.to_string(),
        "sequence": state.sequence.to_string(),
    });
    asker.output().print(&answer, || {
        pairs(&[
            ("address", address.clone()),
            ("number", state.number.to_string()),
            ("sequence", state.sequence.to_string()),
        ])
    });
    Ok(())
}

/// Coins.
pub(super) async fn balance(asker: &Asker<'_>, account: &str) -> Outcome {
    let address = asker.address(account).await?;
    let coins = asker.client.balances(&address).await?;
    let balances: Vec<_> = coins
        .iter()
        .map(|coin| json!({ "denom": coin.denom.to_string(), "amount": coin.amount.to_string() }))
        .collect();
    asker.output().print(&json!({ "address": address, "balances": balances }), || {
        let row = |coin: &types::Coin| vec![coin.denom.to_string(), coin.amount.to_string()];
        table(&["DENOM", "AMOUNT"], &coins.iter().map(row).collect::<Vec<_>>())
    });
    Ok(())
}

/// Collateral and positions.
pub(super) async fn subaccount(asker: &Asker<'_>, account: &str, number: u32) -> Outcome {
    let address = asker.address(account).await?;
    let view = asker.client.subaccount(&address, number).await?;
    let markets = asker.client.markets().await?;
    let mut positions = Vec::new();
    let mut rows = Vec::new();
    for (id, position) in &view.positions {
        let market = markets.iter().find(|market| market.id == *id);
        let market =
            market.ok_or_else(|| Failure::fault(format!("a position in the unknown market {id}")))?;
        let size = signed(position.base, |base| market.size(base));
        let oracle = market.oracle_price().map_or_else(|| "none".into(), |price| price.to_string());
        positions.push(json!({
            "market": market.ticker,
            "market_id": id,
            "size": size,
            "base_quantums": position.base.to_string(),
            "funding_index": position.funding_index.to_string(),
        }));
        rows.push(vec![market.ticker.clone(), size, oracle]);
    }
    let collateral = signed(view.quote, usd);
    let answer = json!({
        "owner": address,
        "number": number,
        "collateral": collateral,
        "quote_quantums": view.quote.to_string(),
        "positions": positions,
    });
    asker.output().print(&answer, || {
        let head = pairs(&[
            ("owner", address.clone()),
            ("number", number.to_string()),
            ("collateral", format!("{collateral} USD")),
        ]);
        if rows.is_empty() {
            return head;
        }
        format!("{head}\n\n{}", table(&["MARKET", "SIZE", "ORACLE"], &rows))
    });
    Ok(())
}

/// A resting long-term order.
pub(super) async fn order(
    asker: &Asker<'_>,
    (account, subaccount): (&str, u32),
    (market, client_id): (&str, u32),
) -> Outcome {
    let address = asker.address(account).await?;
    let market = asker.client.market(market).await?;
    let name =
        OrderName { subaccount: messages::subaccount(&address, subaccount), client_id, market: market.id };
    let found = asker.client.order(messages::order_id(&name, Until::Time(0))).await?;
    let filled = found.as_ref().map_or(0, |found| found.fill_amount);
    let order = found.and_then(|found| found.order_placement).and_then(|placement| placement.order);
    let Some(order) = order else {
        let ticker = &market.ticker;
        return Err(Failure::refused(format!("{address} has no long-term order {client_id} in {ticker}")));
    };
    let side = if order.side == i32::from(messages::Side::Buy) { "buy" } else { "sell" };
    let (size, price) = (market.size(order.quantums.into()), market.price(order.subticks));
    let filled = market.size(filled.into());
    let answer = json!({
        "market": market.ticker,
        "client_id": client_id,
        "side": side,
        "size": size.to_string(),
        "price": price.to_string(),
        "filled": filled.to_string(),
        "quantums": order.quantums.to_string(),
        "subticks": order.subticks.to_string(),
    });
    asker.output().print(&answer, || {
        pairs(&[
            ("market", market.ticker.clone()),
            ("side", side.into()),
            ("size", size.to_string()),
            ("price", price.to_string()),
            ("filled", filled.to_string()),
        ])
    });
    Ok(())
}
