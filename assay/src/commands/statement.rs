//! `statement`: what accounts say of datasets and models.

use crate::cli::{Answer, Global};
use crate::names::{Account, NodeName};
use crate::show;
use crate::signing;
use anyhow::{Context, bail};
use assay_client::all_pages;
use assay_protocol::Hash;
use assay_protocol::hash::{Native, Sha256};
use assay_protocol::registry::{self, MAX_PAGE, Node, Statement as Record, StatementKind};
use assay_shell::output::UsageError;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use std::path::PathBuf;

/// What accounts say of datasets and models.
#[derive(Debug, Subcommand)]
pub enum Statement {
    /// Say something of a dataset or a model: signed, listed for good, never edited
    Add(Add),
    /// List what was said of a dataset or a model, or by an account
    List(List),
}

/// What a statement is about.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// How good it was found to be
    Evaluation,
    /// What a check of its record or its training found
    Audit,
    /// A claim that it must not be used or served
    Takedown,
    /// Anything else
    Note,
}

impl From<Kind> for StatementKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Evaluation => StatementKind::Evaluation,
            Kind::Audit => StatementKind::Audit,
            Kind::Takedown => StatementKind::Takedown,
            Kind::Note => StatementKind::Note,
        }
    }
}

/// Say something of a dataset or a model.
#[derive(Args, Debug)]
pub struct Add {
    /// The dataset's or the model's id
    node: NodeName,
    /// What it is about
    #[arg(long, value_enum)]
    kind: Kind,
    /// What is said, in one line of at most 160 bytes
    #[arg(long)]
    text: String,
    /// Document that shows it; its SHA-256 goes on record
    #[arg(long, value_name = "FILE", conflicts_with = "evidence_hash")]
    evidence: Option<PathBuf>,
    /// SHA-256 of such a document
    #[arg(long, value_name = "HASH")]
    evidence_hash: Option<Hash>,
}

/// List statements.
#[derive(Args, Debug)]
pub struct List {
    /// The dataset's or the model's id
    #[arg(required_unless_present = "by", conflicts_with = "by")]
    node: Option<NodeName>,
    /// What this account said: an address or SS58
    #[arg(long, value_name = "ACCOUNT")]
    by: Option<Account>,
}

impl Statement {
    /// The command's name below `statement`.
    pub fn name(&self) -> &'static str {
        match self {
            Statement::Add(_) => "add",
            Statement::List(_) => "list",
        }
    }

    /// Does it.
    pub async fn run(self, global: &Global) -> anyhow::Result<Answer> {
        match self {
            Statement::Add(command) => command.run(global).await,
            Statement::List(command) => command.run(global).await,
        }
    }
}

impl Add {
    async fn run(self, global: &Global) -> anyhow::Result<Answer> {
        registry::check_text(&self.text)?;
        let evidence = match &self.evidence {
            None => self.evidence_hash,
            Some(path) => {
                let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
                Some(Native.sha256(&bytes))
            }
        };
        let deployed = global.connect().await?;
        let node = self.node.find(&deployed).await?;
        if matches!(node, Node::Job { .. }) {
            bail!(UsageError("a statement is about a dataset or a model: name the one that the job made".into()));
        }
        let kind = StatementKind::from(self.kind);
        let call = deployed.registry.add_statement(&node, kind, &self.text, evidence);
        let what = format!("say of {node} for good: {} ({kind:?})", show::plain(&self.text));
        let data = json!({ "node": node, "kind": kind, "text": self.text, "evidence": evidence });
        let text = format!("said of {node}");
        signing::one(global, &deployed.chain, &what, &call, |()| data, |()| text).await
    }
}

impl List {
    async fn run(self, global: &Global) -> anyhow::Result<Answer> {
        let deployed = global.connect().await?;
        let registry = &deployed.registry;
        let statements: Vec<(Node, Record)> = match (self.by, self.node) {
            (Some(author), _) => {
                let author = author.address();
                let list = all_pages(|offset| registry.statements_by(author, offset, MAX_PAGE)).await?;
                let mut statements = vec![];
                for (node, number) in list {
                    let page = registry.statements(&node, number, 1).await?;
                    statements.extend(page.items.into_iter().map(|statement| (node, statement)));
                }
                statements
            }
            (None, name) => {
                let name = name.context("no node is named")?;
                let node = name.find(&deployed).await?;
                let statements = all_pages(|offset| registry.statements(&node, offset, MAX_PAGE)).await?;
                statements.into_iter().map(|statement| (node, statement)).collect()
            }
        };
        let text = match statements.is_empty() {
            true => "no statements".into(),
            false => statements.iter().map(|(node, statement)| text(node, statement)).collect::<Vec<_>>().join("\n"),
        };
        let data: Vec<Value> = statements.iter().map(|(node, one)| json!({ "node": node, "statement": one })).collect();
        Answer::new(json!({ "statements": data }), text)
    }
}

fn text(node: &Node, statement: &Record) -> String {
    let mut lines = vec![
        ("kind", format!("{:?}", statement.kind).to_lowercase()),
        ("of", node.to_string()),
        ("says", show::plain(&statement.text)),
        ("author", statement.author.to_string()),
        ("block", statement.block.to_string()),
    ];
    lines.extend(statement.evidence.map(|evidence| ("evidence", format!("SHA-256 {evidence}"))));
    show::fields(lines)
}
