//! Jobs, operators and verifiers: what the market's messages take, give and
//! refuse. `crates/market` holds the logic, `docs/market.md` the states.

use crate::commitment::Outcome;
use crate::hash::{Address, Hash};
use crate::registry;
use alloc::{string::String, vec::Vec};
use core::fmt;
use parity_scale_codec::{Decode, Encode};
use scale_info::TypeInfo;

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

protocol_type! {
    /// How long each state of a job may last, in seconds of chain time.
    #[derive(Copy)]
    #[cfg_attr(feature = "serde", derive(serde::Deserialize))]
    #[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
    pub struct Windows {
        /// For an operator to claim the open job.
        pub claim: u32,
        /// For the operator to train and commit.
        pub train: u32,
        /// For the client and the verifiers to reveal their secrets.
        pub secrets: u32,
        /// For the operator to open the drawn leaves.
        pub open: u32,
        /// For the drawn verifiers to replay and seal; again for a panel.
        pub attest: u32,
        /// For the operator to reveal its trace roots; again for a panel's outcomes.
        pub reveal: u32,
        /// For a verifier to insist on a dispute before the job is final.
        pub dispute: u32,
    }
}

impl Windows {
    /// The windows in the order in which a job meets them.
    pub fn all(&self) -> [u32; 7] {
        [self.claim, self.train, self.secrets, self.open, self.attest, self.reveal, self.dispute]
    }
}

protocol_type! {
    /// What a client fixes when it posts a job. Never changes.
    pub struct Terms {
        /// SHA-256 of the job's specification, whose bytes the chain keeps.
        pub spec: Hash,
        /// Hash of the step program that the specification compiles to.
        pub program: Hash,
        /// Segments that the job's steps are cut into.
        pub segments: u32,
        /// For the operator, in the contract's unit.
        pub payment: u128,
        /// For the verifiers of the drawn segments together.
        pub fee: u128,
        /// Stake that the operator locks.
        pub stake: u128,
        /// Stake that each enlisted verifier locks.
        pub bond: u128,
        /// Segments that are drawn for checking.
        pub samples: u8,
        /// Verifiers that decide a dispute.
        pub panel: u8,
        /// [`sealed_secret`](crate::commitment::sealed_secret) of the client.
        pub sealed_secret: Hash,
        /// How long each state may last.
        pub windows: Windows,
    }
}

protocol_type! {
    /// What the model of a job will be registered as.
    pub struct ModelTerms {
        /// Name of the model.
        pub name: String,
        /// SPDX licence expression of the model.
        pub licence: String,
        /// Model that training starts from.
        pub parent: Option<Hash>,
    }
}

protocol_type! {
    /// The argument of `post_job`.
    pub struct PostJob {
        /// The terms; `terms.spec` must be the hash of `spec`.
        pub terms: Terms,
        /// The model to be.
        pub model: ModelTerms,
        /// Datasets that the model is made from.
        pub datasets: Vec<Hash>,
        /// The encoded specification.
        pub spec: Vec<u8>,
    }
}

protocol_type! {
    /// Where a job is in its life.
    pub enum State {
        /// Waits for verifiers to enlist and for an operator to claim it.
        #[codec(index = 0)]
        Open,
        /// An operator trains.
        #[codec(index = 1)]
        Claimed,
        /// The operator has committed; secrets are being revealed for the draw.
        #[codec(index = 2)]
        Committed,
        /// Segments and verifiers are drawn; the operator opens the leaves.
        #[codec(index = 3)]
        Drawn,
        /// The drawn verifiers replay and seal what they found.
        #[codec(index = 4)]
        Opened,
        /// All seals are in; the operator reveals its trace roots.
        #[codec(index = 5)]
        Attested,
        /// The trace roots are known; a verifier that found something else may insist.
        #[codec(index = 6)]
        Window,
        /// A panel replays the disputed segment and seals what it found.
        #[codec(index = 7)]
        Disputed,
        /// The panel reveals what it found.
        #[codec(index = 8)]
        Ruling,
        /// Done: paid, and the model is registered.
        #[codec(index = 9)]
        Final,
        /// The operator was convicted or stayed away after its commitment; the client is refunded.
        #[codec(index = 10)]
        Failed,
        /// Nobody could decide, or nobody could check; the client is refunded and no operator's stake is lost.
        #[codec(index = 11)]
        Void,
        /// Nobody did it, or the client took it back; the client is refunded.
        #[codec(index = 12)]
        Cancelled,
    }
}

