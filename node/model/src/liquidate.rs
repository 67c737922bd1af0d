//! What the chain closes by itself: sections 5 and 6 of the reference and the document of `liquidations`, with
//! exact fractions.

use num_traits::{Signed, Zero};

use crate::falls::Deed;
use crate::fee::capped;
use crate::ledger::{Change, Risk, Why};
use crate::money::{floor, fraction, int, million, power_of_ten, scaled, Fraction, Int};
use crate::orders::{Exchange, Hindrance, Match};
use crate::status::wind_up;
use crate::terms::{Market, Note, Position};

/// Bounds of liquidations.
#[derive(Clone, Debug)]
pub struct Rules {
    pub max_fee: i64,
    pub min_notional: u64,
    pub portion: i64,
    pub account_notional: u64,
    pub insurance_lost: u64,
    pub adjustment: i64,
    pub spread: i64,
    /// Accounts that have a turn in a block.
    pub turns: usize,
    /// Positions that are offered to the other side of their market in a block.
    pub covers: u32,
}

/// What one account may still lose in this block.
#[derive(Clone)]
struct Tally {
    notional: Int,
    insurance: Int,
}

/// A position of an account whose funding is settled.
struct Holding {
    risk: Risk,
    size: Int,
    notional: Int,
    maintenance: Int,
}

/// Everybody below the maintenance margin gets a turn, the riskiest first.
pub fn run(exchange: &mut Exchange) -> Vec<Note> {
    exchange.notes.clear();
    let mut turns = below(exchange);
    turns.retain(|(account, _)| {
        let positions = &exchange.ledger.accounts[*account].positions;
        positions.iter().all(|position| exchange.ledger.fresh(position.market))
    });
    turns.sort_by(|(a, one), (b, other)| {
        // Worth per margin. Who needs no margin owes something, which is infinitely little per margin.
        let (mine, theirs) = (&one.worth * &other.maintenance, &other.worth * &one.maintenance);
        let marginless = one.maintenance.is_zero() && other.maintenance.is_zero();
        let by_ratio = if marginless { one.worth.cmp(&other.worth) } else { mine.cmp(&theirs) };
        by_ratio.then(other.maintenance.cmp(&one.maintenance)).then(a.cmp(b))
    });
    let turns: Vec<usize> = turns.into_iter().map(|(account, _)| account).collect();
    let mut covers = exchange.rules.covers;
    let mut waits = turns.clone();
    for account in queue(exchange, &turns) {
        if turn(exchange, account, &mut covers) {
            waits.retain(|waiting| *waiting != account);
        }
    }
    wind_up(exchange, &mut covers);
    let still = below(exchange);
    waits.retain(|account| still.iter().any(|(below, _)| below == account));
    let before = std::mem::take(&mut exchange.waiting);
    for account in waits {
        let since = before.iter().find(|(known, _)| *known == account);
        exchange.waiting.push((account, since.map_or(exchange.ledger.height, |(_, since)| *since)));
    }
    for (account, risk) in still {
        if risk.worth.is_negative() {
            let ledger = &mut exchange.ledger;
            let (pot, opens) = (ledger.pot_of(&ledger.accounts[account]), ledger.height + 50);
            ledger.pots.of(pot).gate_opens = opens;
        }
    }
    std::mem::take(&mut exchange.notes)
}

/// Whose turn it is, of those below their margin with the riskiest first: by turns the riskiest, and who waits
/// longest.
fn queue(exchange: &Exchange, riskiest: &[usize]) -> Vec<usize> {
    let since = |account: &usize| exchange.waiting.iter().find(|(known, _)| known == account);
    let mut longest: Vec<usize> =
        riskiest.iter().copied().filter(|account| since(account).is_some()).collect();
    longest.sort_by_key(|account| since(account).map(|(_, height)| *height));
    let mut queue: Vec<usize> = Vec::new();
    while queue.len() < riskiest.len() {
        for side in [riskiest, &longest] {
            let next = side.iter().find(|account| !queue.contains(account));
            queue.extend(next.copied());
        }
    }
    queue.truncate(exchange.rules.turns);
    queue
}

