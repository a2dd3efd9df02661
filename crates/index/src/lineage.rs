//! Following the lineage of a node, in the chain or in the index.

use crate::error::IndexError;
use assay_export::{ChainInfo, Edge, Entry, Node, Provenance};
use std::{collections::BTreeSet, future::Future};

/// Nodes whose neighbours are read together: each may have as many as a lineage has nodes.
const TOGETHER: usize = 64;

/// Where records and edges are read.
pub trait Source {
    /// Nodes with their records, as far as there are any, in the same order.
    fn entries(&self, nodes: &[Node]) -> impl Future<Output = Result<Vec<Entry>, IndexError>> + Send;

    /// What each node was made from, or what was made from it if `into`: at most
    /// `most` of each, and whether there are more.
    fn neighbours(
        &self,
        nodes: &[Node],
        into: bool,
        most: usize,
    ) -> impl Future<Output = Result<Vec<(Vec<Node>, bool)>, IndexError>> + Send;
}

/// How far to follow.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// What was made from the node, instead of what it was made from.
    pub into: bool,
    /// Edges from the node.
    pub depth: u32,
    /// Nodes altogether.
    pub nodes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { into: false, depth: 32, nodes: 1_000 }
    }
}

/// The lineage of `root`: breadth first, each node once, so that rings end and
/// near nodes come first. Nothing if the root has no record.
///
/// # Errors
/// If a record cannot be read.
pub async fn follow(
    source: &impl Source,
    chain: ChainInfo,
    root: Node,
    limits: Limits,
) -> Result<Option<Provenance>, IndexError> {
    let mut nodes = source.entries(&[root]).await?;
    if nodes.iter().all(|entry| entry.record.is_none()) {
        return Ok(None);
    }
    let (mut known, mut found) = (BTreeSet::from([root]), vec![]);
    let (mut edges, mut cut) = (BTreeSet::new(), BTreeSet::new());
    let (mut ring, mut depth) = (vec![root], 0);
    while !ring.is_empty() {
        let most = if depth < limits.depth { limits.nodes } else { 0 };
        let mut next = vec![];
        for part in ring.chunks(TOGETHER) {
            let lists = source.neighbours(part, limits.into, most).await?;
            for (node, (neighbours, mut more)) in part.iter().zip(lists) {
                for neighbour in neighbours {
                    if !known.contains(&neighbour) {
                        if known.len() >= limits.nodes {
                            more = true;
                            continue;
                        }
                        known.insert(neighbour);
                        next.push(neighbour);
                    }
                    let (made, source) = if limits.into { (neighbour, *node) } else { (*node, neighbour) };
                    edges.insert(Edge { made, source });
                }
                if more {
                    cut.insert(*node);
                }
            }
        }
        found.extend_from_slice(&next);
        (ring, depth) = (next, depth + 1);
    }
    nodes.extend(source.entries(&found).await?);
    let (edges, cut) = (edges.into_iter().collect(), cut.into_iter().collect());
    Ok(Some(Provenance { chain, root, nodes, edges, cut }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_export::{BlockInfo, Record};
    use assay_protocol::{Address, Hash};
    use std::collections::BTreeMap;

    struct Map(BTreeMap<u8, Vec<u8>>);

    fn node(byte: u8) -> Node {
        Node::Dataset { id: Hash([byte; 32]) }
    }

    fn byte(node: Node) -> u8 {
        match node {
            Node::Dataset { id } => id.0[0],
            _ => unreachable!("only datasets are in the map"),
        }
    }

    impl Source for Map {
        async fn entries(&self, nodes: &[Node]) -> Result<Vec<Entry>, IndexError> {
            let entry = |node: &Node| {
                let record = self.0.contains_key(&byte(*node));
                Entry { node: *node, record: record.then(|| Record::Dataset(crate::fixtures::dataset(byte(*node)))) }
            };
            Ok(nodes.iter().map(entry).collect())
        }

        async fn neighbours(
            &self,
            nodes: &[Node],
            into: bool,
            most: usize,
        ) -> Result<Vec<(Vec<Node>, bool)>, IndexError> {
            let of = |from: &Node| {
                let all: Vec<u8> = match into {
                    false => self.0.get(&byte(*from)).cloned().unwrap_or_default(),
                    true => {
                        let made = self.0.iter().filter(|(_, sources)| sources.contains(&byte(*from)));
                        made.map(|(one, _)| *one).collect()
                    }
                };
                let more = all.len() > most;
                (all.into_iter().take(most).map(node).collect(), more)
            };
            Ok(nodes.iter().map(of).collect())
        }
    }

    fn chain() -> ChainInfo {
        let (hash, address) = (Hash::default(), Address::default());
        let block = BlockInfo { number: 1, hash, time: 0 };
        let symbol = "UNIT".into();
        ChainInfo {
            network: "test".into(),
            genesis: hash,
            registry: address,
            market: address,
            titles: address,
            symbol,
            block,
        }
    }

    async fn lineage(map: &[(u8, &[u8])], limits: Limits) -> Option<(Vec<u8>, usize, Vec<u8>)> {
        let map = Map(map.iter().map(|(made, sources)| (*made, sources.to_vec())).collect());
        let found = follow(&map, chain(), node(1), limits).await.unwrap()?;
        let nodes = found.nodes.iter().map(|entry| byte(entry.node)).collect();
        Some((nodes, found.edges.len(), found.cut.iter().map(|node| byte(*node)).collect()))
    }

    #[tokio::test]
    async fn near_nodes_come_first_and_rings_end() {
        let ring: &[(u8, &[u8])] = &[(1, &[2, 3]), (2, &[4]), (3, &[4]), (4, &[1])];
        assert_eq!(lineage(ring, Limits::default()).await, Some((vec![1, 2, 3, 4], 5, vec![])));
        let into = Limits { into: true, ..Limits::default() };
        assert_eq!(lineage(ring, into).await, Some((vec![1, 4, 2, 3], 5, vec![])));
        assert_eq!(lineage(&[(2, &[])], Limits::default()).await, None, "no such record");
    }

    #[tokio::test]
    async fn limits_cut_and_say_where() {
        let chain: &[(u8, &[u8])] = &[(1, &[2, 3]), (2, &[4]), (3, &[]), (4, &[])];
        let depth = Limits { depth: 1, ..Limits::default() };
        assert_eq!(lineage(chain, depth).await, Some((vec![1, 2, 3], 2, vec![2])));
        let nodes = Limits { nodes: 2, ..Limits::default() };
        assert_eq!(lineage(chain, nodes).await, Some((vec![1, 2], 1, vec![1, 2])));
    }
}
