//! Questions to a node, with answers in terms of this library.

use std::collections::BTreeMap;
use std::time::Duration;

use cosmos_sdk_proto::cosmos::auth::v1beta1 as auth;
use cosmos_sdk_proto::cosmos::bank::v1beta1 as bank;
use cosmos_sdk_proto::cosmos::base::abci::v1beta1::TxResponse;
use cosmos_sdk_proto::cosmos::base::node::v1beta1 as node;
use cosmos_sdk_proto::cosmos::base::query::v1beta1::PageRequest;
use cosmos_sdk_proto::cosmos::base::tendermint::v1beta1 as base;
use cosmos_sdk_proto::cosmos::tx::v1beta1 as tx;
use cosmos_sdk_proto::cosmos::upgrade::v1beta1 as upgrade;
use prost::Message;
use proto::ballast::query::v1 as ballast;
use proto::dydxprotocol::{clob, perpetuals, prices, subaccounts};
use proto::serint;
use types::Coin;

use crate::amount::parse_coin;
use crate::error::Error;
use crate::grpc::Client;
use crate::market::{Market, OrderError};

/// Most rows that one page of a list is asked for.
const PAGE: u64 = 1000;
/// How often a transaction is looked for.
const POLL: Duration = Duration::from_millis(150);

/// What signing needs to know of an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccountState {
    /// Its number.
    pub number: u64,
    /// Sequence of its next transaction.
    pub sequence: u64,
}

/// What a subaccount holds, as the state has it: funding since the last change is not settled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubaccountView {
    /// Collateral in quote quantums; negative when it owes.
    pub quote: i128,
    /// Its positions by market.
    pub positions: BTreeMap<u32, Position>,
}

/// A position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Base quantums, negative for a short.
    pub base: i128,
    /// Up to where funding is settled.
    pub funding_index: i128,
}

/// A market's funding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Funding {
    /// Which market.
    pub market: u32,
    /// Eight-hour rate if the tick were now, in ppm; longs pay a positive one.
    pub predicted_ppm: i32,
    /// Samples since the last tick.
    pub samples: u32,
    /// Cumulative quote quantums times a million per base quantum.
    pub index: i128,
    /// Unix seconds of the next tick.
    pub next_tick: i64,
}

/// A committed block, as far as people ask for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockView {
    /// Its height.
    pub height: u64,
    /// Its time in unix seconds.
    pub time: i64,
    /// Its hash.
    pub hash: Vec<u8>,
    /// State after the block before it.
    pub app_hash: Vec<u8>,
    /// Transactions in it, the oracle votes included.
    pub txs: usize,
    /// Who proposed it, bech32 as the node writes it.
    pub proposer: String,
}

/// A validator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidatorView {
    /// Its address, bech32 as the node writes it.
    pub address: String,
    /// Its voting power.
    pub power: i64,
}

/// What became of a transaction that is in a block.
#[derive(Clone, Debug, PartialEq)]
pub struct TxOutcome {
    /// Its hash, upper-case hex.
    pub hash: String,
    /// Height of its block.
    pub height: u64,
    /// The node's full answer: code, log, gas, events.
    pub response: TxResponse,
}

/// The account and what it owns.
impl Client {
    /// Number and sequence of an account; nothing if it does not exist yet.
    pub async fn account(&self, address: &str) -> Result<Option<AccountState>, Error> {
        const PATH: &str = "/cosmos.auth.v1beta1.Query/Account";
        let request = auth::QueryAccountRequest { address: address.into() };
        let Some(answer) = found(self.call::<_, auth::QueryAccountResponse>(PATH, &request).await)? else {
            return Ok(None);
        };
        let account = answer.account.filter(|any| any.type_url == "/cosmos.auth.v1beta1.BaseAccount");
        let account = account.and_then(|any| auth::BaseAccount::decode(&any.value[..]).ok());
        let account = account.ok_or_else(|| broken(PATH, "not a base account"))?;
        Ok(Some(AccountState { number: account.account_number, sequence: account.sequence }))
    }

