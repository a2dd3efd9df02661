//! The tables of `docs/costs.md`, and what may not be in them.

use crate::chain::{Cost, Life};
use assay_node_runtime::{configs::RuntimeBlockWeights, currency};
use frame_support::dispatch::DispatchClass;
use frame_support::weights::Weight;
use frame_system::limits::BlockWeights;
use std::fmt;

/// How much more a message may cost with many records than with few.
const MOST_SPREAD: f64 = 0.02;
/// How much of a block's computation a job's whole life may take.
const MOST_OF_A_BLOCK: f64 = 0.1;

/// What was measured with one number of records.
pub struct Measured {
    /// Values that the contracts store.
    pub values: u32,
    /// Messages by name.
    pub rows: Vec<(String, Cost)>,
    /// A job's life in peace and one with a dispute.
    pub lives: [Life; 2],
    /// Name, bytes of code and code hash of each contract.
    pub bundles: Vec<(&'static str, usize, String)>,
}

/// The same with several numbers of records.
pub struct Table {
    records: Vec<u64>,
    measured: Vec<Measured>,
}

impl Table {
    /// With `measured[i]` taken with `records[i]` records.
    pub fn new(records: Vec<u64>, measured: Vec<Measured>) -> Self {
        Self { records, measured }
    }

    /// Each message with what it cost with each number of records.
    fn rows(&self) -> impl Iterator<Item = (&str, Vec<Cost>)> {
        self.measured[0].rows.iter().map(|(name, _)| {
            let cost = |measured: &Measured| measured.rows.iter().find(|(known, _)| known == name).expect("sent").1;
            (name.as_str(), self.measured.iter().map(cost).collect())
        })
    }

    /// Goals that were missed.
    pub fn complaints(&self) -> Vec<String> {
        let dear = self.rows().filter(|(_, costs)| spread(costs) > MOST_SPREAD);
        let dear = dear.map(|(name, costs)| {
            format!("{name} differs by {:.1} % with the number of records", spread(&costs) * 100.0)
        });
        let lives = self.measured.iter().map(|measured| share(measured.lives[0].weight.ref_time(), block().ref_time()));
        let long = lives.filter(|share| *share > MOST_OF_A_BLOCK);
        let long = long.map(|share| format!("a job's life takes {:.1} % of a block's computation", share * 100.0));
        dear.chain(long).collect()
    }

    fn messages(&self, f: &mut fmt::Formatter<'_>, heads: &str) -> fmt::Result {
        writeln!(
            f,
            "| message | ms | of a block | proof, kB | deposit | fee | differs by | state's proof, kB, with {heads} |"
        )?;
        writeln!(f, "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")?;
        for (name, costs) in self.rows() {
            let part = |decimals, part: fn(&Cost) -> f64| figures(costs.iter().map(part), decimals);
            writeln!(
                f,
                "| {name} | {} | {} % | {} | {} | {} | {:.2} % | {} |",
                part(2, |cost| cost.weight.ref_time() as f64 / 1e9),
                part(2, |cost| share(cost.weight.ref_time(), block().ref_time()) * 100.0),
                part(0, |cost| cost.weight.proof_size() as f64 / 1e3),
                part(5, |cost| tokens(cost.deposit)),
                part(5, |cost| tokens(cost.fee as i128)),
                spread(&costs) * 100.0,
                part(0, |cost| cost.proof as f64 / 1e3),
            )?;
        }
        Ok(())
    }

    fn lives(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| a job's whole life | messages | ms | of a block | proof, kB | of a block | deposits left | fees |"
        )?;
        writeln!(f, "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")?;
        for (life, name) in ["in peace", "with a dispute"].into_iter().enumerate() {
            let lives: Vec<Life> = self.measured.iter().map(|measured| measured.lives[life]).collect();
            let part = |decimals, part: fn(&Life) -> f64| figures(lives.iter().map(part), decimals);
            writeln!(
                f,
                "| {name} | {} | {} | {} % | {} | {} % | {} | {} |",
                part(0, |life| life.messages.into()),
                part(1, |life| life.weight.ref_time() as f64 / 1e9),
                part(1, |life| share(life.weight.ref_time(), block().ref_time()) * 100.0),
                part(0, |life| life.weight.proof_size() as f64 / 1e3),
                part(1, |life| share(life.weight.proof_size(), block().proof_size()) * 100.0),
                part(5, |life| tokens(life.deposit)),
                part(5, |life| tokens(life.fee as i128)),
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heads: Vec<String> = self.records.iter().map(|records| thousands(*records)).collect();
        self.messages(f, &heads.join(" / "))?;
        writeln!(f)?;
        self.lives(f)?;
        writeln!(f, "\n| contract | bytes of code | code hash |\n| --- | ---: | --- |")?;
        for (name, bytes, hash) in &self.measured[0].bundles {
            writeln!(f, "| `{name}` | {bytes} | `{hash}` |")?;
        }
        let values: Vec<String> = self.measured.iter().map(|measured| thousands(measured.values.into())).collect();
        writeln!(
            f,
            "\nWith {} records of each kind the contracts held {} values.",
            heads.join(" / "),
            values.join(" / ")
        )
    }
}

/// The figures beside each other, or one if they all look the same.
fn figures(values: impl Iterator<Item = f64>, decimals: usize) -> String {
    let mut shown: Vec<String> = values.map(|value| format!("{value:.decimals$}")).collect();
    if shown.iter().all(|figure| *figure == shown[0]) {
        shown.truncate(1);
    }
    shown.join(" / ")
}

/// What transactions may use of a block.
fn block() -> Weight {
    let weights: BlockWeights = RuntimeBlockWeights::get();
    weights.get(DispatchClass::Normal).max_total.expect("it is limited")
}

/// By how much the dearest is above the cheapest, in the worst of weight's parts and deposit.
fn spread(costs: &[Cost]) -> f64 {
    let parts: [fn(&Cost) -> i128; 3] =
        [|cost| cost.weight.ref_time().into(), |cost| cost.weight.proof_size().into(), |cost| cost.deposit];
    parts
        .into_iter()
        .map(|part| {
            let values = costs.iter().map(part);
            let (least, most) = (values.clone().min().unwrap_or(0), values.max().unwrap_or(0));
            if least == most {
                0.0
            } else {
                (most - least) as f64 / least.unsigned_abs().max(1) as f64
            }
        })
        .fold(0.0, f64::max)
}

fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

fn tokens(amount: i128) -> f64 {
    amount as f64 / currency::UNIT as f64
}

/// `number` with commas.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).expect("digits")).collect();
    groups.join(",")
}
