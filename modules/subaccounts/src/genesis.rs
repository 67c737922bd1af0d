//! Accounts at the start of a chain. Their money is part of the bank's genesis.

use alloc::vec::Vec;

use borsh::{BorshDeserialize, BorshSerialize};
use num::Ppm;
use perpetuals::Collateral;
use store::{Ctx, Read};
use types::{MarketId, SubaccountId, MAX_SUBACCOUNT_NUMBER};

use crate::invariants::audit;
use crate::isolated::open_pool;
use crate::state::{
    dust_of, funding_dust, page, write, Subaccount, FUNDING_DUST, LEVERAGE, NEGATIVE_SEEN, OUTAGE_SEEN, POOL,
};
use crate::Error;

/// What the module starts with.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Genesis {
    /// Accounts that hold something, in rising order.
    pub accounts: Vec<(SubaccountId, Subaccount)>,
    /// Funding that rounding left in the pool, in millionths of a quote quantum.
    pub funding_dust: i128,
    /// Height at which an account below zero was last seen in the pool of cross markets.
    pub negative_seen: Option<u64>,
    /// Height of the first block after the last outage.
    pub outage_seen: Option<u64>,
    /// Dust and the height of the last account below zero in the pools of isolated markets, in rising order.
    pub isolated: Vec<(MarketId, i128, Option<u64>)>,
    /// Initial margin shares that accounts have set for themselves, in rising order.
    pub leverage: Vec<(SubaccountId, Vec<(MarketId, Ppm)>)>,
}

/// Write `genesis` into a state that already has balances, prices and perpetuals, and no accounts. Refused when
/// accounts, pool and open interest do not add up (I1 to I3).
pub fn init(ctx: &mut Ctx<'_>, genesis: &Genesis) -> Result<(), Error> {
    bank::register_module(ctx, POOL);
    let mut last = None;
    for (id, account) in &genesis.accounts {
        if last.replace(*id) >= Some(*id) || !is_sound(id, account) {
            return Err(Error::GenesisAccount(*id));
        }
        write(&mut store::Batch::new(ctx.state), id, account);
    }
    let cross = (Collateral::Cross, genesis.funding_dust, genesis.negative_seen);
    let own =
        |(market, dust, seen): &(MarketId, i128, Option<u64>)| (Collateral::Isolated(*market), *dust, *seen);
    for (of, dust, seen) in core::iter::once(cross).chain(genesis.isolated.iter().map(own)) {
        if dust != 0 {
            FUNDING_DUST.set(ctx.state, &of.address(POOL), &dust);
        }
        if let Some(height) = seen {
            NEGATIVE_SEEN.set(ctx.state, &of.address(POOL), &height);
        }
    }
    for market in perpetuals::isolated(ctx.state.as_read()) {
        open_pool(ctx, market);
    }
    for (id, leverage) in &genesis.leverage {
        LEVERAGE.set(ctx.state, id, leverage);
    }
    if let Some(height) = genesis.outage_seen {
        OUTAGE_SEEN.set(ctx.state, &height);
    }
    let audit = audit(ctx.state, &ctx.chain.collateral).ok_or(Error::OutOfRange)?;
    if let Some(pool) = audit.unsound_pool() {
        return Err(Error::GenesisPool { pool: pool.held, owed: pool.owed_ppm().unwrap_or_default() });
    }
    if let Some(id) = audit.mixed {
        return Err(Error::GenesisAccount(id));
    }
    match audit.unequal_market(ctx.state) {
        Some(market) => Err(Error::GenesisOpenInterest(market)),
        None => Ok(()),
    }
}

fn is_sound(id: &SubaccountId, account: &Subaccount) -> bool {
    let sorted = account.positions.is_sorted_by(|(one, _), (next, _)| one < next);
    let open = account.positions.iter().all(|(_, position)| !position.base.is_zero());
    id.number <= MAX_SUBACCOUNT_NUMBER && !account.is_empty() && sorted && open
}

/// The state as a genesis. Reads every account.
pub fn export(state: &dyn Read) -> Genesis {
    let seen = |of: Collateral| NEGATIVE_SEEN.get(state, &of.address(POOL));
    let own = |market| {
        let of = Collateral::Isolated(market);
        (market, dust_of(state, of), seen(of))
    };
    Genesis {
        accounts: page(state, None, usize::MAX),
        funding_dust: funding_dust(state),
        negative_seen: seen(Collateral::Cross),
        outage_seen: OUTAGE_SEEN.get(state),
        isolated: perpetuals::isolated(state).into_iter().map(own).collect(),
        leverage: LEVERAGE.scan(state, &(), usize::MAX),
    }
}
