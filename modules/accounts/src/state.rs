//! What this module keeps in the store. Module byte `0x12`.

use borsh::{BorshDeserialize, BorshSerialize};
use store::{fault, Collection, Ctx, Item, Map, Read};
use types::Address;

/// An account.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Account {
    /// Bound into every signature; never changes.
    pub number: u64,
    /// Transactions that were admitted so far, sequence-free ones not counted.
    pub sequence: u64,
    /// Compressed secp256k1 key; known from the first signature on.
    pub public_key: Option<[u8; 33]>,
}

/// Accounts by address.
pub(crate) const ACCOUNTS: Map<Address, Account> = Map::new([0x12, 0x00], "accounts/accounts");

/// Number of the next account; also how many there are.
pub(crate) const NEXT_NUMBER: Item<u64> = Item::new([0x12, 0x01], "accounts/next_number");

/// What this module keeps.
pub fn layout() -> [Collection; 2] {
    [ACCOUNTS.collection(), NEXT_NUMBER.collection()]
}

/// The account at `address`, if it has received or signed anything yet.
pub fn account(state: &dyn Read, address: &Address) -> Option<Account> {
    ACCOUNTS.get(state, address)
}

/// Number that the next account will get.
pub fn next_number(state: &dyn Read) -> u64 {
    NEXT_NUMBER.get(state).unwrap_or_default()
}

/// Give `address` an account with the next number unless it has one. Call it for whoever receives coins.
pub fn ensure(ctx: &mut Ctx<'_>, address: &Address) {
    if ACCOUNTS.has(ctx.state, address) {
        return;
    }
    let number = next_number(ctx.state);
    let next = number.checked_add(1).unwrap_or_else(|| fault("account numbers are used up"));
    ACCOUNTS.set(ctx.state, address, &Account { number, ..Account::default() });
    NEXT_NUMBER.set(ctx.state, &next);
}
