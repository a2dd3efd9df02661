//! A job with everything that the market knows of it.

use crate::{
    records::{Amount, Node, name_of},
    terms::JobTerms,
};
use assay_protocol::{Address, Hash, market, registry::Royalty};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What the operator committed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Commitment {
    /// Merkle root over the boundaries' leaves.
    #[schema(value_type = String)]
    pub root: Hash,
    /// Block of the commitment.
    pub block: u32,
}

/// The ends of a commitment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ends {
    /// State root at boundary 0.
    #[schema(value_type = String)]
    pub initial_state: Hash,
    /// State root at the last boundary.
    #[schema(value_type = String)]
    pub final_state: Hash,
    /// SHA-256 of the model's file.
    #[schema(value_type = String)]
    pub artefact: Hash,
}

/// One drawn or challenged segment: a slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Check {
    /// The segment.
    pub segment: u32,
    /// Who checks it, or has challenged it.
    #[schema(value_type = String)]
    pub verifier: Address,
    /// `drawn`, `opened`, `sealed`, `passed`, `mismatched`, `unserved`, `upheld`,
    /// `refuted`, `idle`, `challenged` or `undecided`.
    pub check: String,
    /// State root before the segment.
    #[schema(value_type = Option<String>)]
    pub before: Option<Hash>,
    /// State root after it.
    #[schema(value_type = Option<String>)]
    pub after: Option<Hash>,
    /// The operator's seal.
    #[schema(value_type = Option<String>)]
    pub operator_seal: Option<Hash>,
    /// The verifier's seal.
    #[schema(value_type = Option<String>)]
    pub verifier_seal: Option<Hash>,
    /// The operator's trace root.
    #[schema(value_type = Option<String>)]
    pub trace: Option<Hash>,
}

/// A seat of a panel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Seat {
    /// The panellist.
    #[schema(value_type = String)]
    pub verifier: Address,
    /// Whether it has sealed what it found.
    pub sealed: bool,
    /// Whether it has revealed that.
    pub revealed: bool,
}

/// The dispute that is open, or that ended the job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Dispute {
    /// The slot.
    pub slot: u8,
    /// Whether somebody insists.
    pub insisted: bool,
    /// 0 for the first panel, 1 for the second.
    pub round: u8,
}

/// A demand that nobody has answered yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OpenDemand {
    /// Its number.
    pub number: u8,
    /// Who demands.
    #[schema(value_type = String)]
    pub by: Address,
    /// What was sent with it.
    pub bond: Amount,
    /// The last second of chain time for an answer.
    pub deadline: u64,
}

/// The part of an input's owner in a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Data {
    /// The dataset or the parent model.
    pub node: Node,
    /// Who owned it when the job was posted.
    #[schema(value_type = String)]
    pub owner: Address,
    /// Share of the payment in basis points.
    pub share_bp: u16,
    /// What was paid.
    pub paid: Amount,
}

/// The operator's part in a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Compute {
    /// The operator that claimed it last.
    #[schema(value_type = String)]
    pub operator: Address,
    /// What it was paid.
    pub paid: Amount,
}

/// A verifier's part in a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Verification {
    /// The verifier.
    #[schema(value_type = String)]
    pub verifier: Address,
    /// Segments that it checked.
    pub segments: u32,
    /// Seats that it held in a panel's majority.
    pub seats: u32,
    /// What it was paid.
    pub paid: Amount,
}

/// Who contributed what to a job, and what each was paid.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Contributions {
    /// Owners of data and of the parent model.
    pub data: Vec<Data>,
    /// The operator.
    pub compute: Option<Compute>,
    /// Verifiers that were paid.
    pub verification: Vec<Verification>,
    /// Paid to verifiers that are too many to be listed.
    pub verification_more: Amount,
    /// Rewards of challengers and demanders.
    pub challengers: Amount,
    /// Bonds that were given back.
    pub bonds: Amount,
    /// What the client got back.
    pub refund: Amount,
    /// Burned.
    pub burned: Amount,
}

impl From<market::Contributions> for Contributions {
    fn from(from: market::Contributions) -> Self {
        let data = from.data.iter().map(|part| Data {
            node: part.node.into(),
            owner: part.owner,
            share_bp: part.share_bp,
            paid: Amount(part.paid),
        });
        let verification = from.verification.iter().map(|part| Verification {
            verifier: part.verifier,
            segments: part.segments,
            seats: part.seats,
            paid: Amount(part.paid),
        });
        Self {
            data: data.collect(),
            compute: from.compute.map(|part| Compute { operator: part.operator, paid: Amount(part.paid) }),
            verification: verification.collect(),
            verification_more: Amount(from.verification_more),
            challengers: Amount(from.challengers),
            bonds: Amount(from.bonds),
            refund: Amount(from.refund),
            burned: Amount(from.burned),
        }
    }
}

