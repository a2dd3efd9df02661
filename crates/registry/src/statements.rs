//! What anybody says of a dataset or a model.

use crate::{RegistryHost, STATED, STATEMENTS, dataset, model};
use alloc::string::String;
use assay_protocol::{
    Hash,
    registry::{Error, Event, Node, Statement, StatementKind, check_text},
};

/// Puts a statement of the caller on record, for good. It says nothing about
/// whether the statement is true: readers weigh it by its author.
///
/// # Errors
/// [`Error::BadText`], [`Error::UnknownDataset`], [`Error::UnknownModel`], [`Error::NotARecord`].
pub fn add_statement(
    host: &mut impl RegistryHost,
    node: Node,
    kind: StatementKind,
    text: String,
    evidence: Option<Hash>,
) -> Result<(), Error> {
    check_text(&text)?;
    match &node {
        Node::Dataset(id) => drop(dataset(host, id)?),
        Node::Model(id) => drop(model(host, id)?),
        Node::Job { .. } => return Err(Error::NotARecord),
    }
    let author = host.caller();
    let statement = Statement { author, kind, text, evidence, at: host.now(), block: host.block_number() };
    let number = STATEMENTS.push(host, &node, &statement);
    STATED.push(host, &author, &(node, number));
    host.emit(Event::Stated { node, author, number, kind });
    Ok(())
}
