//! Who is on a devnet and what they hold. All keys follow from fixed texts: they are worth nothing anywhere.

use client::Key;
use sha2::{Digest, Sha256};

use crate::failure::Failure;
use crate::genesis::Grant;

/// People with phrases, for whoever brings a client.
pub(crate) const PEOPLE: [&str; 8] = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi"];

/// A million USDC.
const MILLION: u128 = 1_000_000_000_000;

/// The 24 words of a person.
pub(crate) fn phrase(name: &str) -> Result<String, Failure> {
    let entropy = Sha256::digest(format!("ballast devnet account {name}"));
    let words = bip39::Mnemonic::from_entropy(&entropy).map_err(Failure::fault)?;
    Ok(words.to_string())
}

/// What a trader is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Quotes both sides of every market.
    Maker,
    /// Trades with the makers.
    Taker,
    /// Holds more than it can pay for when prices fall.
    Gambler,
}

impl Role {
    /// What a trader of this role brings into its margin account, in quote quantums.
    pub(crate) fn stake(self) -> u64 {
        match self {
            Self::Maker => 5_000_000_000_000,
            Self::Taker => 500_000_000_000,
            Self::Gambler => 1_000_000_000,
        }
    }

    /// The key of its trader number `number`.
    pub(crate) fn key(self, number: usize) -> Result<Key, Failure> {
        Ok(Key::from_seed_text(&format!("ballast devnet {self:?} {number}"))?)
    }
}

/// How many traders of each role there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cast {
    /// Market makers.
    pub(crate) makers: usize,
    /// Takers.
    pub(crate) takers: usize,
    /// Gamblers in each market.
    pub(crate) gamblers: usize,
}

impl Cast {
    /// Each trader's role and number within it; `markets` is how many markets have gamblers.
    pub(crate) fn traders(self, markets: usize) -> Vec<(Role, usize)> {
        let of = |role, count| (0..count).map(move |number| (role, number));
        let all = of(Role::Maker, self.makers).chain(of(Role::Taker, self.takers));
        all.chain(of(Role::Gambler, self.gamblers * markets)).collect()
    }
}

/// What everybody starts with.
pub(crate) fn grants(
    traders: &[(Role, usize)],
    prefix: &str,
    insurance: u128,
) -> Result<Vec<Grant>, Failure> {
    let grant = |key: &Key, collateral: u128| -> Result<Grant, Failure> {
        let coins = client::parse_coins(&format!("{MILLION}uballast,{collateral}uusdc"))?;
        Ok(Grant { address: key.address().to_bech32(prefix), coins })
    };
    let mut grants = Vec::new();
    for name in PEOPLE {
        grants.push(grant(&Key::from_mnemonic(&phrase(name)?)?, MILLION)?);
    }
    for (role, number) in traders {
        // The stake, and something for fees.
        grants.push(grant(&role.key(*number)?, u128::from(role.stake()) + 10_000_000)?);
    }
    if insurance > 0 {
        let coins = client::parse_coins(&format!("{insurance}uusdc"))?;
        grants.push(Grant { address: "module:insurance_fund".into(), coins });
    }
    Ok(grants)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_account_is_somebody_elses() {
        let traders = Cast { makers: 3, takers: 2, gamblers: 5 }.traders(10);
        assert_eq!(traders.len(), 55);
        let grants = grants(&traders, "ballast", 5).unwrap();
        let addresses: std::collections::BTreeSet<_> = grants.iter().map(|grant| &grant.address).collect();
        assert_eq!(addresses.len(), 8 + 55 + 1);
        assert!(crate::genesis::app_state(&grants).is_ok());
    }

    #[test]
    fn a_phrase_is_the_same_each_time_and_a_wallets_phrase() {
        assert_eq!(phrase("alice").unwrap(), phrase("alice").unwrap());
        assert_ne!(phrase("alice").unwrap(), phrase("bob").unwrap());
        assert_eq!(phrase("alice").unwrap().split(' ').count(), 24);
    }
}