impl State {
    /// Whether the job's life has ended.
    pub fn is_terminal(self) -> bool {
        matches!(self, State::Final | State::Failed | State::Void | State::Cancelled)
    }
}

protocol_type! {
    /// Where a job stands.
    pub struct Job {
        /// Who pays.
        pub client: Address,
        /// State.
        pub state: State,
        /// Chain time in seconds until which the state may last; 0 in a terminal state.
        pub deadline: u64,
        /// Chain time in seconds at which the job was posted.
        pub posted_at: u64,
        /// The operator that claimed it last.
        pub operator: Option<Address>,
        /// Operators that have claimed it.
        pub attempts: u8,
        /// Draws so far.
        pub rounds: u8,
        /// Verifiers that are enlisted.
        pub enlisted: u32,
        /// Enlisted verifiers that have revealed their secret.
        pub revealed: u32,
        /// Bonds of those that have revealed, in the contract's unit: the weights of the draw.
        pub revealed_stake: u128,
        /// The revealed secrets of the verifiers, folded together in any order.
        pub secrets: Hash,
        /// The client's secret, once revealed.
        pub client_secret: Option<Hash>,
        /// The draw happens after this block; its hash goes in if a secret is missing.
        pub draw_block: Option<u32>,
        /// The seed of the last draw; zero before.
        pub seed: Hash,
        /// Drawn slots whose leaves are open.
        pub opened: u8,
        /// The slot that is disputed.
        pub disputed: Option<u8>,
        /// What the job still holds for its client, operator and verifiers.
        pub held: u128,
    }
}

protocol_type! {
    /// What the operator committed to.
    pub struct Commitment {
        /// Merkle root over the boundaries' leaves.
        pub root: Hash,
        /// State root at boundary 0.
        pub initial_state: Hash,
        /// State root at the last boundary.
        pub final_state: Hash,
        /// SHA-256 of the model's `safetensors` file.
        pub artefact: Hash,
        /// Block of the commitment.
        pub block: u32,
    }
}

protocol_type! {
    /// What is known of a drawn segment.
    pub enum Check {
        /// Drawn, not opened yet.
        #[codec(index = 0)]
        Drawn,
        /// Opened; the verifier's seal is awaited.
        #[codec(index = 1)]
        Opened,
        /// The verifier's seal is in.
        #[codec(index = 2)]
        Sealed,
        /// The seal matches the operator's trace root: replayed, and the same.
        #[codec(index = 3)]
        Passed,
        /// The seal does not match; its verifier may insist.
        #[codec(index = 4)]
        Mismatched,
        /// The verifier says that the operator does not serve the checkpoint.
        #[codec(index = 5)]
        Unavailable,
        /// A panel found for the operator.
        #[codec(index = 6)]
        Upheld,
        /// A panel found against the operator.
        #[codec(index = 7)]
        Refuted,
        /// The verifier stayed away, or its seal was worthless; the slot is drawn anew.
        #[codec(index = 8)]
        Idle,
    }
}

protocol_type! {
    /// One drawn segment and its verifier.
    pub struct Slot {
        /// The segment, between boundaries `segment` and `segment + 1`.
        pub segment: u32,
        /// Who checks it.
        pub verifier: Address,
        /// What is known.
        pub check: Check,
        /// State root before the segment, once opened.
        pub before: Option<Hash>,
        /// State root after it, once opened.
        pub after: Option<Hash>,
        /// The operator's seal, once opened.
        pub operator_seal: Option<Hash>,
        /// The verifier's seal, once posted.
        pub verifier_seal: Option<Hash>,
        /// The operator's trace root, once revealed.
        pub trace: Option<Hash>,
    }
}

protocol_type! {
    /// A disputed slot.
    pub struct Dispute {
        /// The slot.
        pub slot: u8,
        /// Whether the slot's verifier insists on a finding of its own, and so
        /// stands to lose its whole bond.
        pub insisted: bool,
        /// Seats of the panel.
        pub seats: u8,
        /// Salt for the panel's traces.
        pub salt: Hash,
        /// Seats that have sealed.
        pub sealed: u8,
        /// Seats that have revealed.
        pub revealed: u8,
    }
}

