//! The validator set: fixed at genesis, in the order in which commits list their signatures.

use prost::Message;
use sha2::{Digest, Sha256};
use tendermint_proto::v0_38::abci::{Validator, ValidatorUpdate};
use tendermint_proto::v0_38::crypto::{public_key::Sum, PublicKey};
use tendermint_proto::v0_38::types::SimpleValidator;

use super::merkle::{self, Hash};

/// Address of a consensus key: the first 20 bytes of its hash.
pub(crate) fn address_of(public_key: &[u8; 32]) -> [u8; 20] {
    let mut address = [0; 20];
    address.copy_from_slice(&Sha256::digest(public_key)[..20]);
    address
}

/// One validator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainValidator {
    /// Address of its key.
    pub address: [u8; 20],
    /// Its ed25519 public key.
    pub public_key: [u8; 32],
    /// Voting power, positive.
    pub power: i64,
}

impl ChainValidator {
    /// The validator with this key.
    pub fn new(public_key: [u8; 32], power: i64) -> Self {
        Self { address: address_of(&public_key), public_key, power }
    }

    pub(crate) fn abci(&self) -> Validator {
        Validator { address: self.address.to_vec().into(), power: self.power }
    }

    fn key(&self) -> PublicKey {
        PublicKey { sum: Some(Sum::Ed25519(self.public_key.to_vec())) }
    }
}

/// All validators, strongest first, equal ones by address.
#[derive(Clone, Debug)]
pub(crate) struct ValidatorSet {
    members: Vec<ChainValidator>,
    hash: Hash,
}

impl ValidatorSet {
    pub(crate) fn new(mut members: Vec<ChainValidator>) -> Self {
        members.sort_by_key(|member| (std::cmp::Reverse(member.power), member.address));
        let leaves: Vec<Vec<u8>> = members
            .iter()
            .map(|member| {
                SimpleValidator { pub_key: Some(member.key()), voting_power: member.power }.encode_to_vec()
            })
            .collect();
        Self { hash: merkle::root(&leaves), members }
    }

    /// From what the application answered to the genesis; an error names what cannot be used.
    pub(crate) fn from_updates(updates: &[ValidatorUpdate]) -> Result<Self, String> {
        let members = updates.iter().map(|update| {
            let Some(Sum::Ed25519(key)) = update.pub_key.as_ref().and_then(|key| key.sum.as_ref()) else {
                return Err("the application named a validator whose key is not ed25519".to_owned());
            };
            let key =
                <[u8; 32]>::try_from(key.as_slice()).map_err(|_| "a key is not of 32 bytes".to_owned())?;
            Ok(ChainValidator::new(key, update.power))
        });
        Ok(Self::new(members.collect::<Result<_, String>>()?))
    }

    pub(crate) fn updates(&self) -> Vec<ValidatorUpdate> {
        let update =
            |member: &ChainValidator| ValidatorUpdate { pub_key: Some(member.key()), power: member.power };
        self.members.iter().map(update).collect()
    }

    pub(crate) fn members(&self) -> &[ChainValidator] {
        &self.members
    }

    pub(crate) fn hash(&self) -> Hash {
        self.hash
    }

    pub(crate) fn total_power(&self) -> i64 {
        self.members.iter().fold(0, |sum, member| sum.saturating_add(member.power))
    }

    /// Who proposes at `height`: each in turn. Rotation by power is consensus, which this engine has none of.
    pub(crate) fn proposer(&self, height: i64) -> [u8; 20] {
        let count = i64::try_from(self.members.len()).unwrap_or(1).max(1);
        let index = usize::try_from(height.rem_euclid(count)).unwrap_or_default();
        self.members.get(index).map_or([0; 20], |member| member.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_and_the_hash_are_those_of_the_tendermint_crate() {
        let key = |seed: u8| crate::Key::from_seed([seed; 32]).public();
        let members: Vec<ChainValidator> =
            (0..7_u8).map(|seed| ChainValidator::new(key(seed), i64::from(seed % 3) + 1)).collect();
        let ours = ValidatorSet::new(members.clone());
        let infos = members.iter().map(|member| {
            let key = tendermint::PublicKey::from_raw_ed25519(&member.public_key).unwrap();
            tendermint::validator::Info::new(key, u32::try_from(member.power).unwrap().into())
        });
        let theirs = tendermint::validator::Set::without_proposer(infos.collect());
        assert_eq!(ours.hash(), theirs.hash().as_bytes());
        let order: Vec<_> = theirs.validators().iter().map(|info| info.address.as_bytes().to_vec()).collect();
        assert_eq!(ours.members().iter().map(|member| member.address.to_vec()).collect::<Vec<_>>(), order);
    }
}
