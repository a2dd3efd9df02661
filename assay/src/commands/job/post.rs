//! `job post`: from a description to a job on chain.

use crate::cli::{Answer, Global, shown};
use crate::description::{Amounts, Description, Source};
use crate::economics::Economics;
use crate::names::no_dataset;
use crate::progress;
use crate::secrets::{Secret, random};
use crate::show;
use crate::signing::Signing;
use anyhow::{Context, bail};
use assay_client::{Amount, CallError, Unit};
use assay_content::Store;
use assay_data::Files;
use assay_job::JobSpec;
use assay_protocol::market::{ModelTerms, Policy, PostJob, Terms};
use assay_protocol::registry::{self, Royalty, share};
use assay_protocol::{Address, Hash};
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
    /// The most that the owners of the inputs may get together, in basis points
    /// of the payment. By default what they ask for when this is shown: the
    /// market refuses the job if they ask for more by then
    #[arg(long, visible_alias = "most-royalties", value_name = "BP", value_parser = clap::value_parser!(u16).range(..=i64::from(registry::WHOLE_BP)))]
    most_royalties_bp: Option<u16>,
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
        // What a folder here shows needs no chain.
        let here = match &source {
            Source::Folder(folder, _) => Some(description.task(source.id(), seed, &description.files_in(folder)?)?),
            Source::Id(_) | Source::Manifest(_) => None,
        };
        let deployed = global.connect().await?;
        let dataset = deployed.registry.dataset(source.id()).await?;
        let dataset = dataset.with_context(|| no_dataset(&source.id()))?;
        let mut signing = Signing::new(global, &deployed.chain).await?;
        let royalties = royalties(&deployed, signing.address(), source.id(), description.model.parent).await?;
        let task = match here {
            Some(task) => task,
            None => {
                description.task(source.id(), seed, &fetched(global, &deployed, &description, source.id()).await?)?
            }
        };
        let spec = task.into_spec();
        let unit = deployed.chain.unit();
        let amounts = description.amounts(unit)?;
        let policy = description.policy(unit, amounts.payment, spec.segments())?;
        let secret = Secret::new(signing.address(), deployed.market.address())?;
        let job = PostJob {
            terms: terms(&description, &spec, &amounts, policy, secret.sealed),
            model: ModelTerms {
                name: description.model.name.clone(),
                licence: description.model.licence.clone(),
                parent: description.model.parent,
                royalty_bp: description.model.royalty_bp,
            },
            datasets: vec![spec.data.dataset],
            spec: spec.to_bytes(),
            most_royalties_bp: most_royalties(&royalties, self.most_royalties_bp)?,
        };
        let Terms { segments, samples, panel, payment, .. } = job.terms;
        let economics = Economics::new(segments, samples, panel, payment, &policy);
        let offered = Offered { unit, job: &job, spec: &spec, royalties: &royalties, economics: &economics };
        let summary = offered.data();
        if !global.json {
            eprint!("{}", offered.text(&dataset.name));
        }
        offered.check()?;
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

/// Fetches the data as an operator would.
async fn fetched(
    global: &Global,
    deployed: &Deployed,
    description: &Description,
    dataset: Hash,
) -> anyhow::Result<Files> {
    let cache = Store::open(global.data()?.join("cache"))?;
    let bar = progress::bytes("fetching the dataset");
    let (fetcher, report) = (deployed.fetcher(), progress::of_fetch(&bar));
    let prepare = &description.data.prepare;
    let files = inputs::data_files(deployed, &fetcher, dataset, prepare, &cache, inputs::MAX_DATA_BYTES, &report).await;
    bar.finish_and_clear();
    files.context("an operator could not fetch the dataset; its owner can mend that with `assay dataset set-locations`")
}

/// What the owners of the job's inputs will get; an error that says what to do
/// if the client may not use one of them.
async fn royalties(
    deployed: &Deployed,
    client: Address,
    dataset: Hash,
    parent: Option<Hash>,
) -> anyhow::Result<Vec<Royalty>> {
    match deployed.registry.check_inputs(client, &[dataset], parent).await {
        Ok(royalties) => Ok(royalties),
        Err(CallError::Refused { reason: registry::Error::NoGrant(id), .. }) => bail!(
            "{client} may not use dataset {id}: `assay dataset show {id}` says what access costs, \
             and `assay dataset buy {id}` buys it if it is for sale; else its owner may grant it"
        ),
        Err(error) => Err(assay_client::Error::from(error)).context("the registry does not let this job be posted"),
    }
}

