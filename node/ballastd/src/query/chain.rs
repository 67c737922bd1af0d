//! The chain as a whole: insurance, votes, blocks, transactions, validators, laws.

use client::usd;
use serde_json::{json, Value};

use super::{moment, Asker};
use crate::failure::{Failure, Outcome};
use crate::output::{pairs, signed, table};

/// The insurance fund.
pub(super) async fn insurance(asker: &Asker<'_>) -> Outcome {
    let (address, balance) = asker.client.insurance().await?;
    let shown = signed(balance, usd);
    let answer = json!({ "address": address, "balance": shown, "quote_quantums": balance.to_string() });
    asker
        .output()
        .print(&answer, || pairs(&[("address", address.clone()), ("balance", format!("{shown} USD"))]));
    Ok(())
}

/// The votes that made the last prices.
pub(super) async fn votes(asker: &Asker<'_>) -> Outcome {
    let (votes, markets) = (asker.client.votes().await?, asker.client.markets().await?);
    let mut rows = Vec::new();
    let mut answer = Vec::new();
    for validator in &votes.validators {
        let address = hex::encode_upper(&validator.validator_address);
        let mut own = Vec::new();
        for vote in &validator.prices {
            let market = markets.iter().find(|market| market.id == vote.market_id);
            let ticker = market.map_or_else(|| vote.market_id.to_string(), |market| market.ticker.clone());
            let exponent = market.and_then(|market| market.oracle).map_or(0, |(_, exponent)| exponent);
            let price = client::Decimal::scaled(vote.price.into(), exponent).to_string();
            own.push(json!({ "market": ticker, "price": price }));
            rows.push(vec![address.clone(), validator.power.to_string(), ticker, price]);
        }
        answer.push(json!({ "validator": address, "power": validator.power.to_string(), "prices": own }));
    }
    let answer = json!({ "height": votes.height.to_string(), "votes": answer });
    asker.output().print(&answer, || table(&["VALIDATOR", "POWER", "MARKET", "PRICE"], &rows));
    Ok(())
}

/// A block.
pub(super) async fn block(asker: &Asker<'_>, height: Option<u64>) -> Outcome {
    let height = match height {
        Some(height) => height,
        None => asker.client.height().await?,
    };
    let Some(block) = asker.client.block(height).await? else {
        return Err(Failure::refused(format!("the node has no block {height}")));
    };
    let (hash, app_hash) = (hex::encode_upper(&block.hash), hex::encode_upper(&block.app_hash));
    let answer = json!({
        "height": block.height.to_string(),
        "time": moment(block.time),
        "hash": hash,
        "app_hash": app_hash,
        "txs": block.txs,
        "proposer": block.proposer,
    });
    asker.output().print(&answer, || {
        pairs(&[
            ("height", block.height.to_string()),
            ("time (UTC)", moment(block.time)),
            ("hash", hash.clone()),
            ("app hash", format!("{app_hash} (state before this block)")),
            ("transactions", block.txs.to_string()),
            ("proposer", block.proposer.clone()),
        ])
    });
    Ok(())
}

/// A transaction.
pub(super) async fn tx(asker: &Asker<'_>, hash: &str) -> Outcome {
    let Some(outcome) = asker.client.tx(hash).await? else {
        return Err(Failure::refused(format!(
            "no block has transaction {hash}; it may still wait, or be gone"
        )));
    };
    let response = &outcome.response;
    let events: Vec<_> = response
        .events
        .iter()
        .map(|event| {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let attributes = event
                .attributes
                .iter()
                .map(|attribute| (text(attribute.key.as_ref()), Value::from(text(attribute.value.as_ref()))));
            json!({ "type": event.r#type, "attributes": attributes.collect::<serde_json::Map<_, _>>() })
        })
        .collect();
    let answer = json!({
        "txhash": outcome.hash,
        "height": outcome.height.to_string(),
        "code": response.code,
        "codespace": response.codespace,
        "raw_log": response.raw_log,
        "gas_wanted": response.gas_wanted.to_string(),
        "gas_used": response.gas_used.to_string(),
        "events": events,
    });
    asker.output().print(&answer, || {
        let result = match response.code {
            0 => "done".into(),
            code => format!("refused ({} {code}): {}", response.codespace, response.raw_log),
        };
        let mut lines = pairs(&[
            ("hash", outcome.hash.clone()),
            ("height", outcome.height.to_string()),
            ("result", result),
            ("gas", format!("{} of {}", response.gas_used, response.gas_wanted)),
        ]);
        for event in &events {
            lines.push_str(&format!(
                "\n{}  {}",
                event["type"].as_str().unwrap_or_default(),
                event["attributes"]
            ));
        }
        lines
    });
    Ok(())
}

/// The validators.
pub(super) async fn validators(asker: &Asker<'_>) -> Outcome {
    let validators = asker.client.validators().await?;
    let one =
        |each: &client::ValidatorView| json!({ "address": each.address, "power": each.power.to_string() });
    asker.output().print(&Value::Array(validators.iter().map(one).collect()), || {
        let row = |each: &client::ValidatorView| vec![each.address.clone(), each.power.to_string()];
        table(&["VALIDATOR", "POWER"], &validators.iter().map(row).collect::<Vec<_>>())
    });
    Ok(())
}

/// The conservation laws. One that does not hold is a failure of this command too.
pub(super) async fn invariants(asker: &Asker<'_>) -> Outcome {
    let checked = asker.client.invariants().await?;
    let results = checked.results.iter().map(|result| {
        json!({ "module": result.module, "name": result.name, "holds": result.holds, "detail": result.detail })
    });
    let answer = json!({ "height": checked.height.to_string(), "results": results.collect::<Vec<_>>() });
    asker.output().print(&answer, || {
        let rows = checked.results.iter().map(|result| {
            let holds = if result.holds { "holds" } else { "BROKEN" };
            vec![result.module.clone(), result.name.clone(), holds.into(), result.detail.clone()]
        });
        table(&["MODULE", "LAWS", "STATE", "DETAIL"], &rows.collect::<Vec<_>>())
    });
    match checked.results.iter().find(|result| !result.holds) {
        Some(broken) => Err(Failure::fault(format!("{} does not hold: {}", broken.name, broken.detail))),
        None => Ok(()),
    }
}

/// The upgrade that is planned, and the versions of all modules.
pub(super) async fn upgrade(asker: &Asker<'_>) -> Outcome {
    let (plan, versions) = (asker.client.upgrade_plan().await?, asker.client.module_versions().await?);
    let planned = plan
        .as_ref()
        .map(|plan| json!({ "name": plan.name, "height": plan.height.to_string(), "info": plan.info }));
    let modules: serde_json::Map<String, Value> =
        versions.iter().map(|(name, version)| (name.clone(), version.to_string().into())).collect();
    let answer = json!({ "plan": planned, "versions": modules });
    asker.output().print(&answer, || {
        let plan = plan.as_ref().map_or_else(
            || "none".to_owned(),
            |plan| format!("{} at height {}: {}", plan.name, plan.height, plan.info),
        );
        let versions = versions.iter().map(|(name, version)| format!("{name} {version}"));
        pairs(&[("plan", plan), ("versions", versions.collect::<Vec<_>>().join(", "))])
    });
    Ok(())
}
