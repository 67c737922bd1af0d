//! Conservation laws. After every block they are checked over what the block changed; on demand (and after
//! every block of a devnet) over the whole state. A law that does not hold stops the node before it commits.
//!
//! - I-1: the collateral pool holds exactly what the accounts own, their unsettled funding and rounding dust.
//! - I-2: balances add up to the supply of each denomination.
//! - I-3, I-4: in each market longs equal shorts, and both equal the open interest.
//! - I-9: the insurance fund is its start, plus what was paid in, minus what was paid out, and not negative.
//! - I-15: no book is crossed.
//! - I-18: the books rebuilt from the state are the live ones.

use std::collections::BTreeMap;

use store::{Before, Memory, Read};
use types::{Denom, MarketId};

use crate::state;

const PPM: i128 = 1_000_000;
const OUTGROWN: &str = "a sum outgrows 128 bits";

/// Check what the block changed. Answers how many laws were checked.
pub(crate) fn check_changes(memory: &Memory, books: &clob::Books) -> Result<u64, String> {
    let chain = state::CHAIN.get(memory).ok_or("the state holds no chain")?;
    let before = Before(memory);
    let mut sums = Sums::default();
    sums.accounts(memory, &before)?;
    sums.pool(memory, &before, &chain.collateral)?;
    check_balances(memory, &before)?;
    check_insurance(memory, &chain.collateral)?;
    check_books(books)?;
    Ok(6)
}

/// Changes of one block that must cancel out.
#[derive(Default)]
struct Sums {
    /// Collateral of accounts, in quote quantums.
    collateral: i128,
    /// Sum of size times last funding index: what unsettled funding moves by, in ppm of a quote quantum.
    settled_ppm: i128,
    /// Net size, longs and shorts of each market.
    markets: BTreeMap<MarketId, [i128; 3]>,
}

impl Sums {
    fn accounts(&mut self, memory: &Memory, before: &Before<'_>) -> Result<(), String> {
        for id in subaccounts::changed(memory) {
            let was = subaccounts::get(before, &id);
            let is = subaccounts::get(memory, &id);
            for (account, sign) in [(&was, -1), (&is, 1)] {
                self.add(account, sign).ok_or(OUTGROWN)?;
            }
        }
        for (market, [net, long, short]) in &self.markets {
            let open = |state: &dyn Read| {
                perpetuals::perpetual(state, *market).map_or(0, |perpetual| perpetual.open_interest.raw())
            };
            let moved = open(memory) - open(before);
            if *net != 0 || *long != moved || *short != moved {
                return Err(format!(
                    "I-3, I-4: in market {market} longs moved by {long}, shorts by {short}, \
                     the open interest by {moved}"
                ));
            }
        }
        Ok(())
    }

    fn add(&mut self, account: &subaccounts::Subaccount, sign: i128) -> Option<()> {
        self.collateral = self.collateral.checked_add(account.quote.raw().checked_mul(sign)?)?;
        for (market, position) in &account.positions {
            let size = position.base.raw();
            let weighted = size.checked_mul(position.funding_index.raw())?.checked_mul(sign)?;
            self.settled_ppm = self.settled_ppm.checked_add(weighted)?;
            let [net, long, short] = self.markets.entry(*market).or_default();
            *net = net.checked_add(size.checked_mul(sign)?)?;
            *long = long.checked_add(size.max(0).checked_mul(sign)?)?;
            *short = short.checked_sub(size.min(0).checked_mul(sign)?)?;
        }
        Some(())
    }

    /// What all accounts together have not settled is the sum of size times last index (the sizes of a market
    /// add up to zero, so the present index cancels out). So the pool moves exactly with collateral, settled
    /// funding and dust.
    fn pool(&self, memory: &Memory, before: &Before<'_>, denom: &Denom) -> Result<(), String> {
        let pool = |state: &dyn Read| i128::try_from(bank::balance(state, &subaccounts::pool(), denom));
        let (Ok(is), Ok(was)) = (pool(memory), pool(before)) else {
            return Err("I-1: the pool holds more than 2^127".into());
        };
        let dust = subaccounts::funding_dust(memory) - subaccounts::funding_dust(before);
        let owed = self.collateral.checked_mul(PPM).and_then(|owed| owed.checked_add(self.settled_ppm));
        let owed = owed.and_then(|owed| owed.checked_add(dust)).ok_or(OUTGROWN)?;
        if (is - was).checked_mul(PPM) == Some(owed) {
            Ok(())
        } else {
            Err(format!(
                "I-1: the pool moved by {} quote quantums, what it owes by {owed} millionths of one",
                is - was
            ))
        }
    }
}

