//! The operator's daemon, as a library: everything but who does the segments.
//!
//! | module | holds |
//! | --- | --- |
//! | [`policy`] | which jobs are taken |
//! | [`prepare`] | from a job on chain to a task on this machine |
//! | [`training`] | training with checkpoints |
//! | [`progress`] | how far a job has come, on disk |
//! | [`steps`] | the messages that an operator signs |
//! | [`worker`] | one job, from the claim to its end |
//! | [`daemon`] | the whole |
//! | [`trainer`] | the seam: [`Trainer`] |
//! | [`status`] | what the status command shows |

pub mod context;
pub mod daemon;
pub mod meter;
pub mod options;
pub mod policy;
pub mod prepare;
pub mod progress;
pub mod status;
pub mod steps;
pub mod trainer;
pub mod training;
pub mod worker;

pub use daemon::run;
pub use options::RunOptions;
pub use trainer::{Honest, Trainer};
