//! A small language for market stories, told in tests and in the modules' documents.
//!
//! Each line is one act, and by default one block: a signed transaction, a price, time. `=>` says what must be
//! true now, exactly. Amounts are USD and coins, with as many decimal places as the chain has.
//!
//! ```text
//! market BTC 20% 10%              before the first act: initial and maintenance margin of notional
//! market BTC open 1 2             before the first act: open interest from and until which its margin rises
//! market BTC cap 1000             before the first act: what its open interest may be worth at most
//! isolated BTC                    before the first act: it has its own pool and insurance fund
//! fees 0.05% -0.011%              before the first act: taker and maker
//! band 0%                         before the first act: how far from the oracle price takers trade; 0: anywhere
//! step 5%                         before the first act: how far an oracle price moves in a block; 0: anywhere
//! recovery 60 10                  before the first act: after how many seconds, for how many blocks
//! withdrawals 10%                 before the first act: of notional, what money that leaves must leave
//! insurance 1000                  before the first act: what the fund begins with
//! liquidations max_fee_ppm 5000   before the first act: a limit of the genesis document
//! alice has 100                   before the first act: what is in her wallet (else 1,000,000,000)
//!
//! alice deposits 100000           into her subaccount 0; `alice/3` is her subaccount 3
//! alice withdraws 5000
//! alice transfers 5000 to bob/1
//! alice sends 5000 to bob
//! alice sells 1 BTC @ 50000       words after it: ioc, post-only, reduce-only, long-term, as 7, til 5
//!                                 stop 49000, take 52000: waits for that price; for 60: seconds that it lives
//!                                 twap 300 every 60 within 50000: seconds, seconds, ppm of the oracle price
//!                                 builder bob 1000: ppm for the one whose software sent it
//! alice cancels 7                 an order `as 7`; several numbers are a batch; `long-term`, `conditional`,
//!                                 `twap`
//! oracle BTC 44000                what the validator votes from the next block on; `silent`: nothing
//! together                        the acts that follow wait for the next `block`
//! block | blocks 5 | blocks 5 every 60
//! wait 90                         one block, 90 seconds later
//! restart                         kill the machine and start it again from its state
//!
//! => fill 1 @ 50000               the next fill of the last act; `=> no fill`: there is no further one
//! => refused clob/3007            the act was; a refusal that nobody expects ends the story
//! => alice quote 50000 BTC 1      collateral, and every position that is not zero
//! => alice equity 500 wallet 20   net collateral; what is outside subaccounts
//! => book BTC: 1 @ 49000 | 2 @ 50000
//! => insurance 0 | => fees 12 | => oracle BTC 44000 | => oracle BTC stale (halted, post_only, live) | => open BTC 1
//! => network halted (stale, post_only, live)   whether any market gets prices
//! => pool BTC 20 | => insurance BTC 0   of an isolated market
//! => funding BTC 625              the market's funding index
//! => liquidated carl 0.1 BTC fund -5 | => deleveraged carl dave 1 BTC
//! => count order_removed 2        events of that kind in the last act
//! ```
//!
//! After every block all conservation laws are checked over the whole state.

use std::collections::VecDeque;

use app::genesis::{Balance, GenesisCoin};
use app::{AppState, Refusal};
use types::Event;

use crate::wallet::Wallet;
use crate::world::{name_and_number, World};

mod act;
mod expect;
mod setup;
mod words;

/// What a story took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Things that it says must be true, and were.
    pub expectations: usize,
    /// Blocks that it made.
    pub blocks: u64,
}

/// Where a story is not true, or makes no sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Untrue {
    /// Line, counted from 1.
    pub line: usize,
    /// Its text.
    pub text: String,
    /// What is wrong, with both values.
    pub reason: String,
}

impl std::fmt::Display for Untrue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: {}: {}", self.line, self.text, self.reason)
    }
}

impl std::error::Error for Untrue {}

/// Tell a story to its end, or to the first line that is not true.
pub fn play(story: &str) -> Result<Told, Untrue> {
    let mut teller = Teller::new(story);
    for (index, line) in story.lines().enumerate() {
        let text = line.split('#').next().unwrap_or_default().trim();
        let untrue = |reason| Untrue { line: index + 1, text: text.into(), reason };
        teller.line(text).map_err(untrue)?;
    }
    let last = story.lines().count();
    let untrue = |reason| Untrue { line: last, text: "the end".into(), reason };
    teller.no_surprise().map_err(untrue)?;
    teller.told.blocks = teller.world.map_or(0, |world| world.height());
    Ok(teller.told)
}

