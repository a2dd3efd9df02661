//! Random histories of every message, by honest, idle and malicious actors,
//! against the real logic of the contracts, checked after every message by a
//! model that was written from the law alone. `docs/attack.md` says what holds.
//!
//! | module | holds |
//! | --- | --- |
//! | [`history`] | acts, and histories as text |
//! | [`run`] | many histories on threads, replays, failures |
//! | [`shrink`] | the shortest history that still fails |
//! | [`coverage`] | what was reached |
//! | [`chain`] | memory with a journal |
//! | [`market`] | the market, its model and its actors |
//! | [`records`] | registries and titles, their model and their actors |

pub mod chain;
pub mod coverage;
pub mod history;
pub mod market;
pub mod records;
pub mod run;
pub mod shrink;
