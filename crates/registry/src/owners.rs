//! What the owner of a dataset or a model may change.

use crate::{DATASETS, MODELS, RegistryHost, dataset, model, not_zero, reads, store_locations, store_terms};
use alloc::string::String;
use assay_protocol::{
    Address, Hash,
    host::Host,
    registry::{DatasetRecord, DatasetTerms, Error, Event, ModelRecord, Node, WHOLE_BP, check_locations},
};

/// Changes the terms of a dataset for what is to come: grants, jobs that are
/// posted and datasets that are derived from now on. Only its owner.
///
/// # Errors
/// [`Error::UnknownDataset`], [`Error::NotOwner`], [`Error::Withdrawn`], those
/// of [`DatasetTerms::check`].
pub fn set_terms(host: &mut impl RegistryHost, id: Hash, terms: DatasetTerms) -> Result<(), Error> {
    let mut record = owned_dataset_in_use(host, &id)?;
    terms.check()?;
    let hash = store_terms(host, &terms);
    record.terms = terms;
    DATASETS.set(host, &id, &record);
    host.emit(Event::TermsChanged { dataset: id, terms: hash });
    Ok(())
}

/// Changes the royalty of a model for jobs that are posted from now on. Only its owner.
///
/// # Errors
/// [`Error::UnknownModel`], [`Error::NotOwner`], [`Error::BadRoyalty`].
pub fn set_royalty(host: &mut impl RegistryHost, id: Hash, royalty_bp: u16) -> Result<(), Error> {
    let mut record = owned_model(host, &id)?;
    if royalty_bp > WHOLE_BP {
        return Err(Error::BadRoyalty);
    }
    record.royalty_bp = royalty_bp;
    MODELS.set(host, &id, &record);
    host.emit(Event::RoyaltyChanged { model: id, royalty_bp });
    Ok(())
}

/// Replaces the locations of a dataset or a model. Only its owner.
///
/// # Errors
/// Those of [`check_locations`], [`Error::UnknownDataset`],
/// [`Error::UnknownModel`], [`Error::NotOwner`], [`Error::Withdrawn`],
/// [`Error::NotARecord`].
pub fn set_locations(host: &mut impl RegistryHost, node: Node, locations: &[String]) -> Result<(), Error> {
    check_locations(locations)?;
    let count = locations.len() as u8;
    let before = match node {
        Node::Dataset(id) => {
            let mut record = owned_dataset_in_use(host, &id)?;
            let before = core::mem::replace(&mut record.locations, count);
            DATASETS.set(host, &id, &record);
            before
        }
        Node::Model(id) => {
            let mut record = owned_model(host, &id)?;
            let before = core::mem::replace(&mut record.locations, count);
            MODELS.set(host, &id, &record);
            before
        }
        Node::Job { .. } => return Err(Error::NotARecord),
    };
    store_locations(host, node, locations, before);
    host.emit(Event::LocationsChanged { node, locations: count });
    Ok(())
}

/// Gives a dataset a new owner. Only its owner. (A model's title is transferred
/// in the contract of titles.)
///
/// # Errors
/// [`Error::ZeroAddress`], [`Error::UnknownDataset`], [`Error::NotOwner`].
pub fn transfer_dataset(host: &mut impl RegistryHost, id: Hash, to: Address) -> Result<(), Error> {
    not_zero(&to)?;
    let mut record = owned_dataset(host, &id)?;
    let from = core::mem::replace(&mut record.owner, to);
    DATASETS.set(host, &id, &record);
    host.emit(Event::DatasetTransferred { dataset: id, from, to });
    Ok(())
}

/// Removes the name and the locations of a dataset for good; hashes, terms and
/// edges stay. No new job may use it. Only its owner.
///
/// # Errors
/// [`Error::UnknownDataset`], [`Error::NotOwner`], [`Error::Withdrawn`] if it was done before.
pub fn withdraw_locations(host: &mut impl RegistryHost, id: Hash) -> Result<(), Error> {
    let mut record = owned_dataset_in_use(host, &id)?;
    store_locations(host, Node::Dataset(id), &[], record.locations);
    record.name.clear();
    record.locations = 0;
    record.withdrawn_at = Some(host.now());
    DATASETS.set(host, &id, &record);
    host.emit(Event::DatasetWithdrawn { dataset: id });
    Ok(())
}

fn owned_dataset(host: &impl Host, id: &Hash) -> Result<DatasetRecord, Error> {
    let record = dataset(host, id)?;
    if record.owner == host.caller() { Ok(record) } else { Err(Error::NotOwner) }
}

pub(crate) fn owned_dataset_in_use(host: &impl Host, id: &Hash) -> Result<DatasetRecord, Error> {
    let record = owned_dataset(host, id)?;
    if record.withdrawn_at.is_some() { Err(Error::Withdrawn(*id)) } else { Ok(record) }
}

fn owned_model(host: &impl RegistryHost, id: &Hash) -> Result<ModelRecord, Error> {
    let record = model(host, id)?;
    if reads::owner_of(host, *id) == Some(host.caller()) { Ok(record) } else { Err(Error::NotOwner) }
}
