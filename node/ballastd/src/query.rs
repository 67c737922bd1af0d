//! `ballastd query`: ask a running node.

mod account;
mod chain;
mod market;
mod risk;

use client::Client;
use types::Address;

use crate::failure::{Failure, Outcome};
use crate::home::HomeArgs;
use crate::output::{Format, OutputArgs};

/// Options that all questions share.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Common {
    /// gRPC address of the node
    #[arg(long, env = "BALLAST_NODE", default_value = "http://127.0.0.1:9090", value_name = "URL")]
    node: String,
    #[command(flatten)]
    home: HomeArgs,
    #[command(flatten)]
    output: OutputArgs,
}

impl Common {
    /// To ask `node`, with answers for people.
    pub(crate) fn of(node: &str, home: &HomeArgs) -> Self {
        Self { node: node.into(), home: home.clone(), output: OutputArgs { output: Format::Text } }
    }
}

/// Questions.
#[derive(clap::Subcommand, Debug)]
pub(crate) enum Command {
    /// Number and sequence of an account
    Account {
        /// Address, or name of a key
        account: String,
        #[command(flatten)]
        common: Common,
    },
    /// Coins of an account
    Balance {
        /// Address, or name of a key
        account: String,
        #[command(flatten)]
        common: Common,
    },
    /// Collateral and positions of a subaccount
    Subaccount {
        /// Address, or name of a key
        account: String,
        /// Its number
        #[arg(default_value_t = 0)]
        number: u32,
        #[command(flatten)]
        common: Common,
    },
    /// Worth, margins and liquidation prices of a subaccount, and the same after something that has not happened
    Risk {
        /// Address, or name of a key
        account: String,
        /// Its number
        #[arg(default_value_t = 0)]
        number: u32,
        /// What to suppose, in order: 'buy 0.5 BTC', 'sell 1 ETH @ 1800', 'BTC 50000', 'withdraw 100'
        #[arg(long = "if", value_name = "WHAT")]
        supposed: Vec<risk::If>,
        #[command(flatten)]
        common: Common,
    },
    /// A resting long-term order
    Order {
        /// Address, or name of a key
        account: String,
        /// Market: BTC-USD, BTC or its number
        market: String,
        /// The client's own number for it
        client_id: u32,
        /// Number of the subaccount
        #[arg(long, default_value_t = 0)]
        subaccount: u32,
        #[command(flatten)]
        common: Common,
    },
    /// All markets: oracle price, tick, step, open interest
    Markets {
        #[command(flatten)]
        common: Common,
    },
    /// Oracle price of a market
    Price {
        /// Market: BTC-USD, BTC or its number
        market: String,
        #[command(flatten)]
        common: Common,
    },
    /// Oracle prices of all markets
    Prices {
        #[command(flatten)]
        common: Common,
    },
    /// Best levels of a market's book
    Orderbook {
        /// Market: BTC-USD, BTC or its number
        market: String,
        /// Levels of each side
        #[arg(long, default_value_t = 10)]
        depth: u32,
        #[command(flatten)]
        common: Common,
    },
    /// Funding of all markets
    Funding {
        #[command(flatten)]
        common: Common,
    },
    /// The insurance fund
    Insurance {
        #[command(flatten)]
        common: Common,
    },
    /// The validators' price votes of the last block
    Votes {
        #[command(flatten)]
        common: Common,
    },
    /// A block
    Block {
        /// Its height [default: the last]
        height: Option<u64>,
        #[command(flatten)]
        common: Common,
    },
    /// A transaction in a block
    Tx {
        /// Its hash, 64 hex digits
        #[arg(value_parser = hash)]
        hash: String,
        #[command(flatten)]
        common: Common,
    },
    /// The validators in force
    Validators {
        #[command(flatten)]
        common: Common,
    },
    /// The upgrade that is planned, and the versions of all modules
    Upgrade {
        #[command(flatten)]
        common: Common,
    },
    /// Let the node check its conservation laws over the whole state (slow)
    Invariants {
        #[command(flatten)]
        common: Common,
    },
}

