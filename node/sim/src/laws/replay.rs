//! Accounts by what happened: those before the block, and every event of it entered. Sizes, quote balances,
//! funding and what its rounding left must be those of the state after the block, to the unit.

use std::collections::BTreeMap;

use store::Read;
use types::{Event, MarketId, SubaccountId, Value};

use super::seen::{market, number, subaccount, Accounts, Seen};
use super::Verdict;

const PPM: i128 = 1_000_000;

/// An account in plain numbers: its quote, and of each position size and last funding index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Page {
    quote: i128,
    positions: BTreeMap<MarketId, (i128, i128)>,
}

/// What the events of a block make of the accounts before it.
pub(super) struct Replay {
    pages: BTreeMap<SubaccountId, Page>,
    indices: BTreeMap<MarketId, i128>,
    /// What rounding of funding left in the pools, in millionths of a quote quantum.
    dust: i128,
    /// Settlements that moved something.
    settled: u64,
    /// Positions that were closed against each other.
    closed: u64,
    /// The first closing that was larger than a position, or of two on the same side.
    wrong: Option<String>,
}

impl Replay {
    pub(super) fn of(was: &Accounts, now: &dyn Read, events: &[&Event]) -> Result<Self, String> {
        let indices = perpetuals::all(now).into_iter();
        let mut replay = Self {
            pages: pages(was),
            indices: indices.map(|perpetual| (perpetual.market, perpetual.funding_index.raw())).collect(),
            dust: 0,
            settled: 0,
            closed: 0,
            wrong: None,
        };
        for event in events {
            replay.enter(event).ok_or_else(|| format!("an event names no account: {event:?}"))?;
        }
        Ok(replay)
    }

    fn enter(&mut self, event: &Event) -> Option<()> {
        let amount = number(event, "amount");
        match event.kind {
            "order_fill" => {
                let (size, quote) = (number(event, "size"), number(event, "quote"));
                let sign = if event.get("side") == Some(&Value::Text("buy")) { 1 } else { -1 };
                let paid = |names: [&str; 3]| names.into_iter().map(|name| number(event, name)).sum::<i128>();
                let taken = paid(["taker_fee", "taker_builder_fee", "insurance"]);
                let made = paid(["maker_fee", "maker_builder_fee", ""]);
                let taker = subaccount(event, "taker_owner", "taker_number")?;
                let maker = subaccount(event, "maker_owner", "maker_number")?;
                self.swap(taker, market(event), (sign * size, -sign * quote - taken));
                self.swap(maker, market(event), (-sign * size, sign * quote - made));
            }
            "deposit_to_subaccount" => self.page(subaccount(event, "owner", "number")?).quote += amount,
            "withdraw_from_subaccount" => self.page(subaccount(event, "owner", "number")?).quote -= amount,
            "subaccount_transfer" => {
                self.page(subaccount(event, "sender", "sender_number")?).quote -= amount;
                self.page(subaccount(event, "recipient", "recipient_number")?).quote += amount;
            }
            "deleveraging" | "final_settlement" => self.close(event)?,
            _ => {}
        }
        Some(())
    }

    /// I-12: both sides hold at least what is closed, on opposite sides.
    fn close(&mut self, event: &Event) -> Option<()> {
        let id = subaccount(event, "owner", "number")?;
        let other = subaccount(event, "counterparty", "counterparty_number")?;
        let (at, size) = (market(event), number(event, "size"));
        let held = |replay: &Self, id| {
            let page: Option<&Page> = replay.pages.get(id);
            page.and_then(|page| page.positions.get(&at)).map_or(0, |position| position.0)
        };
        let (own, theirs) = (held(self, &id), held(self, &other));
        self.closed += 1;
        if own.signum() * theirs.signum() != -1 || size <= 0 || own.abs() < size || theirs.abs() < size {
            self.wrong = Some(format!("{size} of {own} is closed against {theirs} in market {at}"));
        }
        let (size, quote) = (-size * own.signum(), number(event, "quote"));
        self.swap(id, at, (size, quote));
        self.swap(other, at, (-size, -quote));
        Some(())
    }

    fn swap(&mut self, id: SubaccountId, market: MarketId, (size, quote): (i128, i128)) {
        let index = self.indices.get(&market).copied().unwrap_or_default();
        let page = self.page(id);
        page.quote += quote;
        let position = page.positions.entry(market).or_insert((0, index));
        position.0 += size;
        if position.0 == 0 {
            page.positions.remove(&market);
        }
    }

    /// The page of an account, its funding settled: one rounding down for all positions, the rest is dust.
    fn page(&mut self, id: SubaccountId) -> &mut Page {
        let page = self.pages.entry(id).or_default();
        let mut owed = 0;
        let mut moved = false;
        for (market, (size, index)) in &mut page.positions {
            let now = self.indices.get(market).copied().unwrap_or_default();
            owed -= (now - *index) * *size;
            moved |= now != *index;
            *index = now;
        }
        page.quote += owed.div_euclid(PPM);
        self.dust += owed.rem_euclid(PPM);
        self.settled += u64::from(moved);
        page
    }
}

fn pages(accounts: &Accounts) -> BTreeMap<SubaccountId, Page> {
    let page = |(id, account): (&SubaccountId, &subaccounts::Subaccount)| {
        let position = |(market, position): &(MarketId, subaccounts::Position)| {
            (*market, (position.base.raw(), position.funding_index.raw()))
        };
        let positions = account.positions.iter().map(position).collect();
        (*id, Page { quote: account.quote.raw(), positions })
    };
    accounts.iter().map(page).collect()
}

/// I-7, and the money part of I-12: the accounts after the block are those before it and what happened. Whoever
/// nothing happened to has not changed by a bit.
pub(super) fn accounts(seen: &Seen<'_>) -> Verdict {
    let held = pages(&seen.is);
    let empty = Page::default();
    for id in held.keys().chain(seen.replay.pages.keys()) {
        let (is, by) = (held.get(id).unwrap_or(&empty), seen.replay.pages.get(id).unwrap_or(&empty));
        if is != by {
            return Err(format!("{id} holds {is:?}, by what happened it should hold {by:?}"));
        }
    }
    Ok(held.len() as u64)
}

/// I-5: what settlements took less what they gave is what the dust grew by, and less than one quote quantum for
/// each of them.
pub(super) fn funding(seen: &Seen<'_>) -> Verdict {
    let of =
        |state: &dyn Read| seen.pools().into_iter().map(|of| subaccounts::dust_of(state, of)).sum::<i128>();
    let absorbed: i128 = seen.of_kind("insurance_dust").map(|event| number(event, "amount")).sum();
    let grown = of(seen.now) - of(seen.before) + absorbed * PPM;
    if grown != seen.replay.dust || grown < 0 {
        return Err(format!("dust grew by {grown}, settlements left {}", seen.replay.dust));
    }
    if grown > 0 && grown >= i128::from(seen.replay.settled) * PPM {
        return Err(format!("{} settlements left {grown} millionths", seen.replay.settled));
    }
    Ok(seen.replay.settled)
}

/// I-12: every closing of two positions was of opposite sides and no larger than either.
pub(super) fn opposed(seen: &Seen<'_>) -> Verdict {
    match &seen.replay.wrong {
        None => Ok(seen.replay.closed),
        Some(wrong) => Err(wrong.clone()),
    }
}