protocol_type! {
    /// One seat of a panel.
    pub struct Seat {
        /// The panellist.
        pub verifier: Address,
        /// Its seal, once posted.
        pub seal: Option<Hash>,
        /// What it found, once revealed.
        pub outcome: Option<Outcome>,
    }
}

protocol_type! {
    /// A verifier's part in a job.
    pub struct Enlistment {
        /// Its sealed secret.
        pub sealed_secret: Hash,
        /// What is left of its bond.
        pub bond: u128,
        /// Its place among those that have revealed.
        pub place: Option<u32>,
        /// Whether it stayed away when it was drawn, and is not drawn again.
        pub idle: bool,
    }
}

protocol_type! {
    /// An operator's or a verifier's standing.
    #[derive(Default)]
    pub struct Standing {
        /// Stake, locked part included, in the contract's unit.
        pub stake: u128,
        /// Part of the stake that is locked in jobs.
        pub locked: u128,
        /// Jobs done (operator) or segments checked (verifier).
        pub done: u32,
        /// Jobs lost (operator) or penalties (verifier).
        pub lost: u32,
        /// Where its content is served; empty for none.
        pub endpoint: String,
    }
}

impl Standing {
    /// Stake that no job has locked.
    pub fn free(&self) -> u128 {
        self.stake.saturating_sub(self.locked)
    }
}

protocol_type! {
    /// In which role an account stakes.
    #[derive(Hash, PartialOrd, Ord)]
    pub enum Role {
        /// Trains.
        #[codec(index = 0)]
        Operator,
        /// Checks.
        #[codec(index = 1)]
        Verifier,
    }
}

protocol_type! {
    /// A job with its terms, as the `job` message shows it.
    pub struct JobView {
        /// The job's number.
        pub id: u64,
        /// Its terms.
        pub terms: Terms,
        /// What its model will be registered as.
        pub model: ModelTerms,
        /// Datasets that the model is made from.
        pub datasets: Vec<Hash>,
        /// Where it stands.
        pub job: Job,
        /// What was committed to.
        pub commitment: Option<Commitment>,
        /// The open dispute, or the one that ended the job.
        pub dispute: Option<Dispute>,
        /// The model, once registered.
        pub model_id: Option<Hash>,
    }
}

protocol_type! {
    /// A job in a list.
    pub struct JobSummary {
        /// The job's number.
        pub id: u64,
        /// Who pays.
        pub client: Address,
        /// State.
        pub state: State,
        /// Until when, in seconds of chain time.
        pub deadline: u64,
        /// Its operator.
        pub operator: Option<Address>,
    }
}

protocol_type! {
    /// A leaf and its way to the root.
    pub struct LeafOpening {
        /// State root at the boundary.
        pub state: Hash,
        /// The operator's seal in the leaf.
        pub seal: Hash,
        /// Siblings, lowest first.
        pub proof: Vec<Hash>,
    }
}

protocol_type! {
    /// The argument of `commit`.
    pub struct Commit {
        /// Merkle root over the boundaries' leaves.
        pub root: Hash,
        /// Boundary 0.
        pub first: LeafOpening,
        /// The last boundary.
        pub last: LeafOpening,
        /// SHA-256 of the model's `safetensors` file.
        pub artefact: Hash,
    }
}

protocol_type! {
    /// The two leaves around a drawn segment.
    pub struct SlotOpening {
        /// The slot.
        pub slot: u8,
        /// Boundary before the segment.
        pub before: LeafOpening,
        /// Boundary after it.
        pub after: LeafOpening,
    }
}

protocol_type! {
    /// The trace root of a drawn segment.
    pub struct SlotTrace {
        /// The slot.
        pub slot: u8,
        /// The operator's trace root of its segment.
        pub trace: Hash,
    }
}

protocol_type! {
    /// Why a sum was credited or taken.
    pub enum Reason {
        /// Payment for a finished job.
        #[codec(index = 0)]
        Payment,
        /// Fee for a checked segment.
        #[codec(index = 1)]
        Fee,
        /// What a client gets back.
        #[codec(index = 2)]
        Refund,
        /// Share of a slashed sum.
        #[codec(index = 3)]
        Reward,
        /// Stake that was taken back.
        #[codec(index = 4)]
        Unstaked,
        /// Burned part of a slashed sum.
        #[codec(index = 5)]
        Burned,
        /// Slashed: the operator was convicted.
        #[codec(index = 6)]
        Convicted,
        /// Slashed: the operator did not commit in time.
        #[codec(index = 7)]
        Late,
        /// Slashed: the operator did not open its leaves or reveal its traces in time.
        #[codec(index = 8)]
        Absent,
        /// Slashed: the verifier did not do its turn.
        #[codec(index = 9)]
        Idle,
        /// Slashed: the verifier insisted and the panel found for the operator.
        #[codec(index = 10)]
        Wrong,
    }
}

