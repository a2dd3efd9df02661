//! How a dataset's files become samples.
//!
//! A job names its files and a [`Preparation`]; both are part of its
//! specification, so the chain's record covers them. What is prepared is the same on
//! every machine: text is read as decimal numbers with one rounding, arithmetic is
//! binary32, and nothing depends on the machine's locale, clock or threads. Libraries
//! that read Parquet or cut text into tokens may still change from one release to the
//! next, so a specification also names the [`Prepared::root`] of what its author's
//! software prepared: whoever prepares something else learns it before any money moves.
#![warn(missing_docs)]

mod error;
mod images;
mod parquet;
mod preparation;
mod prepared;
mod table;
mod text;

pub use error::DataError;
pub use preparation::{Csv, Files, Images, Label, Parquet, Preparation, Text, Tokeniser};
pub use prepared::{Prepared, Rows, Tokens};
