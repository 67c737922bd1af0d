//! Conservation laws. After every block they are checked over what the block changed; on demand (and after
//! every block of a devnet) over the whole state. A law that does not hold stops the node before it commits.
//!
//! - I-1: the collateral pool holds exactly what the accounts own, their unsettled funding and rounding dust.
//! - I-2: balances add up to the supply of each denomination.
//! - I-3, I-4: in each market longs equal shorts, and both equal the open interest.
//! - I-9: the insurance fund is its start, plus what was paid in, minus what was paid out, and not negative.
//! - I-14: no resting order that may only reduce wants more than the position that it opposes.
//! - I-15: no book is crossed.
//! - I-18: the books rebuilt from the state are the live ones.

use std::collections::{BTreeMap, BTreeSet};

use perpetuals::Collateral;
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
    sums.check_pools(memory, &before, &chain.collateral)?;
    check_balances(memory, &before)?;
    check_insurance(memory, &chain.collateral)?;
    check_books(books)?;
    Ok(6)
}

/// What one pool owes more, or less, than before the block.
#[derive(Clone, Copy, Default)]
struct Owed {
    /// Collateral of accounts, in quote quantums.
    collateral: i128,
    /// Sum of size times last funding index: what unsettled funding moves by, in ppm of a quote quantum.
    settled_ppm: i128,
}

/// Changes of one block that must cancel out.
#[derive(Default)]
struct Sums {
    pools: BTreeMap<Collateral, Owed>,
    /// Net size, longs and shorts of each market.
    markets: BTreeMap<MarketId, [i128; 3]>,
}

