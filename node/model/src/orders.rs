//! Orders: lists that are searched from one end to the other.

use num_traits::{Signed, Zero};

use crate::falls::Falls;
use crate::fee::{capped, Fees, Tier};
use crate::ledger::{Change, Ledger, No, Why};
use crate::liquidate::Rules;
use crate::money::{int, Int};
use crate::resting::replaces;
use crate::terms::{clob, Code, Force, Id, MeetsOwn, Note, Order, Until};
use crate::waiting::Room;

/// An order that rests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resting {
    pub order: Order,
    pub left: u64,
    /// The lower one was there before.
    pub turn: u64,
    /// It replaced one that was good til an earlier block.
    pub successor: bool,
}

/// What a short-term id remembers, or what a longer one has traded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    pub filled: u64,
    pub cancelled: u32,
    /// Block and hash of the last order that ended without being filled or cancelled.
    pub ended: Option<(u32, [u8; 32])>,
    pub keep: u64,
}

/// Bounds that hold for everybody.
#[derive(Clone, Debug)]
pub struct Bounds {
    pub tiers: Vec<Tier>,
    pub max_fills: u32,
    pub max_resting: usize,
    pub short_term_per_block: u32,
    /// Of the oracle price, in ppm: so far from it takers trade.
    pub band: i64,
    /// Worth from which so many long-lived orders are allowed.
    pub equity_tiers: Vec<(u64, u32)>,
    /// The same for short-term orders that rest.
    pub short_term_tiers: Vec<(u64, u32)>,
}

pub const WINDOW: u64 = 40;

/// The part of the world that a refused message leaves as it was.
#[derive(Clone)]
pub struct Exchange {
    pub ledger: Ledger,
    pub bounds: Bounds,
    pub rules: Rules,
    pub fees: Fees,
    pub room: Room,
    pub resting: Vec<Resting>,
    pub spent: Vec<(Id, Spent)>,
    pub parked: Vec<Order>,
    /// Accounts that a block had no room to liquidate, and since which one.
    pub waiting: Vec<(usize, u64)>,
    pub falls: Falls,
    pub next_turn: u64,
    pub previous_time: i64,
    pub notes: Vec<Note>,
}

impl Exchange {
    /// Nobody has placed anything yet.
    pub fn new(ledger: Ledger, bounds: Bounds, rules: Rules, fees: Fees) -> Self {
        Self {
            previous_time: ledger.now,
            ledger,
            bounds,
            rules,
            fees,
            room: Room::default(),
            resting: Vec::new(),
            spent: Vec::new(),
            parked: Vec::new(),
            waiting: Vec::new(),
            falls: Falls::default(),
            next_turn: 0,
            notes: Vec::new(),
        }
    }
}

/// A trade that is to be paid.
pub struct Match {
    pub market: u32,
    pub buy: bool,
    pub size: u64,
    pub quote: Int,
    pub taker: usize,
    pub taker_fee: Int,
    pub maker: usize,
    pub maker_fee: Int,
    pub insurance: Int,
    /// Whom to pay for having brought the orders.
    pub taker_builder: Option<(usize, Int)>,
    pub maker_builder: Option<(usize, Int)>,
}

/// Who lets an order come to the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    User,
    Triggered,
    Slice,
    Continued,
}

pub enum Hindrance {
    Taker(No),
    Maker,
    Fund,
}

impl Exchange {
    pub fn spent(&self, id: &Id) -> Spent {
        self.spent.iter().find(|(known, _)| known == id).map(|(_, spent)| spent.clone()).unwrap_or_default()
    }

    fn remember(&mut self, id: Id, change: impl FnOnce(&mut Spent)) {
        if !self.spent.iter().any(|(known, _)| *known == id) {
            self.spent.push((id, Spent::default()));
        }
        change(&mut self.spent.iter_mut().find(|(known, _)| *known == id).unwrap().1);
    }

    pub fn forget(&mut self, id: &Id) {
        self.spent.retain(|(known, _)| known != id);
    }

    pub fn find(&self, id: &Id) -> Option<&Resting> {
        self.resting.iter().find(|resting| resting.order.id == *id)
    }

    /// Who trades next against a taker: the best price, then the oldest.
    pub fn best(&self, market: u32, buy: bool) -> Option<&Resting> {
        let side = self.resting.iter().filter(|r| r.order.id.market == market && r.order.buy == buy);
        side.min_by_key(|r| (if buy { u64::MAX - r.order.price } else { r.order.price }, r.turn))
    }

