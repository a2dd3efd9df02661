//! What the registry stores and shows.

use super::FOR_EVER;
use crate::hash::{Address, Domain, Hash, Sha256};
use alloc::{string::String, vec::Vec};
use core::fmt;
use parity_scale_codec::{Decode, Encode};
use scale_info::TypeInfo;

/// A node of the provenance graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Node {
    /// A dataset, by the hash of its manifest.
    Dataset(Hash),
    /// A model, by its id.
    Model(Hash),
    /// A training job.
    Job {
        /// The market contract that held the job.
        market: Address,
        /// The job's number in that market.
        job: u64,
    },
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Node::Dataset(id) => write!(f, "dataset {id}"),
            Node::Model(id) => write!(f, "model {id}"),
            Node::Job { market, job } => write!(f, "job {job} of market {market}"),
        }
    }
}

/// On which terms a dataset may be used. Its owner may change them for what is
/// to come; who has a grant keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DatasetTerms {
    /// SPDX licence expression, see [`super::check_licence`].
    pub licence: String,
    /// SHA-256 of the licence's text; needed where the expression names a `LicenseRef-`.
    pub licence_text: Option<Hash>,
    /// Whether anybody may use it in jobs, without a grant.
    pub open: bool,
    /// What access costs, in the contract's unit; `None` if it is not for sale.
    pub price: Option<u128>,
    /// How long bought access lasts, in seconds; 0 for ever.
    pub access_seconds: u64,
    /// Share of each job's payment, and of the price of each dataset derived
    /// from this one, that its owner gets, in basis points.
    pub royalty_bp: u16,
}

impl DatasetTerms {
    /// For anybody to use under `licence`, without price or royalty.
    pub fn open(licence: impl Into<String>) -> Self {
        Self { licence: licence.into(), licence_text: None, open: true, price: None, access_seconds: 0, royalty_bp: 0 }
    }

    /// The hash by which grants name these terms.
    pub fn hash(&self, hasher: &impl Sha256) -> Hash {
        hasher.hash_value(Domain::Terms, self)
    }

    /// Until when access lasts that is bought at `from`, in seconds of chain time.
    pub fn until(&self, from: u64) -> u64 {
        match self.access_seconds {
            0 => FOR_EVER,
            seconds => from.saturating_add(seconds),
        }
    }
}

/// What the registry knows of a dataset.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct DatasetRecord {
    /// Who may change its terms and locations, grant access and transfer it.
    pub owner: Address,
    /// A name for people; not unique, and empty if the dataset was withdrawn.
    pub name: String,
    /// Bytes of all its files together.
    pub bytes: u64,
    /// On which terms it may be used.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub terms: DatasetTerms,
    /// Chain time of the registration, in seconds since 1970.
    pub registered_at: u64,
    /// Block of the registration.
    pub block: u32,
    /// How many locations are on record.
    pub locations: u8,
    /// Since when its name and locations are removed for good, in seconds since
    /// 1970. No new job may use it.
    pub withdrawn_at: Option<u64>,
}

/// What the registry knows of a model. Who owns it now says `owner_of`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ModelRecord {
    /// Who got its title when it was registered: the job's client. With
    /// `program` and `final_state` it gives the model's id.
    pub first_owner: Address,
    /// A name for people; not unique.
    pub name: String,
    /// SPDX licence expression.
    pub licence: String,
    /// Root of the step program that trained it.
    pub program: Hash,
    /// State root after the last segment. Another client's job of the same
    /// program and data has the same.
    pub final_state: Hash,
    /// Hash of the file that readers download.
    pub artefact: Hash,
    /// The market contract that registered it.
    pub market: Address,
    /// The job in that market that trained it.
    pub job: u64,
    /// Who trained it.
    pub operator: Address,
    /// Segments of the job.
    pub segments: u32,
    /// Segments that were drawn for checking.
    pub segments_drawn: u32,
    /// Drawn segments that a verifier replayed and confirmed.
    pub segments_checked: u32,
    /// Share of the payment of each job that starts from it that its owner
    /// gets, in basis points.
    pub royalty_bp: u16,
    /// Chain time of the registration, in seconds since 1970.
    pub registered_at: u64,
    /// Block of the registration.
    pub block: u32,
    /// How many locations are on record.
    pub locations: u8,
}

/// What a job owes to the owner of one of its inputs if it becomes final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Royalty {
    /// The dataset or the parent model.
    pub node: Node,
    /// Its owner.
    pub to: Address,
    /// Share of the job's payment in basis points, never 0.
    pub share_bp: u16,
}

/// An account's access to a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Grant {
    /// The last second of chain time at which it holds; [`FOR_EVER`] if it never ends.
    pub until: u64,
    /// Under which terms: [`DatasetTerms::hash`] if bought, what the owner named otherwise.
    pub terms: Hash,
    /// What the account has paid for it, all purchases together.
    pub paid: u128,
    /// When it was last granted or bought, in seconds since 1970.
    pub at: u64,
}

impl Grant {
    /// Whether it holds at `now`, the second `until` included.
    pub fn holds(&self, now: u64) -> bool {
        now <= self.until
    }
}

/// What a statement is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum StatementKind {
    /// How good the dataset or the model was found to be.
    #[codec(index = 0)]
    Evaluation,
    /// What a check of its record or its training found.
    #[codec(index = 1)]
    Audit,
    /// A claim that it must not be used or served.
    #[codec(index = 2)]
    Takedown,
    /// Anything else.
    #[codec(index = 3)]
    Note,
}

/// What an account says of a dataset or a model. Never edited or removed.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Statement {
    /// Who says it.
    pub author: Address,
    /// What it is about.
    pub kind: StatementKind,
    /// What it says, see [`super::check_text`].
    pub text: String,
    /// SHA-256 of a document that shows it.
    pub evidence: Option<Hash>,
    /// When, in seconds since 1970.
    pub at: u64,
    /// In which block.
    pub block: u32,
}

/// The registry that this one carries on, see `docs/upgrades.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Predecessor {
    /// The registry contract.
    pub registry: Address,
    /// The contract that holds its models' titles.
    pub titles: Address,
}

/// Where a record was copied from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Import {
    /// The registry that it comes from.
    pub from: Address,
    /// How many statements were made there until then; they stay there.
    pub statements: u32,
    /// When it was copied, in seconds since 1970.
    pub at: u64,
    /// In which block.
    pub block: u32,
}

/// A dataset that another one was derived from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Parent {
    /// The dataset.
    pub dataset: Hash,
    /// Share of the price of the derived dataset that its owner gets, in basis
    /// points: its royalty when the derived one was registered.
    pub share_bp: u16,
}

/// All that a successor copies of a dataset.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct DatasetExport {
    /// The record.
    pub record: DatasetRecord,
    /// What it was derived from.
    pub parents: Vec<Parent>,
    /// Where it can be fetched.
    pub locations: Vec<String>,
    /// How many statements there are about it.
    pub statements: u32,
}

/// All that a successor copies of a model.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ModelExport {
    /// The record.
    pub record: ModelRecord,
    /// What it was made from: datasets, parent model, job.
    pub made_from: Vec<Node>,
    /// Where it can be fetched.
    pub locations: Vec<String>,
    /// How many statements there are about it.
    pub statements: u32,
}

/// A part of a list that may be long. The next page starts at this page's
/// offset plus `items.len()`; the list has been read when that reaches `total`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Page<T> {
    /// Items in the whole list.
    pub total: u32,
    /// At most [`super::MAX_PAGE`] items, oldest first.
    pub items: Vec<T>,
}
