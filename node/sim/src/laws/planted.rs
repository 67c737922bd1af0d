//! Every law is broken once: in a block that it says something about, a row, an event or a number is changed, and
//! the law must say so. A law that cannot fail would be no law.

use std::collections::BTreeMap;
use std::sync::Arc;

use app::invariants::Whole;
use num::{QuoteQuantums, Subticks};
use scenario::{Dice, World};
use store::Journaled;
use types::{Event, Value};

use super::*;
use crate::agents::Agents;
use crate::market::Market;

/// A block with the states around it, to be changed.
struct Case {
    before: Memory,
    now: Memory,
    last: (u64, Time),
    input: BlockInput,
    outcome: BlockOutcome,
}

fn copy(memory: &Memory) -> Memory {
    Memory::from_pairs(memory.iter())
}

impl Clone for Case {
    fn clone(&self) -> Self {
        let (before, now) = (copy(&self.before), copy(&self.now));
        Self { before, now, last: self.last, input: self.input.clone(), outcome: self.outcome.clone() }
    }
}

/// Blocks that are tried for a law; not each can be broken in each way.
const SOME: usize = 8;

/// Blocks of stories in which the sampled laws and all others have something to say: name -> blocks.
fn cases() -> BTreeMap<&'static str, Vec<Case>> {
    let mut cases = BTreeMap::new();
    for seed in 1..40 {
        tell(seed, &mut cases);
        if BLOCK.iter().all(|(name, _)| cases.contains_key(name)) {
            break;
        }
    }
    cases
}

fn tell(seed: u64, cases: &mut BTreeMap<&'static str, Vec<Case>>) {
    let mut dice = Dice::new(seed);
    let agents = &mut Agents::new(&mut dice);
    let mut app = crate::swarm::document(&mut dice);
    agents.prepare(&mut app);
    let mut market = Market::new(&app, &mut dice);
    let mut world = World::with(app, &agents.people(), 100_000_000_000);
    world.machine.full_checks = false;
    for _ in 0..80 {
        market.step(&mut world, false, &mut dice);
        for tx in agents.act(&world, &market, &mut dice) {
            world.submit(tx);
        }
        let (before, last) = (copy(world.machine.memory()), world.machine.last_block());
        let input = world.propose();
        world.execute(&input).unwrap();
        let now = copy(world.machine.memory());
        let case = Case { before, now, last, input, outcome: world.last.clone() };
        for (name, law) in BLOCK {
            let some = cases.get(name).map_or(0, Vec::len);
            let next = some == 0 || (some < SOME && case.input.height.is_multiple_of(9));
            if next && says(&case, law) != Ok(0) {
                cases.entry(name).or_default().push(case.clone());
            }
        }
    }
}

