//! An audit: everything about a model that can be checked again, from the
//! chain's records and the served bytes. Needs no account and trusts no server.

pub mod choose;
mod recorded;
pub mod records;
pub mod report;
mod served;
#[cfg(test)]
mod tests;

use crate::audit::choose::{Choice, List};
use crate::audit::records::Records;
use crate::audit::report::{Check, Checks, Report, Segments, Status};
use crate::audit::served::Served;
use anyhow::anyhow;
use assay_content::Fetcher;
use assay_cuda::BackendChoice;
use assay_protocol::Hash;
use assay_shell::inputs::MAX_DATA_BYTES;
use assay_shell::options::Deployed;
use assay_shell::output::{self, UsageError};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use std::process::ExitCode;
use std::time::Instant;

/// Share of the segments that is replayed if nothing is said.
const DEFAULT_FRACTION: f64 = 0.1;

/// What to audit, and how much of it.
#[derive(Args, Clone, Debug)]
pub struct AuditOptions {
    /// The model's id
    pub model: Hash,
    /// Share of the segments to replay, 0 to 1, chosen at random [default: 0.1]
    #[arg(long, value_name = "0..1", value_parser = fraction, conflicts_with = "segments")]
    pub fraction: Option<f64>,
    /// Segments to replay: numbers and ranges such as 0,3,7-9, or `all`
    #[arg(long, value_name = "LIST")]
    pub segments: Option<List>,
    /// Seed of the random choice, to repeat an audit [default: a random one, which is printed]
    #[arg(long, value_name = "N", conflicts_with = "segments")]
    pub seed: Option<u64>,
    /// Further servers to fetch checkpoints, leaves and the artefact from; can be repeated
    #[arg(long, value_name = "URL")]
    pub from: Vec<String>,
    /// Most bytes of a dataset or model file that is fetched
    #[arg(long, value_name = "BYTES", default_value_t = MAX_DATA_BYTES)]
    pub max_data_bytes: u64,
    /// Most bytes of a job's tensors in memory at a time; on the CPU, a job that has more
    /// is done in less by computing values twice and in parts of the batch, as far as that goes
    #[arg(long, value_name = "BYTES", default_value_t = 8 << 30)]
    pub max_memory_bytes: u64,
    /// What to replay on: cpu, cuda (the first NVIDIA GPU), or auto (the GPU if there is one that
    /// passes a self-test, else the CPU, which also takes over if the GPU fails)
    #[arg(long, value_name = "BACKEND", default_value_t)]
    pub backend: BackendChoice,
    /// Threads of a replay on the CPU; 0 for one per core
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub threads: usize,
}

fn fraction(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(fraction) if (0.0..=1.0).contains(&fraction) => Ok(fraction),
        _ => Err("a number from 0 to 1 is needed".to_owned()),
    }
}

impl AuditOptions {
    fn choice(&self) -> Choice {
        match &self.segments {
            Some(list) => Choice::List(list.clone()),
            None => {
                let seed = self.seed.unwrap_or_else(|| fastrand::u64(..));
                Choice::Fraction(self.fraction.unwrap_or(DEFAULT_FRACTION), seed)
            }
        }
    }
}

/// Reads the records and audits.
///
/// # Errors
/// If there is no such model, the options do not fit it, or the chain cannot be
/// asked. A check that fails is no error but in the report.
pub async fn run(deployed: &Deployed, options: &AuditOptions, progress: bool) -> anyhow::Result<Report> {
    let started = Instant::now();
    let records = Records::read(deployed, options.model).await?;
    let bar = match progress {
        true => bar(),
        false => ProgressBar::hidden(),
    };
    let mut report = audit(&records, options, &deployed.fetcher(), bar).await?;
    report.checks.push(Check {
        name: "chain's records".into(),
        status: Status::NotChecked,
        detail: format!("taken as the node at {} gives them: use one that you trust", deployed.chain.url()),
    });
    report.seconds = started.elapsed().as_secs_f64();
    Ok(report)
}

