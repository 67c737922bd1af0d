//! Coins and gas prices as they are written on a command line: `1000uusdc,5uballast`, `0.025uusdc`.

use types::{Coin, Denom};

use crate::decimal::Decimal;
use crate::error::Error;

/// One coin: a whole number of smallest units and a denomination.
pub fn parse_coin(text: &str) -> Result<Coin, Error> {
    let (amount, denom) = split(text);
    let (Ok(amount), Ok(denom)) = (amount.parse(), Denom::new(denom)) else {
        return Err(Error::Input(format!(
            "{text:?} is no coin: write a whole number and a denomination, like 1000uusdc"
        )));
    };
    Ok(Coin { denom, amount })
}

/// Coins separated by commas, in rising order of denomination whatever order they are given in.
pub fn parse_coins(text: &str) -> Result<Vec<Coin>, Error> {
    let mut coins = text.split(',').map(|coin| parse_coin(coin.trim())).collect::<Result<Vec<_>, _>>()?;
    coins.sort_by(|one, two| one.denom.cmp(&two.denom));
    if coins.windows(2).any(|pair| pair[0].denom == pair[1].denom) {
        return Err(Error::Input(format!("{text:?} names a denomination twice")));
    }
    Ok(coins)
}

/// Prices of one unit of gas, separated by commas; nothing for an empty text.
pub fn parse_gas_prices(text: &str) -> Result<Vec<(Decimal, Denom)>, Error> {
    let prices = text.split(',').map(str::trim).filter(|price| !price.is_empty());
    prices
        .map(|price| {
            let (amount, denom) = split(price);
            let amount = amount
                .parse()
                .map_err(|_| Error::Input(format!("{price:?} is no gas price: write one like 0.025uusdc")))?;
            Ok((amount, Denom::new(denom)?))
        })
        .collect()
}

fn split(text: &str) -> (&str, &str) {
    text.split_at(text.find(|char: char| !char.is_ascii_digit() && char != '.').unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coins_are_read_in_order_of_their_denominations() {
        let coins = parse_coins("7uusdc, 5uballast").unwrap();
        let shown: Vec<_> = coins.iter().map(|coin| format!("{}{}", coin.amount, coin.denom)).collect();
        assert_eq!(shown, ["5uballast", "7uusdc"]);
    }

    #[test]
    fn what_is_no_coin_is_refused() {
        for text in ["", "5", "uusdc", "1.5uusdc", "5u", "-5uusdc", "1uusdc,2uusdc"] {
            assert!(parse_coins(text).is_err(), "{text}");
        }
    }

    #[test]
    fn gas_prices_may_have_a_fraction() {
        let prices = parse_gas_prices("0.025uusdc,1uballast").unwrap();
        assert_eq!(prices[0].0.to_string(), "0.025");
        assert_eq!(prices[1].1.to_string(), "uballast");
        assert!(parse_gas_prices("").unwrap().is_empty());
        assert!(parse_gas_prices("cheap").is_err());
    }
}
