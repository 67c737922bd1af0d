//! A market that stands still and asks no fees: whoever trades there only with itself cannot gain, by no rounding,
//! no funding, no liquidation and no fund.

use app::genesis::{Balance, GenesisCoin};
use scenario::{Dice, Wallet, World};

use crate::agents::{Agents, Role, Tally};
use crate::crowd::USD;
use crate::laws::Laws;
use crate::market::Market;

/// What a group had and has, in millionths of a quote quantum, and what it did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frozen {
    /// What its wallets and accounts were worth at the start.
    pub before: i128,
    /// The most that they were worth after a block, less `before`.
    pub gain: i128,
    /// What they were worth at the end.
    pub after: i128,
    /// Trades.
    pub fills: u64,
    /// What became of what they sent.
    pub tally: Tally,
}

/// Seconds from block to block: funding ticks every nine.
const SECONDS: i64 = 7;

const PPM: i128 = 1_000_000;

/// Let only agents of these kinds act for `blocks` blocks. Every law is checked after each.
///
/// # Errors
/// With the block and what does not hold.
pub fn frozen(roles: &[Role], seed: u64, blocks: u64) -> Result<Frozen, String> {
    let mut dice = Dice::new(seed);
    let mut agents = Agents::only(roles, &mut dice);
    let mut app = crate::swarm::document(&mut dice);
    app.fee_tiers.truncate(1);
    for tier in &mut app.fee_tiers {
        (tier.maker_ppm, tier.taker_ppm) = (0, 0);
    }
    let coins = vec![GenesisCoin { denom: app.collateral.clone(), amount: (500 * USD).to_string() }];
    let address = "module:insurance_fund".to_owned();
    app.balances.retain(|balance| balance.address != address);
    app.balances.push(Balance { address, coins });
    agents.prepare(&mut app);
    let market = Market::new(&app, &mut dice);
    let mut world = World::with(app, &agents.people(), 100_000 * USD);
    (world.machine.full_checks, world.block_seconds) = (false, SECONDS);
    let people: Vec<String> = agents.people().into_iter().map(str::to_owned).collect();
    let mut laws = Laws::new(&mut world.machine);
    let before = worth(&world, &people)?;
    let mut told = Frozen { before, after: before, gain: i128::MIN, ..Frozen::default() };
    for height in 1..=blocks {
        for tx in agents.act(&world, &market, &mut dice) {
            world.submit(tx);
        }
        let input = world.propose();
        let changes = world.execute(&input).map_err(|fault| fault.to_string())?;
        laws.after_block(&world.machine, &input, &world.last, &changes)
            .map_err(|reason| format!("block {height}: {reason}"))?;
        agents.hear(&input, &world.last);
        told.fills += world.last.summary.fills;
        told.after = worth(&world, &people)?;
        told.gain = told.gain.max(told.after - before);
    }
    told.tally = agents.tally().clone();
    Ok(told)
}

/// What these people hold in wallets and accounts, in millionths of a quote quantum, funding included. Positions of
/// a group that trades only with itself cancel out exactly, so that no price rounds anything.
fn worth(world: &World, people: &[String]) -> Result<i128, String> {
    let owners: Vec<_> = people.iter().map(|person| Wallet::new(person).address()).collect();
    let state = world.machine.state();
    let mut sum = 0;
    for person in people {
        sum += i128::try_from(world.wallet(person)).map_err(|error| error.to_string())? * PPM;
    }
    for (id, account) in subaccounts::page(state, None, usize::MAX) {
        if !owners.contains(&id.owner) {
            if account.positions.is_empty() {
                continue;
            }
            return Err(format!("{id} is a stranger with a position"));
        }
        sum += account.quote.raw() * PPM;
        for (market, position) in &account.positions {
            let index = perpetuals::perpetual(state, *market).ok_or("a position in no market")?.funding_index;
            sum += subaccounts::settle::settlement_ppm(position, index).ok_or("funding outgrows 128 bits")?;
        }
    }
    Ok(sum)
}
