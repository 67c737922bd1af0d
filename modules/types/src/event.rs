//! What a transition tells the outside: a kind and named values. The node renders them.

use alloc::string::String;
use alloc::vec::Vec;

use crate::{Address, SubaccountId};

/// Something that happened. Events are outputs: no transition reads them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its kind, for example `transfer`.
    pub kind: &'static str,
    /// Names and values, in the order they were given.
    pub attributes: Vec<(&'static str, Value)>,
}

/// Value of an attribute; text is made of it outside the state machine.
#[derive(Clone, Debug)]
pub enum Value {
    /// A non-negative integer, in decimal.
    Unsigned(u128),
    /// A signed integer, in decimal.
    Signed(i128),
    /// `true` or `false`.
    Bool(bool),
    /// An address, in bech32 with the chain's prefix.
    Address(Address),
    /// A word of the program, as it is.
    Text(&'static str),
    /// Text that was made, as it is. Equal to the same [`Value::Text`].
    Owned(String),
    /// Bytes, in hexadecimal.
    Bytes(Vec<u8>),
    /// A hash or another 32 bytes, in hexadecimal. Equal to the same [`Value::Bytes`].
    Hash([u8; 32]),
}

impl Value {
    /// The text, when it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Owned(text) => Some(text),
            Self::Unsigned(_) | Self::Signed(_) | Self::Bool(_) => None,
            Self::Address(_) | Self::Bytes(_) | Self::Hash(_) => None,
        }
    }

    /// The bytes, when they are some.
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Hash(bytes) => Some(bytes),
            Self::Unsigned(_) | Self::Signed(_) | Self::Bool(_) => None,
            Self::Address(_) | Self::Text(_) | Self::Owned(_) => None,
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Unsigned(one), Self::Unsigned(two)) => one == two,
            (Self::Signed(one), Self::Signed(two)) => one == two,
            (Self::Bool(one), Self::Bool(two)) => one == two,
            (Self::Address(one), Self::Address(two)) => one == two,
            (Self::Text(_) | Self::Owned(_), Self::Text(_) | Self::Owned(_)) => self.text() == other.text(),
            (Self::Bytes(_) | Self::Hash(_), Self::Bytes(_) | Self::Hash(_)) => self.bytes() == other.bytes(),
            _ => false,
        }
    }
}

impl Eq for Value {}

impl Event {
    /// An event without attributes.
    pub fn new(kind: &'static str) -> Self {
        Self { kind, attributes: Vec::new() }
    }

    /// The event with one attribute more.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.attributes.push((name, value.into()));
        self
    }

    /// The event with the two attributes `<owner>` and `<number>` of a subaccount.
    #[must_use]
    pub fn with_subaccount(self, owner: &'static str, number: &'static str, id: &SubaccountId) -> Self {
        self.with(owner, id.owner).with(number, id.number)
    }

    /// First value called `name`.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.attributes.iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    }
}

macro_rules! value_from {
    ($($source:ty => $variant:ident),* $(,)?) => {
        $(impl From<$source> for Value {
            #[inline]
            fn from(value: $source) -> Self {
                Self::$variant(value.into())
            }
        })*
    };
}

value_from!(
    u8 => Unsigned, u16 => Unsigned, u32 => Unsigned, u64 => Unsigned, u128 => Unsigned,
    i32 => Signed, i64 => Signed, i128 => Signed,
    bool => Bool, Address => Address, &'static str => Text, String => Owned, Vec<u8> => Bytes, [u8; 32] => Hash,
);

macro_rules! value_from_amount {
    ($($source:ty => $variant:ident),* $(,)?) => {
        $(impl From<$source> for Value {
            #[inline]
            fn from(value: $source) -> Self {
                Self::$variant(value.raw().into())
            }
        })*
    };
}

value_from_amount!(
    num::BaseQuantums => Signed, num::QuoteQuantums => Signed, num::FundingIndex => Signed,
    num::Subticks => Unsigned, num::Price => Unsigned, num::Ppm => Unsigned, num::SignedPpm => Signed,
);

impl From<crate::MarketId> for Value {
    #[inline]
    fn from(market: crate::MarketId) -> Self {
        Self::Unsigned(market.0.into())
    }
}