    /// What may still trade of an order whose id may have been here before.
    fn left(&self, order: &Order) -> Result<u64, Code> {
        let spent = self.spent(&order.id);
        if let Until::Block(block) = order.until {
            if block <= spent.cancelled {
                return Err(clob(7));
            }
        }
        match self.find(&order.id).map(|resting| resting.order).or(self.going_on(&order.id)) {
            Some(_) if order.id.flags != 0 && !order.replaces => return Err(clob(3005)),
            Some(old) => replaces(order, &old)?,
            None if order.replaces => return Err(clob(3006)),
            None => {}
        }
        if let (Some(ended), Until::Block(block)) = (spent.ended, order.until) {
            if (block, order.hash) == ended {
                return Err(clob(30));
            }
            if (block, order.hash) < ended {
                return Err(clob(20));
            }
        }
        let left = order.size.saturating_sub(spent.filled);
        if left < self.ledger.market(order.id.market).step {
            return Err(clob(24));
        }
        if order.force == Force::Immediate && spent.filled > 0 {
            return Err(clob(2004));
        }
        Ok(left)
    }

    /// What a maker and a taker pay.
    pub fn rates(&self, account: usize, market: u32) -> (i64, i64) {
        self.fees.rates_in(self.ledger.accounts[account].owner, market)
    }

    /// Pay for a match, or leave everything as it was.
    pub fn pay(&mut self, deal: &Match) -> Result<(), Hindrance> {
        let pot = self.ledger.pot_of_market(deal.market);
        if deal.insurance.is_negative() && (self.ledger.pots.fund(pot) + &deal.insurance).is_negative() {
            return Err(Hindrance::Fund);
        }
        let built = |by: &Option<(usize, Int)>| by.as_ref().map_or(Int::zero(), |(_, fee)| fee.clone());
        let taker_pays = &deal.taker_fee + &deal.insurance + built(&deal.taker_builder);
        let maker_pays = &deal.maker_fee + built(&deal.maker_builder);
        let changes = [
            swap(deal.taker, deal.market, (deal.buy, deal.size), &deal.quote, &taker_pays),
            swap(deal.maker, deal.market, (!deal.buy, deal.size), &deal.quote, &maker_pays),
        ];
        self.ledger.update(&changes, Why::Trade).map_err(|(index, no)| match index {
            0 => Hindrance::Taker(no),
            _ => Hindrance::Maker,
        })?;
        let fees = &deal.taker_fee + &deal.maker_fee;
        let pot = self.ledger.pots.of(pot);
        pot.pool -= &deal.insurance;
        pot.fees += fees;
        pot.builders.extend([&deal.taker_builder, &deal.maker_builder].into_iter().flatten().cloned());
        pot.fund += &deal.insurance;
        let owner = |account: usize| self.ledger.accounts[account].owner;
        let (taker, maker) = (owner(deal.taker), owner(deal.maker));
        self.fees.count(deal, taker, maker);
        Ok(())
    }

    /// Book what traded of the order that rests.
    pub fn fill_maker(&mut self, maker: &Resting, size: u64) -> u64 {
        let left = maker.left - size;
        let id = maker.order.id;
        if left == 0 {
            self.resting.retain(|resting| resting.order.id != id);
        } else {
            self.resting.iter_mut().find(|resting| resting.order.id == id).unwrap().left = left;
        }
        self.traded(&maker.order, size, left);
        if let (0, true, Until::Block(block)) = (left, maker.successor, maker.order.until) {
            // Its predecessors wanted more, perhaps.
            self.remember(id, |spent| spent.ended = spent.ended.max(Some((block, [0; 32]))));
        }
        left
    }

    pub fn traded(&mut self, order: &Order, size: u64, left: u64) {
        match order.until {
            Until::Time(_) if left == 0 => self.forget(&order.id),
            Until::Time(_) => self.remember(order.id, |spent| spent.filled += size),
            Until::Block(block) => self.remember(order.id, |spent| {
                spent.filled += size;
                if left == 0 && spent.filled < order.size {
                    // It was cut: the rest must not come again.
                    spent.ended = spent.ended.max(Some((block, order.hash)));
                }
                spent.keep = spent.keep.max(u64::from(block) + WINDOW);
            }),
        }
    }

    pub fn ended(&mut self, order: &Order) {
        match order.until {
            Until::Time(_) => self.forget(&order.id),
            Until::Block(block) => self.remember(order.id, |spent| {
                spent.ended = spent.ended.max(Some((block, order.hash)));
                spent.keep = spent.keep.max(block.into());
            }),
        }
    }

