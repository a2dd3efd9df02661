//! The registry: records of datasets and models, and how each was made.
//!
//! A dataset is known by the hash of its manifest, a model by
//! [`crate::commitment::model_id`]. Records and edges are only ever added;
//! owner and locations are what can change. Edges point from what was made to
//! what it was made from and are stored both ways:
//!
//! | made | made from |
//! | --- | --- |
//! | dataset | datasets it was derived from |
//! | model | its datasets, its parent model if any, its job |

use crate::hash::{Address, Hash};
use alloc::{string::String, vec::Vec};
use core::fmt;
use parity_scale_codec::{Decode, Encode};
use scale_info::TypeInfo;

/// What `kind()` of the contract answers, to tell it from any other contract.
pub const KIND: &str = "registry";
/// What `version()` answers. A change of messages, records or events raises it.
pub const VERSION: u32 = 1;
/// Most bytes of a name.
pub const MAX_NAME_BYTES: usize = 64;
/// Most bytes of a licence expression.
pub const MAX_LICENCE_BYTES: usize = 64;
/// Most bytes of one location.
pub const MAX_LOCATION_BYTES: usize = 256;
/// Most locations of one dataset or model.
pub const MAX_LOCATIONS: usize = 8;
/// Most datasets that one record may be made from.
pub const MAX_DATASETS: usize = 8;
/// Most items in one [`Page`], whatever limit the reader asks for.
pub const MAX_PAGE: u32 = 50;

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

/// What the registry knows of a dataset.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct DatasetRecord {
    /// Who may change its locations and transfer it.
    pub owner: Address,
    /// A name for people; not unique.
    pub name: String,
    /// SPDX licence expression.
    pub licence: String,
    /// Bytes of all its files together.
    pub bytes: u64,
    /// Chain time of the registration, in seconds since 1970.
    pub registered_at: u64,
    /// Block of the registration.
    pub block: u32,
    /// How many locations are on record.
    pub locations: u8,
}

/// What the registry knows of a model.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ModelRecord {
    /// Who may change its locations and transfer it; first the job's client.
    pub owner: Address,
    /// A name for people; not unique.
    pub name: String,
    /// SPDX licence expression.
    pub licence: String,
    /// Root of the step program that trained it.
    pub program: Hash,
    /// State root after the last segment. With `program` it gives the model's id.
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
    /// Chain time of the registration, in seconds since 1970.
    pub registered_at: u64,
    /// Block of the registration.
    pub block: u32,
    /// How many locations are on record.
    pub locations: u8,
}

/// Arguments of `register_dataset`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RegisterDataset {
    /// Hash of the manifest: the dataset's id.
    pub id: Hash,
    /// See [`check_name`].
    pub name: String,
    /// See [`check_licence`].
    pub licence: String,
    /// Bytes of all its files together.
    pub bytes: u64,
    /// Where it can be fetched, see [`check_locations`].
    pub locations: Vec<String>,
    /// Registered datasets that it was derived from.
    pub parents: Vec<Hash>,
}

/// Arguments of `register_model`, which only the bound market may send.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RegisterModel {
    /// Its first owner: the job's client.
    pub owner: Address,
    /// See [`check_name`].
    pub name: String,
    /// See [`check_licence`].
    pub licence: String,
    /// Root of the step program that trained it.
    pub program: Hash,
    /// State root after the last segment.
    pub final_state: Hash,
    /// Hash of the file that readers download.
    pub artefact: Hash,
    /// Registered datasets that it was trained on, at least one.
    pub datasets: Vec<Hash>,
    /// Registered model that the training started from.
    pub parent: Option<Hash>,
    /// The job's number in the market.
    pub job: u64,
    /// Who trained it.
    pub operator: Address,
    /// Segments of the job.
    pub segments: u32,
    /// Segments that were drawn for checking.
    pub segments_drawn: u32,
    /// Drawn segments that a verifier replayed and confirmed.
    pub segments_checked: u32,
}

/// A part of a list that may be long. The next page starts at this page's
/// offset plus `items.len()`; the list has been read when that reaches `total`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Page<T> {
    /// Items in the whole list.
    pub total: u32,
    /// At most [`MAX_PAGE`] items, oldest first.
    pub items: Vec<T>,
}

