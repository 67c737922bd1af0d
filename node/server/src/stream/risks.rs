//! The risk of accounts that somebody follows, as the query answers it. A block costs what it changes: accounts that
//! its events name, and those with positions in markets where something changed that risk is made of.

use std::collections::{BTreeMap, BTreeSet};

use num::Ppm;
use perpetuals::Terms;
use prost::Message;
use proto::ballast::stream::v1 as wire;
use tonic::Status;
use tree::View;
use types::{Chain, MarketId, SubaccountId};

use super::sheet::{frame, part_entry, unframed};

/// Accounts whose risk is followed, of all subscribers; who names a further one is refused.
pub(crate) const MAX_FOLLOWED: usize = 10_000;
/// Number of `BlocksResponse.risks`.
const RISKS: u32 = 7;

/// What the risk of a position depends on beside the account: terms, price, and what must stay with all.
type Ground = (Option<Terms>, u64, Ppm);

struct Followed {
    /// As it was told last, as an entry of a message.
    entry: Vec<u8>,
    markets: Vec<MarketId>,
}

/// All accounts that are followed.
#[derive(Default)]
pub(crate) struct Risks {
    accounts: BTreeMap<SubaccountId, Followed>,
    /// Markets where they have positions, and whose those are.
    markets: BTreeMap<MarketId, (Ground, BTreeSet<SubaccountId>)>,
}

impl Risks {
    /// Follow these too. Refused when there are too many.
    pub(crate) fn follow(
        &mut self,
        accounts: &BTreeSet<SubaccountId>,
        (view, chain): (&View, &Chain),
    ) -> Result<(), Status> {
        let new: Vec<_> = accounts.iter().filter(|id| !self.accounts.contains_key(id)).copied().collect();
        if self.accounts.len().saturating_add(new.len()) > MAX_FOLLOWED {
            let words = format!("the risk of {MAX_FOLLOWED} accounts is followed, as many as allowed");
            return Err(Status::resource_exhausted(words));
        }
        for id in new {
            self.look(id, (view, chain));
        }
        Ok(())
    }

    /// Forget accounts that are not among these.
    pub(crate) fn keep(&mut self, wanted: &BTreeSet<SubaccountId>) {
        let gone: Vec<_> = self.accounts.keys().filter(|id| !wanted.contains(id)).copied().collect();
        for id in gone {
            self.forget(&id);
        }
    }

    fn forget(&mut self, id: &SubaccountId) -> Option<Followed> {
        let followed = self.accounts.remove(id)?;
        for market in &followed.markets {
            if let Some((_, holders)) = self.markets.get_mut(market) {
                holders.remove(id);
                if holders.is_empty() {
                    self.markets.remove(market);
                }
            }
        }
        Some(followed)
    }

    /// Look at an account anew; whether it is other than it was.
    fn look(&mut self, id: SubaccountId, (view, chain): (&View, &Chain)) -> bool {
        let before = self.forget(&id).map(|followed| followed.entry);
        let owner = id.owner.to_bech32(&chain.prefix);
        let of = proto::dydxprotocol::subaccounts::SubaccountId { owner, number: id.number };
        let risk = wire::Risk { id: Some(of), risk: risk::query::account(view, &id).ok() };
        let mut entry = Vec::with_capacity(risk.encoded_len().saturating_add(8));
        part_entry(RISKS, &risk, &mut entry);
        let account = subaccounts::get(view, &id);
        let markets: Vec<_> = account.positions.iter().map(|(market, _)| *market).collect();
        for market in &markets {
            let known = self.markets.entry(*market);
            known.or_insert_with(|| (ground(view, *market), BTreeSet::new())).1.insert(id);
        }
        let changed = before.as_ref() != Some(&entry);
        self.accounts.insert(id, Followed { entry, markets });
        changed
    }

    /// Go on to the state after a block whose events name `named`; answers whose risk is another now.
    pub(crate) fn take_in<'a>(
        &mut self,
        named: impl Iterator<Item = &'a SubaccountId>,
        at: (&View, &Chain),
    ) -> BTreeSet<SubaccountId> {
        if self.accounts.is_empty() {
            return BTreeSet::new();
        }
        let mut touched: BTreeSet<_> = named.filter(|id| self.accounts.contains_key(id)).copied().collect();
        for (market, (known, holders)) in &mut self.markets {
            let now = ground(at.0, *market);
            if *known != now {
                *known = now;
                touched.extend(holders.iter().copied());
            }
        }
        touched.retain(|id| self.look(*id, at));
        touched
    }

    /// Look at all of them anew: blocks were left out.
    pub(crate) fn start_over(&mut self, at: (&View, &Chain)) {
        let accounts = std::mem::take(self).accounts;
        for id in accounts.into_keys() {
            self.look(id, at);
        }
    }

    /// The message with the risk of these.
    pub(crate) fn add<'a>(
        &self,
        framed: Vec<u8>,
        accounts: impl Iterator<Item = &'a SubaccountId>,
    ) -> Vec<u8> {
        let entries: Vec<_> = accounts.filter_map(|id| self.accounts.get(id)).collect();
        if entries.is_empty() {
            return framed;
        }
        let mut message = unframed(&framed).to_vec();
        for followed in entries {
            message.extend_from_slice(&followed.entry);
        }
        frame(&message)
    }
}

fn ground(view: &View, market: MarketId) -> Ground {
    let price = prices::price(view, market).map_or(0, |price| price.price.raw());
    (perpetuals::terms(view, market).ok(), price, perpetuals::module_params(view).withdrawal_margin)
}
