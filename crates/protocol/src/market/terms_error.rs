//! Why a job's terms are refused.

use super::{MAX_PANEL, MAX_SAMPLES, MAX_SEGMENTS, MAX_SPEC_BYTES};
use crate::registry;
use core::fmt;
use parity_scale_codec::{Decode, Encode};
use scale_info::TypeInfo;

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
        /// A window is zero or longer than the market's longest.
        #[codec(index = 5)]
        Window,
        /// Payment, fee or stake is zero, or the bond's idle penalty is.
        #[codec(index = 6)]
        Amount,
        /// Name or licence of the model is not one that the registry takes.
        #[codec(index = 7)]
        Model,
        /// The stake is below what the job's own policy asks.
        #[codec(index = 8)]
        Stake {
            /// The least stake in the contract's unit; `None` if none is enough.
            least: Option<u128>,
        },
        /// Handing the job back costs more than being late.
        #[codec(index = 9)]
        HandBack,
        /// The royalties of the inputs together, or that of the model, are above the whole.
        #[codec(index = 10)]
        Royalties,
        /// The policy has more false segments than there are, or more bribed than all.
        #[codec(index = 11)]
        Policy,
    }
}

impl fmt::Display for TermsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TermsError::SpecHash => write!(f, "the specification's hash must be that of its bytes"),
            TermsError::SpecLength => write!(f, "the specification must have 1 to {MAX_SPEC_BYTES} bytes"),
            TermsError::Segments => write!(f, "a job must have 1 to {MAX_SEGMENTS} segments"),
            TermsError::Samples => {
                write!(f, "samples must be 1 to {MAX_SAMPLES} and not more than the segments")
            }
            TermsError::Panel => write!(f, "a panel must have 2 to {MAX_PANEL} verifiers"),
            TermsError::Window => {
                write!(f, "each window must last from 1 second to the market's longest window, which `rules` tells")
            }
            TermsError::Amount => {
                write!(f, "payment, fee and stake must be above zero, and the bond at least 10 units")
            }
            TermsError::Model => write!(
                f,
                "the model's name must have 1 to {} bytes and its licence must be an SPDX expression of at most {}",
                registry::MAX_NAME_BYTES,
                registry::MAX_LICENCE_BYTES
            ),
            TermsError::Stake { least: Some(least) } => {
                write!(f, "the stake must be at least {least} (in 10^-18 of a token), which the job's policy asks for")
            }
            TermsError::Stake { least: None } => write!(
                f,
                "no stake is enough for the job's policy, which says that a cheat is never seen: draw more segments, or change it"
            ),
            TermsError::HandBack => {
                write!(f, "handing the job back must not cost more than being late, which is a tenth of the stake")
            }
            TermsError::Royalties => write!(
                f,
                "the royalties of all inputs together, and that of the model, must not be above 10000 basis points; use other inputs"
            ),
            TermsError::Policy => write!(
                f,
                "the policy's false segments must not be more than the segments, and its bribed share not above 10000 basis points"
            ),
        }
    }
}
