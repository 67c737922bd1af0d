//! What an account is worth and must be worth, and the same after something that has not happened.

use std::str::FromStr;

use client::{Decimal, Market};
use proto::ballast::query::v1::supposed::What;
use proto::ballast::query::v1::{
    AccountRisk, AccountRiskResponse, PositionRisk, Supposed, SupposedPrice, SupposedTrade, SupposedTransfer,
};
use proto::dydxprotocol::clob::order::Side;
use serde_json::{json, Value};

use super::Asker;
use crate::failure::{Failure, Outcome};
use crate::output::{dollars, pairs, percent, signed, table};

/// Something that has not happened, as people write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum If {
    /// `buy 0.5 BTC`, `sell 1 ETH @ 1800`.
    Trade { side: Side, size: Decimal, market: String, price: Option<Decimal> },
    /// `BTC 50000`.
    Price { market: String, price: Decimal },
    /// `deposit 100`, `withdraw 100`.
    Money { amount: Decimal, out: bool },
}

impl FromStr for If {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |text: &str| text.parse::<Decimal>().map_err(|error| error.to_string());
        let words: Vec<_> = text.split_whitespace().collect();
        match words[..] {
            [word @ ("buy" | "sell"), size, market, ref rest @ ..] => {
                let side = if word == "buy" { Side::Buy } else { Side::Sell };
                let price = match *rest {
                    [] => None,
                    ["@", price] => Some(number(price)?),
                    _ => return Err(format!("after the market only `@ PRICE` may stand in {text:?}")),
                };
                Ok(Self::Trade { side, size: number(size)?, market: market.into(), price })
            }
            [word @ ("deposit" | "withdraw"), amount] => {
                Ok(Self::Money { amount: number(amount)?, out: word == "withdraw" })
            }
            [market, price] => Ok(Self::Price { market: market.into(), price: number(price)? }),
            _ => Err("write `buy SIZE MARKET`, `sell SIZE MARKET @ PRICE`, `MARKET PRICE`, `deposit USD` \
                      or `withdraw USD`"
                .into()),
        }
    }
}

impl If {
    async fn supposed(&self, asker: &Asker<'_>) -> Result<Supposed, Failure> {
        let what = match self {
            Self::Trade { side, size, market, price } => {
                let market = asker.client.market(market).await?;
                What::Trade(SupposedTrade {
                    market_id: market.id,
                    side: (*side).into(),
                    quantums: market.quantums(*size)?,
                    subticks: price.map_or(Ok(0), |price| market.subticks(price))?,
                    maker: false,
                })
            }
            Self::Price { market, price } => {
                let market = asker.client.market(market).await?;
                What::Price(SupposedPrice { market_id: market.id, price: market.oracle_units(*price)? })
            }
            Self::Money { amount, out } => {
                let Some((units, true)) = amount.whole(6) else {
                    let words = format!("{amount} USD is not a whole number of millionths of a USD");
                    return Err(Failure::refused(words));
                };
                let sign = if *out { "-" } else { "" };
                What::Transfer(SupposedTransfer { quote_quantums: format!("{sign}{units}") })
            }
        };
        Ok(Supposed { what: Some(what) })
    }
}

/// Worth, margins, liquidation prices; then what they would be.
pub(super) async fn risk(asker: &Asker<'_>, (account, number): (&str, u32), ifs: &[If]) -> Outcome {
    let address = asker.address(account).await?;
    let mut supposed = Vec::with_capacity(ifs.len());
    for one in ifs {
        supposed.push(one.supposed(asker).await?);
    }
    let answer = asker.client.account_risk(&address, number, supposed).await?;
    let markets = asker.client.markets().await?;
    let known = |id: u32| {
        let market = markets.iter().find(|market| market.id == id);
        market.ok_or_else(|| Failure::fault(format!("the node names the unknown market {id}")))
    };
    let mut sides = Vec::new();
    for side in [&answer.now, &answer.then].into_iter().flatten() {
        let rows = side.positions.iter().map(|position| Ok(Row::of(known(position.market_id)?, position)));
        sides.push((side, rows.collect::<Result<Vec<_>, Failure>>()?));
    }
    let mut fills = Vec::new();
    for fill in &answer.fills {
        let market = known(fill.market_id)?;
        let (price, size) = (market.price(fill.subticks), market.size(fill.quantums.into()));
        fills.push((market.ticker.clone(), price.to_string(), size.to_string()));
    }
    asker
        .output()
        .print(&as_json(&address, number, &answer, (&sides, &fills)), || as_text(&answer, &sides, &fills));
    Ok(())
}

