//! `model`: list, show, title, transfer, approve, royalty, fetch, evaluate.

mod title;

use crate::cli::{Answer, Global};
use crate::names::{Account, no_job, no_model};
use crate::progress;
use crate::show;
use anyhow::{Context, bail};
use assay_client::all_pages;
use assay_content::Store;
use assay_engine::CpuBackend;
use assay_job::artefact;
use assay_protocol::Hash;
use assay_protocol::hash::{Native, Sha256};
use assay_protocol::market::Role;
use assay_protocol::registry::{MAX_PAGE, ModelRecord, Node};
use assay_shell::inputs;
use assay_shell::options::Deployed;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Most bytes of a model whose job this deployment does not know.
const MAX_MODEL_BYTES: u64 = 8 << 30;
/// Most bytes of a model's file besides its numbers.
const MAX_HEADER_BYTES: u64 = 1 << 20;

/// Models.
#[derive(Debug, Subcommand)]
pub enum Model {
    /// List the models on record
    List,
    /// Show a model's record: lineage, licence, how it was checked
    Show {
        /// The model's id
        id: Hash,
    },
    /// Show a model's title: owner, token id for Ethereum's tools, approvals
    Title {
        /// The model's id
        id: Hash,
        /// Also say whether this account may transfer all models of the owner
        #[arg(long, value_name = "ACCOUNT")]
        operator: Option<Account>,
    },
    /// Let an account transfer a model (owner only)
    Approve(title::Approve),
    /// Set your share of the payment of later jobs that start from a model (owner only)
    Royalty {
        /// The model's id
        id: Hash,
        /// The share in basis points (250 for 2.5 %)
        #[arg(value_name = "BP")]
        royalty_bp: u16,
    },
    /// Give a model a new owner (its owner, or whom that approved). A contract
    /// must be one that takes ERC-721 tokens
    Transfer {
        /// The model's id
        id: Hash,
        /// The new owner: an address or SS58
        #[arg(long, value_name = "ACCOUNT")]
        to: Account,
    },
    /// Download a model as safetensors, checked against the hash on chain
    Fetch(Fetch),
    /// The model's accuracy on the samples that its job held out, with the exact engine
    Evaluate(Evaluate),
}

/// Download a model.
#[derive(Args, Debug)]
pub struct Fetch {
    /// The model's id
    id: Hash,
    /// File to write
    #[arg(short, long, value_name = "FILE", default_value = "model.safetensors")]
    output: PathBuf,
    /// Fetch from this server instead of the model's locations and its operator; repeatable
    #[arg(long = "from", value_name = "URL")]
    from: Vec<String>,
    /// Overwrite the file if it is there
    #[arg(long)]
    force: bool,
}

/// A model's accuracy.
#[derive(Args, Debug)]
pub struct Evaluate {
    /// The model's id
    id: Hash,
    /// The model's file, if it was fetched already; its hash is checked
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Fetch from this server instead of the model's locations and its operator; repeatable
    #[arg(long = "from", value_name = "URL")]
    from: Vec<String>,
    /// Threads; 0 stands for one per core
    #[arg(long, value_name = "N", default_value_t = 0)]
    threads: usize,
}

impl Model {
    /// The command's name below `model`.
    pub fn name(&self) -> &'static str {
        match self {
            Model::List => "list",
            Model::Show { .. } => "show",
            Model::Title { .. } => "title",
            Model::Approve(_) => "approve",
            Model::Royalty { .. } => "royalty",
            Model::Transfer { .. } => "transfer",
            Model::Fetch(_) => "fetch",
            Model::Evaluate(_) => "evaluate",
        }
    }

    /// Does it.
    pub async fn run(self, global: &Global) -> anyhow::Result<Answer> {
        match self {
            Model::List => list(global).await,
            Model::Show { id } => show_one(global, id).await,
            Model::Title { id, operator } => title::title(global, id, operator).await,
            Model::Approve(command) => command.run(global).await,
            Model::Royalty { id, royalty_bp } => title::royalty(global, id, royalty_bp).await,
            Model::Transfer { id, to } => title::transfer(global, id, to).await,
            Model::Fetch(command) => command.run(global).await,
            Model::Evaluate(command) => command.run(global).await,
        }
    }
}

