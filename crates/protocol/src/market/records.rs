//! What the market stores and shows of a job.

use super::{ModelTerms, PaidSums, Terms, Wanted};
use crate::commitment::Outcome;
use crate::hash::{Address, Hash};
use crate::registry::Royalty;
use alloc::vec::Vec;
use parity_scale_codec::{Decode, Encode};
use scale_info::TypeInfo;

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
        /// Segments and verifiers are drawn; the operator opens ends and leaves.
        #[codec(index = 3)]
        Drawn,
        /// The drawn verifiers replay and seal what they found.
        #[codec(index = 4)]
        Opened,
        /// All seals are in; the operator reveals its trace roots.
        #[codec(index = 5)]
        Attested,
        /// The trace roots are known; a verifier that found something else may
        /// insist, and anybody may challenge.
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
        /// The operator was convicted, stayed away after its commitment or did not
        /// answer a demand; the client is refunded.
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
        /// What those that have revealed have locked, in the contract's unit: the
        /// whole weight of a draw.
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
        /// Challenges so far: the slots after the drawn ones.
        pub challenges: u8,
        /// Demands that are open.
        pub demands: u8,
        /// Entries in the list of what the job has paid.
        pub payments: u32,
        /// What they come to.
        pub paid: PaidSums,
        /// What the job still holds, bonds of challenges and demands included.
        pub held: u128,
    }
}

impl Job {
    /// A job that `client` posts at second `now` of chain time and that holds
    /// `held`: open, with a deadline yet to be set, and nobody has a part in it.
    pub fn posted(client: Address, now: u64, held: u128) -> Self {
        Self {
            client,
            state: State::Open,
            deadline: 0,
            posted_at: now,
            operator: None,
            attempts: 0,
            rounds: 0,
            enlisted: 0,
            revealed: 0,
            revealed_stake: 0,
            secrets: Hash::default(),
            client_secret: None,
            draw_block: None,
            seed: Hash::default(),
            opened: 0,
            disputed: None,
            challenges: 0,
            demands: 0,
            payments: 0,
            paid: PaidSums::default(),
            held,
        }
    }
}

protocol_type! {
    /// What the operator committed to.
    pub struct Commitment {
        /// Merkle root over the boundaries' leaves.
        pub root: Hash,
        /// Block of the commitment.
        pub block: u32,
    }
}

protocol_type! {
    /// The ends of a commitment, once open.
    pub struct EndStates {
        /// State root at boundary 0.
        pub initial_state: Hash,
        /// State root at the last boundary.
        pub final_state: Hash,
        /// SHA-256 of the model's `safetensors` file.
        pub artefact: Hash,
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
        /// The verifier says that the operator does not serve the checkpoint; its demand is open.
        #[codec(index = 5)]
        Unserved,
        /// A panel found for the operator.
        #[codec(index = 6)]
        Upheld,
        /// A panel found against the operator.
        #[codec(index = 7)]
        Refuted,
        /// The verifier stayed away, or its demand was answered; the slot is drawn anew.
        #[codec(index = 8)]
        Idle,
        /// Somebody challenged the segment; a panel decides.
        #[codec(index = 9)]
        Challenged,
        /// Two panels could not decide the challenge.
        #[codec(index = 10)]
        Undecided,
    }
}

protocol_type! {
    /// One drawn or challenged segment and its verifier.
    pub struct Slot {
        /// The segment, between boundaries `segment` and `segment + 1`.
        pub segment: u32,
        /// Who checks it, or has challenged it.
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
        /// Whether the slot's verifier insists on a finding of its own, or
        /// challenged, and so stands to lose its whole bond.
        pub insisted: bool,
        /// Which panel this is: 0 for the first, 1 for the one that replaced it.
        pub round: u8,
        /// Seconds that were left of the window when the dispute began.
        pub window_left: u32,
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
    /// A demand that nobody has answered yet.
    pub struct Demand {
        /// Its number: below [`MAX_DEMANDS`](super::MAX_DEMANDS), or that and the
        /// slot for a drawn verifier's report. Numbers are used again.
        pub number: u8,
        /// Who demands.
        pub by: Address,
        /// What.
        pub wanted: Wanted,
        /// The state root that a chunk must be proved under; `None` for a leaf of the commitment.
        pub state: Option<Hash>,
        /// What it sent with it, in the contract's unit; 0 for a report.
        pub bond: u128,
        /// The last second of chain time at which an answer is in time.
        pub deadline: u64,
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
        /// What owners of inputs will get of the payment, as of posting.
        pub royalties: Vec<Royalty>,
        /// What was committed to.
        pub commitment: Option<Commitment>,
        /// The ends of the commitment, once open.
        pub ends: Option<EndStates>,
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
