//! Account addresses: 20 bytes, shown in bech32 with the chain's prefix.

use alloc::string::String;
use core::fmt;

use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Bech32, Hrp};
use borsh::{BorshDeserialize, BorshSerialize};
use sha2::{Digest, Sha256};

use crate::Malformed;

/// Address of an account: 20 bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, BorshSerialize, BorshDeserialize)]
pub struct Address([u8; 20]);

impl Address {
    /// The address with these bytes.
    pub const fn new(bytes: [u8; 20]) -> Self {
        Self(bytes)
    }

    /// The 20 bytes.
    pub const fn bytes(&self) -> &[u8; 20] {
        &self.0
    }

    /// Address of a module account: the first 20 bytes of the SHA-256 of its name, as Cosmos chains have it.
    pub fn module(name: &str) -> Self {
        let digest: [u8; 32] = Sha256::digest(name.as_bytes()).into();
        let mut bytes = [0; 20];
        bytes.copy_from_slice(digest.split_at(20).0);
        Self(bytes)
    }

    /// Read a bech32 address that must carry `prefix`. Mixed or upper case is refused: one address, one text.
    pub fn from_bech32(text: &str, prefix: &str) -> Result<Self, Malformed> {
        let wrong = |reason: &str| Malformed::new("address", reason);
        if text.len() > 90 || text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(wrong("is not a lower-case bech32 text of at most 90 characters"));
        }
        let parsed = CheckedHrpstring::new::<Bech32>(text).map_err(|_| wrong("is not valid bech32"))?;
        if parsed.hrp().as_str() != prefix {
            return Err(Malformed::new(
                "address",
                alloc::format!("has prefix {}, this chain uses {prefix}", parsed.hrp()),
            ));
        }
        let mut bytes = [0; 20];
        let mut data = parsed.byte_iter();
        for byte in &mut bytes {
            *byte = data.next().ok_or_else(|| wrong("is shorter than 20 bytes"))?;
        }
        match data.next() {
            None => Ok(Self(bytes)),
            Some(_) => Err(wrong("is longer than 20 bytes")),
        }
    }

    /// The bech32 text with `prefix`; empty when the prefix itself is not valid bech32.
    pub fn to_bech32(&self, prefix: &str) -> String {
        Hrp::parse(prefix)
            .ok()
            .and_then(|hrp| bech32::encode::<Bech32>(hrp, &self.0).ok())
            .unwrap_or_default()
    }

    /// Write the bech32 text with `prefix`, at most 90 characters, without memory of its own. An error when the
    /// prefix itself is not valid bech32.
    pub fn write_bech32(&self, prefix: &str, out: &mut impl fmt::Write) -> fmt::Result {
        let hrp = Hrp::parse(prefix).map_err(|_| fmt::Error)?;
        bech32::encode_to_fmt::<Bech32, _>(out, hrp, &self.0).map_err(|_| fmt::Error)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn module_addresses_equal_those_of_the_dydx_chain() {
        for (name, text) in [
            ("subaccounts", "dydx1v88c3xv9xyv3eetdx0tvcmq7ung3dywp5upwc6"),
            ("megavault", "dydx18tkxrnrkqc2t0lr3zxr5g6a4hdvqksylxqje4r"),
        ] {
            assert_eq!(Address::module(name).to_bech32("dydx"), text);
            let mut written = String::new();
            Address::module(name).write_bech32("dydx", &mut written).unwrap();
            assert_eq!(written, text);
            assert_eq!(Address::from_bech32(text, "dydx").unwrap(), Address::module(name));
        }
    }

    #[test]
    fn other_prefixes_cases_and_lengths_are_refused() {
        let good = Address::new([7; 20]).to_bech32("ballast");
        assert!(Address::from_bech32(&good, "ballast").is_ok());
        assert!(Address::from_bech32(&good, "dydx").is_err());
        assert!(Address::from_bech32(&good.to_uppercase(), "ballast").is_err());
        assert!(Address::from_bech32(&good[..good.len() - 1], "ballast").is_err());
        assert!(Address::from_bech32("", "ballast").is_err());
        let long = bech32::encode::<Bech32>(Hrp::parse("ballast").unwrap(), &[1; 32]).unwrap();
        assert!(Address::from_bech32(&long, "ballast").is_err());
    }
}
