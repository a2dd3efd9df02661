//! What a client fixes when it posts a job.

use crate::hash::Hash;
use alloc::{string::String, vec::Vec};
use parity_scale_codec::{Decode, Encode};
use scale_info::TypeInfo;

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
