//! The market's events as ink! events; see `assay_protocol::market::Event`.

use assay_protocol::{
    Address as Account, Hash as Digest,
    market::{Check, Event, Reason, Role, State},
    registry::Error,
};
use ink::env::emit_event;

/// A job moved to a state; `Open` when it was posted.
#[ink::event]
pub struct JobMoved {
    #[ink(topic)]
    job: u64,
    #[ink(topic)]
    state: State,
    deadline: u64,
}

/// A verifier enlisted for a job.
#[ink::event]
pub struct Enlisted {
    #[ink(topic)]
    job: u64,
    #[ink(topic)]
    verifier: Account,
    bond: u128,
}

/// A client or a verifier revealed its secret.
#[ink::event]
pub struct SecretRevealed {
    #[ink(topic)]
    job: u64,
    #[ink(topic)]
    by: Account,
}

/// A slot's check moved on.
#[ink::event]
pub struct SlotMoved {
    #[ink(topic)]
    job: u64,
    slot: u8,
    #[ink(topic)]
    verifier: Account,
    check: Check,
}

/// A panellist was seated, sealed or revealed.
#[ink::event]
pub struct SeatMoved {
    #[ink(topic)]
    job: u64,
    seat: u8,
    #[ink(topic)]
    verifier: Account,
}

/// Stake was added.
#[ink::event]
pub struct Staked {
    #[ink(topic)]
    account: Account,
    role: Role,
    amount: u128,
}

/// Stake was taken away.
#[ink::event]
pub struct Slashed {
    #[ink(topic)]
    account: Account,
    #[ink(topic)]
    job: u64,
    amount: u128,
    reason: Reason,
}

/// A sum can now be withdrawn.
#[ink::event]
pub struct Credited {
    #[ink(topic)]
    account: Account,
    job: Option<u64>,
    amount: u128,
    reason: Reason,
}

/// A sum was sent out. (The registry, whose metadata comes along, has a
/// `Withdrawn` of its own, and no two events may have one signature.)
#[ink::event]
pub struct PaidOut {
    #[ink(topic)]
    account: Account,
    amount: u128,
}

/// A job is final and its model is in the registry.
#[ink::event]
pub struct ModelRegistered {
    #[ink(topic)]
    job: u64,
    #[ink(topic)]
    model: Digest,
    known: bool,
}

/// A job is final and paid, but the registry did not take its model.
#[ink::event]
pub struct ModelRefused {
    #[ink(topic)]
    job: u64,
    error: Error,
}

/// Stake was taken back and can be collected later.
#[ink::event]
pub struct Unbonding {
    #[ink(topic)]
    account: Account,
    role: Role,
    amount: u128,
    at: u64,
}

/// An operator published what it asks of a job, or took that back.
#[ink::event]
pub struct OfferChanged {
    #[ink(topic)]
    operator: Account,
    offered: bool,
}

/// The ends of a job's commitment were opened.
#[ink::event]
pub struct EndsOpened {
    #[ink(topic)]
    job: u64,
    #[ink(topic)]
    model: Digest,
}

/// Something was demanded of a job's operator.
#[ink::event]
pub struct Demanded {
    #[ink(topic)]
    job: u64,
    number: u8,
    #[ink(topic)]
    by: Account,
    deadline: u64,
}

/// A demand was answered.
#[ink::event]
pub struct Answered {
    #[ink(topic)]
    job: u64,
    number: u8,
    #[ink(topic)]
    by: Account,
}

/// A verifier took back what a job that has ended had locked of its stake.
#[ink::event]
pub struct Released {
    #[ink(topic)]
    job: u64,
    #[ink(topic)]
    verifier: Account,
    bond: u128,
}

/// Emits the ink! event that `event` stands for.
pub fn emit(event: Event) {
    match event {
        Event::JobMoved { job, state, deadline } => emit_event(JobMoved { job, state, deadline }),
        Event::Enlisted { job, verifier, bond } => emit_event(Enlisted { job, verifier, bond }),
        Event::SecretRevealed { job, by } => emit_event(SecretRevealed { job, by }),
        Event::SlotMoved { job, slot, verifier, check } => emit_event(SlotMoved { job, slot, verifier, check }),
        Event::SeatMoved { job, seat, verifier } => emit_event(SeatMoved { job, seat, verifier }),
        Event::Staked { account, role, amount } => emit_event(Staked { account, role, amount }),
        Event::Slashed { account, job, amount, reason } => emit_event(Slashed { account, job, amount, reason }),
        Event::Credited { account, job, amount, reason } => emit_event(Credited { account, job, amount, reason }),
        Event::Withdrawn { account, amount } => emit_event(PaidOut { account, amount }),
        Event::ModelRegistered { job, model, known } => emit_event(ModelRegistered { job, model, known }),
        Event::ModelRefused { job, error } => emit_event(ModelRefused { job, error }),
        Event::Unbonding { account, role, amount, at } => emit_event(Unbonding { account, role, amount, at }),
        Event::OfferChanged { operator, offered } => emit_event(OfferChanged { operator, offered }),
        Event::EndsOpened { job, model } => emit_event(EndsOpened { job, model }),
        Event::Demanded { job, number, by, deadline } => emit_event(Demanded { job, number, by, deadline }),
        Event::Answered { job, number, by } => emit_event(Answered { job, number, by }),
        Event::Released { job, verifier, bond } => emit_event(Released { job, verifier, bond }),
    }
}
