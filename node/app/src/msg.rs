//! Every message that the chain knows, in one list: which module reads it, who signs it, how it travels.

use types::{Address, Chain};

use crate::error::{malformed, Error, Refusal};

/// A message as values, sane on its own.
#[derive(Clone, Debug)]
pub enum Msg {
    /// Coins between accounts.
    Bank(bank::Msg),
    /// Collateral between wallets and subaccounts.
    Subaccounts(subaccounts::Msg),
    /// Orders.
    Clob(clob::Msg),
    /// Parameters, by the authority.
    Governance(governance::Msg),
}

/// A transaction that parsed: its envelope and its messages.
pub struct Transaction {
    /// Signer, fee, memo and bytes.
    pub envelope: accounts::DecodedTx,
    /// What it asks for, in order.
    pub messages: Vec<Msg>,
}

/// Whether a transaction may carry messages of this type. What one of no bytes is refused for tells it: that there
/// is no such type, that it is not available, or something that it lacks.
pub fn is_known(type_url: &str, chain: &Chain) -> bool {
    let no_type = [Refusal::of(&Error::UnknownMessage(String::new())), governance::refuse("").into()];
    let is = |refusal: &Refusal| {
        no_type.iter().any(|no| (&no.codespace, no.code) == (&refusal.codespace, refusal.code))
    };
    Msg::decode(type_url, &[], chain).err().is_none_or(|refusal| !is(&refusal))
}

impl Msg {
    /// Read a message from its type and bytes.
    pub fn decode(type_url: &str, bytes: &[u8], chain: &Chain) -> Result<Self, Refusal> {
        Ok(match type_url {
            "/cosmos.bank.v1beta1.MsgSend" => Self::Bank(bank::decode_send(bytes, chain)?),
            "/cosmos.bank.v1beta1.MsgMultiSend" => Self::Bank(bank::decode_multi_send(bytes, chain)?),
            "/dydxprotocol.sending.MsgDepositToSubaccount" => {
                Self::Subaccounts(subaccounts::decode_deposit(bytes, chain)?)
            }
            "/dydxprotocol.sending.MsgWithdrawFromSubaccount" => {
                Self::Subaccounts(subaccounts::decode_withdraw(bytes, chain)?)
            }
            "/dydxprotocol.sending.MsgCreateTransfer" => {
                Self::Subaccounts(subaccounts::decode_transfer(bytes, chain)?)
            }
            "/dydxprotocol.clob.MsgPlaceOrder" => Self::Clob(clob::decode_place(bytes, chain)?),
            clob::msg::PLACE_ORDER_MORE => Self::Clob(clob::decode_place_more(bytes, chain)?),
            clob::msg::BATCH => Self::Clob(clob::decode_batch(bytes, chain)?),
            "/dydxprotocol.clob.MsgCancelOrder" => Self::Clob(clob::decode_cancel(bytes, chain)?),
            "/dydxprotocol.clob.MsgUpdateLeverage" => Self::Clob(clob::decode_leverage(bytes, chain)?),
            "/dydxprotocol.clob.MsgBatchCancel" => Self::Clob(clob::decode_batch_cancel(bytes, chain)?),
            _ if governance::is_administrative(type_url) => {
                let msg = governance::admin::decode(type_url, bytes, chain);
                Self::Governance(msg.ok_or_else(|| governance::refuse(type_url))??)
            }
            _ => return Err(Error::UnknownMessage(type_url.chars().take(128).collect()).into()),
        })
    }

    /// The trading message, if it is one.
    pub(crate) const fn clob(&self) -> Option<&clob::Msg> {
        match self {
            Self::Clob(msg) => Some(msg),
            Self::Bank(_) | Self::Subaccounts(_) | Self::Governance(_) => None,
        }
    }

    /// Who must sign it.
    pub fn signer(&self) -> Address {
        match self {
            Self::Bank(msg) => msg.signer(),
            Self::Subaccounts(msg) => msg.signer(),
            Self::Clob(msg) => msg.signer(),
            Self::Governance(msg) => msg.authority,
        }
    }

