//! The node as its users meet it: as a process with flags, one line on standard
//! output, a port and a folder.

mod blocks;
mod contracts;
mod harness;
mod restart;
mod start;
