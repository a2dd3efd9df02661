//! A simulator of the market's economics: operators, verifiers, clients and
//! challengers, honest and not, play jobs against the market's own logic, and
//! what comes of it stands beside what the formulas of `docs/economics.md` say.
//!
//! | module | holds |
//! | --- | --- |
//! | [`cast`] | settings, who takes part, how they behave |
//! | [`attacks`] | the attacks, and the formula for each |
//! | [`formulas`] | the formulas, in floating point |
//! | [`stats`] | means, confidence intervals, agreement |
//! | [`report`] | the table |
//! | [`plots`] | the plots |
//! | `play` | a job from end to end, message by message |
//! | `chain` | a chain in memory that keeps account and can be looked ahead on |
//! | `work` | training in a world where a segment is a hash |

pub mod attacks;
pub mod cast;
mod chain;
pub mod formulas;
mod play;
pub mod plots;
pub mod report;
pub mod stats;
mod work;

pub use chain::Refused;
