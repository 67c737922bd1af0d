//! An account that sends: sequence, gas and fee taken care of.

use std::time::Duration;

use cosmos_sdk_proto::Any;
use types::{Coin, Denom};

use crate::amount::parse_gas_prices;
use crate::decimal::Decimal;
use crate::error::Error;
use crate::grpc::Client;
use crate::keys::Key;
use crate::query::{AccountState, TxOutcome};
use crate::tx::{sign, unsigned, Envelope, SignedTx};

/// Simulated gas is multiplied by 14/10: state may change until the block.
const GAS_MARGIN: (u64, u64) = (14, 10);
/// Gas of short-term trading messages, which pay nothing for it.
const FREE_GAS: u64 = 1_000_000;
/// Code of the `sdk` codespace for a sequence that is not the account's.
const WRONG_SEQUENCE: u32 = 32;

/// What a transaction may use and pays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fees {
    /// Gas limit; simulated when not given.
    pub gas: Option<u64>,
    /// What is paid; computed from the node's lowest gas price when not given.
    pub amount: Option<Vec<Coin>>,
    /// Gas price to compute with instead of the node's.
    pub gas_price: Option<(Decimal, Denom)>,
    /// Any text that goes with it.
    pub memo: String,
    /// Last height at which it may run; 0 for any.
    pub timeout_height: u64,
}

/// What a node took into its mempool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Hash of the transaction, upper-case hex.
    pub hash: String,
}

/// An account that sends through one node. It counts sequences itself, so that it can send several
/// transactions before a block, and asks again after a mismatch.
pub struct Sender {
    client: Client,
    key: Key,
    address: String,
    chain_id: String,
    account: Option<AccountState>,
}

impl Sender {
    /// The account of `key` on the chain that `client` is connected to.
    pub async fn connect(client: Client, key: Key) -> Result<Self, Error> {
        let (chain_id, prefix) = (client.chain_id().await?, client.prefix().await?);
        Ok(Self::new(client, key, &chain_id, &prefix))
    }

    /// The same, without asking the node anything.
    pub fn new(client: Client, key: Key, chain_id: &str, prefix: &str) -> Self {
        let address = key.address().to_bech32(prefix);
        Self { client, key, address, chain_id: chain_id.into(), account: None }
    }

    /// Its address.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The connection.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Sign with gas and fee as in `fees` and the account's next sequence, but do not send.
    pub async fn prepare(&mut self, messages: &[Any], fees: &Fees) -> Result<SignedTx, Error> {
        let account = self.account().await?;
        let mut envelope = self.envelope(account, fees);
        envelope.gas = match fees.gas {
            Some(gas) => gas,
            None => {
                let used = self.client.simulate(unsigned(&self.key, messages, &envelope).bytes).await?;
                used.saturating_mul(GAS_MARGIN.0) / GAS_MARGIN.1
            }
        };
        envelope.fee = match &fees.amount {
            Some(amount) => amount.clone(),
            None => self.fee_for(envelope.gas, fees.gas_price.as_ref()).await?,
        };
        Ok(sign(&self.key, messages, &envelope)?)
    }

    /// Send messages that need a sequence and a fee. After a wrong sequence it is asked for, once.
    pub async fn send(&mut self, messages: &[Any], fees: &Fees) -> Result<Receipt, Error> {
        let first = match self.prepare(messages, fees).await {
            Ok(tx) => self.broadcast(tx).await,
            Err(error) => Err(error),
        };
        match first {
            // The simulation of another program may say the same in words only.
            Err(Error::Refused { code: WRONG_SEQUENCE | 0, log, .. }) if log.contains("sequence") => {
                self.account = None;
                let tx = self.prepare(messages, fees).await?;
                self.broadcast(tx).await
            }
            answer => answer,
        }
    }

    /// Send a transaction that [`Sender::prepare`] made.
    pub async fn broadcast(&mut self, tx: SignedTx) -> Result<Receipt, Error> {
        let hash = self.client.broadcast(tx.bytes).await?;
        if let Some(account) = self.account.as_mut() {
            account.sequence = account.sequence.saturating_add(1);
        }
        Ok(Receipt { hash })
    }

