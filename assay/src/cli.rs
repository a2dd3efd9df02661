//! The command line: options that every command has, and the commands.

use crate::commands::{
    account, dataset, deploy, export, index, job, ledger, model, provenance, registry, standing, statement,
};
use anyhow::Context;
use assay_client::{Patience, Unit};
use assay_protocol::market::Role;
use assay_shell::options::Deployed;
use assay_shell::{ChainOptions, KeyOptions};
use clap::{Args, Parser, Subcommand};
use serde_json::Value;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  assay deploy --url ws://127.0.0.1:9944 --suri //Alice          show what it would cost
  assay deploy --url ws://127.0.0.1:9944 --suri //Alice -x -y    do it
  assay dataset register data/digits --name digits --licence CC-BY-4.0 \\
        --location https://example.org/digits --suri //Bob -x
  assay job post examples/digits.json --suri //Charlie -x
  assay job watch 0 --reveal --suri //Charlie -x -y
  assay provenance 0x…

Nothing is signed without -x. Exit codes: 0 success, 1 failure, 2 wrong usage.";

/// One command line for clients, data owners, readers and deployers of Assay.
#[derive(Debug, Parser)]
#[command(name = "assay", version, about, after_help = EXAMPLES, propagate_version = true)]
pub struct Cli {
    /// Options that every command has.
    #[command(flatten, next_help_heading = "Options of every command")]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options that every command has.
#[derive(Args, Debug)]
pub struct Global {
    /// Which chain and contracts.
    #[command(flatten)]
    pub chain: ChainOptions,
    /// Whose key signs.
    #[command(flatten)]
    pub key: KeyOptions,
    /// Sign and send. Without it commands only show what they would do and cost
    #[arg(short = 'x', long, global = true)]
    pub execute: bool,
    /// Sign without asking
    #[arg(short = 'y', long, global = true)]
    pub yes: bool,
    /// Print one JSON document to standard output: {"ok", "command", "data" | "error"}
    #[arg(long, global = true)]
    pub json: bool,
    /// Folder for what the command line must remember: clients' secrets, fetched
    /// data [default: assay in the user's data folder]
    #[arg(long, env = "ASSAY_DATA", value_name = "DIR", global = true)]
    pub data: Option<PathBuf>,
    /// What to log: error, warn, info, debug, trace, or a filter such as info,assay_client=debug
    #[arg(long, env = "ASSAY_LOG", value_name = "LEVEL", default_value = "warn", global = true)]
    pub log: String,
}

impl Global {
    /// Connects to the deployment that the options name.
    pub async fn connect(&self) -> anyhow::Result<Deployed> {
        self.chain.connect(Patience::COMMAND).await
    }