    /// Take an order out of the book.
    pub fn take_out(&mut self, id: &Id, reason: &str) {
        let at = self.resting.iter().position(|resting| resting.order.id == *id).unwrap();
        let resting = self.resting.remove(at);
        if id.flags != 0 {
            self.forget(id);
        } else if reason != "cancelled" && reason != "expired" {
            self.ended(&resting.order);
        }
        self.notes.push(Note::Removed { id: *id, reason: reason.into(), left: resting.left, rested: true });
    }

    pub fn place(&mut self, order: &Order) -> Result<(), Code> {
        if order.id.flags == 32 || order.id.flags == 128 {
            self.admissible(order, Origin::User)?;
            return self.wait(order);
        }
        self.put(order, Origin::User)
    }

    /// Let an order come to the book. What was asked of its user before is not asked again.
    pub fn put(&mut self, order: &Order, origin: Origin) -> Result<(), Code> {
        self.admissible(order, origin)?;
        let left = self.left(order)?;
        let wanted = left.min(self.reducible(order)?);
        let old = self.find(&order.id).cloned();
        let parked = self.going_on(&order.id);
        let parked_left = parked.map_or(0, |old| old.size.saturating_sub(self.spent(&old.id).filled));
        if origin == Origin::User && old.is_none() && parked.is_none() && order.force != Force::Immediate {
            self.tier_allows(order.id.account, order.id.flags == 0)?;
        }
        if order.id.flags != 0 && !matches!(origin, Origin::Triggered | Origin::Continued) {
            self.affordable(&Order { size: left, ..*order })?;
        }
        if let Some(old) = old.filter(|old| order.price == old.order.price && wanted <= old.left) {
            self.in_place(order, &old, left, wanted);
            return Ok(());
        }
        if let Some(old) = parked.filter(|old| order.price == old.price && wanted <= parked_left) {
            self.go_on_in_place(order, &old, left, wanted);
            return Ok(());
        }
        let (filled, mut stopped) = self.trade(order, wanted)?;
        if let Some(old) = parked {
            self.replace_parked(&old, parked_left);
        }
        let old = self.find(&order.id).cloned();
        if let Some(old) = &old {
            self.resting.retain(|resting| resting.order.id != order.id);
            let reason = "replaced".into();
            self.notes.push(Note::Removed { id: order.id, reason, left: old.left, rested: true });
        }
        let remaining = left - filled;
        if remaining < order.size {
            self.traded(order, filled, remaining);
        }
        let old = old.map(|old| old.order);
        if remaining == 0 {
            self.ended_short_term(old);
            return Ok(());
        }
        let wants = wanted - filled;
        if stopped == Some("too_many_fills") && self.park(order)? {
            self.ended_short_term(old);
            return Ok(());
        }
        if stopped.is_none()
            && order.force != Force::Immediate
            && wants > 0
            && self.banded(order) != order.price
        {
            stopped = Some("outside_band");
        }
        if stopped.is_none() && order.force != Force::Immediate && wants > 0 {
            let id = order.id;
            self.has_room(&id)?;
            let successor = old.is_some_and(|old| self.follows(order, &old));
            self.resting.push(Resting { order: *order, left: wants, turn: self.next_turn, successor });
            self.next_turn += 1;
            self.notes.push(Note::Placed(id, wants));
            return Ok(());
        }
        self.ended(order);
        let resized = order.reduce_only && wants == 0;
        let waited = order.id.flags == 32 && !resized;
        let unrested = if waited { "conditional_ioc_would_rest" } else { "not_resting" };
        let reason = stopped.unwrap_or(unrested).into();
        self.notes.push(Note::Removed { id: order.id, reason, left: remaining, rested: false });
        Ok(())
    }

