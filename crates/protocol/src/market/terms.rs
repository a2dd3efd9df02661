//! What is fixed: the market's rules, a job's terms, an operator's offer.

use super::{IDLE_PENALTY_BP, MAX_ROUNDS};
use crate::hash::{Address, Hash};
use crate::registry::share;
use alloc::{string::String, vec::Vec};
use parity_scale_codec::{Decode, Encode};
use scale_info::TypeInfo;

protocol_type! {
    /// What was fixed when the market was deployed. Never changes.
    pub struct Rules {
        /// The registry that the market asks and registers models in.
        pub registry: Address,
        /// The longest window that a job may have, in seconds.
        pub longest_window: u32,
        /// How long stake that is taken back waits, in seconds: twice the longest window.
        pub unbonding: u32,
    }
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
        /// For the operator to open the drawn leaves; for each answer to a demand.
        pub open: u32,
        /// For the drawn verifiers to replay and seal; again for a panel.
        pub attest: u32,
        /// For the operator to reveal its trace roots; again for a panel's outcomes.
        pub reveal: u32,
        /// For a verifier to insist, or anybody to challenge, before the job is final.
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
    /// The cheat that a job's stake has to make unprofitable, as its client sees
    /// it. `post_job` refuses a stake below
    /// [`least_stake`](crate::economics::least_stake) of it.
    #[derive(Copy, Default)]
    #[cfg_attr(feature = "serde", derive(serde::Deserialize))]
    #[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
    pub struct Policy {
        /// What a false model that becomes final is worth to whoever cheats, in
        /// the contract's unit; 0 asks nothing of the stake.
        pub gain: u128,
        /// Segments that the cheat falsifies; at least 1 unless `gain` is 0.
        pub false_segments: u32,
        /// Share of the draw's weight that the cheat has bribed, in basis points.
        pub bribed_bp: u16,
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
        /// Part of the stake for which the operator may hand the job back.
        pub hand_back: u128,
        /// Least stake that an enlisted verifier locks; what a challenge costs
        /// if a panel finds for the operator.
        pub bond: u128,
        /// Segments that are drawn for checking.
        pub samples: u8,
        /// Verifiers that decide a dispute.
        pub panel: u8,
        /// [`sealed_secret`](crate::commitment::sealed_secret) of the client.
        pub sealed_secret: Hash,
        /// The cheat that the stake must make unprofitable.
        pub policy: Policy,
        /// How long each state may last.
        pub windows: Windows,
    }
}

/// More than half of a panel of so many seats.
pub fn majority(seats: u8) -> u8 {
    seats / 2 + 1
}

impl Terms {
    /// What comes with a [`demand`](super::Wanted), in the contract's unit.
    pub fn demand_bond(&self) -> u128 {
        share(self.bond, IDLE_PENALTY_BP)
    }

    /// Reports of one slot, each answered, that convict the operator: as many
    /// verifiers as decide on a panel.
    pub fn reports(&self) -> u8 {
        majority(self.panel)
    }

    /// Draws of the job's verifiers, the first one included, after which it is void.
    pub fn rounds(&self) -> u8 {
        MAX_ROUNDS.max(self.reports())
    }

    /// What one checked slot earns, in the contract's unit.
    pub fn slot_fee(&self) -> u128 {
        self.fee / u128::from(self.samples)
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
        /// Share of the payment of each job that starts from the model that its
        /// owner will get, in basis points.
        pub royalty_bp: u16,
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
        /// The most that the client agrees to pay the owners of all inputs
        /// together, in basis points of the payment: they may raise their
        /// royalties until the job is posted.
        pub most_royalties_bp: u16,
    }
}

protocol_type! {
    /// What an operator asks of a job, for clients to read before they post. It
    /// binds nobody: claiming a job is what binds.
    #[cfg_attr(feature = "serde", derive(serde::Deserialize))]
    #[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
    pub struct Offer {
        /// Least payment, in the contract's unit.
        pub min_payment: u128,
        /// Payment asked for each segment; the larger of this and the least counts.
        pub payment_per_segment: u128,
        /// Largest stake that a job may lock; `None` for any.
        pub max_stake: Option<u128>,
        /// Largest data file, in bytes.
        pub max_data_bytes: u64,
        /// Most steps of a job.
        pub max_steps: u64,
        /// Most bytes that all checkpoints of a job may take together.
        pub max_disk_bytes: u64,
        /// Most bytes that the tensors of a job may take in memory.
        pub max_memory_bytes: u64,
        /// Jobs at once.
        pub max_jobs: u32,
        /// Shortest time to train, in seconds.
        pub min_train_seconds: u32,
        /// Shortest time to open leaves and to reveal traces, in seconds.
        pub min_window_seconds: u32,
        /// For people: at most [`MAX_NOTE_BYTES`](super::MAX_NOTE_BYTES) bytes.
        pub note: String,
    }
}
