//! How agents write: what they know, and signed transactions with sequences that follow one another.

use std::collections::BTreeMap;

use cosmos_sdk_proto::cosmos::bank::v1beta1::MsgSend;
use cosmos_sdk_proto::cosmos::base::v1beta1::Coin;
use cosmos_sdk_proto::Any;
use proto::ballast::clob::v1 as ballast;
use proto::dydxprotocol::clob as wire;
use proto::dydxprotocol::clob::order::{GoodTilOneof, Side, TimeInForce};
use scenario::{any, sign, Dice, Wallet, World};

use crate::market::{Market, Terms};

/// Ids that orders of agents have.
const CLIENTS: u32 = 500;

/// A pen with the world in view.
pub(super) struct Pen<'a> {
    pub(super) world: &'a World,
    pub(super) market: &'a Market,
    pub(super) dice: &'a mut Dice,
    pub(super) txs: Vec<Vec<u8>>,
    pub(super) next_client: u32,
    pending: BTreeMap<String, u64>,
}

impl<'a> Pen<'a> {
    pub(super) fn new(world: &'a World, market: &'a Market, dice: &'a mut Dice, next_client: u32) -> Self {
        Self { world, market, dice, txs: Vec::new(), next_client, pending: BTreeMap::new() }
    }

    /// Sign `message` as `person` and send it.
    pub(super) fn send(&mut self, person: &str, message: Any) {
        let name = person.split('/').next().unwrap_or_default();
        let decoded = app::msg::Msg::decode(&message.type_url, &message.value, self.world.machine.chain());
        let free = decoded.is_ok_and(|message| message.sequence_free());
        let mut envelope = self.world.envelope(person);
        let pending = self.pending.entry(name.to_owned()).or_default();
        envelope.sequence += *pending;
        *pending += u64::from(!free);
        self.txs.push(sign(&Wallet::new(name), &[message], &envelope));
    }

    /// A market of the chance.
    pub(super) fn terms(&mut self) -> Terms {
        *self.dice.pick(&self.market.terms)
    }

    pub(super) fn side(&mut self) -> Side {
        if self.dice.once_in(2) {
            Side::Buy
        } else {
            Side::Sell
        }
    }

    /// Either account of a person.
    pub(super) fn account(&mut self, person: &str) -> String {
        if self.dice.once_in(3) {
            format!("{person}/1")
        } else {
            person.to_owned()
        }
    }

    /// What an account is worth, in quote quantums; a dollar when it is worth less.
    pub(super) fn worth(&self, person: &str) -> u64 {
        let risk = subaccounts::risk(self.world.machine.state(), &self.world.account(person));
        let worth = risk.unwrap_or_default().net_collateral.raw();
        u64::try_from(worth).unwrap_or_default().clamp(crate::crowd::USD, 1 << 50)
    }

    /// What an account may take out, in quote quantums.
    pub(super) fn free(&self, person: &str) -> u64 {
        let risk = subaccounts::risk(self.world.machine.state(), &self.world.account(person));
        let risk = risk.unwrap_or_default();
        u64::try_from((risk.net_collateral - risk.initial).raw()).unwrap_or_default()
    }

    /// What an account holds in a market, in base quantums.
    pub(super) fn size(&self, person: &str, terms: &Terms) -> i128 {
        self.world.account(person).size(types::MarketId(terms.id)).raw()
    }

    /// A price so many ppm above the oracle price (below it when negative), on a tick.
    pub(super) fn away(&self, terms: &Terms, ppm: i64) -> u64 {
        let price = i128::from(self.market.prices[&terms.id]);
        let subticks = u64::try_from(price * i128::from(1_000_000 + ppm) / 1_000_000).unwrap_or(1);
        (subticks / terms.tick).max(1).saturating_mul(terms.tick)
    }

    /// A short-term order for the next few blocks.
    pub(super) fn order(
        &mut self,
        person: &str,
        terms: &Terms,
        (side, size, price): (Side, u64, u64),
    ) -> wire::Order {
        self.next_client = (self.next_client + 1) % CLIENTS;
        let mut order = self.world.order(person, terms.id, 1_000 + self.next_client, (side, size, price));
        let until = self.world.height() + self.dice.within(2, 18);
        order.good_til_oneof = Some(GoodTilOneof::GoodTilBlock(u32::try_from(until).unwrap_or(u32::MAX)));
        order
    }

    /// Let an order live for so many seconds.
    pub(super) fn lasting(&self, mut order: wire::Order, seconds: u64) -> wire::Order {
        if let Some(id) = &mut order.order_id {
            id.order_flags = 64;
        }
        order.good_til_oneof = Some(GoodTilOneof::GoodTilBlockTime(self.soon(seconds)));
        order
    }

    /// Seconds since 1970 so many seconds from now.
    pub(super) fn soon(&self, seconds: u64) -> u32 {
        let now = u64::try_from(self.world.machine.last_block().1.seconds()).unwrap_or_default();
        u32::try_from(now + seconds).unwrap_or(u32::MAX)
    }

    /// Place `order`.
    pub(super) fn place(&mut self, person: &str, order: wire::Order) {
        let message = self.world.place(order);
        self.send(person, message);
    }

    /// Place `order` so that it takes the place of one with the same id.
    pub(super) fn replace(&mut self, person: &str, order: wire::Order) {
        let self_trade = *self.dice.pick(&[0, 1, 2]);
        self.send(person, any(&ballast::MsgPlaceOrder { order: Some(order), self_trade, replace: true }));
    }

    /// Trade at once, within 3 % of the oracle price.
    pub(super) fn sweep(&mut self, person: &str, terms: &Terms, (side, size): (Side, u64)) {
        let ppm = if side == Side::Buy { 30_000 } else { -30_000 };
        let price = self.away(terms, ppm);
        let mut order = self.order(person, terms, (side, size.max(terms.step), price));
        order.time_in_force = TimeInForce::Ioc.into();
        self.place(person, order);
    }

    pub(super) fn deposit(&mut self, person: &str, amount: u64) {
        let message = self.world.deposit(person, amount);
        self.send(person, message);
    }

    pub(super) fn withdraw(&mut self, person: &str, amount: u64) {
        let message = self.world.withdraw(person, amount);
        self.send(person, message);
    }

    pub(super) fn transfer(&mut self, from: &str, to: &str, amount: u64) {
        let message = self.world.transfer(from, to, amount);
        self.send(from, message);
    }

    /// Coins of the collateral from a wallet to an address.
    pub(super) fn pay(&mut self, from: &str, to_address: String, amount: u64) {
        let denom = self.world.machine.chain().collateral.as_str().to_owned();
        let message = any(&MsgSend {
            from_address: self.world.address(from),
            to_address,
            amount: vec![Coin { denom, amount: amount.to_string() }],
        });
        self.send(from, message);
    }
}
