//! Where the nodes of a lineage are drawn: in layers, so that what was made is
//! above what it was made from, with few crossings.

use crate::{Node, Provenance};
use std::collections::BTreeMap;

/// Sweeps over the layers that put each node near its neighbours.
const SWEEPS: usize = 8;

/// The layers, from the top, each from left to right.
pub(crate) fn layers(provenance: &Provenance) -> Vec<Vec<Node>> {
    let places: BTreeMap<Node, usize> =
        (0..).zip(&provenance.nodes).map(|(place, entry)| (entry.node, place)).collect();
    let count = provenance.nodes.len();
    let (mut sources, mut made) = (vec![vec![]; count], vec![vec![]; count]);
    for edge in &provenance.edges {
        if let (Some(from), Some(to)) = (places.get(&edge.made), places.get(&edge.source)) {
            sources[*from].push(*to);
            made[*to].push(*from);
        }
    }
    let depth = depths(&sources, &made);
    let mut layers = vec![vec![]; depth.iter().max().map_or(0, |deepest| deepest + 1)];
    (0..count).for_each(|node| layers[depth[node]].push(node));
    for sweep in 0..SWEEPS {
        let (neighbours, order): (_, Box<dyn Iterator<Item = usize>>) = match sweep % 2 {
            0 => (&made, Box::new(0..layers.len())),
            _ => (&sources, Box::new((0..layers.len()).rev())),
        };
        for layer in order {
            let position = positions(&layers, count);
            let centre = |node: &usize| match neighbours[*node].len() {
                0 => position[*node],
                number => neighbours[*node].iter().map(|other| position[*other]).sum::<f64>() / number as f64,
            };
            layers[layer].sort_by(|one, other| centre(one).total_cmp(&centre(other)));
        }
    }
    layers.into_iter().map(|layer| layer.into_iter().map(|node| provenance.nodes[node].node).collect()).collect()
}

/// Where in its layer each node is, from 0 to 1.
fn positions(layers: &[Vec<usize>], count: usize) -> Vec<f64> {
    let mut position = vec![0.0; count];
    for layer in layers {
        for (place, node) in layer.iter().enumerate() {
            position[*node] = (place as f64 + 0.5) / layer.len() as f64;
        }
    }
    position
}

/// The longest way from a node that nothing was made from. Nodes of a ring, which
/// a chain does not have, come after all others.
fn depths(sources: &[Vec<usize>], made: &[Vec<usize>]) -> Vec<usize> {
    let (mut depth, mut waiting) = (vec![0; sources.len()], made.iter().map(Vec::len).collect::<Vec<_>>());
    let mut ready: Vec<usize> = (0..sources.len()).filter(|node| waiting[*node] == 0).collect();
    let mut done = vec![false; sources.len()];
    while let Some(node) = ready.pop() {
        done[node] = true;
        for source in &sources[node] {
            depth[*source] = depth[*source].max(depth[node] + 1);
            waiting[*source] -= 1;
            if waiting[*source] == 0 {
                ready.push(*source);
            }
        }
    }
    let last = depth.iter().zip(&done).filter(|(_, done)| **done).map(|(depth, _)| depth + 1).max().unwrap_or(0);
    for (depth, _) in depth.iter_mut().zip(done).filter(|(_, done)| !done) {
        *depth = last;
    }
    depth
}
