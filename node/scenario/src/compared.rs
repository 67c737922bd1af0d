//! The chain as the naive model of `node/model` sees it: what happened in the model's words, and where the two differ.

use std::collections::BTreeMap;

use app::Machine;
use clob::Side;
use model::ledger::Ledger;
use model::money::{int, Int};
use model::orders::Resting;
use model::terms::{Id, Note};
use perpetuals::Collateral;
use store::Read;
use types::{Address, Event, MarketId, SubaccountId, Value};

/// Accounts in the order of the model's list, which is that of their ids.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a> {
    /// Their ids.
    pub ids: &'a [SubaccountId],
}

/// What is compared besides accounts and books.
#[derive(Clone, Copy, Debug)]
pub struct Beside<'a> {
    /// Wallets in the order of the model's owners.
    pub wallets: &'a [Address],
    /// Collateral that people gave to pools, which belongs to no account.
    pub given: &'a BTreeMap<Address, u64>,
}

impl Names<'_> {
    /// What these events say.
    pub fn notes(&self, events: &[Event]) -> Vec<Note> {
        events.iter().filter_map(|event| self.note(event)).collect()
    }

    /// Orders that did not go, and the reason why they should have.
    pub fn stay(&self, events: &[Event]) -> Vec<(Id, String)> {
        let failed = events.iter().filter(|event| event.kind == clob::REMOVAL_FAILED_EVENT);
        failed.map(|event| (self.id(event, ""), text(event, "reason"))).collect()
    }

    fn note(&self, event: &Event) -> Option<Note> {
        let u64_of = |name| u64::try_from(number(event, name)).unwrap();
        let market = || u32::try_from(number(event, "market")).unwrap();
        Some(match event.kind {
            "order_fill" => Note::Fill {
                market: market(),
                price: u64_of("price"),
                size: u64_of("size"),
                quote: int(number(event, "quote")),
                maker: self.id(event, "maker_"),
                maker_left: u64_of("maker_remaining"),
                maker_fee: int(number(event, "maker_fee")),
                taker: self.account(event, "taker_owner", "taker_number"),
                taker_fee: int(number(event, "taker_fee")),
                insurance: event.get("insurance").map(|_| int(number(event, "insurance"))),
            },
            "conditional_placed" | "twap_placed" | "twap_slice" => self.later(event, u64_of("size")),
            "conditional_triggered" => self.later(event, u64_of("price")),
            "twap_completed" | "twap_failed" => self.later(event, u64_of("remaining")),
            "order_placed" => Note::Placed(self.id(event, ""), u64_of("remaining")),
            "order_resized" => Note::Resized(self.id(event, ""), u64_of("remaining")),
            "order_removed" => Note::Removed {
                id: self.id(event, ""),
                reason: text(event, "reason"),
                left: u64_of("remaining"),
                rested: event.get("rested") == Some(&Value::Bool(true)),
            },
            "liquidation" => Note::Liquidated {
                account: self.account(event, "owner", "number"),
                market: market(),
                size: int(number(event, "size")),
                filled: int(number(event, "filled")),
                limit: u64_of("limit"),
                quote: int(number(event, "quote")),
                insurance: int(number(event, "insurance")),
            },
            "deleveraging" => Note::Deleveraged {
                account: self.account(event, "owner", "number"),
                other: self.account(event, "counterparty", "counterparty_number"),
                market: market(),
                size: int(number(event, "size")),
                quote: int(number(event, "quote")),
            },
            "final_settlement" => Note::Settled {
                account: self.account(event, "owner", "number"),
                other: self.account(event, "counterparty", "counterparty_number"),
                market: market(),
                size: int(number(event, "size")),
                quote: int(number(event, "quote")),
            },
            _ => return None,
        })
    }

    fn later(&self, event: &Event, amount: u64) -> Note {
        Note::Later { kind: event.kind.into(), id: self.id(event, ""), amount }
    }

    fn account(&self, event: &Event, owner: &str, account: &str) -> usize {
        let Some(Value::Address(owner)) = event.get(owner) else { panic!("{event:?} has no {owner}") };
        let id = SubaccountId { owner: *owner, number: u32::try_from(number(event, account)).unwrap() };
        self.ids.iter().position(|known| *known == id).unwrap()
    }

    fn id(&self, event: &Event, before: &str) -> Id {
        let name = |rest: &str| format!("{before}{rest}");
        let small = |rest: &str| u32::try_from(number(event, &name(rest))).unwrap();
        Id {
            account: self.account(event, &name("owner"), &name("number")),
            market: u32::try_from(number(event, "market")).unwrap(),
            flags: small("order_flags"),
            client: small("client_id"),
        }
    }

    /// Where money and orders differ from the model's.
    pub fn difference(
        &self,
        machine: &Machine,
        (ledger, resting): (&Ledger, &[Resting]),
        beside: &Beside<'_>,
    ) -> Option<String> {
        let denom = machine.chain().collateral.clone();
        let state = machine.state();
        for (account, id) in ledger.accounts.iter().zip(self.ids) {
            let (held, ours) = (account_of(state, id), said(account));
            if held != ours {
                return Some(format!("account {id} holds {held:?}, the model says {ours:?}"));
            }
        }
        for (owner, wallet) in ledger.wallets.iter().enumerate() {
            let held = int(bank::balance(state, &beside.wallets[owner], &denom));
            if held != *wallet {
                return Some(format!("owner {owner} has {held} outside, the model says {wallet}"));
            }
        }
        let mut funds = vec![("fees", fees::collector(), &ledger.collected)];
        for pot in &ledger.pots.0 {
            let of = pot.owner.map_or(Collateral::Cross, |market| Collateral::Isolated(MarketId(market)));
            funds.push(("pool", of.address(subaccounts::POOL), &pot.pool));
            funds.push(("fund", of.address(insurance::FUND), &pot.fund));
        }
        for (name, address, ours) in funds {
            let given = beside.given.get(&address).copied().unwrap_or_default();
            let held = int(bank::balance(state, &address, &denom)) - int(given);
            if held != *ours {
                return Some(format!("{name} is {held}, the model says {ours}"));
            }
        }
        for market in &ledger.markets {
            let perpetual = perpetuals::perpetual(state, MarketId(market.id)).unwrap();
            let (open, index) = (int(perpetual.open_interest.raw()), int(perpetual.funding_index.raw()));
            if open != market.open || index != market.index {
                return Some(format!(
                    "market {}: open interest {open} and index {index}, the model says {} and {}",
                    market.id, market.open, market.index
                ));
            }
        }
        self.book_difference(machine, ledger, resting)
    }

    /// Price, name and rest of each order of one side, in the order in which they trade.
    pub fn book(&self, machine: &Machine, market: u32, side: Side) -> Vec<(u64, Id, u64)> {
        let (books, id) = (machine.books(), MarketId(market));
        let mut orders = Vec::new();
        for level in books.levels(id, side) {
            for resting in books.queue(id, side, level.price) {
                let order = resting.order.id;
                let account = self.ids.iter().position(|id| *id == order.subaccount).unwrap();
                let id = Id { account, market, flags: order.kind.flags(), client: order.client_id };
                orders.push((level.price.raw(), id, resting.remaining.raw()));
            }
        }
        orders
    }

    fn book_difference(&self, machine: &Machine, ledger: &Ledger, resting: &[Resting]) -> Option<String> {
        for (market, side) in ledger.markets.iter().flat_map(|m| [(m.id, Side::Buy), (m.id, Side::Sell)]) {
            let theirs = self.book(machine, market, side);
            let buy = side == Side::Buy;
            let mut ours: Vec<_> =
                resting.iter().filter(|r| r.order.id.market == market && r.order.buy == buy).collect();
            ours.sort_by_key(|r| (if buy { u64::MAX - r.order.price } else { r.order.price }, r.turn));
            let ours: Vec<_> = ours.iter().map(|r| (r.order.price, r.order.id, r.left)).collect();
            if theirs != ours {
                return Some(format!("book {market} {side:?} is {theirs:?}, the model says {ours:?}"));
            }
        }
        None
    }
}

/// Collateral, and market, size and index of each position.
pub type Held = (Int, Vec<(u32, Int, Int)>);

/// What an account holds.
pub fn account_of(state: &dyn Read, id: &SubaccountId) -> Held {
    let account = subaccounts::get(state, id);
    let positions = account
        .positions
        .iter()
        .map(|(market, position)| (market.0, int(position.base.raw()), int(position.funding_index.raw())));
    (int(account.quote.raw()), positions.collect())
}

fn said(account: &model::terms::Account) -> Held {
    let positions = account.positions.iter().map(|p| (p.market, p.size.clone(), p.index.clone()));
    (account.quote.clone(), positions.collect())
}

/// A number of an event.
pub fn number(event: &Event, name: &str) -> i128 {
    match event.get(name) {
        Some(Value::Unsigned(value)) => i128::try_from(*value).unwrap(),
        Some(Value::Signed(value)) => *value,
        other => panic!("{event:?} has {other:?} for {name}"),
    }
}

fn text(event: &Event, name: &str) -> String {
    match event.get(name) {
        Some(Value::Text(text)) => text.to_string(),
        other => panic!("{event:?} has {other:?} for {name}"),
    }
}
