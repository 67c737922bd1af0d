//! What must be true: each line compares what the story says with what the state and the events say.

use std::fmt::Debug;

use clob::Side;
use types::{Address, Event, MarketId, Value};

use super::words::{amount, decimal, number, show, units, Units};
use super::Teller;
use crate::world::World;

/// Places of a USD.
const USD: i32 = 6;

fn equal<T: PartialEq + Debug>(what: &str, expected: &T, got: &T) -> Result<(), String> {
    if expected == got {
        return Ok(());
    }
    Err(format!("{what}: expected {expected:?}, got {got:?}"))
}

/// Both values shown as decimals.
fn same(what: &str, expected: i128, got: i128, places: i32) -> Result<(), String> {
    if expected == got {
        return Ok(());
    }
    Err(format!("{what}: expected {}, got {}", show(expected, places), show(got, places)))
}

fn value(event: &Event, name: &str) -> i128 {
    match event.get(name) {
        Some(Value::Unsigned(value)) => i128::try_from(*value).unwrap_or(i128::MAX),
        Some(Value::Signed(value)) => *value,
        _ => 0,
    }
}

impl Teller {
    pub(super) fn expect(&mut self, words: &[&str]) -> Result<(), String> {
        self.world()?;
        match *words {
            ["refused", code] => self.refused(code),
            ["no", "fill"] => equal("further fills", &0, &self.fills.len()),
            ["fill", size, "@", price] => self.fill(size, "BTC", price),
            ["fill", size, market, "@", price] => self.fill(size, market, price),
            ["insurance", sum] => {
                let fund = self.world()?.insurance().raw();
                same("the insurance fund", decimal(sum, USD)?, fund, USD)
            }
            ["insurance", market, sum] => {
                let market = MarketId(units(&self.app, market)?.id);
                let world = self.world()?;
                let denom = &world.machine.chain().collateral;
                let fund = insurance::balance_of(world.machine.state(), market, denom).raw();
                same("the market's insurance fund", decimal(sum, USD)?, fund, USD)
            }
            ["pool", market, sum] => {
                let market = MarketId(units(&self.app, market)?.id);
                let world = self.world()?;
                let (state, denom) = (world.machine.state(), &world.machine.chain().collateral);
                let pool = bank::balance(state, &subaccounts::pool_of(state, market), denom);
                same("the market's pool", decimal(sum, USD)?, amount_of(pool), USD)
            }
            ["fees", sum] => {
                let world = self.world()?;
                let (state, denom) = (world.machine.state(), &world.machine.chain().collateral);
                let got = bank::balance(state, &Address::module(bank::FEE_COLLECTOR), denom);
                same("fees collected", decimal(sum, USD)?, i128::try_from(got).unwrap_or(i128::MAX), USD)
            }
            ["oracle", market, price] => self.price(market, price),
            ["network", standing] => {
                let state = self.world()?.machine.state();
                let block = app::state::previous_block(state);
                equal("standing of the network", &standing, &prices::network(state, &block).name())
            }
            ["funding", market, index] => {
                let units = units(&self.app, market)?;
                let perpetual = perpetuals::perpetual(self.world()?.machine.state(), MarketId(units.id));
                let got = perpetual.map_or(0, |perpetual| perpetual.funding_index.raw());
                equal("funding index", &number(index)?, &got)
            }
            ["open", market, size] => {
                let units = units(&self.app, market)?;
                let perpetual = perpetuals::perpetual(self.world()?.machine.state(), MarketId(units.id));
                let got = perpetual.map_or(0, |perpetual| perpetual.open_interest.raw());
                same("open interest", decimal(size, units.size)?, got, units.size)
            }
            ["book", market, ref rest @ ..] => self.book(market.trim_end_matches(':'), rest),
            ["liquidated", person, size, market, "fund", sum] => {
                self.liquidated(person, size, market, Some(sum))
            }
            ["liquidated", person, size, market] => self.liquidated(person, size, market, None),
            ["deleveraged", person, other, size, market] => self.deleveraged(person, other, size, market),
            ["no", "liquidation"] => equal("liquidations", &0, &self.liquidations.len()),
            ["no", "deleveraging"] => equal("deleveragings", &0, &self.deleveragings.len()),
            ["count", kind, count] => {
                let got = self.events.iter().filter(|event| event.kind == kind).count();
                equal(kind, &number(count)?, &got)
            }
            [person, ref pairs @ ..] => self.person(person, pairs),
            [] => Err("what must be true?".into()),
        }
    }

    fn refused(&mut self, code: &str) -> Result<(), String> {
        let refusal = self.refusals.pop_front().ok_or("nothing was refused")?;
        let got = format!("{}/{}", refusal.codespace, refusal.code);
        if got == code {
            return Ok(());
        }
        Err(format!("expected {code}, got {got}: {}", refusal.log))
    }

    fn fill(&mut self, size: &str, market: &str, price: &str) -> Result<(), String> {
        let units = units(&self.app, market)?;
        let fill = self.fills.pop_front().ok_or("there is no further fill")?;
        equal("market", &i128::from(units.id), &value(&fill, "market"))?;
        same("size", decimal(size, units.size)?, value(&fill, "size"), units.size)?;
        same("price", decimal(price, units.price)?, value(&fill, "price"), units.price)
    }

