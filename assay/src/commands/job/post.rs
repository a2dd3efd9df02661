//! `job post`: from a description to a job on chain.

use crate::cli::{Answer, Global, shown};
use crate::description::{Amounts, Description, Source};
use crate::economics::{least_stake_per_payment, odds};
use crate::names::no_dataset;
use crate::progress;
use crate::secrets::{Secret, random};
use crate::show;
use crate::signing::Signing;
use anyhow::{Context, bail};
use assay_client::{Amount, Unit};
use assay_content::Store;
use assay_job::{JobSpec, Task};
use assay_protocol::Hash;
use assay_protocol::market::{ModelTerms, PostJob, Terms};
use assay_shell::inputs;
use assay_shell::options::Deployed;
use clap::Args;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Post a job.
#[derive(Args, Debug)]
pub struct Post {
    /// The description, see docs/job.md
    file: PathBuf,
    /// Do not fetch the dataset to see whether it fits the job. Nobody can do a
    /// job whose data does not fit, and its payment waits until it is cancelled
    #[arg(long)]
    skip_data_check: bool,
}

impl Post {
    /// Does it.
    pub async fn run(self, global: &Global) -> anyhow::Result<Answer> {
        let description = Description::load(&self.file)?;
        let folder = self.file.parent().unwrap_or(Path::new("."));
        let source = description.source(folder)?;
        let seed = match description.seed {
            Some(seed) => seed,
            None => random()?,
        };
        let spec = description.spec(source.id(), seed)?;
        // What a folder here shows needs no chain.
        if let Source::Folder(folder, _) = &source {
            check_folder(&spec, folder)?;
        }
        let deployed = global.connect().await?;
        let unit = deployed.chain.unit();
        let amounts = description.amounts(unit)?;
        let dataset = deployed.registry.dataset(spec.data.dataset).await?;
        let dataset = dataset.with_context(|| no_dataset(&spec.data.dataset))?;
        if !self.skip_data_check && !matches!(source, Source::Folder(..)) {
            check_served(global, &deployed, &spec).await?;
        }

        let mut signing = Signing::new(global, &deployed.chain).await?;
        let secret = Secret::new(signing.address(), deployed.market.address())?;
        let job = PostJob {
            terms: terms(&description, &spec, &amounts, secret.sealed),
            model: ModelTerms {
                name: description.model.name.clone(),
                licence: description.model.licence.clone(),
                parent: description.model.parent,
            },
            datasets: vec![spec.data.dataset],
            spec: spec.to_bytes(),
        };
        let summary = summary(unit, &job.terms, &spec, &amounts);
        if !global.json {
            eprint!("{}", summary_text(unit, &job, &spec, &amounts, &dataset.name));
        }
        let what = format!("post the job, with payment and fee ({})", show::plain(&job.model.name));
        let call = deployed.market.post_job(&job);
        let run = signing.plan(what, &call).await?;
        if !signing.confirm().await? {
            return signing.tried(summary);
        }
        // First of all the secret: without it the client could not take part in
        // the draw of a job that it has paid for.
        let kept = secret.save(&global.data()?)?;
        let receipt = signing.send("post the job", &call, &run).await?;
        let id = deployed.market.posted_job(&receipt)?;
        let mut data = summary;
        data["job"] = json!(id);
        data["secret_file"] = json!(kept);
        if !global.json {
            eprintln!(
                "The job's secret is at {}; `assay job watch {id} --reveal -x -y` reveals it in time.",
                kept.display()
            );
        }
        signing.done(data, id.to_string())
    }
}

fn check_folder(spec: &JobSpec, folder: &Path) -> anyhow::Result<()> {
    let path = folder.join(&spec.data.file);
    let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    Task::new(spec.clone(), &bytes).with_context(|| format!("{} does not fit the job", path.display()))?;
    Ok(())
}

/// Fetches the dataset as an operator would, and tries it.
async fn check_served(global: &Global, deployed: &Deployed, spec: &JobSpec) -> anyhow::Result<()> {
    let cache = Store::open(global.data()?.join("cache"))?;
    let bar = progress::bytes("fetching the dataset");
    let (fetcher, report) = (deployed.fetcher(), progress::of_fetch(&bar));
    let bytes = inputs::data_file(deployed, &fetcher, spec, &cache, inputs::MAX_DATA_BYTES, &report).await;
    bar.finish_and_clear();
    let bytes = bytes.context(
        "an operator could not fetch the dataset; its owner can mend that with `assay dataset set-locations` \
         (--skip-data-check posts the job all the same)",
    )?;
    if let Err(error) = Task::new(spec.clone(), &bytes) {
        bail!("the dataset does not fit the job: {error}");
    }
    Ok(())
}

