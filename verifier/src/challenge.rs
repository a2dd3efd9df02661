//! Challenging: replaying segments of a job in its window, drawn or not, and
//! putting a bond against what is false. Needs no stake and no enlistment; an
//! account that is enlisted for the job cannot challenge in it.

use crate::audit::choose::{Choice, List};
use crate::findings::{Finding, Found, Purpose, Subject};
use crate::inspect::{Assignment, Inspector};
use anyhow::{Context, bail};
use assay_client::{Amount, Error, Patience, Signer};
use assay_content::Store;
use assay_cuda::BackendChoice;
use assay_job::{Commitments, DataSpec, Task};
use assay_protocol::commitment::seal;
use assay_protocol::hash::Native;
use assay_protocol::market::{Challenge, JobView, MAX_PAGE, Role, State};
use assay_shell::money::Signing;
use assay_shell::options::Deployed;
use assay_shell::output::{self, UsageError};
use assay_shell::{ChainOptions, KeyOptions, Shutdown, inputs};
use clap::Args;
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

/// Which jobs and segments to replay, and whether to sign.
#[derive(Args, Clone, Debug)]
pub struct ChallengeOptions {
    /// The job, which must be in its window
    #[arg(required_unless_present = "watch")]
    pub job: Option<u64>,
    /// Segments to replay: numbers and ranges such as 0,3,7-9, or `all`
    #[arg(long, value_name = "LIST", conflicts_with = "count")]
    pub segments: Option<List>,
    /// Random segments to replay, those first that nobody was drawn for
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub count: u32,
    /// Wait for jobs to come into their windows, and look at each once, until stopped
    #[arg(long, conflicts_with_all = ["job", "segments"])]
    pub watch: bool,
    /// Folder for fetched data and checkpoints [default: assay/challenge in the user's cache folder]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Most bytes of a job's tensors in memory at a time; on the CPU, a job that has more
    /// is done in less by computing values twice and in parts of the batch, as far as that goes
    #[arg(long, value_name = "BYTES", default_value_t = 8 << 30)]
    pub max_memory_bytes: u64,
    /// Most bytes of a job's data file
    #[arg(long, value_name = "BYTES", default_value_t = inputs::POLICY_DATA_BYTES)]
    pub max_data_bytes: u64,
    /// What to replay on: cpu, cuda (the first NVIDIA GPU), or auto (the GPU if there is one that
    /// passes a self-test, else the CPU, which also takes over if the GPU fails)
    #[arg(long, value_name = "BACKEND", default_value_t)]
    pub backend: BackendChoice,
    /// Threads of a replay on the CPU; 0 for one per core
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub threads: usize,
    /// Whether to sign.
    #[command(flatten)]
    pub signing: Signing,
}

/// What a look at a segment came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Judgement {
    /// As committed.
    Right,
    /// Not what the specification gives: can be challenged.
    False,
    /// Could not be replayed, because a checkpoint is not served.
    Unserved,
}

/// A segment that was looked at.
#[derive(Clone, Debug, Serialize)]
pub struct Looked {
    /// The job.
    pub job: u64,
    /// The segment.
    pub segment: u32,
    /// What came of it.
    pub judgement: Judgement,
    /// In words.
    pub detail: String,
    /// The bond that a challenge costs.
    pub bond: String,
    /// Block of the challenge, if one was sent.
    pub challenged_in_block: Option<u64>,
}

struct Challenger {
    deployed: Deployed,
    signer: Signer,
    options: ChallengeOptions,
    cache: Store,
    inspector: Inspector,
}

/// Looks, and challenges with `-x`. Answers what was looked at and a text for people.
///
/// # Errors
/// If the job is not in its window, the key cannot challenge in it, or the chain
/// or the inputs cannot be had. A false segment is no error.
pub async fn run(
    options: &ChallengeOptions,
    chain: &ChainOptions,
    key: &KeyOptions,
) -> anyhow::Result<(Vec<Looked>, String)> {
    if options.watch && options.signing.execute && !options.signing.yes {
        bail!(UsageError("--watch -x signs while nobody may be there to ask: add -y".into()));
    }
    let signer = key.signer()?;
    let shutdown = Shutdown::on_signals()?;
    let patience = if options.watch { Patience::DAEMON } else { Patience::COMMAND };
    let deployed = tokio::select! {
        deployed = chain.connect(patience) => deployed?,
        () = shutdown.wait() => bail!("stopped before the chain answered"),
    };
    let folder = match &options.data {
        Some(folder) => folder.clone(),
        None => dirs::cache_dir()
            .context("there is no home directory to keep data in; name a folder with --data")?
            .join("assay")
            .join("challenge"),
    };
    let cache = Store::open(folder)?;
    let backend = options.backend.open(options.threads, options.max_memory_bytes)?;
    let inspector = Inspector::new(&deployed.chain, &deployed.market, deployed.fetcher(), cache.clone(), backend);
    let challenger = Challenger { deployed, signer, options: options.clone(), cache, inspector };
    let looked = tokio::select! {
        looked = challenger.all() => looked?,
        () = shutdown.wait() => {
            challenger.inspector.stop();
            return Ok((vec![], "stopped".into()));
        }
    };
    let text = looked.iter().map(describe).collect::<Vec<_>>().join("\n");
    Ok((looked, text))
}