fn check_balances(memory: &Memory, before: &Before<'_>) -> Result<(), String> {
    let mut moved: BTreeMap<Denom, (u128, u128)> = BTreeMap::new();
    for (holder, denom) in bank::changed(memory) {
        let (out, into) = moved.entry(denom.clone()).or_default();
        *out = out.checked_add(bank::balance(before, &holder, &denom)).ok_or(OUTGROWN)?;
        *into = into.checked_add(bank::balance(memory, &holder, &denom)).ok_or(OUTGROWN)?;
    }
    for (denom, (out, into)) in moved {
        let (was, is) = (bank::supply(before, &denom), bank::supply(memory, &denom));
        if into.checked_add(was) != out.checked_add(is) {
            return Err(format!(
                "I-2: balances of {denom} went from {out} to {into}, its supply from {was} to {is}"
            ));
        }
    }
    Ok(())
}

fn check_insurance(state: &dyn Read, denom: &Denom) -> Result<(), String> {
    let (totals, held) = (insurance::totals(state), insurance::balance(state, denom));
    if totals.sum() == Some(held) && !held.is_negative() {
        Ok(())
    } else {
        Err(format!("I-9: the insurance fund holds {held}, its totals are {totals:?}"))
    }
}

/// No bid meets an ask: what could have traded has.
fn check_books(books: &clob::Books) -> Result<(), String> {
    for market in books.markets() {
        let best = |side| books.best_price(market, side);
        if let (Some(bid), Some(ask)) = (best(clob::Side::Buy), best(clob::Side::Sell)) {
            if bid >= ask {
                return Err(format!("I-15: in market {market} the best bid {bid} meets the best ask {ask}"));
            }
        }
    }
    Ok(())
}

/// Whether the books rebuilt from the state are the live ones. Reads every order.
pub(crate) fn check_caches(state: &dyn Read, books: &clob::Books) -> Result<u64, String> {
    if clob::rebuild(state).hash() == books.hash() {
        Ok(1)
    } else {
        Err("I-18: the books rebuilt from the state differ from the live ones".into())
    }
}

/// Check the whole state. Answers how many laws were checked. Reads everything.
pub fn check_all(state: &dyn Read) -> Result<u64, String> {
    let chain = state::CHAIN.get(state).ok_or("the state holds no chain")?;
    for (denom, held) in bank::held(state) {
        let supply = bank::supply(state, &denom);
        if held != supply {
            return Err(format!("I-2: balances of {denom} add up to {held}, its supply is {supply}"));
        }
    }
    let audit = subaccounts::invariants::audit(state, &chain.collateral).ok_or(OUTGROWN)?;
    if !audit.pool_is_exact() {
        return Err(format!("I-1: {audit:?}"));
    }
    if let Some(market) = audit.unequal_market(state) {
        return Err(format!("I-3, I-4: market {market}: {:?}", audit.positions.get(&market)));
    }
    if audit.misfiled > 0 {
        return Err(format!("I-17: {} positions are not filed under their market", audit.misfiled));
    }
    check_insurance(state, &chain.collateral)?;
    check_books(&clob::rebuild(state))?;
    Ok(6)
}

/// Sums of an export, for people: what accounts hold in all, and what the bank holds of each denomination.
pub fn totals(state: &dyn Read) -> Option<(subaccounts::invariants::Audit, BTreeMap<Denom, u128>)> {
    let chain = state::CHAIN.get(state)?;
    Some((subaccounts::invariants::audit(state, &chain.collateral)?, bank::held(state)))
}
