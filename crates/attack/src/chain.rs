//! Memory with a journal: a refused message leaves no trace, as on a chain.

use assay_protocol::Address;
use assay_protocol::hash::{Hash, Native, Sha256};
use assay_protocol::host::{Host, MAX_VALUE_BYTES};
use std::collections::HashMap;

/// Blocks whose hashes a contract can read.
pub const BLOCK_HASHES: u32 = 256;

/// Storage, clock and caller of one contract.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    storage: HashMap<Vec<u8>, Vec<u8>>,
    journal: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    /// The contract's own address.
    pub address: Address,
    /// Who sends the message.
    pub caller: Address,
    /// What comes with it.
    pub value: u128,
    /// Chain time in seconds.
    pub now: u64,
    /// Number of the current block.
    pub block: u32,
    /// Hashes of blocks of a real chain that this one mirrors, in place of [`Chain::hash_of`].
    pub hashes: HashMap<u32, Hash>,
}

impl Chain {
    /// A message begins.
    pub fn begin(&mut self, caller: Address, value: u128) {
        self.journal.clear();
        (self.caller, self.value) = (caller, value);
    }

    /// The message was refused: everything is as it was before [`Chain::begin`].
    pub fn revert(&mut self) {
        self.revert_to(0);
    }

    /// How much the message has written by now.
    pub fn mark(&self) -> usize {
        self.journal.len()
    }

    /// A call within the message was refused: what it wrote since this mark is undone.
    pub fn revert_to(&mut self, mark: usize) {
        for (key, value) in self.journal.split_off(mark).into_iter().rev() {
            match value {
                Some(value) => self.storage.insert(key, value),
                None => self.storage.remove(&key),
            };
        }
    }

    /// The hash of a past block.
    pub fn hash_of(block: u32) -> Hash {
        Native.sha256(&[b"block".as_slice(), &block.to_le_bytes()].concat())
    }
}

impl Sha256 for Chain {
    fn sha256(&self, bytes: &[u8]) -> Hash {
        Native.sha256(bytes)
    }
}

impl Host for Chain {
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
        self.block
    }
    fn block_hash(&self, number: u32) -> Option<Hash> {
        (number < self.block && self.block - number <= BLOCK_HASHES)
            .then(|| self.hashes.get(&number).copied().unwrap_or_else(|| Self::hash_of(number)))
    }
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.storage.get(key).cloned()
    }
    fn set(&mut self, key: &[u8], value: &[u8]) {
        assert!(value.len() <= MAX_VALUE_BYTES, "stored value of {} bytes", value.len());
        let before = self.storage.insert(key.to_vec(), value.to_vec());
        self.journal.push((key.to_vec(), before));
    }
    fn remove(&mut self, key: &[u8]) {
        let before = self.storage.remove(key);
        self.journal.push((key.to_vec(), before));
    }
}