    /// The folder for what the command line must remember.
    pub fn data(&self) -> anyhow::Result<PathBuf> {
        match &self.data {
            Some(folder) => Ok(folder.clone()),
            None => {
                let folder = dirs::data_dir().context("there is no home directory to keep data in; give --data")?;
                Ok(folder.join("assay"))
            }
        }
    }
}

/// What a command answers: a value for `--json`, and a text for people.
#[derive(Debug)]
pub struct Answer {
    /// For programs.
    pub data: Value,
    /// For people.
    pub text: String,
}

impl Answer {
    /// An answer; `data` must be plain data without 128-bit numbers.
    pub fn new(data: impl serde::Serialize, text: impl Into<String>) -> anyhow::Result<Self> {
        let data = serde_json::to_value(data).context("the answer is not JSON")?;
        Ok(Self { data, text: text.into() })
    }
}

/// An amount as every answer shows it: in full precision, with the chain's unit.
pub fn shown(unit: &Unit, amount: u128) -> String {
    unit.show(assay_client::Amount(amount)).to_string()
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Deploy titles, registry and market to a chain, and write the deployment file
    Deploy(deploy::Deploy),
    /// Datasets: manifest, register, show, list, terms, grant, buy, grants,
    /// set-locations, transfer, withdraw, serve
    #[command(subcommand)]
    Dataset(dataset::Dataset),
    /// Training jobs: post, list, show, watch, reveal, advance, cancel, demands,
    /// demand, register, contributions, ledger
    #[command(subcommand)]
    Job(job::Job),
    /// Models: list, show, title, transfer, approve, royalty, fetch, evaluate
    #[command(subcommand)]
    Model(model::Model),
    /// What accounts say of datasets and models: add, list
    #[command(subcommand)]
    Statement(statement::Statement),
    /// The registry itself: show, import, claim-title
    #[command(subcommand)]
    Registry(registry::Registry),
    /// Who trains, on which terms, and how it went: list, show
    #[command(subcommand)]
    Operator(standing::Staked),
    /// Who checks, and how it went: list, show
    #[command(subcommand)]
    Verifier(standing::Staked),
    /// What a model or dataset was made from, as a tree
    Provenance(provenance::Provenance),
    /// A model's or dataset's provenance for other tools: PROV, Croissant, in-toto,
    /// a model card, SVG
    Export(export::Export),
    /// An index with history and search: run, rebuild, serve, openapi
    #[command(subcommand)]
    Index(index::Index),
    /// What an account has on the chain
    Balance(account::Balance),
    /// The key's account: addresses, mapping, balance, credit, stakes
    Accounts(account::Accounts),
    /// Prepare an account for contracts
    #[command(subcommand)]
    Account(account::Account),
    /// Credit what the key's account took back of its stakes and has unbonded
    Collect(standing::Collect),
    /// Send all that market and registry credit to the key's account
    Withdraw(account::Withdraw),
    /// Who was paid and slashed in a job and why, with the sums checked
    Ledger(ledger::Ledger),
}

impl Command {
    /// The command's name in the envelope.
    pub fn name(&self) -> String {
        match self {
            Command::Deploy(_) => "deploy".into(),
            Command::Dataset(dataset) => format!("dataset {}", dataset.name()),
            Command::Job(job) => format!("job {}", job.name()),
            Command::Model(model) => format!("model {}", model.name()),
            Command::Statement(statement) => format!("statement {}", statement.name()),
            Command::Registry(registry) => format!("registry {}", registry.name()),
            Command::Operator(operator) => format!("operator {}", operator.name()),
            Command::Verifier(verifier) => format!("verifier {}", verifier.name()),
            Command::Provenance(_) => "provenance".into(),
            Command::Export(_) => "export".into(),
            Command::Index(index) => format!("index {}", index.name()),
            Command::Balance(_) => "balance".into(),
            Command::Accounts(_) => "accounts".into(),
            Command::Account(account) => format!("account {}", account.name()),
            Command::Collect(_) => "collect".into(),
            Command::Withdraw(_) => "withdraw".into(),
            Command::Ledger(_) => "ledger".into(),
        }
    }

    /// Does it.
    pub async fn run(self, global: &Global) -> anyhow::Result<Answer> {
        match self {
            Command::Deploy(command) => command.run(global).await,
            Command::Dataset(command) => command.run(global).await,
            Command::Job(command) => command.run(global).await,
            Command::Model(command) => command.run(global).await,
            Command::Statement(command) => command.run(global).await,
            Command::Registry(command) => command.run(global).await,
            Command::Operator(command) => command.run(Role::Operator, global).await,
            Command::Verifier(command) => command.run(Role::Verifier, global).await,
            Command::Provenance(command) => command.run(global).await,
            Command::Export(command) => command.run(global).await,
            Command::Index(command) => command.run(global).await,
            Command::Balance(command) => command.run(global).await,
            Command::Accounts(command) => command.run(global).await,
            Command::Account(command) => command.run(global).await,
            Command::Collect(command) => command.run(global).await,
            Command::Withdraw(command) => command.run(global).await,
            Command::Ledger(command) => command.run(global).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn options_may_stand_before_and_after_the_command() {
        for line in ["assay -x -y --json job show 3", "assay job show 3 -x -y --json"] {
            let cli = Cli::try_parse_from(line.split(' ')).unwrap();
            assert!(cli.global.execute && cli.global.yes && cli.global.json);
            assert_eq!(cli.command.name(), "job show");
        }
    }

    #[test]
    fn two_keys_are_refused() {
        let line = "assay accounts --suri //Alice --keystore key.json";
        assert!(Cli::try_parse_from(line.split(' ')).is_err());
    }
}
