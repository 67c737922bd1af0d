//! What happens: one line, one signed transaction, price or stretch of time.

use app::msg::Msg;
use clob::FILL_EVENT;
use cosmos_sdk_proto::cosmos::bank::v1beta1::MsgSend;
use cosmos_sdk_proto::cosmos::base::v1beta1::Coin;
use cosmos_sdk_proto::Any;
use num::Price;
use proto::dydxprotocol::clob as wire;
use proto::dydxprotocol::clob::msg_cancel_order::GoodTilOneof as CancelUntil;
use proto::dydxprotocol::clob::order::{ConditionType, GoodTilOneof, Side, TimeInForce};
use types::MarketId;

use super::words::{amount, number, units, Units};
use super::Teller;
use crate::wallet::{any, sign, Wallet};
use crate::world::{name_and_number, World};

/// Blocks that a short-term order lives when the story does not say: as long as it may.
const LIFE: u32 = 40;

/// Seconds that a long-term order lives.
const LONG_LIFE: i64 = 86_400;

impl Teller {
    pub(super) fn act(&mut self, words: &[&str]) -> Result<(), String> {
        match *words {
            ["together"] => {
                self.together = true;
                Ok(())
            }
            ["block"] => self.blocks(1, 1),
            ["blocks", count] => self.blocks(number(count)?, 1),
            ["blocks", count, "every", seconds] => self.blocks(number(count)?, number(seconds)?),
            ["wait", seconds] => self.blocks(1, number(seconds)?),
            ["restart"] => {
                self.world()?.restart();
                Ok(())
            }
            ["oracle", market, price] => self.oracle(market, price),
            [person, "deposits", sum] => {
                let message = self.world()?.deposit(person, amount(sum, 6)?);
                self.send(person, message)
            }
            [person, "withdraws", sum] => {
                let message = self.world()?.withdraw(person, amount(sum, 6)?);
                self.send(person, message)
            }
            [person, "transfers", sum, "to", other] => {
                let message = self.world()?.transfer(person, other, amount(sum, 6)?);
                self.send(person, message)
            }
            [person, "sends", sum, "to", other] => {
                let message = pay(self.world()?, person, other, amount(sum, 6)?);
                self.send(person, message)
            }
            [person, "buys", size, market, "@", price, ref rest @ ..] => {
                self.order(person, (Side::Buy, size, market, price), rest)
            }
            [person, "sells", size, market, "@", price, ref rest @ ..] => {
                self.order(person, (Side::Sell, size, market, price), rest)
            }
            [person, "cancels", ref rest @ ..] => self.cancel(person, rest),
            _ => Err("nobody understands this line".into()),
        }
    }

    /// Sign with the sequence that follows on what already waits, and make a block unless acts wait.
    fn send(&mut self, person: &str, message: Any) -> Result<(), String> {
        let name = name_and_number(person).0;
        let waiting = self.waiting.iter().filter(|waiting| *waiting == name).count();
        let world = self.world()?;
        let chain = world.machine.chain();
        let free = Msg::decode(&message.type_url, &message.value, chain).is_ok_and(|msg| msg.sequence_free());
        let mut envelope = world.envelope(person);
        envelope.sequence += u64::try_from(waiting).unwrap_or_default();
        let tx = sign(&Wallet::new(name), &[message], &envelope);
        world.submit(tx);
        if self.together {
            if !free {
                self.waiting.push(name.to_owned());
            }
            return Ok(());
        }
        self.blocks(1, 1)
    }

    /// Make blocks; what happened in the last act is what happened in them.
    fn blocks(&mut self, count: u64, seconds: i64) -> Result<(), String> {
        self.together = false;
        self.waiting.clear();
        self.events.clear();
        for _ in 0..count {
            let world = self.world()?;
            world.block_seconds = seconds;
            let input = world.propose();
            let results = world.apply(&input);
            world.block_seconds = 1;
            let results = results.map_err(|fault| fault.to_string())?;
            let own = world.last.events.clone();
            for result in results {
                self.refusals.extend(result.refusal);
                self.events.extend(result.events);
            }
            self.events.extend(own);
        }
        let of = |kind: &str| self.events.iter().filter(|event| event.kind == kind).cloned().collect();
        (self.fills, self.liquidations) = (of(FILL_EVENT), of("liquidation"));
        self.deleveragings = of("deleveraging");
        Ok(())
    }

    fn oracle(&mut self, market: &str, price: &str) -> Result<(), String> {
        let units = units(&self.app, market)?;
        let world = self.world()?;
        if price == "silent" {
            world.prices.remove(&MarketId(units.id));
        } else {
            world.prices.insert(MarketId(units.id), Price::new(amount(price, units.oracle)?));
        }
        Ok(())
    }

    fn order(
        &mut self,
        person: &str,
        (side, size, market, price): (Side, &str, &str, &str),
        mut rest: &[&str],
    ) -> Result<(), String> {
        let units = units(&self.app, market)?;
        let terms = (side, amount(size, units.size)?, amount(price, units.price)?);
        self.client_id += 1;
        let client_id = self.client_id;
        let world = self.world()?;
        let mut order = world.order(person, units.id, client_id, terms);
        order.good_til_oneof = Some(GoodTilOneof::GoodTilBlock(last_block(world, LIFE)));
        while !rest.is_empty() {
            rest = terms_of(world, units, &mut order, rest)?;
        }
        let message = world.place(order);
        self.send(person, message)
    }