/// What happened. The contract emits one for every change.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case", tag = "event"))]
pub enum Event {
    /// A job moved to a state; `Open` when it was posted.
    #[codec(index = 0)]
    JobMoved {
        /// The job.
        job: u64,
        /// Its new state.
        state: State,
        /// Until when, in seconds of chain time.
        deadline: u64,
    },
    /// A verifier enlisted for a job.
    #[codec(index = 1)]
    Enlisted {
        /// The job.
        job: u64,
        /// The verifier.
        verifier: Address,
    },
    /// A client or a verifier revealed its secret.
    #[codec(index = 2)]
    SecretRevealed {
        /// The job.
        job: u64,
        /// Whose secret.
        by: Address,
    },
    /// A slot's check moved on.
    #[codec(index = 3)]
    SlotMoved {
        /// The job.
        job: u64,
        /// The slot.
        slot: u8,
        /// Its verifier.
        verifier: Address,
        /// What is known now.
        check: Check,
    },
    /// A panellist was seated, sealed or revealed.
    #[codec(index = 4)]
    SeatMoved {
        /// The job.
        job: u64,
        /// The seat.
        seat: u8,
        /// The panellist.
        verifier: Address,
    },
    /// Stake was added.
    #[codec(index = 5)]
    Staked {
        /// Whose.
        account: Address,
        /// In which role.
        role: Role,
        /// How much.
        amount: u128,
    },
    /// Stake was taken away.
    #[codec(index = 6)]
    Slashed {
        /// Whose.
        account: Address,
        /// In which job.
        job: u64,
        /// How much.
        amount: u128,
        /// Why.
        reason: Reason,
    },
    /// A sum can now be withdrawn.
    #[codec(index = 7)]
    Credited {
        /// By whom.
        account: Address,
        /// From which job; `None` for stake taken back.
        job: Option<u64>,
        /// How much.
        amount: u128,
        /// Why.
        reason: Reason,
    },
    /// A sum was sent out.
    #[codec(index = 8)]
    Withdrawn {
        /// To whom.
        account: Address,
        /// How much.
        amount: u128,
    },
    /// A job is final and its model is in the registry.
    #[codec(index = 9)]
    ModelRegistered {
        /// The job.
        job: u64,
        /// The model.
        model: Hash,
        /// Whether another job had made the same model before.
        known: bool,
    },
    /// A job is final and paid, but the registry did not take its model.
    #[codec(index = 10)]
    ModelRefused {
        /// The job.
        job: u64,
        /// Why.
        error: registry::Error,
    },
}