/// What the client agrees to: what it is shown, or what it has said, if that is enough.
fn most_royalties(royalties: &[Royalty], said: Option<u16>) -> anyhow::Result<u16> {
    let asked: u32 = royalties.iter().map(|royalty| u32::from(royalty.share_bp)).sum();
    let asked = u16::try_from(asked).ok().filter(|asked| *asked <= registry::WHOLE_BP);
    let asked = asked.context("the owners of the inputs ask for more than the whole payment; use other inputs")?;
    match said {
        Some(said) if said < asked => bail!(
            "--most-royalties-bp: the owners of the inputs ask for {asked} basis points, not {said}; allow as much, or \
             use other inputs"
        ),
        said => Ok(said.unwrap_or(asked)),
    }
}

fn terms(description: &Description, spec: &JobSpec, amounts: &Amounts, policy: Policy, sealed_secret: Hash) -> Terms {
    Terms {
        spec: spec.hash(),
        program: spec.program,
        segments: spec.segments(),
        payment: amounts.payment.0,
        fee: amounts.fee.0,
        stake: amounts.stake.0,
        hand_back: amounts.hand_back.0,
        bond: amounts.bond.0,
        samples: description.samples,
        panel: description.panel,
        sealed_secret,
        policy,
        windows: description.windows,
    }
}

/// An amount rounded up to a thousandth of the token, to be read.
fn rounded_up(unit: &Unit, amount: u128) -> Amount {
    let step = unit.parse(&format!("0.001 {}", unit.symbol)).map_or(1, |step| step.0.max(1));
    Amount(amount.div_ceil(step).saturating_mul(step))
}

/// A share in basis points as a percentage.
fn percent(bp: u16) -> String {
    format!("{} %", f64::from(bp) / 100.0)
}

/// What is about to be posted.
struct Offered<'a> {
    unit: &'a Unit,
    job: &'a PostJob,
    spec: &'a JobSpec,
    royalties: &'a [Royalty],
    economics: &'a Economics,
}

