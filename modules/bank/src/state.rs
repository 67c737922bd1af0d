//! What this module keeps in the store. Module byte `0x10`.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use store::{fault, Collection, Ctx, Map, Read, State};
use types::{Address, Coin, Denom};

/// Name of the module account that transaction fees go to.
pub const FEE_COLLECTOR: &str = "fee_collector";

/// Denominations a chain may have. Genesis is the only way to a new one.
pub const MAX_DENOMS: usize = 1_024;

/// Balances above zero: `(holder, denomination) -> amount`.
pub(crate) const BALANCES: Map<(Address, Denom), u128> = Map::new([0x10, 0x00], "bank/balances");

/// How much there is of each denomination.
pub(crate) const SUPPLY: Map<Denom, u128> = Map::new([0x10, 0x01], "bank/supply");

/// Accounts that belong to modules: `address -> name`.
pub(crate) const MODULES: Map<Address, String> = Map::new([0x10, 0x02], "bank/modules");

/// What this module keeps.
pub fn layout() -> [Collection; 3] {
    [BALANCES.collection(), SUPPLY.collection(), MODULES.collection()]
}

/// What `holder` has of `denom`.
pub fn balance(state: &dyn Read, holder: &Address, denom: &Denom) -> u128 {
    BALANCES.get(state, &(*holder, denom.clone())).unwrap_or_default()
}

/// At most `limit` coins of `holder` with denominations `from` or later, in order of denomination.
pub fn balances_page(state: &dyn Read, holder: &Address, from: Option<&Denom>, limit: usize) -> Vec<Coin> {
    let rows = match from {
        None => BALANCES.scan(state, holder, limit),
        Some(denom) => BALANCES.scan_from(state, holder, &(*holder, denom.clone()), limit),
    };
    rows.into_iter().map(|((_, denom), amount)| Coin { denom, amount }).collect()
}

/// Who has coins, in order of address, from `from` on. Each takes one look at the table.
pub(crate) fn holders(state: &dyn Read, from: Option<Address>) -> impl Iterator<Item = Address> + '_ {
    let at = move |from: &Address| {
        let row = BALANCES.scan_from(state, &(), from, 1).pop();
        row.map(|((holder, _), _)| holder)
    };
    let first = at(&from.unwrap_or(Address::new([0; 20])));
    core::iter::successors(first, move |last| at(&after(last)?))
}

/// The next address there could be; nothing after the last one.
fn after(address: &Address) -> Option<Address> {
    let mut bytes = *address.bytes();
    for byte in bytes.iter_mut().rev() {
        *byte = byte.wrapping_add(1);
        if *byte != 0 {
            return Some(Address::new(bytes));
        }
    }
    None
}

/// How much there is of `denom`.
pub fn supply(state: &dyn Read, denom: &Denom) -> u128 {
    SUPPLY.get(state, denom).unwrap_or_default()
}

/// Balances written since the block began.
pub fn changed(state: &dyn State) -> Vec<(Address, Denom)> {
    BALANCES.changed(state)
}

/// Whether `address` belongs to a module.
pub fn is_module(state: &dyn Read, address: &Address) -> bool {
    MODULES.has(state, address)
}

/// Names of all module accounts with their addresses, in order of address. Modules are few.
pub fn module_accounts(state: &dyn Read) -> Vec<(Address, String)> {
    MODULES.scan(state, &(), usize::MAX)
}

/// Make the address of `name` a module account: users cannot send to it from now on.
pub fn register_module(ctx: &mut Ctx<'_>, name: &str) {
    MODULES.set(ctx.state, &Address::module(name), &name.into());
}

/// Sum of all balances by denomination; equal to the supply (I1). Reads every balance.
pub fn held(state: &dyn Read) -> BTreeMap<Denom, u128> {
    let mut sums = BTreeMap::new();
    for ((_, denom), amount) in BALANCES.scan(state, &(), usize::MAX) {
        let sum: &mut u128 = sums.entry(denom).or_default();
        *sum =
            sum.checked_add(amount).unwrap_or_else(|| fault("balances add up to more than can be counted"));
    }
    sums
}

/// Give `holder` exactly `amount`; a row of zero is no row.
pub(crate) fn set_balance(state: &mut dyn State, holder: Address, denom: &Denom, amount: u128) {
    let key = (holder, denom.clone());
    if amount == 0 {
        BALANCES.remove(state, &key);
    } else {
        BALANCES.set(state, &key, &amount);
    }
}
