//! `ballastd tx`: sign transactions and send them.

mod orders;

use std::time::Duration;

use base64::prelude::{Engine as _, BASE64_STANDARD};
use client::{messages, Client, Decimal, Fees, Sender, TxOutcome};
use cosmos_sdk_proto::Any;
use serde_json::{json, Value};
use types::{Address, Coin, Denom};

use crate::failure::{Failure, Outcome};
use crate::home::HomeArgs;
use crate::output::{pairs, OutputArgs};

/// The collateral has six places.
const COLLATERAL_DIGITS: i32 = 6;

/// Options that all transactions share.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Common {
    /// Name of the key that signs
    #[arg(long, value_name = "NAME")]
    from: String,
    #[command(flatten)]
    home: HomeArgs,
    /// gRPC address of the node
    #[arg(long, env = "BALLAST_NODE", default_value = "http://127.0.0.1:9090", value_name = "URL")]
    node: String,
    /// Chain that it is for [default: the node's]
    #[arg(long, value_name = "ID")]
    chain_id: Option<String>,
    /// What is paid, like 5000uusdc [default: the gas at the node's lowest price]
    #[arg(long, value_name = "COINS", value_parser = coins)]
    fees: Option<Coins>,
    /// Highest gas it may use: a number, or `auto` to simulate first
    #[arg(long, default_value = "auto", value_name = "auto|N", value_parser = gas)]
    gas: Gas,
    /// Price of gas to compute the fee with, like 0.025uusdc
    #[arg(long, value_name = "PRICE", value_parser = gas_price, conflicts_with = "fees")]
    gas_price: Option<GasPrice>,
    /// Any text that goes with it, at most 256 bytes
    #[arg(long, default_value = "")]
    memo: String,
    /// Last height at which it may run; 0 for any
    #[arg(long, default_value_t = 0, value_name = "HEIGHT")]
    timeout_height: u64,
    /// Seconds to wait for the block; 0 only hands it to the node
    #[arg(long, default_value_t = 30, value_name = "SECONDS")]
    wait: u64,
    /// Only simulate: print the gas that it would use
    #[arg(long)]
    dry_run: bool,
    /// Only sign: print the transaction in base64
    #[arg(long, conflicts_with = "dry_run")]
    generate_only: bool,
    #[command(flatten)]
    output: OutputArgs,
}

/// Gas limit of a command line.
#[derive(Clone, Copy, Debug)]
enum Gas {
    Auto,
    Limit(u64),
}

/// Coins of a command line; a type of its own, because a plain list would mean repetition.
#[derive(Clone, Debug)]
pub(crate) struct Coins(Vec<Coin>);

/// A gas price of a command line.
#[derive(Clone, Debug)]
struct GasPrice(Decimal, Denom);

fn gas(text: &str) -> Result<Gas, String> {
    match text {
        "auto" => Ok(Gas::Auto),
        number => number.parse().map(Gas::Limit).map_err(|_| "write a whole number or `auto`".into()),
    }
}

fn coins(text: &str) -> Result<Coins, String> {
    client::parse_coins(text).map(Coins).map_err(|error| error.to_string())
}

fn gas_price(text: &str) -> Result<GasPrice, String> {
    let mut prices = client::parse_gas_prices(text).map_err(|error| error.to_string())?;
    match (prices.pop(), prices.is_empty()) {
        (Some((price, denom)), true) => Ok(GasPrice(price, denom)),
        _ => Err("write one price, like 0.025uusdc".into()),
    }
}

/// USD to the smallest unit of the collateral, exactly.
fn dollars(text: &str) -> Result<u64, String> {
    let amount: Decimal = text.parse().map_err(|error: client::DecimalError| error.to_string())?;
    match amount.whole(COLLATERAL_DIGITS) {
        Some((whole, true)) if whole > 0 => u64::try_from(whole).map_err(|_| "more than there can be".into()),
        Some((_, false)) => Err("USD have at most six decimal places".into()),
        _ => Err("must be above zero".into()),
    }
}

