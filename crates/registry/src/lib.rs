//! Logic of the registry contract: every message as a function over a
//! [`Host`], without a contract language. Types, limits and errors are in
//! [`assay_protocol::registry`].
//!
//! The one who deploys binds one market, once; from then on only that market
//! registers models. Anybody registers datasets. A message that changes
//! something returns the [`Event`] to emit.
//!
//! No message's cost grows with the number of records: lists are kept as a
//! count and one stored value per item, and are read in pages.
//!
//! Whoever first registers a dataset's hash owns the record. A registration is
//! a claim by its owner, not a proof of ownership of the data.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod list;
#[cfg(test)]
mod tests;

use alloc::{string::String, vec::Vec};
use assay_protocol::{
    Address, Hash,
    commitment::model_id,
    host::{Host, Table},
    registry::{
        DatasetRecord, Error, Event, MAX_DATASETS, ModelRecord, Node, Page, RegisterDataset, RegisterModel,
        check_licence, check_locations, check_name,
    },
};
use list::List;

const ADMIN: Table<(), Address> = Table::new(b'a');
const MARKET: Table<(), Address> = Table::new(b'k');
const DATASETS: Table<Hash, DatasetRecord> = Table::new(b'd');
const MODELS: Table<Hash, ModelRecord> = Table::new(b'm');
const LOCATIONS: Table<(Node, u8), String> = Table::new(b'l');
const DATASET_IDS: List<(), Hash> = List::new(b'x', b'X');
const MODEL_IDS: List<(), Hash> = List::new(b'y', b'Y');
const MADE_FROM: List<Node, Node> = List::new(b'f', b'F');
const MADE_INTO: List<Node, Node> = List::new(b'i', b'I');

/// Sets up a new registry; its caller becomes the admin.
pub fn init(host: &mut impl Host) {
    let admin = host.caller();
    ADMIN.set(host, &(), &admin);
}

/// Binds the market that may register models, once and for good. Only the admin.
pub fn bind_market(host: &mut impl Host, market: Address) -> Result<Event, Error> {
    if ADMIN.get(host, &()) != Some(host.caller()) {
        return Err(Error::NotAdmin);
    }
    if MARKET.get(host, &()).is_some() {
        return Err(Error::MarketAlreadyBound);
    }
    not_zero(&market)?;
    MARKET.set(host, &(), &market);
    Ok(Event::MarketBound { market })
}

/// Puts a dataset on record; its caller becomes the owner.
pub fn register_dataset(host: &mut impl Host, args: RegisterDataset) -> Result<Event, Error> {
    let RegisterDataset { id, name, licence, bytes, locations, parents } = args;
    check_name(&name)?;
    check_licence(&licence)?;
    check_locations(&locations)?;
    if bytes == 0 {
        return Err(Error::EmptyDataset);
    }
    if DATASETS.get(host, &id).is_some() {
        return Err(Error::AlreadyRegistered);
    }
    if parents.contains(&id) {
        return Err(Error::SelfParent);
    }
    check_datasets(host, &parents)?;

    let owner = host.caller();
    let record = DatasetRecord {
        owner,
        name,
        licence,
        bytes,
        registered_at: host.now(),
        block: host.block_number(),
        locations: locations.len() as u8,
    };
    let node = Node::Dataset(id);
    DATASETS.set(host, &id, &record);
    store_locations(host, node, &locations, 0);
    DATASET_IDS.push(host, &(), &id);
    for parent in parents {
        add_edge(host, node, Node::Dataset(parent));
    }
    Ok(Event::DatasetRegistered { dataset: id, owner })
}

/// Puts a model on record and gives its id. Only the bound market, when a job
/// is final.
pub fn register_model(host: &mut impl Host, args: RegisterModel) -> Result<(Hash, Event), Error> {
    let market = host.caller();
    if MARKET.get(host, &()) != Some(market) {
        return Err(Error::NotMarket);
    }
    check_name(&args.name)?;
    check_licence(&args.licence)?;
    not_zero(&args.owner)?;
    check_inputs(host, &args.datasets, args.parent.as_ref())?;
    let id = model_id(host, &args.program, &args.final_state);
    if MODELS.get(host, &id).is_some() {
        return Err(Error::AlreadyRegistered);
    }

    let record = ModelRecord {
        owner: args.owner,
        name: args.name,
        licence: args.licence,
        program: args.program,
        final_state: args.final_state,
        artefact: args.artefact,
        market,
        job: args.job,
        operator: args.operator,
        segments: args.segments,
        segments_drawn: args.segments_drawn,
        segments_checked: args.segments_checked,
        registered_at: host.now(),
        block: host.block_number(),
        locations: 0,
    };
    let node = Node::Model(id);
    MODELS.set(host, &id, &record);
    MODEL_IDS.push(host, &(), &id);
    for dataset in args.datasets {
        add_edge(host, node, Node::Dataset(dataset));
    }
    if let Some(parent) = args.parent {
        add_edge(host, node, Node::Model(parent));
    }
    add_edge(host, node, Node::Job { market, job: args.job });
    let event = Event::ModelRegistered { model: id, owner: args.owner, job: args.job, operator: args.operator };
    Ok((id, event))
}

