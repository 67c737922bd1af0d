//! What people do: sensible things, foolish things, and bytes that are none of both.

use std::collections::BTreeMap;

use cosmos_sdk_proto::cosmos::bank::v1beta1::MsgSend;
use cosmos_sdk_proto::cosmos::base::v1beta1::Coin;
use cosmos_sdk_proto::Any;
use proto::dydxprotocol::clob as wire;
use proto::dydxprotocol::clob::msg_cancel_order::GoodTilOneof as Until;
use proto::dydxprotocol::clob::order::{GoodTilOneof, Side, TimeInForce};
use scenario::{any, sign, Dice, Wallet, World};

use crate::market::Market;
use crate::special;

/// A dollar in quote quantums.
pub(crate) const USD: u64 = 1_000_000;

/// Transactions and orders that are remembered to come again.
const MEMORY: usize = 64;

/// People, what they did, and how they are inclined.
#[derive(Clone, Debug)]
pub(crate) struct Crowd {
    pub(crate) people: Vec<String>,
    next_client_id: u32,
    orders: Vec<(String, wire::OrderId)>,
    sent: Vec<Vec<u8>>,
    /// What they send for the block that is being made.
    out: Vec<Vec<u8>>,
    /// Sequenced transactions of that block.
    pending: BTreeMap<String, u64>,
    /// Weight of each kind of act.
    weights: [u64; 10],
}

impl Crowd {
    pub(crate) fn new(dice: &mut Dice) -> Self {
        let count = dice.within(3, 9);
        let people = (0..count).map(|number| format!("person{number}")).collect();
        let mut weights = [0; 10];
        for weight in &mut weights {
            *weight = dice.within(0, 10);
        }
        // Somebody always trades, and few think of leverage, which keeps accounts away from liquidation.
        weights[0] += 25;
        weights[9] /= 4;
        Self {
            people,
            next_client_id: 0,
            orders: Vec::new(),
            sent: Vec::new(),
            out: Vec::new(),
            pending: BTreeMap::new(),
            weights,
        }
    }

    /// Everybody begins with some collateral.
    pub(crate) fn arrive(&mut self, world: &World, dice: &mut Dice) -> Vec<Vec<u8>> {
        self.pending.clear();
        for person in self.people.clone() {
            let deposit = world.deposit(&person, dice.within(50, 50_000) * USD);
            self.send(world, &person, deposit);
        }
        std::mem::take(&mut self.out)
    }

    /// The transactions of one block.
    pub(crate) fn act(&mut self, world: &World, market: &Market, dice: &mut Dice) -> Vec<Vec<u8>> {
        self.pending.clear();
        for _ in 0..dice.within(0, 14) {
            let person = self.somebody(dice);
            let mut roll = dice.within(0, self.weights.iter().sum::<u64>() - 1);
            let mut kind = 0;
            while roll >= self.weights[kind] {
                roll -= self.weights[kind];
                kind += 1;
            }
            match kind {
                0 => self.trade(world, &person, market, dice),
                1 => self.cancel(world, &person, dice),
                2 => self.deposit(world, &person, dice),
                3 => self.withdraw(world, &person, dice),
                4 => self.pay(world, &person, dice),
                5 => self.blunder(world, &person, market, dice),
                6 => self.repeat(dice),
                7 => self.damage(dice),
                8 => self.batch(world, &person, market, dice),
                _ => self.leverage(world, &person, market, dice),
            }
        }
        std::mem::take(&mut self.out)
    }

    fn somebody(&self, dice: &mut Dice) -> String {
        let name = dice.pick(&self.people).clone();
        if dice.once_in(4) {
            format!("{name}/1")
        } else {
            name
        }
    }

    fn send(&mut self, world: &World, person: &str, message: Any) {
        let name = person.split('/').next().unwrap_or_default().to_owned();
        let chain = world.machine.chain();
        let decoded = app::msg::Msg::decode(&message.type_url, &message.value, chain);
        let free = decoded.is_ok_and(|message| message.sequence_free());
        let mut envelope = world.envelope(person);
        let pending = self.pending.entry(name.clone()).or_default();
        envelope.sequence += *pending;
        *pending += u64::from(!free);
        let tx = sign(&Wallet::new(&name), &[message], &envelope);
        if self.sent.len() < MEMORY {
            self.sent.push(tx.clone());
        } else {
            let at = usize::try_from(envelope.sequence).unwrap_or_default() % MEMORY;
            self.sent[at] = tx.clone();
        }
        self.out.push(tx);
    }