    /// All coins of an account.
    pub async fn balances(&self, address: &str) -> Result<Vec<Coin>, Error> {
        const PATH: &str = "/cosmos.bank.v1beta1.Query/AllBalances";
        let request = bank::QueryAllBalancesRequest {
            address: address.into(),
            pagination: Some(PageRequest { limit: PAGE, ..PageRequest::default() }),
            ..bank::QueryAllBalancesRequest::default()
        };
        let answer: bank::QueryAllBalancesResponse = self.call(PATH, &request).await?;
        let coins = answer.balances.iter();
        coins.map(|coin| parse_coin(&format!("{}{}", coin.amount, coin.denom))).collect()
    }

    /// What a subaccount holds; nothing at all if it was never used.
    pub async fn subaccount(&self, owner: &str, number: u32) -> Result<SubaccountView, Error> {
        const PATH: &str = "/dydxprotocol.subaccounts.Query/Subaccount";
        let request = subaccounts::QueryGetSubaccountRequest { owner: owner.into(), number };
        let answer: subaccounts::QuerySubaccountResponse = self.call(PATH, &request).await?;
        let subaccount = answer.subaccount.unwrap_or_default();
        let mut view = SubaccountView::default();
        for asset in subaccount.asset_positions.iter().filter(|asset| asset.asset_id == 0) {
            view.quote = integer(PATH, &asset.quantums)?;
        }
        for position in &subaccount.perpetual_positions {
            let base = integer(PATH, &position.quantums)?;
            let funding_index = integer(PATH, &position.funding_index)?;
            view.positions.insert(position.perpetual_id, Position { base, funding_index });
        }
        Ok(view)
    }

    /// A resting long-term order and what of it is filled.
    pub async fn order(&self, id: clob::OrderId) -> Result<Option<clob::QueryStatefulOrderResponse>, Error> {
        let request = clob::QueryStatefulOrderRequest { order_id: Some(id) };
        found(self.call("/dydxprotocol.clob.Query/StatefulOrder", &request).await)
    }
}

/// Markets.
impl Client {
    /// All markets with their parameters and oracle prices, by id.
    pub async fn markets(&self) -> Result<Vec<Market>, Error> {
        const PERPETUALS: &str = "/dydxprotocol.perpetuals.Query/AllPerpetuals";
        let pairs: clob::QueryClobPairAllResponse = self
            .call("/dydxprotocol.clob.Query/ClobPairAll", &clob::QueryAllClobPairRequest::default())
            .await?;
        let all: perpetuals::QueryAllPerpetualsResponse =
            self.call(PERPETUALS, &perpetuals::QueryAllPerpetualsRequest::default()).await?;
        let oracle = self.oracle_prices().await?;
        let all: BTreeMap<u32, _> = all
            .perpetual
            .into_iter()
            .filter_map(|perpetual| Some((perpetual.params.as_ref()?.id, perpetual)))
            .collect();
        let mut markets = Vec::new();
        for pair in pairs.clob_pair {
            let Some(perpetual) = all.get(&pair.id) else { continue };
            let params = perpetual.params.clone().unwrap_or_default();
            markets.push(Market {
                id: pair.id,
                ticker: params.ticker,
                atomic_resolution: params.atomic_resolution,
                step: pair.step_base_quantums,
                subticks_per_tick: pair.subticks_per_tick,
                quantum_conversion_exponent: pair.quantum_conversion_exponent,
                status: pair.status,
                oracle: oracle.get(&pair.id).copied(),
                open_interest: integer(PERPETUALS, &perpetual.open_interest)?,
                liquidity_tier: params.liquidity_tier,
            });
        }
        markets.sort_by_key(|market| market.id);
        Ok(markets)
    }

    /// The market called `name`: its ticker, the part before `-USD`, or its number.
    pub async fn market(&self, name: &str) -> Result<Market, Error> {
        let markets = self.markets().await?;
        let wanted = name.to_uppercase();
        let fits = |market: &&Market| {
            market.ticker == wanted
                || market.ticker.strip_suffix("-USD") == Some(wanted.as_str())
                || market.id.to_string() == wanted
        };
        if let Some(market) = markets.iter().find(fits) {
            return Ok(market.clone());
        }
        let known: Vec<_> = markets.iter().map(|market| market.ticker.as_str()).collect();
        Err(OrderError::Unknown { name: name.into(), known: known.join(", ") }.into())
    }