fn describe(looked: &Looked) -> String {
    let Looked { job, segment, detail, bond, .. } = looked;
    let next = match (looked.judgement, looked.challenged_in_block) {
        (Judgement::Right, _) => String::new(),
        (Judgement::False, Some(block)) => format!("; challenged in block {block} with a bond of {bond}"),
        (Judgement::False, None) => format!("; add -x to challenge it with a bond of {bond}"),
        (Judgement::Unserved, _) => format!("; `assay job demand {job}` makes the operator answer on chain"),
    };
    format!("job {job}, segment {segment}: {detail}{next}")
}

impl Challenger {
    async fn all(&self) -> anyhow::Result<Vec<Looked>> {
        match self.options.job {
            Some(job) => {
                let view = self.deployed.market.job(job).await?.with_context(|| format!("there is no job {job}"))?;
                self.job(&view).await
            }
            None => self.watch().await,
        }
    }

    /// Until it is dropped: each job once, when it is in its window.
    async fn watch(&self) -> anyhow::Result<Vec<Looked>> {
        println!("ready challenger {} market {}", self.signer.address(), self.deployed.market.address());
        let mut blocks = self.deployed.chain.blocks();
        let mut done = BTreeSet::new();
        let mut lowest = 0;
        loop {
            blocks.next().await?;
            let mut offset = lowest;
            loop {
                let page = self.deployed.market.jobs(offset, MAX_PAGE).await?;
                if page.items.is_empty() {
                    break;
                }
                offset += page.items.len() as u64;
                for job in page.items {
                    if job.state.is_terminal() && job.id == lowest {
                        lowest += 1;
                    }
                    if job.state != State::Window || !done.insert(job.id) {
                        continue;
                    }
                    if let Err(error) = self.watched(job.id).await {
                        // Looked at again with the next block: windows end.
                        done.remove(&job.id);
                        tracing::warn!(job = job.id, "cannot be looked at: {error:#}");
                    }
                }
            }
        }
    }

    async fn watched(&self, job: u64) -> anyhow::Result<()> {
        let Some(view) = self.deployed.market.job(job).await? else { return Ok(()) };
        if view.job.state == State::Window {
            for looked in self.job(&view).await? {
                println!("{}", describe(&looked));
            }
        }
        Ok(())
    }

    /// Looks at the chosen segments of a job.
    async fn job(&self, view: &JobView) -> anyhow::Result<Vec<Looked>> {
        let (market, me) = (&self.deployed.market, self.signer.address());
        if view.job.state != State::Window {
            bail!("job {} is {:?}; only a job in its window can be challenged", view.id, view.job.state);
        }
        if view.job.operator == Some(me) || market.enlistment(view.id, me).await?.is_some() {
            bail!("{me} is the operator of job {} or enlisted for it: challenge with another account", view.id);
        }
        let leaves = self.leaves(view).await?;
        let spec = inputs::spec(&self.deployed, view).await?;
        let limit = self.options.max_data_bytes;
        let (deployed, DataSpec { dataset, prepare, .. }) = (&self.deployed, &spec.data);
        let fetcher = deployed.fetcher();
        let files = inputs::data_files(deployed, &fetcher, *dataset, prepare, &self.cache, limit, &|_, _| ()).await?;
        let task = Arc::new(tokio::task::spawn_blocking(move || Task::new(spec, &files)).await??);
        let mut looked = Vec::new();
        for segment in self.choose(view).await? {
            looked.push(self.segment(view, &task, &leaves, segment).await?);
        }
        Ok(looked)
    }

    /// The segments to look at: those that were asked for, or random ones, the
    /// ones that nobody checked before those that somebody did.
    async fn choose(&self, view: &JobView) -> anyhow::Result<Vec<u32>> {
        if let Some(list) = &self.options.segments {
            return Ok(Choice::List(list.clone()).segments(view.terms.segments).map_err(UsageError)?);
        }
        let checked: BTreeSet<u32> =
            self.deployed.market.slots(view.id).await?.iter().map(|slot| slot.segment).collect();
        let mut all: Vec<u32> = (0..view.terms.segments).collect();
        fastrand::shuffle(&mut all);
        all.sort_by_key(|segment| checked.contains(segment));
        all.truncate(self.options.count as usize);
        Ok(all)
    }