/// Tell a story in a test.
///
/// # Panics
/// With the line and both values when it is not true.
pub fn tell(story: &str) {
    if let Err(untrue) = play(story) {
        panic!("{untrue}");
    }
}

/// Verbs that people do; who does one has a wallet from the start.
const VERBS: [&str; 7] = ["deposits", "withdraws", "transfers", "sends", "buys", "sells", "cancels"];

/// What a person has in the wallet when the story does not say: 10^9 USD.
const WEALTH: u64 = 1_000_000_000_000_000;

/// A story while it is told.
struct Teller {
    /// The genesis document, until the first act.
    app: AppState,
    people: Vec<String>,
    world: Option<World>,
    /// Client id of the next order that names none.
    client_id: u32,
    /// Whether acts wait for `block`.
    together: bool,
    /// Transactions that each person has waiting.
    waiting: Vec<String>,
    refusals: VecDeque<Refusal>,
    events: Vec<Event>,
    fills: VecDeque<Event>,
    liquidations: VecDeque<Event>,
    deleveragings: VecDeque<Event>,
    told: Told,
}

impl Teller {
    fn new(story: &str) -> Self {
        let mut people = Vec::new();
        for line in story.lines() {
            let mut words = line.split_whitespace();
            let (Some(person), Some(verb)) = (words.next(), words.next()) else { continue };
            let name = person.split('/').next().unwrap_or_default();
            if VERBS.contains(&verb) && !people.iter().any(|known| known == name) {
                people.push(name.to_owned());
            }
        }
        Self {
            app: World::devnet(),
            people,
            world: None,
            client_id: 1_000,
            together: false,
            waiting: Vec::new(),
            refusals: VecDeque::new(),
            events: Vec::new(),
            fills: VecDeque::new(),
            liquidations: VecDeque::new(),
            deleveragings: VecDeque::new(),
            told: Told::default(),
        }
    }

    fn line(&mut self, text: &str) -> Result<(), String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        match words.as_slice() {
            [] => Ok(()),
            ["=>", rest @ ..] => {
                self.told.expectations += 1;
                self.expect(rest)
            }
            _ if self.world.is_none() && self.set_up(&words)? => Ok(()),
            _ => {
                self.no_surprise()?;
                self.begin();
                self.act(&words)
            }
        }
    }

    /// A refusal that no line expected.
    fn no_surprise(&mut self) -> Result<(), String> {
        match self.refusals.pop_front() {
            Some(refusal) => Err(format!(
                "something before was refused: {}/{} {}",
                refusal.codespace, refusal.code, refusal.log
            )),
            None => Ok(()),
        }
    }

    /// The world begins with the first act. Its first block cannot carry votes, so it has been made before.
    fn begin(&mut self) {
        if self.world.is_some() {
            return;
        }
        let mut app = self.app.clone();
        let has_wallet = |name: &String| {
            let address = Wallet::new(name).address().to_bech32(&app.prefix);
            app.balances.iter().any(|balance| balance.address == address)
        };
        let default: Vec<String> = self.people.iter().filter(|name| !has_wallet(name)).cloned().collect();
        app.balances.sort_by(|one, other| one.address.cmp(&other.address));
        let names: Vec<&str> = default.iter().map(String::as_str).collect();
        let mut world = World::with(app, &names, WEALTH);
        world.block();
        self.world = Some(world);
    }

    fn world(&mut self) -> Result<&mut World, String> {
        self.world.as_mut().ok_or_else(|| "nothing has happened yet".into())
    }

    /// A wallet that is not as full as others.
    fn give(&mut self, name: &str, amount: u64) {
        let address = Wallet::new(name_and_number(name).0).address().to_bech32(&self.app.prefix);
        let coin = |denom: &str, amount: u64| GenesisCoin { denom: denom.into(), amount: amount.to_string() };
        let mut coins = vec![coin("uballast", 1_000_000_000)];
        if amount > 0 {
            coins.push(coin(&self.app.collateral, amount));
        }
        self.app.balances.push(Balance { address, coins });
    }
}