async fn record(deployed: &Deployed, id: Hash) -> anyhow::Result<ModelRecord> {
    deployed.registry.model(id).await?.with_context(|| no_model(&id))
}

fn checked(record: &ModelRecord) -> String {
    format!("{} of {} segments drawn, {} confirmed", record.segments_drawn, record.segments, record.segments_checked)
}

async fn list(global: &Global) -> anyhow::Result<Answer> {
    let deployed = global.connect().await?;
    let ids = all_pages(|offset| deployed.registry.models(offset, MAX_PAGE)).await?;
    let (mut rows, mut data) = (vec![], Vec::<Value>::new());
    for id in ids {
        let record = record(&deployed, id).await?;
        rows.push(vec![
            id.to_string(),
            record.job.to_string(),
            checked(&record),
            show::plain(&record.licence),
            show::plain(&record.name),
        ]);
        data.push(json!({ "id": id, "record": record }));
    }
    let text = match rows.is_empty() {
        true => "no models are registered; the market registers one when a job is final".into(),
        false => show::table(&["ID", "JOB", "CHECKED", "LICENCE", "NAME"], &rows),
    };
    Answer::new(data, text)
}

async fn show_one(global: &Global, id: Hash) -> anyhow::Result<Answer> {
    let deployed = global.connect().await?;
    let record = record(&deployed, id).await?;
    let node = Node::Model(id);
    let places = places(&deployed, id, &record).await?;
    let from = deployed.registry.made_from(&node, 0, MAX_PAGE).await?.items;
    let into = deployed.registry.made_into(&node, 0, 1).await?.total;
    let statements = deployed.registry.statements(&node, 0, 1).await?.total;
    let owner = deployed.titles.owner_of(id).await?;
    let mut lines = vec![
        ("model", id.to_string()),
        ("name", show::plain(&record.name)),
        ("licence", show::plain(&record.licence)),
        ("owner", title::owner_text(owner)),
        ("client", format!("{} (its first owner)", record.first_owner)),
        ("royalty", format!("{} % of the payment of jobs that start from it", f64::from(record.royalty_bp) / 100.0)),
        ("checked", checked(&record)),
        ("operator", record.operator.to_string()),
        ("artefact", record.artefact.to_string()),
        ("final state", record.final_state.to_string()),
        ("program", record.program.to_string()),
        ("registered", format!("in block {}", record.block)),
    ];
    lines.extend(from.iter().map(|node| ("made from", node.to_string())));
    lines.push(("used in", format!("{into} (`assay provenance {id} --into` shows them)")));
    lines.push(("statements", format!("{statements} (`assay statement list {id}` shows them)")));
    lines.extend(places.iter().map(|place| ("served at", show::plain(place))));
    let data = json!({
        "id": id, "record": record, "owner": owner, "made_from": from, "made_into": into, "statements": statements,
        "places": places,
    });
    Answer::new(data, show::fields(lines))
}

/// Servers that may have the model: its own locations, then its operator's endpoint.
async fn places(deployed: &Deployed, id: Hash, record: &ModelRecord) -> anyhow::Result<Vec<String>> {
    let mut places = deployed.registry.locations(&Node::Model(id)).await?;
    let standing = deployed.market.standing(Role::Operator, record.operator).await?;
    places.extend(standing.map(|standing| standing.endpoint).filter(|endpoint| !endpoint.is_empty()));
    Ok(places)
}

