//! What changed. Each accepted message that changes something emits at least one.

use super::{Node, StatementKind};
use crate::hash::{Address, Hash};
use parity_scale_codec::{Decode, Encode};
use scale_info::TypeInfo;

/// What changed in the registry.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Event {
    /// The one market that may register models was set.
    #[codec(index = 0)]
    MarketBound {
        /// The market contract.
        market: Address,
    },
    /// A dataset is on record.
    #[codec(index = 1)]
    DatasetRegistered {
        /// Its id.
        dataset: Hash,
        /// Its first owner.
        owner: Address,
    },
    /// A model is on record.
    #[codec(index = 2)]
    ModelRegistered {
        /// Its id.
        model: Hash,
        /// Its first owner.
        owner: Address,
        /// The job that trained it.
        job: u64,
        /// Who trained it.
        operator: Address,
    },
    /// The locations of a dataset or a model were replaced.
    #[codec(index = 3)]
    LocationsChanged {
        /// The dataset or the model.
        node: Node,
        /// How many it has now.
        locations: u8,
    },
    /// A dataset has a new owner. (A model's moves by its title's `Transfer`.)
    #[codec(index = 4)]
    DatasetTransferred {
        /// The dataset.
        dataset: Hash,
        /// Its owner until now.
        from: Address,
        /// Its owner from now on.
        to: Address,
    },
    /// A dataset has new terms.
    #[codec(index = 5)]
    TermsChanged {
        /// The dataset.
        dataset: Hash,
        /// Hash of the terms, by which `terms` gives them.
        terms: Hash,
    },
    /// A model has a new royalty.
    #[codec(index = 6)]
    RoyaltyChanged {
        /// The model.
        model: Hash,
        /// Share of a job's payment in basis points.
        royalty_bp: u16,
    },
    /// The name and the locations of a dataset are removed for good.
    #[codec(index = 7)]
    DatasetWithdrawn {
        /// The dataset.
        dataset: Hash,
    },
    /// An account may use a dataset.
    #[codec(index = 8)]
    AccessGranted {
        /// The dataset.
        dataset: Hash,
        /// The account.
        account: Address,
        /// The last second at which it may.
        until: u64,
        /// Under which terms.
        terms: Hash,
        /// What it paid this time.
        paid: u128,
    },
    /// A sum can now be withdrawn.
    #[codec(index = 9)]
    Credited {
        /// Who can withdraw it.
        account: Address,
        /// The dataset that was sold, or that the sold one was derived from.
        dataset: Hash,
        /// How much.
        amount: u128,
    },
    /// A sum was sent out.
    #[codec(index = 10)]
    Withdrawn {
        /// To whom.
        account: Address,
        /// How much.
        amount: u128,
    },
    /// An account said something of a dataset or a model.
    #[codec(index = 11)]
    Stated {
        /// The dataset or the model.
        node: Node,
        /// Who said it.
        author: Address,
        /// The statement's number in the list of its node.
        number: u32,
        /// What it is about.
        kind: StatementKind,
    },
    /// A record was copied from the predecessor.
    #[codec(index = 12)]
    Imported {
        /// The dataset or the model.
        node: Node,
    },
}
