//! Why a message is refused.

use super::{
    Check, MAX_ENDPOINT_BYTES, MAX_PANEL, MAX_SAMPLES, MAX_SEGMENTS, MAX_SPEC_BYTES, MAX_WINDOW_SECONDS, State,
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