/// A bar on standard error, drawn only on a terminal.
fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{msg:20} {wide_bar} {pos}/{len} steps, {eta} left")
        .expect("the template is constant and sound");
    ProgressBar::new(0).with_style(style).with_message("reading")
}

/// Audits a model by its records.
///
/// # Errors
/// If the options name segments that the job does not have, or the machine
/// grants no threads.
pub async fn audit(
    records: &Records,
    options: &AuditOptions,
    fetcher: &Fetcher,
    bar: ProgressBar,
) -> anyhow::Result<Report> {
    let started = Instant::now();
    let record = &records.record;
    let choice = options.choice();
    let total = record.segments;
    let segments = Segments {
        total,
        drawn_on_chain: record.segments_drawn,
        chosen: choice.segments(total).map_err(UsageError)?,
        seed: match choice {
            Choice::Fraction(_, seed) => Some(seed),
            Choice::List(_) => None,
        },
        ..Segments::default()
    };
    let mut report = Report {
        model: records.model,
        name: record.name.clone(),
        market: record.market,
        job: record.job,
        operator: record.operator,
        checks: vec![],
        segments,
        odds: vec![],
        held_out: None,
        seconds: 0.0,
        passed: false,
    };
    let mut checks = Checks::default();
    look(records, options, fetcher, &bar, &mut report, &mut checks).await?;
    bar.finish_and_clear();
    report.checks = checks.0;
    report.conclude(choice.is_random());
    report.seconds = started.elapsed().as_secs_f64();
    Ok(report)
}

async fn look(
    records: &Records,
    options: &AuditOptions,
    fetcher: &Fetcher,
    bar: &ProgressBar,
    report: &mut Report,
    checks: &mut Checks,
) -> anyhow::Result<()> {
    let Some(recorded) = recorded::check(records, checks) else {
        checks.skipped("served bytes", "the records do not say what to look for");
        return Ok(());
    };
    let fetcher = fetcher.clone().with_named(&options.from);
    let served = Served {
        records,
        recorded: &recorded,
        fetcher: &fetcher,
        endpoints: records.endpoint.iter().chain(&options.from).cloned().collect(),
        max_data_bytes: options.max_data_bytes,
        backend: options.backend.open(options.threads, options.max_memory_bytes)?,
        bar: bar.clone(),
    };
    let leaves = served.leaves(checks).await;
    match &leaves {
        Some(leaves) => served.opened(leaves, checks),
        None => checks.skipped("opened leaves", "needs the leaves"),
    }
    let Some(task) = served.data(checks).await else {
        for name in ["initial state", "final state", "artefact", "segments"] {
            checks.skipped(name, "needs the data");
        }
        return Ok(());
    };
    let initial = served.initial_state(&task, checks).await;
    report.held_out = served.model(&task, checks).await;
    match (initial, leaves) {
        (Some(initial), Some(leaves)) => {
            served.segments(&task, &initial, &leaves, &mut report.segments, checks).await;
        }
        (_, None) => checks.skipped("segments", "needs the leaves"),
        (None, _) => checks.skipped("segments", "needs the initial state"),
    }
    Ok(())
}

/// Prints an audit's report, and gives the exit code: 0 only if nothing failed.
pub fn finish(json: bool, result: anyhow::Result<Report>) -> ExitCode {
    let report = match result {
        Ok(report) => report,
        Err(error) => return output::finish::<()>("audit", json, Err(error)),
    };
    if report.passed {
        let table = report.table();
        return output::finish("audit", json, Ok((report, table)));
    }
    let names: Vec<&str> = report.failures().map(|check| check.name.as_str()).collect();
    let error = anyhow!("the audit failed: {}", names.join(", "));
    if json {
        // What failed is an error, and what was found is still data.
        let mut envelope = output::failure("audit", &error);
        envelope["data"] = serde_json::json!(report);
        println!("{envelope}");
    } else {
        println!("{}", report.table().trim_end());
        eprintln!("error: {error}");
    }
    ExitCode::from(output::FAILURE)
}
