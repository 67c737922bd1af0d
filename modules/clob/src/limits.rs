//! How much an owner may ask: orders by what the account is worth, messages by block.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use borsh::{BorshDeserialize, BorshSerialize};
use store::{Ctx, Key, Read};
use types::{Address, Block, SubaccountId};

use crate::arena::{Arena, Handle};
use crate::books::Books;
use crate::error::Error;
use crate::index::{Hasher, Index};
use crate::order::OrderId;
use crate::params::{limit_of, Params};
use crate::state::{params, USAGE};

/// Steps that a window of many blocks is counted in: it never forgets early, and late by one step at most.
const STEPS: u32 = 100;

/// What a budget is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum Family {
    /// Short-term orders and cancels.
    ShortTerm,
    /// Orders that live until a time. Their cancels are free.
    Stateful,
    /// Changes of leverage.
    Leverage,
}

impl Family {
    /// Its name in errors.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ShortTerm => "short-term orders and cancels",
            Self::Stateful => "stateful orders",
            Self::Leverage => "changes of leverage",
        }
    }

    const fn number(self) -> u8 {
        match self {
            Self::ShortTerm => 0,
            Self::Stateful => 1,
            Self::Leverage => 2,
        }
    }
}

impl Key for Family {
    fn write(&self, out: &mut store::KeyBytes) {
        self.number().write(out);
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        match u8::read(bytes)? {
            0 => Some(Self::ShortTerm),
            1 => Some(Self::Stateful),
            2 => Some(Self::Leverage),
            _ => None,
        }
    }
}

/// At most so many messages of an owner in so many blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Window {
    /// Blocks, the current one included.
    pub blocks: u32,
    /// Messages.
    pub limit: u32,
}

/// Windows of each family; all of a family must have room.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct RateLimits {
    /// For short-term orders and cancels; at most 2,000 blocks and 10,000,000 messages.
    pub short_term: Vec<Window>,
    /// For orders that live until a time; at most 10,000 blocks and 1,000,000 messages.
    pub stateful: Vec<Window>,
    /// For changes of leverage; at most 2,000 blocks and 10,000 messages.
    pub leverage: Vec<Window>,
}

impl Default for RateLimits {
    fn default() -> Self {
        let windows = |windows: &[(u32, u32)]| {
            windows.iter().map(|(blocks, limit)| Window { blocks: *blocks, limit: *limit }).collect()
        };
        Self {
            short_term: windows(&[(1, 400)]),
            stateful: windows(&[(1, 50), (100, 500)]),
            leverage: windows(&[(1, 5), (100, 50)]),
        }
    }
}

impl RateLimits {
    /// No limits at all.
    pub const NONE: Self = Self { short_term: Vec::new(), stateful: Vec::new(), leverage: Vec::new() };

    /// Windows of a family.
    pub fn of(&self, family: Family) -> &[Window] {
        match family {
            Family::ShortTerm => &self.short_term,
            Family::Stateful => &self.stateful,
            Family::Leverage => &self.leverage,
        }
    }

    /// Whether every window is within its bounds, and no family has two of the same length.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let bounds = [
            (Family::ShortTerm, 2_000, 10_000_000),
            (Family::Stateful, 10_000, 1_000_000),
            (Family::Leverage, 2_000, 10_000),
        ];
        for (family, blocks, limit) in bounds {
            let windows = self.of(family);
            let wrong = |reason| Err(Error::RateParam { family: family.name(), reason });
            for (at, window) in windows.iter().enumerate() {
                if window.blocks == 0 || window.blocks > blocks {
                    return wrong("a window has no blocks or too many");
                }
                if window.limit == 0 || window.limit > limit {
                    return wrong("a window has no limit or too high a one");
                }
                if windows.iter().skip(at.saturating_add(1)).any(|other| other.blocks == window.blocks) {
                    return wrong("two windows have the same length");
                }
            }
        }
        Ok(())
    }
}

