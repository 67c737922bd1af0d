//! `ballastd devnet`: a chain in one process, with prices, and with traders who use only the public interface.
//!
//! Reading order: [`run`], [`accounts`] (who is there and what they hold), [`chain`] (the folder, the genesis and
//! the node), [`feed`] (where votes come from), [`bots`] (who trades), [`tally`] (what is counted), [`view`]
//! (what is shown).
//!
//! The node checks every conservation law after every block and stops when one does not hold. With `--fast` the
//! traders act between two blocks, one after the other, so that a seed always gives the same chain.

mod accounts;
mod bots;
mod chain;
mod drive;
mod feed;
mod tally;
mod view;

use std::path::PathBuf;

pub(crate) use feed::listed;

/// What the seeded market lives through.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scenario {
    /// Small moves around the start
    Calm,
    /// After 75 seconds everything falls by a third and more, with gaps; then a recovery in part
    Crash,
}

/// Options of `ballastd devnet`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Folder of the chain; it must not exist or be empty [default: a new one for temporary files]
    #[arg(long, value_name = "DIR")]
    home: Option<PathBuf>,
    /// Stop after this height
    #[arg(long, value_name = "N")]
    blocks: Option<u64>,
    /// Makes prices and traders reproducible; block times are then counted, not read from a clock
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// What the market lives through
    #[arg(long, value_enum, default_value_t = Scenario::Calm, conflicts_with = "replay")]
    scenario: Scenario,
    /// Take prices from recorded trades: a folder of VENUE__SYMBOL.csv.zst; each venue is a validator
    #[arg(long, value_name = "FOLDER")]
    replay: Option<PathBuf>,
    /// Where in the recorded day to begin, HH:MM UTC
    #[arg(long, value_name = "HH:MM", default_value = "20:50", value_parser = time_of_day)]
    replay_from: u32,
    /// Where in the recorded day to end
    #[arg(long, value_name = "HH:MM", default_value = "22:10", value_parser = time_of_day)]
    replay_to: u32,
    /// Seconds of recorded time in each block
    #[arg(long, value_name = "SECONDS", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=60))]
    speed: u32,
    /// No traders: the bare chain, with the phrases of its accounts
    #[arg(long)]
    no_bots: bool,
    /// Make blocks as fast as the traders act
    #[arg(long)]
    fast: bool,
    /// Milliseconds from block to block
    #[arg(long, value_name = "MS", default_value_t = 500, value_parser = clap::value_parser!(u64).range(10..=60_000))]
    block_ms: u64,
    /// Port of JSON-RPC on this machine; 0 takes any
    #[arg(long, value_name = "PORT", default_value_t = 26657)]
    rpc_port: u16,
    /// Port of gRPC on this machine; 0 takes any
    #[arg(long, value_name = "PORT", default_value_t = 9090)]
    grpc_port: u16,
    /// Port of REST on this machine; 0 takes any
    #[arg(long, value_name = "PORT", default_value_t = 1317)]
    rest_port: u16,
    /// How much is logged to standard error: error, warn, info, debug or trace
    #[arg(long, value_name = "LEVEL", default_value = "warn")]
    log_level: String,
}

/// Run a devnet until it is told to stop, and print what became of it as one line of JSON.
pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let on_terminal = view::is_terminal();
    if !on_terminal {
        crate::start::log_to_stderr(&args.log_level);
    }
    let runtime = tokio::runtime::Runtime::new()?;
    let report = runtime.block_on(drive::drive(&args, on_terminal));
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    println!("{}", report?);
    Ok(())
}

/// Seconds after midnight.
fn time_of_day(text: &str) -> Result<u32, String> {
    let parts =
        text.split_once(':').and_then(|(hours, minutes)| Some((hours.parse().ok()?, minutes.parse().ok()?)));
    match parts {
        Some((hours @ 0..=23_u32, minutes @ 0..=59_u32)) => Ok(hours * 3_600 + minutes * 60),
        _ => Err("write a time of the day as HH:MM".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::time_of_day;

    #[test]
    fn times_of_the_day_are_seconds_after_midnight() {
        assert_eq!(time_of_day("20:50"), Ok(75_000));
        assert_eq!(time_of_day("00:00"), Ok(0));
        for text in ["", "24:00", "20", "20:60", "a:b", "-1:00"] {
            assert!(time_of_day(text).is_err(), "{text}");
        }
    }
}
