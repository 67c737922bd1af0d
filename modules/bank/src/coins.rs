//! What a list of coins may be: at most [`MAX_COINS`], amounts above zero, denominations in strictly rising
//! order. The same rule holds for messages and for fees.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use cosmos_sdk_proto::cosmos::base::v1beta1::Coin as WireCoin;
use types::{Coin, Denom};

use crate::Error;

/// Coins that one list may hold.
pub const MAX_COINS: usize = 16;

/// Read an amount: decimal digits without sign or leading zeros, at most 2^128 - 1.
pub fn amount(text: &str) -> Option<u128> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let leading_zero = text.len() > 1 && text.starts_with('0');
    if !digits || leading_zero {
        return None;
    }
    text.parse().ok()
}

/// Read a list of coins; an empty one is fine here.
pub fn read(wire: &[WireCoin]) -> Result<Vec<Coin>, Error> {
    if wire.len() > MAX_COINS {
        return Err(Error::InvalidCoins(format!("{} coins, at most {MAX_COINS} are allowed", wire.len())));
    }
    let mut coins: Vec<Coin> = Vec::with_capacity(wire.len());
    for item in wire {
        let coin = coin(item)?;
        if coins.last().is_some_and(|last| last.denom >= coin.denom) {
            return Err(Error::InvalidCoins(format!("{} is repeated or out of order", coin.denom)));
        }
        coins.push(coin);
    }
    Ok(coins)
}

/// Read a list of coins that holds at least one.
pub fn read_some(wire: &[WireCoin]) -> Result<Vec<Coin>, Error> {
    let coins = read(wire)?;
    if coins.is_empty() {
        return Err(Error::InvalidCoins("no coins".into()));
    }
    Ok(coins)
}

fn coin(wire: &WireCoin) -> Result<Coin, Error> {
    let denom = Denom::new(&wire.denom).map_err(|wrong| Error::InvalidCoins(format!("{wrong}")))?;
    match amount(&wire.amount) {
        None => {
            Err(Error::InvalidCoins(format!("the amount of {denom} is not a whole number up to 2^128 - 1")))
        }
        Some(0) => Err(Error::InvalidCoins(format!("the amount of {denom} is zero"))),
        Some(amount) => Ok(Coin { denom, amount }),
    }
}

/// The wire form of a coin.
pub fn to_wire(coin: &Coin) -> WireCoin {
    WireCoin { denom: coin.denom.as_str().into(), amount: format!("{}", coin.amount) }
}

/// `1ualpha,2ubeta`: the text of a list of coins in events.
pub fn text(coins: &[Coin]) -> String {
    let parts: Vec<String> = coins.iter().map(|coin| format!("{coin}")).collect();
    parts.join(",")
}
