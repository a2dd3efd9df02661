//! The oracle as a program, against a real chain. `ASSAY_NODE` names the node's
//! binary.

mod commands;
mod harness;
mod keys;
mod life;
mod refusals;
