//! The registry's events as ink! events; see `assay_protocol::registry::Event`.

use assay_protocol::{
    Address as Account, Hash as Digest,
    registry::{Event, Node, StatementKind},
};
use ink::env::emit_event;

/// The one market that may register models was set.
#[ink::event]
pub struct MarketBound {
    #[ink(topic)]
    market: Account,
}

/// A dataset is on record.
#[ink::event]
pub struct DatasetRegistered {
    #[ink(topic)]
    dataset: Digest,
    #[ink(topic)]
    owner: Account,
}

/// A model is on record.
#[ink::event]
pub struct ModelRegistered {
    #[ink(topic)]
    model: Digest,
    #[ink(topic)]
    owner: Account,
    job: u64,
    #[ink(topic)]
    operator: Account,
}

/// The locations of a dataset or a model were replaced.
#[ink::event]
pub struct LocationsChanged {
    #[ink(topic)]
    node: Node,
    locations: u8,
}

/// A dataset has a new owner.
#[ink::event]
pub struct DatasetTransferred {
    #[ink(topic)]
    dataset: Digest,
    #[ink(topic)]
    from: Account,
    #[ink(topic)]
    to: Account,
}

/// A dataset has new terms.
#[ink::event]
pub struct TermsChanged {
    #[ink(topic)]
    dataset: Digest,
    terms: Digest,
}

/// A model has a new royalty.
#[ink::event]
pub struct RoyaltyChanged {
    #[ink(topic)]
    model: Digest,
    royalty_bp: u16,
}

/// The name and the locations of a dataset are removed for good.
#[ink::event]
pub struct DatasetWithdrawn {
    #[ink(topic)]
    dataset: Digest,
}

/// An account may use a dataset.
#[ink::event]
pub struct AccessGranted {
    #[ink(topic)]
    dataset: Digest,
    #[ink(topic)]
    account: Account,
    until: u64,
    terms: Digest,
    paid: u128,
}

/// A sum can now be withdrawn.
#[ink::event]
pub struct Credited {
    #[ink(topic)]
    account: Account,
    #[ink(topic)]
    dataset: Digest,
    amount: u128,
}

/// A sum was sent out.
#[ink::event]
pub struct Withdrawn {
    #[ink(topic)]
    account: Account,
    amount: u128,
}

/// An account said something of a dataset or a model.
#[ink::event]
pub struct Stated {
    #[ink(topic)]
    node: Node,
    #[ink(topic)]
    author: Account,
    number: u32,
    kind: StatementKind,
}

/// A record was copied from the predecessor.
#[ink::event]
pub struct Imported {
    #[ink(topic)]
    node: Node,
}

/// Emits the ink! event that `event` stands for.
pub fn emit(event: Event) {
    match event {
        Event::MarketBound { market } => emit_event(MarketBound { market }),
        Event::DatasetRegistered { dataset, owner } => emit_event(DatasetRegistered { dataset, owner }),
        Event::ModelRegistered { model, owner, job, operator } => {
            emit_event(ModelRegistered { model, owner, job, operator })
        }
        Event::LocationsChanged { node, locations } => emit_event(LocationsChanged { node, locations }),
        Event::DatasetTransferred { dataset, from, to } => emit_event(DatasetTransferred { dataset, from, to }),
        Event::TermsChanged { dataset, terms } => emit_event(TermsChanged { dataset, terms }),
        Event::RoyaltyChanged { model, royalty_bp } => emit_event(RoyaltyChanged { model, royalty_bp }),
        Event::DatasetWithdrawn { dataset } => emit_event(DatasetWithdrawn { dataset }),
        Event::AccessGranted { dataset, account, until, terms, paid } => {
            emit_event(AccessGranted { dataset, account, until, terms, paid })
        }
        Event::Credited { account, dataset, amount } => emit_event(Credited { account, dataset, amount }),
        Event::Withdrawn { account, amount } => emit_event(Withdrawn { account, amount }),
        Event::Stated { node, author, number, kind } => emit_event(Stated { node, author, number, kind }),
        Event::Imported { node } => emit_event(Imported { node }),
    }
}
