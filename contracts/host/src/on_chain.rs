//! Host functions of `pallet-revive` that ink! does not wrap as we need them.

use alloc::vec::Vec;
use assay_protocol::{Hash, host::MAX_VALUE_BYTES};
use ink::scale::{Encode, Output};
use pallet_revive_uapi::{CallFlags, HostFn, HostFnImpl, ReturnErrorCode, StorageFlags};

/// The SHA-256 precompile: address 2, as on Ethereum.
const SHA_256: [u8; 20] = {
    let mut address = [0; 20];
    address[19] = 2;
    address
};

/// By the precompile, which is far cheaper than hashing inside the contract.
pub(crate) fn sha256(bytes: &[u8]) -> Hash {
    let mut hash = [0; 32];
    let mut output = &mut hash[..];
    let result = HostFnImpl::call(
        CallFlags::READ_ONLY,
        &SHA_256,
        u64::MAX, // all the weight that is left
        u64::MAX,
        &[u8::MAX; 32], // the precompile stores nothing, so no deposit to limit
        &[0; 32],       // no value
        bytes,
        Some(&mut output),
    );
    // A hash that was not computed must never pass for one: stop the message.
    assert!(result.is_ok() && output.len() == 32, "the SHA-256 precompile answers");
    Hash(hash)
}

/// The pallet knows the hashes of the last 256 blocks and answers zeros for any other.
pub(crate) fn block_hash(number: u32) -> Option<Hash> {
    let mut index = [0; 32];
    index[..4].copy_from_slice(&number.to_le_bytes());
    let mut hash = [0; 32];
    HostFnImpl::block_hash(&index, &mut hash);
    (hash != [0; 32]).then_some(Hash(hash))
}

pub(crate) fn get(key: &[u8]) -> Option<Vec<u8>> {
    let mut buffer = [0; MAX_VALUE_BYTES];
    let mut output = &mut buffer[..];
    match HostFnImpl::get_storage(StorageFlags::empty(), key, &mut output) {
        Ok(()) => Some(output.to_vec()),
        Err(ReturnErrorCode::KeyNotFound) => None,
        Err(_) => panic!("storage answers"),
    }
}

pub(crate) fn set(key: &[u8], value: &[u8]) {
    HostFnImpl::set_storage(StorageFlags::empty(), key, value);
}

/// By the storage precompile: the pallet has no host function for it any more.
pub(crate) fn remove(key: &[u8]) {
    ink::env::clear_contract_storage(&RawKey(key));
}

/// A key that is its own encoding, without a length in front.
struct RawKey<'a>(&'a [u8]);

impl Encode for RawKey<'_> {
    fn encode_to<T: Output + ?Sized>(&self, output: &mut T) {
        output.write(self.0);
    }
}
