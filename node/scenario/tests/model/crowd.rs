//! What people ask at random: mostly sensible, often not.

use num_traits::Signed;
use scenario::Dice;

use crate::chain::{named, sane, Chain};
use crate::setting::Setting;
use crate::terms::{Force, Id, Market, MeetsOwn, Op, Order, Status, Until};

pub(crate) struct Crowd {
    pub(crate) dice: Dice,
    /// Genesis price of each market.
    anchors: Vec<u64>,
    pub(crate) time: i64,
    /// Blocks for which a market's price is silent.
    silent: Vec<u64>,
    /// Orders that were sent before, to be sent again.
    sent: Vec<Order>,
}

impl Crowd {
    pub(crate) fn new(seed: u64, setting: &Setting) -> Self {
        Self {
            dice: Dice::new(seed),
            anchors: setting.markets.iter().map(|market| market.price).collect(),
            time: setting.start,
            silent: vec![0; setting.markets.len()],
            sent: Vec::new(),
        }
    }

    /// Time and prices of the next block. Prices wander, and a few fall silent until they are stale.
    pub(crate) fn moment(&mut self, chain: &Chain) -> (i64, Vec<(u32, u64)>) {
        let step = match self.dice.within(0, 3_999) {
            0 => 400,
            1 | 2 => 9 * 86_400,
            _ => self.dice.within(0, 9),
        };
        self.time += i64::try_from(step).unwrap();
        let mut prices = Vec::new();
        for (index, market) in chain.exchange.ledger.markets.iter().enumerate() {
            if self.silent[index] > 0 {
                self.silent[index] -= 1;
                continue;
            }
            if self.dice.once_in(400) {
                self.silent[index] = self.dice.within(4, 20);
            }
            let anchor = self.anchors[index];
            let jump = if self.dice.once_in(30) { 90_000 } else { 5_000 };
            let ppm = 1_000_000 - jump + self.dice.within(0, 2 * jump);
            let moved = u128::from(market.price) * u128::from(ppm) / 1_000_000;
            let moved = u64::try_from(moved).unwrap().clamp(anchor / 2, anchor * 2);
            prices.push((market.id, moved.max(1)));
        }
        (self.time, prices)
    }

    pub(crate) fn op(&mut self, chain: &Chain) -> Op {
        let dice = &mut self.dice;
        let accounts = chain.exchange.ledger.accounts.len() as u64;
        let account = usize::try_from(dice.within(0, accounts - 1)).unwrap();
        match dice.within(0, 99) {
            0..=3 => self.many(chain, account),
            4..=10 => self.replacement(chain, account),
            11..=69 => Op::Place(self.order(chain, account)),
            70..=84 => self.cancel(chain, account),
            89 if dice.once_in(2) => self.becoming(chain),
            90 if dice.once_in(12) => self.discount(chain),
            85 if dice.once_in(2) => {
                let market = dice_market(self, chain);
                let ppm = u32::try_from(self.dice.within(20_000, 120_000)).unwrap();
                Op::Leverage { account, market, ppm: if self.dice.once_in(20) { 0 } else { ppm } }
            }
            85..=88 => self.batch(chain, account),
            89..=90 => Op::Deposit { account, amount: self.amount(8) },
            91..=94 => Op::Withdraw { account, amount: self.amount(10) },
            _ => {
                let to = usize::try_from(dice.within(0, accounts - 1)).unwrap();
                Op::Transfer { from: account, to, amount: self.amount(9) }
            }
        }
    }

    /// The authority mostly lets markets trade; what has ended it opens again.
    fn becoming(&mut self, chain: &Chain) -> Op {
        use Status::{Active, CancelOnly, FinalSettlement, Initializing, Paused, PostOnly};
        let market = dice_market(self, chain);
        let now = chain.exchange.ledger.market(market).status;
        let status = match self.dice.within(0, 79) {
            0 => FinalSettlement,
            1 => Paused,
            2 => CancelOnly,
            3 => PostOnly,
            4 => Initializing,
            _ if now == FinalSettlement => Initializing,
            _ => Active,
        };
        Op::Become { market, status }
    }

    fn discount(&mut self, chain: &Chain) -> Op {
        let charge = if self.dice.once_in(6) { 1_000_001 } else { self.dice.within(0, 1_000_000) };
        let seconds = if self.dice.once_in(6) { 91 * 86_400 } else { 1 + self.dice.within(0, 99) };
        Op::Discount {
            market: dice_market(self, chain),
            start: self.time + i64::try_from(self.dice.within(0, 20)).unwrap() - 5,
            seconds: i64::try_from(seconds).unwrap(),
            charge: u32::try_from(charge).unwrap(),
        }
    }

    /// From a fraction of a cent to 10^`most` quote quantums, small ones as often as large ones.
    fn amount(&mut self, most: u64) -> u64 {
        let power = self.dice.within(2, most);
        self.dice.within(1, 10u64.pow(u32::try_from(power).unwrap()))
    }