/// Most bytes that the model can have, so that a server that lies cannot fill the memory.
async fn size_limit(deployed: &Deployed, record: &ModelRecord) -> anyhow::Result<u64> {
    if record.market != deployed.market.address() {
        return Ok(MAX_MODEL_BYTES);
    }
    let job = deployed.market.job(record.job).await?.with_context(|| no_job(record.job))?;
    let forward = inputs::spec(deployed, &job).await?.training.compile_forward()?;
    Ok(forward.state_layout().file_bytes().saturating_add(MAX_HEADER_BYTES))
}

async fn fetch(deployed: &Deployed, id: Hash, record: &ModelRecord, from: Vec<String>) -> anyhow::Result<Vec<u8>> {
    let fetcher = deployed.fetcher().with_named(&from);
    let places = match from.is_empty() {
        true => places(deployed, id, record).await?,
        false => from,
    };
    let limit = size_limit(deployed, record).await?;
    let bar = progress::bytes("fetching the model");
    let report = progress::of_fetch(&bar);
    let fetched = fetcher.blob(&places, &record.artefact, limit, &report).await;
    bar.finish_and_clear();
    fetched.context("nobody serves the model; ask its operator or owner, and name a server with --from")
}

impl Fetch {
    async fn run(self, global: &Global) -> anyhow::Result<Answer> {
        if self.output.exists() && !self.force {
            bail!("{} is there already; give another file with -o, or --force", self.output.display());
        }
        let deployed = global.connect().await?;
        let record = record(&deployed, self.id).await?;
        let bytes = fetch(&deployed, self.id, &record, self.from).await?;
        let folder = self.output.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let name = self.output.file_name().with_context(|| format!("{} names no file", self.output.display()))?;
        assay_content::store::write_atomically(&folder.join(name), &bytes)
            .with_context(|| format!("cannot write {}", self.output.display()))?;
        let text =
            format!("{}: {}, SHA-256 {}", self.output.display(), show::bytes(bytes.len() as u64), record.artefact);
        Answer::new(
            json!({ "id": self.id, "file": self.output, "bytes": bytes.len(), "artefact": record.artefact }),
            text,
        )
    }
}

impl Evaluate {
    async fn run(self, global: &Global) -> anyhow::Result<Answer> {
        let deployed = global.connect().await?;
        let record = record(&deployed, self.id).await?;
        if record.market != deployed.market.address() {
            bail!(
                "the model was trained by a job of another market, {}; name its deployment with --deployment",
                record.market
            );
        }
        let job = deployed.market.job(record.job).await?.with_context(|| no_job(record.job))?;
        let file = match &self.file {
            None => fetch(&deployed, self.id, &record, self.from.clone()).await?,
            Some(path) => {
                let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
                let hash = Native.sha256(&bytes);
                if hash != record.artefact {
                    bail!(
                        "{} is another model: its SHA-256 is {hash}, and the chain says {}",
                        path.display(),
                        record.artefact
                    );
                }
                bytes
            }
        };
        let cache = Store::open(global.data()?.join("cache"))?;
        let bar = progress::bytes("fetching the dataset");
        let report = progress::of_fetch(&bar);
        let task = inputs::task(&deployed, &deployed.fetcher(), &job, &cache, inputs::MAX_DATA_BYTES, &report).await;
        bar.finish_and_clear();
        let task = task?;
        let threads = self.threads;
        let evaluation = tokio::task::spawn_blocking(move || -> anyhow::Result<_> {
            let model = artefact::read(&file, task.forward())?;
            Ok(task.evaluate(&CpuBackend::new(threads)?, &model)?)
        });
        let evaluation = evaluation.await.context("the evaluation was cut short")??;
        let accuracy = evaluation.accuracy();
        let text = format!(
            "{:.2} % right on held-out samples: {} of {}",
            accuracy * 100.0,
            evaluation.right,
            evaluation.labels
        );
        let data = json!({
            "id": self.id, "right": evaluation.right, "labels": evaluation.labels, "accuracy": accuracy,
        });
        Answer::new(data, text)
    }
}