pub fn below(exchange: &Exchange) -> Vec<(usize, Risk)> {
    let accounts = 0..exchange.ledger.accounts.len();
    let open = accounts.filter(|account| !exchange.ledger.accounts[*account].positions.is_empty());
    let risks = open.map(|account| (account, risk(exchange, account)));
    risks.filter(|(_, risk)| risk.maintenance > risk.worth).collect()
}

pub fn risk(exchange: &Exchange, account: usize) -> Risk {
    let ledger = &exchange.ledger;
    ledger.risk(&ledger.settled(&ledger.accounts[account]).0)
}

fn holding(exchange: &Exchange, account: usize, market: &Market) -> Holding {
    let ledger = &exchange.ledger;
    let size = ledger.accounts[account].size(market.id);
    let (notional, _, maintenance) = ledger.margin(market, &size);
    Holding { risk: risk(exchange, account), size, notional, maintenance }
}

/// False when a position could not be offered to the other side any more.
fn turn(exchange: &mut Exchange, account: usize, covers: &mut u32) -> bool {
    let rules = exchange.rules.clone();
    let mut tally = Tally { notional: int(rules.account_notional), insurance: int(rules.insurance_lost) };
    let (mut tried, mut had_room) = (Vec::new(), true);
    loop {
        let now = risk(exchange, account);
        if now.maintenance <= now.worth || !tally.notional.is_positive() {
            return had_room;
        }
        let ledger = &exchange.ledger;
        let open = |p: &&Position| !tried.contains(&p.market) && ledger.market(p.market).is_active();
        let positions = ledger.accounts[account].positions.iter().filter(open);
        let needs = positions.map(|p| (ledger.margin(ledger.market(p.market), &p.size).2, p.market));
        let Some((_, market)) = needs.max_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1))) else {
            return had_room;
        };
        tried.push(market);
        // Without any margin there is no price between what is fair and what ruins.
        let whole = now.maintenance.is_positive() && offer(exchange, account, market, &mut tally);
        had_room &= whole || cover(exchange, account, market, covers);
    }
}

/// Offer a position to the book, unless that fails.
fn offer(exchange: &mut Exchange, account: usize, market: u32, tally: &mut Tally) -> bool {
    let before = (exchange.clone(), tally.clone());
    let whole = sell(exchange, account, market, tally);
    if exchange.falls(Deed::Liquidate) {
        (*exchange, *tally) = before;
        return false;
    }
    whole
}