/// Transactions.
#[derive(clap::Subcommand, Debug)]
pub(crate) enum Command {
    /// Move collateral from the balance into a subaccount
    #[command(after_help = "Example: ballastd tx deposit 1000 --from alice")]
    Deposit {
        /// How many USD
        #[arg(value_parser = dollars)]
        amount: u64,
        /// Number of the subaccount
        #[arg(long, default_value_t = 0)]
        subaccount: u32,
        #[command(flatten)]
        common: Common,
    },
    /// Move collateral from a subaccount to a balance
    #[command(after_help = "Example: ballastd tx withdraw 12.5 --from alice")]
    Withdraw {
        /// How many USD
        #[arg(value_parser = dollars)]
        amount: u64,
        /// Number of the subaccount
        #[arg(long, default_value_t = 0)]
        subaccount: u32,
        /// Whose balance [default: the signer's]
        #[arg(long, value_name = "ADDRESS")]
        to: Option<String>,
        #[command(flatten)]
        common: Common,
    },
    /// Move collateral between subaccounts
    #[command(
        after_help = "Example: ballastd tx transfer 50 --to ballast1... --to-subaccount 1 --from alice"
    )]
    Transfer {
        /// How many USD
        #[arg(value_parser = dollars)]
        amount: u64,
        /// Number of the subaccount that pays
        #[arg(long, default_value_t = 0)]
        subaccount: u32,
        /// Owner of the subaccount that receives [default: the signer]
        #[arg(long, value_name = "ADDRESS")]
        to: Option<String>,
        /// Number of the subaccount that receives
        #[arg(long, default_value_t = 0)]
        to_subaccount: u32,
        #[command(flatten)]
        common: Common,
    },
    /// Send coins
    #[command(after_help = "Example: ballastd tx send ballast1... 1000uballast --from alice")]
    Send {
        /// To whom
        to: String,
        /// What, like 1000uusdc,5uballast
        #[arg(value_parser = coins)]
        coins: Coins,
        #[command(flatten)]
        common: Common,
    },
    /// Plan an upgrade: the first block that another release executes
    #[command(after_help = "Example: ballastd tx plan-upgrade v2 120000 --from authority")]
    PlanUpgrade {
        /// Name by which the release knows it
        name: String,
        /// The first block of the new release, at least two after the one that accepts this
        height: u64,
        /// What operators are told, such as where the release is
        #[arg(long, default_value = "")]
        info: String,
        #[command(flatten)]
        common: Common,
    },
    /// Plan no upgrade
    CancelUpgrade {
        #[command(flatten)]
        common: Common,
    },
    /// Place an order
    PlaceOrder(orders::PlaceArgs),
    /// Cancel an order
    CancelOrder(orders::CancelArgs),
    /// Cancel several short-term orders at once
    BatchCancel(orders::BatchArgs),
}

/// Run one of them.
pub(crate) fn run(command: &Command) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(Failure::refused)?.block_on(dispatch(command))
}

async fn dispatch(command: &Command) -> Outcome {
    match command {
        Command::Deposit { amount, subaccount, common } => {
            let mut signer = Signer::connect(common).await?;
            let own = signer.address();
            let to = messages::subaccount(&own, *subaccount);
            signer.submit(&[messages::deposit(&own, to, *amount)], json!({})).await
        }
        Command::Withdraw { amount, subaccount, to, common } => {
            let mut signer = Signer::connect(common).await?;
            let own = signer.address();
            let to = signer.other(to.as_deref())?;
            let from = messages::subaccount(&own, *subaccount);
            signer.submit(&[messages::withdraw(from, &to, *amount)], json!({})).await
        }
        Command::Transfer { amount, subaccount, to, to_subaccount, common } => {
            let mut signer = Signer::connect(common).await?;
            let from = messages::subaccount(&signer.address(), *subaccount);
            let to = messages::subaccount(&signer.other(to.as_deref())?, *to_subaccount);
            signer.submit(&[messages::transfer(from, to, *amount)], json!({})).await
        }
        Command::Send { to, coins, common } => {
            let mut signer = Signer::connect(common).await?;
            let to = signer.other(Some(to))?;
            signer.submit(&[messages::send(&signer.address(), &to, &coins.0)], json!({})).await
        }
        Command::PlanUpgrade { name, height, info, common } => {
            let mut signer = Signer::connect(common).await?;
            let plan = messages::plan_upgrade(&signer.address(), name, *height, info);
            signer.submit(&[plan], json!({})).await
        }
        Command::CancelUpgrade { common } => {
            let mut signer = Signer::connect(common).await?;
            let message = messages::cancel_upgrade(&signer.address());
            signer.submit(&[message], json!({})).await
        }
        Command::PlaceOrder(args) => orders::place(args).await,
        Command::CancelOrder(args) => orders::cancel(args).await,
        Command::BatchCancel(args) => orders::batch(args).await,
    }
}

