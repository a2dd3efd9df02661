//! Lists in storage that grow at the end and are read in pages.

use assay_protocol::{
    host::{Host, Table},
    registry::{MAX_PAGE, Page},
};
use parity_scale_codec::{Decode, Encode};

/// One list per key: a count, and one stored value per item.
pub(crate) struct List<K, V> {
    counts: Table<K, u32>,
    items: Table<(K, u32), V>,
}

impl<K: Encode + Clone, V: Encode + Decode> List<K, V> {
    /// Lists with a table of items and a table of counts; see [`Table::new`].
    pub(crate) const fn new(items: u8, counts: u8) -> Self {
        Self { counts: Table::new(counts), items: Table::new(items) }
    }

    /// Items in the list under `key`.
    pub(crate) fn count(&self, host: &impl Host, key: &K) -> u32 {
        self.counts.get(host, key).unwrap_or(0)
    }

    /// Adds an item at the end of the list under `key`, and gives its number.
    pub(crate) fn push(&self, host: &mut impl Host, key: &K, item: &V) -> u32 {
        let number = self.count(host, key);
        self.items.set(host, &(key.clone(), number), item);
        self.counts.set(host, key, &(number + 1));
        number
    }

    /// At most `limit` and [`MAX_PAGE`] items of the list under `key`, from
    /// number `offset` on.
    pub(crate) fn page(&self, host: &impl Host, key: &K, offset: u32, limit: u32) -> Page<V> {
        let total = self.count(host, key);
        let end = offset.saturating_add(limit.min(MAX_PAGE)).min(total);
        let items = (offset..end).filter_map(|index| self.items.get(host, &(key.clone(), index))).collect();
        Page { total, items }
    }
}