/// Offer a position to the book, one maker at a time. True when all that was offered was taken.
fn sell(exchange: &mut Exchange, account: usize, market: u32, tally: &mut Tally) -> bool {
    let terms = exchange.ledger.market(market).clone();
    let whole = holding(exchange, account, &terms);
    let size = allowed(exchange, &whole, &terms, tally);
    let limit = limit(exchange, &whole, &terms);
    let buy = whole.size.is_negative();
    let (mut filled, mut quote, mut fund) = (Int::zero(), Int::zero(), Int::zero());
    let mut met = 0;
    while filled < size && met < exchange.bounds.max_fills {
        let Some(maker) = exchange.best(market, !buy).cloned() else { break };
        if (buy && maker.order.price > limit) || (!buy && maker.order.price < limit) {
            break;
        }
        met += 1;
        if maker.order.id.account == account {
            exchange.take_out(&maker.order.id, "self_trade");
            continue;
        }
        if exchange.cut(&maker.order.id) {
            continue;
        }
        let part = int(maker.left).min(&size - &filled);
        let part = u64::try_from(part).unwrap();
        let worth = exchange.ledger.worth(market, part, maker.order.price);
        let gets = if buy { -&worth } else { worth.clone() };
        let slice = int(part) * if buy { 1 } else { -1 };
        let delta = delta(exchange, account, &terms, &slice, &gets);
        if (&tally.insurance + fund.clone().min(Int::zero()) + delta.clone().min(Int::zero())).is_negative() {
            break;
        }
        let ppm = exchange.rates(maker.order.id.account, market).0;
        let deal = Match {
            market,
            buy,
            size: part,
            taker: account,
            taker_fee: Int::zero(),
            maker: maker.order.id.account,
            maker_fee: capped(Int::zero(), exchange.ledger.fee(&worth, ppm)).1,
            taker_builder: None,
            maker_builder: exchange.built(&worth, &maker.order),
            quote: worth.clone(),
            insurance: delta.clone(),
        };
        match exchange.pay(&deal) {
            Ok(()) => {
                let left = exchange.fill_maker(&maker, part);
                exchange.note_fill(&deal, &maker, left, Err(delta.clone()));
                filled += part;
                quote += worth;
                fund += delta;
            }
            Err(Hindrance::Maker) => exchange.take_out(&maker.order.id, "undercollateralized"),
            Err(Hindrance::Taker(_) | Hindrance::Fund) => break,
        }
    }
    tally.notional -= exchange.ledger.notional(&terms, &filled);
    tally.insurance += fund.clone().min(Int::zero());
    let whole = filled == size;
    if filled.is_positive() {
        let insurance = fund;
        exchange.notes.push(Note::Liquidated { account, market, size, filled, limit, quote, insurance });
    }
    whole
}

/// How much may be offered now.
fn allowed(exchange: &Exchange, whole: &Holding, terms: &Market, tally: &Tally) -> Int {
    let (notional, size) = (whole.notional.abs(), whole.size.abs());
    let rules = &exchange.rules;
    let portion = floor(&(&notional * rules.portion), &million());
    let allowed = int(rules.min_notional).min(notional.clone()).max(portion).min(tally.notional.clone());
    if notional <= allowed || size <= int(terms.step) {
        return size;
    }
    let (n, d) = scaled(allowed, -terms.oracle_exponent());
    let base = n / (d * terms.price);
    let closed = (base / terms.step * terms.step).max(int(terms.step)).min(size.clone());
    let rest = exchange.ledger.notional(terms, &(&size - &closed));
    let dust = rest < int(exchange.rules.min_notional) && notional <= tally.notional;
    if dust {
        size
    } else {
        closed
    }
}

/// The worst price for the whole position, in subticks, rounded in favour of the account.
fn limit(exchange: &Exchange, whole: &Holding, terms: &Market) -> u64 {
    let of = |n: &Int| Fraction::from_integer(n.clone());
    let one = of(&int(1));
    let rating = fraction(int(exchange.rules.adjustment), million())
        * (one.clone() - fraction(whole.risk.worth.clone(), whole.risk.maintenance.clone()));
    let rating = rating.max(of(&Int::zero())).min(one);
    let concession = rating * fraction(&whole.maintenance * exchange.rules.spread, million());
    let price = (of(&whole.notional) - concession) / of(&whole.size);
    let power = of(&power_of_ten(terms.conversion_exponent.unsigned_abs()));
    let subticks = if terms.conversion_exponent < 0 { price * power } else { price / power };
    let ticks = subticks / of(&int(terms.tick));
    let ticks = if whole.size.is_positive() { ticks.ceil() } else { ticks.floor() }.to_integer();
    let most = int(u64::MAX / terms.tick);
    u64::try_from(ticks.max(int(1)).min(most) * terms.tick).unwrap()
}

/// What the account gets (or pays) for `slice` at the price that leaves it as risky as it is.
fn bankruptcy(exchange: &Exchange, account: usize, terms: &Market, slice: &Int) -> Int {
    let now = holding(exchange, account, terms);
    let after = &now.size + slice;
    let (notional, _, maintenance) = exchange.ledger.margin(terms, &after);
    let moved = notional - &now.notional;
    let (part, all) = if now.risk.maintenance.is_positive() {
        (&now.maintenance - maintenance, now.risk.maintenance)
    } else {
        (slice.abs(), now.size.abs())
    };
    -moved - floor(&(&now.risk.worth * part), &all)
}

