//! What Assay's commands and daemons share.
//!
//! * [`options`]: `--url`, `--deployment`, `--suri`, `--keystore`.
//! * [`endpoint`]: by which URL others reach a server.
//! * [`inputs`]: from a job on chain to a task that can be run.
//! * [`money`]: `stake`, `unstake`, `collect`, `withdraw`.
//! * [`output`]: the JSON envelope and the exit codes.
//! * [`journal`]: what a daemon has signed, so that it never signs otherwise.
//! * [`shutdown`]: SIGTERM and SIGINT as something to await.

pub mod endpoint;
pub mod inputs;
pub mod journal;
pub mod money;
pub mod options;
pub mod output;
pub mod shutdown;

pub use journal::{Journal, JournalError, Recorded};
pub use options::{ChainOptions, KeyOptions, LogOptions};
pub use shutdown::Shutdown;