/// A job with its terms, its checks and its contributions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Job {
    /// The market that holds it.
    #[schema(value_type = String)]
    pub market: Address,
    /// Its number in that market.
    pub id: u64,
    /// Who pays.
    #[schema(value_type = String)]
    pub client: Address,
    /// `open`, `claimed`, `committed`, `drawn`, `opened`, `attested`, `window`,
    /// `disputed`, `ruling`, `final`, `failed`, `void` or `cancelled`.
    pub state: String,
    /// Chain time until which the state may last; 0 at the end.
    pub deadline: u64,
    /// Chain time of the posting, in seconds since 1970.
    pub posted_at: u64,
    /// The operator that claimed it last.
    #[schema(value_type = Option<String>)]
    pub operator: Option<Address>,
    /// Operators that have claimed it.
    pub attempts: u8,
    /// Draws so far.
    pub rounds: u8,
    /// Verifiers that are enlisted.
    pub enlisted: u32,
    /// Of those, how many have revealed their secret.
    pub revealed: u32,
    /// Challenges so far.
    pub challenges: u8,
    /// What the job still holds.
    pub held: Amount,
    /// The model's name.
    pub model_name: String,
    /// The model's licence.
    pub model_licence: String,
    /// The model that it starts from.
    #[schema(value_type = Option<String>)]
    pub parent: Option<Hash>,
    /// Its datasets.
    #[schema(value_type = Vec<String>)]
    pub datasets: Vec<Hash>,
    /// What was fixed when it was posted.
    pub terms: JobTerms,
    /// What owners of inputs will get, or got.
    pub royalties: Vec<Data>,
    /// What was committed to.
    pub commitment: Option<Commitment>,
    /// The ends of the commitment, once open.
    pub ends: Option<Ends>,
    /// The seed of the last draw, once drawn.
    #[schema(value_type = Option<String>)]
    pub seed: Option<Hash>,
    /// The drawn and challenged segments.
    pub slots: Vec<Check>,
    /// The seats of the panel.
    pub seats: Vec<Seat>,
    /// The dispute.
    pub dispute: Option<Dispute>,
    /// Demands that are open.
    pub demands: Vec<OpenDemand>,
    /// The model, once registered.
    #[schema(value_type = Option<String>)]
    pub model: Option<Hash>,
    /// Who contributed what, and what each was paid.
    pub contributions: Contributions,
}

/// What a job's record is made from.
#[derive(Debug)]
pub struct JobParts {
    /// The market.
    pub market: Address,
    /// The answer of `job`.
    pub view: market::JobView,
    /// The answer of `slots`.
    pub slots: Vec<market::Slot>,
    /// The answer of `seats`.
    pub seats: Vec<market::Seat>,
    /// The answer of `demands`.
    pub demands: Vec<market::Demand>,
    /// The answer of `contributions`.
    pub contributions: market::Contributions,
}

impl From<JobParts> for Job {
    fn from(parts: JobParts) -> Self {
        let JobParts { market, view, slots, seats, demands, contributions } = parts;
        let contributions = Contributions::from(contributions);
        let paid = |node: Node| contributions.data.iter().find(|part| part.node == node).map_or(Amount(0), |p| p.paid);
        let royalty = |royalty: &Royalty| {
            let node = royalty.node.into();
            Data { node, owner: royalty.to, share_bp: royalty.share_bp, paid: paid(node) }
        };
        let job = &view.job;
        Self {
            market,
            id: view.id,
            client: job.client,
            state: name_of(&job.state),
            deadline: job.deadline,
            posted_at: job.posted_at,
            operator: job.operator,
            attempts: job.attempts,
            rounds: job.rounds,
            enlisted: job.enlisted,
            revealed: job.revealed,
            challenges: job.challenges,
            held: Amount(job.held),
            royalties: view.royalties.iter().map(royalty).collect(),
            commitment: view.commitment.as_ref().map(|one| Commitment { root: one.root, block: one.block }),
            ends: view.ends.as_ref().map(|ends| Ends {
                initial_state: ends.initial_state,
                final_state: ends.final_state,
                artefact: ends.artefact,
            }),
            seed: (job.seed != Hash::default()).then_some(job.seed),
            slots: slots.into_iter().map(Check::from).collect(),
            seats: seats
                .into_iter()
                .map(|seat| Seat {
                    verifier: seat.verifier,
                    sealed: seat.seal.is_some(),
                    revealed: seat.outcome.is_some(),
                })
                .collect(),
            dispute: view.dispute.as_ref().map(|dispute| Dispute {
                slot: dispute.slot,
                insisted: dispute.insisted,
                round: dispute.round,
            }),
            demands: demands
                .into_iter()
                .map(|demand| OpenDemand {
                    number: demand.number,
                    by: demand.by,
                    bond: Amount(demand.bond),
                    deadline: demand.deadline,
                })
                .collect(),
            model: view.model_id,
            contributions,
            terms: JobTerms::from(&view.terms),
            model_name: view.model.name,
            model_licence: view.model.licence,
            parent: view.model.parent,
            datasets: view.datasets,
        }
    }
}

impl From<market::Slot> for Check {
    fn from(slot: market::Slot) -> Self {
        let market::Slot { segment, verifier, check, before, after, operator_seal, verifier_seal, trace } = slot;
        Self { segment, verifier, check: name_of(&check), before, after, operator_seal, verifier_seal, trace }
    }
}