impl Offered<'_> {
    fn show(&self, amount: u128) -> String {
        shown(self.unit, amount)
    }

    fn royalties_paid(&self) -> u128 {
        self.royalties.iter().map(|royalty| share(self.job.terms.payment, royalty.share_bp)).sum()
    }

    /// A stake, rounded up; "none" if no stake is enough.
    fn stake(&self, stake: Option<u128>) -> String {
        stake.map_or_else(|| "none is enough".into(), |stake| self.unit.show(rounded_up(self.unit, stake)).to_string())
    }

    /// Refuses what the market would refuse, in words that fit a description.
    fn check(&self) -> anyhow::Result<()> {
        let terms = &self.job.terms;
        match self.economics.asked {
            Some(asked) if terms.stake >= asked => Ok(()),
            Some(asked) => bail!(
                "stake: {} is below {}, at which the cheat of the job's policy does not pay; raise stake or samples, \
                 or change the policy",
                self.show(terms.stake),
                self.unit.show(rounded_up(self.unit, asked))
            ),
            None => bail!(
                "policy: no stake makes this cheat unprofitable, because it is never seen or gains too much; \
                 more samples or a smaller bribed_bp help"
            ),
        }
    }

    fn data(&self) -> Value {
        let (terms, spec) = (&self.job.terms, self.spec);
        let odds = self.economics.odds.iter().map(|odds| {
            json!({
                "false_segments": odds.false_segments,
                "unseen": odds.unseen,
                "unseen_bribed": odds.unseen_bribed,
                "second_throw": odds.second_throw,
                "gain": self.show(odds.gain),
                "least_stake": odds.least_stake.map(|stake| self.show(stake)),
            })
        });
        let royalties = self.royalties.iter().map(|royalty| {
            json!({
                "node": royalty.node,
                "to": royalty.to,
                "share_bp": royalty.share_bp,
                "amount": self.show(share(terms.payment, royalty.share_bp)),
            })
        });
        json!({
            "spec": terms.spec,
            "program": terms.program,
            "dataset": spec.data.dataset,
            "seed": spec.seed,
            "steps": spec.steps,
            "segments": terms.segments,
            "samples": terms.samples,
            "payment": self.show(terms.payment),
            "fee": self.show(terms.fee),
            "stake": self.show(terms.stake),
            "hand_back": self.show(terms.hand_back),
            "bond": self.show(terms.bond),
            "royalties": royalties.collect::<Vec<_>>(),
            "most_royalties_bp": self.job.most_royalties_bp,
            "operator_gets": self.show(terms.payment.saturating_sub(self.royalties_paid())),
            "policy": {
                "gain": self.show(terms.policy.gain),
                "false_segments": terms.policy.false_segments,
                "bribed_bp": terms.policy.bribed_bp,
                "least_stake": self.economics.asked.map(|stake| self.show(stake)),
            },
            "bribed_bp": self.economics.bribed_bp,
            "odds": odds.collect::<Vec<_>>(),
            "least_stake": self.economics.least_stake().map(|stake| self.show(stake)),
        })
    }

    fn text(&self, dataset: &str) -> String {
        let (terms, model, spec) = (&self.job.terms, &self.job.model, self.spec);
        let left = terms.payment.saturating_sub(self.royalties_paid());
        let mut lines = vec![
            ("model", format!("{} ({})", show::plain(&model.name), show::plain(&model.licence))),
            ("dataset", format!("{} {}", show::plain(dataset), spec.data.dataset)),
            ("program", terms.program.to_string()),
            ("seed", spec.seed.to_string()),
            ("work", format!("{} in {}", show::count(spec.steps, "step"), show::count(terms.segments, "segment"))),
            ("payment", self.show(terms.payment)),
        ];
        for royalty in self.royalties {
            let amount = self.show(share(terms.payment, royalty.share_bp));
            let to = format!("{amount} ({}) to {} for {}", percent(royalty.share_bp), royalty.to, royalty.node);
            lines.push(("  royalty", to));
        }
        lines.push((
            "operator",
            format!(
                "gets {}, locks {}; handing the job back costs it {}",
                self.show(left),
                self.show(terms.stake),
                self.show(terms.hand_back)
            ),
        ));
        lines.push((
            "verifiers",
            format!(
                "get {} for {}, lock {} each at least",
                self.show(terms.fee),
                show::count(terms.samples, "segment"),
                self.show(terms.bond)
            ),
        ));
        format!("{}\n{}\n{}", show::fields(lines), self.odds_table(), self.judgement())
    }

    fn odds_table(&self) -> String {
        let bribed = format!("{} BRIBED", percent(self.economics.bribed_bp));
        let heading = ["FALSE SEGMENTS", "UNSEEN", &bribed, "SECOND THROW", "IF IT GAINS", "LEAST STAKE"];
        let row = |odds: &crate::economics::Odds| {
            vec![
                format!("{} of {}", odds.false_segments, self.job.terms.segments),
                format!("{:.4} %", odds.unseen * 100.0),
                format!("{:.4} %", odds.unseen_bribed * 100.0),
                format!("{:.4} %", odds.second_throw * 100.0),
                self.unit.show(rounded_up(self.unit, odds.gain)).to_string(),
                self.stake(odds.least_stake),
            ]
        };
        show::table(&heading, &self.economics.odds.iter().map(row).collect::<Vec<_>>())
    }

    fn judgement(&self) -> String {
        let (terms, policy) = (&self.job.terms, &self.job.terms.policy);
        let mut text = match policy.gain {
            0 => "policy: nothing is asked of the stake\n".to_string(),
            gain => format!(
                "policy: a false model is worth {}, {} false, {} bribed: the stake must be {} or more, and is {}\n",
                self.show(gain),
                show::count(policy.false_segments, "segment"),
                percent(policy.bribed_bp),
                self.stake(self.economics.asked),
                self.show(terms.stake)
            ),
        };
        let least = self.economics.least_stake();
        if least.is_none_or(|least| terms.stake < least) {
            text += &format!(
                "warning: a cheat that gains its share of the payment may pay, with {} of the verifiers' weight bribed; \
                 the stake at which none does: {}\n",
                percent(self.economics.bribed_bp),
                self.stake(least)
            );
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_agrees_to_what_it_is_shown_or_to_more() {
        let of =
            |share_bp| Royalty { node: registry::Node::Dataset(Hash::default()), to: Address::default(), share_bp };
        let asked = [of(200), of(50)];
        assert_eq!(most_royalties(&[], None).unwrap(), 0);
        assert_eq!(most_royalties(&asked, None).unwrap(), 250);
        assert_eq!(most_royalties(&asked, Some(300)).unwrap(), 300);
        assert!(most_royalties(&asked, Some(249)).unwrap_err().to_string().contains("250 basis points"));
        assert!(most_royalties(&[of(10_000), of(1)], None).unwrap_err().to_string().contains("other inputs"));
    }

    #[test]
    fn rounded_amounts_round_up() {
        let unit = Unit { symbol: "UNIT".into(), decimals: 12, native_to_contract: 1_000_000 };
        let token = 10u128.pow(18);
        assert_eq!(rounded_up(&unit, token), Amount(token));
        assert_eq!(rounded_up(&unit, token + 1), Amount(token + token / 1000));
        assert_eq!(rounded_up(&unit, u128::MAX), Amount(u128::MAX));
        assert_eq!((percent(0), percent(250), percent(10_000)), ("0 %".into(), "2.5 %".into(), "100 %".into()));
    }
}