fn hash(text: &str) -> Result<String, String> {
    match hex::decode(text) {
        Ok(bytes) if bytes.len() == 32 => Ok(text.to_uppercase()),
        _ => Err("write 64 hex digits".into()),
    }
}

/// Ask one of them.
pub(crate) fn run(command: &Command) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(Failure::refused)?.block_on(dispatch(command))
}

async fn dispatch(command: &Command) -> Outcome {
    match command {
        Command::Account { account, common } => account::account(&Asker::new(common).await?, account).await,
        Command::Balance { account, common } => account::balance(&Asker::new(common).await?, account).await,
        Command::Subaccount { account, number, common } => {
            account::subaccount(&Asker::new(common).await?, account, *number).await
        }
        Command::Risk { account, number, supposed, common } => {
            risk::risk(&Asker::new(common).await?, (account, *number), supposed).await
        }
        Command::Order { account, market, client_id, subaccount, common } => {
            let asker = Asker::new(common).await?;
            account::order(&asker, (account, *subaccount), (market, *client_id)).await
        }
        Command::Markets { common } => market::markets(&Asker::new(common).await?).await,
        Command::Price { market, common } => market::price(&Asker::new(common).await?, market).await,
        Command::Prices { common } => market::prices(&Asker::new(common).await?).await,
        Command::Orderbook { market, depth, common } => {
            market::orderbook(&Asker::new(common).await?, market, *depth).await
        }
        Command::Funding { common } => market::funding(&Asker::new(common).await?).await,
        Command::Insurance { common } => chain::insurance(&Asker::new(common).await?).await,
        Command::Votes { common } => chain::votes(&Asker::new(common).await?).await,
        Command::Block { height, common } => chain::block(&Asker::new(common).await?, *height).await,
        Command::Tx { hash, common } => chain::tx(&Asker::new(common).await?, hash).await,
        Command::Validators { common } => chain::validators(&Asker::new(common).await?).await,
        Command::Upgrade { common } => chain::upgrade(&Asker::new(common).await?).await,
        Command::Invariants { common } => chain::invariants(&Asker::new(common).await?).await,
    }
}

/// Who asks: a connection, the keys for names, and the form of the answer.
pub(crate) struct Asker<'a> {
    pub(crate) client: Client,
    common: &'a Common,
}

impl<'a> Asker<'a> {
    pub(crate) async fn new(common: &'a Common) -> Result<Self, Failure> {
        Ok(Self { client: Client::connect(&common.node).await?, common })
    }

    fn output(&self) -> OutputArgs {
        self.common.output
    }

    /// An address as it is, or that of a key.
    pub(crate) async fn address(&self, account: &str) -> Result<String, Failure> {
        let prefix = self.client.prefix().await?;
        if Address::from_bech32(account, &prefix).is_ok() {
            return Ok(account.into());
        }
        match self.common.home.resolve()?.keyring().public(account) {
            Ok(key) => Ok(key.address().to_bech32(&prefix)),
            Err(_) => Err(Failure::refused(format!(
                "{account:?} is neither an address that begins with {prefix}1 nor the name of a key; \
                 see `ballastd keys list`"
            ))),
        }
    }
}

/// Unix seconds as people read them, in UTC.
fn moment(seconds: i64) -> String {
    let format = time::macros::format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
    let moment = time::OffsetDateTime::from_unix_timestamp(seconds).ok();
    moment.and_then(|moment| moment.format(format).ok()).unwrap_or_else(|| seconds.to_string())
}

#[cfg(test)]
mod tests {
    #[test]
    fn moments_are_shown_in_utc() {
        assert_eq!(super::moment(1_767_225_600), "2026-01-01 00:00:00");
    }

    #[test]
    fn a_hash_has_64_digits() {
        assert!(super::hash(&"aB".repeat(32)).is_ok());
        assert!(super::hash("ab").is_err());
        assert!(super::hash(&"x".repeat(64)).is_err());
    }
}
