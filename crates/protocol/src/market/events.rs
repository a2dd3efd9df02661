//! What happened.

use super::{Check, Role, State};
use crate::hash::{Address, Hash};
use crate::registry;
use parity_scale_codec::{Decode, Encode};
use scale_info::TypeInfo;

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
        /// Slashed: the verifier did not do its turn, was overruled on a panel, or
        /// demanded what was there.
        #[codec(index = 9)]
        Idle,
        /// Slashed: the verifier insisted and the panel found for the operator.
        #[codec(index = 10)]
        Wrong,
        /// Slashed: the operator handed the job back.
        #[codec(index = 11)]
        HandedBack,
        /// Slashed: nobody answered a demand in time, or too many verifiers in turn
        /// reported that a slot is not served.
        #[codec(index = 12)]
        Unavailable,
        /// What the owner of an input gets of the payment.
        #[codec(index = 13)]
        Royalty,
        /// For a seat in a panel's majority.
        #[codec(index = 14)]
        Seat,
        /// The bond of a challenge or a demand, given back.
        #[codec(index = 15)]
        Bond,
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
        /// What it locked.
        bond: u128,
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
        /// Whether another job of the same client had made the same model before.
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
    /// Stake was taken back and can be collected later.
    #[codec(index = 11)]
    Unbonding {
        /// Whose.
        account: Address,
        /// In which role.
        role: Role,
        /// How much waits now.
        amount: u128,
        /// From which second of chain time on it can be collected.
        at: u64,
    },
    /// An operator published what it asks of a job, or took that back.
    #[codec(index = 12)]
    OfferChanged {
        /// The operator.
        operator: Address,
        /// Whether there is an offer now.
        offered: bool,
    },
    /// The ends of a job's commitment were opened.
    #[codec(index = 13)]
    EndsOpened {
        /// The job.
        job: u64,
        /// The model that it will be.
        model: Hash,
    },
    /// Something was demanded of a job's operator.
    #[codec(index = 14)]
    Demanded {
        /// The job.
        job: u64,
        /// The demand.
        number: u8,
        /// Who demands.
        by: Address,
        /// The last second of chain time at which an answer is in time.
        deadline: u64,
    },
    /// A demand was answered.
    #[codec(index = 15)]
    Answered {
        /// The job.
        job: u64,
        /// The demand.
        number: u8,
        /// Who answered.
        by: Address,
    },
    /// A verifier took back what a job that has ended had locked of its stake.
    #[codec(index = 16)]
    Released {
        /// The job.
        job: u64,
        /// The verifier.
        verifier: Address,
        /// What was left of its bond.
        bond: u128,
    },
}