    fn order(&mut self, world: &World, person: &str, market: &Market, dice: &mut Dice) -> wire::Order {
        let terms = *dice.pick(&market.terms);
        let side = if dice.once_in(2) { Side::Buy } else { Side::Sell };
        let most = *dice.pick(&[200, 200, 2_000, 20_000, 300_000]);
        // From a dust of what the account is worth to about as much as it may carry.
        let risk = subaccounts::risk(world.machine.state(), &world.account(person)).unwrap_or_default();
        let equity = u64::try_from(risk.net_collateral.raw()).unwrap_or(USD).clamp(USD, 1 << 50);
        let size = market.worth(&terms, equity / 10 * *dice.pick(&[1, 10, 40, 90, 150]));
        self.next_client_id += 1;
        let mut order = world.order(
            person,
            terms.id,
            self.next_client_id % 200,
            (side, size, market.near(&terms, most, dice)),
        );
        match dice.within(0, 12) {
            10 | 11 => special::wait(world, &mut order, dice),
            12 => special::slice(world, &mut order, dice),
            0 => order.time_in_force = TimeInForce::Ioc.into(),
            1 => order.time_in_force = TimeInForce::PostOnly.into(),
            2 => {
                order.time_in_force = TimeInForce::Ioc.into();
                order.reduce_only = true;
            }
            3..=5 => {
                let now = u64::try_from(world.machine.last_block().1.seconds()).unwrap_or_default();
                let until = u32::try_from(now + dice.within(1, 200)).unwrap_or(u32::MAX);
                if let Some(id) = &mut order.order_id {
                    id.order_flags = 64;
                }
                order.good_til_oneof = Some(GoodTilOneof::GoodTilBlockTime(until));
            }
            _ => {
                let until = u32::try_from(world.height() + dice.within(1, 41)).unwrap_or(u32::MAX);
                order.good_til_oneof = Some(GoodTilOneof::GoodTilBlock(until));
            }
        }
        order.reduce_only |= order.twap_parameters.is_none() && dice.once_in(12);
        order
    }

    fn trade(&mut self, world: &World, person: &str, market: &Market, dice: &mut Dice) {
        let order = self.order(world, person, market, dice);
        if let Some(id) = order.order_id.clone() {
            self.orders.push((person.to_owned(), id));
            if self.orders.len() > MEMORY {
                self.orders.remove(0);
            }
        }
        let message = if dice.once_in(6) { special::more(order, dice) } else { world.place(order) };
        self.send(world, person, message);
    }

    fn batch(&mut self, world: &World, person: &str, market: &Market, dice: &mut Dice) {
        let mut orders = Vec::new();
        for _ in 0..dice.within(1, 6) {
            orders.push(self.order(world, person, market, dice));
        }
        let mine = self.orders.iter().filter(|(owner, _)| owner == person).map(|(_, id)| id.clone());
        let operations = special::operations(world, orders, mine.take(3), dice);
        let message = special::batch(world, person, &operations, dice);
        self.send(world, person, message);
    }

    fn leverage(&mut self, world: &World, person: &str, market: &Market, dice: &mut Dice) {
        let entry = wire::LeverageEntry {
            clob_pair_id: dice.pick(&market.terms).id,
            custom_imf_ppm: *dice.pick(&[0, 10_000, 50_000, 200_000, 1_000_000]),
        };
        let message = any(&wire::MsgUpdateLeverage {
            subaccount_id: Some(world.wire_id(person)),
            clob_pair_leverage: vec![entry],
        });
        self.send(world, person, message);
    }

