//! What must hold before a node goes on from a stored state: a lost row must never be read as its default.

use store::Read;

use crate::{invariants, state};

/// Refuse a state that a running chain cannot have: a row is gone that every chain has, a market with positions
/// has no price, a funding index is not what the last tick made of it, or a conservation law does not hold. The
/// refusal says which. Reads every account.
pub fn check(state: &dyn Read) -> Result<(), String> {
    let present = [
        (state::CHAIN.get(state).is_some(), "app/chain"),
        (state::LAST_BLOCK.get(state).is_some(), "app/last_block"),
        (state::EXTENSIONS_FROM.get(state).is_some(), "app/extensions_from"),
        (state::RULES.get(state).is_some(), "app/rules"),
        (prices::has_params(state), "prices/params"),
    ];
    if let Some((_, name)) = present.iter().find(|(there, _)| !there) {
        return Err(format!("the row {name} is gone"));
    }
    for prices::MarketParams { market, .. } in prices::markets(state) {
        if clob::pair(state, market).is_some() && perpetuals::perpetual(state, market).is_none() {
            return Err(format!("the row perpetuals/perpetuals of market {market} is gone"));
        }
    }
    for perpetual in perpetuals::all(state) {
        let market = perpetual.market;
        if prices::params(state, market).is_none() {
            return Err(format!("the row prices/markets of market {market} is gone"));
        }
        let price = prices::price(state, market).filter(|price| !price.price.is_zero());
        if price.is_none() && !perpetual.open_interest.is_zero() {
            return Err(format!("market {market} has positions but no price"));
        }
        let ticked = funding::state::last(state, market).map(|last| last.index);
        if let Some(index) = ticked.filter(|index| *index != perpetual.funding_index) {
            let got = perpetual.funding_index;
            return Err(format!(
                "the funding index of market {market} is {got}, its last tick made it {index}"
            ));
        }
    }
    invariants::check_all(state).map(|_| ())
}
