//! The one call that no honest contract here makes: with value, and with leave
//! to call back.

use assay_protocol::Address;
use ink::prelude::vec::Vec;

/// Sends a message: whether it was refused, and what it answered.
#[cfg(not(feature = "std"))]
pub fn call(to: &Address, value: u128, input: &[u8]) -> (bool, Vec<u8>) {
    use ink::prelude::vec;
    use pallet_revive_uapi::{CallFlags, HostFn, HostFnImpl};
    let mut amount = [0; 32];
    amount[..16].copy_from_slice(&value.to_le_bytes());
    let limit = [u8::MAX; 32];
    let flags = CallFlags::ALLOW_REENTRY;
    let result = HostFnImpl::call(flags, &to.0, u64::MAX, u64::MAX, &limit, &amount, input, None);
    let mut answer = vec![0; HostFnImpl::return_data_size() as usize];
    HostFnImpl::return_data_copy(&mut &mut answer[..], 0);
    (result.is_err(), answer)
}

/// ink!'s test environment has no other contracts.
#[cfg(feature = "std")]
pub fn call(_: &Address, _: u128, _: &[u8]) -> (bool, Vec<u8>) {
    panic!("ink!'s test environment has no other contracts")
}