    /// Type of its answer, for `TxMsgData`.
    pub fn response_type(&self) -> &'static str {
        match self {
            Self::Bank(bank::Msg::Send(_)) => "/cosmos.bank.v1beta1.MsgSendResponse",
            Self::Bank(bank::Msg::MultiSend(_)) => "/cosmos.bank.v1beta1.MsgMultiSendResponse",
            Self::Subaccounts(subaccounts::Msg::Deposit { .. }) => {
                "/dydxprotocol.sending.MsgDepositToSubaccountResponse"
            }
            Self::Subaccounts(subaccounts::Msg::Withdraw { .. }) => {
                "/dydxprotocol.sending.MsgWithdrawFromSubaccountResponse"
            }
            Self::Subaccounts(subaccounts::Msg::Transfer { .. }) => {
                "/dydxprotocol.sending.MsgCreateTransferResponse"
            }
            Self::Clob(clob::Msg::Place(_)) => "/dydxprotocol.clob.MsgPlaceOrderResponse",
            Self::Clob(clob::Msg::PlaceMore { .. }) => "/ballast.clob.v1.MsgPlaceOrderResponse",
            Self::Clob(clob::Msg::Batch(_)) => "/ballast.clob.v1.MsgBatchResponse",
            Self::Clob(clob::Msg::Cancel(_)) => "/dydxprotocol.clob.MsgCancelOrderResponse",
            Self::Clob(clob::Msg::Leverage(_)) => "/dydxprotocol.clob.MsgUpdateLeverageResponse",
            Self::Clob(clob::Msg::BatchCancel(_)) => "/dydxprotocol.clob.MsgBatchCancelResponse",
            Self::Governance(msg) => msg.response_type(),
        }
    }

    /// Whether it travels without a sequence number: short-term orders and their cancels, which are protected
    /// against replay by their own window.
    pub fn sequence_free(&self) -> bool {
        matches!(self, Self::Clob(msg) if msg.is_short_term())
    }

    /// Gas it costs.
    pub fn gas(&self) -> u64 {
        match self {
            Self::Bank(msg) => {
                u64::try_from(msg.recipients().len()).unwrap_or(u64::MAX).saturating_mul(20_000)
            }
            Self::Subaccounts(_) => 40_000,
            Self::Clob(clob::Msg::Batch(batch)) => {
                let operations = u64::try_from(batch.operations.len()).unwrap_or(u64::MAX);
                operations.saturating_mul(10_000).saturating_add(20_000)
            }
            Self::Clob(_) => 30_000,
            Self::Governance(_) => 50_000,
        }
    }

    fn is_transfer(&self) -> bool {
        matches!(self, Self::Subaccounts(subaccounts::Msg::Transfer { .. }))
    }
}

impl Transaction {
    /// Read a transaction: envelope, messages, and whether they go together.
    pub fn decode(bytes: &[u8], limits: &accounts::Limits, chain: &Chain) -> Result<Self, Refusal> {
        let envelope = accounts::decode_tx(bytes, limits)?;
        let messages = envelope
            .messages
            .iter()
            .map(|message| Msg::decode(&message.type_url, &message.bytes, chain))
            .collect::<Result<Vec<_>, _>>()?;
        let tx = Self { envelope, messages };
        tx.check_mix()?;
        Ok(tx)
    }

    /// Whether it has no sequence number and no gas: exactly one short-term trading message.
    pub fn sequence_free(&self) -> bool {
        self.messages.iter().any(Msg::sequence_free)
    }

    /// Whether it may come without a fee: only trading messages, and transfers bundled with them.
    pub fn fee_free(&self) -> bool {
        self.messages.iter().any(|msg| matches!(msg, Msg::Clob(_)))
    }

    /// What it must bring to be admitted.
    pub fn kind(&self) -> accounts::Kind {
        if self.sequence_free() {
            accounts::Kind::SequenceFree
        } else if self.fee_free() {
            accounts::Kind::FeeFree
        } else {
            accounts::Kind::Paid
        }
    }

    /// Gas that it uses, envelope included.
    pub fn gas(&self) -> u64 {
        accounts::gas::needed(&self.envelope, self.message_gas())
    }

    /// The one signer of all messages.
    pub fn signer(&self, chain: &Chain) -> Result<Address, Refusal> {
        let signer =
            self.messages.first().map(Msg::signer).ok_or_else(|| malformed("messages", "are none"))?;
        for (index, msg) in self.messages.iter().enumerate() {
            if msg.signer() != signer {
                return Err(Error::Signer {
                    index,
                    expected: msg.signer().to_bech32(&chain.prefix),
                    actual: signer.to_bech32(&chain.prefix),
                }
                .into());
            }
        }
        Ok(signer)
    }

    /// Gas that all messages cost, without the envelope.
    pub fn message_gas(&self) -> u64 {
        self.messages.iter().map(Msg::gas).fold(0, u64::saturating_add)
    }

    fn check_mix(&self) -> Result<(), Error> {
        let clob = self.messages.iter().filter(|msg| matches!(msg, Msg::Clob(_))).count();
        let transfers = self.messages.iter().filter(|msg| msg.is_transfer()).count();
        if self.messages.iter().any(Msg::sequence_free) && self.messages.len() > 1 {
            return Err(Error::Mixed(
                "a short-term order, cancel or batch cancel must be alone in its transaction",
            ));
        }
        if clob > 0 && (transfers > 1 || clob + transfers < self.messages.len()) {
            return Err(Error::Mixed("orders go together only with other orders and at most one transfer"));
        }
        Ok(())
    }
}
