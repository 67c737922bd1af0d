//! Orders in people's numbers: coins and USD.

use client::messages::{self, NewOrder, OrderName, Side, TimeInForce, Until};
use client::Decimal;
use proto::dydxprotocol::clob::order::GoodTilOneof;
use rand::RngCore as _;
use serde_json::json;

use super::{Common, Signer};
use crate::failure::{Failure, Outcome};

/// Blocks that a cancel of short-term orders lives: not less than any order that was placed before it.
const CANCEL_BLOCKS: u32 = 40;

const PLACE_HELP: &str = "\
Examples:
  ballastd tx place-order BTC buy 0.01 28000 --from alice
  ballastd tx place-order ETH-USD sell 2 1850 --long-term 3600 --tif post-only --from alice

A short-term order lives at most 40 blocks, costs no fee and needs no sequence. A long-term order lives until a
time. Price and size must be multiples of the market's tick and step; see `ballastd query markets`.";

/// Buy or sell.
#[derive(clap::ValueEnum, Clone, Copy, Debug)]
enum SideArg {
    /// Go long
    Buy,
    /// Go short
    Sell,
}

/// What becomes of the part that does not trade at once.
#[derive(clap::ValueEnum, Clone, Copy, Debug)]
enum TifArg {
    /// It rests in the book
    Rest,
    /// It is dropped
    Ioc,
    /// Refuse the order if any of it would trade at once
    PostOnly,
    /// All must trade at once, or nothing does
    Fok,
}

/// Options of `tx place-order`.
#[derive(clap::Args, Debug)]
#[command(after_help = PLACE_HELP)]
pub(crate) struct PlaceArgs {
    /// Market: BTC-USD, BTC or its number
    market: String,
    /// Buy or sell
    #[arg(value_enum)]
    side: SideArg,
    /// How many coins
    #[arg(value_parser = decimal)]
    size: Decimal,
    /// Limit price in USD a coin
    #[arg(value_parser = decimal)]
    price: Decimal,
    /// What becomes of the part that does not trade at once
    #[arg(long, value_enum, default_value_t = TifArg::Rest)]
    tif: TifArg,
    /// The order may only make a position smaller
    #[arg(long)]
    reduce_only: bool,
    /// Blocks that a short-term order lives, 1 to 40
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=40))]
    blocks: u32,
    /// Make it a long-term order that lives this many seconds
    #[arg(long, value_name = "SECONDS", conflicts_with = "blocks")]
    long_term: Option<u32>,
    /// Our own number for it [default: a random one]
    #[arg(long, value_name = "NUMBER")]
    client_id: Option<u32>,
    /// Number of the subaccount
    #[arg(long, default_value_t = 0)]
    subaccount: u32,
    #[command(flatten)]
    common: Common,
}

/// Options of `tx cancel-order`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example: ballastd tx cancel-order BTC 7 --from alice")]
pub(crate) struct CancelArgs {
    /// Market: BTC-USD, BTC or its number
    market: String,
    /// Our own number for the order
    client_id: u32,
    /// It is a long-term order
    #[arg(long)]
    long_term: bool,
    /// Number of the subaccount
    #[arg(long, default_value_t = 0)]
    subaccount: u32,
    #[command(flatten)]
    common: Common,
}

/// Options of `tx batch-cancel`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example: ballastd tx batch-cancel BTC=1,2,3 ETH=4 --from alice")]
pub(crate) struct BatchArgs {
    /// Markets and our own numbers of the orders, as MARKET=NUMBER,NUMBER...
    #[arg(required = true, value_name = "MARKET=NUMBERS", value_parser = numbers)]
    orders: Vec<Numbers>,
    /// Number of the subaccount
    #[arg(long, default_value_t = 0)]
    subaccount: u32,
    #[command(flatten)]
    common: Common,
}

/// Orders of one market.
#[derive(Clone, Debug)]
struct Numbers {
    market: String,
    client_ids: Vec<u32>,
}

fn numbers(text: &str) -> Result<Numbers, String> {
    let (market, ids) = text.split_once('=').ok_or("write it as MARKET=NUMBER,NUMBER")?;
    let client_ids = ids.split(',').map(str::parse).collect::<Result<_, _>>();
    let client_ids = client_ids.map_err(|_| format!("{ids:?} are no numbers"))?;
    Ok(Numbers { market: market.into(), client_ids })
}

