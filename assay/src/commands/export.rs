//! `export`: a record's provenance in a form that other tools read.

use crate::cli::{Answer, Global};
use crate::names::NodeName;
use anyhow::Context;
use assay_export::{File, Form, Node, Provenance, Record};
use assay_index::{Contracts, Limits, lineage};
use assay_job::{FileEntry, Manifest};
use assay_protocol::registry;
use assay_shell::options::Deployed;
use assay_shell::output::UsageError;
use clap::Args;
use serde_json::json;
use std::path::PathBuf;

/// The provenance of a model, a dataset or a job in a form that other tools read.
#[derive(Args, Debug)]
pub struct Export {
    /// prov (W3C PROV-JSON), prov-ld (the same as JSON-LD), croissant (of a dataset),
    /// statement (in-toto, of a model), card (Markdown, of a model) or svg
    form: Form,
    /// A model's or dataset's id, or job:N
    node: NodeName,
    /// Write it to this file [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// croissant: do not fetch the manifest that lists the dataset's files
    #[arg(long)]
    without_files: bool,
    /// What was made from the node, instead of what it was made from
    #[arg(long)]
    into: bool,
    /// Follow so many edges from the node at most
    #[arg(long, value_name = "N", default_value_t = 32)]
    depth: u32,
    /// So many nodes at most
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = 1..=100_000)]
    limit: i64,
}

impl Export {
    /// Does it.
    pub async fn run(self, global: &Global) -> anyhow::Result<Answer> {
        if global.json && self.output.is_none() {
            return Err(UsageError("--json needs --output: an export has a form of its own".into()).into());
        }
        let deployed = global.connect().await?;
        let root = Node::from(self.node.find(&deployed).await?);
        let provenance = self.read(&deployed, root).await?;
        if !provenance.cut.is_empty() {
            eprintln!("note: not all of the lineage is in it; --depth and --limit raise the limits");
        }
        let files = match (self.form, self.without_files, provenance.record(&root)) {
            (Form::Croissant, false, Some(Record::Dataset(dataset))) => {
                files(&deployed, &dataset.id, &dataset.locations).await?
            }
            _ => vec![],
        };
        let text = self.form.export(&provenance, &files)?;
        let Some(path) = self.output else { return Answer::new(json!({}), text) };
        std::fs::write(&path, &text).with_context(|| format!("cannot write {}", path.display()))?;
        let data = json!({ "form": self.form.name(), "node": registry::Node::from(root), "file": path });
        Answer::new(data, format!("{} holds the {} of {root}", path.display(), self.form.name()))
    }

    /// All of one block, so that its parts belong together.
    async fn read(&self, deployed: &Deployed, root: Node) -> anyhow::Result<Provenance> {
        let block = deployed.chain.latest().await?;
        let contracts = Contracts::new(&deployed.chain, &deployed.deployment).at(block);
        let chain = contracts.info(contracts.block_info(block).await?);
        let nodes = usize::try_from(self.limit).context("--limit is not negative")?;
        let limits = Limits { into: self.into, depth: self.depth, nodes };
        let found = lineage::follow(&contracts, chain, root, limits).await?;
        found.with_context(|| format!("{root} is not on record as of block {}", block.number))
    }
}

/// The files that the dataset's manifest lists.
async fn files(deployed: &Deployed, id: &assay_protocol::Hash, locations: &[String]) -> anyhow::Result<Vec<File>> {
    let manifest = Manifest::fetch(&deployed.fetcher(), locations, id)
        .await
        .context("cannot fetch the manifest that lists the files; --without-files does without")?;
    let file = |file: FileEntry| File { path: file.path, bytes: file.bytes, sha256: file.sha256 };
    Ok(manifest.files.into_iter().map(file).collect())
}