    fn id(&mut self, chain: &Chain, account: usize) -> Id {
        let markets = &chain.exchange.ledger.markets;
        let market = if self.dice.once_in(500) { 99 } else { self.dice.pick(markets).id };
        let flags = match self.dice.within(0, 99) {
            0..=9 => 32,
            10..=13 => 128,
            14..=40 => 64,
            _ => 0,
        };
        let client = u32::try_from(self.dice.within(0, 7)).unwrap();
        Id { account, market, flags, client }
    }

    fn until(&mut self, chain: &Chain, flags: u32) -> Until {
        let height = chain.exchange.ledger.height + 1;
        let strange = self.dice.once_in(60);
        if (flags == 0) == !self.dice.once_in(400) {
            let ahead = self.dice.within(0, if strange { 45 } else { 12 });
            let behind = if strange { self.dice.within(0, 3) } else { 0 };
            return Until::Block(u32::try_from((height + ahead).saturating_sub(behind)).unwrap());
        }
        let longest = if flags == 128 { 900 } else { 90 };
        let ahead = if strange { 96 * 86_400 } else { i64::try_from(self.dice.within(1, longest)).unwrap() };
        let behind = if self.dice.once_in(60) { 100 } else { 0 };
        Until::Time(u32::try_from(self.time + ahead - behind).unwrap())
    }

    fn order(&mut self, chain: &Chain, account: usize) -> Order {
        if !self.sent.is_empty() && self.dice.once_in(25) {
            return *self.dice.pick(&self.sent);
        }
        let id = self.id(chain, account);
        let ledger = &chain.exchange.ledger;
        let market =
            ledger.markets.iter().find(|market| market.id == id.market).unwrap_or(&ledger.markets[0]);
        let held = ledger.accounts[account].size(market.id);
        let buy = if held.is_positive() { self.dice.once_in(3) } else { !self.dice.once_in(3) };
        let buy = if held == crate::money::Int::ZERO { self.dice.once_in(2) } else { buy };
        let force = match self.dice.within(0, 99) {
            0..=59 => Force::Rest,
            60..=82 => Force::Immediate,
            83..=98 => Force::PostOnly,
            _ => Force::FillOrKill,
        };
        let reduce_only =
            if force == Force::Immediate { self.dice.once_in(3) } else { self.dice.once_in(12) };
        let condition = (id.flags == 32) != self.dice.once_in(300);
        let condition = condition
            .then(|| (i32::from(self.dice.once_in(2)) + 1, self.price(market, self.dice.clone().once_in(2))));
        let sliced = (id.flags == 128) != (id.flags == 128 && self.dice.once_in(40));
        let twap = sliced.then(|| {
            let interval = *self.dice.pick(&[30, 60, 100, 29]);
            let legs = 300_u32.div_ceil(interval) + u32::try_from(self.dice.within(0, 2)).unwrap();
            (interval * legs - interval * u32::from(self.dice.once_in(20)), interval, 20_000)
        });
        let price = if id.flags == 128 && self.dice.once_in(2) { 0 } else { self.price(market, buy) };
        let order = Order {
            id,
            buy,
            price,
            size: self.size(market),
            until: self.until(chain, id.flags),
            force: if id.flags == 64 && force == Force::Immediate && !self.dice.once_in(20) {
                Force::Rest
            } else {
                force
            },
            reduce_only,
            metadata: u32::try_from(self.dice.within(0, 2)).unwrap(),
            condition,
            twap,
            builder: self.dice.once_in(6).then_some((account / 4, 777)),
            meets_own: *self.dice.pick(&[MeetsOwn::Maker, MeetsOwn::Maker, MeetsOwn::Taker, MeetsOwn::Both]),
            replaces: (id.flags == 0 || id.flags == 64) && self.dice.once_in(60),
            hash: [0; 32],
        };
        if self.sent.len() < 64 {
            self.sent.push(order);
        } else {
            let at = usize::try_from(self.dice.within(0, 63)).unwrap();
            self.sent[at] = order;
        }
        order
    }

    /// A few orders and cancels of one account that make sense by themselves.
    fn many(&mut self, chain: &Chain, account: usize) -> Op {
        let mut parts = Vec::new();
        for _ in 0..self.dice.within(1, 5) {
            let part = match self.dice.within(0, 3) {
                0 => self.cancel(chain, account),
                1 => self.replacement(chain, account),
                _ => Op::Place(self.order(chain, account)),
            };
            let fits = match &part {
                Op::Place(order) => {
                    let market = chain.exchange.ledger.markets.iter().find(|m| m.id == order.id.market);
                    let even = market.is_some_and(|market| {
                        let trigger = order.condition.map_or(0, |(_, trigger)| trigger);
                        order.price % market.tick == 0
                            && order.size % market.step == 0
                            && trigger % market.tick == 0
                    });
                    even && order.id.account == account
                        && order.id.flags < 128
                        && order.twap.is_none()
                        && sane(order).is_ok()
                }
                Op::Cancel(id, until) => {
                    id.account == account && id.flags <= 128 && named(id, *until).is_ok()
                }
                _ => false,
            };
            if fits {
                parts.push(part);
            }
        }
        if parts.is_empty() {
            return self.cancel(chain, account);
        }
        Op::Many { account, atomic: self.dice.once_in(3), parts }
    }

