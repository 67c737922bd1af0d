//! Words of the model: markets, accounts, orders, and what happens to them.

use crate::money::Int;

/// What a refusal is told apart by.
pub type Code = (&'static str, u32);

pub const fn clob(code: u32) -> Code {
    ("clob", code)
}

/// Why an order is gone that was refused when its moment came.
pub const fn gone(code: Code) -> &'static str {
    match code.1 {
        3007 => "undercollateralized",
        2001 => "reduce_only",
        2003 => "post_only",
        2005 => "isolated",
        20_011 => "open_interest_cap",
        _ => "refused",
    }
}

/// What a market takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Active,
    Paused,
    CancelOnly,
    PostOnly,
    Initializing,
    FinalSettlement,
}

/// A market as the documents describe it.
#[derive(Clone, Debug)]
pub struct Market {
    pub id: u32,
    pub price_exponent: i32,
    pub atomic_resolution: i32,
    pub conversion_exponent: i32,
    pub step: u64,
    pub tick: u64,
    /// In ppm; trades count five times as far from the oracle price.
    pub min_price_change: i64,
    pub initial_ppm: i64,
    pub fraction_ppm: i64,
    pub lower_cap: u64,
    pub upper_cap: u64,
    /// Quote quantums at the oracle price above which open interest does not grow.
    pub cap: Option<u64>,
    pub impact_notional: u64,
    pub default_funding: i64,
    /// Whether its collateral and fund stand apart from all others.
    pub isolated: bool,
    pub status: Status,
    pub price: u64,
    /// Seconds at which the price was agreed on.
    pub priced_at: Option<i64>,
    pub open: Int,
    pub index: Int,
    /// Premiums of this hour: their sum, and how many.
    pub samples: (Int, u64),
}

impl Market {
    pub fn is_active(&self) -> bool {
        self.status == Status::Active
    }

    /// Power of ten of one base quantum at the oracle price, in quote quantums.
    pub fn oracle_exponent(&self) -> i32 {
        self.price_exponent + self.atomic_resolution + 6
    }
}

/// A position: size and the index at which it was settled last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    pub market: u32,
    pub size: Int,
    pub index: Int,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Number of the person.
    pub owner: usize,
    pub number: u32,
    pub quote: Int,
    pub positions: Vec<Position>,
    /// Market and initial margin share in ppm that the user has set.
    pub shares: Vec<(u32, i64)>,
}

impl Account {
    pub fn size(&self, market: u32) -> Int {
        self.positions.iter().find(|position| position.market == market).map_or(Int::ZERO, |p| p.size.clone())
    }
}

/// Name of an order; the account by its place in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id {
    pub account: usize,
    pub market: u32,
    pub flags: u32,
    pub client: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Until {
    Block(u32),
    Time(u32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Force {
    Rest,
    Immediate,
    PostOnly,
    FillOrKill,
}

/// Who goes when two orders of one account meet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MeetsOwn {
    #[default]
    Maker,
    Taker,
    Both,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    pub id: Id,
    pub buy: bool,
    pub price: u64,
    pub size: u64,
    pub until: Until,
    pub force: Force,
    pub reduce_only: bool,
    pub metadata: u32,
    /// Stop-loss (1) or take-profit (2), and the trigger.
    pub condition: Option<(i32, u64)>,
    /// Seconds in all, seconds between slices, tolerance in ppm.
    pub twap: Option<(u32, u32, u32)>,
    /// Who brought it, a person's number, and what they get, in ppm.
    pub builder: Option<(usize, u32)>,
    /// What happens when it meets an order of its own account.
    pub meets_own: MeetsOwn,
    /// Whether it takes the place of the one that rests.
    pub replaces: bool,
    /// SHA-256 of its bytes on the wire; filled in by whoever encodes it.
    pub hash: [u8; 32],
}

/// Where coins go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purse {
    /// The wallet of an owner.
    Wallet(usize),
    /// A pool, in which they belong to nobody.
    Pool,
    /// The insurance fund of an isolated market, or that of all others.
    Fund(Option<u32>),
    /// Whoever collects fees.
    Collector,
    /// Where the model does not look.
    Away,
}

/// What people ask.
#[derive(Clone, Debug)]
pub enum Op {
    Place(Order),
    Cancel(Id, Until),
    Batch {
        account: usize,
        markets: Vec<(u32, Vec<u32>)>,
        until: u32,
    },
    /// Orders and cancels of one account under one signature; all of them or none, or each by itself.
    Many {
        account: usize,
        atomic: bool,
        parts: Vec<Op>,
    },
    Deposit {
        account: usize,
        amount: u64,
    },
    Withdraw {
        account: usize,
        amount: u64,
    },
    Transfer {
        from: usize,
        to: usize,
        amount: u64,
    },
    /// Coins from a wallet to somewhere else.
    Give {
        from: usize,
        to: Purse,
        amount: u64,
    },
    /// The user's own initial margin share.
    Leverage {
        account: usize,
        market: u32,
        ppm: u32,
    },
    /// By the authority: what a market takes.
    Become {
        market: u32,
        status: Status,
    },
    /// By the authority: the part of its rates that a market charges, in ppm, for so many seconds from a moment on.
    Discount {
        market: u32,
        start: i64,
        seconds: i64,
        charge: u32,
    },
}

/// What happened, in the order in which it did.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Note {
    Fill {
        market: u32,
        price: u64,
        size: u64,
        quote: Int,
        maker: Id,
        maker_left: u64,
        maker_fee: Int,
        taker: usize,
        taker_fee: Int,
        /// What the insurance fund got, when the chain closed the position.
        insurance: Option<Int>,
    },
    Placed(Id, u64),
    /// It wants so much now, where it stands.
    Resized(Id, u64),
    /// Of orders that wait: what happened, and a price or a size.
    Later {
        kind: String,
        id: Id,
        amount: u64,
    },
    Removed {
        id: Id,
        reason: String,
        left: u64,
        rested: bool,
    },
    Liquidated {
        account: usize,
        market: u32,
        size: Int,
        filled: Int,
        limit: u64,
        quote: Int,
        insurance: Int,
    },
    Deleveraged {
        account: usize,
        other: usize,
        market: u32,
        size: Int,
        quote: Int,
    },
    /// Two positions of a market that is over.
    Settled {
        account: usize,
        other: usize,
        market: u32,
        size: Int,
        quote: Int,
    },
}

/// Answer to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub refused: Option<(String, u32)>,
    pub notes: Vec<Note>,
    /// Of a batch: which ids held.
    pub held: Vec<(u32, u32)>,
}
