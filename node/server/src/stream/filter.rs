//! What a subscriber wants of what there is.

use std::collections::BTreeSet;

use proto::dydxprotocol::clob as wire;
use tonic::Status;
use types::{Chain, SubaccountId};

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
}

/// Subscribers with the same filter get the same bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Filter {
    pub(crate) books: BTreeSet<u32>,
    pub(crate) accounts: BTreeSet<SubaccountId>,
    pub(crate) prices: BTreeSet<u32>,
    /// Of books only what concerns the accounts.
    pub(crate) own_orders: bool,
}

impl Filter {
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

    /// Whether it wants what is about this.
    pub(crate) fn wants(&self, about: &About) -> bool {
        match about {
            About::Book(market, of) => {
                let own = || of.iter().flatten().any(|id| self.accounts.contains(id));
                self.books.contains(market) && (!self.own_orders || own())
            }
            About::Account(id) => self.accounts.contains(id),
            About::Price(market) => self.prices.contains(market),
        }
    }
}