/// What the insurance fund gets for a fill, or pays.
fn delta(exchange: &Exchange, account: usize, terms: &Market, slice: &Int, gets: &Int) -> Int {
    if gets.is_zero() {
        return Int::zero();
    }
    let surplus = gets - bankruptcy(exchange, account, terms, slice);
    if !surplus.is_positive() {
        return surplus;
    }
    floor(&(gets.abs() * exchange.rules.max_fee), &million()).min(surplus)
}

/// When the account is worth less than nothing, close its position against the other side. False when the block
/// has no room left for that.
pub fn cover(exchange: &mut Exchange, account: usize, market: u32, covers: &mut u32) -> bool {
    if !risk(exchange, account).worth.is_negative() {
        return true;
    }
    if *covers == 0 {
        return false;
    }
    *covers -= 1;
    let before = exchange.clone();
    share_out(exchange, account, market);
    if exchange.falls(Deed::Deleverage) {
        *exchange = before;
    }
    true
}

/// Close the whole position against those who hold the other side, in proportion.
fn share_out(exchange: &mut Exchange, account: usize, market: u32) {
    let terms = exchange.ledger.market(market).clone();
    let mut skipped = vec![account];
    let long = exchange.ledger.accounts[account].size(market).is_positive();
    loop {
        let left = exchange.ledger.accounts[account].size(market).abs();
        let holders: Vec<(usize, Int)> = (0..exchange.ledger.accounts.len())
            .map(|other| (other, exchange.ledger.accounts[other].size(market)))
            .filter(|(other, size)| !skipped.contains(other) && !size.is_zero() && size.is_negative() == long)
            .map(|(other, size)| (other, size.abs()))
            .collect();
        if left.is_zero() || holders.is_empty() {
            exchange.position_changed(account, market);
            return;
        }
        for (other, share) in shares(&left, terms.step, &holders) {
            let slice = if long { -&share } else { share.clone() };
            let quote = bankruptcy(exchange, account, &terms, &slice);
            let changes = [
                Change { account, quote: quote.clone(), base: Some((market, slice.clone())) },
                Change { account: other, quote: -&quote, base: Some((market, -slice)) },
            ];
            if exchange.ledger.update(&changes, Why::Trade).is_ok() {
                exchange.notes.push(Note::Deleveraged { account, other, market, size: share, quote });
                exchange.position_changed(other, market);
            } else {
                skipped.push(other);
            }
        }
    }
}

/// `needed` over the holders in proportion to what they hold, in steps, the rest to the largest remainders.
fn shares(needed: &Int, step: u64, holders: &[(usize, Int)]) -> Vec<(usize, Int)> {
    let total: Int = holders.iter().map(|(_, held)| held).sum();
    let needed = needed.clone().min(total.clone());
    let mut given: Vec<(usize, Int, Fraction)> = Vec::new();
    for (other, held) in holders {
        let quota = fraction(&needed * held, total.clone());
        let whole = quota.floor().to_integer() / step * step;
        given.push((*other, whole.clone(), quota - Fraction::from_integer(whole)));
    }
    let mut left = &needed - given.iter().map(|(_, whole, _)| whole).sum::<Int>();
    given.sort_by(|a, b| b.2.cmp(&a.2).then(a.0.cmp(&b.0)));
    for (other, whole, _) in &mut given {
        let held = &holders.iter().find(|(holder, _)| holder == other).unwrap().1;
        let more = int(step).min(left.clone()).min(held - &*whole);
        *whole += &more;
        left -= more;
    }
    given.sort_by_key(|(other, ..)| *other);
    given
        .into_iter()
        .map(|(other, whole, _)| (other, whole))
        .filter(|(_, whole)| whole.is_positive())
        .collect()
}
