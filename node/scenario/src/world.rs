//! A chain to play on: one validator, a virtual clock, people with coins.

use std::collections::BTreeMap;

use app::genesis::{Balance, GenesisCoin};
use app::{oracle, AppState, BlockInput, BlockOutcome, Genesis, GenesisValidator, Machine, TxResult};
use cosmos_sdk_proto::Any;
use ed25519_consensus::SigningKey;
use num::{Price, QuoteQuantums};
use prost::Message;
use proto::ballast::oracle::v1::{SignedVote, VoteSet};
use proto::dydxprotocol::clob as wire;
use proto::dydxprotocol::sending;
use proto::dydxprotocol::subaccounts as accounts_wire;
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
    time: Time,
}

impl World {
    /// The devnet's chain with `people`, each with `wealth` of the collateral (in quote quantums) in the bank.
    pub fn new(people: &[&str], wealth: u64) -> Self {
        let document = include_bytes!("../../../genesis/devnet.json");
        let app = Genesis::from_json(document).expect("the devnet's genesis parses").app;
        Self::with(app, people, wealth)
    }

    /// A chain of `app` with `people`.
    pub fn with(mut app: AppState, people: &[&str], wealth: u64) -> Self {
        let coin = |denom: &str, amount: u64| GenesisCoin { denom: denom.into(), amount: amount.to_string() };
        for person in people {
            app.balances.push(Balance {
                address: Wallet::new(person).address().to_bech32(&app.prefix),
                coins: vec![coin("uballast", 1_000_000_000), coin(&app.collateral, wealth)],
            });
        }
        let validator = SigningKey::from([7; 32]);
        let prices =
            app.markets.iter().map(|market| (MarketId(market.id), Price::new(market.price))).collect();
        let genesis = Genesis {
            chain_id: "ballast-story-1".into(),
            time: Time::from_unix(START, 0),
            extensions_from: 1,
            validators: vec![GenesisValidator {
                public_key: validator.verification_key().to_bytes(),
                power: 10,
            }],
            app,
        };
        let mut machine = Machine::from_genesis(&genesis).expect("the genesis holds");
        machine.full_checks = true;
        machine.take_changes();
        let time = genesis.time;
        let (last, waiting) = (BlockOutcome::default(), Vec::new());
        Self { machine, prices, block_seconds: 1, last, validator, waiting, time }
    }

    /// Height of the last block.
    pub fn height(&self) -> u64 {
        self.machine.last_block().0
    }

    /// Queue a transaction for the next block, as it is.
    pub fn submit(&mut self, tx: Vec<u8>) {
        self.waiting.push(tx);
    }

    /// Make the next block of the waiting transactions, in lanes, with the validator's vote in front. Every
    /// conservation law is checked over the whole state; answers one result for each transaction of the block.
    pub fn block(&mut self) -> Vec<TxResult> {
        let height = self.height() + 1;
        self.time = self.time.plus_seconds(self.block_seconds);
        let state = self.machine.state();
        let votes = app::proposal::carries_votes(state, height);
        let offered = std::mem::take(&mut self.waiting);
        let mut txs = app::proposal::prepare(state, &offered, None, (height, 1 << 30));
        if votes {
            txs[0] = self.votes(height);
            app::proposal::check(state, &txs, height).expect("our own proposal is acceptable");
        }
        let outcome = self.machine.execute(&BlockInput { height, time: self.time, txs, votes });
        self.last = outcome.expect("the conservation laws hold");
        self.machine.take_changes();
        self.last.results.iter().skip(usize::from(votes)).cloned().collect()
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
        sign(&Wallet::new(person), messages, &self.envelope(person))
    }

    /// The envelope of `person`'s next transaction.
    pub fn envelope(&self, person: &str) -> Envelope {
        let account = accounts::account(self.machine.state(), &Wallet::new(person).address());
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

    /// Subaccount 0 of `person`.
    pub fn id(&self, person: &str) -> SubaccountId {
        SubaccountId { owner: Wallet::new(person).address(), number: 0 }
    }

    /// What subaccount 0 of `person` holds, funding settled.
    pub fn account(&self, person: &str) -> Subaccount {
        let state = self.machine.state();
        subaccounts::settled(state, &subaccounts::get(state, &self.id(person))).unwrap_or_default()
    }

    /// What the insurance fund holds.
    pub fn insurance(&self) -> QuoteQuantums {
        insurance::balance(self.machine.state(), &self.machine.chain().collateral)
    }

    fn wire_id(&self, person: &str) -> accounts_wire::SubaccountId {
        let owner = Wallet::new(person).address().to_bech32(&self.machine.chain().prefix);
        accounts_wire::SubaccountId { owner, number: 0 }
    }

    /// A deposit of `quantums` by `person` into their subaccount 0.
    pub fn deposit(&self, person: &str, quantums: u64) -> Any {
        any(&sending::MsgDepositToSubaccount {
            sender: self.wire_id(person).owner,
            recipient: Some(self.wire_id(person)),
            asset_id: 0,
            quantums,
        })
    }

    /// A withdrawal of `quantums` by `person` from their subaccount 0.
    pub fn withdraw(&self, person: &str, quantums: u64) -> Any {
        any(&sending::MsgWithdrawFromSubaccount {
            sender: Some(self.wire_id(person)),
            recipient: self.wire_id(person).owner,
            asset_id: 0,
            quantums,
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

    fn votes(&self, height: u64) -> Vec<u8> {
        let extension = oracle::extension(&self.prices);
        let chain = &self.machine.chain().chain_id;
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

/// Address of a validator: the first 20 bytes of the SHA-256 of its key.
fn governance_address(key: &SigningKey) -> [u8; 20] {
    use sha2::{Digest, Sha256};
    let digest: [u8; 32] = Sha256::digest(key.verification_key().to_bytes()).into();
    let mut address = [0; 20];
    address.copy_from_slice(&digest[..20]);
    address
}