fn decimal(text: &str) -> Result<Decimal, String> {
    text.parse().map_err(|error: client::DecimalError| error.to_string())
}

/// Place an order.
pub(super) async fn place(args: &PlaceArgs) -> Outcome {
    let mut signer = Signer::connect(&args.common).await?;
    let market = signer.client().market(&args.market).await?;
    let (quantums, subticks) = (market.quantums(args.size)?, market.subticks(args.price)?);
    let (height, time) = signer.client().latest_block().await?;
    let client_id = args.client_id.unwrap_or_else(|| rand::rngs::OsRng.next_u32());
    let until = match args.long_term {
        Some(seconds) => Until::Time(number(time)?.saturating_add(seconds)),
        None => Until::Block(number(height)?.saturating_add(args.blocks)),
    };
    let order = NewOrder {
        name: OrderName {
            subaccount: messages::subaccount(&signer.address(), args.subaccount),
            client_id,
            market: market.id,
        },
        side: match args.side {
            SideArg::Buy => Side::Buy,
            SideArg::Sell => Side::Sell,
        },
        quantums,
        subticks,
        until,
        time_in_force: match args.tif {
            TifArg::Rest => TimeInForce::Unspecified,
            TifArg::Ioc => TimeInForce::Ioc,
            TifArg::PostOnly => TimeInForce::PostOnly,
            TifArg::Fok => TimeInForce::FillOrKill,
        },
        reduce_only: args.reduce_only,
    };
    let mut about = json!({ "market": market.ticker, "client_id": client_id });
    match until {
        Until::Block(block) => about["good_til_block"] = block.into(),
        Until::Time(time) => about["good_til_time"] = time.into(),
    }
    match until {
        Until::Block(_) => signer.submit_free(&[order.place()], about).await,
        Until::Time(_) => signer.submit(&[order.place()], about).await,
    }
}

/// Cancel an order.
pub(super) async fn cancel(args: &CancelArgs) -> Outcome {
    let mut signer = Signer::connect(&args.common).await?;
    let market = signer.client().market(&args.market).await?;
    let name = OrderName {
        subaccount: messages::subaccount(&signer.address(), args.subaccount),
        client_id: args.client_id,
        market: market.id,
    };
    let about = json!({ "market": market.ticker, "client_id": args.client_id });
    if !args.long_term {
        let until = Until::Block(number(signer.client().height().await?)?.saturating_add(CANCEL_BLOCKS));
        return signer.submit_free(&[messages::cancel(&name, until)], about).await;
    }
    let found = signer.client().order(messages::order_id(&name, Until::Time(0))).await?;
    let order = found.and_then(|found| found.order_placement).and_then(|placement| placement.order);
    let Some(GoodTilOneof::GoodTilBlockTime(end)) = order.and_then(|order| order.good_til_oneof) else {
        return Err(Failure::refused(format!(
            "{} has no long-term order {} in {}; a short-term order is cancelled without --long-term",
            signer.address(),
            args.client_id,
            market.ticker
        )));
    };
    signer.submit(&[messages::cancel(&name, Until::Time(end))], about).await
}

/// Cancel several orders.
pub(super) async fn batch(args: &BatchArgs) -> Outcome {
    let mut signer = Signer::connect(&args.common).await?;
    let mut orders = Vec::new();
    for Numbers { market, client_ids } in &args.orders {
        orders.push((signer.client().market(market).await?.id, client_ids.clone()));
    }
    let count: usize = orders.iter().map(|(_, ids)| ids.len()).sum();
    let until = number(signer.client().height().await?)?.saturating_add(CANCEL_BLOCKS);
    let subaccount = messages::subaccount(&signer.address(), args.subaccount);
    let message = messages::batch_cancel(subaccount, orders, until);
    signer.submit_free(&[message], json!({ "orders": count })).await
}

/// A height or time as orders have it.
fn number(value: impl TryInto<u32>) -> Result<u32, Failure> {
    value.try_into().map_err(|_| Failure::fault("the chain's height or time is beyond what orders can name"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_orders_are_named_by_market() {
        let parsed = numbers("BTC=1,2,3").unwrap();
        assert_eq!((parsed.market.as_str(), parsed.client_ids), ("BTC", vec![1, 2, 3]));
        for text in ["BTC", "BTC=", "BTC=x", "BTC=1,", "BTC=-1"] {
            assert!(numbers(text).is_err(), "{text}");
        }
    }
}