    /// Oracle prices and their exponents, by market.
    pub async fn oracle_prices(&self) -> Result<BTreeMap<u32, (u64, i32)>, Error> {
        const PATH: &str = "/dydxprotocol.prices.Query/AllMarketPrices";
        let request = prices::QueryAllMarketPricesRequest::default();
        let answer: prices::QueryAllMarketPricesResponse = self.call(PATH, &request).await?;
        let prices = answer.market_prices.into_iter().filter(|price| price.price > 0);
        Ok(prices.map(|price| (price.id, (price.price, price.exponent))).collect())
    }

    /// The best levels of a market's book; 0 lets the node choose how many.
    pub async fn orderbook(&self, market_id: u32, depth: u32) -> Result<ballast::OrderbookResponse, Error> {
        let request = ballast::OrderbookRequest { market_id, depth };
        self.call("/ballast.query.v1.Query/Orderbook", &request).await
    }

    /// Funding of every market.
    pub async fn funding(&self) -> Result<Vec<Funding>, Error> {
        const PATH: &str = "/ballast.query.v1.Query/AllFunding";
        let answer: ballast::AllFundingResponse = self.call(PATH, &ballast::AllFundingRequest {}).await?;
        let one = |funding: ballast::MarketFunding| {
            Ok(Funding {
                market: funding.market_id,
                predicted_ppm: funding.predicted_rate_ppm,
                samples: funding.samples,
                index: integer(PATH, &funding.funding_index)?,
                next_tick: funding.next_tick_time.map_or(0, |time| time.seconds),
            })
        };
        answer.funding.into_iter().map(one).collect()
    }
}

/// The chain as a whole.
impl Client {
    /// The insurance fund: its address and its balance in quote quantums.
    pub async fn insurance(&self) -> Result<(String, i128), Error> {
        const PATH: &str = "/ballast.query.v1.Query/Insurance";
        let answer: ballast::InsuranceResponse = self.call(PATH, &ballast::InsuranceRequest {}).await?;
        Ok((answer.address, integer(PATH, &answer.balance)?))
    }

    /// What a subaccount is worth and must be worth, and the same after what is supposed, in the words of the wire.
    pub async fn account_risk(
        &self,
        owner: &str,
        number: u32,
        supposed: Vec<ballast::Supposed>,
    ) -> Result<ballast::AccountRiskResponse, Error> {
        let id = Some(subaccounts::SubaccountId { owner: owner.into(), number });
        let request = ballast::AccountRiskRequest { subaccount_id: id, supposed };
        self.call("/ballast.query.v1.Query/AccountRisk", &request).await
    }

    /// The upgrade that is planned.
    pub async fn upgrade_plan(&self) -> Result<Option<upgrade::Plan>, Error> {
        const PATH: &str = "/cosmos.upgrade.v1beta1.Query/CurrentPlan";
        let answer: upgrade::QueryCurrentPlanResponse =
            self.call(PATH, &upgrade::QueryCurrentPlanRequest {}).await?;
        Ok(answer.plan)
    }

    /// Names and versions of all modules of the state.
    pub async fn module_versions(&self) -> Result<Vec<(String, u64)>, Error> {
        const PATH: &str = "/cosmos.upgrade.v1beta1.Query/ModuleVersions";
        let request = upgrade::QueryModuleVersionsRequest { module_name: String::new() };
        let answer: upgrade::QueryModuleVersionsResponse = self.call(PATH, &request).await?;
        Ok(answer.module_versions.into_iter().map(|module| (module.name, module.version)).collect())
    }

    /// The validators' votes that made the last prices.
    pub async fn votes(&self) -> Result<ballast::OracleVotesResponse, Error> {
        self.call("/ballast.query.v1.Query/OracleVotes", &ballast::OracleVotesRequest {}).await
    }

