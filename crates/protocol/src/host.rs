//! The world as contract logic sees it.
//!
//! The logic of the contracts is written against [`Host`] and knows no contract
//! language. A thin contract implements `Host` on its chain; tests implement it
//! over a map. A message that returns an error must leave no trace: the host
//! reverts storage and value, as chains do.

use crate::hash::{Address, Hash, Sha256};
use alloc::vec::Vec;
use core::marker::PhantomData;
use parity_scale_codec::{Decode, Encode};

/// Most bytes that a stored value may have (`pallet-revive`'s limit).
pub const MAX_VALUE_BYTES: usize = 416;

/// Storage, clock, caller and hash function of a contract.
pub trait Host: Sha256 {
    /// The contract's own address.
    fn address(&self) -> Address;
    /// Who sent the message.
    fn caller(&self) -> Address;
    /// What came with the message, in the contract's unit (10^-18 of a token).
    fn value(&self) -> u128;
    /// Chain time of the current block, in seconds since 1970.
    fn now(&self) -> u64;
    /// Number of the current block.
    fn block_number(&self) -> u32;
    /// Hash of an earlier block; `None` for the current one, later ones and
    /// those more than 256 blocks back.
    fn block_hash(&self, number: u32) -> Option<Hash>;
    /// The stored value under `key`.
    fn get(&self, key: &[u8]) -> Option<Vec<u8>>;
    /// Stores `value`, at most [`MAX_VALUE_BYTES`], under `key`.
    fn set(&mut self, key: &[u8], value: &[u8]);
    /// Forgets what is stored under `key`.
    fn remove(&mut self, key: &[u8]);
}

/// A typed table in a [`Host`]'s storage: keys are `(table, key)` in SCALE.
///
/// ```
/// use assay_protocol::host::{MemoryHost, Table};
/// const AGES: Table<u64, u32> = Table::new(b'a');
/// let mut host = MemoryHost::default();
/// AGES.set(&mut host, &7, &41);
/// assert_eq!(AGES.get(&host, &7), Some(41));
/// assert_eq!(AGES.get(&host, &8), None);
/// ```
pub struct Table<K, V> {
    tag: u8,
    types: PhantomData<fn(K) -> V>,
}

impl<K: Encode, V: Encode + Decode> Table<K, V> {
    /// A table whose keys start with `tag`; no two tables of a contract share one.
    pub const fn new(tag: u8) -> Self {
        Self { tag, types: PhantomData }
    }

    fn key(&self, key: &K) -> Vec<u8> {
        (self.tag, key).encode()
    }

    /// The value under `key`.
    ///
    /// # Panics
    /// If the stored bytes are not a `V`: storage is written by [`Table::set`]
    /// alone, so this is corruption, and stopping is the only safe answer.
    pub fn get(&self, host: &impl Host, key: &K) -> Option<V> {
        let bytes = host.get(&self.key(key))?;
        Some(V::decode(&mut &bytes[..]).expect("storage holds what was written"))
    }

    /// Stores `value` under `key`.
    pub fn set(&self, host: &mut impl Host, key: &K, value: &V) {
        let bytes = value.encode();
        debug_assert!(
            bytes.len() <= MAX_VALUE_BYTES,
            "table {}: {} bytes exceed the limit of a stored value",
            self.tag as char,
            bytes.len()
        );
        host.set(&self.key(key), &bytes);
    }

    /// Forgets `key`.
    pub fn remove(&self, host: &mut impl Host, key: &K) {
        host.remove(&self.key(key));
    }
}

/// What [`Host::get`] gives, for [`delegate_host`](crate::delegate_host).
pub type Bytes = Vec<u8>;

/// Makes a type a [`Host`] by one of its fields, so that it can add what a
/// contract's logic asks for. With a third argument, the name of a method of the
/// type that takes a key, that method hears of each key before it changes.
///
/// ```
/// use assay_protocol::host::{Host, MemoryHost};
/// struct Noisy { memory: MemoryHost, changes: u32 }
/// impl Noisy {
///     fn count(&mut self, _key: &[u8]) { self.changes += 1; }
/// }
/// assay_protocol::delegate_host!(Noisy, memory, count);
/// let mut host = Noisy { memory: MemoryHost::default(), changes: 0 };
/// host.set(b"key", b"value");
/// assert_eq!((host.get(b"key"), host.changes), (Some(b"value".to_vec()), 1));
/// ```
#[macro_export]
macro_rules! delegate_host {
    ($type:ty, $field:ident $(, $changes:ident)?) => {
        impl $crate::hash::Sha256 for $type {
            fn sha256(&self, bytes: &[u8]) -> $crate::Hash {
                $crate::hash::Sha256::sha256(&self.$field, bytes)
            }
        }

        impl $crate::host::Host for $type {
            fn address(&self) -> $crate::Address {
                $crate::host::Host::address(&self.$field)
            }
            fn caller(&self) -> $crate::Address {
                $crate::host::Host::caller(&self.$field)
            }
            fn value(&self) -> u128 {
                $crate::host::Host::value(&self.$field)
            }
            fn now(&self) -> u64 {
                $crate::host::Host::now(&self.$field)
            }
            fn block_number(&self) -> u32 {
                $crate::host::Host::block_number(&self.$field)
            }
            fn block_hash(&self, number: u32) -> Option<$crate::Hash> {
                $crate::host::Host::block_hash(&self.$field, number)
            }
            fn get(&self, key: &[u8]) -> Option<$crate::host::Bytes> {
                $crate::host::Host::get(&self.$field, key)
            }
            fn set(&mut self, key: &[u8], value: &[u8]) {
                $(self.$changes(key);)?
                $crate::host::Host::set(&mut self.$field, key, value);
            }
            fn remove(&mut self, key: &[u8]) {
                $(self.$changes(key);)?
                $crate::host::Host::remove(&mut self.$field, key);
            }
        }
    };
}

/// A [`Host`] over a map, for tests and simulations.
#[cfg(feature = "std")]
#[derive(Clone, Debug, Default)]
pub struct MemoryHost {
    /// What is stored.
    pub storage: std::collections::BTreeMap<Vec<u8>, Vec<u8>>,
    /// The contract's own address.
    pub address: Address,
    /// Who sends the message.
    pub caller: Address,
    /// What comes with it.
    pub value: u128,
    /// Chain time in seconds.
    pub now: u64,
    /// Number of the current block.
    pub block_number: u32,
}

#[cfg(feature = "std")]
impl Sha256 for MemoryHost {
    fn sha256(&self, bytes: &[u8]) -> Hash {
        crate::hash::Native.sha256(bytes)
    }
}

#[cfg(feature = "std")]
impl Host for MemoryHost {
    fn address(&self) -> Address {
        self.address
    }
    fn caller(&self) -> Address {
        self.caller
    }
    fn value(&self) -> u128 {
        self.value
    }
    fn now(&self) -> u64 {
        self.now
    }
    fn block_number(&self) -> u32 {
        self.block_number
    }
    fn block_hash(&self, number: u32) -> Option<Hash> {
        (number < self.block_number && number + 256 >= self.block_number).then(|| self.sha256(&number.to_le_bytes()))
    }
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.storage.get(key).cloned()
    }
    fn set(&mut self, key: &[u8], value: &[u8]) {
        assert!(value.len() <= MAX_VALUE_BYTES, "stored value of {} bytes", value.len());
        self.storage.insert(key.to_vec(), value.to_vec());
    }
    fn remove(&mut self, key: &[u8]) {
        self.storage.remove(key);
    }
}
