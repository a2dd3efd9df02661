//! `assay-attack`: see `docs/attack.md`.

use anyhow::{Context, bail};
use assay_attack::history::{Assumption, History};
use assay_attack::run::{Plan, Report, World, replay, run};
use assay_attack::{market, records};
use clap::{Parser, ValueEnum};
use std::path::PathBuf;

/// Random histories of every message against the contracts' logic.
///
/// Exits with 1 if a rule was broken, or if something that such a run must reach
/// was never reached.
#[derive(Parser)]
struct Options {
    /// What to attack.
    what: What,
    /// How many histories.
    #[arg(long, default_value_t = 10_000)]
    histories: u64,
    /// Number of the first; each history follows from its number alone.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Acts of a history; most send a message, and its end sends more.
    #[arg(long, default_value_t = 120)]
    length: usize,
    /// Threads [default: one for each core].
    #[arg(long)]
    threads: Option<usize>,
    /// Let malicious verifiers be the majority of panels; what the honest lose is counted, not refused.
    #[arg(long)]
    broken: bool,
    /// Run the history in this file instead.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["histories", "seed", "length", "threads", "broken"])]
    replay: Option<PathBuf>,
    /// Where a history that breaks a rule is written.
    #[arg(long, value_name = "FILE", default_value = "attack-failure.txt")]
    failure: PathBuf,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum What {
    /// Jobs, stakes, draws, disputes, payouts.
    Market,
    /// Records, grants, sales, statements, imports.
    Registry,
    /// Owners, approvals, transfers of models.
    Titles,
}

fn again<W: World>(history: &History) -> anyhow::Result<()> {
    if history.attack != W::NAME {
        bail!("this history is of an attack on {}, not on {}", history.attack, W::NAME);
    }
    match replay::<W>(history.setup, &history.acts) {
        Ok(_) => println!("{} acts: no rule is broken", history.acts.len()),
        Err(what) => bail!("{} acts break a rule:\n{what}", history.acts.len()),
    }
    Ok(())
}

fn attack<W: World>(options: &Options) -> anyhow::Result<()> {
    if let Some(path) = &options.replay {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let history = text.parse::<History>().map_err(anyhow::Error::msg)?;
        return again::<W>(&history);
    }
    let threads = match options.threads {
        Some(threads) => threads,
        None => std::thread::available_parallelism()?.get(),
    };
    let assumption = if options.broken { Assumption::Broken } else { Assumption::Kept };
    let plan = Plan { histories: options.histories, seed: options.seed, length: options.length, threads, assumption };
    let total = options.histories;
    let report = run::<W>(plan, |done| eprintln!("{}: {done} of {total} histories", W::NAME));
    print!("{}", report.coverage);
    finish::<W>(options, &report)
}

fn finish<W: World>(options: &Options, report: &Report) -> anyhow::Result<()> {
    let seconds = report.took.as_secs_f64();
    let messages = report.coverage.total("accepted") + report.coverage.total("refused");
    println!(
        "{} histories, {messages} messages in {seconds:.1} s: {:.0} histories/s, {:.0} messages/s, {:.0} messages a history",
        report.histories,
        report.histories as f64 / seconds,
        messages as f64 / seconds,
        messages as f64 / report.histories.max(1) as f64
    );
    if let Some(failure) = &report.failure {
        let note: String = failure.what.lines().map(|line| format!("# {line}\n")).collect();
        std::fs::write(&options.failure, format!("{note}{}", failure.history))
            .with_context(|| format!("cannot write {}", options.failure.display()))?;
        bail!(
            "a rule is broken, shrunk from {} acts to {}; run it with --replay {}\n{}",
            failure.acts,
            failure.history.acts.len(),
            options.failure.display(),
            failure.what
        );
    }
    let missing = report.coverage.missing(W::wanted());
    if !missing.is_empty() {
        bail!("never reached (more histories may): {}", missing.join(", "));
    }
    println!("no rule is broken");
    Ok(())
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    match options.what {
        What::Market => attack::<market::World>(&options),
        What::Registry => attack::<records::Records>(&options),
        What::Titles => attack::<records::Owners>(&options),
    }
}
