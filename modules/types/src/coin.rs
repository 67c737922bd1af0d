//! Denominations and coins of the bank.

use alloc::string::String;
use core::fmt;

use borsh::{BorshDeserialize, BorshSerialize};

use crate::Malformed;

/// Name of a coin: a letter, then 2 to 127 of `[a-zA-Z0-9/:._-]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Default, BorshSerialize, BorshDeserialize)]
pub struct Denom(String);

impl Denom {
    /// The denomination called `name`.
    pub fn new(name: &str) -> Result<Self, Malformed> {
        let mut bytes = name.bytes();
        let first_is_letter = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic());
        let rest_is_allowed = bytes.all(|byte| byte.is_ascii_alphanumeric() || b"/:._-".contains(&byte));
        if !(3..=128).contains(&name.len()) || !first_is_letter || !rest_is_allowed {
            return Err(Malformed::new("denom", "must be a letter and 2 to 127 of [a-zA-Z0-9/:._-]"));
        }
        Ok(Self(name.into()))
    }

    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Denom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An amount of one denomination, in its smallest unit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct Coin {
    /// Which coin.
    pub denom: Denom,
    /// How many smallest units.
    pub amount: u128,
}

impl fmt::Display for Coin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.amount, self.denom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn denominations_follow_the_cosmos_pattern() {
        let ibc = "ibc/8E27BA2D5493AF5636760E354E46004562C46AB7EC0CC4C1CA14E9E20E2545B5";
        for good in ["uusdc", "uballast", ibc, "abc", "factory/x:y.z_w-1"] {
            assert!(Denom::new(good).is_ok(), "{good}");
        }
        for bad in ["", "ab", "1abc", "a b", "usdc!", "\u{e9}usdc"] {
            assert!(Denom::new(bad).is_err(), "{bad}");
        }
        assert!(Denom::new(&"a".repeat(128)).is_ok());
        assert!(Denom::new(&"a".repeat(129)).is_err());
    }
}
