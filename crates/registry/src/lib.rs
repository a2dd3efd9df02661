//! Logic of the registry contract: every message as a function over a
//! [`RegistryHost`], without a contract language. Types, limits and errors are
//! in [`assay_protocol::registry`], the law in `docs/registry.md`.
//!
//! The one who deploys binds one market, once; from then on only that market
//! registers models. Anybody registers datasets. Who owns a model says the
//! contract of titles, which the registry asks; who owns a dataset says its record.
//!
//! No message's cost grows with the number of records: lists are kept as a
//! count and one stored value per item, and are read in pages.
//!
//! # Money
//! It comes in with [`access::buy_access`] alone and leaves with
//! [`access::withdraw`] alone; in between all of it is credited. So
//! `in = out + sum(credit)` after every message, which the tests assert.
//!
//! | module | messages |
//! | --- | --- |
//! | [`records`] | bind_market, register_dataset, register_model, check_inputs |
//! | [`owners`] | set_terms, set_royalty, set_locations, transfer_dataset, withdraw_locations |
//! | [`access`] | grant_access, buy_access, withdraw |
//! | [`statements`] | add_statement |
//! | [`import`] | import_dataset, import_model, import_grant, and what a successor reads |
//! | [`reads`] | what anybody may read |
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod access;
pub mod import;
mod list;
pub mod owners;
pub mod reads;
pub mod records;
pub mod statements;

use alloc::{string::String, vec::Vec};
use assay_protocol::{
    Address, Hash,
    host::{Host, Table},
    registry::{
        DatasetExport, DatasetRecord, DatasetTerms, Error, Event, Grant, Import, ModelExport, ModelRecord, Node,
        Parent, Predecessor, Statement,
    },
};
use list::List;

/// What the registry needs from its chain beside a [`Host`]: the contract of
/// titles, the predecessor and events.
pub trait RegistryHost: Host {
    /// Another registry.
    type Other: OtherRegistry;

    /// The registry at `address`.
    fn other(&self, address: Address) -> Self::Other;

    /// The registry that the titles at `titles` are bound to.
    fn titles_bound_to(&self, titles: Address) -> Option<Address>;

    /// Who owns a model by the titles at `titles`; `None` if it has no title there.
    fn title_owner(&self, titles: Address, model: &Hash) -> Option<Address>;

    /// Lets the titles at `titles` issue the title of a model to `to`; whether they did.
    fn issue_title(&mut self, titles: Address, model: &Hash, to: Address) -> bool;

    /// Emits an event.
    fn emit(&mut self, event: Event);
}

/// What a registry asks of its predecessor: messages of the same names.
pub trait OtherRegistry {
    /// The contract that holds its models' titles.
    fn titles(&self) -> Address;
    /// Whether it or a predecessor of it has this dataset or model on record.
    fn knows(&self, node: &Node) -> bool;
    /// A dataset with all that belongs to it.
    fn export_dataset(&self, id: &Hash) -> Option<DatasetExport>;
    /// A model with all that belongs to it.
    fn export_model(&self, id: &Hash) -> Option<ModelExport>;
    /// An account's access to a dataset.
    fn grant(&self, dataset: &Hash, account: &Address) -> Option<Grant>;
    /// The terms of this hash.
    fn terms(&self, hash: &Hash) -> Option<DatasetTerms>;
    /// Who owns a model.
    fn owner_of(&self, model: &Hash) -> Option<Address>;
}

const ADMIN: Table<(), Address> = Table::new(b'a');
const TITLES: Table<(), Address> = Table::new(b'o');
const PREDECESSOR: Table<(), Predecessor> = Table::new(b'p');
const MARKET: Table<(), Address> = Table::new(b'k');
const DATASETS: Table<Hash, DatasetRecord> = Table::new(b'd');
const MODELS: Table<Hash, ModelRecord> = Table::new(b'm');
const LOCATIONS: Table<(Node, u8), String> = Table::new(b'l');
const TERMS: Table<Hash, DatasetTerms> = Table::new(b't');
const PARENTS: Table<Hash, Vec<Parent>> = Table::new(b'r');
const GRANTS: Table<(Hash, Address), Grant> = Table::new(b'g');
const CREDIT: Table<Address, u128> = Table::new(b'w');
const IMPORTS: Table<Node, Import> = Table::new(b'c');
const DATASET_IDS: List<(), Hash> = List::new(b'x', b'X');
const MODEL_IDS: List<(), Hash> = List::new(b'y', b'Y');
const MADE_FROM: List<Node, Node> = List::new(b'f', b'F');
const MADE_INTO: List<Node, Node> = List::new(b'i', b'I');
const GRANTED: List<Hash, Address> = List::new(b'h', b'H');
const STATEMENTS: List<Node, Statement> = List::new(b's', b'S');
const STATED: List<Address, (Node, u32)> = List::new(b'u', b'U');

/// Sets up a new registry whose models' titles are at `titles`; its caller
/// becomes the admin. With a predecessor it carries on that registry.
pub fn init(host: &mut impl RegistryHost, titles: Address, predecessor: Option<Address>) {
    let admin = host.caller();
    ADMIN.set(host, &(), &admin);
    TITLES.set(host, &(), &titles);
    if let Some(registry) = predecessor {
        let titles = host.other(registry).titles();
        PREDECESSOR.set(host, &(), &Predecessor { registry, titles });
    }
}

/// The contract of titles.
fn titles(host: &impl Host) -> Address {
    TITLES.get(host, &()).expect("set when the registry was deployed")
}

fn not_zero(address: &Address) -> Result<(), Error> {
    if *address == Address::default() { Err(Error::ZeroAddress) } else { Ok(()) }
}

fn dataset(host: &impl Host, id: &Hash) -> Result<DatasetRecord, Error> {
    DATASETS.get(host, id).ok_or(Error::UnknownDataset(*id))
}

fn model(host: &impl Host, id: &Hash) -> Result<ModelRecord, Error> {
    MODELS.get(host, id).ok_or(Error::UnknownModel(*id))
}

/// The dataset `id`, unless it was withdrawn.
fn dataset_in_use(host: &impl Host, id: &Hash) -> Result<DatasetRecord, Error> {
    let record = dataset(host, id)?;
    if record.withdrawn_at.is_some() { Err(Error::Withdrawn(*id)) } else { Ok(record) }
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

/// Stores terms under their hash, by which grants name them, and gives the hash.
fn store_terms(host: &mut impl Host, terms: &DatasetTerms) -> Hash {
    let hash = terms.hash(host);
    TERMS.set(host, &hash, terms);
    hash
}

fn add_edge(host: &mut impl Host, made: Node, from: Node) {
    MADE_FROM.push(host, &made, &from);
    MADE_INTO.push(host, &from, &made);
}
