//! A user's own limit on leverage: a larger initial margin share for some markets, kept with the account.

use alloc::vec::Vec;

use bank::wire::strict;
use num::Ppm;
use proto::dydxprotocol::clob as wire;
use store::{Ctx, Read};
use types::{Chain, MarketId, SubaccountId};

use crate::books::Books;
use crate::error::Error;
use crate::msg::{subaccount, Msg};
use crate::state::pair;

/// Type of [`Msg::Leverage`] on the wire.
pub const UPDATE_LEVERAGE: &str = "/dydxprotocol.clob.MsgUpdateLeverage";

/// Sets initial margin shares of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leverage {
    /// Whose.
    pub subaccount: SubaccountId,
    /// Share of notional by market, 1 to 1,000,000 ppm; at least one, in order of market, none twice.
    pub shares: Vec<(MarketId, Ppm)>,
}

/// Why a message that sets leverage makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Senseless {
    /// No entry.
    #[error("a change of leverage names no clob pair")]
    Empty,
    /// A share that is none.
    #[error("{ppm} ppm of market {market} is not a share from 1 to 1000000 ppm")]
    Share {
        /// Which market.
        market: MarketId,
        /// What was asked for.
        ppm: u32,
    },
    /// One market twice.
    #[error("a change of leverage names clob pair {0} twice")]
    Twice(MarketId),
}

/// Read a `MsgUpdateLeverage`.
pub fn decode_leverage(bytes: &[u8], chain: &Chain) -> Result<Msg, Error> {
    let wire: wire::MsgUpdateLeverage = strict("MsgUpdateLeverage", bytes)?;
    let subaccount = subaccount(wire.subaccount_id, chain)?;
    let mut shares: Vec<(MarketId, Ppm)> = Vec::with_capacity(wire.clob_pair_leverage.len());
    for entry in wire.clob_pair_leverage {
        let (market, share) = (MarketId(entry.clob_pair_id), Ppm::new(entry.custom_imf_ppm));
        if share.raw() == 0 || share > Ppm::ONE {
            return Err(Senseless::Share { market, ppm: share.raw() }.into());
        }
        match shares.binary_search_by_key(&market, |(market, _)| *market) {
            Ok(_) => return Err(Senseless::Twice(market).into()),
            Err(place) => shares.insert(place, (market, share)),
        }
    }
    if shares.is_empty() {
        return Err(Senseless::Empty.into());
    }
    Ok(Msg::Leverage(Leverage { subaccount, shares }))
}

/// Whether every market exists (8).
pub(crate) fn check(state: &dyn Read, leverage: &Leverage) -> Result<(), Error> {
    let unknown = leverage.shares.iter().find(|(market, _)| pair(state, *market).is_none());
    unknown.map_or(Ok(()), |(market, _)| Err(Error::NoPair(*market)))
}

/// Merge the shares into those that the account has set before. Refused as [`check`] and as
/// [`subaccounts::set_leverage`].
pub(crate) fn update(ctx: &mut Ctx<'_>, books: &mut Books, leverage: &Leverage) -> Result<(), Error> {
    check(ctx.state.as_read(), leverage)?;
    let Leverage { subaccount, shares } = leverage;
    subaccounts::set_leverage(ctx, &mut books.accounts, subaccount, shares).map_err(Error::Subaccount)
}
