//! What was fixed when a job was posted.

use crate::records::Amount;
use assay_protocol::{Hash, market};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How long each state may last, in seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Windows {
    /// Waiting for an operator.
    pub claim: u32,
    /// Training.
    pub train: u32,
    /// Revealing secrets.
    pub secrets: u32,
    /// Opening what was drawn.
    pub open: u32,
    /// Replaying.
    pub attest: u32,
    /// Revealing traces.
    pub reveal: u32,
    /// Insisting and challenging.
    pub dispute: u32,
}

/// What a cheat is supposed to be worth, by which the stake was judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Policy {
    /// What a cheat gains beside the payment.
    pub gain: Amount,
    /// Segments that it makes up.
    pub false_segments: u32,
    /// Share of the verifiers that it bribes, in basis points.
    pub bribed_bp: u16,
}

/// What was fixed when a job was posted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobTerms {
    /// Hash of the specification.
    #[schema(value_type = String)]
    pub spec: Hash,
    /// Root of the step program.
    #[schema(value_type = String)]
    pub program: Hash,
    /// Segments.
    pub segments: u32,
    /// Payment for operator and owners of inputs.
    pub payment: Amount,
    /// Fee of all drawn segments together.
    pub fee: Amount,
    /// Stake that the operator locks.
    pub stake: Amount,
    /// What handing the job back costs.
    pub hand_back: Amount,
    /// Bond that each verifier locks at least.
    pub bond: Amount,
    /// Segments that are drawn.
    pub samples: u8,
    /// Seats of a panel.
    pub panel: u8,
    /// By what the stake was judged.
    pub policy: Policy,
    /// How long each state may last.
    pub windows: Windows,
}

impl From<&market::Terms> for JobTerms {
    fn from(terms: &market::Terms) -> Self {
        let market::Windows { claim, train, secrets, open, attest, reveal, dispute } = terms.windows;
        Self {
            spec: terms.spec,
            program: terms.program,
            segments: terms.segments,
            payment: Amount(terms.payment),
            fee: Amount(terms.fee),
            stake: Amount(terms.stake),
            hand_back: Amount(terms.hand_back),
            bond: Amount(terms.bond),
            samples: terms.samples,
            panel: terms.panel,
            policy: Policy {
                gain: Amount(terms.policy.gain),
                false_segments: terms.policy.false_segments,
                bribed_bp: terms.policy.bribed_bp,
            },
            windows: Windows { claim, train, secrets, open, attest, reveal, dispute },
        }
    }
}
