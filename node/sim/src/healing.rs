//! After the chaos: two visitors come, and somebody must trade with them.

use proto::dydxprotocol::clob::order::Side;
use scenario::{Dice, World};

use crate::crowd::USD;
use crate::market::Market;

/// Names of the visitors.
pub(crate) const VISITORS: [&str; 2] = ["visitor_one", "visitor_two"];

/// Blocks within which they must trade.
pub(crate) const PATIENCE: u64 = 50;

/// What became of the visitors.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Healing {
    turns: u64,
    /// Blocks that it took until both had traded.
    pub(crate) traded: Option<u64>,
}

impl Healing {
    /// Their transactions before the next block: first collateral for each market, then orders that cross, in one
    /// market after the other.
    pub(crate) fn act(&mut self, world: &World, market: &Market, dice: &mut Dice) -> Vec<Vec<u8>> {
        let mut txs = Vec::new();
        let turn = self.turns;
        self.turns += 1;
        let Some(index) = turn.checked_sub(1) else {
            for visitor in VISITORS {
                let deposits = market
                    .terms
                    .iter()
                    .map(|terms| world.deposit(&format!("{visitor}/{}", terms.id), 5_000 * USD));
                // One transaction: sequence numbers follow from the state.
                txs.push(world.sign(visitor, &deposits.collect::<Vec<_>>()));
            }
            return txs;
        };
        if self.traded.is_some() {
            return txs;
        }
        let count = u64::try_from(market.terms.len()).unwrap_or(1);
        let terms = market.terms[usize::try_from(index % count).unwrap_or_default()];
        let client = u32::try_from(index).unwrap_or_default();
        for (visitor, side) in VISITORS.into_iter().zip([Side::Sell, Side::Buy]) {
            let size = market.worth(&terms, 100 * USD);
            let own = market.near(&terms, 0, dice);
            let away = own / 50 / terms.tick * terms.tick;
            let price = if side == Side::Sell { own - away } else { own + away };
            let person = format!("{visitor}/{}", terms.id);
            let order = world.order(&person, terms.id, client, (side, size, price));
            txs.push(world.sign(&person, &[world.place(order)]));
        }
        txs
    }

    /// Look whether they traded.
    pub(crate) fn look(&mut self, world: &World, market: &Market) {
        let holds = |visitor: &str| {
            let mut accounts =
                market.terms.iter().map(|terms| world.account(&format!("{visitor}/{}", terms.id)));
            accounts.any(|account| !account.positions.is_empty())
        };
        if self.traded.is_none() && VISITORS.iter().any(|visitor| holds(visitor)) {
            self.traded = Some(self.turns);
        }
    }

    /// Whether they waited too long.
    pub(crate) fn judge(&self) -> Result<(), String> {
        if self.traded.is_none() && self.turns > PATIENCE {
            return Err(format!("nobody trades {PATIENCE} blocks after the chaos"));
        }
        Ok(())
    }
}