    /// Let the node check its conservation laws over the whole state. Slow.
    pub async fn invariants(&self) -> Result<ballast::InvariantsResponse, Error> {
        self.call("/ballast.query.v1.Query/Invariants", &ballast::InvariantsRequest {}).await
    }

    /// Name of the chain that the node is of.
    pub async fn chain_id(&self) -> Result<String, Error> {
        const PATH: &str = "/cosmos.base.tendermint.v1beta1.Service/GetNodeInfo";
        let answer: base::GetNodeInfoResponse = self.call(PATH, &base::GetNodeInfoRequest {}).await?;
        let network = answer.default_node_info.map(|info| info.network).unwrap_or_default();
        if network.is_empty() {
            return Err(broken(PATH, "it does not name the chain"));
        }
        Ok(network)
    }

    /// Bech32 prefix of the chain's addresses.
    pub async fn prefix(&self) -> Result<String, Error> {
        const PATH: &str = "/cosmos.auth.v1beta1.Query/Bech32Prefix";
        let answer: auth::Bech32PrefixResponse = self.call(PATH, &auth::Bech32PrefixRequest {}).await?;
        Ok(answer.bech32_prefix)
    }

    /// The lowest gas prices that the node takes, as text: `0.025uusdc,0.025uballast`.
    pub async fn gas_prices(&self) -> Result<String, Error> {
        const PATH: &str = "/cosmos.base.node.v1beta1.Service/Config";
        let answer: node::ConfigResponse = self.call(PATH, &node::ConfigRequest {}).await?;
        Ok(answer.minimum_gas_price)
    }

    /// A block; nothing if it is not there yet, or no longer.
    pub async fn block(&self, height: u64) -> Result<Option<BlockView>, Error> {
        const PATH: &str = "/cosmos.base.tendermint.v1beta1.Service/GetBlockByHeight";
        let request = base::GetBlockByHeightRequest { height: i64::try_from(height).unwrap_or(i64::MAX) };
        let Some(answer) = found(self.call::<_, base::GetBlockByHeightResponse>(PATH, &request).await)?
        else {
            return Ok(None);
        };
        let block = answer.sdk_block.ok_or_else(|| broken(PATH, "it holds no block"))?;
        let header = block.header.ok_or_else(|| broken(PATH, "the block has no header"))?;
        Ok(Some(BlockView {
            height: u64::try_from(header.height).unwrap_or_default(),
            time: header.time.map_or(0, |time| time.seconds),
            hash: answer.block_id.map(|id| id.hash).unwrap_or_default(),
            app_hash: header.app_hash,
            txs: block.data.map_or(0, |data| data.txs.len()),
            proposer: header.proposer_address,
        }))
    }

    /// The validators in force.
    pub async fn validators(&self) -> Result<Vec<ValidatorView>, Error> {
        const PATH: &str = "/cosmos.base.tendermint.v1beta1.Service/GetLatestValidatorSet";
        let pagination = Some(PageRequest { limit: PAGE, ..PageRequest::default() });
        let request = base::GetLatestValidatorSetRequest { pagination };
        let answer: base::GetLatestValidatorSetResponse = self.call(PATH, &request).await?;
        let one = |each: base::Validator| ValidatorView { address: each.address, power: each.voting_power };
        Ok(answer.validators.into_iter().map(one).collect())
    }

    /// Height and time (unix seconds) of the last block.
    pub async fn latest_block(&self) -> Result<(u64, i64), Error> {
        const PATH: &str = "/cosmos.base.tendermint.v1beta1.Service/GetLatestBlock";
        let answer: base::GetLatestBlockResponse = self.call(PATH, &base::GetLatestBlockRequest {}).await?;
        let sdk = answer.sdk_block.and_then(|block| block.header);
        let sdk = sdk.map(|header| (header.height, header.time.map_or(0, |time| time.seconds)));
        let plain = || {
            let header = answer.block?.header?;
            Some((header.height, header.time.map_or(0, |time| time.seconds)))
        };
        let (height, time) = sdk.or_else(plain).ok_or_else(|| broken(PATH, "it holds no block"))?;
        Ok((u64::try_from(height).unwrap_or_default(), time))
    }

