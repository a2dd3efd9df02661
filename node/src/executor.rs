//! Runs the runtime that is linked into this program.
//!
//! A Substrate client expects an executor that interprets the WebAssembly stored
//! under `:code`. This one calls the compiled runtime instead, which needs no
//! WebAssembly toolchain to build and starts at once. The price is that the
//! runtime can only change together with the program.

use assay_node_runtime::VERSION;
use codec::Encode;
use sc_executor::{error::Error, RuntimeVersion, RuntimeVersionOf};
use sp_core::traits::{CallContext, CodeExecutor, Externalities, ReadRuntimeVersion, RuntimeCode};
use std::{
    any::Any,
    panic::{catch_unwind, AssertUnwindSafe},
};

/// Stack for one call into the runtime. Contracts call each other up to 25 deep
/// and unoptimised frames are large, so the 2 MiB of a worker thread would not do.
const STACK_BYTES: usize = 64 * 1024 * 1024;
/// A call that finds less than this left gets a new stack of [`STACK_BYTES`].
const STACK_RED_ZONE: usize = 32 * 1024 * 1024;

/// The executor. It has no state.
#[derive(Clone, Copy, Debug)]
pub struct NativeExecutor;

impl CodeExecutor for NativeExecutor {
    type Error = Error;

    fn call(
        &self,
        ext: &mut dyn Externalities,
        _code: &RuntimeCode,
        method: &str,
        data: &[u8],
        _context: CallContext,
    ) -> (Result<Vec<u8>, Error>, bool) {
        let outcome = stacker::maybe_grow(STACK_RED_ZONE, STACK_BYTES, || {
            // The runtime reports what it cannot accept, such as an inherent
            // that is missing, by panicking. The state machine throws the
            // changes of such a call away, so nothing half done is seen.
            catch_unwind(AssertUnwindSafe(|| {
                sp_externalities::set_and_run_with_externalities(ext, || {
                    assay_node_runtime::api::dispatch(method, data)
                })
            }))
        });
        let result = match outcome {
            Ok(Some(output)) => Ok(output),
            Ok(None) => Err(Error::MethodNotFound(method.to_owned())),
            Err(panic) => Err(Error::RuntimePanicked(panic_message(&*panic))),
        };
        (result, true)
    }
}

impl RuntimeVersionOf for NativeExecutor {
    fn runtime_version(&self, _ext: &mut dyn Externalities, _code: &RuntimeCode) -> Result<RuntimeVersion, Error> {
        Ok(VERSION)
    }
}

impl ReadRuntimeVersion for NativeExecutor {
    fn read_runtime_version(&self, _code: &[u8], _ext: &mut dyn Externalities) -> Result<Vec<u8>, String> {
        Ok(VERSION.encode())
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_else(|| "no message".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use codec::Decode;

    fn call(method: &str, data: &[u8]) -> Result<Vec<u8>, Error> {
        let mut ext = sp_io::TestExternalities::default();
        NativeExecutor.call(&mut ext.ext(), &RuntimeCode::empty(), method, data, CallContext::Offchain).0
    }

    #[test]
    fn calls_the_linked_runtime() {
        let version = call("Core_version", &[]).unwrap();
        assert_eq!(RuntimeVersion::decode(&mut &version[..]).unwrap(), VERSION);
    }

    #[test]
    fn an_unknown_method_is_an_error() {
        assert!(matches!(call("Core_nothing", &[]), Err(Error::MethodNotFound(_))));
    }

    #[test]
    fn a_panic_is_an_error() {
        assert!(matches!(call("AccountNonceApi_account_nonce", &[1, 2]), Err(Error::RuntimePanicked(_))));
    }
}
