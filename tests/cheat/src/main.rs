//! `assay-cheating-oracle`: takes jobs as `assay-oracle run` does, and makes up
//! some of the segments. For demonstrations and tests: it is there to be caught.

use anyhow::Context as _;
use assay_cheat::{Cheat, Skip};
use assay_oracle::RunOptions;
use assay_shell::{ChainOptions, KeyOptions, LogOptions, Shutdown, output};
use clap::{Args, Parser};
use std::process::ExitCode;
use std::sync::Arc;

/// An operator that makes up segments, to show and to test that it is caught.
#[derive(Debug, Parser)]
#[command(name = "assay-cheating-oracle", version, about)]
struct Cli {
    #[command(flatten)]
    chain: ChainOptions,
    #[command(flatten)]
    key: KeyOptions,
    #[command(flatten)]
    log: LogOptions,
    #[command(flatten)]
    skip: SkipOptions,
    /// Says in this segment that the numbers run away, so that the job is handed back
    #[arg(long, value_name = "SEGMENT")]
    runs_away_in: Option<u32>,
    #[command(flatten)]
    run: RunOptions,
}

#[derive(Args, Clone, Copy, Debug)]
#[group(multiple = false)]
struct SkipOptions {
    /// Makes up the last of every N segments
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    skip_every: Option<u32>,
    /// Makes up this share of the segments, evenly spread
    #[arg(long, value_name = "FRACTION")]
    skip: Option<f64>,
}

async fn run(cli: Cli) -> anyhow::Result<()> {
    let skip = match (cli.skip.skip_every, cli.skip.skip) {
        (Some(count), _) => Skip::Every(count),
        (None, Some(share)) if (0.0..=1.0).contains(&share) => Skip::Share(share),
        (None, Some(share)) => {
            return Err(output::UsageError(format!("--skip {share}: give a number from 0 to 1")).into());
        }
        (None, None) if cli.runs_away_in.is_some() => Skip::Every(0),
        (None, None) => {
            return Err(output::UsageError("give --skip-every, --skip or --runs-away-in".into()).into());
        }
    };
    let shutdown = Shutdown::on_signals().context("cannot listen for signals")?;
    assay_oracle::run(cli.run, &cli.chain, &cli.key, Arc::new(Cheat { skip, runs_away_in: cli.runs_away_in }), shutdown)
        .await
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = cli.log.start().and_then(|()| {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(run(cli))
    });
    output::finish("assay-cheating-oracle", false, result.map(|()| ((), String::new())))
}