/// What changed. Each accepted message that changes something emits one.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Event {
    /// The one market that may register models was set.
    MarketBound {
        /// The market contract.
        market: Address,
    },
    /// A dataset is on record.
    DatasetRegistered {
        /// Its id.
        dataset: Hash,
        /// Its first owner.
        owner: Address,
    },
    /// A model is on record.
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
    LocationsChanged {
        /// The dataset or the model.
        node: Node,
        /// How many it has now.
        locations: u8,
    },
    /// A dataset or a model has a new owner.
    Transferred {
        /// The dataset or the model.
        node: Node,
        /// Its owner until now.
        from: Address,
        /// Its owner from now on.
        to: Address,
    },
}

/// Why the registry refused a message. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Error {
    /// Returned if someone other than the deployer binds the market.
    NotAdmin,
    /// Returned if the market has been bound before.
    MarketAlreadyBound,
    /// Returned if someone other than the bound market registers a model.
    NotMarket,
    /// Returned if someone other than the owner changes or transfers a record.
    NotOwner,
    /// Returned if the id is on record already.
    AlreadyRegistered,
    /// Returned if no dataset has this id.
    UnknownDataset(Hash),
    /// Returned if no model has this id.
    UnknownModel(Hash),
    /// Returned if a dataset names itself as a parent.
    SelfParent,
    /// Returned if this dataset is named twice.
    RepeatedDataset(Hash),
    /// Returned if a record is made from more than [`MAX_DATASETS`] datasets.
    TooManyDatasets,
    /// Returned if a model is made from no dataset.
    NoDataset,
    /// Returned if a dataset has no bytes.
    EmptyDataset,
    /// Returned if a name fails [`check_name`].
    BadName,
    /// Returned if a licence fails [`check_licence`].
    BadLicence,
    /// Returned if a location fails [`check_locations`].
    BadLocation,
    /// Returned if there are more than [`MAX_LOCATIONS`] locations.
    TooManyLocations,
    /// Returned if the zero address would become owner or market.
    ZeroAddress,
    /// Returned if locations are set for a job, which has none.
    JobHasNoLocations,
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
                "a name has 1 to {MAX_NAME_BYTES} bytes, no control or direction characters and no space at its ends"
            ),
            Error::BadLicence => write!(
                f,
                "a licence is an SPDX expression of 1 to {MAX_LICENCE_BYTES} bytes, such as CC-BY-4.0 or LicenseRef-own"
            ),
            Error::BadLocation => write!(
                f,
                "a location is a URL of at most {MAX_LOCATION_BYTES} bytes without spaces, such as https://host/path, \
                 named once"
            ),
            Error::TooManyLocations => write!(f, "at most {MAX_LOCATIONS} locations per record: keep the best ones"),
            Error::ZeroAddress => f.write_str("the zero address cannot act: give another address"),
            Error::JobHasNoLocations => f.write_str("a job has no locations: set those of its dataset or model"),
        }
    }
}

impl core::error::Error for Error {}

/// A name for people: 1 to [`MAX_NAME_BYTES`] bytes, no control characters, no
/// characters that turn the direction of writing (they make one name look like
/// another), no space at either end.
pub fn check_name(name: &str) -> Result<(), Error> {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let fits = (1..=MAX_NAME_BYTES).contains(&name.len());
    if !fits || name.starts_with(' ') || name.ends_with(' ') || name.chars().any(|c| c.is_control() || turns(c)) {
        return Err(Error::BadName);
    }
    Ok(())
}

/// An SPDX licence expression as far as it can be told without the list of
/// licences: 1 to [`MAX_LICENCE_BYTES`] of letters, digits and `.+-() `, with
/// matching parentheses, not starting or ending with a space.
pub fn check_licence(licence: &str) -> Result<(), Error> {
    let fits = (1..=MAX_LICENCE_BYTES).contains(&licence.len());
    if !fits || licence.starts_with(' ') || licence.ends_with(' ') {
        return Err(Error::BadLicence);
    }
    let (mut open, mut named) = (0u8, false);
    for byte in licence.bytes() {
        match byte {
            b'(' => open += 1,
            b')' => open = open.checked_sub(1).ok_or(Error::BadLicence)?,
            b'.' | b'+' | b'-' | b' ' => {}
            _ if byte.is_ascii_alphanumeric() => named = true,
            _ => return Err(Error::BadLicence),
        }
    }
    if open != 0 || !named {
        return Err(Error::BadLicence);
    }
    Ok(())
}

