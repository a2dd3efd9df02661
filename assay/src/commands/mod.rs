//! The commands, one file per group.

pub mod account;
pub mod dataset;
pub mod deploy;
pub mod export;
pub mod index;
pub mod job;
pub mod ledger;
pub mod model;
pub mod provenance;
pub mod registry;
pub mod standing;
pub mod statement;
