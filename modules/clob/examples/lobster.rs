//! Replays a LOBSTER message file and its orderbook file of any depth (plain or zstd) on the production books:
//! `cargo run --release --example lobster -- MESSAGES ORDERBOOK`.

#![expect(clippy::arithmetic_side_effects, reason = "a tool counts; its counters cannot overflow")]

use std::path::Path;
use std::process::ExitCode;

#[path = "../tests/lobster_replay/mod.rs"]
mod lobster_replay;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [messages, orderbook] = arguments.as_slice() else {
        eprintln!("usage: lobster MESSAGES ORDERBOOK (csv, plain or zstd)");
        return ExitCode::from(2);
    };
    let files = lobster_replay::text(Path::new(messages))
        .and_then(|messages| Ok((messages, lobster_replay::text(Path::new(orderbook))?)));
    let report = match files.and_then(|(messages, orderbook)| lobster_replay::replay(&messages, &orderbook)) {
        Ok(report) => report,
        Err(error) => {
            eprintln!("lobster: {error}");
            return ExitCode::from(2);
        }
    };
    println!("rows equal:        {} of {}", report.rows_equal, report.rows);
    println!("makers matched:    {} of {} named", report.named_matched, report.named);
    println!("                   {} of {} anonymous", report.anonymous_matched, report.anonymous);
    println!("off the best:      {}", report.off_best);
    println!("shares filled:     {}", report.shares);
    if report.rows_equal == report.rows && report.off_best == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