/// Why the market refuses a message. Nothing is kept of a refused message.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum Error {
    /// Returned if no job has this number.
    #[codec(index = 0)]
    UnknownJob,
    /// Returned if the job is in another state than the message needs.
    #[codec(index = 1)]
    WrongState(State),
    /// Returned if the state's deadline has passed; `advance` moves the job on.
    #[codec(index = 2)]
    DeadlinePassed {
        /// The deadline in seconds of chain time.
        deadline: u64,
        /// Chain time.
        now: u64,
    },
    /// Returned by `advance` if the state may still last.
    #[codec(index = 3)]
    TooEarly {
        /// The deadline in seconds of chain time.
        deadline: u64,
        /// Chain time.
        now: u64,
    },
    /// Returned by `advance` if the block that the draw needs is not over.
    #[codec(index = 4)]
    DrawBlockPending(u32),
    /// Returned if the value sent is not what the message costs.
    #[codec(index = 5)]
    WrongValue {
        /// What the message costs.
        expected: u128,
        /// What was sent.
        sent: u128,
    },
    /// Returned if the caller is not the job's client.
    #[codec(index = 6)]
    NotClient,
    /// Returned if the caller is not the job's operator.
    #[codec(index = 7)]
    NotOperator,
    /// Returned if the caller is not the verifier of this slot or seat.
    #[codec(index = 8)]
    NotDrawn,
    /// Returned if the caller has no free stake of this size.
    #[codec(index = 9)]
    StakeTooSmall {
        /// Free stake that is needed.
        needed: u128,
        /// Free stake that there is.
        free: u128,
    },
    /// Returned if the caller may not take this part in the job: it has another
    /// one already, or lost it before.
    #[codec(index = 10)]
    ConflictOfInterest,
    /// Returned if too few verifiers are enlisted for the job to be claimed.
    #[codec(index = 11)]
    TooFewVerifiers {
        /// Verifiers that are needed.
        needed: u32,
        /// Verifiers that are enlisted.
        enlisted: u32,
    },
    /// Returned if the verifier is enlisted already.
    #[codec(index = 12)]
    AlreadyEnlisted,
    /// Returned if the caller is not enlisted for the job.
    #[codec(index = 13)]
    NotEnlisted,
    /// Returned if the secret is not the one that was sealed.
    #[codec(index = 14)]
    WrongSecret,
    /// Returned if the secret is revealed already.
    #[codec(index = 15)]
    AlreadyRevealed,
    /// Returned if a leaf's proof does not lead to the committed root.
    #[codec(index = 16)]
    BadProof {
        /// The boundary whose leaf was to be proved.
        boundary: u32,
    },
    /// Returned if there is no such slot.
    #[codec(index = 17)]
    UnknownSlot(u8),
    /// Returned if the slot's check is past this step.
    #[codec(index = 18)]
    WrongCheck(Check),
    /// Returned if a trace root is not the one that the operator sealed.
    #[codec(index = 19)]
    WrongTrace {
        /// The slot.
        slot: u8,
    },
    /// Returned if what is revealed is not what was sealed.
    #[codec(index = 20)]
    WrongSeal,
    /// Returned if `reveal_traces` does not give one trace root for each slot that waits for it.
    #[codec(index = 21)]
    IncompleteTraces,
    /// Returned if a verifier insists without a finding of its own.
    #[codec(index = 22)]
    NothingToDispute,
    /// Returned if another dispute of the job must be decided first.
    #[codec(index = 23)]
    DisputeOpen,
    /// Returned if the job's life has not ended.
    #[codec(index = 24)]
    NotEnded,
    /// Returned if there is nothing to withdraw.
    #[codec(index = 25)]
    NothingToWithdraw,
    /// Returned if a transfer to the caller failed.
    #[codec(index = 26)]
    TransferFailed,
    /// Returned if the terms are out of their limits.
    #[codec(index = 27)]
    BadTerms(TermsError),
    /// Returned if an endpoint is too long or not printable ASCII.
    #[codec(index = 28)]
    BadEndpoint,
    /// Returned if the registry refuses the job's inputs.
    #[codec(index = 29)]
    Registry(registry::Error),
    /// Returned if a sum would not fit into 128 bits.
    #[codec(index = 30)]
    Overflow,
    /// Returned if a message that takes no value was sent some.
    #[codec(index = 31)]
    ValueNotWanted,
}

protocol_type! {
    /// Which of a job's terms is out of its limits.
    pub enum TermsError {
        /// `terms.spec` is not the hash of the specification.
        #[codec(index = 0)]
        SpecHash,
        /// The specification is empty or longer than [`MAX_SPEC_BYTES`].
        #[codec(index = 1)]
        SpecLength,
        /// No segments, or more than [`MAX_SEGMENTS`].
        #[codec(index = 2)]
        Segments,
        /// No samples, more than [`MAX_SAMPLES`], or more than segments.
        #[codec(index = 3)]
        Samples,
        /// The panel is not larger than the one verifier it overrules, or larger than [`MAX_PANEL`].
        #[codec(index = 4)]
        Panel,
        /// A window is zero or longer than [`MAX_WINDOW_SECONDS`].
        #[codec(index = 5)]
        Window,
        /// Payment, fee, stake or bond is zero.
        #[codec(index = 6)]
        Amount,
        /// Name or licence of the model is not one that the registry takes.
        #[codec(index = 7)]
        Model,
    }
}

