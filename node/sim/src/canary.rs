//! Bugs that are put in on purpose: a simulator that does not find them finds nothing.

use scenario::World;
use store::State;

/// A planted bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Canary {
    /// One node's clock is a nanosecond ahead in one block: what it computes does not follow from the block alone.
    Clock,
    /// The pool of all collateral gets a unit that nobody paid.
    Money,
    /// A write goes missing between a node and its disk.
    Write,
    /// The second model believes that takers pay a part per million more than they do.
    Fee,
}

impl Canary {
    /// All, by name.
    pub const ALL: [(&'static str, Self); 4] =
        [("clock", Self::Clock), ("money", Self::Money), ("write", Self::Write), ("fee", Self::Fee)];
}

/// A unit more in the pool of collateral; nothing happens before there is any.
pub(crate) fn print_money(world: &mut World) -> bool {
    let pool = subaccounts::pool();
    let denom = world.machine.chain().collateral.clone();
    let balance = bank::balance(world.machine.state(), &pool, &denom);
    let before = balance.to_le_bytes();
    let memory = world.machine.memory();
    let row = memory.iter().find(|(key, value)| {
        key[0] == 0x10 && value.as_ref() == before && key.windows(20).any(|part| part == pool.bytes())
    });
    let Some((key, _)) = row.filter(|_| balance > 0) else { return false };
    memory.set(&key, &(balance + 1).to_le_bytes());
    memory.take_changes();
    true
}
