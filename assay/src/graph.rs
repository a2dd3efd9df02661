//! The provenance graph below one node, and its pictures: a tree for the
//! terminal, Graphviz, JSON. No I/O; names come from strangers.

use crate::show::plain;
use assay_protocol::registry::Node;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What is known of a node.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Facts {
    /// Name, if it has one.
    pub name: Option<String>,
    /// Licence, if it has one.
    pub licence: Option<String>,
    /// More, in words.
    pub note: Option<String>,
}

/// A part of the provenance graph, from one node on in one direction.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    facts: BTreeMap<Node, Facts>,
    edges: BTreeMap<Node, Vec<Node>>,
    /// Nodes whose edges were not followed, because the limit was reached.
    cut: BTreeSet<Node>,
}

impl Graph {
    /// Whether the node is in the graph.
    pub fn has(&self, node: &Node) -> bool {
        self.facts.contains_key(node)
    }

    /// Nodes in the graph.
    pub fn len(&self) -> usize {
        self.facts.len()
    }

    /// Adds a node.
    pub fn add(&mut self, node: Node, facts: Facts) {
        self.facts.insert(node, facts);
    }

    /// Adds the edges of a node, all at once.
    pub fn connect(&mut self, node: Node, to: Vec<Node>) {
        self.edges.insert(node, to);
    }

    /// Notes that a node has edges that were not followed.
    pub fn cut(&mut self, node: Node) {
        self.cut.insert(node);
    }

    /// Whether anything was not followed.
    pub fn is_cut(&self) -> bool {
        !self.cut.is_empty()
    }

    fn label(&self, node: &Node) -> String {
        let facts = self.facts.get(node).cloned().unwrap_or_default();
        let mut label = match node {
            Node::Dataset(_) => "dataset".to_owned(),
            Node::Model(_) => "model".to_owned(),
            Node::Job { job, .. } => format!("job {job}"),
        };
        if let Some(name) = &facts.name {
            label += &format!(" {:?}", Quoted(name));
        }
        if let Some(licence) = &facts.licence {
            label += &format!(" ({})", plain(licence));
        }
        if let Some(note) = &facts.note {
            label += &format!(", {}", plain(note));
        }
        label
    }

    fn id(node: &Node) -> Option<String> {
        match node {
            Node::Dataset(id) | Node::Model(id) => Some(id.to_string()),
            Node::Job { .. } => None,
        }
    }

    /// The tree from `root`. A node that comes again is named, and its own
    /// branches are shown where it came first.
    pub fn tree(&self, root: &Node) -> String {
        let mut text = String::new();
        // Depth first without recursion: a long chain of records is no reason to crash.
        let mut shown = BTreeSet::new();
        let mut stack = vec![(*root, String::new(), String::new())];
        while let Some((node, lead, indent)) = stack.pop() {
            let branches = self.edges.get(&node).map_or(&[][..], Vec::as_slice);
            text += &format!("{lead}{}", self.label(&node));
            let again = !shown.insert(node);
            if again && !branches.is_empty() {
                text += " (shown above)";
            }
            if self.cut.contains(&node) && !again {
                text += " …";
            }
            text.push('\n');
            if again {
                continue;
            }
            let has_branches = if branches.is_empty() { "  " } else { "│ " };
            if let Some(id) = Self::id(&node) {
                text += &format!("{indent}{has_branches}{id}\n");
            }
            for (place, branch) in branches.iter().enumerate().rev() {
                let last = place + 1 == branches.len();
                let (lead, rest) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
                stack.push((*branch, format!("{indent}{lead}"), format!("{indent}{rest}")));
            }
        }
        text
    }

    /// Graphviz. Edges point from what was made to what it was made from;
    /// `reversed` says that the graph was followed the other way.
    pub fn dot(&self, reversed: bool) -> String {
        let quote = |text: &str| format!("\"{}\"", plain(text).replace('\\', "\\\\").replace('"', "\\\""));
        let mut text = String::from("digraph provenance {\n  rankdir=BT;\n  node [shape=box];\n");
        for node in self.facts.keys() {
            let shape = match node {
                Node::Dataset(_) => "cylinder",
                Node::Model(_) => "box",
                Node::Job { .. } => "ellipse",
            };
            text += &format!("  {} [shape={shape}, label={}];\n", quote(&node.to_string()), quote(&self.label(node)));
        }
        for (from, edges) in &self.edges {
            for to in edges {
                let (made, source) = if reversed { (to, from) } else { (from, to) };
                text += &format!("  {} -> {};\n", quote(&made.to_string()), quote(&source.to_string()));
            }
        }
        text + "}\n"
    }