    /// The commitment's leaves, from the operator.
    async fn leaves(&self, view: &JobView) -> anyhow::Result<Commitments> {
        let root = view.commitment.as_ref().context("a job in its window has a commitment")?.root;
        let operator = view.job.operator.context("a job in its window has an operator")?;
        let standing = self.deployed.market.standing(Role::Operator, operator).await?;
        let endpoints: Vec<String> = standing.map(|standing| standing.endpoint).into_iter().collect();
        let segments = view.terms.segments;
        let check = |bytes: Vec<u8>| Commitments::from_bytes(&bytes, segments, &root);
        let limit = Commitments::encoded_limit(segments);
        let leaves = self.deployed.fetcher().leaves(&endpoints, &root, limit, check).await;
        leaves.with_context(|| {
            format!(
                "the operator does not serve the leaves; `assay job demand {} --boundary N` makes it answer on chain",
                view.id
            )
        })
    }

    async fn segment(
        &self,
        view: &JobView,
        task: &Arc<Task>,
        leaves: &Commitments,
        segment: u32,
    ) -> anyhow::Result<Looked> {
        let operator = view.job.operator.context("a job in its window has an operator")?;
        let (before, after) = (leaves.leaves()[segment as usize], leaves.leaves()[segment as usize + 1]);
        let job = self.deployed.market.job_id(view.id);
        let subject = Subject { job, root: leaves.root(), segment, before: before.state, after: after.state };
        let slots = self.deployed.market.slots(view.id).await?;
        let witness = slots.iter().find(|slot| slot.segment == segment).map_or(operator, |slot| slot.verifier);
        let assignment = Assignment {
            subject,
            purpose: Purpose::Challenge(segment),
            operator,
            witness,
            ends: view.ends.clone().context("the ends of the commitment are not open")?,
            // Half of the window is for looking, the rest for what follows.
            give_up_at: view.job.deadline.saturating_sub(u64::from(view.terms.windows.dispute) / 2),
        };
        let right = |finding: &Finding| match &finding.found {
            Found::Replayed { state, trace, .. } => {
                *state == after.state && seal(&Native, job, segment, trace, &operator) == after.seal
            }
            _ => false,
        };
        let first = self.inspector.inspect(task, &assignment).await?.context("stopped")?;
        let bond = Amount(view.terms.bond);
        let mut looked = Looked {
            job: view.id,
            segment,
            judgement: Judgement::Right,
            detail: first.describe(),
            bond: self.deployed.chain.unit().show(bond).to_string(),
            challenged_in_block: None,
        };
        if right(&first) {
            return Ok(looked);
        }
        if matches!(first.found, Found::Unavailable { .. }) {
            looked.judgement = Judgement::Unserved;
            return Ok(looked);
        }
        // A bond is at stake, and memory has been known to flip bits.
        let second = self.inspector.inspect(task, &assignment).await?.context("stopped")?;
        if second.found != first.found {
            bail!(
                "segment {segment} gave two different results on this machine; not challenging. Its memory or \
                 processor is faulty"
            );
        }
        looked.judgement = Judgement::False;
        if matches!(&first.found, Found::Replayed { state, .. } if *state == after.state) {
            looked.detail = "FALSE: it ends as committed, but the operator sealed another trace".into();
        }
        if self.options.signing.execute {
            let challenge = Challenge { segment, before: leaves.opening(segment), after: leaves.opening(segment + 1) };
            looked.challenged_in_block = Some(self.challenge(view.id, &challenge, bond, &looked).await?);
        }
        Ok(looked)
    }

    async fn challenge(&self, job: u64, challenge: &Challenge, bond: Amount, looked: &Looked) -> anyhow::Result<u64> {
        let call = self.deployed.market.challenge(job, challenge, bond);
        if !self.options.signing.yes {
            let run = call.dry_run(self.signer.account()).await.map_err(Error::from)?;
            eprintln!("job {job}, segment {}: {}", challenge.segment, looked.detail);
            eprintln!(
                "  a challenge puts {} at stake; fee {} at most",
                looked.bond,
                self.deployed.chain.unit().show(run.fee)
            );
            output::confirm()?;
        }
        self.deployed.chain.ensure_mapped(&self.signer).await?;
        Ok(call.execute(&self.signer).await?.block.number)
    }
}
