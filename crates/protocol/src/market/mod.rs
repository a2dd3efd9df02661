//! Jobs, operators and verifiers: what the market's messages take, give and
//! refuse. `crates/market` holds the logic, `docs/market.md` the states.
//!
//! | module | holds |
//! | --- | --- |
//! | `terms` | what is fixed: the market's rules, a job's terms, an operator's offer |
//! | `records` | what the market stores and shows of a job |
//! | `accounts` | what it stores and shows of accounts |
//! | `payments` | who was paid what |
//! | `messages` | arguments of the messages about a job's work |
//! | `events` | what happened |
//! | `error`, `terms_error` | why a message is refused |

use crate::hash::Address;

macro_rules! protocol_type {
    ($(#[$meta:meta])* pub struct $($rest:tt)*) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize))]
        pub struct $($rest)*
    };
    ($(#[$meta:meta])* pub enum $($rest:tt)*) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize))]
        #[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
        pub enum $($rest)*
    };
}

mod accounts;
mod error;
mod events;
mod messages;
mod payments;
mod records;
mod terms;
mod terms_error;

pub use accounts::{Enlistment, Role, Standing};
pub use error::Error;
pub use events::{Event, Reason};
pub use messages::{Answer, Challenge, Commit, Ends, LeafOpening, Opening, SlotOpening, SlotTrace, Wanted};
pub use payments::{Compute, Contributions, Paid, PaidSums, RoyaltyPaid, Verification};
pub use records::{Check, Commitment, Demand, Dispute, EndStates, Job, JobSummary, JobView, Seat, Slot, State};
pub use terms::{ModelTerms, Offer, Policy, PostJob, Rules, Terms, Windows, majority};
pub use terms_error::TermsError;

/// What `kind()` of the contract answers, to tell it from any other contract.
pub const KIND: &str = "market";
/// What `version()` answers. A change of messages, records or events raises it.
pub const VERSION: u32 = 3;
/// Most bytes of a job's encoded specification.
pub const MAX_SPEC_BYTES: usize = 4096;
/// Most bytes of a specification that one stored value holds.
pub const SPEC_CHUNK_BYTES: usize = 384;
/// Most segments of a job.
pub const MAX_SEGMENTS: u32 = 1 << 20;
/// Most segments that are drawn for checking.
pub const MAX_SAMPLES: u8 = 16;
/// Most verifiers on a panel.
pub const MAX_PANEL: u8 = 9;
/// Longest window, in seconds: 30 days.
pub const MAX_WINDOW_SECONDS: u32 = 30 * 24 * 3600;
/// How many times the longest window stake that is taken back waits.
pub const UNBONDING_WINDOWS: u32 = 2;
/// Most operators that may claim a job one after another.
pub const MAX_ATTEMPTS: u8 = 3;
/// Draws that every job has at least, the first one included; [`Terms::rounds`] has them all.
pub const MAX_ROUNDS: u8 = 3;
/// Most panels of one dispute: an undecided one is replaced by a fresh one.
pub const MAX_PANELS: u8 = 2;
/// Most challenges of a job.
pub const MAX_CHALLENGES: u8 = 32;
/// Most demands of a job that are open at once, the reports of drawn verifiers not counted.
pub const MAX_DEMANDS: u8 = 16;
/// A window that a dispute has interrupted goes on for at least one part in so many of its length.
pub const LEAST_WINDOW_PART: u32 = 4;
/// Most bytes of an operator's or verifier's endpoint.
pub const MAX_ENDPOINT_BYTES: usize = 256;
/// Most bytes of the note in an operator's offer.
pub const MAX_NOTE_BYTES: usize = 128;
/// Most entries that a paged read returns.
pub const MAX_PAGE: u32 = 50;
/// Most accounts that a paged read of standings returns: they are long.
pub const MAX_STANDINGS_PAGE: u32 = 25;
/// Most verifiers that [`Contributions`] lists; `payments` has all.
pub const MAX_VERIFIERS_SHOWN: usize = 128;
/// Share of what a verifier locked that it loses by not doing its turn, in basis points.
pub const IDLE_PENALTY_BP: u16 = 1_000;
/// Share of the stake that an operator loses by not committing in time, in basis points.
pub const LATE_PENALTY_BP: u16 = 1_000;
/// Share of a slashed sum that goes to who was wronged, in basis points; the rest is burned.
pub const WINNER_SHARE_BP: u16 = 5_000;
/// Where burned sums go: an address whose key nobody has.
pub const BURN_ADDRESS: Address = Address([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xde, 0xad]);
