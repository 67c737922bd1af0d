//! A chain to play on: one validator, a virtual clock, people with coins.
//!
//! A person is a name; `alice/3` is subaccount 3 of the person `alice`, `alice` alone is number 0.

use std::collections::BTreeMap;

use app::genesis::{Balance, GenesisCoin};
use app::lanes::{self, Lane, Place, Rule};
use app::msg::Transaction;
use app::{oracle, AppState, BlockInput, BlockOutcome, Fault, Genesis, GenesisValidator, Machine, TxResult};
use cosmos_sdk_proto::Any;
use ed25519_consensus::SigningKey;
use num::{Price, QuoteQuantums};
use prost::Message;
use proto::ballast::oracle::v1::{SignedVote, VoteSet};
use proto::dydxprotocol::clob as wire;
use proto::dydxprotocol::sending;
use proto::dydxprotocol::subaccounts as accounts_wire;
use store::{Change, Memory};
use subaccounts::Subaccount;
use types::{MarketId, SubaccountId, Time};

use crate::wallet::{any, sign, Envelope, Wallet};

/// When stories begin: 2026-01-01 00:00 UTC.
const START: i64 = 1_767_225_600;

/// A chain, its clock, and what everybody believes prices are.
pub struct World {
    /// The state machine.
    pub machine: Machine,
    /// Prices that the validator votes in the next block.
    pub prices: BTreeMap<MarketId, Price>,
    /// Seconds from one block to the next.
    pub block_seconds: i64,
    /// What became of the last block.
    pub last: BlockOutcome,
    validator: SigningKey,
    waiting: Vec<Vec<u8>>,
    stumbling: Option<u64>,
    time: Time,
}

impl World {
    /// The devnet's chain with `people`, each with `wealth` of the collateral (in quote quantums) in the bank.
    pub fn new(people: &[&str], wealth: u64) -> Self {
        Self::with(Self::devnet(), people, wealth)
    }

    /// The devnet's genesis document, but prices step as far as they like and markets need no recovery: whoever
    /// tells of those asks for them.
    pub fn devnet() -> AppState {
        let document = include_bytes!("../../../genesis/devnet.json");
        let mut app = Genesis::from_json(document).expect("the devnet's genesis parses").app;
        app.price_max_step_ppm = 0;
        app.recovery.after_seconds = 0;
        app
    }

    /// A chain of `app` with `people`.
    pub fn with(app: AppState, people: &[&str], wealth: u64) -> Self {
        let validator = GenesisValidator { public_key: validator().verification_key().to_bytes(), power: 10 };
        let mut world = Self::begin(&Self::genesis(app, people, wealth, vec![validator]));
        world.machine.full_checks = true;
        world
    }

    /// The beginning of a chain of `app` with `people` and these validators.
    pub fn genesis(
        mut app: AppState,
        people: &[&str],
        wealth: u64,
        validators: Vec<GenesisValidator>,
    ) -> Genesis {
        let coin = |denom: &str, amount: u64| GenesisCoin { denom: denom.into(), amount: amount.to_string() };
        for person in people {
            app.balances.push(Balance {
                address: Wallet::new(person).address().to_bech32(&app.prefix),
                coins: vec![coin("uballast", 1_000_000_000), coin(&app.collateral, wealth)],
            });
        }
        Genesis {
            chain_id: "ballast-story-1".into(),
            time: Time::from_unix(START, 0),
            initial_height: 1,
            extensions_from: 1,
            validators,
            app,
        }
    }

    /// A chain that begins so. With other validators than [`with`](Self::with) gives it, its blocks come from
    /// elsewhere, through [`execute`](Self::execute).
    pub fn begin(genesis: &Genesis) -> Self {
        let markets = genesis.app.markets.iter();
        let prices = markets.map(|market| (MarketId(market.id), Price::new(market.price))).collect();
        let mut machine = Machine::from_genesis(genesis).expect("the genesis holds");
        machine.take_changes();
        let (last, waiting) = (BlockOutcome::default(), Vec::new());
        let (validator, time) = (validator(), genesis.time);
        Self { machine, prices, block_seconds: 1, last, validator, waiting, stumbling: None, time }
    }

