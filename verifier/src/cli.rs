//! The command line.

use crate::audit::{self, AuditOptions};
use crate::challenge::{self, ChallengeOptions};
use crate::daemon::{Config, Daemon};
use crate::policy::Policy;
use crate::status;
use anyhow::Context;
use assay_client::{Amount, Patience};
use assay_cuda::BackendChoice;
use assay_protocol::market::Role;
use assay_shell::money::Movement;
use assay_shell::options::Deployed;
use assay_shell::output::{self, UsageError};
use assay_shell::{ChainOptions, KeyOptions, LogOptions, Shutdown, inputs};
use clap::{Args, Parser, Subcommand};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  assay-verifier run --suri //Dave --stake '100 UNIT'
      verify on a development chain with 100 UNIT at stake
  assay-verifier run --keystore key.json --max-bond '5 PAS' --withdraw-above '1 PAS'
      verify with limits, and take the earnings out
  assay-verifier status --suri //Dave
  assay-verifier stake '10 UNIT' --suri //Dave -x
  assay-verifier challenge --watch --count 3 --suri //Ferdie -x -y
      replay three segments of every job in its window, and challenge what is false
  assay-verifier audit 0x3f…d2 --segments all
      check everything about a model; needs no account

Exit codes: 0 success, 1 failure or a failed check, 2 wrong usage.";

/// The verifier: replays drawn segments of training jobs and says what it found.
#[derive(Debug, Parser)]
#[command(name = "assay-verifier", version, about, after_help = EXAMPLES)]
pub struct Cli {
    #[command(flatten)]
    chain: ChainOptions,
    #[command(flatten)]
    key: KeyOptions,
    #[command(flatten)]
    log: LogOptions,
    /// Print one JSON object to standard output
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Verify: enlist for jobs, replay the segments drawn for this account, earn fees
    Run(RunOptions),
    /// What this account has at stake, earned and under way
    Status,
    #[command(flatten)]
    Money(Movement),
    /// Replay segments of a job in its window, and put a bond against what is false.
    /// Needs no stake; an account that is enlisted for the job cannot challenge in it
    Challenge(ChallengeOptions),
    /// Check a model against the chain's records and the served bytes; needs no account
    Audit(AuditOptions),
}

#[derive(Args, Clone, Debug)]
struct RunOptions {
    /// Folder for secrets, the journal, findings and fetched content; keep it: it
    /// holds what the account has sealed and must reveal
    /// [default: assay/verifier in the user's data folder]
    #[arg(long, env = "ASSAY_VERIFIER_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    /// Bring the stake up to this at the start
    #[arg(long, value_name = "AMOUNT")]
    stake: Option<String>,
    /// Largest bond for one job [default: no limit but the stake]
    #[arg(long, value_name = "AMOUNT")]
    max_bond: Option<String>,
    /// Bond to lock where a job asks for less: a larger one is drawn more often
    #[arg(long, value_name = "AMOUNT")]
    bond: Option<String>,
    /// Address to serve fetched checkpoints on, so that a panel gets those that
    /// the operator refuses it; port 0 takes any free one [default: not served]
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// URL by which others reach that address, announced on chain [default: http://ADDR]
    #[arg(long, value_name = "URL", requires = "listen")]
    endpoint: Option<String>,
    /// Most steps of a segment, which is one replay
    #[arg(long, value_name = "STEPS", default_value_t = 100_000)]
    max_steps_per_segment: u32,
    /// Least fee for one drawn segment, such as '0.1 UNIT' [default: any]
    #[arg(long, value_name = "AMOUNT")]
    min_fee: Option<String>,
    /// Shortest time that a job may allow for revealing secrets and outcomes and
    /// for attesting: who is late there loses a tenth of the bond
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    min_window: u32,
    /// Most bytes of a job's tensors in memory at a time; on the CPU, a job that has more
    /// is done in less by computing values twice and in parts of the batch, as far as that goes
    #[arg(long, value_name = "BYTES", default_value_t = 8 << 30)]
    max_memory_bytes: u64,
    /// Most bytes of a job's data file
    #[arg(long, value_name = "BYTES", default_value_t = inputs::POLICY_DATA_BYTES)]
    max_data_bytes: u64,
    /// What to replay on: cpu, cuda (the first NVIDIA GPU), or auto (the GPU if there is one that
    /// passes a self-test, else the CPU, which also takes over if the GPU fails)
    #[arg(long, value_name = "BACKEND", default_value_t)]
    backend: BackendChoice,
    /// Threads of a replay on the CPU; 0 for one per core
    #[arg(long, value_name = "N", default_value_t = 0)]
    threads: usize,
    /// Withdraw credit when it is above this
    #[arg(long, value_name = "AMOUNT")]
    withdraw_above: Option<String>,
    /// Most jobs at the same time
    #[arg(long, value_name = "N", default_value_t = 16)]
    max_jobs: usize,
    /// Stop after so many jobs have ended and their bonds are free again
    #[arg(long, value_name = "N")]
    once: Option<u32>,
}

