//! When orders end: a list of orders for each height and each second at which some do.

use alloc::collections::BTreeMap;

use crate::arena::{Arena, Handle, Links, List};
use crate::books::Record;
use crate::order::GoodTil;

/// Resting orders by the moment until which they are good, in the order in which they came to rest.
#[derive(Debug, Default)]
pub(crate) struct Calendar {
    heights: BTreeMap<u32, List>,
    times: BTreeMap<u32, List>,
}

fn due(record: &mut Record) -> &mut Links {
    &mut record.due
}

impl Calendar {
    fn page(&mut self, good_til: GoodTil) -> (&mut BTreeMap<u32, List>, u32) {
        match good_til {
            GoodTil::Block(height) => (&mut self.heights, height),
            GoodTil::Time(seconds) => (&mut self.times, seconds),
        }
    }

    pub(crate) fn append(&mut self, orders: &mut Arena<Record>, handle: Handle) {
        let (page, key) = self.page(orders.get(handle).resting.order.good_til);
        orders.append(page.entry(key).or_insert(List::EMPTY), handle, due);
    }

    pub(crate) fn unlink(&mut self, orders: &mut Arena<Record>, handle: Handle) {
        let record = orders.get(handle);
        if !record.due.prev.is_none() && !record.due.next.is_none() {
            // In the middle: the ends of the list stay, so there is no need to look for them.
            let mut untouched = List::EMPTY;
            orders.unlink(&mut untouched, handle, due);
            return;
        }
        let (page, key) = self.page(record.resting.order.good_til);
        if let Some(list) = page.get_mut(&key) {
            orders.unlink(list, handle, due);
            if list.head.is_none() {
                page.remove(&key);
            }
        }
    }

    pub(crate) fn relink(&mut self, orders: &mut Arena<Record>, handle: Handle) {
        let (page, key) = self.page(orders.get(handle).resting.order.good_til);
        orders.relink(page.entry(key).or_insert(List::EMPTY), handle, due);
    }

    /// The first order that does not live at `height` and `seconds`: heights first, then times.
    pub(crate) fn expired(&self, height: u64, seconds: i64) -> Option<Handle> {
        let by_height = self.heights.first_key_value().filter(|(until, _)| u64::from(**until) < height);
        let by_time = || self.times.first_key_value().filter(|(until, _)| i64::from(**until) <= seconds);
        by_height.or_else(by_time).and_then(|(_, list)| list.head.some())
    }
}
