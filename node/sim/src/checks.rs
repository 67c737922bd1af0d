//! What must hold after every block, beside the laws.

use app::BlockInput;
use scenario::World;

use crate::ledger::Ledger;

/// The checks of one story, with what they remember of earlier blocks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Checks {
    ledger: Ledger,
}

impl Checks {
    /// How often the machine checks the whole state: every so many blocks.
    pub(crate) const FULL_EVERY: u64 = 10;

    /// What holds after a block that was executed on `world`; answers how many were checked.
    pub(crate) fn after_block(&mut self, world: &World, input: &BlockInput) -> Result<u64, String> {
        let outcome = &world.last;
        // A refused transaction has events of its fee and sequence only.
        let events = outcome.results.iter().flat_map(|result| &result.events).chain(&outcome.events);
        self.ledger.block(events, world.machine.state())?;
        for (id, account) in subaccounts::page(world.machine.state(), None, usize::MAX) {
            if account.positions.is_empty() && account.quote.is_negative() {
                return Err(format!("{id} has no position and owes {}", account.quote));
            }
        }
        for result in outcome.results.iter().skip(usize::from(input.votes)) {
            let Some(refusal) = &result.refusal else { continue };
            if (refusal.codespace.as_str(), refusal.code) == ("app", 1) {
                return Err(format!("a transaction ran into a fault: {}", refusal.log));
            }
        }
        Ok(outcome.summary.invariants_checked + 3)
    }
}
