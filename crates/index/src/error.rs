//! What can go wrong in an index.

use assay_client::error::{ChainError, ConnectionError, DeploymentError};

/// Why the index cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The chain cannot be asked, or not now.
    #[error(transparent)]
    Chain(#[from] assay_client::Error),
    /// The database refuses.
    #[error("the index's database: {0}")]
    Database(#[from] sqlx::Error),
    /// The database's tables cannot be made or belong to a later version.
    #[error("the index's database cannot be prepared: {0}; `assay index rebuild` makes it anew")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// What the database holds is no record.
    #[error("the index's database holds something else than a record ({0}); `assay index rebuild` makes it anew")]
    Broken(String),
    /// The database's URL names no supported database.
    #[error("{scheme:?} is no kind of database for the index: give sqlite:FILE or postgres://USER@HOST/NAME")]
    DatabaseUrl {
        /// What its URL begins with.
        scheme: String,
    },
    /// The database's folder cannot be made.
    #[error("cannot make the folder {path}: {source}")]
    Folder {
        /// The folder.
        path: std::path::PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The node no longer has a block's state.
    #[error(
        "the node at {url} no longer has the state of block {block} ({reason}): the index needs one that keeps all \
         states (an archive node), from the deployment's block on"
    )]
    Pruned {
        /// The node.
        url: String,
        /// The block.
        block: u64,
        /// What it said.
        reason: String,
    },
    /// Blocks were left out.
    #[error(
        "the index has {here} {what} and the chain has {chain}: it did not begin early enough; \
         give --from a block before the first of them, with `assay index rebuild`"
    )]
    Incomplete {
        /// Of what.
        what: &'static str,
        /// How many the index has.
        here: u64,
        /// How many the chain has.
        chain: u64,
    },
    /// The database is not as this process left it.
    #[error("another process writes to the index's database: run one at a time")]
    Shared,
    /// The chain is another one.
    #[error("the chain at {url} is not the one that was indexed: {reason}")]
    OtherChain {
        /// The node.
        url: String,
        /// How that shows.
        reason: String,
    },
    /// Nothing was indexed yet.
    #[error("nothing is indexed yet: wait until the index has read its first block")]
    Empty,
    /// The address to listen on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
}

impl IndexError {
    /// Whether it may pass by itself: a node that is away or has another chain all
    /// of a sudden, or a chain on which nothing is deployed yet.
    pub fn may_pass(&self) -> bool {
        use assay_client::Error;
        if let IndexError::Chain(Error::Connection(error)) = self
            && error.is_unknown_block()
        {
            return true;
        }
        matches!(
            self,
            IndexError::OtherChain { .. }
                | IndexError::Chain(
                    Error::Connection(ConnectionError::Unreachable { .. } | ConnectionError::OtherChain { .. })
                        | Error::Chain(ChainError::BlockGone { .. })
                        | Error::Deployment(
                            DeploymentError::WrongNetwork(_)
                                | DeploymentError::NoCode { .. }
                                | DeploymentError::OtherCode { .. }
                                | DeploymentError::NotThisKind { .. }
                                | DeploymentError::None { .. }
                        )
                )
        )
    }
}

impl From<serde_json::Error> for IndexError {
    fn from(error: serde_json::Error) -> Self {
        IndexError::Broken(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(message: &str) -> IndexError {
        let url = "ws://127.0.0.1:9944".into();
        let refused =
            ConnectionError::Refused { url, method: "state_call".into(), code: 4003, message: message.into() };
        IndexError::Chain(refused.into())
    }

    #[test]
    fn a_block_of_the_chain_before_passes_and_a_lost_state_does_not() {
        let words = [
            "Client error: Api called for an unknown Block: Header was not found in the database: 0x6d1e",
            "Client error: UnknownBlock: Expect block number from id: 0x6d1e",
        ];
        assert!(words.iter().all(|words| refused(words).may_pass()));
        assert!(!refused("Client error: State already discarded for 0x6d1e").may_pass());
    }
}
