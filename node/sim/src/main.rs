//! `sim [SEEDS [BLOCKS [FIRST]]]`: tell seeds and print what happened.

use std::process::ExitCode;

use sim::{simulate, Counts, Mode, Story};

fn main() -> ExitCode {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse::<u64>());
    let mut number = |default| numbers.next().unwrap_or(Ok(default));
    let (Ok(seeds), Ok(blocks), Ok(first)) = (number(100), number(200), number(1)) else {
        eprintln!("usage: sim [SEEDS [BLOCKS [FIRST]]]");
        return ExitCode::from(2);
    };
    let mut all = Counts::default();
    for seed in first..first.saturating_add(seeds) {
        match simulate(&Story::new(seed, blocks, Mode::Lite)) {
            Ok(counts) => all.add(&counts),
            Err(failure) => {
                eprintln!("{failure}");
                return ExitCode::FAILURE;
            }
        }
    }
    println!("{all}");
    ExitCode::SUCCESS
}