    /// Send messages and wait for the block that has them.
    pub async fn send_and_wait(
        &mut self,
        messages: &[Any],
        fees: &Fees,
        timeout: Duration,
    ) -> Result<TxOutcome, Error> {
        let receipt = self.send(messages, fees).await?;
        let outcome = self.client.wait_for_tx(&receipt.hash, timeout).await;
        if outcome.is_err() {
            self.account = None;
        }
        outcome
    }

    /// Sign short-term orders and cancels, which are free and have no sequence.
    pub async fn prepare_free(&mut self, messages: &[Any], timeout_height: u64) -> Result<SignedTx, Error> {
        let account = self.account().await?;
        let mut envelope = self.envelope(account, &Fees { timeout_height, ..Fees::default() });
        envelope.gas = FREE_GAS;
        Ok(sign(&self.key, messages, &envelope)?)
    }

    /// Send short-term orders and cancels.
    pub async fn send_free(&mut self, messages: &[Any]) -> Result<Receipt, Error> {
        let tx = self.prepare_free(messages, 0).await?;
        Ok(Receipt { hash: self.client.broadcast(tx.bytes).await? })
    }

    /// The account's number and next sequence; asked for once, then counted.
    async fn account(&mut self) -> Result<AccountState, Error> {
        if let Some(account) = self.account {
            return Ok(account);
        }
        let account = self.client.account(&self.address).await?.ok_or_else(|| {
            Error::Input(format!(
                "account {} is not on the chain yet; coins make it one: \
                 `ballastd tx send {} COINS --from` somebody who has them",
                self.address, self.address
            ))
        })?;
        self.account = Some(account);
        Ok(account)
    }

    fn envelope(&self, account: AccountState, fees: &Fees) -> Envelope {
        Envelope {
            chain_id: self.chain_id.clone(),
            account_number: account.number,
            sequence: account.sequence,
            memo: fees.memo.clone(),
            timeout_height: fees.timeout_height,
            ..Envelope::default()
        }
    }

    /// The lowest fee for `gas`, in the first denomination that the account has enough of.
    async fn fee_for(&self, gas: u64, price: Option<&(Decimal, Denom)>) -> Result<Vec<Coin>, Error> {
        if let Some(price) = price {
            return Ok(vec![cost(gas, price)?]);
        }
        let prices = parse_gas_prices(&self.client.gas_prices().await?)?;
        let offers = prices.iter().map(|price| cost(gas, price)).collect::<Result<Vec<_>, _>>()?;
        if offers.is_empty() || offers.iter().any(|coin| coin.amount == 0) {
            return Ok(Vec::new());
        }
        let held = self.client.balances(&self.address).await?;
        let enough =
            |offer: &&Coin| held.iter().any(|coin| coin.denom == offer.denom && coin.amount >= offer.amount);
        if let Some(offer) = offers.iter().find(enough) {
            return Ok(vec![offer.clone()]);
        }
        let offers: Vec<_> = offers.iter().map(|coin| format!("{}{}", coin.amount, coin.denom)).collect();
        Err(Error::Input(format!("{} cannot pay the fee of {}", self.address, offers.join(" or "))))
    }
}

/// Fee of `gas` at `price`, rounded up.
fn cost(gas: u64, (price, denom): &(Decimal, Denom)) -> Result<Coin, Error> {
    const DIGITS: i32 = 12;
    let too_much = || Error::Input(format!("{gas} gas at {price}{denom} is more than there can be"));
    // Digits beyond the twelfth of a price count as one more in the twelfth.
    let (whole, exact) = price.whole(DIGITS).ok_or_else(too_much)?;
    let price = if exact { whole } else { whole + 1 };
    let amount = price.checked_mul(gas.into()).ok_or_else(too_much)?.div_ceil(1_000_000_000_000);
    Ok(Coin { denom: denom.clone(), amount })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fees_are_rounded_up() {
        for (gas, price, amount) in [
            (100_000, "0.025", 2_500),
            (100_001, "0.025", 2_501),
            (1, "0.000000000000000001", 1),
            (0, "0.025", 0),
            (3, "2", 6),
        ] {
            let price = (price.parse().unwrap(), Denom::new("uusdc").unwrap());
            assert_eq!(cost(gas, &price).unwrap().amount, amount, "{gas}");
        }
        let price = ("99999999999999999999999999".parse().unwrap(), Denom::new("uusdc").unwrap());
        assert!(cost(u64::MAX, &price).is_err());
    }
}
