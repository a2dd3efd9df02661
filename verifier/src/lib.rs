//! The verifier: looks at drawn segments of jobs and says what it found.
//!
//! | module | holds |
//! | --- | --- |
//! | [`cli`] | the command line |
//! | [`daemon`] | the loop over finalised blocks |
//! | [`duties`] | what the chain's records ask of this account |
//! | [`policy`] | which jobs to enlist for |
//! | [`inspect`] | fetching checkpoints and replaying, with patience |
//! | [`mod@replay`] | one replay |
//! | [`findings`] | what replays gave, on disk |
//! | [`secret`] | secrets for the draws |
//! | [`challenge`] | replaying segments in a job's window, and challenging what is false |
//! | [`status`] | what the status command shows |
//! | [`audit`] | checking a finished model without any account |

pub mod audit;
pub mod challenge;
pub mod cli;
pub mod daemon;
pub mod duties;
pub mod findings;
pub mod inspect;
pub mod policy;
pub mod replay;
pub mod secret;
pub mod status;
mod steps;
#[cfg(test)]
mod test_support;
