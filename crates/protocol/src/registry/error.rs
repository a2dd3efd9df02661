//! Why the registry refuses a message.

use super::{MAX_DATASETS, MAX_LICENCE_BYTES, MAX_LOCATION_BYTES, MAX_LOCATIONS, MAX_NAME_BYTES, MAX_TEXT_BYTES, Node};
use crate::hash::Hash;
use core::fmt;
use parity_scale_codec::{Decode, Encode};
use scale_info::TypeInfo;

/// Why the registry refused a message. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Error {
    /// Returned if someone other than the deployer binds the market.
    #[codec(index = 0)]
    NotAdmin,
    /// Returned if the market has been bound before.
    #[codec(index = 1)]
    MarketAlreadyBound,
    /// Returned if someone other than the bound market registers a model.
    #[codec(index = 2)]
    NotMarket,
    /// Returned if someone other than the owner changes or transfers a record, or grants access.
    #[codec(index = 3)]
    NotOwner,
    /// Returned if the id is on record already.
    #[codec(index = 4)]
    AlreadyRegistered,
    /// Returned if no dataset has this id.
    #[codec(index = 5)]
    UnknownDataset(Hash),
    /// Returned if no model has this id.
    #[codec(index = 6)]
    UnknownModel(Hash),
    /// Returned if a dataset names itself as a parent.
    #[codec(index = 7)]
    SelfParent,
    /// Returned if this dataset is named twice.
    #[codec(index = 8)]
    RepeatedDataset(Hash),
    /// Returned if a record is made from more than [`MAX_DATASETS`] datasets.
    #[codec(index = 9)]
    TooManyDatasets,
    /// Returned if a model is made from no dataset.
    #[codec(index = 10)]
    NoDataset,
    /// Returned if a dataset has no bytes.
    #[codec(index = 11)]
    EmptyDataset,
    /// Returned if a name fails [`super::check_name`].
    #[codec(index = 12)]
    BadName,
    /// Returned if a licence fails [`super::check_licence`].
    #[codec(index = 13)]
    BadLicence,
    /// Returned if a location fails [`super::check_locations`].
    #[codec(index = 14)]
    BadLocation,
    /// Returned if there are more than [`MAX_LOCATIONS`] locations.
    #[codec(index = 15)]
    TooManyLocations,
    /// Returned if the zero address would become owner, market or holder of a grant.
    #[codec(index = 16)]
    ZeroAddress,
    /// Returned if a message about a dataset or a model names a job.
    #[codec(index = 17)]
    NotARecord,
    /// Returned if a licence names a `LicenseRef-` and the hash of its text is missing.
    #[codec(index = 18)]
    NoLicenceText,
    /// Returned if a royalty is more than the whole.
    #[codec(index = 19)]
    BadRoyalty,
    /// Returned if the royalties of a dataset's parents are together more than the whole.
    #[codec(index = 20)]
    RoyaltiesTooHigh,
    /// Returned if a dataset that anybody may use has a price.
    #[codec(index = 21)]
    OpenHasNoPrice,
    /// Returned if the dataset is withdrawn.
    #[codec(index = 22)]
    Withdrawn(Hash),
    /// Returned if the client may not use this dataset.
    #[codec(index = 23)]
    NoGrant(Hash),
    /// Returned if access to the dataset cannot be bought.
    #[codec(index = 24)]
    NotForSale,
    /// Returned if the terms are not those that the buyer named.
    #[codec(index = 25)]
    TermsDiffer {
        /// Hash of the terms as they are.
        terms: Hash,
    },
    /// Returned if the value sent is not the price.
    #[codec(index = 26)]
    WrongValue {
        /// The price.
        expected: u128,
        /// What was sent.
        sent: u128,
    },
    /// Returned if the account has access that never ends.
    #[codec(index = 27)]
    HasAccess,
    /// Returned if a grant would be over before it begins.
    #[codec(index = 28)]
    GrantOver {
        /// Chain time.
        now: u64,
    },
    /// Returned if an owner would shorten a grant that holds, or change its terms.
    #[codec(index = 29)]
    GrantStands {
        /// The last second at which it holds.
        until: u64,
    },
    /// Returned if a statement's text fails [`super::check_text`].
    #[codec(index = 30)]
    BadText,
    /// Returned if nothing is credited to the caller.
    #[codec(index = 31)]
    NothingToWithdraw,
    /// Returned if a transfer to the caller failed.
    #[codec(index = 32)]
    TransferFailed,
    /// Returned if a sum would not fit into 128 bits.
    #[codec(index = 33)]
    Overflow,
    /// Returned if something is imported into a registry without a predecessor.
    #[codec(index = 34)]
    NoPredecessor,
    /// Returned if the predecessor has no such record or grant.
    #[codec(index = 35)]
    NothingToImport,
    /// Returned if what a record was made from must be imported first.
    #[codec(index = 36)]
    ImportFirst(Node),
    /// Returned if an id is registered anew that the predecessor has on record.
    #[codec(index = 37)]
    InPredecessor,
    /// Returned if the market is bound before the titles are bound to this registry.
    #[codec(index = 38)]
    TitlesNotBound,
    /// Returned if the contract of titles did not issue the model's title.
    #[codec(index = 39)]
    TitleRefused,
    /// Returned if a parent's owner asks for a larger share than the registrant agreed to.
    #[codec(index = 40)]
    ShareRaised {
        /// The parent.
        dataset: Hash,
        /// The share that its owner asks for, in basis points.
        asked_bp: u16,
        /// The largest that the registrant agreed to.
        most_bp: u16,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::NotAdmin => {
                f.write_str("only the account that deployed the registry may bind the market: sign with it")
            }
            Error::MarketAlreadyBound => {
                f.write_str("the registry is bound to a market for good: deploy a new registry for a new market")
            }
            Error::NotMarket => f.write_str("only the bound market registers models: finalise the job there"),
            Error::NotOwner => f.write_str("only the owner may do this: sign with the owner's account"),
            Error::AlreadyRegistered => f.write_str("this id is on record already: read the record instead"),
            Error::UnknownDataset(id) => {
                write!(f, "dataset {id} is not registered here: register it first, or check the registry's address")
            }
            Error::UnknownModel(id) => {
                write!(f, "model {id} is not registered here: check the id and the registry's address")
            }
            Error::SelfParent => f.write_str("a dataset cannot be its own parent: remove its id from the parents"),
            Error::RepeatedDataset(id) => write!(f, "dataset {id} is named twice: name each dataset once"),
            Error::TooManyDatasets => {
                write!(f, "at most {MAX_DATASETS} datasets per record: register a dataset that joins them first")
            }
            Error::NoDataset => f.write_str("a model is made from at least one dataset: name it"),
            Error::EmptyDataset => f.write_str("the dataset has no bytes: register it once it has content"),
            Error::BadName => write!(
                f,
                "this is no name: give 1 to {MAX_NAME_BYTES} bytes without control or direction characters, and no space at its ends"
            ),
            Error::BadLicence => write!(
                f,
                "this is no licence: give an SPDX expression of 1 to {MAX_LICENCE_BYTES} bytes, such as CC-BY-4.0 or LicenseRef-own"
            ),
            Error::BadLocation => write!(
                f,
                "this is no location: give a URL of at most {MAX_LOCATION_BYTES} bytes without spaces, such as https://host/path, \
                 named once"
            ),
            Error::TooManyLocations => write!(f, "at most {MAX_LOCATIONS} locations per record: keep the best ones"),
            Error::ZeroAddress => f.write_str("the zero address cannot act: give another address"),
            Error::NotARecord => {
                f.write_str("a job is no record of the registry: name the dataset or the model that it made")
            }
            Error::NoLicenceText => {
                f.write_str("a licence with a LicenseRef- needs the SHA-256 of its text: give the hash as well")
            }
            Error::BadRoyalty => f.write_str("a royalty is at most 10,000 basis points (100 %): give a smaller one"),
            Error::RoyaltiesTooHigh => {
                f.write_str("the parents' royalties are together more than 100 %: leave a parent out, or ask its owner")
            }
            Error::OpenHasNoPrice => {
                f.write_str("a dataset that anybody may use has no price: leave the price out, or do not open it")
            }
            Error::Withdrawn(id) => write!(f, "dataset {id} was withdrawn by its owner: use another one"),
            Error::NoGrant(id) => {
                write!(f, "this account may not use dataset {id}: buy access, or ask its owner for a grant")
            }
            Error::NotForSale => f.write_str("access to this dataset is not for sale: ask its owner for a grant"),
            Error::TermsDiffer { terms } => {
                write!(f, "the terms are {terms} now: read them, and name this hash if you agree")
            }
            Error::WrongValue { expected, sent } => write!(
                f,
                "the value sent must be exactly {expected} (in 10^-18 of a token), not {sent}; nothing was kept"
            ),
            Error::HasAccess => f.write_str("this account has access for ever: there is nothing to buy"),
            Error::GrantOver { now } => {
                write!(f, "the grant would be over already: chain time is {now}, give a later second")
            }
            Error::GrantStands { until } => {
                write!(f, "the account has a grant until {until} that stands: give the same terms and no earlier end")
            }
            Error::BadText => write!(
                f,
                "a statement's text has 1 to {MAX_TEXT_BYTES} bytes, no control or direction characters and no space \
                 at its ends: put more into a document and give its hash as evidence"
            ),
            Error::NothingToWithdraw => {
                f.write_str("nothing is credited to this account: there is nothing to withdraw")
            }
            Error::TransferFailed => {
                f.write_str("the transfer to the caller failed; it can be tried again, nothing was lost")
            }
            Error::Overflow => f.write_str("the sum is larger than any balance: check the amounts"),
            Error::NoPredecessor => f.write_str("this registry has no predecessor: there is nothing to import from"),
            Error::NothingToImport => {
                f.write_str("the predecessor has no such record, or no longer grant: check the id and the account")
            }
            Error::ImportFirst(node) => write!(f, "{node} must be on record here first: import it, then try again"),
            Error::InPredecessor => {
                f.write_str("the predecessor has this id on record: import the record instead of registering it anew")
            }
            Error::TitlesNotBound => f.write_str(
                "the contract of titles is not bound to this registry: let its deployer send bindRegistry first",
            ),
            Error::TitleRefused => f.write_str(
                "the contract of titles did not issue the model's title: check that it is bound to this registry",
            ),
            Error::ShareRaised { dataset, asked_bp, most_bp } => write!(
                f,
                "the owner of dataset {dataset} asks for {asked_bp} basis points of the price now, and you agreed to \
                 {most_bp}: look at its terms again and agree to more, or do without it"
            ),
        }
    }
}

impl core::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn errors_say_what_to_do() {
        let id = Hash([0xab; 32]);
        let text = Error::UnknownDataset(id).to_string();
        assert!(text.contains(&id.to_string()) && text.contains("register it first"), "{text}");
        assert!(!Error::BadLocation.to_string().contains("  "));
    }
}
