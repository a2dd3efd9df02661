//! What the contracts, the daemons, the command line and the tests of Assay
//! agree on: hashes, ids, leaves and seals, Merkle proofs, the messages of the
//! contracts with their arguments, views and errors, and the world that
//! contract logic sees.
//!
//! The crate is `no_std` and holds no I/O. Everything that is hashed is the
//! SCALE encoding of a type in this crate behind a domain tag, so that a value
//! of one kind can never pass for another.
//!
//! | module | holds |
//! | --- | --- |
//! | [`hash`] | [`struct@Hash`], [`Address`], the [`hash::Sha256`] trait, domain tags |
//! | [`merkle`] | the tree over the leaves of a commitment and its proofs |
//! | [`commitment`] | leaves, seals, trace roots, model ids |
//! | [`state_tree`] | the tree over a training state, and proofs of its chunks |
//! | [`host`] | the world as contract logic sees it, and typed storage on it |
//! | [`registry`] | records, edges, messages and errors of the registry |
//! | [`titles`] | who owns a model: ERC-721 in Solidity's encoding |
//! | [`market`] | jobs, operators, verifiers: messages and errors of the market |
//! | [`economics`] | the odds that a cheat goes unseen |
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod commitment;
pub mod economics;
pub mod hash;
pub mod host;
pub mod market;
pub mod merkle;
pub mod registry;
pub mod state_tree;
pub mod titles;

pub use hash::{Address, Hash};