impl RunOptions {
    fn config(&self, deployed: &Deployed) -> anyhow::Result<Config> {
        let folder = match &self.data {
            Some(folder) => folder.clone(),
            None => dirs::data_dir()
                .context("there is no home directory to keep data in; name a folder with --data")?
                .join("assay")
                .join("verifier"),
        };
        Ok(Config {
            policy: Policy {
                max_bond: amount(deployed, self.max_bond.as_deref())?.map_or(u128::MAX, |amount| amount.0),
                bond: amount(deployed, self.bond.as_deref())?.map_or(0, |amount| amount.0),
                max_steps_per_segment: self.max_steps_per_segment,
                max_data_bytes: self.max_data_bytes,
                max_jobs: self.max_jobs,
                min_fee: amount(deployed, self.min_fee.as_deref())?.map_or(0, |amount| amount.0),
                min_window_seconds: self.min_window,
                max_memory_bytes: self.max_memory_bytes,
            },
            folder,
            backend: self.backend,
            threads: self.threads,
            stake: amount(deployed, self.stake.as_deref())?,
            withdraw_above: amount(deployed, self.withdraw_above.as_deref())?,
            once: self.once,
            listen: self.listen,
            endpoint: self.endpoint.clone(),
        })
    }
}

fn amount(deployed: &Deployed, text: Option<&str>) -> anyhow::Result<Option<Amount>> {
    text.map(|text| parse(deployed, text)).transpose()
}

fn parse(deployed: &Deployed, text: &str) -> anyhow::Result<Amount> {
    deployed.chain.unit().parse(text).map_err(|error| UsageError(error.to_string()).into())
}

impl Cli {
    /// Does what the command line says.
    pub async fn run(self) -> ExitCode {
        if let Err(error) = self.log.start() {
            return output::finish::<()>("assay-verifier", self.json, Err(error));
        }
        let json = self.json;
        match &self.command {
            Command::Run(options) => {
                output::finish("run", json, self.verify(options).await.map(|()| ((), String::new())))
            }
            Command::Status => {
                let result = async {
                    let (deployed, signer) = (self.connect(Patience::COMMAND).await?, self.key.signer()?);
                    status::run(&deployed, &signer).await
                };
                output::finish("status", json, result.await)
            }
            Command::Money(movement) => {
                output::finish(movement.name(), json, movement.run(Role::Verifier, &self.chain, &self.key, json).await)
            }
            Command::Challenge(options) => {
                output::finish("challenge", json, challenge::run(options, &self.chain, &self.key).await)
            }
            Command::Audit(options) => {
                let result = async {
                    let deployed = self.connect(Patience::COMMAND).await?;
                    audit::run(&deployed, options, !json).await
                };
                audit::finish(json, result.await)
            }
        }
    }

    async fn connect(&self, patience: Patience) -> anyhow::Result<Deployed> {
        self.chain.connect(patience).await
    }

    async fn verify(&self, options: &RunOptions) -> anyhow::Result<()> {
        let signer = self.key.signer()?;
        let shutdown = Shutdown::on_signals()?;
        let deployed = tokio::select! {
            deployed = self.connect(Patience::DAEMON) => deployed?,
            () = shutdown.wait() => return Ok(()),
        };
        let config = options.config(&deployed)?;
        let market = deployed.market.address();
        let mut daemon = Daemon::start(deployed, signer, config).await?;
        println!("ready verifier {} market {market}", daemon.address());
        daemon.run(shutdown).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn an_audit_needs_no_key() {
        let id = format!("0x{}", "ab".repeat(32));
        let cli = Cli::try_parse_from(["assay-verifier", "audit", &id, "--fraction", "0.5", "--seed", "7"]).unwrap();
        assert!(matches!(cli.command, Command::Audit(_)));
        let both = ["assay-verifier", "audit", &id, "--fraction", "0.5", "--segments", "1,2"];
        assert!(Cli::try_parse_from(both).is_err());
        assert!(Cli::try_parse_from(["assay-verifier", "audit", "0x12"]).is_err());
        assert!(Cli::try_parse_from(["assay-verifier", "audit", &id, "--fraction", "1.5"]).is_err());
    }
}