impl fmt::Display for TermsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TermsError::SpecHash => write!(f, "the specification's hash does not match its bytes"),
            TermsError::SpecLength => write!(f, "the specification must have 1 to {MAX_SPEC_BYTES} bytes"),
            TermsError::Segments => write!(f, "a job must have 1 to {MAX_SEGMENTS} segments"),
            TermsError::Samples => {
                write!(f, "samples must be 1 to {MAX_SAMPLES} and not more than the segments")
            }
            TermsError::Panel => write!(f, "a panel must have 2 to {MAX_PANEL} verifiers"),
            TermsError::Window => write!(f, "each window must last 1 to {MAX_WINDOW_SECONDS} seconds"),
            TermsError::Amount => write!(f, "payment, fee, stake and bond must be above zero"),
            TermsError::Model => write!(
                f,
                "the model's name must have 1 to {} bytes and its licence must be an SPDX expression of at most {}",
                registry::MAX_NAME_BYTES,
                registry::MAX_LICENCE_BYTES
            ),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::UnknownJob => write!(f, "no job has this number on this market; list them with `assay job list`"),
            Error::WrongState(state) => {
                write!(
                    f,
                    "the job is {state:?}, and this message is for another state; look at it with `assay job show`"
                )
            }
            Error::DeadlinePassed { deadline, now } => write!(
                f,
                "too late: the deadline {deadline} passed {} s ago by chain time; `assay job advance` moves the job on",
                now.saturating_sub(*deadline)
            ),
            Error::TooEarly { deadline, now } => {
                write!(f, "too early: the state may last {} s more by chain time", deadline.saturating_sub(*now))
            }
            Error::DrawBlockPending(block) => {
                write!(f, "the draw waits for the end of block {block}; try again in the next block")
            }
            Error::WrongValue { expected, sent } => write!(
                f,
                "the value sent must be exactly {expected} (in 10^-18 of a token), not {sent}; nothing was kept"
            ),
            Error::NotClient => write!(f, "only the client that posted the job may do this"),
            Error::NotOperator => write!(f, "only the operator that claimed the job may do this"),
            Error::NotDrawn => write!(f, "this account was not drawn for this slot"),
            Error::StakeTooSmall { needed, free } => write!(
                f,
                "this needs a free stake of {needed} (in 10^-18 of a token) and the account has {free}; add stake or wait until a job releases some"
            ),
            Error::ConflictOfInterest => {
                write!(f, "this account has another part in the job, or lost it before; use another account or job")
            }
            Error::TooFewVerifiers { needed, enlisted } => write!(
                f,
                "the job needs {needed} enlisted verifiers before it can be claimed and has {enlisted}; wait for more"
            ),
            Error::AlreadyEnlisted => write!(f, "this verifier is enlisted for the job already"),
            Error::NotEnlisted => write!(f, "this account is not enlisted for the job"),
            Error::WrongSecret => write!(f, "this is not the secret that the account sealed for this job"),
            Error::AlreadyRevealed => write!(f, "the secret is revealed already; nothing is left to do"),
            Error::BadProof { boundary } => {
                write!(f, "the proof for the leaf of boundary {boundary} does not lead to the committed root")
            }
            Error::UnknownSlot(slot) => write!(f, "the job has no slot {slot}"),
            Error::WrongCheck(check) => write!(f, "the slot is {check:?} already; this step is over"),
            Error::WrongTrace { slot } => {
                write!(f, "the trace root for slot {slot} is not the one sealed in its leaf")
            }
            Error::WrongSeal => write!(f, "what is revealed is not what was sealed"),
            Error::IncompleteTraces => write!(f, "give exactly one trace root for each slot that has a seal"),
            Error::NothingToDispute => write!(f, "this slot's verifier found nothing that differs from the operator"),
            Error::DisputeOpen => write!(f, "another dispute of this job must be decided first; try again after it"),
            Error::NotEnded => write!(f, "the job has not ended; its bond is free after that"),
            Error::NothingToWithdraw => write!(f, "there is nothing to withdraw"),
            Error::TransferFailed => {
                write!(f, "the transfer to the caller failed; it can be tried again, nothing was lost")
            }
            Error::BadTerms(terms) => write!(f, "bad terms: {terms}"),
            Error::BadEndpoint => write!(
                f,
                "an endpoint must be at most {MAX_ENDPOINT_BYTES} characters of printable ASCII, such as http://host:port"
            ),
            Error::Registry(error) => write!(f, "the registry refuses: {error}"),
            Error::Overflow => write!(f, "the sum is larger than any balance; check the amounts"),
            Error::ValueNotWanted => write!(f, "this message takes no value; nothing was kept"),
        }
    }
}

impl core::error::Error for Error {}
