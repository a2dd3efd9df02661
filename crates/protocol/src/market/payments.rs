//! Who was paid what for a job.

use super::Reason;
use crate::hash::Address;
use crate::registry::Node;
use alloc::vec::Vec;
use parity_scale_codec::{Decode, Encode};
use scale_info::TypeInfo;

protocol_type! {
    /// One credit that a job gave. Each checked slot and each seat of a panel's
    /// majority has one of its own, even of nothing.
    pub struct Paid {
        /// To whom.
        pub account: Address,
        /// For what.
        pub reason: Reason,
        /// How much, in the contract's unit.
        pub amount: u128,
        /// For which input, if it is a royalty.
        pub node: Option<Node>,
    }
}

protocol_type! {
    /// What a job has paid so far, by the parts of [`Contributions`], in the
    /// contract's unit; royalties, which the end alone pays, and the verifiers
    /// that are listed one by one are left out.
    #[derive(Copy, Default)]
    pub struct PaidSums {
        /// To the operator.
        pub compute: u128,
        /// Verifiers that are listed.
        pub verifiers: u8,
        /// To verifiers beyond those.
        pub verification_more: u128,
        /// Rewards of others.
        pub challengers: u128,
        /// Bonds given back.
        pub bonds: u128,
        /// To the client.
        pub refund: u128,
        /// Burned.
        pub burned: u128,
    }
}

protocol_type! {
    /// A royalty of a job, and what came of it so far.
    pub struct RoyaltyPaid {
        /// The dataset or the parent model.
        pub node: Node,
        /// Who owned it when the job was posted.
        pub owner: Address,
        /// Share of the payment in basis points.
        pub share_bp: u16,
        /// What was paid, in the contract's unit.
        pub paid: u128,
    }
}

protocol_type! {
    /// The operator's part in a job.
    pub struct Compute {
        /// The operator that claimed it last.
        pub operator: Address,
        /// What it was paid, its part of lost challenges included.
        pub paid: u128,
    }
}

protocol_type! {
    /// A verifier's part in a job.
    pub struct Verification {
        /// The verifier.
        pub verifier: Address,
        /// Segments that it checked.
        pub segments: u32,
        /// Seats that it held in a panel's majority.
        pub seats: u32,
        /// What it was paid.
        pub paid: u128,
    }
}

protocol_type! {
    /// Who contributed what to a job, and what each was paid, in the contract's
    /// unit. All parts together are all that the job has paid.
    pub struct Contributions {
        /// Owners of data and of the parent model.
        pub data: Vec<RoyaltyPaid>,
        /// The operator, once claimed.
        pub compute: Option<Compute>,
        /// Verifiers that were paid, in the order of their first payment.
        pub verification: Vec<Verification>,
        /// Paid to verifiers beyond the [`MAX_VERIFIERS_SHOWN`](super::MAX_VERIFIERS_SHOWN) that are listed.
        pub verification_more: u128,
        /// Rewards of others: of challengers, and of those whose demands nobody met.
        pub challengers: u128,
        /// Bonds of challenges and demands that were given back.
        pub bonds: u128,
        /// What the client got back, rewards included.
        pub refund: u128,
        /// Burned.
        pub burned: u128,
    }
}

impl Contributions {
    /// All parts together.
    pub fn total(&self) -> u128 {
        self.data.iter().map(|part| part.paid).sum::<u128>()
            + self.compute.as_ref().map_or(0, |part| part.paid)
            + self.verification.iter().map(|part| part.paid).sum::<u128>()
            + self.verification_more
            + self.challengers
            + self.bonds
            + self.refund
            + self.burned
    }
}