fn longest(windows: &[Window]) -> u32 {
    windows.iter().map(|window| window.blocks).max().unwrap_or_default()
}

/// The last height of the step in which `height` is counted.
fn step_of(windows: &[Window], height: u64) -> u64 {
    let step = u64::from(longest(windows).div_ceil(STEPS).max(1));
    height.div_ceil(step).saturating_mul(step)
}

/// What an owner used in blocks before this one: heights, oldest first, and counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Usage(pub Vec<(u64, u32)>);

impl Usage {
    /// What of it a window that ends at `height` still sees.
    fn within(&self, window: &Window, height: u64) -> u64 {
        let seen = self.0.iter().rev();
        let seen = seen.take_while(|(at, _)| at.saturating_add(window.blocks.into()) > height);
        seen.map(|(_, count)| u64::from(*count)).sum()
    }

    fn add(&mut self, windows: &[Window], height: u64, count: u32) {
        let longest = u64::from(longest(windows));
        self.0.retain(|(at, _)| at.saturating_add(longest) > height);
        let step = step_of(windows, height);
        match self.0.last_mut() {
            Some((at, sum)) if *at == step => *sum = sum.saturating_add(count),
            Some(_) | None => self.0.push((step, count)),
        }
    }

    /// Height from which on nobody needs it.
    fn until(&self, windows: &[Window]) -> u64 {
        self.0.last().map_or(0, |(at, _)| at.saturating_add(longest(windows).into()))
    }
}

/// What an owner used in the last block in which it asked for something, in one cache line.
#[derive(Debug)]
#[repr(align(64))]
struct Charged {
    key: (Family, Address),
    /// Number of that block.
    block: u64,
    now: u32,
    /// What earlier blocks left in each window; nothing when all windows are of one block.
    before: Vec<u64>,
}

/// Owners that are remembered from block to block, so that theirs is not fresh memory.
const KEPT: usize = 65_536;

/// What owners use in this block: found by hash, listed as they came.
#[derive(Debug)]
struct Charges {
    owners: Arena<Charged>,
    index: Index,
    hasher: Hasher,
    /// Number of this block.
    block: u64,
    /// Who asked for something in this block, each once.
    charged: Vec<Handle>,
}

impl Charges {
    fn new(hasher: Hasher) -> Self {
        let (owners, index) = (Arena::default(), Index::default());
        Self { owners, index, hasher, block: 0, charged: Vec::new() }
    }

    /// What an owner uses in this block; `fill` writes down what earlier blocks left.
    fn of(&mut self, key: (Family, Address), fill: impl FnOnce(&mut Vec<u64>)) -> &mut Charged {
        let Self { owners, index, hasher, block, charged } = self;
        let hash = hasher.owner(&key.1, key.0.number().into());
        let found = index.find(hash, |handle| owners.get(handle).key == key);
        let handle = found.unwrap_or_else(|| {
            let handle = owners.insert(Charged { key, block: u64::MAX, now: 0, before: Vec::new() });
            index.insert(hash, handle);
            handle
        });
        let owner = owners.get_mut(handle);
        if owner.block != *block {
            charged.push(handle);
            (owner.block, owner.now) = (*block, 0);
            owner.before.clear();
            fill(&mut owner.before);
        }
        owner
    }

    /// The next block begins.
    fn clear(&mut self) {
        if self.index.len() > KEPT {
            *self = Self::new(self.hasher);
        }
        self.block = self.block.saturating_add(1);
        self.charged.clear();
    }
}

/// Bounds and budgets of this block, and the rows of earlier blocks that will go.
#[derive(Debug)]
pub(crate) struct Budgets {
    /// Parameters, which stand still in a block.
    pub(crate) params: Params,
    /// Resting orders that orders and liquidations of this block have met, and counterparties that were asked.
    /// Undoing a message does not give them back.
    pub(crate) met: u32,
    charges: Charges,
    due: BTreeSet<(u64, (Family, Address))>,
}

