//! What an audit checked, and how it came out.

use assay_protocol::economics::undrawn;
use assay_protocol::{Address, Hash};
use serde::Serialize;
use std::fmt::Write;

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It holds.
    Ok,
    /// It does not hold, or what was asked for could not be had.
    Failed,
    /// It was not looked at.
    NotChecked,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was checked.
    pub name: String,
    /// How it came out.
    pub status: Status,
    /// What was compared, what differs, or why it was not looked at.
    pub detail: String,
}

/// How likely false segments would have gone unseen.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Odds {
    /// If so many segments of the job were false,
    pub false_segments: u32,
    /// the probability that this audit, which chose at random, replayed none of
    /// them; `None` if the segments were chosen by hand,
    pub unseen_here: Option<f64>,
    /// and the probability that none was among those drawn on chain.
    pub unseen_on_chain: f64,
}

/// Which segments were replayed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Segments {
    /// Segments of the job.
    pub total: u32,
    /// Segments that were drawn and checked on chain.
    pub drawn_on_chain: u32,
    /// Segments that this audit was to replay.
    pub chosen: Vec<u32>,
    /// Those of them that were replayed and are as committed.
    pub confirmed: Vec<u32>,
    /// Those of them that are false or could not be replayed.
    pub failed: Vec<u32>,
    /// The seed of the random choice, to repeat it; `None` if chosen by hand.
    pub seed: Option<u64>,
}

/// The model's answers on samples that were not trained on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct HeldOut {
    /// Right answers.
    pub right: u64,
    /// Answers: one for each sample, or for each token of a text's samples.
    pub labels: u64,
}

/// An audit's result.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The model.
    pub model: Hash,
    /// Its name on record.
    pub name: String,
    /// The market and the job that made it.
    pub market: Address,
    /// The job.
    pub job: u64,
    /// Who trained it.
    pub operator: Address,
    /// All checks, in order.
    pub checks: Vec<Check>,
    /// Which segments were replayed.
    pub segments: Segments,
    /// How likely false segments would have gone unseen.
    pub odds: Vec<Odds>,
    /// How the model does on held-out samples, computed here.
    pub held_out: Option<HeldOut>,
    /// Wall-clock seconds that the audit took.
    pub seconds: f64,
    /// Whether no check failed.
    pub passed: bool,
}

impl Report {
    /// The checks that failed.
    pub fn failures(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| check.status == Status::Failed)
    }

    /// Fills in what follows from the checks: odds and verdict.
    pub(crate) fn conclude(&mut self, random: bool) {
        let Segments { total, drawn_on_chain, confirmed, .. } = &self.segments;
        let (total, drawn, replayed) = (*total, *drawn_on_chain, confirmed.len() as u32);
        let mut counts = vec![1, 2, total / 20, total / 10, total / 4];
        counts.retain(|count| (1..=total).contains(count));
        counts.sort_unstable();
        counts.dedup();
        let odds = |false_segments| Odds {
            false_segments,
            unseen_here: random.then(|| undrawn(total, false_segments, replayed)),
            unseen_on_chain: undrawn(total, false_segments, drawn),
        };
        self.odds = counts.into_iter().map(odds).collect();
        self.passed = self.failures().count() == 0;
    }

    /// The table for people.
    pub fn table(&self) -> String {
        let mut text = format!(
            "Audit of model {}\n  {:?}, job {} of market {}, trained by {}\n\n",
            self.model, self.name, self.job, self.market, self.operator
        );
        let width = self.checks.iter().map(|check| check.name.chars().count()).max().unwrap_or(0);
        for check in &self.checks {
            let status = match check.status {
                Status::Ok => "ok",
                Status::Failed => "FAILED",
                Status::NotChecked => "not checked",
            };
            line(&mut text, format_args!("  {:width$}  {status:11}  {}", check.name, check.detail));
        }
        let Segments { total, drawn_on_chain, chosen, confirmed, seed, .. } = &self.segments;
        line(&mut text, format_args!(""));
        line(
            &mut text,
            format_args!(
                "Replayed here: {} of {total} segments{}. Drawn and checked on chain: {drawn_on_chain}.",
                confirmed.len(),
                match chosen.len() == confirmed.len() {
                    true => String::new(),
                    false => format!(" ({} were to be)", chosen.len()),
                }
            ),
        );
        if let Some(seed) = seed {
            line(&mut text, format_args!("The choice was random; --seed {seed} repeats it."));
        }
        for odds in &self.odds {
            let here = odds.unseen_here.map_or("chosen by hand".to_owned(), |odds| format!("{:.4} %", 100.0 * odds));
            line(
                &mut text,
                format_args!(
                    "  {:>6} false segment{}: unseen by this audit {here}, by the chain's draw {:.4} %",
                    odds.false_segments,
                    if odds.false_segments == 1 { " " } else { "s" },
                    100.0 * odds.unseen_on_chain
                ),
            );
        }
        if let Some(HeldOut { right, labels }) = self.held_out {
            let share = 100.0 * right as f64 / labels as f64;
            line(&mut text, format_args!("Held-out samples: {right} of {labels} right ({share:.2} %), computed here."));
        }
        let failed = self.failures().count();
        let verdict = match failed {
            0 => "nothing that was checked failed".to_owned(),
            1 => "1 check FAILED".to_owned(),
            _ => format!("{failed} checks FAILED"),
        };
        line(&mut text, format_args!("{verdict}, {:.1} s", self.seconds));
        text
    }
}

fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    writeln!(text, "{arguments}").expect("a string takes all text");
}

/// The checks as they are made.
#[derive(Debug, Default)]
pub(crate) struct Checks(pub Vec<Check>);

impl Checks {
    fn push(&mut self, name: impl Into<String>, status: Status, detail: impl Into<String>) {
        self.0.push(Check { name: name.into(), status, detail: detail.into() });
    }

    pub fn ok(&mut self, name: impl Into<String>, detail: impl Into<String>) {
        self.push(name, Status::Ok, detail);
    }

    pub fn failed(&mut self, name: impl Into<String>, detail: impl Into<String>) {
        self.push(name, Status::Failed, detail);
    }

    pub fn skipped(&mut self, name: impl Into<String>, why: impl Into<String>) {
        self.push(name, Status::NotChecked, why);
    }

    /// Two values that must be the same.
    pub fn same<T: PartialEq + std::fmt::Display>(&mut self, name: &str, what: &str, found: T, expected: T) -> bool {
        let same = found == expected;
        match same {
            true => self.ok(name, format!("{what} is {found}")),
            false => self.failed(name, format!("{what} is {found}, and on record is {expected}")),
        }
        same
    }

    /// A result: its sentence, or why it failed.
    pub fn result<T>(&mut self, name: &str, result: Result<(T, String), String>) -> Option<T> {
        match result {
            Ok((value, detail)) => {
                self.ok(name, detail);
                Some(value)
            }
            Err(reason) => {
                self.failed(name, reason);
                None
            }
        }
    }
}
