//! The command line of `assay-oracle`.

use anyhow::Context as _;
use assay_oracle::status::{self, StatusOptions};
use assay_oracle::{Honest, RunOptions};
use assay_protocol::market::Role;
use assay_shell::money::Movement;
use assay_shell::{ChainOptions, KeyOptions, LogOptions, Shutdown, output};
use clap::{Parser, Subcommand};
use std::process::ExitCode;
use std::sync::Arc;

const EXAMPLES: &str = "\
Examples:
  assay-oracle run --keystore operator.json --stake \"100 UNIT\" --min-payment \"5 UNIT\"
  assay-oracle run --suri //Eve --listen 0.0.0.0:9955 --endpoint https://oracle.example.org
  assay-oracle status --account 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY --json
  assay-oracle unstake \"20 UNIT\" --keystore operator.json -x

Exit codes: 0 success, 1 failure, 2 wrong usage.";

/// The operator's daemon: trains jobs for pay, and can be checked at every step.
#[derive(Debug, Parser)]
#[command(name = "assay-oracle", version, about, after_help = EXAMPLES, propagate_version = true)]
pub struct Cli {
    /// Which chain and contracts.
    #[command(flatten)]
    chain: ChainOptions,
    /// Whose key signs.
    #[command(flatten)]
    key: KeyOptions,
    /// How much is logged.
    #[command(flatten)]
    log: LogOptions,
    /// Print one JSON document to standard output: {"ok", "command", "data" | "error"}
    #[arg(long, global = true)]
    json: bool,
    /// What to do.
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Take jobs, train them, and serve what verifiers ask for. Prints "ready URL
    /// ..." once it serves; stop it with SIGTERM and start it again at any point
    Run(Box<RunOptions>),
    /// Show standing, stake, credit and jobs
    Status(StatusOptions),
    /// Stake and credit.
    #[command(flatten)]
    Money(Movement),
}

impl Cli {
    /// Does what was asked, and gives the exit code.
    pub fn run(self) -> ExitCode {
        let started = self.log.start().and_then(|()| {
            tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")
        });
        match started {
            Ok(runtime) => runtime.block_on(self.command.run(&self.chain, &self.key, self.json)),
            Err(error) => output::finish::<()>("assay-oracle", self.json, Err(error)),
        }
    }
}

impl Command {
    async fn run(self, chain: &ChainOptions, key: &KeyOptions, json: bool) -> ExitCode {
        match self {
            Command::Run(options) => {
                let run = async {
                    let shutdown = Shutdown::on_signals().context("cannot listen for signals")?;
                    assay_oracle::run(*options, chain, key, Arc::new(Honest), shutdown).await
                };
                output::finish("run", json, run.await.map(|()| ((), String::new())))
            }
            Command::Status(options) => output::finish("status", json, status::run(&options, chain, key).await),
            Command::Money(movement) => {
                output::finish(movement.name(), json, movement.run(Role::Operator, chain, key, json).await)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