fn terms(description: &Description, spec: &JobSpec, amounts: &Amounts, sealed_secret: Hash) -> Terms {
    Terms {
        spec: spec.hash(),
        program: spec.program,
        segments: spec.segments(),
        payment: amounts.payment.0,
        fee: amounts.fee.0,
        stake: amounts.stake.0,
        bond: amounts.bond.0,
        samples: description.samples,
        panel: description.panel,
        sealed_secret,
        windows: description.windows,
    }
}

/// The least stake, rounded up: it comes of a probability, and is not exact.
fn least_stake(unit: &Unit, terms: &Terms, payment: Amount) -> Amount {
    let factor = least_stake_per_payment(terms.segments, u32::from(terms.samples));
    // The conversion saturates.
    rounded_up(unit, Amount((payment.0 as f64 * factor) as u128))
}

/// An amount rounded up to a thousandth of the token.
fn rounded_up(unit: &Unit, amount: Amount) -> Amount {
    let step = unit.parse(&format!("0.001 {}", unit.symbol)).map_or(1, |step| step.0.max(1));
    Amount(amount.0.div_ceil(step).saturating_mul(step))
}

fn summary(unit: &Unit, terms: &Terms, spec: &JobSpec, amounts: &Amounts) -> Value {
    json!({
        "spec": terms.spec,
        "program": terms.program,
        "dataset": spec.data.dataset,
        "seed": spec.seed,
        "steps": spec.steps,
        "segments": terms.segments,
        "samples": terms.samples,
        "payment": unit.show(amounts.payment).to_string(),
        "fee": unit.show(amounts.fee).to_string(),
        "stake": unit.show(amounts.stake).to_string(),
        "bond": unit.show(amounts.bond).to_string(),
        "odds_unseen": odds(terms.segments, u32::from(terms.samples)),
        "least_stake": unit.show(least_stake(unit, terms, amounts.payment)).to_string(),
    })
}

fn summary_text(unit: &Unit, job: &PostJob, spec: &JobSpec, amounts: &Amounts, dataset: &str) -> String {
    let terms = &job.terms;
    let least = least_stake(unit, terms, amounts.payment);
    let mut text = show::fields([
        ("model", format!("{} ({})", show::plain(&job.model.name), show::plain(&job.model.licence))),
        ("dataset", format!("{} {}", show::plain(dataset), spec.data.dataset)),
        ("program", terms.program.to_string()),
        ("seed", spec.seed.to_string()),
        ("work", format!("{} in {}", show::count(spec.steps, "step"), show::count(terms.segments, "segment"))),
        ("operator", format!("is paid {}, locks {}", unit.show(amounts.payment), unit.show(amounts.stake))),
        (
            "verifiers",
            format!(
                "are paid {} for {}, lock {} each",
                unit.show(amounts.fee),
                show::count(terms.samples, "segment"),
                unit.show(amounts.bond)
            ),
        ),
    ]);
    for odds in odds(terms.segments, u32::from(terms.samples)) {
        text += &format!(
            "{} of {}: unseen with odds {:.4} %\n",
            show::count(odds.false_segments, "false segment"),
            terms.segments,
            odds.unseen * 100.0
        );
    }
    text +=
        &format!("no cheat pays at a stake of about {} or more, if the work costs what it is paid\n", unit.show(least));
    if amounts.stake < least {
        text +=
            &format!("warning: the stake of {} is below that; raise stake or samples\n", shown(unit, amounts.stake.0));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounded_amounts_round_up() {
        let unit = Unit { symbol: "UNIT".into(), decimals: 12, native_to_contract: 1_000_000 };
        let token = 10u128.pow(18);
        assert_eq!(rounded_up(&unit, Amount(token)), Amount(token));
        assert_eq!(rounded_up(&unit, Amount(token + 1)), Amount(token + token / 1000));
        assert_eq!(rounded_up(&unit, Amount(u128::MAX)), Amount(u128::MAX));
    }
}