/// A position in people's numbers.
struct Row {
    market: String,
    size: String,
    entry: String,
    oracle: String,
    liquidation: String,
    money: Vec<(&'static str, String)>,
}

impl Row {
    fn of(market: &Market, position: &PositionRisk) -> Self {
        let price = |price: u64| match market.oracle {
            Some((_, exponent)) if price != 0 => Decimal::scaled(price.into(), exponent).to_string(),
            _ => "none".into(),
        };
        let base = position.quantums.parse().unwrap_or_default();
        Self {
            market: market.ticker.clone(),
            size: signed(base, |base| market.size(base)),
            entry: price(position.entry_price),
            oracle: price(position.oracle_price),
            liquidation: price(position.liquidation_price),
            money: vec![
                ("notional", dollars(&position.notional)),
                ("unrealised_pnl", dollars(&position.unrealised_pnl)),
                ("realised_pnl", dollars(&position.realised_pnl)),
                ("funding", dollars(&position.funding)),
                ("fees", dollars(&position.fees)),
                ("initial_margin", dollars(&position.initial_margin)),
                ("maintenance_margin", dollars(&position.maintenance_margin)),
            ],
        }
    }
}

type Named = (&'static str, String);
type Fill = (String, String, String);

fn amounts(side: &AccountRisk) -> Vec<Named> {
    vec![
        ("collateral", dollars(&side.collateral)),
        ("equity", dollars(&side.equity)),
        ("initial_margin", dollars(&side.initial_margin)),
        ("maintenance_margin", dollars(&side.maintenance_margin)),
        ("free_collateral", dollars(&side.free_collateral)),
        ("withdrawable", dollars(&side.withdrawable)),
        ("gross_notional", dollars(&side.gross_notional)),
    ]
}

fn as_json(
    address: &str,
    number: u32,
    answer: &AccountRiskResponse,
    (sides, fills): (&[(&AccountRisk, Vec<Row>)], &[Fill]),
) -> Value {
    let side = |(side, rows): &(&AccountRisk, Vec<Row>)| {
        let mut object: serde_json::Map<_, _> =
            amounts(side).into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
        object.insert("margin_ratio_ppm".into(), json!(side.margin_ratio_ppm));
        object.insert("leverage_ppm".into(), json!(side.leverage_ppm));
        object.insert("liquidatable".into(), json!(side.liquidatable));
        let row = |row: &Row| {
            let mut object: serde_json::Map<_, _> =
                row.money.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
            object.insert("market".into(), json!(row.market));
            object.insert("size".into(), json!(row.size));
            object.insert("entry_price".into(), json!(row.entry));
            object.insert("oracle_price".into(), json!(row.oracle));
            object.insert("liquidation_price".into(), json!(row.liquidation));
            Value::Object(object)
        };
        object.insert("positions".into(), rows.iter().map(row).collect());
        Value::Object(object)
    };
    let refused = answer.refused.as_ref().map(|refused| {
        json!({
            "index": refused.index,
            "codespace": refused.codespace,
            "code": refused.code,
            "reason": refused.reason,
        })
    });
    let fill = |(market, price, size): &Fill| json!({ "market": market, "price": price, "size": size });
    json!({
        "owner": address,
        "number": number,
        "height": answer.height.to_string(),
        "now": sides.first().map(side),
        "then": sides.get(1).map(side),
        "fills": fills.iter().map(fill).collect::<Vec<_>>(),
        "refused": refused,
    })
}

fn as_text(answer: &AccountRiskResponse, sides: &[(&AccountRisk, Vec<Row>)], fills: &[Fill]) -> String {
    let names = ["NOW", "THEN"];
    let mut parts = Vec::new();
    for ((side, rows), name) in sides.iter().zip(names) {
        if sides.len() > 1 {
            parts.push(name.to_owned());
        }
        let mut lines: Vec<Named> =
            amounts(side).into_iter().map(|(name, value)| (name, format!("{value} USD"))).collect();
        lines.push(("margin_ratio", percent(&side.margin_ratio_ppm)));
        lines.push(("leverage", percent(&side.leverage_ppm)));
        lines.push(("liquidatable", if side.liquidatable { "yes" } else { "no" }.to_owned()));
        parts.push(pairs(&lines));
        if !rows.is_empty() {
            let head = [
                "MARKET",
                "SIZE",
                "ENTRY",
                "ORACLE",
                "LIQUIDATION",
                "PNL",
                "FUNDING",
                "INITIAL",
                "MAINTENANCE",
            ];
            let money = |row: &Row, name: &str| {
                row.money
                    .iter()
                    .find(|(of, _)| *of == name)
                    .map(|(_, value)| value.clone())
                    .unwrap_or_default()
            };
            let cells = |row: &Row| {
                vec![
                    row.market.clone(),
                    row.size.clone(),
                    row.entry.clone(),
                    row.oracle.clone(),
                    row.liquidation.clone(),
                    money(row, "unrealised_pnl"),
                    money(row, "funding"),
                    money(row, "initial_margin"),
                    money(row, "maintenance_margin"),
                ]
            };
            parts.push(table(&head, &rows.iter().map(cells).collect::<Vec<_>>()));
        }
    }
    if !fills.is_empty() {
        let rows: Vec<_> = fills
            .iter()
            .map(|(market, price, size)| vec![market.clone(), price.clone(), size.clone()])
            .collect();
        parts.push(table(&["FILLS", "PRICE", "SIZE"], &rows));
    }
    if let Some(refused) = &answer.refused {
        parts.push(format!(
            "number {} of what is supposed would be refused: {} ({}, code {})",
            refused.index + 1,
            refused.reason,
            refused.codespace,
            refused.code
        ));
    }
    parts.join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_understood_or_refused_with_words() {
        let number = |text: &str| text.parse::<Decimal>().unwrap();
        let trade = |side, price: Option<&str>| If::Trade {
            side,
            size: number("0.5"),
            market: "BTC".into(),
            price: price.map(number),
        };
        let cases = [
            ("buy 0.5 BTC", trade(Side::Buy, None)),
            ("sell 0.5 BTC @ 50000", trade(Side::Sell, Some("50000"))),
            ("ETH-USD 1800.5", If::Price { market: "ETH-USD".into(), price: number("1800.5") }),
            ("deposit 100", If::Money { amount: number("100"), out: false }),
            ("withdraw 0.000001", If::Money { amount: number("0.000001"), out: true }),
        ];
        for (text, meaning) in cases {
            assert_eq!(text.parse::<If>().unwrap(), meaning, "{text}");
        }
        for text in ["", "buy", "buy x BTC", "buy 1 BTC at 5", "BTC -5", "buy 1 BTC @", "a b c d e"] {
            assert!(text.parse::<If>().is_err(), "{text}");
        }
    }
}