impl Sums {
    fn accounts(&mut self, memory: &Memory, before: &Before<'_>) -> Result<(), String> {
        for id in subaccounts::changed(memory) {
            let was = subaccounts::get(before, &id);
            let is = subaccounts::get(memory, &id);
            let pools = [subaccounts::collateral(before, &was), subaccounts::collateral(memory, &is)];
            for ((account, sign), of) in [(&was, -1), (&is, 1)].into_iter().zip(pools) {
                self.add(of, account, sign).ok_or(OUTGROWN)?;
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

    fn add(&mut self, of: Collateral, account: &subaccounts::Subaccount, sign: i128) -> Option<()> {
        let owed = self.pools.entry(of).or_default();
        owed.collateral = owed.collateral.checked_add(account.quote.raw().checked_mul(sign)?)?;
        for (market, position) in &account.positions {
            let size = position.base.raw();
            let weighted = size.checked_mul(position.funding_index.raw())?.checked_mul(sign)?;
            owed.settled_ppm = owed.settled_ppm.checked_add(weighted)?;
            let [net, long, short] = self.markets.entry(*market).or_default();
            *net = net.checked_add(size.checked_mul(sign)?)?;
            *long = long.checked_add(size.max(0).checked_mul(sign)?)?;
            *short = short.checked_sub(size.min(0).checked_mul(sign)?)?;
        }
        Some(())
    }

    /// What the accounts of a pool have not settled is the sum of size times last index (the sizes of a market
    /// add up to zero within its pool, so the present index cancels out). So a pool moves exactly with
    /// collateral, settled funding and dust. A block in which a market changed its pool is checked as one pool.
    fn check_pools(&self, memory: &Memory, before: &Before<'_>, denom: &Denom) -> Result<(), String> {
        let markets: Vec<_> = perpetuals::all(memory).into_iter().map(|perpetual| perpetual.market).collect();
        let (was, is) = (pools(before, &markets), pools(memory, &markets));
        if was == is {
            return is.iter().try_for_each(|of| self.check(memory, before, denom, &[*of]));
        }
        let all: BTreeSet<Collateral> = was.into_iter().chain(is).collect();
        self.check(memory, before, denom, &all.into_iter().collect::<Vec<_>>())
    }

    fn check(
        &self,
        memory: &Memory,
        before: &Before<'_>,
        denom: &Denom,
        pools: &[Collateral],
    ) -> Result<(), String> {
        let mut owed: i128 = 0;
        let mut moved: i128 = 0;
        for of in pools {
            let held = |state: &dyn Read| {
                let pool = of.address(subaccounts::POOL);
                i128::try_from(bank::balance(state, &pool, denom)).ok()
            };
            let sums = self.pools.get(of).copied().unwrap_or_default();
            let dust = subaccounts::dust_of(memory, *of) - subaccounts::dust_of(before, *of);
            let more = sums.collateral.checked_mul(PPM).and_then(|more| more.checked_add(sums.settled_ppm));
            let debts = fees::unpaid_growth(memory, &of.address(subaccounts::POOL)).raw();
            let debts = debts.checked_mul(PPM).ok_or(OUTGROWN)?;
            let more = more.and_then(|more| more.checked_add(dust)?.checked_add(debts)?.checked_add(owed));
            owed = more.ok_or(OUTGROWN)?;
            let (is, was) = held(memory).zip(held(before)).ok_or("I-1: a pool holds more than 2^127")?;
            moved = moved.checked_add(is - was).ok_or(OUTGROWN)?;
        }
        if moved.checked_mul(PPM) == Some(owed) {
            Ok(())
        } else {
            Err(format!(
                "I-1: the pool moved by {moved} quote quantums, what it owes by {owed} millionths of one \
                 ({pools:?})"
            ))
        }
    }
}

/// Fees that a pool owes and could not pay yet.
fn unpaid(state: &dyn Read, of: Collateral) -> i128 {
    let pool = of.address(subaccounts::POOL);
    let own = fees::unpaid(state).into_iter().filter(|((debtor, _), _)| *debtor == pool);
    own.fold(0, |sum, (_, amount)| sum + amount.raw())
}

/// All pools that these markets have in a state.
fn pools(state: &dyn Read, markets: &[MarketId]) -> BTreeSet<Collateral> {
    let pools = markets.iter().map(|market| perpetuals::collateral(state, *market));
    std::iter::once(Collateral::Cross).chain(pools).collect()
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
    match insurance::unsound(state, denom) {
        None => Ok(()),
        Some((of, totals, held)) => {
            Err(format!("I-9: the insurance fund of {of:?} holds {held}, its totals are {totals:?}"))
        }
    }
}

/// I-15: no bid meets an ask: what could have traded has.
pub fn check_books(books: &clob::Books) -> Result<(), String> {
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

/// Whether the books rebuilt from the state are the live ones, and orders that may only reduce fit their
/// positions. Answers how many laws were checked. Reads every order.
pub(crate) fn check_caches(state: &dyn Read, books: &clob::Books) -> Result<u64, String> {
    check_rebuilt(state, books)?;
    check_reducing(books)?;
    Ok(3)
}

/// I-18: whether the books and accounts rebuilt from the state are the live ones. Reads every order.
pub fn check_rebuilt(state: &dyn Read, books: &clob::Books) -> Result<(), String> {
    let rebuilt = clob::rebuild(state);
    if rebuilt.hash() != books.hash() {
        return Err("I-18: the books rebuilt from the state differ from the live ones".into());
    }
    if rebuilt.accounts.hash() != books.accounts.hash() {
        return Err("I-18: the accounts rebuilt from the state differ from the live ones".into());
    }
    Ok(())
}

/// I-14: orders that may only reduce fit the positions of their owners. Looks at every order.
pub fn check_reducing(books: &clob::Books) -> Result<(), String> {
    for market in books.markets() {
        for side in [clob::Side::Buy, clob::Side::Sell] {
            let queues = books.levels(market, side).flat_map(|level| books.queue(market, side, level.price));
            for resting in queues.filter(|resting| resting.order.reduce_only) {
                let held = books.accounts.size(&resting.order.id.subaccount, market).raw();
                let opposed = if side == clob::Side::Buy { -held } else { held };
                if i128::from(resting.remaining.raw()) > opposed {
                    return Err(format!(
                        "I-14: {} may only reduce, wants {} and opposes {opposed}",
                        resting.order.id,
                        resting.remaining.raw()
                    ));
                }
            }
        }
    }
    Ok(())
}

/// A whole state, added up once for all laws over it.
pub struct Whole<'a> {
    state: &'a dyn Read,
    collateral: Denom,
    audit: subaccounts::invariants::Audit,
}

/// A law over a whole state: its names, and what finds it broken.
pub type WholeLaw = (&'static str, fn(&Whole<'_>) -> Result<(), String>);

/// Every law over a whole state.
pub const WHOLE: [WholeLaw; 6] = [
    ("I-2", whole_supply),
    ("I-1", whole_pools),
    ("I-3, I-4", whole_positions),
    ("I-17", whole_isolation),
    ("I-9", whole_funds),
    ("I-15", whole_books),
];

impl<'a> Whole<'a> {
    /// Read every account. Fails when the state holds no chain or a sum outgrows 128 bits.
    pub fn of(state: &'a dyn Read) -> Result<Self, String> {
        let chain = state::CHAIN.get(state).ok_or("the state holds no chain")?;
        let mut audit = subaccounts::invariants::audit(state, &chain.collateral).ok_or(OUTGROWN)?;
        for pool in &mut audit.pools {
            pool.collateral = pool.collateral.checked_add(unpaid(state, pool.of)).ok_or(OUTGROWN)?;
        }
        Ok(Self { state, collateral: chain.collateral, audit })
    }
}

fn whole_supply(whole: &Whole<'_>) -> Result<(), String> {
    for (denom, held) in bank::held(whole.state) {
        let supply = bank::supply(whole.state, &denom);
        if held != supply {
            return Err(format!("I-2: balances of {denom} add up to {held}, its supply is {supply}"));
        }
    }
    Ok(())
}

fn whole_pools(whole: &Whole<'_>) -> Result<(), String> {
    if whole.audit.pool_is_exact() {
        Ok(())
    } else {
        Err(format!("I-1: {:?}", whole.audit))
    }
}

fn whole_positions(whole: &Whole<'_>) -> Result<(), String> {
    match whole.audit.unequal_market(whole.state) {
        None => Ok(()),
        Some(market) => Err(format!("I-3, I-4: market {market}: {:?}", whole.audit.positions.get(&market))),
    }
}

fn whole_isolation(whole: &Whole<'_>) -> Result<(), String> {
    match whole.audit.mixed {
        None => Ok(()),
        Some(id) => Err(format!("I-17: account {id} has an isolated position beside another one")),
    }
}

fn whole_funds(whole: &Whole<'_>) -> Result<(), String> {
    check_insurance(whole.state, &whole.collateral)
}

fn whole_books(whole: &Whole<'_>) -> Result<(), String> {
    check_books(&clob::rebuild(whole.state))
}

/// Check the whole state. Answers how many laws were checked. Reads everything.
pub fn check_all(state: &dyn Read) -> Result<u64, String> {
    let whole = Whole::of(state)?;
    WHOLE.iter().try_fold(0, |checked, (_, law)| law(&whole).map(|()| checked + 1))
}

/// Sums of an export, for people: what accounts hold in all, and what the bank holds of each denomination.
pub fn totals(state: &dyn Read) -> Option<(subaccounts::invariants::Audit, BTreeMap<Denom, u128>)> {
    let chain = state::CHAIN.get(state)?;
    Some((subaccounts::invariants::audit(state, &chain.collateral)?, bank::held(state)))
}