/// Replaces the locations of a dataset or a model. Only its owner.
pub fn set_locations(host: &mut impl Host, node: Node, locations: &[String]) -> Result<Event, Error> {
    check_locations(locations)?;
    let count = locations.len() as u8;
    let before = match node {
        Node::Dataset(id) => {
            let mut record = owned_dataset(host, &id)?;
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
        Node::Job { .. } => return Err(Error::JobHasNoLocations),
    };
    store_locations(host, node, locations, before);
    Ok(Event::LocationsChanged { node, locations: count })
}

/// Gives a dataset a new owner. Only its owner.
pub fn transfer_dataset(host: &mut impl Host, id: Hash, to: Address) -> Result<Event, Error> {
    not_zero(&to)?;
    let mut record = owned_dataset(host, &id)?;
    let from = core::mem::replace(&mut record.owner, to);
    DATASETS.set(host, &id, &record);
    Ok(Event::Transferred { node: Node::Dataset(id), from, to })
}

/// Gives a model a new owner. Only its owner.
pub fn transfer_model(host: &mut impl Host, id: Hash, to: Address) -> Result<Event, Error> {
    not_zero(&to)?;
    let mut record = owned_model(host, &id)?;
    let from = core::mem::replace(&mut record.owner, to);
    MODELS.set(host, &id, &record);
    Ok(Event::Transferred { node: Node::Model(id), from, to })
}

/// Whether a model may be made from these: 1 to [`MAX_DATASETS`] registered
/// datasets, none twice, and a registered parent model if any. What passes
/// once passes for ever, since no record is removed.
pub fn check_inputs(host: &impl Host, datasets: &[Hash], parent: Option<&Hash>) -> Result<(), Error> {
    if datasets.is_empty() {
        return Err(Error::NoDataset);
    }
    check_datasets(host, datasets)?;
    match parent {
        Some(parent) if MODELS.get(host, parent).is_none() => Err(Error::UnknownModel(*parent)),
        _ => Ok(()),
    }
}

/// Who deployed the registry.
pub fn admin(host: &impl Host) -> Address {
    ADMIN.get(host, &()).expect("set when the registry was deployed")
}

/// The market that may register models; `None` until it is bound.
pub fn market(host: &impl Host) -> Option<Address> {
    MARKET.get(host, &())
}

/// The record of a dataset.
pub fn dataset(host: &impl Host, id: Hash) -> Option<DatasetRecord> {
    DATASETS.get(host, &id)
}

/// The record of a model.
pub fn model(host: &impl Host, id: Hash) -> Option<ModelRecord> {
    MODELS.get(host, &id)
}

/// Where a dataset or a model can be fetched, best first; empty for what is
/// not on record.
pub fn locations(host: &impl Host, node: Node) -> Vec<String> {
    let count = match node {
        Node::Dataset(id) => DATASETS.get(host, &id).map(|record| record.locations),
        Node::Model(id) => MODELS.get(host, &id).map(|record| record.locations),
        Node::Job { .. } => None,
    };
    (0..count.unwrap_or(0)).filter_map(|index| LOCATIONS.get(host, &(node, index))).collect()
}

/// What `node` was made from, in the order in which it was registered.
pub fn made_from(host: &impl Host, node: Node, offset: u32, limit: u32) -> Page<Node> {
    MADE_FROM.page(host, &node, offset, limit)
}

/// What was made from `node`, oldest first. For a job, the model it trained.
pub fn made_into(host: &impl Host, node: Node, offset: u32, limit: u32) -> Page<Node> {
    MADE_INTO.page(host, &node, offset, limit)
}

/// Ids of the datasets on record, oldest first.
pub fn datasets(host: &impl Host, offset: u32, limit: u32) -> Page<Hash> {
    DATASET_IDS.page(host, &(), offset, limit)
}

/// Ids of the models on record, oldest first.
pub fn models(host: &impl Host, offset: u32, limit: u32) -> Page<Hash> {
    MODEL_IDS.page(host, &(), offset, limit)
}

fn not_zero(address: &Address) -> Result<(), Error> {
    if *address == Address::default() { Err(Error::ZeroAddress) } else { Ok(()) }
}

fn check_datasets(host: &impl Host, ids: &[Hash]) -> Result<(), Error> {
    if ids.len() > MAX_DATASETS {
        return Err(Error::TooManyDatasets);
    }
    for (index, id) in ids.iter().enumerate() {
        if ids[..index].contains(id) {
            return Err(Error::RepeatedDataset(*id));
        }
        if DATASETS.get(host, id).is_none() {
            return Err(Error::UnknownDataset(*id));
        }
    }
    Ok(())
}

fn owned_dataset(host: &impl Host, id: &Hash) -> Result<DatasetRecord, Error> {
    let record = DATASETS.get(host, id).ok_or(Error::UnknownDataset(*id))?;
    if record.owner == host.caller() { Ok(record) } else { Err(Error::NotOwner) }
}

fn owned_model(host: &impl Host, id: &Hash) -> Result<ModelRecord, Error> {
    let record = MODELS.get(host, id).ok_or(Error::UnknownModel(*id))?;
    if record.owner == host.caller() { Ok(record) } else { Err(Error::NotOwner) }
}

/// Stores the locations of `node`, which had `before` of them.
fn store_locations(host: &mut impl Host, node: Node, locations: &[String], before: u8) {
    for (index, location) in (0u8..).zip(locations) {
        LOCATIONS.set(host, &(node, index), location);
    }
    for index in locations.len() as u8..before {
        LOCATIONS.remove(host, &(node, index));
    }
}

fn add_edge(host: &mut impl Host, made: Node, from: Node) {
    MADE_FROM.push(host, &made, &from);
    MADE_INTO.push(host, &from, &made);
}
