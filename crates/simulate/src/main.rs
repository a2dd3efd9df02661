//! `assay-simulate`: plays cheats, bribes and biased draws against the market's
//! own logic, and shows what they gain beside what the formulas say.

use assay_simulate::attacks::{Attack, simulate};
use assay_simulate::cast::Settings;
use assay_simulate::{plots, report};
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use std::path::PathBuf;

/// Simulates operators, verifiers, clients and challengers, honest and not, on the
/// market's own logic. Sums are in the contract's unit, shares in per cent.
#[derive(Parser)]
#[command(version)]
struct Options {
    /// Attacks to simulate [default: all]
    #[arg(long = "attack", value_enum)]
    attacks: Vec<Attack>,
    /// Jobs of each attack
    #[arg(long, default_value_t = Settings::default().jobs)]
    jobs: u32,
    /// Operators
    #[arg(long, default_value_t = Settings::default().operators)]
    operators: u32,
    /// Verifiers
    #[arg(long, default_value_t = Settings::default().verifiers)]
    verifiers: u32,
    /// Verifiers that enlist for each job
    #[arg(long, default_value_t = Settings::default().enlisted)]
    enlisted: u32,
    /// Segments of a job
    #[arg(long, default_value_t = Settings::default().segments)]
    segments: u32,
    /// Segments that are drawn for checking
    #[arg(long, default_value_t = Settings::default().samples)]
    samples: u8,
    /// Seats of a panel
    #[arg(long, default_value_t = Settings::default().panel)]
    panel: u8,
    /// What the operator is paid
    #[arg(long, default_value_t = Settings::default().payment)]
    payment: u128,
    /// What the verifiers of a job are paid together
    #[arg(long, default_value_t = Settings::default().fee)]
    fee: u128,
    /// What it costs to train or to replay a segment
    #[arg(long, default_value_t = Settings::default().segment_cost)]
    segment_cost: u128,
    /// The operator's stake [default: the least at which the cheat does not pay]
    #[arg(long)]
    stake: Option<u128>,
    /// A verifier's bond
    #[arg(long, default_value_t = Settings::default().bond)]
    bond: u128,
    /// What a false model that becomes final is worth to a cheat
    #[arg(long, default_value_t = Settings::default().gain)]
    gain: u128,
    /// Segments that a cheat makes up
    #[arg(long, default_value_t = Settings::default().false_segments)]
    false_segments: u32,
    /// Share of the verifiers that are bribed
    #[arg(long, default_value = "20", value_parser = basis_points)]
    bribed: u16,
    /// Bonds that each verifier of a colluding client locks (collusion)
    #[arg(long, default_value_t = Settings::default().weight)]
    weight: u32,
    /// Share of its turns that an honest verifier misses (idle)
    #[arg(long, default_value = "10", value_parser = basis_points)]
    idle: u16,
    /// Share of the segments not drawn that challengers replay (audited, market)
    #[arg(long, default_value = "25", value_parser = basis_points)]
    audited: u16,
    /// Share of the operators that cheat (market)
    #[arg(long, default_value = "30", value_parser = basis_points)]
    lazy: u16,
    /// Seed of everything: the same options and seed give the same results
    #[arg(long, default_value_t = Settings::default().seed)]
    seed: u64,
    /// Print what the contract's formulas say of these terms, and simulate nothing
    #[arg(long, conflicts_with_all = ["json", "plots", "attacks"])]
    formulas: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Simulate and draw the plots of docs/economics.md into this folder, too
    #[arg(long, value_name = "DIR")]
    plots: Option<PathBuf>,
}

/// Per cent as basis points.
fn basis_points(text: &str) -> Result<u16, String> {
    let percent: f64 = text.trim_end_matches('%').trim_end().parse().map_err(|_| "not a number".to_owned())?;
    match (0.0..=100.0).contains(&percent) {
        true => Ok((percent * 100.0).round() as u16),
        false => Err("a share is 0 to 100 per cent".to_owned()),
    }
}

impl Options {
    fn settings(&self) -> Settings {
        Settings {
            jobs: self.jobs,
            operators: self.operators,
            verifiers: self.verifiers,
            enlisted: self.enlisted,
            segments: self.segments,
            samples: self.samples,
            panel: self.panel,
            payment: self.payment,
            fee: self.fee,
            segment_cost: self.segment_cost,
            stake: self.stake,
            bond: self.bond,
            gain: self.gain,
            false_segments: self.false_segments,
            bribed_bp: self.bribed,
            weight: self.weight,
            idle_bp: self.idle,
            audited_bp: self.audited,
            lazy_bp: self.lazy,
            seed: self.seed,
        }
    }
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let settings = options.settings();
    if let Err(refusal) = settings.check() {
        Options::command().error(ErrorKind::ValueValidation, refusal).exit();
    }
    if options.formulas {
        print!("{}", report::formulas(&settings));
        return Ok(());
    }
    let attacks = if options.attacks.is_empty() { Attack::value_variants() } else { &options.attacks };
    let runs = attacks.len() as u64 + options.plots.as_ref().map_or(0, |_| plots::RUNS);
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} jobs, {eta} left  {msg}")?;
    let bar = ProgressBar::new(runs * u64::from(settings.jobs)).with_style(style);
    let mut rows = Vec::new();
    for attack in attacks {
        bar.set_message(attack.name());
        rows.extend(simulate(*attack, &settings, || bar.inc(1))?);
    }
    if let Some(folder) = &options.plots {
        bar.set_message("plots");
        plots::all(&settings, folder, || bar.inc(1))?;
    }
    bar.finish_and_clear();
    match options.json {
        true => println!("{:#}", report::json(&settings, &rows)),
        false => print!("{}", report::table(&rows)),
    }
    Ok(())
}
