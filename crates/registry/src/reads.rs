//! What anybody may read.

use crate::{
    ADMIN, CREDIT, DATASET_IDS, DATASETS, GRANTED, GRANTS, IMPORTS, LOCATIONS, MADE_FROM, MADE_INTO, MARKET, MODEL_IDS,
    MODELS, OtherRegistry, PREDECESSOR, RegistryHost, STATED, STATEMENTS, TERMS,
};
use alloc::{string::String, vec::Vec};
use assay_protocol::{
    Address, Hash,
    host::Host,
    registry::{DatasetRecord, DatasetTerms, Grant, Import, ModelRecord, Node, Page, Predecessor, Statement},
};

/// Who deployed the registry.
pub fn admin(host: &impl Host) -> Address {
    ADMIN.get(host, &()).expect("set when the registry was deployed")
}

/// The market that may register models; `None` until it is bound.
pub fn market(host: &impl Host) -> Option<Address> {
    MARKET.get(host, &())
}

/// The contract that holds the models' titles.
pub fn titles(host: &impl Host) -> Address {
    crate::titles(host)
}

/// The registry that this one carries on, if any.
pub fn predecessor(host: &impl Host) -> Option<Predecessor> {
    PREDECESSOR.get(host, &())
}

/// The record of a dataset.
pub fn dataset(host: &impl Host, id: Hash) -> Option<DatasetRecord> {
    DATASETS.get(host, &id)
}

/// The record of a model.
pub fn model(host: &impl Host, id: Hash) -> Option<ModelRecord> {
    MODELS.get(host, &id)
}

/// Who owns a model that is on record: by the titles, or by the predecessor
/// while the title of an imported model is still there.
pub fn owner_of(host: &impl RegistryHost, id: Hash) -> Option<Address> {
    MODELS.get(host, &id)?;
    host.title_owner(titles(host), &id).or_else(|| {
        IMPORTS.get(host, &Node::Model(id))?;
        host.other(predecessor(host)?.registry).owner_of(&id)
    })
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

/// The terms of this hash, if a dataset has or had them.
pub fn terms(host: &impl Host, hash: Hash) -> Option<DatasetTerms> {
    TERMS.get(host, &hash)
}

/// An account's access to a dataset, if it ever had any; see [`Grant::holds`].
pub fn grant(host: &impl Host, dataset: Hash, account: Address) -> Option<Grant> {
    GRANTS.get(host, &(dataset, account))
}

/// Who ever had access to a dataset, oldest first, each with its grant.
pub fn grants(host: &impl Host, dataset: Hash, offset: u32, limit: u32) -> Page<(Address, Grant)> {
    let Page { total, items } = GRANTED.page(host, &dataset, offset, limit);
    let with_grant = |account| grant(host, dataset, account).map(|grant| (account, grant));
    Page { total, items: items.into_iter().filter_map(with_grant).collect() }
}

/// What was said of a dataset or a model, oldest first.
pub fn statements(host: &impl Host, node: Node, offset: u32, limit: u32) -> Page<Statement> {
    STATEMENTS.page(host, &node, offset, limit)
}

/// What an account said, oldest first: of what, and the statement's number there.
pub fn statements_by(host: &impl Host, author: Address, offset: u32, limit: u32) -> Page<(Node, u32)> {
    STATED.page(host, &author, offset, limit)
}

/// What an account can withdraw.
pub fn credit(host: &impl Host, account: Address) -> u128 {
    CREDIT.get(host, &account).unwrap_or(0)
}

/// Where a record was copied from, if it was.
pub fn imported(host: &impl Host, node: Node) -> Option<Import> {
    IMPORTS.get(host, &node)
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