impl Budgets {
    pub(crate) fn new(hasher: Hasher) -> Self {
        let (params, charges) = (Params::default(), Charges::new(hasher));
        Self { params, met: 0, charges, due: BTreeSet::new() }
    }

    /// Resting orders that orders of this block may still meet.
    pub(crate) const fn fills_left(&self) -> u32 {
        self.params.max_block_fills.saturating_sub(self.met)
    }

    /// Hash of what the owner of an order may ask of its kind.
    #[inline]
    pub(crate) fn hash(&self, id: &OrderId) -> u32 {
        let family = if id.kind.is_stateful() { Family::Stateful } else { Family::ShortTerm };
        self.charges.hasher.owner(&id.subaccount.owner, family.number().into())
    }

    /// Ask memory for the place of this hash.
    #[inline]
    pub(crate) fn touch(&self, hash: u32) -> u64 {
        self.charges.index.touch(hash)
    }

    /// Ask memory for what probably has this hash.
    #[inline]
    pub(crate) fn look(&self, hash: u32) -> u64 {
        let Charges { owners, index, .. } = &self.charges;
        owners.look(index.glance(hash)).map_or(0, |owner| owner.now.into())
    }

    /// The same for liquidations, which have a share that orders do not touch.
    const fn liquidation_fills_left(&self) -> u32 {
        let most = self.params.max_block_fills.saturating_add(self.params.liquidation_fills);
        most.saturating_sub(self.met)
    }

    /// So many more were met.
    pub(crate) const fn meet(&mut self, count: u32) {
        self.met = self.met.saturating_add(count);
    }

    /// Look at a row again at `height`.
    pub(crate) fn keep(&mut self, key: (Family, Address), usage: &Usage) {
        self.due.insert((self.until(&key, usage), key));
    }

    /// Height from which on nobody needs it.
    fn until(&self, key: &(Family, Address), usage: &Usage) -> u64 {
        usage.until(self.params.rate_limits.of(key.0))
    }

    fn due(&mut self, height: u64) -> Option<(Family, Address)> {
        let (at, _) = self.due.first()?;
        if *at > height {
            return None;
        }
        self.due.pop_first().map(|(_, key)| key)
    }
}

impl Books {
    /// Resting orders that this block has met so far, and counterparties that were asked. Undoing a step does not
    /// give them back.
    pub const fn fills_met(&self) -> u32 {
        self.budgets.met
    }

    /// Resting orders and counterparties that liquidations of this block may still meet.
    pub const fn liquidation_fills_left(&self) -> u32 {
        self.budgets.liquidation_fills_left()
    }

    /// Take `count` counterparties that were asked without the book from the block's share.
    pub const fn meet(&mut self, count: u32) {
        self.budgets.meet(count);
    }
}

fn refusal(family: Family, window: &Window) -> Error {
    Error::RateLimit { family: family.name(), limit: window.limit, blocks: window.blocks }
}

/// Count `weight` messages of `owner`. Refused (5001) when a window has no room. Undoing a message does not give
/// its share back: a refused message has taken its share of the block too.
pub fn charge(
    ctx: &Ctx<'_>,
    books: &mut Books,
    owner: Address,
    (family, weight): (Family, u32),
) -> Result<(), Error> {
    if weight == 0 {
        return Ok(());
    }
    let Budgets { params, charges, .. } = &mut books.budgets;
    let windows = params.rate_limits.of(family);
    let height = ctx.block.height;
    let charged = charges.of((family, owner), |before| {
        if longest(windows) > 1 {
            let usage = USAGE.get(ctx.state.as_read(), &(family, owner)).unwrap_or_default();
            before.extend(windows.iter().map(|window| usage.within(window, height)));
        }
    });
    charged.now = charged.now.saturating_add(weight);
    for (at, window) in windows.iter().enumerate() {
        let before = charged.before.get(at).copied().unwrap_or_default();
        if before.saturating_add(charged.now.into()) > u64::from(window.limit) {
            return Err(refusal(family, window));
        }
    }
    Ok(())
}

