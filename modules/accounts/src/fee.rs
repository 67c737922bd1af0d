//! Minimum prices of gas and the test of a fee against them.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use num::{mul_div, Round};
use types::{Coin, Denom, Malformed};

use crate::tx::Fee;
use crate::Error;

/// Units of [`GasPrice::price`] in one smallest unit of the coin.
pub const PRICE_SCALE: i128 = 1_000_000_000_000_000_000;

/// Decimal places that a price may have.
const DECIMALS: usize = 18;

/// Lowest price of one gas in one coin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GasPrice {
    /// Which coin.
    pub denom: Denom,
    /// 10^-18 of the coin's smallest unit; 0 to 2^100.
    pub price: i128,
}

impl GasPrice {
    /// Read a price as configuration has it: `0.025uusdc`, at most 18 decimal places.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let wrong = |reason: &str| Malformed::new("gas price", reason);
        let end = text.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(|| wrong("names no coin"))?;
        let (number, denom) = text.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > DECIMALS {
            return Err(wrong("must be a decimal number with at most 18 places before the coin"));
        }
        let price = format!("{whole}{fraction:0<DECIMALS$}").parse::<i128>().ok();
        let price = price.filter(|price| *price <= 1 << 100).ok_or_else(|| wrong("is too large"))?;
        Ok(Self { denom: Denom::new(denom)?, price })
    }

    /// F2: the least fee for `gas`: gas x price, rounded up (the payer's side).
    pub fn fee(&self, gas: u64) -> u128 {
        mul_div(self.price, gas.into(), PRICE_SCALE, Round::Ceil)
            .and_then(|fee| u128::try_from(fee).ok())
            .unwrap_or(u128::MAX)
    }
}

impl fmt::Display for GasPrice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:019}", self.price);
        let (whole, fraction) = digits.split_at(digits.len().saturating_sub(DECIMALS));
        write!(f, "{whole}.{fraction}{}", self.denom)
    }
}

/// Whether `fee` is enough for its gas limit at `prices`: coins only of the kinds that are priced, and enough
/// of at least one. With no prices at all only an empty fee passes.
pub(crate) fn check(fee: &Fee, prices: &[GasPrice]) -> Result<(), Error> {
    let priced = |coin: &&Coin| prices.iter().any(|price| price.denom == coin.denom);
    if let Some(coin) = fee.coins.iter().find(|coin| !priced(coin)) {
        return Err(Error::InvalidFee(format!("fees are not taken in {}", coin.denom)));
    }
    let offered = |denom: &Denom| {
        fee.coins.iter().find(|coin| coin.denom == *denom).map(|coin| coin.amount).unwrap_or_default()
    };
    if prices.is_empty() || prices.iter().any(|price| offered(&price.denom) >= price.fee(fee.gas_limit)) {
        return Ok(());
    }
    let required: Vec<String> =
        prices.iter().map(|price| format!("{}{}", price.fee(fee.gas_limit), price.denom)).collect();
    Err(Error::InsufficientFee { got: bank::coins::text(&fee.coins), required: required.join(",") })
}
