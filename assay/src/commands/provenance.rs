//! `provenance`: what a node was made from, or what was made from it.

use crate::cli::{Answer, Global, shown};
use crate::graph::{Facts, Graph};
use crate::names::NodeName;
use crate::show;
use anyhow::bail;
use assay_protocol::registry::{MAX_PAGE, Node};
use assay_shell::options::Deployed;
use assay_shell::output::UsageError;
use clap::Args;
use std::collections::VecDeque;

/// What a model or dataset was made from, as a tree.
#[derive(Args, Debug)]
pub struct Provenance {
    /// A model's or dataset's id, or job:N
    node: NodeName,
    /// What was made from it instead
    #[arg(long)]
    into: bool,
    /// As a Graphviz file
    #[arg(long)]
    dot: bool,
    /// Follow so many edges from the node at most
    #[arg(long, value_name = "N", default_value_t = 32)]
    depth: u32,
    /// Show so many nodes at most
    #[arg(long, value_name = "N", default_value_t = 1000)]
    limit: usize,
}

async fn neighbours(deployed: &Deployed, node: &Node, into: bool, limit: usize) -> anyhow::Result<(Vec<Node>, bool)> {
    let mut nodes: Vec<Node> = vec![];
    loop {
        let offset = nodes.len() as u32;
        let page = match into {
            true => deployed.registry.made_into(node, offset, MAX_PAGE).await?,
            false => deployed.registry.made_from(node, offset, MAX_PAGE).await?,
        };
        let end = page.items.is_empty() || nodes.len() + page.items.len() >= page.total as usize;
        nodes.extend(page.items);
        if end {
            return Ok((nodes, false));
        }
        if nodes.len() >= limit {
            return Ok((nodes, true));
        }
    }
}

async fn facts(deployed: &Deployed, node: &Node) -> anyhow::Result<Facts> {
    Ok(match node {
        Node::Dataset(id) => match deployed.registry.dataset(*id).await? {
            None => Facts::default(),
            Some(record) => Facts {
                name: Some(record.name).filter(|name| !name.is_empty()),
                licence: Some(record.terms.licence),
                note: Some(match record.withdrawn_at {
                    None => format!("{}, of {}", show::bytes(record.bytes), record.owner),
                    Some(_) => format!("withdrawn by {}: only its hash is left", record.owner),
                }),
            },
        },
        Node::Model(id) => match deployed.registry.model(*id).await? {
            None => Facts::default(),
            Some(record) => {
                // Who had it first, if its title is still with a predecessor.
                let owner = deployed.registry.owner_of(*id).await?.unwrap_or(record.first_owner);
                Facts {
                    name: Some(record.name),
                    licence: Some(record.licence),
                    note: Some(format!(
                        "{} of {} segments drawn, {} replayed and confirmed; of {owner}",
                        record.segments_drawn, record.segments, record.segments_checked
                    )),
                }
            }
        },
        Node::Job { market, job } if *market == deployed.market.address() => {
            let note = deployed.market.job(*job).await?.map(|view| {
                let payment = shown(deployed.chain.unit(), view.terms.payment);
                let operator =
                    view.job.operator.map_or_else(String::new, |operator| format!(", claimed by {operator}"));
                format!("{:?}, pays {payment}{operator}", view.job.state)
            });
            Facts { note, ..Facts::default() }
        }
        Node::Job { market, .. } => Facts { note: Some(format!("of market {market}")), ..Facts::default() },
    })
}

impl Provenance {
    /// Does it.
    pub async fn run(self, global: &Global) -> anyhow::Result<Answer> {
        if self.dot && global.json {
            bail!(UsageError("--dot and --json exclude each other".into()));
        }
        let deployed = global.connect().await?;
        let root = self.node.find(&deployed).await?;
        let graph = self.follow(&deployed, root).await?;
        if graph.is_cut() {
            eprintln!("note: not all is shown; --depth and --limit raise the limits");
        }
        let text = match self.dot {
            true => graph.dot(self.into),
            false => graph.tree(&root),
        };
        Answer::new(graph.json(&root, self.into), text)
    }

    /// Breadth first, each node once, so that rings end and near nodes come first.
    async fn follow(&self, deployed: &Deployed, root: Node) -> anyhow::Result<Graph> {
        let mut graph = Graph::default();
        graph.add(root, facts(deployed, &root).await?);
        let mut queue = VecDeque::from([(root, 0)]);
        while let Some((node, depth)) = queue.pop_front() {
            let (mut next, mut cut) = neighbours(deployed, &node, self.into, self.limit).await?;
            if depth >= self.depth && !next.is_empty() {
                graph.cut(node);
                continue;
            }
            let mut kept = vec![];
            for neighbour in next.drain(..) {
                if !graph.has(&neighbour) {
                    if graph.len() >= self.limit {
                        cut = true;
                        continue;
                    }
                    graph.add(neighbour, facts(deployed, &neighbour).await?);
                    queue.push_back((neighbour, depth + 1));
                }
                kept.push(neighbour);
            }
            graph.connect(node, kept);
            if cut {
                graph.cut(node);
            }
        }
        Ok(graph)
    }
}
