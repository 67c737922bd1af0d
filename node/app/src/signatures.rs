//! Signatures that this node has verified already, so that a block does not verify them again.
//!
//! A cache and nothing else: what is remembered is that the transaction with this hash was signed by the key of
//! this account, which stays true for ever. Whether that key and account are the right ones is asked of the
//! state each time. A node that remembers nothing gets the same results, later.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use accounts::{DecodedTx, SignerData};
use types::Chain;

/// Signatures that one generation holds. Two are kept: about 20 MB at most.
const GENERATION: usize = 50_000;

/// Who signed a transaction.
#[derive(Clone, Copy, Debug)]
struct Known {
    account_number: u64,
    public_key: [u8; 33],
}

/// The newer half of what is known and the half before it, by hash of the transaction.
#[derive(Debug, Default)]
struct Generations {
    young: BTreeMap<[u8; 32], Known>,
    old: BTreeMap<[u8; 32], Known>,
}

/// Verified signatures. Clones are handles of the same cache.
#[derive(Clone, Debug, Default)]
pub struct Signatures {
    shared: Arc<Mutex<Generations>>,
}

impl Signatures {
    /// Remember that `tx` carries the right signature of `signer`. Only for what `accounts::verify` accepted.
    pub(crate) fn remember(&self, tx: &DecodedTx, signer: &SignerData) {
        let known = Known { account_number: signer.account_number, public_key: signer.public_key };
        let mut generations = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if generations.young.len() >= GENERATION {
            generations.old = std::mem::take(&mut generations.young);
        }
        generations.young.insert(tx.hash, known);
    }

    /// For which signer `tx` was verified on `chain`, if that is remembered.
    pub(crate) fn signer(&self, tx: &DecodedTx, chain: &Chain) -> Option<SignerData> {
        let generations = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let known = generations.young.get(&tx.hash).or_else(|| generations.old.get(&tx.hash))?;
        let (account_number, public_key) = (known.account_number, known.public_key);
        Some(SignerData { chain_id: chain.chain_id.clone(), account_number, public_key })
    }

    /// How many are remembered.
    pub fn len(&self) -> usize {
        let generations = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        generations.young.len() + generations.old.len()
    }

    /// Whether none is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tx(number: u64) -> DecodedTx {
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&number.to_be_bytes());
        DecodedTx {
            messages: Vec::new(),
            memo: String::new(),
            timeout_height: 0,
            extended: false,
            fee: accounts::Fee::default(),
            public_key: None,
            mode: accounts::SignMode::Direct,
            sequence: 0,
            signature: Vec::new(),
            body_bytes: Vec::new(),
            auth_info_bytes: Vec::new(),
            size: 0,
            hash,
        }
    }

    #[test]
    fn the_cache_is_bounded_and_keeps_the_latest_generation() {
        let collateral = types::Denom::new("uusdc").unwrap();
        let chain = Chain { chain_id: "chain".into(), prefix: "ballast".into(), collateral };
        let cache = Signatures::default();
        let signer = SignerData { chain_id: chain.chain_id.clone(), account_number: 7, public_key: [2; 33] };
        let all = u64::try_from(3 * GENERATION).unwrap();
        for number in 0..all {
            cache.remember(&tx(number), &signer);
            assert!(cache.len() <= 2 * GENERATION);
        }
        assert_eq!(cache.signer(&tx(all - 1), &chain), Some(signer.clone()));
        assert_eq!(cache.signer(&tx(all - 50_000), &chain), Some(signer));
        assert_eq!(cache.signer(&tx(0), &chain), None);
    }
}
