//! The provenance graph as the database holds it, many nodes to a query.

use super::{Snapshot, read::Value};
use crate::{error::IndexError, lineage::Source};
use assay_export::{Dataset, Entry, Job, Model, Node, Record};
use assay_protocol::Address;
use serde::de::DeserializeOwned;
use sqlx::Row;
use std::collections::BTreeMap;

/// Records that one query asks for.
const TOGETHER: usize = 500;

/// A snapshot with the market whose jobs it has.
#[derive(Debug)]
pub struct Records<'a> {
    /// The snapshot.
    pub snapshot: &'a Snapshot,
    /// The market.
    pub market: Address,
}

/// `$1, $2, …`
fn places(count: usize) -> String {
    (1..=count).map(|place| format!("${place}")).collect::<Vec<_>>().join(", ")
}

impl Records<'_> {
    /// Adds the records of a table that have these ids.
    async fn read<T: DeserializeOwned>(
        &self,
        found: &mut BTreeMap<Node, Record>,
        table: &str,
        mut ids: Vec<Value>,
        of: impl Fn(T) -> (Node, Record),
    ) -> Result<(), IndexError> {
        while !ids.is_empty() {
            let part = ids.split_off(ids.len().saturating_sub(TOGETHER));
            let sql = format!("SELECT record FROM {table} WHERE id IN ({})", places(part.len()));
            for row in self.snapshot.rows(&sql, part).await? {
                let text: &str = row.try_get(0)?;
                found.extend([of(serde_json::from_str(text)?)]);
            }
        }
        Ok(())
    }
}

impl Source for Records<'_> {
    async fn entries(&self, nodes: &[Node]) -> Result<Vec<Entry>, IndexError> {
        let (mut datasets, mut models, mut jobs) = (vec![], vec![], vec![]);
        for node in nodes {
            match *node {
                Node::Dataset { id } => datasets.push(Value::from(id.to_string())),
                Node::Model { id } => models.push(Value::from(id.to_string())),
                Node::Job { market, job } if market == self.market => jobs.push(Value::from(job)),
                Node::Job { .. } => {}
            }
        }
        let mut found = BTreeMap::new();
        self.read(&mut found, "datasets", datasets, |one: Dataset| {
            (Node::Dataset { id: one.id }, Record::Dataset(one))
        })
        .await?;
        self.read(&mut found, "models", models, |one: Model| (Node::Model { id: one.id }, Record::Model(one))).await?;
        let job = |one: Job| (Node::Job { market: one.market, job: one.id }, Record::Job(one));
        self.read(&mut found, "jobs", jobs, job).await?;
        Ok(nodes.iter().map(|node| Entry { node: *node, record: found.remove(node) }).collect())
    }

    async fn neighbours(&self, nodes: &[Node], into: bool, most: usize) -> Result<Vec<(Vec<Node>, bool)>, IndexError> {
        let (from, to, place) = match into {
            true => ("source", "made", "source_place"),
            false => ("made", "source", "made_place"),
        };
        // Places count from 0, so that the last of these says whether there are more.
        let sql = format!(
            "SELECT {from}, {to} FROM edges WHERE {from} IN ({}) AND {place} <= ${} ORDER BY {from}, {place}",
            places(nodes.len()),
            nodes.len() + 1
        );
        let values = nodes.iter().map(|node| Value::from(node.to_string())).chain([Value::from(most as u64)]);
        let mut lists: BTreeMap<String, Vec<Node>> = BTreeMap::new();
        for row in self.snapshot.rows(&sql, values.collect()).await? {
            let (from, to): (String, &str) = (row.try_get(0)?, row.try_get(1)?);
            lists.entry(from).or_default().push(to.parse().map_err(IndexError::Broken)?);
        }
        let list = |node: &Node| {
            let mut list = lists.remove(&node.to_string()).unwrap_or_default();
            let more = list.len() > most;
            list.truncate(most);
            (list, more)
        };
        Ok(nodes.iter().map(list).collect())
    }
}
