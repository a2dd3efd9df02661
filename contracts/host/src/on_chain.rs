//! Host functions of `pallet-revive` that ink! does not wrap as we need them.

use crate::CallFailed;
use alloc::{vec, vec::Vec};
use assay_protocol::{Address, Hash, host::MAX_VALUE_BYTES};
use ink::scale::{Encode, Output};
use pallet_revive_uapi::{CallFlags, HostFn, HostFnImpl, ReturnErrorCode, ReturnFlags, StorageFlags};

// ink!'s dispatch is one function whose frame holds what every message takes and
// gives; with the logic under it that is more than PolkaVM's 8 KiB.
#[allow(unsafe_code, reason = "an assembler directive that adds a note for the linker, and no code")]
mod stack {
    // SAFETY: the note is in a section of its own, which only the linker reads.
    polkavm_derive::min_stack_size!(64 * 1024);
}

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
    let result = call_into(&SHA_256, bytes, true, Some(&mut output));
    // A hash that was not computed must never pass for one: stop the message.
    assert!(result.is_ok() && output.len() == 32, "the SHA-256 precompile answers");
    Hash(hash)
}

/// A call with all the weight that is left, without value.
fn call_into(
    to: &[u8; 20],
    input: &[u8],
    read_only: bool,
    output: Option<&mut &mut [u8]>,
) -> Result<(), ReturnErrorCode> {
    let flags = if read_only { CallFlags::READ_ONLY } else { CallFlags::empty() };
    // Whoever signed limits the deposits of the whole transaction.
    let deposit_limit = [u8::MAX; 32];
    HostFnImpl::call(flags, to, u64::MAX, u64::MAX, &deposit_limit, &[0; 32], input, output)
}

pub(crate) fn call(to: &Address, input: &[u8], read_only: bool) -> Result<Vec<u8>, CallFailed> {
    call_into(&to.0, input, read_only, None).map_err(|_| CallFailed)?;
    let mut answer = vec![0; HostFnImpl::return_data_size() as usize];
    HostFnImpl::return_data_copy(&mut &mut answer[..], 0);
    Ok(answer)
}

pub(crate) fn code_size(address: &Address) -> u64 {
    HostFnImpl::code_size(&address.0)
}

pub(crate) fn input() -> Vec<u8> {
    let mut input = vec![0; HostFnImpl::call_data_size() as usize];
    HostFnImpl::call_data_copy(&mut input, 0);
    input
}

pub(crate) fn end(refuse: bool, bytes: &[u8]) -> ! {
    HostFnImpl::return_value(if refuse { ReturnFlags::REVERT } else { ReturnFlags::empty() }, bytes)
}

pub(crate) fn emit(topics: &[[u8; 32]], data: &[u8]) {
    HostFnImpl::deposit_event(topics, data);
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
