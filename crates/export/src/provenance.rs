//! A part of the provenance graph with the records of its nodes.

use crate::{Dataset, ExportError, Job, Model, Node, records::BlockInfo};
use assay_protocol::{Address, Hash};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Which chain and contracts records come from, as of which block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChainInfo {
    /// What the chain calls itself.
    pub network: String,
    /// Hash of its first block.
    #[schema(value_type = String)]
    pub genesis: Hash,
    /// The registry.
    #[schema(value_type = String)]
    pub registry: Address,
    /// The market.
    #[schema(value_type = String)]
    pub market: Address,
    /// The titles of models.
    #[schema(value_type = String)]
    pub titles: Address,
    /// The token's symbol.
    pub symbol: String,
    /// The finalised block as of which the records are.
    pub block: BlockInfo,
}

/// A record of any kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
#[expect(clippy::large_enum_variant, reason = "most nodes of a large lineage are of the larger kinds")]
pub enum Record {
    /// Of a job. First, since JSON is read as the first that fits.
    Job(Job),
    /// Of a model.
    Model(Model),
    /// Of a dataset.
    Dataset(Dataset),
}

/// A node with its record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Entry {
    /// The node.
    pub node: Node,
    /// Its record; `null` if this registry and market have none, such as for a
    /// job of a former market.
    pub record: Option<Record>,
}

/// An edge, from what was made to what it was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct Edge {
    /// What was made.
    pub made: Node,
    /// What it was made from.
    pub source: Node,
}

/// A part of the provenance graph, around one node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Provenance {
    /// Where this was read.
    pub chain: ChainInfo,
    /// The node that the graph starts from.
    pub root: Node,
    /// The nodes, the root first, then by distance from it.
    pub nodes: Vec<Entry>,
    /// The edges between them.
    pub edges: Vec<Edge>,
    /// Nodes whose further edges were not followed, because a limit was reached.
    pub cut: Vec<Node>,
}

impl Provenance {
    /// The record of a node.
    pub fn record(&self, node: &Node) -> Option<&Record> {
        self.nodes.iter().find(|entry| entry.node == *node).and_then(|entry| entry.record.as_ref())
    }

    /// The model at the root.
    ///
    /// # Errors
    /// If it is another kind of node, or has no record.
    pub fn model(&self, form: &'static str) -> Result<&Model, ExportError> {
        match self.record(&self.root) {
            Some(Record::Model(model)) => Ok(model),
            _ => Err(self.not_this(form, "model")),
        }
    }

    /// The dataset at the root.
    ///
    /// # Errors
    /// If it is another kind of node, or has no record.
    pub fn dataset(&self, form: &'static str) -> Result<&Dataset, ExportError> {
        match self.record(&self.root) {
            Some(Record::Dataset(dataset)) => Ok(dataset),
            _ => Err(self.not_this(form, "dataset")),
        }
    }

    fn not_this(&self, form: &'static str, wanted: &'static str) -> ExportError {
        match self.root.kind() == wanted {
            true => ExportError::NoRecord(self.root),
            false => ExportError::WrongKind { form, wanted, node: self.root },
        }
    }

    /// What a node was made from.
    pub fn sources<'a>(&'a self, node: &'a Node) -> impl Iterator<Item = &'a Node> + 'a {
        self.edges.iter().filter(move |edge| edge.made == *node).map(|edge| &edge.source)
    }

    /// The job of this market that trained a model, if its record is here.
    pub fn job_of(&self, model: &Model) -> Option<&Job> {
        match self.record(&Node::Job { market: model.market, job: model.job }) {
            Some(Record::Job(job)) => Some(job),
            _ => None,
        }
    }
}
