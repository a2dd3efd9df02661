//! Arguments of the registry's messages.

use super::DatasetTerms;
use crate::hash::{Address, Hash};
use alloc::{string::String, vec::Vec};
use parity_scale_codec::{Decode, Encode};
use scale_info::TypeInfo;

/// Arguments of `register_dataset`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RegisterDataset {
    /// Hash of the manifest: the dataset's id.
    pub id: Hash,
    /// See [`super::check_name`].
    pub name: String,
    /// Bytes of all its files together.
    pub bytes: u64,
    /// On which terms it may be used, see [`DatasetTerms::check`].
    pub terms: DatasetTerms,
    /// Where it can be fetched, see [`super::check_locations`].
    pub locations: Vec<String>,
    /// Registered datasets that it was derived from. Their owners get the
    /// royalties that these have now of what access to this one is sold for.
    pub parents: Vec<NamedParent>,
}

/// A dataset that another one was derived from, as its registrant names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct NamedParent {
    /// The dataset.
    pub dataset: Hash,
    /// The largest share that the registrant agrees to, in basis points: the
    /// parent's owner may raise its royalty until the registration.
    pub most_bp: u16,
}

/// Arguments of `register_model`, which only the bound market may send.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RegisterModel {
    /// Its first owner: the job's client.
    pub owner: Address,
    /// See [`super::check_name`].
    pub name: String,
    /// See [`super::check_licence`].
    pub licence: String,
    /// Share of the payment of each job that starts from it, in basis points.
    pub royalty_bp: u16,
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
