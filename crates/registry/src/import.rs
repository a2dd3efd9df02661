//! Carrying on another registry: its records are copied here, by anybody, as
//! they are. `docs/upgrades.md` says why and how.

use crate::{
    DATASETS, IMPORTS, MODELS, OtherRegistry, PARENTS, PREDECESSOR, RegistryHost, STATEMENTS, TERMS,
    access::store_grant, dataset, reads, records, store_locations, store_terms,
};
use assay_protocol::{
    Address, Hash,
    host::Host,
    registry::{DatasetExport, Error, Event, Import, MAX_PAGE, ModelExport, Node},
};

/// Copies a dataset of the predecessor: record, terms, locations, edges, the
/// shares of its parents. What it was derived from must be on record here.
///
/// # Errors
/// [`Error::NoPredecessor`], [`Error::AlreadyRegistered`],
/// [`Error::NothingToImport`], [`Error::ImportFirst`].
pub fn import_dataset(host: &mut impl RegistryHost, id: Hash) -> Result<(), Error> {
    let from = predecessor(host)?;
    if DATASETS.get(host, &id).is_some() {
        return Err(Error::AlreadyRegistered);
    }
    let export = host.other(from).export_dataset(&id).ok_or(Error::NothingToImport)?;
    for parent in &export.parents {
        on_record(host, &Node::Dataset(parent.dataset))?;
    }
    let node = Node::Dataset(id);
    store_terms(host, &export.record.terms);
    store_locations(host, node, &export.locations, 0);
    records::store_dataset(host, id, &export.record, &export.parents);
    note_import(host, node, from, export.statements);
    Ok(())
}

/// Copies a model of the predecessor: record, locations, edges. What it was
/// made from must be on record here; its job stays in the old market. Its title
/// stays where it is until its owner sends it here, see `docs/upgrades.md`.
///
/// # Errors
/// As [`import_dataset`].
pub fn import_model(host: &mut impl RegistryHost, id: Hash) -> Result<(), Error> {
    let from = predecessor(host)?;
    if MODELS.get(host, &id).is_some() {
        return Err(Error::AlreadyRegistered);
    }
    let export = host.other(from).export_model(&id).ok_or(Error::NothingToImport)?;
    for input in &export.made_from {
        on_record(host, input)?;
    }
    let node = Node::Model(id);
    store_locations(host, node, &export.locations, 0);
    records::store_model(host, id, &export.record, &export.made_from);
    note_import(host, node, from, export.statements);
    Ok(())
}

/// Copies an account's access to a dataset that was imported. Only what was
/// granted before the dataset was imported: from then on its owner here, who
/// may be another, decides.
///
/// # Errors
/// [`Error::NoPredecessor`], [`Error::UnknownDataset`],
/// [`Error::NothingToImport`] (also if the account's grant here is as good, or
/// holds under other terms),
/// [`Error::Overflow`].
pub fn import_grant(host: &mut impl RegistryHost, id: Hash, account: Address) -> Result<(), Error> {
    let from = predecessor(host)?;
    dataset(host, &id)?;
    let import = IMPORTS.get(host, &Node::Dataset(id)).ok_or(Error::NothingToImport)?;
    let other = host.other(from);
    let mut grant = other.grant(&id, &account).filter(|grant| grant.at < import.at).ok_or(Error::NothingToImport)?;
    if let Some(here) = reads::grant(host, id, account) {
        // What stands here is not put under other terms.
        if here.until >= grant.until || (here.holds(host.now()) && here.terms != grant.terms) {
            return Err(Error::NothingToImport);
        }
        grant.paid = grant.paid.checked_add(here.paid).ok_or(Error::Overflow)?;
    }
    if let Some(terms) = other.terms(&grant.terms) {
        TERMS.set(host, &grant.terms, &terms);
    }
    store_grant(host, id, account, grant);
    host.emit(Event::AccessGranted { dataset: id, account, until: grant.until, terms: grant.terms, paid: 0 });
    Ok(())
}

/// A dataset with all that a successor copies.
pub fn export_dataset(host: &impl Host, id: Hash) -> Option<DatasetExport> {
    let (record, node) = (DATASETS.get(host, &id)?, Node::Dataset(id));
    Some(DatasetExport {
        record,
        parents: PARENTS.get(host, &id).unwrap_or_default(),
        locations: reads::locations(host, node),
        statements: STATEMENTS.count(host, &node),
    })
}

/// A model with all that a successor copies.
pub fn export_model(host: &impl Host, id: Hash) -> Option<ModelExport> {
    let (record, node) = (MODELS.get(host, &id)?, Node::Model(id));
    Some(ModelExport {
        record,
        // Datasets, parent and job: fewer than a page.
        made_from: reads::made_from(host, node, 0, MAX_PAGE).items,
        locations: reads::locations(host, node),
        statements: STATEMENTS.count(host, &node),
    })
}

/// Whether a dataset or a model is on record here or in a predecessor.
pub fn knows(host: &impl RegistryHost, node: &Node) -> bool {
    on_record(host, node).is_ok()
        || PREDECESSOR.get(host, &()).is_some_and(|predecessor| host.other(predecessor.registry).knows(node))
}

fn predecessor(host: &impl Host) -> Result<Address, Error> {
    PREDECESSOR.get(host, &()).map(|predecessor| predecessor.registry).ok_or(Error::NoPredecessor)
}

/// Jobs are no records: they stay in their markets.
fn on_record(host: &impl Host, node: &Node) -> Result<(), Error> {
    let known = match node {
        Node::Dataset(id) => DATASETS.get(host, id).is_some(),
        Node::Model(id) => MODELS.get(host, id).is_some(),
        Node::Job { .. } => true,
    };
    if known { Ok(()) } else { Err(Error::ImportFirst(*node)) }
}

fn note_import(host: &mut impl RegistryHost, node: Node, from: Address, statements: u32) {
    let import = Import { from, statements, at: host.now(), block: host.block_number() };
    IMPORTS.set(host, &node, &import);
    host.emit(Event::Imported { node });
}