/// Whoever signs, connected to a node.
struct Signer<'a> {
    common: &'a Common,
    sender: Sender,
    prefix: String,
}

impl<'a> Signer<'a> {
    async fn connect(common: &'a Common) -> Result<Self, Failure> {
        let key = common.home.resolve()?.keyring().load(&common.from)?;
        let client = Client::connect(&common.node).await?;
        let (chain_id, prefix) = (client.chain_id().await?, client.prefix().await?);
        if let Some(wanted) = common.chain_id.as_ref().filter(|wanted| **wanted != chain_id) {
            return Err(Failure::refused(format!(
                "the node at {} is of chain {chain_id}, not of {wanted}; see --node and --chain-id",
                common.node
            )));
        }
        let sender = Sender::new(client, key, &chain_id, &prefix);
        Ok(Self { common, sender, prefix })
    }

    fn address(&self) -> String {
        self.sender.address().into()
    }

    fn client(&self) -> &Client {
        self.sender.client()
    }

    /// An address of the command line, checked; the signer's own for none.
    fn other(&self, address: Option<&str>) -> Result<String, Failure> {
        let Some(address) = address else { return Ok(self.address()) };
        Address::from_bech32(address, &self.prefix).map_err(|error| {
            Failure::refused(format!("{address}: {error}; addresses begin with {}1", self.prefix))
        })?;
        Ok(address.into())
    }

    fn fees(&self) -> Fees {
        Fees {
            gas: match self.common.gas {
                Gas::Auto => None,
                Gas::Limit(limit) => Some(limit),
            },
            amount: self.common.fees.as_ref().map(|coins| coins.0.clone()),
            gas_price: self.common.gas_price.as_ref().map(|price| (price.0, price.1.clone())),
            memo: self.common.memo.clone(),
            timeout_height: self.common.timeout_height,
        }
    }

    /// Sign and send messages that have a sequence and a fee.
    async fn submit(&mut self, messages: &[Any], about: Value) -> Outcome {
        let tx = self.sender.prepare(messages, &self.fees()).await?;
        self.finish(tx, about).await
    }

    /// Sign and send short-term orders and cancels.
    async fn submit_free(&mut self, messages: &[Any], about: Value) -> Outcome {
        let tx = self.sender.prepare_free(messages, self.common.timeout_height).await?;
        self.finish(tx, about).await
    }

    async fn finish(&mut self, tx: client::tx::SignedTx, mut about: Value) -> Outcome {
        let (common, hash) = (self.common, tx.hash());
        if common.dry_run {
            let used = self.client().simulate(tx.bytes).await?;
            about["gas_used"] = used.to_string().into();
            common.output.print(&about, || shown(&about));
            return Ok(());
        }
        if common.generate_only {
            about["txhash"] = hash.into();
            about["tx"] = BASE64_STANDARD.encode(&tx.bytes).into();
            common.output.print(&about, || shown(&about));
            return Ok(());
        }
        self.sender.broadcast(tx).await?;
        about["txhash"] = hash.clone().into();
        if common.wait > 0 {
            let outcome = self.client().wait_for_tx(&hash, Duration::from_secs(common.wait)).await?;
            add(&mut about, &outcome);
        }
        common.output.print(&about, || shown(&about));
        Ok(())
    }
}

/// What the block says of it.
fn add(about: &mut Value, outcome: &TxOutcome) {
    about["height"] = outcome.height.to_string().into();
    about["code"] = outcome.response.code.into();
    about["gas_wanted"] = outcome.response.gas_wanted.to_string().into();
    about["gas_used"] = outcome.response.gas_used.to_string().into();
}

fn shown(about: &Value) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let rows: Vec<_> = about.as_object().into_iter().flatten().collect();
    pairs(&rows.iter().map(|(name, value)| (name.as_str(), text(value))).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_are_exact() {
        assert_eq!(dollars("1000"), Ok(1_000_000_000));
        assert_eq!(dollars("0.000001"), Ok(1));
        for text in ["0", "0.0000001", "-1", "one", "99999999999999999999"] {
            assert!(dollars(text).is_err(), "{text}");
        }
    }

    #[test]
    fn gas_is_a_number_or_simulated() {
        assert!(matches!(gas("auto"), Ok(Gas::Auto)));
        assert!(matches!(gas("200000"), Ok(Gas::Limit(200_000))));
        assert!(gas("lots").is_err());
        assert!(gas_price("0.025uusdc").is_ok());
        assert!(gas_price("0.025uusdc,1uballast").is_err());
    }
}
