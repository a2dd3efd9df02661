//! Following the lineage of a node, in the chain or in the index.

use crate::error::IndexError;
use assay_export::{ChainInfo, Edge, Entry, Node, Provenance};
use std::{
    collections::{BTreeSet, VecDeque},
    future::Future,
};

/// Where records and edges are read.
pub trait Source {
    /// A node with its record, if there is one.
    fn entry(&self, node: Node) -> impl Future<Output = Result<Entry, IndexError>> + Send;

    /// What a node was made from, or what was made from it if `into`: at most
    /// `most`, and whether there are more.
    fn neighbours(
        &self,
        node: Node,
        into: bool,
        most: usize,
    ) -> impl Future<Output = Result<(Vec<Node>, bool), IndexError>> + Send;
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
    let first = source.entry(root).await?;
    if first.record.is_none() {
        return Ok(None);
    }
    let (mut nodes, mut known) = (vec![first], BTreeSet::from([root]));
    let (mut edges, mut cut) = (BTreeSet::new(), BTreeSet::new());
    let mut queue = VecDeque::from([(root, 0)]);
    while let Some((node, depth)) = queue.pop_front() {
        let most = if depth < limits.depth { limits.nodes } else { 0 };
        let (neighbours, mut more) = source.neighbours(node, limits.into, most).await?;
        for neighbour in neighbours {
            if !known.contains(&neighbour) {
                if known.len() >= limits.nodes {
                    more = true;
                    continue;
                }
                known.insert(neighbour);
                nodes.push(source.entry(neighbour).await?);
                queue.push_back((neighbour, depth + 1));
            }
            let (made, source) = if limits.into { (neighbour, node) } else { (node, neighbour) };
            edges.insert(Edge { made, source });
        }
        if more {
            cut.insert(node);
        }
    }
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
        async fn entry(&self, node: Node) -> Result<Entry, IndexError> {
            let record =
                self.0.contains_key(&byte(node)).then(|| Record::Dataset(crate::fixtures::dataset(byte(node))));
            Ok(Entry { node, record })
        }

        async fn neighbours(&self, from: Node, into: bool, most: usize) -> Result<(Vec<Node>, bool), IndexError> {
            let all: Vec<u8> = match into {
                false => self.0.get(&byte(from)).cloned().unwrap_or_default(),
                true => {
                    let made = self.0.iter().filter(|(_, sources)| sources.contains(&byte(from)));
                    made.map(|(one, _)| *one).collect()
                }
            };
            let more = all.len() > most;
            Ok((all.into_iter().take(most).map(node).collect(), more))
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
