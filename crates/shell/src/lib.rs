//! What Assay's commands and daemons share.
//!
//! * [`options`]: `--url`, `--deployment`, `--suri`, `--keystore`.
//! * [`inputs`]: from a job on chain to a task that can be run.
//! * [`output`]: the JSON envelope and the exit codes.
//! * [`journal`]: what a daemon has signed, so that it never signs otherwise.
//! * [`shutdown`]: SIGTERM and SIGINT as something to await.

pub mod inputs;
pub mod journal;
pub mod options;
pub mod output;
pub mod shutdown;

pub use journal::{Journal, JournalError, Recorded};
pub use options::{ChainOptions, KeyOptions, LogOptions};
pub use shutdown::Shutdown;
