//! A second opinion on money: plain books kept from events alone, with the formulas written down again in plain
//! integers. What accounts hold in the state must be what these books say, to the unit.

use std::collections::BTreeMap;

use store::Read;
use types::{Address, Event, SubaccountId, Value};

const PPM: i128 = 1_000_000;
/// Fees of the devnet's first tier, in ppm.
const TAKER: i128 = 500;
const MAKER: i128 = -110;
/// Subticks times base quantums are 10^9 quote quantums in every market of the devnet.
const QUOTE: i128 = 1_000_000_000;

/// One account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Page {
    quote: i128,
    /// Market -> size and funding index at which it was last settled.
    positions: BTreeMap<u32, (i128, i128)>,
}

/// All accounts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    pages: BTreeMap<SubaccountId, Page>,
    /// Funding index of each market, of this block.
    indices: BTreeMap<u32, i128>,
}

impl Ledger {
    /// Enter what happened in a block, then compare with the state after it.
    pub(crate) fn block<'a>(
        &mut self,
        events: impl Iterator<Item = &'a Event>,
        state: &dyn Read,
    ) -> Result<(), String> {
        let perpetuals = perpetuals::all(state);
        self.indices =
            perpetuals.iter().map(|market| (market.market.0, market.funding_index.raw())).collect();
        for event in events {
            self.enter(event).map_err(|reason| format!("{reason} in {event:?}"))?;
        }
        self.compare(state)
    }

    fn enter(&mut self, event: &Event) -> Result<(), String> {
        let amount = || number(event, "amount");
        match event.kind {
            "order_fill" => self.fill(event)?,
            "deposit_to_subaccount" => self.page(event, "owner", "number").quote += amount(),
            "withdraw_from_subaccount" => self.page(event, "owner", "number").quote -= amount(),
            "subaccount_transfer" => {
                self.page(event, "sender", "sender_number").quote -= amount();
                self.page(event, "recipient", "recipient_number").quote += amount();
            }
            "deleveraging" | "final_settlement" => {
                let (market, size) = (market(event), number(event, "size"));
                let page = self.page(event, "owner", "number");
                let held = page.positions.get(&market).map_or(0, |position| position.0);
                if held.abs() < size {
                    return Err(format!("{size} of {held} is closed"));
                }
                let (size, quote) = (-size * held.signum(), number(event, "quote"));
                self.swap((event, "owner", "number"), market, size, quote);
                self.swap((event, "counterparty", "counterparty_number"), market, -size, -quote);
            }
            _ => {}
        }
        Ok(())
    }

    /// A trade: worth and fees are calculated again.
    fn fill(&mut self, event: &Event) -> Result<(), String> {
        let (market, size, price) = (market(event), number(event, "size"), number(event, "price"));
        let liquidation = event.get("liquidation") == Some(&Value::Bool(true));
        let quote = (size * price).div_euclid(QUOTE);
        let (taker_ppm, maker_ppm) = if liquidation { (0, MAKER.max(0)) } else { (TAKER, MAKER) };
        let fees = [ceil(quote * taker_ppm, PPM), ceil(quote * maker_ppm, PPM)];
        let told = [number(event, "quote"), number(event, "taker_fee"), number(event, "maker_fee")];
        if told != [quote, fees[0], fees[1]] {
            return Err(format!("worth and fees are {quote}, {fees:?}"));
        }
        let sign = if event.get("side") == Some(&Value::Text("buy")) { 1 } else { -1 };
        let fund = number(event, "insurance");
        let taker = (event, "taker_owner", "taker_number");
        self.swap(taker, market, sign * size, -sign * quote - fees[0] - fund);
        let maker = (event, "maker_owner", "maker_number");
        self.swap(maker, market, -sign * size, sign * quote - fees[1]);
        Ok(())
    }

    fn swap(&mut self, who: (&Event, &str, &str), market: u32, size: i128, quote: i128) {
        let index = self.indices.get(&market).copied().unwrap_or_default();
        let page = self.page(who.0, who.1, who.2);
        page.quote += quote;
        let position = page.positions.entry(market).or_insert((0, index));
        position.0 += size;
        if position.0 == 0 {
            page.positions.remove(&market);
        }
    }

    /// The page of an account, its funding settled: one rounding down for all positions.
    fn page(&mut self, event: &Event, owner: &str, account: &str) -> &mut Page {
        let owner = match event.get(owner) {
            Some(Value::Address(address)) => *address,
            _ => Address::default(),
        };
        let id = SubaccountId { owner, number: u32::try_from(number(event, account)).unwrap_or(u32::MAX) };
        let page = self.pages.entry(id).or_default();
        let mut owed = 0;
        for (market, (size, index)) in &mut page.positions {
            let now = self.indices.get(market).copied().unwrap_or_default();
            owed -= (now - *index) * *size;
            *index = now;
        }
        page.quote += owed.div_euclid(PPM);
        page
    }

    fn compare(&self, state: &dyn Read) -> Result<(), String> {
        let mut held: BTreeMap<SubaccountId, Page> = BTreeMap::new();
        for (id, account) in subaccounts::page(state, None, usize::MAX) {
            let position = |(market, position): &(types::MarketId, subaccounts::Position)| {
                (market.0, (position.base.raw(), position.funding_index.raw()))
            };
            let positions = account.positions.iter().map(position).collect();
            held.insert(id, Page { quote: account.quote.raw(), positions });
        }
        let empty = Page::default();
        for id in held.keys().chain(self.pages.keys()) {
            let page = |pages: &BTreeMap<SubaccountId, Page>| pages.get(id).unwrap_or(&empty).clone();
            if page(&held) != page(&self.pages) {
                return Err(format!(
                    "{id} holds {:?}, by what happened it should hold {:?}",
                    page(&held),
                    page(&self.pages)
                ));
            }
        }
        Ok(())
    }
}