    /// Answers what traded, and why the order stopped before its time.
    fn trade(&mut self, order: &Order, wanted: u64) -> Result<(u64, Option<&'static str>), Code> {
        let (account, market) = (order.id.account, order.id.market);
        let (limit, mut filled, mut met) = (self.banded(order), 0, 0);
        while filled < wanted {
            let Some(maker) = self.best(market, !order.buy).cloned() else { break };
            let crosses = if order.buy { maker.order.price <= limit } else { maker.order.price >= limit };
            if !crosses {
                break;
            }
            if met == self.bounds.max_fills {
                return Ok((filled, Some("too_many_fills")));
            }
            met += 1;
            if maker.order.id.account == account {
                if order.meets_own != MeetsOwn::Taker {
                    self.take_out(&maker.order.id, "self_trade");
                }
                if order.meets_own == MeetsOwn::Maker {
                    continue;
                }
                return Ok((filled, Some("self_trade")));
            }
            if self.cut(&maker.order.id) {
                continue;
            }
            let size = maker.left.min(wanted - filled);
            let size = self.growable(market, (account, order.buy), maker.order.id.account, size);
            if size == 0 && filled == 0 {
                return Err(clob(20_011));
            }
            if size == 0 {
                return Ok((filled, Some("open_interest_cap")));
            }
            let quote = self.ledger.worth(market, size, maker.order.price);
            let (taker_fee, maker_fee) = capped(
                self.ledger.fee(&quote, self.rates(account, market).1),
                self.ledger.fee(&quote, self.rates(maker.order.id.account, market).0),
            );
            let deal = Match {
                market,
                buy: order.buy,
                size,
                taker: account,
                taker_fee,
                maker: maker.order.id.account,
                maker_fee,
                taker_builder: self.built(&quote, order),
                maker_builder: self.built(&quote, &maker.order),
                quote,
                insurance: Int::zero(),
            };
            match self.pay(&deal) {
                Ok(()) if order.force == Force::PostOnly => return Err(clob(2003)),
                Ok(()) => {
                    let maker_left = self.fill_maker(&maker, size);
                    self.note_fill(&deal, &maker, maker_left, Ok(order.id));
                    filled += size;
                }
                Err(Hindrance::Maker) => self.take_out(&maker.order.id, "undercollateralized"),
                Err(Hindrance::Taker(no)) if filled == 0 => return Err(refusal(no)),
                Err(Hindrance::Taker(_)) => return Ok((filled, Some("undercollateralized"))),
                Err(Hindrance::Fund) => unreachable!("no fund pays for an order"),
            }
        }
        Ok((filled, None))
    }

    pub fn note_fill(&mut self, deal: &Match, maker: &Resting, maker_left: u64, by: Result<Id, Int>) {
        self.room.trade(deal.market, maker.order.price);
        self.notes.push(Note::Fill {
            market: deal.market,
            price: maker.order.price,
            size: deal.size,
            quote: deal.quote.clone(),
            maker: maker.order.id,
            maker_left,
            maker_fee: deal.maker_fee.clone(),
            taker: deal.taker,
            taker_fee: deal.taker_fee.clone(),
            insurance: by.clone().err(),
        });
        for slice in [Some(maker.order.id), by.ok()].into_iter().flatten().filter(|id| id.flags == 256) {
            self.slice_traded(&slice, deal.size);
        }
        self.position_changed(deal.maker, deal.market);
        self.position_changed(deal.taker, deal.market);
    }

    pub fn cancel(&mut self, id: &Id, until: Until) -> Result<(), Code> {
        if !self.ledger.markets.iter().any(|market| market.id == id.market) {
            return Err(clob(8));
        }
        self.in_window(until)?;
        if let Some(result) = self.cancel_waiting(id, until) {
            return result;
        }
        let parked = self.parked_until(id);
        let found = parked.or(self.find(id).map(|resting| resting.order.until));
        match until {
            Until::Block(block) => {
                if self.spent(id).cancelled >= block {
                    return Err(clob(9));
                }
                self.remember(*id, |spent| {
                    spent.cancelled = block;
                    spent.keep = spent.keep.max(block.into());
                });
            }
            Until::Time(_) => match found {
                None => return Err(clob(3006)),
                Some(lives) if lives > until => return Err(clob(29)),
                Some(_) => {}
            },
        }
        if found.is_some_and(|lives| lives <= until) {
            match parked {
                Some(_) => self.drop_parked(id, "cancelled"),
                None => self.take_out(id, "cancelled"),
            }
        }
        Ok(())
    }
}

/// What a trade does to one side: base in and quote out for a buyer, the other way for a seller; both pay.
pub fn swap(account: usize, market: u32, (buy, size): (bool, u64), quote: &Int, fee: &Int) -> Change {
    let (base, paid) = if buy { (int(size), -quote) } else { (-int(size), quote.clone()) };
    Change { account, quote: paid - fee, base: Some((market, base)) }
}

pub fn refusal(no: No) -> Code {
    match no {
        No::Stale => clob(20_001),
        No::Isolated => clob(2005),
        No::Margin | No::Gate | No::Pool | No::Exit => clob(3007),
    }
}
