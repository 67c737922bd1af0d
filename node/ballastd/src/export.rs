//! `ballastd export`: what a stopped node's database holds, in sums and row by row.

use std::collections::BTreeMap;

use serde_json::{json, Map, Value};
use store::Memory;
use tree::{Loaded, Store};

use crate::config::Config;
use crate::failure::{Failure, Outcome};
use crate::home::HomeArgs;

/// Options of `ballastd export`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    home: HomeArgs,
    /// All keys and values by store, in hex
    #[arg(long)]
    rows: bool,
}

/// Print the sums.
pub(crate) fn run(args: &Args) -> Outcome {
    let home = args.home.resolve()?;
    let config = Config::load(&home.config())?;
    if !home.state().exists() {
        return Err(Failure::refused(format!(
            "{} does not exist; the node has no state before its first `ballastd start`",
            home.state().display()
        )));
    }
    let (_, loaded) =
        Store::open(&home.state(), app::STORES, config.state.keep_heights).map_err(Failure::store)?;
    if loaded.height == 0 {
        return Err(Failure::refused("the database holds no block yet"));
    }
    let mut document = sums(&loaded)?;
    if args.rows {
        document["rows"] = rows(&loaded);
    }
    println!("{document:#}");
    Ok(())
}

/// Height, application hash and sums. Amounts are decimal strings of smallest units.
fn sums(loaded: &Loaded) -> Result<Value, Failure> {
    let state = Memory::from_pairs(loaded.pairs.iter().cloned());
    let (audit, held) = app::invariants::totals(&state)
        .ok_or_else(|| Failure::fault("the sums of the state outgrow 128 bits, or it holds no chain"))?;
    let chain = app::state::chain(&state).ok_or_else(|| Failure::fault("the state holds no chain"))?;
    let laws = app::invariants::check_all(&state);
    let fund = insurance::balance(&state, &chain.collateral);
    let markets = audit.positions.iter().map(|(market, (longs, shorts))| {
        let open = perpetuals::perpetual(&state, *market).map(|perpetual| perpetual.open_interest.raw());
        json!({
            "market": market.0,
            "longs": longs.raw().to_string(),
            "shorts": shorts.raw().to_string(),
            "open_interest": open.map(|open| open.to_string()),
        })
    });
    Ok(json!({
        "chain_id": chain.chain_id,
        "height": loaded.height,
        "app_hash": hex::encode_upper(loaded.app_hash),
        "totals": held.iter().map(|(denom, amount)| json!({
            "denom": denom.to_string(),
            "amount": amount.to_string(),
        })).collect::<Vec<_>>(),
        "pool": audit.held().to_string(),
        "collateral": audit.collateral().to_string(),
        "unsettled_funding_ppm": audit.unsettled_ppm().to_string(),
        "funding_dust_ppm": audit.dust_ppm().to_string(),
        "subaccounts": audit.accounts,
        "insurance": fund.raw().to_string(),
        "markets": markets.collect::<Vec<_>>(),
        "invariants": match &laws { Ok(_) => json!("hold"), Err(law) => json!(law) },
    }))
}

/// All pairs: store, key, value.
fn rows(loaded: &Loaded) -> Value {
    let mut stores: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for (key, value) in &loaded.pairs {
        let Some((module, rest)) = key.split_first() else { continue };
        let name = app::STORES.iter().find(|(byte, _)| byte == module).map_or("unknown", |(_, name)| *name);
        stores.entry(name).or_default().insert(hex::encode(rest), hex::encode(value).into());
    }
    json!(stores)
}
