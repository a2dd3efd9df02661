//! The same over ink!'s off-chain test environment, which has one contract and
//! no bytes of messages: what needs more panics, as ink!'s own calls do there.

use crate::CallFailed;
use alloc::vec::Vec;
use assay_protocol::{
    Address, Hash,
    hash::{Native, Sha256},
    host::MAX_VALUE_BYTES,
};
use ink::env::DefaultEnvironment;

pub(crate) fn sha256(bytes: &[u8]) -> Hash {
    Native.sha256(bytes)
}

/// The test environment has no block hashes: the hash of the number stands in
/// for them, over the range that a chain answers for.
pub(crate) fn block_hash(number: u32) -> Option<Hash> {
    let current = ink::env::block_number::<DefaultEnvironment>();
    (number < current && current - number <= 256).then(|| sha256(&number.to_le_bytes()))
}

pub(crate) fn get(key: &[u8]) -> Option<Vec<u8>> {
    ink::env::get_contract_storage(&key.to_vec()).expect("storage holds what was written")
}

pub(crate) fn set(key: &[u8], value: &[u8]) {
    assert!(value.len() <= MAX_VALUE_BYTES, "stored value of {} bytes", value.len());
    ink::env::set_contract_storage(&key.to_vec(), &value.to_vec());
}

pub(crate) fn remove(key: &[u8]) {
    ink::env::clear_contract_storage(&key.to_vec());
}

pub(crate) fn code_size(_: &Address) -> u64 {
    panic!("ink!'s test environment has no other contracts")
}

pub(crate) fn call(_: &Address, _: &[u8], _: bool) -> Result<Vec<u8>, CallFailed> {
    panic!("ink!'s test environment has no other contracts")
}

pub(crate) fn input() -> Vec<u8> {
    panic!("ink!'s test environment has no bytes of messages")
}

pub(crate) fn end(_: bool, _: &[u8]) -> ! {
    panic!("ink!'s test environment has no bytes of answers")
}

pub(crate) fn emit(_: &[[u8; 32]], _: &[u8]) {
    panic!("ink!'s test environment has no raw events")
}
