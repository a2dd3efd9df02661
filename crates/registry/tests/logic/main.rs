//! What each message does, one file for each topic.

mod access;
mod common;
mod import;
mod records;
