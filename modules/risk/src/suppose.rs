//! The same account after something that has not happened.

use alloc::vec::Vec;

use clob::{Side, Size};
use num::{Price, QuoteQuantums, Subticks};
use store::Read;
use subaccounts::{Kind, Update};
use types::{Block, Chain, MarketId, SubaccountId};

use crate::paper::Paper;
use crate::view::AccountView;
use crate::Error;

/// How many things one question supposes at most.
pub const MAX_SUPPOSED: usize = 32;

/// A trade that has not happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trade {
    /// Where.
    pub market: MarketId,
    /// Buy or sell.
    pub side: Side,
    /// How much.
    pub size: Size,
    /// All of it at this price; nothing: down the book, level by level, as far as a taker trades.
    pub price: Option<Subticks>,
    /// Whether the account pays a maker's fee; one that goes down the book never does.
    pub maker: bool,
}

/// Something that has not happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Supposed {
    /// The account trades with somebody who has no position.
    Trade(Trade),
    /// A market gets this oracle price.
    Price(MarketId, Price),
    /// The account gets collateral from outside, or pays some (below zero).
    Transfer(QuoteQuantums),
}

/// What becomes of the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The account after all that was not refused.
    pub view: AccountView,
    /// What traded: price and size of each fill, in order.
    pub fills: Vec<(MarketId, Subticks, Size)>,
    /// Place in the list of the first one that was refused, and why. Nothing after it was done.
    pub refused: Option<(usize, Error)>,
}

/// What becomes of `id` when all of `supposed` happens, one after the other, right after `block`, by the rules that
/// would do it. Refused when the account cannot be counted or too much is supposed.
pub fn suppose(
    state: &dyn Read,
    (block, chain): (Block, &Chain),
    id: &SubaccountId,
    supposed: &[Supposed],
) -> Result<Outcome, Error> {
    if supposed.len() > MAX_SUPPOSED {
        return Err(Error::TooMany(supposed.len(), MAX_SUPPOSED));
    }
    let mut paper = Paper::new(state, (block, chain), *id);
    let (mut fills, mut refused) = (Vec::new(), None);
    for (at, one) in supposed.iter().enumerate() {
        let done = match *one {
            Supposed::Trade(trade) => trade_all(&mut paper, id, &trade, &mut fills),
            Supposed::Price(market, price) => reprice(&mut paper, market, price),
            Supposed::Transfer(money) => {
                let kind = if money.is_negative() { Kind::Withdrawal } else { Kind::Deposit };
                paper.update(&[Update::money(*id, money)], kind).map_err(Error::from)
            }
        };
        if let Err(why) = done {
            refused = Some((at, why));
            break;
        }
    }
    Ok(Outcome { view: paper.view()?, fills, refused })
}

fn reprice(paper: &mut Paper<'_>, market: MarketId, price: Price) -> Result<(), Error> {
    paper.with(|ctx, accounts| {
        if !prices::suppose(ctx, market, price) {
            return Err(Error::Price(market, price));
        }
        accounts.refresh(ctx.state.as_read());
        Ok(())
    })
}

fn trade_all(
    paper: &mut Paper<'_>,
    id: &SubaccountId,
    trade: &Trade,
    fills: &mut Vec<(MarketId, Subticks, Size)>,
) -> Result<(), Error> {
    let Trade { market, side, size, price, maker } = *trade;
    let planned = match price {
        Some(price) => alloc::vec![(price, size)],
        None => clob::walk(&paper.state, paper.block(), id, (market, side, size))?,
    };
    if planned.is_empty() {
        return Err(Error::Nobody(market));
    }
    let partner = paper.partner(market)?;
    for (price, size) in planned {
        let sides = if maker { (partner, *id, side.opposite()) } else { (*id, partner, side) };
        let updates = clob::on_paper(&paper.state, sides, market, (size, price))?;
        paper.update(&updates, Kind::Match)?;
        fills.push((market, price, size));
    }
    Ok(())
}
