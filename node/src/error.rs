//! Why the chain cannot start or had to stop.

use crate::store::OpenError;
use assay_node_runtime::Hash;
use std::{io, path::PathBuf};

/// An error that ends the program with status 1. Each says what to do where
/// something can be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Somebody listens there already.
    #[error(
        "port {0} on 127.0.0.1 is taken: stop what listens there (another assay-node?), or \
         choose another with --rpc-port N (0 takes any free one)"
    )]
    PortTaken(u16),
    /// The port cannot be listened on for another reason.
    #[error("cannot listen on 127.0.0.1:{0}: {1}; choose another with --rpc-port N")]
    Listen(u16, #[source] io::Error),
    /// The log filter is not one.
    #[error("cannot log as --log {0} asks: {1}")]
    Log(String, #[source] Box<sc_tracing::logging::Error>),
    /// The stored chain cannot be opened.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// The stored chain began differently.
    #[error(
        "the chain in {path} has genesis {stored:?}, but this program with these flags makes \
         {expected:?}: give the same --fund flags and use the same version as when it was made, \
         or choose another --base-path"
    )]
    OtherGenesis {
        /// Where the chain is.
        path: PathBuf,
        /// Its first block.
        stored: Hash,
        /// The first block of the chain that was asked for.
        expected: Hash,
    },
    /// The first block cannot be made.
    #[error("cannot make the first block: {0}")]
    Genesis(String),
    /// Something in the Substrate stack.
    #[error(transparent)]
    Service(Box<sc_service::Error>),
    /// Something in the Substrate client.
    #[error(transparent)]
    Client(Box<sp_blockchain::Error>),
    /// The operating system refused something basic.
    #[error("{0}: {1}")]
    System(&'static str, #[source] io::Error),
}

impl From<sc_service::Error> for Error {
    fn from(error: sc_service::Error) -> Self {
        Self::Service(Box::new(error))
    }
}

impl From<sp_blockchain::Error> for Error {
    fn from(error: sp_blockchain::Error) -> Self {
        Self::Client(Box::new(error))
    }
}