    fn cancel(&mut self, world: &World, person: &str, dice: &mut Dice) {
        let Some((owner, id)) = (!self.orders.is_empty()).then(|| dice.pick(&self.orders).clone()) else {
            return;
        };
        let until = u32::try_from(world.height() + dice.within(1, 41)).unwrap_or(u32::MAX);
        if dice.once_in(4) {
            let own = self.orders.iter().filter(|(owner, id)| owner == person && id.order_flags == 0);
            let mut batches: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
            own.for_each(|(_, id)| {
                let ids = batches.entry(id.clob_pair_id).or_default();
                if !ids.contains(&id.client_id) {
                    ids.push(id.client_id);
                }
            });
            let batch = |(clob_pair_id, client_ids)| wire::OrderBatch { clob_pair_id, client_ids };
            let message = any(&wire::MsgBatchCancel {
                subaccount_id: Some(world.wire_id(person)),
                short_term_cancels: batches.into_iter().map(batch).collect(),
                good_til_block: until,
            });
            return self.send(world, person, message);
        }
        let until = if id.order_flags == 0 {
            Until::GoodTilBlock(until)
        } else {
            let now = world.machine.last_block().1.seconds();
            Until::GoodTilBlockTime(u32::try_from(now).unwrap_or(u32::MAX).saturating_add(300))
        };
        let message = world.cancel(id, until);
        self.send(world, &owner, message);
    }

    fn deposit(&mut self, world: &World, person: &str, dice: &mut Dice) {
        // Odd amounts, so that every division has something to round.
        let sum = dice.within(1, 2_000 * USD);
        let message = world.deposit(person, sum);
        self.send(world, person, message);
    }

    fn withdraw(&mut self, world: &World, person: &str, dice: &mut Dice) {
        let account = world.account(person);
        let risk = subaccounts::risk(world.machine.state(), &account).unwrap_or_default();
        let free = u64::try_from((risk.net_collateral - risk.initial).raw()).unwrap_or_default();
        let sum = match dice.within(0, 3) {
            0 => free,
            1 => free.saturating_add(dice.within(1, 1_000)),
            _ => dice.within(1, free.max(1)),
        };
        let message = if dice.once_in(2) {
            world.withdraw(person, sum.max(1))
        } else {
            let other = self.somebody(dice);
            world.transfer(person, &other, sum.max(1))
        };
        self.send(world, person, message);
    }

    fn pay(&mut self, world: &World, person: &str, dice: &mut Dice) {
        let other = if dice.once_in(5) { "stranger".into() } else { self.somebody(dice) };
        let denom = if dice.once_in(2) { "uusdc" } else { "uballast" };
        let message = any(&MsgSend {
            from_address: world.address(person),
            to_address: world.address(&other),
            amount: vec![Coin { denom: denom.into(), amount: dice.within(1, 5_000 * USD).to_string() }],
        });
        self.send(world, person, message);
    }

    /// A well-formed order with one thing wrong.
    fn blunder(&mut self, world: &World, person: &str, market: &Market, dice: &mut Dice) {
        let mut order = self.order(world, person, market, dice);
        let id = order.order_id.get_or_insert_with(wire::OrderId::default);
        match dice.within(0, 11) {
            0 => order.quantums = 0,
            1 => order.quantums += 1,
            2 => order.subticks += 1,
            3 => order.subticks = 0,
            4 => order.quantums = u64::MAX / 1_000_000 * 1_000_000,
            5 => id.clob_pair_id = 999,
            6 => id.order_flags = *dice.pick(&[1, 32, 128, 256]),
            7 => order.good_til_oneof = None,
            8 => order.good_til_oneof = Some(GoodTilOneof::GoodTilBlock(u32::MAX)),
            9 => order.time_in_force = TimeInForce::FillOrKill.into(),
            10 => order.reduce_only = true,
            _ => {
                let other = dice.pick(&self.people).clone();
                id.subaccount_id = Some(world.wire_id(&other));
            }
        }
        let message = world.place(order);
        self.send(world, person, message);
    }

    /// Something that was sent before.
    fn repeat(&mut self, dice: &mut Dice) {
        if !self.sent.is_empty() {
            self.out.push(dice.pick(&self.sent).clone());
        }
    }

    /// Something that was sent before, with a part of it broken.
    fn damage(&mut self, dice: &mut Dice) {
        if self.sent.is_empty() {
            return;
        }
        let mut tx = dice.pick(&self.sent).clone();
        let last = u64::try_from(tx.len()).unwrap_or(1) - 1;
        let at = usize::try_from(dice.within(0, last)).unwrap_or_default();
        match dice.within(0, 2) {
            0 => tx.truncate(at),
            1 => tx[at] ^= 1 << dice.within(0, 7),
            _ => tx.insert(at, 0),
        }
        // A proposal with stray oracle votes is not acceptable at all.
        if !app::lanes::is_oracle(&tx) {
            self.out.push(tx);
        }
    }
}
