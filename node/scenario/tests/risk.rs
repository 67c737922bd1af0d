//! What the risk view says of an account is what the machine judges it by, and what it says of things that have not
//! happened is what happens then.

use num::{Price, QuoteQuantums, Subticks};
use proto::dydxprotocol::clob::order::Side;
use risk::{AccountView, Supposed, Trade};
use scenario::{Dice, World};
use types::MarketId;

const USDC: u64 = 1_000_000;
const PEOPLE: [&str; 4] = ["alice", "bob", "carl", "dora"];
/// Devnet's first two markets: number, one coin in base quantums, subticks of its first price, of one tick.
const MARKETS: [(u32, u64, u64, u64); 2] =
    [(0, 10_000_000_000, 2_868_800_000, 100_000), (1, 1_000_000_000, 1_811_985_252, 100_000)];

fn seen(world: &World, person: &str) -> AccountView {
    risk::view(world.machine.state(), &world.id(person)).expect("every market has a price")
}

fn supposed(world: &World, person: &str, what: Supposed) -> risk::Outcome {
    let (state, chain) = (world.machine.state(), world.machine.chain());
    let block = app::state::previous_block(state);
    risk::suppose(state, (block, chain), &world.id(person), &[what]).expect("the account can be counted")
}

/// I1 to I3 of one account.
fn holds_together(world: &World, person: &str) -> u64 {
    let id = world.id(person);
    let view = seen(world, person);
    assert_eq!(view.risk, world.machine.books().accounts.risk(&id).unwrap(), "{person}");
    let sum = |part: fn(&risk::PositionView) -> QuoteQuantums| {
        view.positions.iter().map(part).fold(QuoteQuantums::ZERO, |sum, part| sum + part)
    };
    assert_eq!(sum(|position| position.margin.initial), view.risk.initial);
    assert_eq!(sum(|position| position.margin.maintenance), view.risk.maintenance);
    assert_eq!(view.collateral + sum(|position| position.margin.notional), view.risk.net_collateral);
    let mut prices = 0;
    for position in &view.positions {
        let Some(price) = position.liquidation_price else { continue };
        let falls = |price: u64| {
            let what = Supposed::Price(position.market, Price::new(price));
            supposed(world, person, what).view.risk.is_liquidatable()
        };
        assert!(falls(price.raw()), "{person} is not liquidated at {price}: {view:?}");
        let healthier = if position.base.is_negative() { price.raw() - 1 } else { price.raw() + 1 };
        assert!(healthier == 0 || !falls(healthier), "{person} is liquidated at {healthier} too: {view:?}");
        prices += 1;
    }
    prices
}

/// One side of a trade for each new place of `rich`, who is good for it.
fn trade(world: &mut World, dice: &mut Dice, (person, partner): (&str, u32)) -> bool {
    let (number, coin, price, tick) = *dice.pick(&MARKETS);
    let (side, opposite) = if dice.once_in(2) { (Side::Buy, Side::Sell) } else { (Side::Sell, Side::Buy) };
    let quantums = coin / 100 * dice.within(1, 400);
    // Within the price band of takers, wherever the oracle is now.
    let (first, now) =
        (World::devnet().markets[number as usize].price, world.prices[&MarketId(number)].raw());
    let oracle = u64::try_from(u128::from(price) * u128::from(now) / u128::from(first)).unwrap();
    let subticks = oracle / 1_000 * dice.within(930, 1_070) / tick * tick;
    let maker = dice.once_in(2);
    let what = Supposed::Trade(Trade {
        market: MarketId(number),
        side: if side == Side::Buy { clob::Side::Buy } else { clob::Side::Sell },
        size: clob::Size::new(quantums),
        price: Some(Subticks::new(subticks)),
        maker,
    });
    let then = supposed(world, person, what);

    let other = format!("rich/{partner}");
    let (front, back) = if maker { (person, other.as_str()) } else { (other.as_str(), person) };
    let (first_side, second_side) = if maker { (side, opposite) } else { (opposite, side) };
    let resting = world.order(front, number, partner, (first_side, quantums, subticks));
    let resting = world.place(resting);
    let refused_to_rest = world.run(front, &[resting]).refusal;
    let taking = world.order(back, number, partner, (second_side, quantums, subticks));
    let taking = world.place(taking);
    let refused_to_take = world.run(back, &[taking]).refusal;
    let traded = world.last.summary.fills > 0;
    assert_eq!(
        then.refused.is_none(),
        traded,
        "{person}: {:?}, but {refused_to_rest:?} {refused_to_take:?}",
        then.refused
    );
    if traded {
        assert_eq!(then.fills.len(), 1);
        assert_eq!(seen(world, person), then.view, "{person} trades {quantums} at {subticks}");
    }
    // Whatever rests is out of the way before the next one.
    world.blocks(11);
    traded
}