fn ceil(a: i128, b: i128) -> i128 {
    -(-a).div_euclid(b)
}

fn number(event: &Event, name: &str) -> i128 {
    match event.get(name) {
        Some(Value::Unsigned(value)) => i128::try_from(*value).unwrap_or(i128::MAX),
        Some(Value::Signed(value)) => *value,
        _ => 0,
    }
}

fn market(event: &Event) -> u32 {
    u32::try_from(number(event, "market")).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use scenario::World;

    use super::*;

    #[test]
    fn what_the_state_has_and_events_do_not_say_is_noticed() {
        let mut world = World::new(&["alice"], 1_000_000);
        let deposit = world.deposit("alice", 500_000);
        let events = world.run("alice", &[deposit]).events;
        let told = |events: &[Event]| Ledger::default().block(events.iter(), world.machine.state());
        assert_eq!(told(&events), Ok(()));
        assert!(told(&[]).is_err(), "the deposit is missing");
        let twice: Vec<Event> = events.iter().chain(&events).cloned().collect();
        assert!(told(&twice).is_err(), "the deposit is there twice");
    }

    #[test]
    fn a_fee_that_is_rounded_the_wrong_way_is_noticed() {
        let fill = |taker_fee: i128, maker_fee: i128| {
            Event::new("order_fill")
                .with("market", 0_u32)
                .with("side", "buy")
                .with("size", 1_000_000_u64)
                .with("price", 2_868_800_000_u64)
                .with("quote", 2_868_800_i128)
                .with("taker_fee", taker_fee)
                .with("maker_fee", maker_fee)
        };
        // 1,434.4 and -315.568.
        assert_eq!(Ledger::default().fill(&fill(1_435, -315)), Ok(()));
        assert!(Ledger::default().fill(&fill(1_434, -315)).is_err());
        assert!(Ledger::default().fill(&fill(1_435, -316)).is_err());
    }
}
