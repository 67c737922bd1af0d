//! The bank at the start of a chain.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use borsh::{BorshDeserialize, BorshSerialize};
use store::{Ctx, Read};
use types::{Address, Coin};

use crate::send::mint;
use crate::state::{module_accounts, register_module, BALANCES, FEE_COLLECTOR, MAX_DENOMS};
use crate::Error;

/// What the bank starts with. The supply is the sum of the balances.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Genesis {
    /// Who holds what; each holder once, amounts above zero.
    pub balances: Vec<Balance>,
    /// Names of the module accounts; the fee collector is one in any case.
    pub modules: Vec<String>,
}

/// What one account holds.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Balance {
    /// Whose.
    pub address: Address,
    /// In rising order of denomination.
    pub coins: Vec<Coin>,
}

/// Write `genesis` into an empty state. Refused (invalid coins) when a holder or a denomination is repeated,
/// an amount is zero, or there is too much of something.
pub fn init(ctx: &mut Ctx<'_>, genesis: &Genesis) -> Result<(), Error> {
    register_module(ctx, FEE_COLLECTOR);
    for name in &genesis.modules {
        register_module(ctx, name);
    }
    let mut denoms = BTreeSet::new();
    for balance in &genesis.balances {
        if BALANCES.first(ctx.state, &balance.address).is_some() {
            return Err(Error::InvalidCoins(format!("{} has two balances", balance.address)));
        }
        for coin in &balance.coins {
            let again = BALANCES.has(ctx.state, &(balance.address, coin.denom.clone()));
            if again || coin.amount == 0 {
                return Err(Error::InvalidCoins(format!("{coin} is repeated or zero")));
            }
            denoms.insert(&coin.denom);
            mint(ctx, &balance.address, coin)?;
        }
    }
    if denoms.len() > MAX_DENOMS {
        return Err(Error::InvalidCoins(format!("more than {MAX_DENOMS} denominations")));
    }
    Ok(())
}

/// The state as a genesis. Reads every balance.
pub fn export(state: &dyn Read) -> Genesis {
    let mut balances: Vec<Balance> = Vec::new();
    for ((address, denom), amount) in BALANCES.scan(state, &(), usize::MAX) {
        let coin = Coin { denom, amount };
        match balances.last_mut() {
            Some(last) if last.address == address => last.coins.push(coin),
            _ => balances.push(Balance { address, coins: alloc::vec![coin] }),
        }
    }
    Genesis { balances, modules: module_accounts(state).into_iter().map(|(_, name)| name).collect() }
}