/// Whether earlier blocks left room for `weight` messages of `owner` in `block`: what a mempool may ask.
pub fn room(
    state: &dyn Read,
    block: &Block,
    owner: Address,
    (family, weight): (Family, u32),
) -> Result<(), Error> {
    let params = params(state);
    let windows = params.rate_limits.of(family);
    let usage = if longest(windows) > 1 { USAGE.get(state, &(family, owner)) } else { None };
    let usage = usage.unwrap_or_default();
    for window in windows {
        let used = usage.within(window, block.height).saturating_add(weight.into());
        if used > u64::from(window.limit) {
            return Err(refusal(family, window));
        }
    }
    Ok(())
}

/// Before a block: look up its parameters, forget what no window sees any more.
pub(crate) fn begin_block(ctx: &mut Ctx<'_>, books: &mut Books) {
    let params = params(ctx.state.as_read());
    let changed = params.rate_limits != books.budgets.params.rate_limits;
    (books.budgets.params, books.budgets.met) = (params, 0);
    if changed {
        // When a row goes must follow from rows and parameters alone, whoever remembers older parameters.
        for (_, key) in core::mem::take(&mut books.budgets.due) {
            if let Some(usage) = USAGE.get(ctx.state.as_read(), &key) {
                books.budgets.keep(key, &usage);
            }
        }
    }
    while let Some(key) = books.budgets.due(ctx.block.height) {
        match USAGE.get(ctx.state.as_read(), &key) {
            Some(usage) if books.budgets.until(&key, &usage) <= ctx.block.height => {
                USAGE.remove(ctx.state, &key);
            }
            // It was used again, or windows have become longer.
            Some(usage) => books.budgets.keep(key, &usage),
            None => {}
        }
    }
}

/// After a block: write what was used, begin new budgets.
pub(crate) fn end_block(ctx: &mut Ctx<'_>, books: &mut Books) {
    let Budgets { params, charges, due, .. } = &mut books.budgets;
    for handle in &charges.charged {
        let Charged { key, now, .. } = *charges.owners.get(*handle);
        let windows = params.rate_limits.of(key.0);
        if longest(windows) <= 1 {
            continue;
        }
        let mut usage = USAGE.get(ctx.state.as_read(), &key).unwrap_or_default();
        usage.add(windows, ctx.block.height, now);
        due.insert((usage.until(windows), key));
        USAGE.set(ctx.state, &key, &usage);
    }
    charges.clear();
}

/// Which orders a tier counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counted {
    /// Short-term orders that rest or go on in the next block.
    ShortTerm,
    /// Orders that live until a time: those that rest, wait for a trigger, are placed in slices, or go on in the
    /// next block.
    Stateful,
}

/// Whether the account is worth one more order (10001).
pub(crate) fn within_tier(books: &Books, id: SubaccountId, counted: Counted) -> Result<(), Error> {
    let params = &books.budgets.params;
    let tiers = match counted {
        Counted::ShortTerm => &params.short_term_equity_tiers,
        Counted::Stateful => &params.equity_tiers,
    };
    if tiers.is_empty() {
        return Ok(());
    }
    let count = match counted {
        Counted::ShortTerm => books.short_term(&id),
        Counted::Stateful => books.stateful(&id).saturating_add(books.waiting.count(&id)),
    };
    let count = count.saturating_add(books.parked.of_holder(&id, counted == Counted::Stateful));
    let risk = books.accounts.risk(&id).map_err(Error::Subaccount)?;
    match limit_of(tiers, risk.net_collateral) {
        Some(limit) if count >= limit => Err(Error::EquityTier { id, count, limit }),
        Some(_) | None => Ok(()),
    }
}
