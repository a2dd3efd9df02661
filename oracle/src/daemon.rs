//! The running oracle: serves what it has, looks for jobs, works on them.

use crate::context::{Context, default_folder, tie_folder};
use crate::options::{KeepCheckpoints, RunOptions, amount};
use crate::policy;
use crate::progress::Progress;
use crate::trainer::Trainer;
use crate::worker::{self, Ended, PROGRESS_FILE, Worker};
use anyhow::{Context as _, bail};
use assay_client::{Amount, Patience, Signer};
use assay_content::{Kind, Store, serve, store::write_atomically};
use assay_protocol::market::{JobSummary, MAX_PAGE, Role, State};
use assay_protocol::{Address, Hash};
use assay_shell::endpoint::endpoint;
use assay_shell::options::Deployed;
use assay_shell::{ChainOptions, Journal, KeyOptions, Shutdown};
use futures_util::FutureExt;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// When a job that could not be prepared is looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// How long workers and downloads may take to stop.
const STOPPING: Duration = Duration::from_secs(20);
/// In a job's folder: how it ended.
const ENDED_FILE: &str = "ended";

/// Runs an oracle until `shutdown`, or with `--once` until the jobs taken are done.
///
/// # Errors
/// If it cannot start, or cannot go on: what is wrong, and what to do.
pub async fn run(
    options: RunOptions,
    chain: &ChainOptions,
    key: &KeyOptions,
    trainer: Arc<dyn Trainer>,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    let signer = key.signer()?;
    let deployed = tokio::select! {
        deployed = chain.connect(Patience::DAEMON) => deployed?,
        () = shutdown.wait() => return Ok(()),
    };
    let unit = deployed.chain.unit().clone();
    let policy = options.policy.policy(&unit)?;
    let stake = options.stake.as_deref().map(|text| amount(&unit, "--stake", text)).transpose()?;
    let withdraw_above = amount(&unit, "--withdraw-above", &options.withdraw_above)?;

    let folder = options.data.clone().map_or_else(|| default_folder(&signer), Ok)?;
    // The journal first: it locks the folder.
    let journal = Journal::open(&folder)?;
    tie_folder(&folder, &deployed, &signer)?;
    let content = Store::open(folder.join("content"))?;
    let backend = options.backend.open(options.threads, policy.max_memory_bytes)?;
    let router = serve::router(content.clone());
    let (bound, server) = serve::serve(router, options.listen, {
        let shutdown = shutdown.clone();
        async move { shutdown.wait().await }
    })
    .await?;
    let endpoint = endpoint(options.endpoint.as_deref(), bound)?;
    let server = tokio::spawn(server);

    let context = Arc::new(Context {
        inputs: Store::open(folder.join("inputs"))?,
        content,
        fetcher: deployed.fetcher(),
        deployed,
        signer,
        endpoint,
        policy,
        trainer,
        backend,
        folder,
        keep_all: options.keep_checkpoints == KeepCheckpoints::All,
        meters: Default::default(),
        shutdown: shutdown.clone(),
        journal: Mutex::new(journal),
    });
    no_other_oracle(&context).await?;
    tokio::select! {
        announced = announce(&context, stake, (!options.no_offer).then_some(options.note)) => announced?,
        () = shutdown.wait() => return Ok(()),
    }
    println!("ready {} operator {} data {}", context.endpoint, context.operator(), context.folder.display());
    tracing::info!(
        account = %context.signer.account(),
        listen = %bound,
        endpoint = context.endpoint,
        backend = context.backend.name(),
        "watching for jobs"
    );
    let mut daemon = Daemon {
        context,
        once: options.once,
        withdraw_above,
        workers: JoinSet::new(),
        busy: HashMap::new(),
        aside: HashMap::new(),
        lowest: 0,
        ended: 0,
        unpaid: vec![],
    };
    let ended = daemon.watch(server, bound).await;
    daemon.stop().await;
    ended?;
    match daemon.unpaid.is_empty() || !options.once {
        true => Ok(()),
        false => bail!("not paid for job {}", daemon.unpaid.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")),
    }
}

/// Refuses to start where the chain shows a live job that this account has not
/// claimed from this folder. To announce another endpoint would take the
/// verifiers away from the checkpoints of that job.
async fn no_other_oracle(context: &Context) -> anyhow::Result<()> {
    let (market, operator) = (context.market(), context.operator());
    let mut offset = 0;
    loop {
        let page = market.jobs(offset, MAX_PAGE).await?;
        for summary in &page.items {
            if summary.operator != Some(operator) || summary.state.is_terminal() {
                continue;
            }
            if let Some(job) = market.job(summary.id).await?
                && let Err(reason) = context.is_ours(&job)
            {
                bail!("job {}: {reason}", summary.id);
            }
        }
        offset += page.items.len() as u64;
        if page.items.is_empty() || offset >= u64::from(page.total) {
            return Ok(());
        }
    }
}

/// Puts the endpoint on chain, the stake that is missing, and the offer with its
/// `note`; without a note no offer stays there.
async fn announce(context: &Context, stake: Option<Amount>, note: Option<String>) -> anyhow::Result<()> {
    let (chain, market, signer) = (context.chain(), context.market(), &context.signer);
    if chain.ensure_mapped(signer).await?.is_some() {
        tracing::info!(account = %signer.account(), "mapped the account to its address on chain");
    }
    let standing = market.standing(Role::Operator, signer.address()).await?.unwrap_or_default();
    let missing = stake.unwrap_or_default().saturating_sub(Amount(standing.stake));
    if missing > Amount::ZERO || standing.endpoint != context.endpoint {
        let call = market.stake(Role::Operator, Some(&context.endpoint), missing);
        call.execute(signer).await.context("cannot announce the endpoint and the stake on chain")?;
        tracing::info!(endpoint = context.endpoint, added = %chain.unit().show(missing), "announced on chain");
    }
    let offer = note.map(|note| context.policy.offer(note));
    if market.offer(signer.address()).await? != offer {
        let call = market.publish_offer(offer.as_ref());
        call.execute(signer).await.context("cannot publish the offer on chain; --no-offer goes without")?;
        tracing::info!(published = offer.is_some(), "the offer on chain is the policy's");
    }
    Ok(())
}

/// A job that is not to be looked at now.
struct Aside {
    reason: String,
    again: Option<Instant>,
}

struct Daemon {
    context: Arc<Context>,
    /// Takes no more than the jobs that it may have at once, ever.
    once: bool,
    withdraw_above: Amount,
    workers: JoinSet<(u64, Ended)>,
    /// Jobs with a worker, and whether they are past their training.
    busy: HashMap<u64, Arc<AtomicBool>>,
    aside: HashMap<u64, Aside>,
    /// All jobs below this number have ended.
    lowest: u64,
    /// Jobs taken whose end was seen.
    ended: usize,
    /// Jobs taken that ended without pay.
    unpaid: Vec<u64>,
}

impl Daemon {
    /// Until the end of the process.
    async fn watch(
        &mut self,
        mut server: tokio::task::JoinHandle<std::io::Result<()>>,
        bound: SocketAddr,
    ) -> anyhow::Result<()> {
        let shutdown = self.context.shutdown.clone();
        let mut blocks = self.context.chain().blocks();
        let mut first = true;
        loop {
            let now = Instant::now();
            let retry = self.aside.values().filter_map(|aside| aside.again).filter(|again| *again > now).min();
            tokio::select! {
                biased;
                () = shutdown.wait() => return Ok(()),
                served = &mut server => {
                    served?.with_context(|| format!("cannot serve on {bound} any more"))?;
                    return Ok(());
                }
                Some(ended) = self.workers.join_next() => {
                    let (id, ended) = ended.context("the work on a job was aborted")?;
                    self.has_ended(id, ended).await;
                }
                block = blocks.next() => { block?; }
                () = tokio::time::sleep_until(retry.unwrap_or(now)), if retry.is_some() => {}
            }
            if first {
                self.resume()?;
                self.withdraw().await;
                first = false;
            }
            if self.once && self.ended > 0 && self.workers.is_empty() {
                return Ok(());
            }
            // Looking waits as long as the node is away. Safe to abandon, as a crash is.
            tokio::select! {
                biased;
                () = shutdown.wait() => return Ok(()),
                looked = self.look_for_jobs() => if let Err(error) = looked {
                    tracing::warn!(error = format!("{error:#}"), "cannot look for jobs; trying again at the next block");
                }
            }
        }
    }

    /// Jobs that this data folder knows and whose end it has not seen.
    fn resume(&mut self) -> anyhow::Result<()> {
        let folder = self.context.folder.join("jobs");
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", folder.display())),
        };
        for entry in entries {
            let name = entry?.file_name();
            let Some(id) = name.to_str().and_then(|name| name.parse::<u64>().ok()) else { continue };
            let claimed = self.context.journal.lock().expect("no panic while held").get(id, crate::context::CLAIM);
            if claimed.is_some() && !folder.join(name).join(ENDED_FILE).exists() {
                self.work_on(id);
            }
        }
        Ok(())
    }

    fn work_on(&mut self, id: u64) {
        if let Entry::Vacant(entry) = self.busy.entry(id) {
            let committed = entry.insert(Arc::default()).clone();
            let worker = Worker::new(self.context.clone(), id, committed);
            self.workers.spawn(async move {
                // One job must not take the others with it.
                let ended = AssertUnwindSafe(worker.run()).catch_unwind().await;
                (id, ended.unwrap_or_else(|_| Ended::LeftAlone("the work on it panicked; report what is above".into())))
            });
        }
    }

    /// Looks at all jobs that have not ended, and starts to work on those that
    /// are ours or that fit.
    async fn look_for_jobs(&mut self) -> anyhow::Result<()> {
        let now = self.context.chain().now().await?;
        let (mut offset, mut all_ended) = (self.lowest, true);
        loop {
            let page = self.context.market().jobs(offset, MAX_PAGE).await?;
            for job in &page.items {
                if !job.state.is_terminal() {
                    all_ended = false;
                } else if all_ended {
                    self.lowest = job.id + 1;
                }
                self.look_at(job, now).await?;
            }
            offset += page.items.len() as u64;
            if page.items.is_empty() || offset >= u64::from(page.total) {
                return Ok(());
            }
        }
    }

    async fn look_at(&mut self, summary: &JobSummary, now: u64) -> anyhow::Result<()> {
        let id = summary.id;
        if self.busy.contains_key(&id)
            || self.aside.get(&id).is_some_and(|aside| aside.again.is_none_or(|at| at > Instant::now()))
        {
            return Ok(());
        }
        if !summary.state.is_terminal() && summary.operator == Some(self.context.operator()) {
            self.work_on(id);
            return Ok(());
        }
        if summary.state != State::Open || self.is_full() {
            return Ok(());
        }
        let market = self.context.market();
        let Some(job) = market.job(id).await? else { return Ok(()) };
        let standing = market.standing(Role::Operator, self.context.operator()).await?.unwrap_or_default();
        if let Err(refusal) = self.context.policy.terms(&job, &self.context.operator(), &standing) {
            // Free stake comes back when a job ends.
            let again = matches!(refusal, policy::Refusal::FreeStake { .. });
            self.set_aside(id, refusal.describe(self.context.chain().unit()), again);
        } else if policy::is_claimable(&job, now) {
            self.work_on(id);
        }
        Ok(())
    }

    /// Whether no more jobs are to be taken now.
    fn is_full(&self) -> bool {
        let under_way = match self.once {
            true => self.busy.len() + self.ended,
            false => self.busy.values().filter(|committed| !committed.load(Ordering::Relaxed)).count(),
        };
        under_way >= self.context.policy.max_jobs
    }

    /// Says why a job is not taken, once.
    fn set_aside(&mut self, id: u64, reason: String, again: bool) {
        let told = self.aside.get(&id).is_some_and(|aside| aside.reason == reason);
        if !told {
            tracing::info!(job = id, "not taken: {reason}");
        }
        self.aside.insert(id, Aside { reason, again: again.then(|| Instant::now() + LOOK_AGAIN) });
    }

    async fn has_ended(&mut self, id: u64, ended: Ended) {
        self.busy.remove(&id);
        match ended {
            Ended::Stopped => {}
            Ended::NotTaken { reason, again } => self.set_aside(id, reason, again),
            Ended::LeftAlone(reason) => {
                tracing::error!(job = id, "{reason}");
                self.aside.insert(id, Aside { reason, again: None });
            }
            Ended::Late => {
                tracing::error!(
                    job = id,
                    "not committed in time: a part of the stake is lost, and others may claim it"
                );
                self.aside.insert(id, Aside { reason: "it was lost before".into(), again: None });
                self.finished(id, State::Cancelled).await;
            }
            Ended::HandedBack => {
                self.aside.insert(id, Aside { reason: "it was handed back before".into(), again: None });
                self.finished(id, State::Cancelled).await;
            }
            Ended::Over(state) => self.finished(id, state).await,
        }
    }

    /// A job that was taken has ended.
    async fn finished(&mut self, id: u64, state: State) {
        self.ended += 1;
        if state != State::Final {
            self.unpaid.push(id);
        }
        match self.context.market().job(id).await {
            Ok(Some(job)) => {
                let (payment, stake) = (Amount(job.terms.payment), Amount(job.terms.stake));
                let outcome = worker::outcome(state, payment, stake, self.context.chain().unit());
                let model = job.model_id.map(|model| model.to_string());
                tracing::info!(job = id, model, "{outcome}");
            }
            Ok(None) => tracing::warn!(job = id, "the market no longer has this job"),
            Err(error) => tracing::warn!(job = id, %error, ?state, "ended, but cannot read how"),
        }
        if let Err(error) = self.tidy(id, state) {
            tracing::warn!(job = id, error = format!("{error:#}"), "cannot tidy up after the job");
        }
        self.withdraw().await;
    }

    /// Drops the checkpoints that nobody needs, and notes that the job has ended.
    fn tidy(&self, id: u64, state: State) -> anyhow::Result<()> {
        let folder = self.context.job_folder(id);
        if !self.context.keep_all {
            let states = Progress::peek(&folder.join(PROGRESS_FILE));
            let needed = self.needed_by_others(id)?;
            for root in states.iter().rev().skip(1).filter(|root| !needed.contains(root)) {
                self.context.content.remove(Kind::State, root)?;
            }
        }
        fs::create_dir_all(&folder)?;
        write_atomically(&folder.join(ENDED_FILE), format!("{state:?}\n").as_bytes())?;
        Ok(())
    }

    /// Checkpoints of other jobs: jobs with the same specification share them.
    fn needed_by_others(&self, id: u64) -> anyhow::Result<HashSet<Hash>> {
        let mut needed = HashSet::new();
        for entry in fs::read_dir(self.context.folder.join("jobs"))? {
            let path = entry?.path();
            if path == self.context.job_folder(id) {
                continue;
            }
            let states = Progress::peek(&path.join(PROGRESS_FILE));
            match path.join(ENDED_FILE).exists() {
                true => needed.extend(states.last()),
                false => needed.extend(states),
            }
        }
        Ok(needed)
    }

    /// Takes out what the market owes, if it is above the threshold.
    async fn withdraw(&self) {
        if let Err(error) = withdraw_above(&self.context.deployed, &self.context.signer, self.withdraw_above).await {
            tracing::warn!(error = format!("{error:#}"), "cannot withdraw now; trying again when a job ends");
        }
    }

    /// Lets workers come to a safe point.
    async fn stop(&mut self) {
        let all = async { while self.workers.join_next().await.is_some() {} };
        if tokio::time::timeout(STOPPING, all).await.is_err() {
            tracing::warn!("a step did not end in time; it is looked into at the next start");
            self.workers.shutdown().await;
        }
    }
}

/// Takes out what the market owes `signer`, if it is above `threshold`.
async fn withdraw_above(deployed: &Deployed, signer: &Signer, threshold: Amount) -> anyhow::Result<()> {
    let address: Address = signer.address();
    let credit = deployed.market.credit(address).await?;
    if credit > threshold {
        let receipt = deployed.market.withdraw().execute(signer).await?;
        tracing::info!(amount = %deployed.chain.unit().show(credit), block = receipt.block.number, "withdrawn");
    }
    Ok(())
}
