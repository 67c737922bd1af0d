//! Accounts at the start of a chain.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use borsh::{BorshDeserialize, BorshSerialize};
use store::{Ctx, Read};
use types::Address;

use crate::state::{ensure, Account, ACCOUNTS, NEXT_NUMBER};
use crate::Error;

/// Accounts that exist from the start. Everybody who holds coins and every module account gets one in any case.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Genesis {
    /// Each address and each number once; numbers may have gaps.
    pub accounts: Vec<(Address, Account)>,
}

/// Write `genesis` into a state whose bank is already filled. Then holders of coins (in order of address) and
/// modules get the numbers after the highest one.
pub fn init(ctx: &mut Ctx<'_>, genesis: &Genesis) -> Result<(), Error> {
    let mut numbers = BTreeSet::new();
    for (address, account) in &genesis.accounts {
        if ACCOUNTS.has(ctx.state, address) || !numbers.insert(account.number) {
            return Err(Error::Genesis("an account or an account number is repeated"));
        }
        ACCOUNTS.set(ctx.state, address, account);
    }
    if let Some(highest) = numbers.last() {
        let next = highest.checked_add(1).ok_or(Error::Genesis("an account number is too high"))?;
        NEXT_NUMBER.set(ctx.state, &next);
    }
    for balance in bank::genesis::export(ctx.state).balances {
        ensure(ctx, &balance.address);
    }
    for (address, _) in bank::module_accounts(ctx.state) {
        ensure(ctx, &address);
    }
    Ok(())
}

/// The state as a genesis, in order of address. Reads every account.
pub fn export(state: &dyn Read) -> Genesis {
    Genesis { accounts: ACCOUNTS.scan(state, &(), usize::MAX) }
}