/// At most [`MAX_LOCATIONS`] different URLs, each `scheme:rest` in printable
/// ASCII without spaces and at most [`MAX_LOCATION_BYTES`] long.
pub fn check_locations(locations: &[String]) -> Result<(), Error> {
    if locations.len() > MAX_LOCATIONS {
        return Err(Error::TooManyLocations);
    }
    let is_url = |location: &str| {
        location.split_once(':').is_some_and(|(scheme, rest)| {
            scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
                && !rest.is_empty()
                && rest.bytes().all(|byte| byte.is_ascii_graphic())
        })
    };
    for (index, location) in locations.iter().enumerate() {
        if location.len() > MAX_LOCATION_BYTES || !is_url(location) || locations[..index].contains(location) {
            return Err(Error::BadLocation);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::MAX_VALUE_BYTES;
    use alloc::{format, string::ToString, vec};

    #[test]
    fn the_longest_records_fit_a_stored_value() {
        let dataset = DatasetRecord {
            owner: Address([1; 20]),
            name: "n".repeat(MAX_NAME_BYTES),
            licence: "l".repeat(MAX_LICENCE_BYTES),
            bytes: u64::MAX,
            registered_at: u64::MAX,
            block: u32::MAX,
            locations: MAX_LOCATIONS as u8,
        };
        assert_eq!(dataset.encode().len(), 173);
        let model = ModelRecord {
            owner: Address([1; 20]),
            name: "n".repeat(MAX_NAME_BYTES),
            licence: "l".repeat(MAX_LICENCE_BYTES),
            program: Hash([2; 32]),
            final_state: Hash([3; 32]),
            artefact: Hash([4; 32]),
            market: Address([5; 20]),
            job: u64::MAX,
            operator: Address([6; 20]),
            segments: u32::MAX,
            segments_drawn: u32::MAX,
            segments_checked: u32::MAX,
            registered_at: u64::MAX,
            block: u32::MAX,
            locations: MAX_LOCATIONS as u8,
        };
        assert_eq!(model.encode().len(), 321);
        assert!(model.encode().len() <= MAX_VALUE_BYTES);
        assert!("l".repeat(MAX_LOCATION_BYTES).encode().len() <= MAX_VALUE_BYTES);
        let job = Node::Job { market: Address([1; 20]), job: u64::MAX };
        assert!(job.encode().len().max(Node::Model(Hash([1; 32])).encode().len()) <= MAX_VALUE_BYTES);
    }

    #[test]
    fn names() {
        for good in ["digits", "Ziffern, 8×8 (1797)", "手書き", "a", &"n".repeat(64)] {
            assert_eq!(check_name(good), Ok(()), "{good}");
        }
        for bad in ["", " a", "a ", "a\nb", "a\u{7f}", "a\u{202e}b", "\u{85}", &"n".repeat(65), &"é".repeat(33)] {
            assert_eq!(check_name(bad), Err(Error::BadName), "{bad:?}");
        }
    }

    #[test]
    fn licences() {
        for good in ["MIT", "CC-BY-4.0", "GPL-2.0+", "(MIT OR Apache-2.0) AND LicenseRef-own", &"l".repeat(64)] {
            assert_eq!(check_licence(good), Ok(()), "{good}");
        }
        for bad in ["", " MIT", "MIT ", "()", "-", "(MIT", "MIT)", ")MIT(", "MIT\n", "MIT/X11", "é", &"l".repeat(65)] {
            assert_eq!(check_licence(bad), Err(Error::BadLicence), "{bad:?}");
        }
    }

    #[test]
    fn locations() {
        let longest = format!("https://{}", "a".repeat(MAX_LOCATION_BYTES - 8));
        for good in ["https://example.org/data?x=1#y", "ipfs://bafy", "magnet:?xt=urn:btih:c12fe1", &longest] {
            assert_eq!(check_locations(&[good.to_string()]), Ok(()), "{good}");
        }
        for bad in ["", "data", "https:", "://x", "1s://x", "ht tp://x", "https://a b", "https://é", &(longest + "a")]
        {
            assert_eq!(check_locations(&[bad.to_string()]), Err(Error::BadLocation), "{bad:?}");
        }
        let mut many: Vec<String> = (0..MAX_LOCATIONS).map(|index| format!("https://example.org/{index}")).collect();
        assert_eq!(check_locations(&many), Ok(()));
        many.push("https://example.org/more".into());
        assert_eq!(check_locations(&many), Err(Error::TooManyLocations));
        assert_eq!(check_locations(&vec!["ipfs://a".to_string(); 2]), Err(Error::BadLocation));
    }

    #[test]
    fn errors_say_what_to_do() {
        let id = Hash([0xab; 32]);
        let text = Error::UnknownDataset(id).to_string();
        assert!(text.contains(&id.to_string()) && text.contains("register it first"), "{text}");
        assert!(!Error::BadLocation.to_string().contains("  "));
    }
}
