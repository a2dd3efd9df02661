//! [`Host`] for contracts on `pallet-revive`.
//!
//! Everything that the contracts ask of their chain is here, so that a move to
//! another front end changes this crate and the thin contracts alone.
//!
//! Storage is raw: a value's bytes under a key's bytes, with no prefix. Keys
//! come from [`assay_protocol::host::Table`] and start with a letter, so that
//! they never meet the key of ink!'s own root value, four zero bytes.
//!
//! With the feature `std` the host stands on ink!'s off-chain test environment.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg_attr(feature = "std", path = "off_chain.rs")]
#[cfg_attr(not(feature = "std"), path = "on_chain.rs")]
mod chain;

use alloc::vec::Vec;
use assay_protocol::{Address, Hash, hash::Sha256, host::Host};
use ink::{
    U256,
    env::DefaultEnvironment,
    scale::{Decode, DecodeAll, Encode},
};

/// The chain that the running contract is on.
#[derive(Clone, Copy, Debug, Default)]
pub struct InkHost;

/// A call to another contract gave no answer: it trapped, refused, or may not
/// be called, because it is waiting for this very call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallFailed;

/// The transfer did not happen: the contract holds less than the amount, or
/// the receiver refused it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransferFailed;

impl InkHost {
    /// Sends `amount`, in the contract's unit, from the contract to `to`.
    ///
    /// A receiving contract runs; it cannot call back into this one.
    ///
    /// # Errors
    /// If it did not happen; nothing was moved then.
    pub fn transfer(&mut self, to: Address, amount: u128) -> Result<(), TransferFailed> {
        // The pallet traps a contract that pays itself, and with it the whole message.
        if to == self.address() {
            return Err(TransferFailed);
        }
        ink::env::transfer::<DefaultEnvironment>(account(to), U256::from(amount)).map_err(|_| TransferFailed)
    }

    /// Whether a contract is at `address`.
    pub fn is_contract(&self, address: &Address) -> bool {
        chain::code_size(address) > 0
    }

    /// Asks the contract at `to` something that changes nothing, whatever its
    /// ABI, and gives the answer's bytes.
    ///
    /// # Errors
    /// If it gives none. Where no contract is, the answer is empty.
    pub fn ask(&self, to: &Address, input: &[u8]) -> Result<Vec<u8>, CallFailed> {
        chain::call(to, input, true)
    }

    /// Asks the ink! contract at `to`: the message of this selector
    /// (`ink::selector_bytes!`), with its arguments as a tuple.
    ///
    /// # Errors
    /// If it gives no answer of this type.
    pub fn ask_ink<T: Decode>(&self, to: &Address, selector: [u8; 4], arguments: impl Encode) -> Result<T, CallFailed> {
        let answer = self.ask(to, &(selector, arguments).encode())?;
        match ink::MessageResult::<T>::decode_all(&mut &answer[..]) {
            Ok(Ok(value)) => Ok(value),
            _ => Err(CallFailed),
        }
    }

    /// Sends a message to the contract at `to`, whatever its ABI, and gives the
    /// answer's bytes. It cannot call back into this one.
    ///
    /// # Errors
    /// If it gives none; nothing was changed there then. Where no contract is,
    /// the answer is empty.
    pub fn call(&mut self, to: &Address, input: &[u8]) -> Result<Vec<u8>, CallFailed> {
        chain::call(to, input, false)
    }

    /// The message that runs, selector included.
    pub fn input(&self) -> Vec<u8> {
        chain::input()
    }

    /// Ends the message with these bytes for an answer.
    pub fn answer(&self, bytes: &[u8]) -> ! {
        chain::end(false, bytes)
    }

    /// Ends the message with these bytes for a reason; nothing is kept of it.
    pub fn refuse(&self, bytes: &[u8]) -> ! {
        chain::end(true, bytes)
    }

    /// Emits an event with these topics, at most four, and data.
    pub fn emit(&mut self, topics: &[[u8; 32]], data: &[u8]) {
        chain::emit(topics, data);
    }
}

/// ink!'s address as the protocol's.
pub fn address(address: ink::Address) -> Address {
    Address(address.0)
}

/// The protocol's address as ink!'s.
pub fn account(address: Address) -> ink::Address {
    ink::Address::from(address.0)
}

impl Sha256 for InkHost {
    fn sha256(&self, bytes: &[u8]) -> Hash {
        chain::sha256(bytes)
    }
}

impl Host for InkHost {
    fn address(&self) -> Address {
        address(ink::env::address())
    }

    fn caller(&self) -> Address {
        address(ink::env::caller())
    }

    /// # Panics
    /// If it does not fit into 128 bits, which no chain's total issuance reaches.
    fn value(&self) -> u128 {
        u128::try_from(ink::env::transferred_value()).expect("a transferred value fits into 128 bits")
    }

    fn now(&self) -> u64 {
        ink::env::block_timestamp::<DefaultEnvironment>()
    }

    fn block_number(&self) -> u32 {
        ink::env::block_number::<DefaultEnvironment>()
    }

    fn block_hash(&self, number: u32) -> Option<Hash> {
        chain::block_hash(number)
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        chain::get(key)
    }

    fn set(&mut self, key: &[u8], value: &[u8]) {
        chain::set(key, value);
    }

    fn remove(&mut self, key: &[u8]) {
        chain::remove(key);
    }
}
