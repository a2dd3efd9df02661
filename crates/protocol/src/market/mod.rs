//! Jobs, operators and verifiers: what the market's messages take, give and
//! refuse. `crates/market` holds the logic, `docs/market.md` the states.
//!
//! | module | holds |
//! | --- | --- |
//! | `terms` | what a client fixes when it posts a job |
//! | `records` | what the market stores and shows |
//! | `messages` | arguments of the operator's messages |
//! | `events` | what happened |
//! | `error` | why a message is refused |

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

mod error;
mod events;
mod messages;
mod records;
mod terms;

pub use error::{Error, TermsError};
pub use events::{Event, Reason};
pub use messages::{Commit, LeafOpening, SlotOpening, SlotTrace};
pub use records::{
    Check, Commitment, Dispute, Enlistment, Job, JobSummary, JobView, Role, Seat, Slot, Standing, State,
};
pub use terms::{ModelTerms, PostJob, Terms, Windows};

/// What `kind()` of the contract answers, to tell it from any other contract.
pub const KIND: &str = "market";
/// What `version()` answers. A change of messages, records or events raises it.
pub const VERSION: u32 = 1;
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
/// Most operators that may claim a job one after another.
pub const MAX_ATTEMPTS: u8 = 3;
/// Most draws of a job, the first one included.
pub const MAX_ROUNDS: u8 = 3;
/// Most bytes of an operator's or verifier's endpoint.
pub const MAX_ENDPOINT_BYTES: usize = 256;
/// Most entries that a paged read returns.
pub const MAX_PAGE: u32 = 50;
/// Share of a verifier's bond that it loses by not doing its turn, in basis points.
pub const IDLE_PENALTY_BP: u16 = 1_000;
/// Share of the stake that an operator loses by not committing in time, in basis points.
pub const LATE_PENALTY_BP: u16 = 1_000;
/// Share of a slashed sum that goes to who was wronged, in basis points; the rest is burned.
pub const WINNER_SHARE_BP: u16 = 5_000;
/// Where burned sums go: an address whose key nobody has.
pub const BURN_ADDRESS: Address = Address([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xde, 0xad]);