    /// An order that rests, or goes on in the next block.
    fn known(&mut self, chain: &Chain) -> Option<Order> {
        let exchange = &chain.exchange;
        if !exchange.parked.is_empty() && self.dice.once_in(4) {
            return Some(*self.dice.pick(&exchange.parked));
        }
        (!exchange.resting.is_empty()).then(|| self.dice.pick(&exchange.resting).order)
    }

    /// An order in the place of one that rests, often a little different in what may not be.
    fn replacement(&mut self, chain: &Chain, account: usize) -> Op {
        let mut order = self.order(chain, account);
        let Some(old) = self.known(chain) else { return Op::Place(order) };
        (order.id, order.buy, order.force, order.reduce_only) = (old.id, old.buy, old.force, old.reduce_only);
        (order.condition, order.twap) = (None, None);
        let market = chain.exchange.ledger.market(order.id.market);
        (order.price, order.size) = (self.price(market, order.buy), self.size(market));
        order.replaces = order.id.flags != 0 || self.dice.once_in(2);
        order.until = match old.until {
            Until::Block(block) => Until::Block(block + u32::try_from(self.dice.within(0, 3)).unwrap()),
            Until::Time(time) => Until::Time(time + u32::try_from(self.dice.within(0, 30)).unwrap()),
        };
        match self.dice.within(0, 9) {
            0..=3 => order.price = old.price,
            4 => order.buy = !order.buy,
            5 => order.reduce_only = !order.reduce_only,
            _ => {}
        }
        if self.dice.once_in(2) {
            let step = market.step;
            order.size = (old.size / step / self.dice.within(1, 3)).max(1) * step;
        }
        Op::Place(order)
    }

    /// Around the oracle price on a coarse grid, so that many orders share a price; the buyer's a little below.
    fn price(&mut self, market: &Market, buy: bool) -> u64 {
        if self.dice.once_in(200) {
            return 0;
        }
        let exponent = market.oracle_exponent() - market.conversion_exponent;
        let power = 10u64.pow(exponent.unsigned_abs());
        let oracle = if exponent < 0 { market.price / power } else { market.price * power };
        let coarse = (oracle / 700 / market.tick).max(1) * market.tick;
        let steps = self.dice.within(0, 12);
        let away = if buy { 8 } else { 4 };
        let price = (oracle / coarse) * coarse + steps * coarse;
        let price = price.saturating_sub(away * coarse).max(market.tick);
        // Now and then as far away as a market order of other places.
        let price = match self.dice.within(0, 39) {
            0 => price * 5 / 4,
            1 => price / 5 * 4,
            _ => price,
        };
        let price = price / market.tick * market.tick;
        if self.dice.once_in(300) {
            price + 1
        } else {
            price
        }
    }

    fn size(&mut self, market: &Market) -> u64 {
        if self.dice.once_in(300) {
            return 0;
        }
        // A step is worth very different amounts in the markets: aim at dollars.
        let value = self.amount(10).max(1_000);
        let (n, d) = crate::money::scaled(crate::money::int(market.price), market.oracle_exponent());
        let steps = crate::money::int(value) * d / n / market.step;
        let steps = u64::try_from(steps).unwrap().clamp(1, 1 << 32);
        let size = steps * market.step;
        match self.dice.within(0, 599) {
            0 => size + 1,
            1 => u64::MAX / market.step * market.step,
            _ => size,
        }
    }

    fn cancel(&mut self, chain: &Chain, account: usize) -> Op {
        let known = self.known(chain).filter(|_| !self.dice.once_in(4));
        let id = known.map_or_else(|| self.id(chain, account), |order| order.id);
        Op::Cancel(id, self.until(chain, id.flags))
    }

    fn batch(&mut self, chain: &Chain, account: usize) -> Op {
        let mut markets: Vec<(u32, Vec<u32>)> = Vec::new();
        for market in &chain.exchange.ledger.markets {
            if self.dice.once_in(2) {
                let first = u32::try_from(self.dice.within(0, 4)).unwrap();
                markets.push((market.id, (first..first + 4).collect()));
            }
        }
        if markets.is_empty() {
            markets.push((chain.exchange.ledger.markets[0].id, vec![1]));
        }
        let height = chain.exchange.ledger.height + 1;
        let ahead = self.dice.within(0, 6);
        Op::Batch { account, markets, until: u32::try_from(height + ahead).unwrap() }
    }
}

fn dice_market(crowd: &mut Crowd, chain: &Chain) -> u32 {
    crowd.dice.pick(&chain.exchange.ledger.markets).id
}
