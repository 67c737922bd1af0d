//! `ballastd verify`, `rollback` and `prune`: what an operator does to the database of a stopped node.

use std::collections::BTreeMap;

use serde_json::json;
use store::Memory;

use crate::export;
use crate::failure::{Failure, Outcome};
use crate::home::{Home, HomeArgs};

/// Options of `ballastd rollback`.
#[derive(clap::Args, Debug)]
pub(crate) struct RollbackArgs {
    #[command(flatten)]
    home: HomeArgs,
    /// Height to go back to, one of those kept [default: the one before the last]
    #[arg(long, value_name = "HEIGHT")]
    height: Option<u64>,
}

/// Options of `ballastd prune`.
#[derive(clap::Args, Debug)]
pub(crate) struct PruneArgs {
    #[command(flatten)]
    home: HomeArgs,
    /// Heights that stay
    #[arg(long, value_name = "HEIGHTS", value_parser = clap::value_parser!(u32).range(1..))]
    keep: u32,
}

/// Recompute every root of every kept height from rows, check every conservation law, and print counts.
pub(crate) fn verify(home: &HomeArgs) -> Outcome {
    let home = home.resolve()?;
    let loaded = export::load(&home, Some(usize::MAX))?;
    let mut rows: BTreeMap<&str, usize> = BTreeMap::new();
    for (key, _) in &loaded.pairs {
        let store = app::STORES.iter().find(|(byte, _)| key.first() == Some(byte));
        *rows.entry(store.map_or("unknown", |(_, name)| *name)).or_default() += 1;
    }
    let state = Memory::from_pairs(loaded.pairs.iter().cloned());
    let laws = app::invariants::check_all(&state)
        .map_err(|law| Failure::fault(format!("the rows are those committed, but {law}")))?;
    let machine =
        app::Machine::from_state(state).ok_or_else(|| Failure::fault("the state holds no chain"))?;
    if machine.last_block().0 != loaded.height {
        let last = machine.last_block().0;
        return Err(Failure::fault(format!("the rows are of height {last}, not {}", loaded.height)));
    }
    println!(
        "{:#}",
        json!({
            "height": loaded.height,
            "app_hash": hex::encode_upper(loaded.app_hash),
            "rows": rows,
            "total_rows": loaded.pairs.len(),
            "laws_checked": laws,
            "result": "every root follows from the rows, and every law holds",
        })
    );
    Ok(())
}

/// Take the state back; the engine's blocks stay and are executed again at the next start.
pub(crate) fn rollback(args: &RollbackArgs) -> Outcome {
    let home = existing(&args.home)?;
    let (height, app_hash) =
        tree::roll_back(&home.state(), app::STORES, args.height).map_err(refused_or_broken)?;
    println!(
        "rolled back to height {height}, app hash {}; the next start executes the blocks after it again",
        hex::encode_upper(app_hash)
    );
    Ok(())
}

/// Let the history of the state go.
pub(crate) fn prune(args: &PruneArgs) -> Outcome {
    let home = existing(&args.home)?;
    let keep = usize::try_from(args.keep).unwrap_or(usize::MAX);
    let (oldest, gone) = tree::prune(&home.state(), keep).map_err(refused_or_broken)?;
    println!("{gone} heights pruned; the first one kept is {oldest}");
    Ok(())
}

fn existing(home: &HomeArgs) -> Result<Home, Failure> {
    let home = home.resolve()?;
    if home.state().exists() {
        return Ok(home);
    }
    Err(Failure::refused(format!("{} does not exist; there is no state yet", home.state().display())))
}

fn refused_or_broken(error: tree::Error) -> Failure {
    match error {
        tree::Error::NoHeight { .. } => Failure::refused(error),
        other => Failure::store(other),
    }
}