    fn cancel(&mut self, person: &str, words: &[&str]) -> Result<(), String> {
        let mut markets = self.app.markets.iter().map(|market| market.ticker.trim_end_matches("-USD"));
        let named = words.first().and_then(|word| markets.find(|market| market == word));
        let market = units(&self.app, named.unwrap_or("BTC"))?.id;
        let mut order_flags = 0;
        let mut client_ids = Vec::new();
        for word in words.iter().skip(usize::from(named.is_some())) {
            match *word {
                "conditional" => order_flags = 32,
                "long-term" => order_flags = 64,
                "twap" => order_flags = 128,
                client_id => client_ids.push(number(client_id)?),
            }
        }
        let world = self.world()?;
        let subaccount_id = Some(world.wire_id(person));
        let message = match client_ids.as_slice() {
            [] => return Err("which order?".into()),
            [client_id] => {
                let client_id = *client_id;
                let id = wire::OrderId { subaccount_id, client_id, order_flags, clob_pair_id: market };
                let until = if order_flags > 0 {
                    CancelUntil::GoodTilBlockTime(last_second(world))
                } else {
                    CancelUntil::GoodTilBlock(last_block(world, LIFE))
                };
                world.cancel(id, until)
            }
            _ => any(&wire::MsgBatchCancel {
                subaccount_id,
                short_term_cancels: vec![wire::OrderBatch { clob_pair_id: market, client_ids }],
                good_til_block: last_block(world, LIFE),
            }),
        };
        self.send(person, message)
    }
}

/// One word about an order, with what belongs to it; answers the words that follow.
fn terms_of<'a, 'b>(
    world: &World,
    units: Units,
    order: &mut wire::Order,
    rest: &'a [&'b str],
) -> Result<&'a [&'b str], String> {
    Ok(match *rest {
        [] => rest,
        ["ioc", ref rest @ ..] => {
            order.time_in_force = TimeInForce::Ioc.into();
            rest
        }
        ["post-only", ref rest @ ..] => {
            order.time_in_force = TimeInForce::PostOnly.into();
            rest
        }
        ["reduce-only", ref rest @ ..] => {
            order.reduce_only = true;
            rest
        }
        ["til", blocks, ref rest @ ..] => {
            order.good_til_oneof = Some(GoodTilOneof::GoodTilBlock(last_block(world, number(blocks)?)));
            rest
        }
        ["as", client_id, ref rest @ ..] => {
            id_of(order).client_id = number(client_id)?;
            rest
        }
        ["long-term", ref rest @ ..] => {
            stateful(world, order, 64);
            rest
        }
        ["stop", trigger, ref rest @ ..] => {
            stateful(world, order, 32);
            order.condition_type = ConditionType::StopLoss.into();
            order.conditional_order_trigger_subticks = amount(trigger, units.price)?;
            rest
        }
        ["take", trigger, ref rest @ ..] => {
            stateful(world, order, 32);
            order.condition_type = ConditionType::TakeProfit.into();
            order.conditional_order_trigger_subticks = amount(trigger, units.price)?;
            rest
        }
        ["twap", duration, "every", interval, "within", tolerance, ref rest @ ..] => {
            stateful(world, order, 128);
            order.twap_parameters = Some(wire::TwapParameters {
                duration: number(duration)?,
                interval: number(interval)?,
                price_tolerance: number(tolerance)?,
            });
            rest
        }
        ["builder", builder, fee_ppm, ref rest @ ..] => {
            order.builder_code_parameters = Some(wire::BuilderCodeParameters {
                builder_address: world.address(builder),
                fee_ppm: number(fee_ppm)?,
            });
            rest
        }
        ["for", seconds, ref rest @ ..] => {
            let (_, time) = world.machine.last_block();
            let until = time.seconds() + number::<i64>(seconds)?;
            order.good_til_oneof =
                Some(GoodTilOneof::GoodTilBlockTime(u32::try_from(until).unwrap_or(u32::MAX)));
            rest
        }
        [other, ..] => return Err(format!("{other} says nothing about an order")),
    })
}

fn pay(world: &World, from: &str, to: &str, sum: u64) -> Any {
    let coin = Coin { denom: world.machine.chain().collateral.as_str().into(), amount: sum.to_string() };
    any(&MsgSend { from_address: world.address(from), to_address: world.address(to), amount: vec![coin] })
}

/// The block `more` after the next one.
fn last_block(world: &World, more: u32) -> u32 {
    u32::try_from(world.height()).unwrap_or(u32::MAX).saturating_add(1).saturating_add(more)
}

fn last_second(world: &World) -> u32 {
    let (_, time) = world.machine.last_block();
    u32::try_from(time.seconds() + LONG_LIFE).unwrap_or(u32::MAX)
}

/// Make it an order of this kind, good for a day.
fn stateful(world: &World, order: &mut wire::Order, order_flags: u32) {
    id_of(order).order_flags = order_flags;
    order.good_til_oneof = Some(GoodTilOneof::GoodTilBlockTime(last_second(world)));
}

fn id_of(order: &mut wire::Order) -> &mut wire::OrderId {
    order.order_id.get_or_insert_with(wire::OrderId::default)
}
