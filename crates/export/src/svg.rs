//! The lineage as an SVG drawing: what was made above what it was made from. No
//! script, no link, nothing fetched; light and dark by the viewer's choice.

use crate::{
    Node, Provenance, Record, layout,
    text::{shortened, visible, xml},
};
use std::{collections::BTreeMap, fmt::Write};

/// A node's box, in pixels.
const BOX: (f64, f64) = (220.0, 54.0);
/// Space between boxes, beside and below.
const GAP: (f64, f64) = (24.0, 56.0);
/// Space around the drawing.
const MARGIN: f64 = 20.0;
/// Characters that fit into a box.
const FITS: usize = 30;

const STYLE: &str = "\
text{font:13px system-ui,sans-serif;fill:#1b1b1f}.small{font-size:11px;fill:#555560}\
rect{stroke:#555560;fill:#fff}.dataset rect{fill:#e3f1fb}.model rect{fill:#e9f6e6}.job rect{fill:#f6eede}\
.root rect{stroke-width:3}.cut rect{stroke-dasharray:5 3}path{fill:none;stroke:#888893}.bg{fill:#fff;stroke:none}\
@media(prefers-color-scheme:dark){text{fill:#ececf1}.small{fill:#b0b0bb}rect{stroke:#a0a0ab}\
.dataset rect{fill:#173447}.model rect{fill:#1e3a1a}.job rect{fill:#3e3119}path{stroke:#787883}.bg{fill:#17171b}}";

/// Draws a lineage.
pub fn drawing(provenance: &Provenance) -> String {
    let layers = layout::layers(provenance);
    let widest = layers.iter().map(Vec::len).max().unwrap_or(0) as f64;
    let inner = (widest * (BOX.0 + GAP.0) - GAP.0).max(0.0);
    let width = inner + 2.0 * MARGIN;
    let height = (layers.len() as f64 * (BOX.1 + GAP.1) - GAP.1).max(0.0) + 2.0 * MARGIN;
    let mut places = BTreeMap::new();
    for (row, layer) in layers.iter().enumerate() {
        let left = MARGIN + (inner - (layer.len() as f64 * (BOX.0 + GAP.0) - GAP.0)) / 2.0;
        for (column, node) in layer.iter().enumerate() {
            let (x, y) = (left + column as f64 * (BOX.0 + GAP.0), MARGIN + row as f64 * (BOX.1 + GAP.1));
            places.insert(*node, (x, y));
        }
    }
    let title = format!("Lineage of {}", provenance.root);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" role=\"img\" aria-label=\"{title}\">\n<title>{title}</title>\n<style>{STYLE}</style>\n\
         <rect class=\"bg\" width=\"{width}\" height=\"{height}\"/>\n"
    );
    for edge in &provenance.edges {
        if let (Some((x1, y1)), Some((x2, y2))) = (places.get(&edge.made), places.get(&edge.source)) {
            let (x1, y1, x2) = (x1 + BOX.0 / 2.0, y1 + BOX.1, x2 + BOX.0 / 2.0);
            let middle = (y1 + y2) / 2.0;
            let _ = writeln!(svg, "<path d=\"M{x1} {y1}C{x1} {middle} {x2} {middle} {x2} {y2}\"/>");
        }
    }
    for entry in &provenance.nodes {
        if let Some((x, y)) = places.get(&entry.node) {
            let _ = writeln!(svg, "{}", node_box(provenance, &entry.node, entry.record.as_ref(), *x, *y));
        }
    }
    svg + "</svg>\n"
}

fn node_box(provenance: &Provenance, node: &Node, record: Option<&Record>, x: f64, y: f64) -> String {
    let (heading, below) = match record {
        Some(Record::Dataset(dataset)) if dataset.name.is_empty() => ("withdrawn".to_owned(), dataset.licence.clone()),
        Some(Record::Dataset(dataset)) => (dataset.name.clone(), dataset.licence.clone()),
        Some(Record::Model(model)) => (model.name.clone(), model.licence.clone()),
        Some(Record::Job(job)) => (format!("job {}", job.id), job.state.clone()),
        None => ("no record here".to_owned(), String::new()),
    };
    let id = match node {
        Node::Dataset { id } | Node::Model { id } => format!("{} {}…", node.kind(), &id.to_string()[..10]),
        Node::Job { market, .. } => format!("market {}…", &market.to_string()[..10]),
    };
    let mut class = node.kind().to_owned();
    if *node == provenance.root {
        class += " root";
    }
    if provenance.cut.contains(node) {
        class += " cut";
    }
    let below = match below.is_empty() {
        true => id,
        false => format!("{id} · {below}"),
    };
    let fit = |text: &str, most| xml(&shortened(&visible(text), most));
    let (width, height) = BOX;
    let mut text =
        format!("<g class=\"{class}\" transform=\"translate({x} {y})\"><title>{node} {}</title>", xml(&heading));
    let _ = write!(
        text,
        "<rect width=\"{width}\" height=\"{height}\" rx=\"7\"/><text x=\"10\" y=\"22\">{}</text>\
         <text class=\"small\" x=\"10\" y=\"41\">{}</text></g>",
        fit(&heading, FITS),
        fit(&below, FITS + 6)
    );
    text
}
