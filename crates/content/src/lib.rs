//! Content by its hash.
//!
//! * [`Store`]: a folder of files named by what they hold, written atomically.
//! * [`serve`]: an HTTP server over a store, or over a plain folder.
//! * [`Fetcher`]: gets content over HTTP(S), or from a folder that its user
//!   named, within a byte limit and a stall limit. What it returns is exactly what was asked for, or
//!   an error that says which source failed how.
//!
//! A *blob* is known by the SHA-256 of its bytes, a *state* (a checkpoint of a
//! training job) by its state root, which only who knows the format can check:
//! [`Fetcher::state`] takes the check as an argument.
//!
//! The *leaves* of a job's commitment are known by its Merkle root. An operator
//! stores, when it commits, the SCALE-encoded `Vec<assay_protocol::commitment::Leaf>`
//! of all boundaries ([`Store::put_leaves`]), and serves it as `GET /leaves/<root>`:
//! the chain keeps the root only, and whoever audits a segment that was not
//! drawn needs the leaves around it ([`Fetcher::leaves`]).

pub mod fetch;
pub mod serve;
pub mod store;

pub use fetch::{FetchError, Fetcher, Progress};
pub use store::{Kind, Store, StoreError};