    fn price(&mut self, market: &str, price: &str) -> Result<(), String> {
        let units = units(&self.app, market)?;
        let world = self.world()?;
        let (state, id) = (world.machine.state(), MarketId(units.id));
        let block = app::state::previous_block(state);
        let standing = prices::standing(state, &block, id);
        if ["live", "stale", "halted", "post_only"].contains(&price) {
            return equal("standing", &price, &standing.name());
        }
        let fresh = standing == prices::Standing::Live;
        let got = prices::price(state, id).map_or(0, |price| price.price.raw());
        same("oracle price", decimal(price, units.oracle)?, got.into(), units.oracle)?;
        equal("fresh", &true, &fresh)
    }

    fn book(&mut self, market: &str, words: &[&str]) -> Result<(), String> {
        let units = units(&self.app, market)?;
        let world = self.world()?;
        let got = [Side::Buy, Side::Sell].map(|side| levels(world, units, side)).join(" | ");
        let expected: Vec<String> = words
            .join(" ")
            .split('|')
            .map(|side| side.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        equal("book", &expected.join(" | "), &got)
    }

    fn liquidated(
        &mut self,
        person: &str,
        size: &str,
        market: &str,
        fund: Option<&str>,
    ) -> Result<(), String> {
        let units = units(&self.app, market)?;
        let event = self.liquidations.pop_front().ok_or("there is no further liquidation")?;
        let world = self.world()?;
        let got = event.get("owner").and_then(|owner| name_of(world, owner));
        equal("owner", &Some(world.address(person)), &got)?;
        equal("market", &i128::from(units.id), &value(&event, "market"))?;
        same("size", decimal(size, units.size)?, value(&event, "filled"), units.size)?;
        fund.map_or(Ok(()), |sum| same("fund", decimal(sum, USD)?, value(&event, "insurance"), USD))
    }

    fn deleveraged(&mut self, person: &str, other: &str, size: &str, market: &str) -> Result<(), String> {
        let units = units(&self.app, market)?;
        let event = self.deleveragings.pop_front().ok_or("there is no further deleveraging")?;
        let world = self.world()?;
        let name = |key: &str| event.get(key).and_then(|owner| name_of(world, owner));
        equal("owner", &Some(world.address(person)), &name("owner"))?;
        equal("counterparty", &Some(world.address(other)), &name("counterparty"))?;
        equal("market", &i128::from(units.id), &value(&event, "market"))?;
        same("size", decimal(size, units.size)?, value(&event, "size"), units.size)
    }

    /// Pairs of a name and a number. With `quote`, positions that are not named must not be there.
    fn person(&mut self, person: &str, pairs: &[&str]) -> Result<(), String> {
        let app = self.app.clone();
        let world = self.world()?;
        let account = world.account(person);
        let mut named = Vec::new();
        for pair in pairs.chunks(2) {
            let [name, number] = *pair else { return Err("a name has no number".into()) };
            match name {
                "quote" => same("quote", decimal(number, USD)?, account.quote.raw(), USD)?,
                "wallet" => {
                    same("wallet", decimal(number, USD)?, amount_of(world.wallet(person)), USD)?;
                }
                "equity" => {
                    let risk = subaccounts::risk(world.machine.state(), &account);
                    let worth = risk.map_err(|error| error.to_string())?.net_collateral.raw();
                    same("equity", decimal(number, USD)?, worth, USD)?;
                }
                "sequence" => equal("sequence", &amount(number, 0)?, &world.envelope(person).sequence)?,
                market => {
                    let units = units(&app, market)?;
                    named.push(MarketId(units.id));
                    let got = account.size(MarketId(units.id)).raw();
                    same(market, decimal(number, units.size)?, got, units.size)?;
                }
            }
        }
        let held = account.positions.iter().map(|(market, _)| *market);
        let other: Vec<MarketId> = held.filter(|market| !named.contains(market)).collect();
        if pairs.contains(&"quote") {
            return equal("further positions", &Vec::new(), &other);
        }
        Ok(())
    }
}

fn amount_of(balance: u128) -> i128 {
    i128::try_from(balance).unwrap_or(i128::MAX)
}

fn name_of(world: &World, owner: &Value) -> Option<String> {
    match owner {
        Value::Address(address) => Some(address.to_bech32(&world.machine.chain().prefix)),
        _ => None,
    }
}

/// `1 @ 49000 2 @ 48000`, best first.
fn levels(world: &World, units: Units, side: Side) -> String {
    let levels = world.machine.books().levels(MarketId(units.id), side);
    let text = |level: clob::LevelView| {
        let (size, price) = (i128::try_from(level.quantums), i128::from(level.price.raw()));
        format!("{} @ {}", show(size.unwrap_or(i128::MAX), units.size), show(price, units.price))
    };
    levels.map(text).collect::<Vec<_>>().join(" ")
}