fn transfer(world: &mut World, dice: &mut Dice, person: &str) -> bool {
    let view = seen(world, person);
    let edge = view.withdrawable.raw();
    let out = i64::try_from(edge).unwrap_or(i64::MAX) + *dice.pick(&[-1, 0, 0, 1, 1_000_000]);
    if out < 1 || dice.once_in(4) {
        let money = dice.within(1, 50_000 * USDC);
        let then = supposed(world, person, Supposed::Transfer(QuoteQuantums::new(money.into())));
        let deposit = world.deposit(person, money);
        assert_eq!(world.run(person, &[deposit]).refusal, None);
        assert_eq!(seen(world, person), then.view);
        return true;
    }
    let then = supposed(world, person, Supposed::Transfer(QuoteQuantums::new((-out).into())));
    let withdrawal = world.withdraw(person, u64::try_from(out).unwrap());
    let refusal = world.run(person, &[withdrawal]).refusal;
    let codes = (
        refusal.as_ref().map(|refusal| refusal.code),
        then.refused.map(|(_, why)| types::Rejection::code(&why)),
    );
    assert_eq!(codes.0, codes.1, "{person} withdraws {out}");
    assert_eq!(codes.0.is_none(), i128::from(out) <= edge, "{person} may withdraw {edge} and {out}");
    assert_eq!(seen(world, person), then.view);
    codes.0.is_none()
}

fn reprice(world: &mut World, dice: &mut Dice, person: &str) {
    let market = MarketId(dice.pick(&MARKETS).0);
    let old = world.prices[&market].raw();
    let price = Price::new(old / 1_000 * dice.within(985, 1_015));
    let then = supposed(world, person, Supposed::Price(market, price));
    world.prices.insert(market, price);
    world.block();
    assert_eq!(seen(world, person), then.view, "{person} at {price}");
}

#[test]
fn what_has_not_happened_is_counted_as_it_happens() {
    let mut people = PEOPLE.to_vec();
    people.push("rich");
    let (mut trades, mut refused, mut moves, mut prices) = (0, 0, 0, 0);
    for seed in 1..=6 {
        let mut dice = Dice::new(seed);
        let mut world = World::new(&people, 1_000_000_000 * USDC);
        for person in PEOPLE {
            let money = dice.within(5_000, 60_000) * USDC;
            let deposit = world.deposit(person, money);
            assert_eq!(world.run(person, &[deposit]).refusal, None);
        }
        for partner in 0..50 {
            let person = *dice.pick(&PEOPLE);
            match dice.within(0, 3) {
                0 => moves += u64::from(transfer(&mut world, &mut dice, person)),
                1 => reprice(&mut world, &mut dice, person),
                _ => {
                    let partner = partner + 1;
                    let deposit = world.deposit(&format!("rich/{partner}"), 10_000_000 * USDC);
                    assert_eq!(world.run("rich", &[deposit]).refusal, None);
                    if trade(&mut world, &mut dice, (person, partner)) {
                        trades += 1;
                    } else {
                        refused += 1;
                    }
                }
            }
            prices += PEOPLE.iter().map(|person| holds_together(&world, person)).sum::<u64>();
        }
    }
    println!("{trades} trades, {refused} refused ones, {moves} transfers, {prices} liquidation prices");
    assert!(trades > 50 && refused > 10 && moves > 20 && prices > 200, "too little was compared");
}

#[test]
fn a_position_says_what_it_cost_and_where_it_is_liquidated() {
    // One BTC at 28,688 USD with 10,000 USD: 5 % initial and 3 % maintenance margin, 500 ppm to the taker.
    let mut world = World::new(&["rich", "bob"], 1_000_000 * USDC);
    for (person, money) in [("rich", 100_000), ("bob", 10_000)] {
        let deposit = world.deposit(person, money * USDC);
        assert_eq!(world.run(person, &[deposit]).refusal, None);
    }
    for (person, side) in [("rich", Side::Sell), ("bob", Side::Buy)] {
        let order = world.place(world.order(person, 0, 1, (side, 10_000_000_000, 2_868_800_000)));
        assert_eq!(world.run(person, &[order]).refusal, None);
    }
    let view = seen(&world, "bob");
    assert_eq!(view.collateral.raw(), 10_000_000_000 - 28_688_000_000 - 14_344_000);
    let position = &view.positions[0];
    assert_eq!((position.entry.raw(), position.cost.raw()), (2_868_800_000, 28_688_000_000));
    assert_eq!(position.unrealised.raw(), 28_688_195_240 - 28_688_000_000);
    assert_eq!(position.ledger.fees.raw(), 14_344_000);
    // Worth 10 quote quantums per unit of price: 18,702.344 USD of debt are 97 % of it at 19,280.76701.
    assert_eq!(position.liquidation_price, Some(Price::new(1_928_076_701)));
    assert_eq!(view.margin_ratio(), Some(86_187), "860.645858 of 9,985.85124 USD");
    // Who is short gains when the price falls: no price below saves whoever buys back above.
    let short = seen(&world, "rich").positions[0].liquidation_price.unwrap();
    assert!(short.raw() > 2_868_819_524, "{short}");
}
