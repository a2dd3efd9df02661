//! Why a message is refused.

use super::{
    Check, MAX_CHALLENGES, MAX_DEMANDS, MAX_ENDPOINT_BYTES, MAX_NOTE_BYTES, MAX_WINDOW_SECONDS, State, TermsError,
};
use crate::registry;
use core::fmt;
use parity_scale_codec::{Decode, Encode};
use scale_info::TypeInfo;

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
    /// one already, or had it before.
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
    /// Returned if the market is deployed with a longest window of zero or more
    /// than [`MAX_WINDOW_SECONDS`].
    #[codec(index = 32)]
    BadRules,
    /// Returned if a verifier enlists with less than the job's bond.
    #[codec(index = 33)]
    BondTooSmall {
        /// The job's bond.
        needed: u128,
        /// What the verifier would lock.
        given: u128,
    },
    /// Returned by `collect` if stake that was taken back still waits.
    #[codec(index = 34)]
    StillUnbonding {
        /// From which second of chain time on it can be collected.
        at: u64,
        /// Chain time.
        now: u64,
    },
    /// Returned by `collect` if no stake was taken back.
    #[codec(index = 35)]
    NothingUnbonding,
    /// Returned if an offer's note is longer than [`MAX_NOTE_BYTES`] or no line of text.
    #[codec(index = 36)]
    BadOffer,
    /// Returned if the first `open` of a job does not open the ends of its commitment.
    #[codec(index = 37)]
    EndsMissing,
    /// Returned if the ends of the commitment are open already.
    #[codec(index = 38)]
    EndsOpen,
    /// Returned if the job has no such segment.
    #[codec(index = 39)]
    UnknownSegment(u32),
    /// Returned if a segment is challenged that a panel has upheld, or that a
    /// panel will look at anyway because its slot is in doubt.
    #[codec(index = 40)]
    NotChallengeable(u32),
    /// Returned if the job has had [`MAX_CHALLENGES`].
    #[codec(index = 41)]
    TooManyChallenges,
    /// Returned if fewer than two verifiers are left for a panel.
    #[codec(index = 42)]
    NoPanel,
    /// Returned if a chunk is demanded of a boundary whose state root is not open.
    #[codec(index = 43)]
    NotOpened {
        /// The boundary.
        boundary: u32,
    },
    /// Returned if [`MAX_DEMANDS`] of the job are open.
    #[codec(index = 44)]
    TooManyDemands,
    /// Returned if no demand with this number is open.
    #[codec(index = 45)]
    UnknownDemand(u8),
    /// Returned if an answer is not what was demanded, or its proof fails.
    #[codec(index = 46)]
    BadAnswer,
    /// Returned by `advance` if the job cannot end while a demand is open.
    #[codec(index = 47)]
    DemandOpen {
        /// The last second of chain time at which it may be answered.
        until: u64,
    },
    /// Returned if the owners of the inputs ask for more than the client agreed to.
    #[codec(index = 48)]
    RoyaltiesRaised {
        /// What they ask for together, in basis points of the payment.
        asked_bp: u16,
        /// The most that the client agreed to.
        most_bp: u16,
    },
    /// Returned by `register` if the job's model is registered already.
    #[codec(index = 49)]
    NothingToRegister,
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
                write!(
                    f,
                    "too early: the state may last {} s more by chain time; try again then",
                    deadline.saturating_sub(*now)
                )
            }
            Error::DrawBlockPending(block) => {
                write!(f, "the draw waits for the end of block {block}; try again in the next block")
            }
            Error::WrongValue { expected, sent } => {
                write!(f, "the value sent is {sent} and must be {expected} (in 10^-18 of a token); send exactly that")
            }
            Error::NotClient => write!(f, "only the client that posted the job may do this; sign with its account"),
            Error::NotOperator => {
                write!(f, "only the operator that claimed the job may do this; sign with its account")
            }
            Error::NotDrawn => {
                write!(f, "this account was not drawn for this slot; sign with the one that `assay job show` names")
            }
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
            Error::AlreadyEnlisted => write!(f, "this verifier is enlisted for the job already; nothing is left to do"),
            Error::NotEnlisted => {
                write!(f, "this account is not enlisted for the job; sign with one that is")
            }
            Error::WrongSecret => write!(
                f,
                "this is not the secret that the account sealed for this job; reveal that one, from the data folder that it was sealed with"
            ),
            Error::AlreadyRevealed => write!(f, "the secret is revealed already; nothing is left to do"),
            Error::BadProof { boundary } => {
                write!(
                    f,
                    "the proof for the leaf of boundary {boundary} does not lead to the committed root; open the leaf that was committed to"
                )
            }
            Error::UnknownSlot(slot) => {
                write!(f, "the job has no slot {slot}; `assay job show` lists those that it has")
            }
            Error::WrongCheck(check) => write!(f, "the slot is {check:?} already; nothing is left to do in this step"),
            Error::WrongTrace { slot } => {
                write!(f, "the trace root for slot {slot} is not the one sealed in its leaf; reveal that one")
            }
            Error::WrongSeal => write!(
                f,
                "what is revealed is not what was sealed; reveal that, from the data folder that it was sealed with"
            ),
            Error::IncompleteTraces => {
                write!(f, "there are too few trace roots, or too many; give exactly one for each slot that has a seal")
            }
            Error::NothingToDispute => {
                write!(f, "this slot's verifier found nothing that differs from the operator; nothing is left to do")
            }
            Error::DisputeOpen => write!(f, "another dispute of this job must be decided first; try again after it"),
            Error::NotEnded => {
                write!(f, "the job has not ended, and holds the bond until then; try again after its end")
            }
            Error::NothingToWithdraw => write!(f, "there is nothing to withdraw; wait until something is credited"),
            Error::TransferFailed => {
                write!(
                    f,
                    "the transfer to the caller failed, and nothing was lost; try again, from an account that takes transfers"
                )
            }
            Error::BadTerms(terms) => write!(f, "bad terms: {terms}"),
            Error::BadEndpoint => write!(
                f,
                "this is no endpoint; give one of at most {MAX_ENDPOINT_BYTES} characters of printable ASCII, such as http://host:port"
            ),
            Error::Registry(error) => write!(f, "the registry refuses: {error}"),
            Error::Overflow => write!(f, "the sum is larger than any balance; check the amounts"),
            Error::ValueNotWanted => write!(f, "this message takes no value; send none with it"),
            Error::BadRules => {
                write!(
                    f,
                    "the longest window must be 1 to {MAX_WINDOW_SECONDS} seconds; deploy the market with another"
                )
            }
            Error::BondTooSmall { needed, given } => {
                write!(f, "the job asks for a bond of at least {needed} (in 10^-18 of a token), not {given}; lock more")
            }
            Error::StillUnbonding { at, now } => {
                write!(f, "the stake can be collected in {} s by chain time; try again then", at.saturating_sub(*now))
            }
            Error::NothingUnbonding => write!(f, "no stake waits to be collected; take some back with `unstake` first"),
            Error::BadOffer => {
                write!(
                    f,
                    "this note cannot be published; give one line of at most {MAX_NOTE_BYTES} bytes, without spaces at its ends"
                )
            }
            Error::EndsMissing => {
                write!(f, "the ends of the commitment are not open yet; open them with the first slots")
            }
            Error::EndsOpen => write!(f, "the ends of the commitment are open already; open the slots alone"),
            Error::UnknownSegment(segment) => {
                write!(f, "the job has no segment {segment}; `assay job show` tells how many it has")
            }
            Error::NotChallengeable(segment) => write!(
                f,
                "segment {segment} was upheld by a panel, or a panel will look at it anyway; challenge another one"
            ),
            Error::TooManyChallenges => {
                write!(
                    f,
                    "the job has had {MAX_CHALLENGES} challenges, the most there may be; say what you found by `assay statement add`"
                )
            }
            Error::NoPanel => write!(
                f,
                "fewer than two verifiers are left for a panel, so that nobody can decide; keep the bond, nothing was taken"
            ),
            Error::NotOpened { boundary } => write!(
                f,
                "the state root at boundary {boundary} is not open; demand its leaf, or a boundary around a slot"
            ),
            Error::TooManyDemands => {
                write!(f, "{MAX_DEMANDS} demands of this job are open; try again when one is answered")
            }
            Error::UnknownDemand(number) => write!(f, "no demand {number} of this job is open; nothing is left to do"),
            Error::BadAnswer => write!(
                f,
                "this is not what was demanded, or its proof does not lead to the state root; answer with that chunk or leaf"
            ),
            Error::DemandOpen { until } => {
                write!(
                    f,
                    "the job cannot end before a demand is answered or chain time is past {until}; try again then"
                )
            }
            Error::RoyaltiesRaised { asked_bp, most_bp } => write!(
                f,
                "the owners of the inputs ask for {asked_bp} basis points of the payment now, and the client agreed to {most_bp}; look at them again and agree to more, or use other inputs"
            ),
            Error::NothingToRegister => write!(f, "the job's model is registered already; nothing is left to do"),
        }
    }
}

impl core::error::Error for Error {}
