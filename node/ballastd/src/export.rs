//! `ballastd export`: what a stopped node's database holds, in sums and row by row.

use std::collections::BTreeMap;

use serde_json::{json, Map, Value};
use store::Memory;
use tree::{Loaded, Store};

use crate::config::Config;
use crate::failure::{Failure, Outcome};
use crate::genesis;
use crate::home::{Home, HomeArgs};

/// Options of `ballastd export`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    home: HomeArgs,
    /// All keys and values by store, in hex
    #[arg(long)]
    rows: bool,
    /// The state as the genesis document of a chain that goes on from it
    #[arg(long, conflicts_with = "rows")]
    genesis: bool,
    /// Name of that chain [default: the name of this one]
    #[arg(long, value_name = "ID", requires = "genesis")]
    chain_id: Option<String>,
}

/// Print the sums, or a genesis document.
pub(crate) fn run(args: &Args) -> Outcome {
    let home = args.home.resolve()?;
    let loaded = load(&home, None)?;
    let document = if args.genesis {
        genesis_of(&home, &loaded, args.chain_id.as_deref())?
    } else {
        let mut document = sums(&loaded)?;
        if args.rows {
            document["rows"] = rows(&loaded);
        }
        document
    };
    println!("{document:#}");
    Ok(())
}

/// The state of a stopped node, with every root recomputed; of its kept heights the last `keep`, or as many as
/// its configuration says.
pub(crate) fn load(home: &Home, keep: Option<usize>) -> Result<Loaded, Failure> {
    let config = Config::load(&home.config())?;
    if !home.state().exists() {
        return Err(Failure::refused(format!(
            "{} does not exist; the node has no state before its first `ballastd start`",
            home.state().display()
        )));
    }
    let keep = keep.unwrap_or(config.state.keep_heights);
    let (_, loaded) = Store::open(&home.state(), app::STORES, keep).map_err(Failure::store)?;
    if loaded.height == 0 {
        return Err(Failure::refused("the database holds no block yet"));
    }
    Ok(loaded)
}

/// A chain that goes on where this one stopped, with its limits and its present validators.
fn genesis_of(home: &Home, loaded: &Loaded, chain_id: Option<&str>) -> Result<Value, Failure> {
    let state = Memory::from_pairs(loaded.pairs.iter().cloned());
    let app = app::genesis::export(&state).ok_or_else(|| Failure::fault("the state holds no chain"))?;
    let (old, _) = genesis::load(home)?;
    let (height, time) = app::state::last_block(&state);
    let time = tendermint::Time::from_unix_timestamp(time.seconds(), time.subsec_nanos());
    let voter = |validator: &governance::Validator| {
        let power = i64::try_from(validator.power).unwrap_or(i64::MAX);
        solo::ChainValidator::new(validator.public_key, power)
    };
    let document = solo::Genesis {
        chain_id: chain_id.unwrap_or(&old.chain_id).into(),
        time: time.map_err(Failure::fault)?,
        initial_height: height.saturating_add(1),
        validators: governance::validators(&state).iter().map(voter).collect(),
        app_state: serde_json::to_value(app).map_err(Failure::fault)?,
        ..old
    };
    Ok(document.to_json())
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