fn says(case: &Case, law: fn(&Seen<'_>) -> Verdict) -> Verdict {
    let machine = Machine::from_state(copy(&case.now)).unwrap();
    law(&Seen::of(&machine, &case.before, case.last, (&case.input, &case.outcome)).unwrap())
}

/// A key and its value.
type Row = (Arc<[u8]>, Arc<[u8]>);

/// Rows of a table.
fn rows(memory: &Memory, prefix: [u8; 2]) -> Vec<Row> {
    memory.iter().filter(|(key, _)| key.starts_with(&prefix)).collect()
}

/// Change every row of a table that `change` wants to change.
fn alter<T: borsh::BorshDeserialize + borsh::BorshSerialize>(
    memory: &mut Memory,
    prefix: [u8; 2],
    mut change: impl FnMut(&mut T) -> bool,
) {
    for (key, value) in rows(memory, prefix) {
        let mut row: T = borsh::from_slice(&value).unwrap();
        if change(&mut row) {
            memory.set(&key, &borsh::to_vec(&row).unwrap());
        }
    }
}

/// Change the first event of a kind.
fn tell_otherwise(case: &mut Case, kind: &str, name: &str, value: impl Fn(&Value) -> Value) {
    let results = case.outcome.results.iter_mut().flat_map(|result| &mut result.events);
    let mut all = results.chain(&mut case.outcome.events);
    let has = |event: &&mut Event| event.kind == kind && event.get(name).is_some();
    let event = all.find(has).unwrap_or_else(|| panic!("no {kind} with {name}"));
    for (own, told) in &mut event.attributes {
        if *own == name {
            *told = value(told);
        }
    }
}

fn plus(more: i128) -> impl Fn(&Value) -> Value {
    move |value| match value {
        Value::Unsigned(number) => Value::Signed(i128::try_from(*number).unwrap() + more),
        Value::Signed(number) => Value::Signed(number + more),
        other => other.clone(),
    }
}

type Plant = (&'static str, fn(&mut Case));
type WholePlant = (&'static str, fn(&mut Memory));

/// What breaks each law over a block.
const PLANTS: [Plant; 27] = [
    ("I-5", |case| {
        let dust = subaccounts::dust_of(&case.now, perpetuals::Collateral::Cross) + 1;
        let key = [&[0x15, 0x02][..], &subaccounts::pool().bytes()[..]].concat();
        case.now.set(&key, &borsh::to_vec(&dust).unwrap());
    }),
    ("I-6", |case| tell_otherwise(case, "order_fill", "maker_fee", plus(1_000_000_007))),
    ("I-6", |case| tell_otherwise(case, "order_fill", "taker_fee", plus(-1))),
    ("I-6 collector", |case| tell_otherwise(case, "order_fill", "taker_fee", plus(1))),
    ("I-7", |case| tell_otherwise(case, "order_fill", "quote", plus(1))),
    ("I-7 replay", |case| {
        alter(&mut case.now, [0x15, 0x00], |account: &mut subaccounts::Subaccount| {
            account.quote += QuoteQuantums::new(1);
            true
        });
    }),
    ("I-9 flows", |case| {
        let kind = if case.outcome.events.iter().any(|event| event.kind == "insurance_dust") {
            "insurance_dust"
        } else {
            "insurance_payment"
        };
        tell_otherwise(case, kind, "amount", plus(1));
    }),
    ("I-4 cap", |case| {
        alter(&mut case.before, [0x13, 0x00], |row: &mut perpetuals::Perpetual| {
            row.open_interest = num::BaseQuantums::new(-1);
            true
        });
        alter(&mut case.now, [0x13, 0x05], |cap: &mut QuoteQuantums| {
            *cap = QuoteQuantums::new(1);
            true
        });
        alter(&mut case.now, [0x13, 0x00], |row: &mut perpetuals::Perpetual| {
            row.open_interest = num::BaseQuantums::new(1 << 90);
            true
        });
    }),
    ("I-10", |case| {
        alter(&mut case.now, [0x15, 0x03], |seen: &mut u64| {
            *seen -= 1;
            true
        })
    }),
    ("I-10", |case| tell_otherwise(case, "negative_accounts", "net_collateral", plus(1))),
    ("I-10 exits", |case| {
        alter(&mut case.now, [0x15, 0x00], |account: &mut subaccounts::Subaccount| {
            account.quote = QuoteQuantums::new(-1);
            account.positions.is_empty()
        });
    }),
    ("I-11", |case| {
        let height = case.input.height;
        for (pool, _) in rows(&case.before, [0x10, 0x02]) {
            let key = [&[0x15, 0x03], &pool[2..]].concat();
            case.before.set(&key, &borsh::to_vec(&height).unwrap());
        }
    }),
    ("I-12", |case| tell_otherwise(case, close_kind(case), "size", plus(1 << 80))),
    ("I-13", |case| {
        alter(&mut case.now, [0x15, 0x00], |account: &mut subaccounts::Subaccount| {
            account.quote -= QuoteQuantums::new(1 << 60);
            true
        });
    }),
    ("I-14", |case| {
        alter(&mut case.now, [0x15, 0x00], |account: &mut subaccounts::Subaccount| {
            account.positions.clear();
            true
        })
    }),
    ("I-15 levels", |case| {
        alter(&mut case.now, [0x17, 0x02], |row: &mut clob::state::Row| {
            row.size = row.size.plus(clob::Size::new(1));
            true
        })
    }),
    ("I-15 levels", |case| {
        alter(&mut case.now, [0x17, 0x02], |row: &mut clob::state::Row| {
            row.price = Subticks::new(row.price.raw() + 1);
            true
        })
    }),
    ("I-16", |case| {
        alter(&mut case.now, [0x17, 0x04], |row: &mut clob::state::Spent| {
            row.filled = row.filled.plus(clob::Size::new(1));
            true
        })
    }),
    ("I-19", |case| tell_otherwise(case, "tx", "acc_seq", |_| Value::Text("somebody/7"))),
    ("I-21", |case| {
        alter(&mut case.now, [0x11, 0x01], |row: &mut prices::OraclePrice| {
            row.updated_height += 1;
            true
        })
    }),
    ("I-22", |case| {
        alter(&mut case.now, [0x11, 0x01], |row: &mut prices::OraclePrice| {
            row.price = num::Price::new(row.price.raw() + 1);
            true
        })
    }),
    ("I-23", |case| case.last.0 += 1),
    ("I-23 funding", |case| {
        alter(&mut case.now, [0x18, 0x01], |clock: &mut funding::Clock| {
            clock.next_tick = clock.next_tick.plus_seconds(1);
            true
        })
    }),
    ("I-24", |case| {
        alter(&mut case.now, [0x1a, 0x00], |set: &mut Vec<governance::Validator>| {
            set.extend(set.clone());
            true
        })
    }),
    ("I-25", |case| {
        alter(&mut case.now, [0x17, 0x02], |row: &mut clob::state::Row| {
            row.good_til = clob::GoodTil::Block(1);
            true
        })
    }),
    ("I-26", |case| drop(case.outcome.results.pop())),
    ("I-27", |case| {
        alter(&mut case.now, [0x17, 0x00], |params: &mut clob::Params| {
            params.max_fills = 0;
            true
        })
    }),
];

fn close_kind(case: &Case) -> &'static str {
    let over = case.outcome.events.iter().any(|event| event.kind == "final_settlement");
    if over {
        "final_settlement"
    } else {
        "deleveraging"
    }
}

#[test]
fn every_law_over_a_block_notices_what_breaks_it() {
    let cases = cases();
    let mut silent: Vec<&str> = BLOCK.iter().map(|(name, _)| *name).collect();
    for (name, plant) in PLANTS {
        let law = BLOCK.iter().find(|(own, _)| *own == name).unwrap_or_else(|| panic!("no law {name}")).1;
        let cases = cases.get(name).unwrap_or_else(|| panic!("no block for {name}"));
        let notices = |case: &Case| {
            assert!(says(case, law).is_ok_and(|count| count > 0), "{name} says nothing");
            let mut case = case.clone();
            plant(&mut case);
            says(&case, law).is_err()
        };
        assert!(cases.iter().any(notices), "{name} does not notice");
        silent.retain(|own| *own != name);
    }
    // Indexes of books are private to them; what is compared there is broken in the test below.
    assert_eq!(silent, ["I-17 indexes"]);
    println!("{} laws broken {} times, each noticed", BLOCK.len() - 1, PLANTS.len());
}

#[test]
fn indexes_that_differ_from_the_queues_are_noticed() {
    let id = types::SubaccountId { owner: types::Address::default(), number: 0 };
    let right = books::Counted::default().with(id, types::MarketId(0), clob::Kind::ShortTerm);
    assert!(books::same(&right, &right.clone()).is_ok());
    let wrong = right.clone().with(id, types::MarketId(0), clob::Kind::LongTerm);
    assert!(books::same(&right, &wrong).is_err());
}

#[test]
fn every_law_over_a_whole_state_notices_what_breaks_it() {
    let cases = cases();
    let verdict = |name: &str, memory: &Memory| {
        let law = WHOLE.iter().find(|(own, _)| *own == name).unwrap().1;
        Whole::of(memory).and_then(|whole| law(&whole))
    };
    let plants: [WholePlant; 6] = [
        ("I-1", |now| {
            alter(now, [0x15, 0x00], |account: &mut subaccounts::Subaccount| {
                account.quote += QuoteQuantums::new(1);
                true
            })
        }),
        ("I-2", |now| {
            alter(now, [0x10, 0x01], |supply: &mut u128| {
                *supply += 1;
                true
            })
        }),
        ("I-3, I-4", |now| {
            alter(now, [0x13, 0x00], |row: &mut perpetuals::Perpetual| {
                row.open_interest += num::BaseQuantums::new(1);
                true
            })
        }),
        ("I-9", |now| {
            let totals =
                insurance::Totals { start: QuoteQuantums::new(1 << 70), ..insurance::Totals::default() };
            now.set(&[0x16, 0x00], &borsh::to_vec(&totals).unwrap());
        }),
        ("I-15", |now| {
            // Every ask below every bid: where there are both, they meet.
            alter(now, [0x17, 0x02], |row: &mut clob::state::Row| {
                let sell = row.side == clob::Side::Sell;
                row.price = Subticks::new(if sell { 1 } else { 1 << 40 });
                true
            });
        }),
        ("I-17", |now| {
            let markets: Vec<_> = rows(now, [0x13, 0x00]).into_iter().map(|(key, _)| key).collect();
            for market in markets {
                now.set(&[&[0x13, 0x03], &market[2..]].concat(), &[1]);
            }
            alter(now, [0x15, 0x00], |account: &mut subaccounts::Subaccount| {
                let Some((market, position)) = account.positions.first().copied() else { return false };
                account.positions.push((types::MarketId(market.0 + 1), position));
                true
            });
        }),
    ];
    assert_eq!(plants.len(), WHOLE.len());
    for (name, plant) in plants {
        let notices = |case: &Case| {
            let mut memory = copy(&case.now);
            assert_eq!(verdict(name, &memory), Ok(()), "{name}");
            plant(&mut memory);
            verdict(name, &memory).is_err()
        };
        assert!(cases.values().flatten().any(notices), "{name} does not notice");
    }
}

#[test]
fn what_runs_twice_and_what_stays_for_ever_is_noticed() {
    let case = cases().remove("I-16").unwrap().remove(0);
    let machine = Machine::from_state(copy(&case.now)).unwrap();
    let seen = Seen::of(&machine, &case.before, case.last, (&case.input, &case.outcome)).unwrap();
    let mut ran = BTreeSet::new();
    assert!(clocks::once(&seen, &mut ran).is_ok_and(|count| count > 0));
    assert!(clocks::once(&seen, &mut ran).is_err());
    let height = case.input.height;
    let none = Default::default();
    assert!(books::growth(&case.now, machine.books(), (height, &none)).is_ok_and(|count| count > 4));
    assert!(books::growth(&case.now, machine.books(), (height + 1_000, &none)).is_err(), "spent ids stay");
    let mut less = copy(&case.now);
    less.savepoint();
    less.remove(&rows(&less, [0x17, 0x02])[0].0.clone());
    assert!(books::growth(&less, machine.books(), (height, &none)).is_err(), "an order has no row");
    assert!(app::invariants::check_rebuilt(machine.state(), machine.books()).is_ok());
    assert!(app::invariants::check_rebuilt(&case.before, machine.books()).is_err());
}