    /// Nodes and edges; an edge is from what was made to what it was made from.
    pub fn json(&self, root: &Node, reversed: bool) -> Value {
        let nodes: Vec<Value> = self
            .facts
            .iter()
            .map(|(node, facts)| json!({ "node": node, "facts": facts, "cut": self.cut.contains(node) }))
            .collect();
        let edges: Vec<Value> = self
            .edges
            .iter()
            .flat_map(|(from, edges)| edges.iter().map(move |to| (from, to)))
            .map(|(from, to)| if reversed { (to, from) } else { (from, to) })
            .map(|(made, source)| json!({ "made": made, "from": source }))
            .collect();
        json!({ "root": root, "nodes": nodes, "edges": edges })
    }
}

/// A name in quotes, with the quotes in it and everything invisible escaped.
struct Quoted<'a>(&'a str);

impl std::fmt::Debug for Quoted<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "\"{}\"", plain(self.0).replace('"', "\\\""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_protocol::{Address, Hash};

    fn dataset(byte: u8) -> Node {
        Node::Dataset(Hash([byte; 32]))
    }

    fn named(name: &str) -> Facts {
        Facts { name: Some(name.into()), licence: Some("MIT".into()), note: None }
    }

    /// A model from two datasets and a job, one dataset from the other.
    fn graph() -> (Graph, Node) {
        let (model, job) = (Node::Model(Hash([9; 32])), Node::Job { market: Address([1; 20]), job: 4 });
        let mut graph = Graph::default();
        graph.add(model, named("m"));
        graph.add(dataset(1), named("one"));
        graph.add(dataset(2), named("two"));
        graph.add(job, Facts::default());
        graph.connect(model, vec![dataset(1), dataset(2), job]);
        graph.connect(dataset(1), vec![dataset(2)]);
        graph.connect(dataset(2), vec![]);
        (graph, model)
    }

    #[test]
    fn a_tree_shows_each_node_with_its_id() {
        let (graph, model) = graph();
        let id = |byte: &str| format!("0x{}", byte.repeat(32));
        let expected = format!(
            "model \"m\" (MIT)\n│ {}\n├─ dataset \"one\" (MIT)\n│  │ {}\n│  └─ dataset \"two\" (MIT)\n│       {}\n\
             ├─ dataset \"two\" (MIT)\n└─ job 4\n",
            id("09"),
            id("01"),
            id("02")
        );
        assert_eq!(graph.tree(&model), expected);
    }

    #[test]
    fn a_ring_ends() {
        let mut graph = Graph::default();
        graph.add(dataset(1), named("one"));
        graph.add(dataset(2), named("two"));
        graph.connect(dataset(1), vec![dataset(2)]);
        graph.connect(dataset(2), vec![dataset(1)]);
        let tree = graph.tree(&dataset(1));
        assert_eq!(tree.matches("(shown above)").count(), 1, "{tree}");
    }

    #[test]
    fn a_long_chain_does_not_overflow() {
        let mut graph = Graph::default();
        let node = |number: u32| {
            let mut id = [0; 32];
            id[..4].copy_from_slice(&number.to_le_bytes());
            Node::Dataset(Hash(id))
        };
        for number in 0..3_000 {
            graph.add(node(number), named("link"));
            graph.connect(node(number), vec![node(number + 1)]);
        }
        assert_eq!(graph.tree(&node(0)).matches("link").count(), 3_000);
    }

    #[test]
    fn hostile_names_stay_in_their_quotes() {
        let mut graph = Graph::default();
        let name = "x\"];\n evil [label=\"\u{1b}[31m\u{202e}\\";
        graph.add(dataset(1), named(name));
        let tree = graph.tree(&dataset(1));
        assert_eq!(tree.lines().count(), 2, "{tree}");
        assert!(!tree.contains(['\u{1b}', '\u{202e}']));
        let dot = graph.dot(false);
        assert_eq!(dot.lines().count(), 5, "{dot}");
        let line = dot.lines().nth(3).unwrap();
        // Without what is escaped there are the four quotes of two strings.
        let bare = line.replace("\\\\", "").replace("\\\"", "");
        assert_eq!(bare.matches('"').count(), 4, "{line}");
        assert!(bare.ends_with("];"), "{line}");
    }

    #[test]
    fn edges_point_to_what_it_was_made_from_in_both_directions() {
        let (made, source) = (Node::Model(Hash([9; 32])), dataset(1));
        let mut from = Graph::default();
        let mut into = Graph::default();
        for graph in [&mut from, &mut into] {
            graph.add(made, named("m"));
            graph.add(source, named("d"));
        }
        from.connect(made, vec![source]);
        into.connect(source, vec![made]);
        assert_eq!(from.dot(false), into.dot(true));
        assert_eq!(from.json(&made, false)["edges"], into.json(&made, true)["edges"]);
    }

    #[test]
    fn what_was_not_followed_is_marked() {
        let (mut graph, model) = graph();
        graph.cut(dataset(2));
        assert!(graph.is_cut() && graph.tree(&model).contains("\"two\" (MIT) …"));
    }
}
