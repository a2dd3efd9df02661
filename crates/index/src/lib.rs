//! An index of a deployment: follows finalised blocks, keeps records and their
//! history in SQL, serves them over HTTP.
//!
//! | module | holds |
//! | --- | --- |
//! | [`contracts`] | records read from the chain |
//! | [`changes`] | what a block changed |
//! | [`describe`] | events as they are kept and served |
//! | [`store`] | the database |
//! | [`follow`] | the loop that keeps it up to date |
//! | [`lineage`] | the provenance graph around a node, from chain or database |
//! | [`api`] | the REST API; `docs/index.md` describes it |
//!
//! A record's row is what the contracts answer as of the last block that touched
//! it: both are read by [`Contracts`], and a test compares them one by one.

pub mod api;
pub mod changes;
pub mod contracts;
pub mod describe;
mod error;
#[cfg(test)]
mod fixtures;
pub mod follow;
pub mod lineage;
pub mod store;

pub use contracts::Contracts;
pub use error::IndexError;
pub use follow::{Follower, Progress};
pub use lineage::{Limits, Source};
pub use store::Store;