    /// Height of the last block.
    pub async fn height(&self) -> Result<u64, Error> {
        Ok(self.latest_block().await?.0)
    }
}

/// Transactions.
impl Client {
    /// Gas that a transaction would use; a refusal if it would fail.
    pub async fn simulate(&self, tx_bytes: Vec<u8>) -> Result<u64, Error> {
        const PATH: &str = "/cosmos.tx.v1beta1.Service/Simulate";
        let request = tx::SimulateRequest { tx_bytes, ..tx::SimulateRequest::default() };
        match self.call::<_, tx::SimulateResponse>(PATH, &request).await {
            Ok(answer) => Ok(answer.gas_info.map_or(0, |gas| gas.gas_used)),
            Err(Error::Status { message, .. }) => {
                // The node says `CODESPACE CODE: REASON`.
                let parts = message.split_once(": ").and_then(|(name, log)| {
                    let (codespace, code) = name.split_once(' ')?;
                    Some((codespace.to_owned(), code.parse().ok()?, log.to_owned()))
                });
                let (codespace, code, log) = parts.unwrap_or_else(|| ("simulation".into(), 0, message));
                Err(Error::Refused { codespace, code, log, hash: String::new() })
            }
            Err(other) => Err(other),
        }
    }

    /// Hand a transaction to the node's mempool; answers its hash. Refusals of the check are errors.
    pub async fn broadcast(&self, tx_bytes: Vec<u8>) -> Result<String, Error> {
        const PATH: &str = "/cosmos.tx.v1beta1.Service/BroadcastTx";
        let request = tx::BroadcastTxRequest { tx_bytes, mode: tx::BroadcastMode::Sync.into() };
        let answer: tx::BroadcastTxResponse = self.call(PATH, &request).await?;
        let response = answer.tx_response.ok_or_else(|| broken(PATH, "it holds no result"))?;
        if response.code != 0 {
            return Err(refused(&response));
        }
        Ok(response.txhash)
    }

    /// A transaction in a block; nothing if no block has it (yet).
    pub async fn tx(&self, hash: &str) -> Result<Option<TxOutcome>, Error> {
        const PATH: &str = "/cosmos.tx.v1beta1.Service/GetTx";
        let request = tx::GetTxRequest { hash: hash.to_uppercase() };
        let Some(answer) = found(self.call::<_, tx::GetTxResponse>(PATH, &request).await)? else {
            return Ok(None);
        };
        let response = answer.tx_response.ok_or_else(|| broken(PATH, "it holds no result"))?;
        let height = u64::try_from(response.height).unwrap_or_default();
        Ok(Some(TxOutcome { hash: response.txhash.clone(), height, response }))
    }

    /// Wait until a transaction is in a block. An execution that was refused is an error.
    pub async fn wait_for_tx(&self, hash: &str, timeout: Duration) -> Result<TxOutcome, Error> {
        let deadline = tokio::time::Instant::now() + timeout;
        loop {
            if let Some(outcome) = self.tx(hash).await? {
                let good = outcome.response.code == 0;
                return if good { Ok(outcome) } else { Err(refused(&outcome.response)) };
            }
            if tokio::time::Instant::now() >= deadline {
                return Err(Error::Late { hash: hash.into(), seconds: timeout.as_secs() });
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

fn refused(response: &TxResponse) -> Error {
    Error::Refused {
        codespace: response.codespace.clone(),
        code: response.code,
        log: response.raw_log.clone(),
        hash: response.txhash.clone(),
    }
}

fn broken(path: &str, reason: &str) -> Error {
    Error::Answer { path: path.into(), reason: reason.into() }
}

fn integer(path: &str, bytes: &[u8]) -> Result<i128, Error> {
    serint::decode(bytes).map_err(|error| broken(path, &error.to_string()))
}

/// Nothing instead of the error that there is nothing.
fn found<T>(answer: Result<T, Error>) -> Result<Option<T>, Error> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(Error::Status { code: tonic::Code::NotFound, .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
