//! A state with fees, and blocks on it.

use fees::{Desk, Fill, Genesis};
use num::QuoteQuantums;
use store::{Ctx, Memory};
use types::{Address, Block, Chain, Coin, Denom, Events, MarketId, Time};

pub(crate) const USD: i128 = 1_000_000;

pub(crate) fn chain() -> Chain {
    let collateral = Denom::new("uusdc").unwrap();
    Chain { chain_id: "test-1".into(), prefix: "ballast".into(), collateral }
}

pub(crate) fn user(byte: u8) -> Address {
    Address::new([byte; 20])
}

pub(crate) fn pool() -> Address {
    Address::module("subaccounts")
}

pub(crate) struct World {
    pub(crate) state: Memory,
    pub(crate) desk: Desk,
    pub(crate) seconds: i64,
    pub(crate) events: Events,
}

impl World {
    pub(crate) fn new(genesis: &Genesis) -> Self {
        let (state, desk) = (Memory::default(), Desk::default());
        let mut world = Self { state, desk, seconds: 0, events: Events::default() };
        world.run(|ctx, _| {
            bank::genesis::init(ctx, &bank::Genesis::default()).unwrap();
            insurance::genesis::init(ctx, &insurance::Genesis::default()).unwrap();
            fees::genesis::init(ctx, genesis).unwrap();
            let coin = Coin { denom: ctx.chain.collateral.clone(), amount: 1 << 90 };
            bank::mint(ctx, &pool(), &coin).unwrap();
        });
        world
    }

    pub(crate) fn run<T>(&mut self, f: impl FnOnce(&mut Ctx<'_>, &mut Desk) -> T) -> T {
        let time = Time::from_unix(self.seconds, 0);
        let block = Block { height: 1, time, previous_time: time };
        let Self { state, desk, events, .. } = self;
        f(&mut Ctx { state, events, block: &block, chain: &chain() }, desk)
    }

    /// A whole block at `seconds`.
    pub(crate) fn block<T>(&mut self, seconds: i64, f: impl FnOnce(&mut Ctx<'_>, &mut Desk) -> T) -> T {
        self.seconds = seconds;
        let answer = self.run(|ctx, desk| {
            desk.begin_block(ctx);
            let answer = f(ctx, desk);
            desk.end_block(ctx);
            answer
        });
        self.state.take_changes();
        answer
    }

    pub(crate) fn holds(&self, address: &Address) -> u128 {
        bank::balance(&self.state, address, &chain().collateral)
    }

    /// Totals are the sums of their hours, and the index of hours is the hours turned around (I3, I4).
    pub(crate) fn sums_hold(&self) {
        use store::Read;
        let hours = fees::genesis::export(&self.state).hours;
        let mut users = std::collections::BTreeMap::<Address, (i128, i128)>::new();
        for ((user, _), volume) in &hours {
            let sum = users.entry(*user).or_default();
            *sum = (sum.0 + volume.maker.raw(), sum.1 + volume.taker.raw());
        }
        let rows = |table: u8| {
            let mut rows = Vec::new();
            let end = [0x14, table + 1];
            let mut next =
                self.state.next(std::ops::Bound::Included(&[0x14, table]), std::ops::Bound::Excluded(&end));
            while let Some((key, value)) = next {
                next = self.state.next(std::ops::Bound::Excluded(&key), std::ops::Bound::Excluded(&end));
                rows.push((key, value));
            }
            rows
        };
        let kept: Vec<(Address, (i128, i128))> = rows(4)
            .iter()
            .map(|(key, value)| {
                let total: fees::volumes::Total = borsh::from_slice(value).unwrap();
                let volume = (total.volume.maker.raw(), total.volume.taker.raw());
                (Address::new(key[2..].try_into().unwrap()), volume)
            })
            .collect();
        assert_eq!(kept, users.into_iter().collect::<Vec<_>>());
        let mut due: Vec<(Address, u32)> = rows(6)
            .iter()
            .map(|(key, _)| {
                let hour = u32::from_be_bytes(key[2..6].try_into().unwrap());
                (Address::new(key[6..].try_into().unwrap()), hour)
            })
            .collect();
        due.sort_unstable();
        assert_eq!(due, hours.iter().map(|(key, _)| *key).collect::<Vec<_>>());
    }
}

pub(crate) fn fill(maker: u8, taker: u8, quote: i128, fees: i128) -> Fill {
    let (quote, fees) = (QuoteQuantums::new(quote), QuoteQuantums::new(fees));
    Fill { market: MarketId(0), pool: pool(), maker: user(maker), taker: user(taker), quote, fees }
}
