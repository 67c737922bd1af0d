//! What a subscriber wants of what there is.

use std::collections::BTreeSet;

use proto::ballast::stream::v1 as own;
use proto::dydxprotocol::clob as wire;
use proto::dydxprotocol::subaccounts::SubaccountId as WireId;
use tonic::Status;
use types::{Chain, SubaccountId};

/// How messages are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Form {
    /// As gRPC frames them.
    Framed,
    /// As text.
    Json,
}

/// Names that one subscriber may list.
const MAX_NAMES: usize = 1_000;

/// What a piece is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// A book: its market, and whose orders.
    Book(u32, [Option<SubaccountId>; 2]),
    /// An account.
    Account(SubaccountId),
    /// An oracle price.
    Price(u32),
    /// Anything in this chain's own words: its market and its accounts, if it has some.
    Event(Option<u32>, [Option<SubaccountId>; 2]),
}

/// Subscribers with the same filter get the same bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Filter {
    /// Of `StreamOrderbookUpdates`.
    Dydx(Books),
    /// Of `ballast.stream.v1`.
    Blocks(Events),
}

impl Filter {
    /// Name of the messages that it gets.
    pub(crate) const fn message(&self) -> &'static str {
        match self {
            Self::Dydx(_) => "dydxprotocol.clob.StreamOrderbookUpdatesResponse",
            Self::Blocks(_) => "ballast.stream.v1.BlocksResponse",
        }
    }

    /// Accounts whose risk it wants.
    pub(crate) fn risks(&self) -> Option<&BTreeSet<SubaccountId>> {
        match self {
            Self::Blocks(events) if events.risk => Some(&events.accounts),
            Self::Blocks(_) | Self::Dydx(_) => None,
        }
    }

    /// Whether it wants what is about this.
    pub(crate) fn wants(&self, about: &About) -> bool {
        match self {
            Self::Dydx(books) => books.wants(about),
            Self::Blocks(events) => events.wants(about),
        }
    }
}

/// Books, accounts and prices.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Books {
    pub(crate) books: BTreeSet<u32>,
    pub(crate) accounts: BTreeSet<SubaccountId>,
    pub(crate) prices: BTreeSet<u32>,
    /// Of books only what concerns the accounts.
    pub(crate) own_orders: bool,
}

impl Books {
    /// What a request asks for.
    pub(crate) fn of(request: wire::StreamOrderbookUpdatesRequest, chain: &Chain) -> Result<Self, Status> {
        let names = [request.clob_pair_id.len(), request.subaccount_ids.len(), request.market_ids.len()];
        if names.iter().sum::<usize>() > MAX_NAMES {
            let words = format!("the request names more than {MAX_NAMES} pairs, accounts and markets");
            return Err(Status::invalid_argument(words));
        }
        if names == [0; 3] {
            return Err(Status::invalid_argument("name at least one clob_pair_id, subaccount or market"));
        }
        let own_orders = request.filter_orders_by_subaccount_id;
        if own_orders && request.subaccount_ids.is_empty() {
            let words = "filter_orders_by_subaccount_id needs subaccount_ids to filter by";
            return Err(Status::invalid_argument(words));
        }
        let read = |id| subaccounts::msg::subaccount("subaccount_ids", Some(id), chain);
        let accounts: Result<_, _> = request.subaccount_ids.into_iter().map(read).collect();
        Ok(Self {
            books: request.clob_pair_id.into_iter().collect(),
            accounts: accounts.map_err(|wrong| Status::invalid_argument(wrong.to_string()))?,
            prices: request.market_ids.into_iter().collect(),
            own_orders,
        })
    }

    fn wants(&self, about: &About) -> bool {
        match about {
            About::Book(market, of) => {
                let own = || of.iter().flatten().any(|id| self.accounts.contains(id));
                self.books.contains(market) && (!self.own_orders || own())
            }
            About::Account(id) => self.accounts.contains(id),
            About::Price(market) => self.prices.contains(market),
            About::Event(..) => false,
        }
    }
}

/// Events of markets and accounts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Events {
    /// None: all.
    markets: BTreeSet<u32>,
    /// None: all.
    accounts: BTreeSet<SubaccountId>,
    /// The risk of the accounts too.
    risk: bool,
}

impl Events {
    /// What a request asks for.
    pub(crate) fn of(request: &own::BlocksRequest, chain: &Chain) -> Result<Self, Status> {
        if request.market_ids.len().saturating_add(request.accounts.len()) > MAX_NAMES {
            let words = format!("the request names more than {MAX_NAMES} markets and accounts");
            return Err(Status::invalid_argument(words));
        }
        let read = |id: &WireId| subaccounts::msg::subaccount("accounts", Some(id.clone()), chain);
        let accounts: Result<_, _> = request.accounts.iter().map(read).collect();
        if request.risk && request.accounts.is_empty() {
            return Err(Status::invalid_argument("risk needs accounts whose risk it is"));
        }
        Ok(Self {
            risk: request.risk,
            markets: request.market_ids.iter().copied().collect(),
            accounts: accounts.map_err(|wrong| Status::invalid_argument(wrong.to_string()))?,
        })
    }

    fn wants(&self, about: &About) -> bool {
        let About::Event(market, of) = about else { return false };
        let own = || of.iter().flatten().any(|id| self.accounts.contains(id));
        let whose = self.accounts.is_empty() || of == &[None; 2] || own();
        whose && (self.markets.is_empty() || market.is_none_or(|market| self.markets.contains(&market)))
    }
}