    /// The transactions that wait, which from now on do not.
    pub fn take_waiting(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.waiting)
    }

    /// Let some of what blocks do by themselves fail: see [`Machine::stumble`].
    pub fn stumble(&mut self, seed: Option<u64>) {
        self.stumbling = seed;
        self.machine.stumble(seed);
    }

    /// Time of the last block.
    pub fn time(&self) -> Time {
        self.time
    }

    /// Execute a block that others made; answers what it changed. What became of it is [`last`](Self::last).
    pub fn execute(&mut self, input: &BlockInput) -> Result<Vec<Change>, Fault> {
        self.last = self.machine.execute(input)?;
        self.time = input.time;
        Ok(self.machine.take_changes())
    }

    /// Height of the last block.
    pub fn height(&self) -> u64 {
        self.machine.last_block().0
    }

    /// Queue a transaction for the next block, as it is.
    pub fn submit(&mut self, tx: Vec<u8>) {
        self.waiting.push(tx);
    }

    /// Make the next block of the waiting transactions, in their places, with the validator's vote in front. Every
    /// conservation law is checked over the whole state; answers one result for each transaction of the block.
    ///
    /// The proposer is a careless one that also includes bytes which do not parse.
    pub fn block(&mut self) -> Vec<TxResult> {
        let input = self.propose();
        self.apply(&input).expect("the conservation laws hold")
    }

    /// The next block with the waiting transactions, as every validator accepts it.
    pub fn propose(&mut self) -> BlockInput {
        let (state, chain) = (self.machine.state(), self.machine.chain());
        let height = self.height() + 1;
        let votes = app::proposal::carries_votes(state, height).then(|| self.votes(height));
        let (limits, rule) = (accounts::Limits::default(), Rule::of(state, votes.as_deref()));
        let laned = |tx: Vec<u8>| {
            let parsed = Transaction::decode(&tx, &limits, chain);
            (parsed.map_or(Place::unranked(Lane::Sequenced), |parsed| rule.place(&parsed)), tx)
        };
        let waiting = std::mem::take(&mut self.waiting).into_iter().map(laned).collect();
        let txs = lanes::arrange(waiting, 1 << 30);
        let input = self.input(txs);
        app::proposal::check(state, &input.txs, input.height).expect("our own proposal is acceptable");
        input
    }

    /// The next block with exactly these transactions, acceptable or not, and the vote in front.
    pub fn input(&self, txs: Vec<Vec<u8>>) -> BlockInput {
        let height = self.height() + 1;
        let time = self.time.plus_seconds(self.block_seconds);
        let votes = app::proposal::carries_votes(self.machine.state(), height);
        let front = votes.then(|| self.votes(height));
        BlockInput { height, time, txs: front.into_iter().chain(txs).collect(), votes }
    }

    /// Execute a block; answers the results of its transactions without the vote.
    pub fn apply(&mut self, input: &BlockInput) -> Result<Vec<TxResult>, Fault> {
        self.execute(input)?;
        Ok(self.last.results.iter().skip(usize::from(input.votes)).cloned().collect())
    }

    /// Let time pass without blocks.
    pub fn pass(&mut self, seconds: i64) {
        self.time = self.time.plus_seconds(seconds);
    }

    /// Forget everything that is not state, as a node does that is killed and started again.
    pub fn restart(&mut self) {
        let memory = Memory::from_pairs(self.machine.memory().iter().map(|(k, v)| (k.clone(), v.clone())));
        let release = self.machine.release;
        self.machine = Machine::from_state(memory).expect("the state holds a chain");
        self.machine.full_checks = true;
        self.machine.release = release;
        self.machine.stumble(self.stumbling);
    }

    /// Another chain that continues from the state of this one.
    pub fn twin(&mut self) -> Self {
        let memory = Memory::from_pairs(self.machine.memory().iter().map(|(k, v)| (k.clone(), v.clone())));
        let mut machine = Machine::from_state(memory).expect("the state holds a chain");
        machine.full_checks = true;
        machine.release = self.machine.release;
        machine.stumble(self.stumbling);
        Self {
            machine,
            stumbling: self.stumbling,
            prices: self.prices.clone(),
            block_seconds: self.block_seconds,
            last: self.last.clone(),
            validator: self.validator.clone(),
            waiting: self.waiting.clone(),
            time: self.time,
        }
    }

    /// `count` blocks without transactions.
    pub fn blocks(&mut self, count: u64) {
        for _ in 0..count {
            self.block();
        }
    }

    /// Sign and execute one transaction in a block of its own.
    pub fn run(&mut self, person: &str, messages: &[Any]) -> TxResult {
        let tx = self.sign(person, messages);
        self.submit(tx);
        self.block().pop().unwrap_or_default()
    }

    /// A transaction of `person` with the sequence that their account has now and a sufficient fee.
    pub fn sign(&self, person: &str, messages: &[Any]) -> Vec<u8> {
        sign(&Wallet::new(name_and_number(person).0), messages, &self.envelope(person))
    }

    /// The envelope of `person`'s next transaction.
    pub fn envelope(&self, person: &str) -> Envelope {
        let account = accounts::account(self.machine.state(), &self.id(person).owner);
        let account = account.unwrap_or_default();
        Envelope {
            chain_id: self.machine.chain().chain_id.clone(),
            account_number: account.number,
            sequence: account.sequence,
            fee: Some((25_000, "uballast".into())),
            gas: 1_000_000,
            memo: String::new(),
            timeout_height: 0,
        }
    }

    /// The subaccount of `person`.
    pub fn id(&self, person: &str) -> SubaccountId {
        let (name, number) = name_and_number(person);
        SubaccountId { owner: Wallet::new(name).address(), number }
    }

    /// The bech32 address of `person`.
    pub fn address(&self, person: &str) -> String {
        self.id(person).owner.to_bech32(&self.machine.chain().prefix)
    }

    /// Smallest units of the collateral that `person` has outside subaccounts.
    pub fn wallet(&self, person: &str) -> u128 {
        bank::balance(self.machine.state(), &self.id(person).owner, &self.machine.chain().collateral)
    }

    /// What the subaccount of `person` holds, funding settled.
    pub fn account(&self, person: &str) -> Subaccount {
        let state = self.machine.state();
        subaccounts::settled(state, &subaccounts::get(state, &self.id(person))).unwrap_or_default()
    }

    /// What the insurance fund holds.
    pub fn insurance(&self) -> QuoteQuantums {
        insurance::balance(self.machine.state(), &self.machine.chain().collateral)
    }

    /// The subaccount of `person` as messages name it.
    pub fn wire_id(&self, person: &str) -> accounts_wire::SubaccountId {
        accounts_wire::SubaccountId { owner: self.address(person), number: name_and_number(person).1 }
    }

    /// A deposit of `quantums` by `person` into their subaccount.
    pub fn deposit(&self, person: &str, quantums: u64) -> Any {
        any(&sending::MsgDepositToSubaccount {
            sender: self.address(person),
            recipient: Some(self.wire_id(person)),
            asset_id: 0,
            quantums,
        })
    }

    /// A withdrawal of `quantums` by `person` from their subaccount.
    pub fn withdraw(&self, person: &str, quantums: u64) -> Any {
        any(&sending::MsgWithdrawFromSubaccount {
            sender: Some(self.wire_id(person)),
            recipient: self.address(person),
            asset_id: 0,
            quantums,
        })
    }

    /// A transfer of `amount` quantums from the subaccount of `from` to that of `to`.
    pub fn transfer(&self, from: &str, to: &str, amount: u64) -> Any {
        any(&sending::MsgCreateTransfer {
            transfer: Some(sending::Transfer {
                sender: Some(self.wire_id(from)),
                recipient: Some(self.wire_id(to)),
                asset_id: 0,
                amount,
            }),
        })
    }

    /// A short-term limit order of `person`, good for ten blocks, to be changed as needed.
    pub fn order(
        &self,
        person: &str,
        market: u32,
        client_id: u32,
        terms: (wire::order::Side, u64, u64),
    ) -> wire::Order {
        let (side, quantums, subticks) = terms;
        let until = u32::try_from(self.height() + 10).unwrap_or(u32::MAX);
        wire::Order {
            order_id: Some(wire::OrderId {
                subaccount_id: Some(self.wire_id(person)),
                client_id,
                order_flags: 0,
                clob_pair_id: market,
            }),
            side: side.into(),
            quantums,
            subticks,
            good_til_oneof: Some(wire::order::GoodTilOneof::GoodTilBlock(until)),
            ..wire::Order::default()
        }
    }

    /// The message that places `order`.
    pub fn place(&self, order: wire::Order) -> Any {
        any(&wire::MsgPlaceOrder { order: Some(order) })
    }

    /// The message that cancels the order with this id until `until`.
    pub fn cancel(&self, id: wire::OrderId, until: wire::msg_cancel_order::GoodTilOneof) -> Any {
        any(&wire::MsgCancelOrder { order_id: Some(id), good_til_oneof: Some(until) })
    }

    fn votes(&self, height: u64) -> Vec<u8> {
        let (state, chain) = (self.machine.state(), &self.machine.chain().chain_id);
        let base = |market| prices::base(state, market, height - 1);
        let extension = oracle::extension(&self.prices, height - 1, base);
        let voted_at = i64::try_from(height - 1).unwrap_or_default();
        let signature = self.validator.sign(&oracle::sign_bytes(chain, voted_at, 0, &extension));
        let address = governance_address(&self.validator);
        let vote = SignedVote {
            validator_address: address.to_vec(),
            power: 10,
            vote_extension: extension,
            extension_signature: signature.to_bytes().to_vec(),
            block_id_flag: 2,
        };
        let mut bytes = vec![oracle::VOTE_SET_MARK];
        bytes.extend(VoteSet { round: 0, votes: vec![vote] }.encode_to_vec());
        bytes
    }
}

/// `alice/3` is number 3 of alice.
pub(crate) fn name_and_number(person: &str) -> (&str, u32) {
    match person.split_once('/') {
        Some((name, number)) => (name, number.parse().expect("a subaccount has a number")),
        None => (person, 0),
    }
}

/// The validator that votes when blocks do not come from elsewhere.
fn validator() -> SigningKey {
    SigningKey::from([7; 32])
}

/// Address of a validator: the first 20 bytes of the SHA-256 of its key.
fn governance_address(key: &SigningKey) -> [u8; 20] {
    use sha2::{Digest, Sha256};
    let digest: [u8; 32] = Sha256::digest(key.verification_key().to_bytes()).into();
    let mut address = [0; 20];
    address.copy_from_slice(&digest[..20]);
    address
}
