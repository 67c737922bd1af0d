//! The commands, and what their exit codes mean.

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::failure::{Outcome, EXIT_OK};
use crate::home::HomeArgs;
use crate::{devnet, export, genesis, init, keys, maintain, pages, query, snapshot, start, top, tx};

const ABOUT: &str = "A node of the Ballast chain, and the tools to run and use it";

const HELP: &str = "\
Examples:
  ballastd devnet                                    a chain with prices and traders, to look at
  ballastd keys add alice                            a chain of your own, on which alice has coins
  ballastd init --account alice=1000000000uballast,5000000000uusdc
  ballastd start
  ballastd tx deposit 1000 --from alice
  ballastd tx place-order BTC buy 0.01 28000 --from alice
  ballastd query orderbook BTC

Exit codes:
   0  done
   1  refused by the command or by the chain; the reason is on standard error
   2  the command line is wrong
  70  a conservation law or an internal assumption does not hold; the node stopped before it committed
  74  the database cannot be read or written, or is damaged
  75  the node cannot be reached
  76  the next block is for another release: an upgrade is due, or this release is too early or too old";

#[derive(Parser, Debug)]
#[command(name = "ballastd", version, about = ABOUT, after_help = HELP, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Make a node's folder: configuration, keys and genesis
    Init(init::Args),
    /// Run a node until it is told to stop (SIGINT or SIGTERM)
    Start(start::Args),
    /// Run a chain of one validator with prices and traders
    Devnet(devnet::Args),
    /// Keys of accounts
    #[command(subcommand)]
    Keys(keys::Command),
    /// Sign transactions and send them
    #[command(subcommand)]
    Tx(Box<tx::Command>),
    /// Ask a running node
    #[command(subcommand)]
    Query(query::Command),
    /// Watch markets, a book, an account and the validators' votes
    Top(top::Args),
    /// Print what a stopped node's database holds: sums, all rows, or a genesis document
    Export(export::Args),
    /// Check a stopped node's database: all roots from its rows, and every conservation law
    Verify(HomeArgs),
    /// Take a stopped node's state back by one block or to a kept height
    Rollback(maintain::RollbackArgs),
    /// Let the history of a stopped node's state go
    Prune(maintain::PruneArgs),
    /// Snapshots of the state, for nodes that join later
    #[command(subcommand)]
    Snapshot(snapshot::Command),
    /// Make a snapshot the state of a stopped node
    Restore(snapshot::RestoreArgs),
    /// The genesis document
    #[command(subcommand)]
    Genesis(genesis::Command),
    /// Print what makes a shell complete the commands
    #[command(after_help = "Example: source <(ballastd completion bash)")]
    Completion {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print the version
    Version,
}

/// Parse the command line and run the command.
pub(crate) fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors; all else is exit code 2.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(1));
        }
    };
    match dispatch(cli.command) {
        Ok(()) => ExitCode::from(EXIT_OK),
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::from(failure.code)
        }
    }
}

fn dispatch(command: Command) -> Outcome {
    match command {
        Command::Init(args) => init::run(&args),
        Command::Start(args) => {
            pages::ask_for_large_ones();
            start::run(&args)
        }
        Command::Devnet(args) => {
            pages::ask_for_large_ones();
            Ok(devnet::run(args)?)
        }
        Command::Keys(command) => keys::run(&command),
        Command::Tx(command) => tx::run(&command),
        Command::Query(command) => query::run(&command),
        Command::Top(args) => top::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Verify(home) => maintain::verify(&home),
        Command::Rollback(args) => maintain::rollback(&args),
        Command::Prune(args) => maintain::prune(&args),
        Command::Snapshot(command) => snapshot::run(&command),
        Command::Restore(args) => snapshot::restore(&args),
        Command::Genesis(command) => genesis::run(&command),
        Command::Completion { shell } => {
            let (mut command, mut text) = (Cli::command(), Vec::new());
            clap_complete::generate(shell, &mut command, "ballastd", &mut text);
            // A reader that has gone is no reason to complain.
            let _ = std::io::Write::write_all(&mut std::io::stdout(), &text);
            Ok(())
        }
        Command::Version => {
            println!("{}", env!("CARGO_PKG_VERSION"));
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_well_formed() {
        super::Cli::command().debug_assert();
    }

    #[test]
    fn the_exit_codes_of_the_help_are_those_of_the_program() {
        use crate::failure::*;
        let codes =
            [EXIT_OK, EXIT_REFUSED, EXIT_USAGE, EXIT_FAULT, EXIT_STORE, EXIT_UNREACHABLE, EXIT_UPGRADE];
        for code in codes {
            let line = format!("\n  {code:>2}  ");
            assert!(super::HELP.contains(&line), "{code}");
        }
    }
}
