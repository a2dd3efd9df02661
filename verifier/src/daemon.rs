//! The daemon: at each finalised block it reads what concerns it and does the
//! next thing. What it remembers is only what it may not contradict (the
//! journal, the findings); all progress is on chain, so a restart carries on.

use crate::duties::may_have_duties;
use crate::findings::{Findings, Purpose};
use crate::inspect::{Assignment, Inspector};
use crate::policy::{Policy, Refusal};
use crate::replay::trial;
use crate::secret::Secrets;
use anyhow::Context;
use assay_client::error::ExecutionError;
use assay_client::{Amount, Block, Call, CallError, Error, Receipt, Signer};
use assay_content::{Fetcher, Store, serve};
use assay_cuda::BackendChoice;
use assay_engine::{Backend, EngineError};
use assay_job::{DataSpec, JobError, Task};
use assay_protocol::Address;
use assay_protocol::market::{Error as Refused, JobSummary, Role, State};
use assay_shell::endpoint::endpoint;
use assay_shell::options::Deployed;
use assay_shell::{Journal, Shutdown, inputs};
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Without a new block the chain is looked at again after this long: something
/// may have failed that no block will report.
const TICK: Duration = Duration::from_secs(5);
/// How long a transaction that is under way is waited for when asked to stop.
const GRACE: Duration = Duration::from_secs(10);
/// How often a message is sent at once again after others got in between.
const TRIES: u32 = 5;
/// First and longest pause of what keeps failing.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(120);

/// Jobs that are not enlisted for yet whose data is fetched at once, and how long
/// that may take: anybody can post jobs, and name servers that are slow or endless.
const PREPARED_AT_ONCE: usize = 4;
const PREPARATION: Duration = Duration::from_secs(30 * 60);

/// How the daemon is to run.
#[derive(Clone, Debug)]
pub struct Config {
    /// Which jobs it takes.
    pub policy: Policy,
    /// The data folder.
    pub folder: PathBuf,
    /// What segments are replayed on.
    pub backend: BackendChoice,
    /// Threads of a replay on the CPU; 0 for one per core.
    pub threads: usize,
    /// The stake is brought up to this at the start, in the contract's unit.
    pub stake: Option<Amount>,
    /// Credit above this is withdrawn.
    pub withdraw_above: Option<Amount>,
    /// Stop after so many jobs have ended and their bonds are released.
    pub once: Option<u32>,
    /// Where to serve checkpoints, if at all.
    pub listen: Option<SocketAddr>,
    /// The URL to announce for that, if it is not the address.
    pub endpoint: Option<String>,
}

/// What is known of a job besides what the chain says.
#[derive(Default)]
pub(crate) struct Tracked {
    /// Whether this account is enlisted; `None` until the chain was asked.
    pub enlisted: Option<bool>,
    /// Nothing will ever be done in it.
    pub over: bool,
    /// What was last logged about leaving it alone.
    pub refusal: Option<String>,
    pub task: Option<Arc<Task>>,
    pause: Pause,
}

/// When to try again what failed.
#[derive(Clone, Copy, Debug, Default)]
struct Pause {
    failures: u32,
    until: Option<Instant>,
}

impl Pause {
    fn is_over(&self) -> bool {
        self.until.is_none_or(|until| until <= Instant::now())
    }

    /// Doubles with each failure.
    fn lengthen(&mut self) -> Duration {
        let length = FIRST_PAUSE.saturating_mul(2u32.saturating_pow(self.failures)).min(LONGEST_PAUSE);
        self.failures += 1;
        self.until = Some(Instant::now() + length);
        length
    }
}

/// Work off the main loop: `None` prepares a job, else it looks at a segment.
pub(crate) type Work = (u64, Option<Purpose>);

pub(crate) enum Done {
    Prepared(Arc<Task>),
    Found(String),
    Stopped,
}

/// A running verifier.
pub struct Daemon {
    pub(crate) deployed: Deployed,
    pub(crate) signer: Signer,
    pub(crate) me: Address,
    pub(crate) config: Config,
    pub(crate) journal: Journal,
    pub(crate) findings: Findings,
    pub(crate) secrets: Secrets,
    pub(crate) cache: Store,
    pub(crate) inspector: Inspector,
    pub(crate) jobs: BTreeMap<u64, Tracked>,
    fetcher: Fetcher,
    backend: Arc<dyn Backend>,
    background: JoinSet<anyhow::Result<Done>>,
    running: HashMap<tokio::task::Id, Work>,
    /// Work that failed last time.
    pauses: HashMap<Work, Pause>,
    ended: u32,
    /// Serves checkpoints for as long as it is kept.
    server: Option<AbortOnDrop>,
}

/// A task that ends with its owner.
struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Daemon {
    /// Opens the data folder, maps the account and brings its stake up.
    ///
    /// # Errors
    /// If the folder is in use or damaged, or the account cannot pay.
    pub async fn start(deployed: Deployed, signer: Signer, config: Config) -> anyhow::Result<Self> {
        let me = signer.address();
        let genesis = deployed.chain.genesis();
        let market = deployed.market.address();
        // What was signed for one chain, market and account says nothing about another.
        let folder = config.folder.join(genesis.to_string()).join(market.to_string()).join(me.to_string());
        let journal = Journal::open(&folder)?;
        let findings =
            Findings::open(&folder.join("findings")).with_context(|| format!("cannot use {}", folder.display()))?;
        let secrets = Secrets::open(&folder)?;
        let cache = Store::open(folder.join("content"))?;
        let backend = config.backend.open(config.threads, config.policy.max_memory_bytes)?;
        let fetcher = deployed.fetcher();
        let inspector =
            Inspector::new(&deployed.chain, &deployed.market, fetcher.clone(), cache.clone(), Arc::clone(&backend));
        let mut daemon = Self {
            deployed,
            signer,
            me,
            config,
            journal,
            findings,
            secrets,
            cache,
            inspector,
            jobs: BTreeMap::new(),
            fetcher,
            backend,
            background: JoinSet::new(),
            running: HashMap::new(),
            pauses: HashMap::new(),
            ended: 0,
            server: None,
        };
        let endpoint = daemon.serve().await?;
        daemon.prepare_account(endpoint).await?;
        Ok(daemon)
    }

    /// The account's address.
    pub fn address(&self) -> Address {
        self.me
    }

    /// Serves the checkpoints that were fetched, if that is wanted, and gives the
    /// URL to announce.
    async fn serve(&mut self) -> anyhow::Result<Option<String>> {
        let Some(listen) = self.config.listen else { return Ok(None) };
        let router = serve::checkpoint_router(self.cache.clone());
        let (bound, server) = serve::serve(router, listen, std::future::pending()).await?;
        let endpoint = endpoint(self.config.endpoint.as_deref(), bound)?;
        self.server = Some(AbortOnDrop(tokio::spawn(async move {
            if let Err(error) = server.await {
                tracing::error!(%bound, "cannot serve checkpoints any more: {error}");
            }
        })));
        Ok(Some(endpoint))
    }

    async fn prepare_account(&self, endpoint: Option<String>) -> anyhow::Result<()> {
        let (chain, market) = (&self.deployed.chain, &self.deployed.market);
        if chain.ensure_mapped(&self.signer).await?.is_some() {
            tracing::info!(address = %self.me, "mapped the account to its address");
        }
        let standing = market.standing(Role::Verifier, self.me).await?.unwrap_or_default();
        let missing = self.config.stake.map_or(Amount::ZERO, |wanted| wanted.saturating_sub(Amount(standing.stake)));
        let moved = endpoint.filter(|endpoint| *endpoint != standing.endpoint);
        if missing > Amount::ZERO || moved.is_some() {
            market.stake(Role::Verifier, moved.as_deref(), missing).execute(&self.signer).await?;
            tracing::info!(endpoint = moved, staked = %chain.unit().show(missing), "announced on chain");
        } else if standing.stake == 0 {
            tracing::warn!("no stake, so no job can be enlisted for; add some with --stake or `assay-verifier stake`");
        }
        Ok(())
    }

    /// Works until asked to stop, or until `once` jobs have ended.
    ///
    /// # Errors
    /// If the chain is gone for good, or is another one.
    pub async fn run(&mut self, shutdown: Shutdown) -> anyhow::Result<()> {
        let mut blocks = self.deployed.chain.blocks();
        let mut head = blocks.next().await?;
        loop {
            let asked = async {
                shutdown.wait().await;
                tokio::time::sleep(GRACE).await;
            };
            // A round is safe to abandon anywhere: what it signs is in the journal first.
            tokio::select! {
                () = self.round(head) => {}
                () = asked => {}
            }
            let enough = self.config.once.is_some_and(|once| self.ended >= once);
            if shutdown.requested() || enough {
                break;
            }
            tokio::select! {
                () = shutdown.wait() => break,
                block = blocks.next() => head = block?,
                Some(done) = self.background.join_next_with_id() => self.finished(done),
                // Asking waits as long as the node is away: not longer than until asked to stop.
                block = async {
                    tokio::time::sleep(TICK).await;
                    self.deployed.chain.latest().await
                } => head = block?,
            }
        }
        self.inspector.stop();
        self.background.shutdown().await;
        Ok(())
    }

    /// Looks at all jobs once. What fails in one does not touch the others.
    async fn round(&mut self, head: Block) {
        tracing::trace!(block = head.number, "looking at the jobs");
        let summaries = match self.summaries().await {
            Ok(summaries) => summaries,
            Err(error) => {
                tracing::warn!("cannot read the jobs: {error:#}");
                return;
            }
        };
        for (job, now) in summaries {
            let tracked = self.jobs.entry(job.id).or_default();
            if tracked.over || !tracked.pause.is_over() {
                continue;
            }
            let result = self.visit(&job, now, head).await;
            let pause = &mut self.tracked(job.id).pause;
            match result {
                Ok(()) => *pause = Pause::default(),
                Err(error) => {
                    let length = pause.lengthen().as_secs();
                    tracing::warn!(job = job.id, "{error:#}; trying again in {length} s");
                }
            }
        }
        tracing::trace!(block = head.number, running = self.running.len(), "looked at the jobs");
        if let Err(error) = self.withdraw().await {
            tracing::warn!("cannot withdraw: {error:#}");
        }
    }

    /// The jobs from the first one on that is not over, with chain time.
    async fn summaries(&self) -> anyhow::Result<Vec<(JobSummary, u64)>> {
        let now = self.deployed.chain.now().await?;
        let first_open = self.jobs.iter().find(|(_, tracked)| !tracked.over).map(|(id, _)| *id);
        let mut offset = first_open.unwrap_or(self.jobs.keys().last().map_or(0, |last| last + 1));
        let mut summaries = Vec::new();
        loop {
            let page = self.deployed.market.jobs(offset, assay_protocol::market::MAX_PAGE).await?;
            if page.items.is_empty() {
                return Ok(summaries);
            }
            offset += page.items.len() as u64;
            summaries.extend(page.items.into_iter().map(|job| (job, now)));
        }
    }

    async fn visit(&mut self, job: &JobSummary, now: u64, head: Block) -> anyhow::Result<()> {
        let enlisted = match self.jobs.get(&job.id).and_then(|tracked| tracked.enlisted) {
            Some(enlisted) => enlisted,
            None => {
                let enlisted = self.deployed.market.enlistment(job.id, self.me).await?.is_some();
                self.tracked(job.id).enlisted = Some(enlisted);
                if enlisted {
                    tracing::info!(job = job.id, state = ?job.state, "carrying on with a job");
                }
                enlisted
            }
        };
        if enlisted && !job.state.is_terminal() && self.tracked(job.id).task.is_none() {
            // Before it is needed: windows can be short.
            self.prepare(job.id);
        }
        match (enlisted, job.state) {
            (true, state) if may_have_duties(state, job.deadline, now) => self.work(job.id, now, head).await,
            (true, _) => Ok(()),
            (false, State::Open | State::Claimed) if now <= job.deadline => self.consider(job.id).await,
            // May be open again after its operator was late.
            (false, State::Open | State::Claimed) => Ok(()),
            (false, _) => {
                let tracked = self.tracked(job.id);
                (tracked.over, tracked.task) = (true, None);
                Ok(())
            }
        }
    }

    pub(crate) fn tracked(&mut self, job: u64) -> &mut Tracked {
        self.jobs.entry(job).or_default()
    }

    /// Marks a job's end for this verifier.
    pub(crate) fn end(&mut self, job: u64) {
        let tracked = self.tracked(job);
        (tracked.over, tracked.task) = (true, None);
        self.pauses.retain(|(paused, _), _| *paused != job);
        self.ended += 1;
    }

    /// Jobs that this account is enlisted in.
    pub(crate) fn busy(&self) -> usize {
        self.jobs.values().filter(|tracked| tracked.enlisted == Some(true) && !tracked.over).count()
    }

    /// Leaves a job alone, for good if the reason does not pass. Says so once.
    pub(crate) fn leave(&mut self, job: u64, refusal: String, for_good: bool) {
        let tracked = self.tracked(job);
        tracked.over |= for_good;
        if tracked.refusal.as_ref() != Some(&refusal) {
            tracing::info!(job, "not enlisting: {refusal}");
            tracked.refusal = Some(refusal);
        }
    }

    /// Starts work off the main loop unless it runs already.
    fn start_work(
        &mut self,
        work: Work,
        future: impl std::future::Future<Output = anyhow::Result<Done>> + Send + 'static,
    ) {
        let id = self.background.spawn(future).id();
        self.running.insert(id, work);
    }

    /// Whether work neither runs nor has just failed.
    fn may_start(&self, work: Work) -> bool {
        !self.running.values().any(|running| *running == work) && self.pauses.get(&work).is_none_or(Pause::is_over)
    }

    /// Gets a job's specification and data, and tries whether this machine can run it.
    pub(crate) fn prepare(&mut self, job: u64) {
        if !self.may_start((job, None)) {
            return;
        }
        let (deployed, fetcher, cache) = (self.deployed.clone(), self.fetcher.clone(), self.cache.clone());
        let (backend, policy) = (Arc::clone(&self.backend), self.config.policy.clone());
        let enlisted = self.tracked(job).enlisted == Some(true);
        if !enlisted {
            let is_new = |job: &u64| self.jobs.get(job).is_none_or(|tracked| tracked.enlisted != Some(true));
            let running = self.running.values().filter(|(job, purpose)| purpose.is_none() && is_new(job)).count();
            if running >= PREPARED_AT_ONCE {
                return;
            }
        }
        let prepared = async move {
            let view = deployed.market.job(job).await?.context("the job is gone")?;
            let spec = inputs::spec(&deployed, &view).await?;
            if !enlisted {
                policy.spec(&spec, &*backend)?;
            }
            let limit = if enlisted { inputs::MAX_DATA_BYTES } else { policy.max_data_bytes };
            let DataSpec { dataset, prepare, .. } = &spec.data;
            let files = inputs::data_files(&deployed, &fetcher, *dataset, prepare, &cache, limit, &|_, _| ()).await?;
            let task = tokio::task::spawn_blocking(move || -> anyhow::Result<Task> {
                let task = Task::new(spec, &files)?;
                if enlisted {
                    task.runner(&*backend)?;
                } else {
                    let steps = u32::try_from(task.spec().steps_of(0).end).unwrap_or(u32::MAX);
                    policy.speed(&view.terms, steps, trial(&task, &*backend)?)?;
                }
                Ok(task)
            });
            Ok(Done::Prepared(Arc::new(task.await??)))
        };
        self.start_work((job, None), async move {
            if enlisted {
                return prepared.await;
            }
            let limit = PREPARATION.as_secs();
            let timely = tokio::time::timeout(PREPARATION, prepared).await;
            timely.unwrap_or_else(|_| Err(Refusal::Preparation { limit }.into()))
        });
    }

    /// Looks at a segment and keeps the finding.
    pub(crate) fn inspect(&mut self, task: Arc<Task>, assignment: Assignment) {
        let work = (assignment.subject.job.number, Some(assignment.purpose));
        if !self.may_start(work) {
            return;
        }
        let (inspector, findings) = (self.inspector.clone(), self.findings.clone());
        self.start_work(work, async move {
            match inspector.inspect(&task, &assignment).await? {
                Some(finding) => {
                    findings.put(assignment.purpose, &finding).context("cannot keep a finding")?;
                    Ok(Done::Found(finding.describe()))
                }
                None => Ok(Done::Stopped),
            }
        });
    }

    fn finished(&mut self, done: Result<(tokio::task::Id, anyhow::Result<Done>), tokio::task::JoinError>) {
        let (id, result) = match done {
            Ok((id, result)) => (id, result),
            Err(error) => (error.id(), Err(error.into())),
        };
        let Some(work) = self.running.remove(&id) else { return };
        let (job, purpose) = work;
        if result.is_ok() {
            self.pauses.remove(&work);
        }
        match result {
            Ok(Done::Prepared(task)) => self.tracked(job).task = Some(task),
            Ok(Done::Found(finding)) => {
                let purpose = purpose.map(|purpose| purpose.to_string()).unwrap_or_default();
                tracing::info!(job, purpose, "{finding}");
            }
            Ok(Done::Stopped) => {}
            Err(error) if self.tracked(job).enlisted != Some(true) && is_for_good(&error) => {
                self.leave(job, format!("{error:#}"), true);
            }
            Err(error) => {
                let length = self.pauses.entry(work).or_default().lengthen().as_secs();
                let what = purpose.map_or("preparing".to_owned(), |purpose| purpose.to_string());
                tracing::warn!(job, "{what}: {error:#}; trying again in {length} s");
            }
        }
    }

    async fn withdraw(&self) -> anyhow::Result<()> {
        let Some(threshold) = self.config.withdraw_above else { return Ok(()) };
        let credit = self.deployed.market.credit(self.me).await?;
        if credit > threshold && self.send(&self.deployed.market.withdraw()).await?.is_some() {
            tracing::info!("withdrew {}", self.deployed.chain.unit().show(credit));
        }
        Ok(())
    }

    /// Sends a message. `None` if the contract refuses because it was overtaken
    /// by others or by time, so that the next look at the chain will say what to do.
    pub(crate) async fn send<T: parity_scale_codec::Decode>(
        &self,
        call: &Call<T, Refused>,
    ) -> anyhow::Result<Option<Receipt>> {
        let mut tries = 0;
        loop {
            tries += 1;
            match call.execute(&self.signer).await {
                Ok(receipt) => return Ok(Some(receipt)),
                Err(CallError::Refused { message, reason }) if is_overtaken(&reason) => {
                    tracing::debug!(message, %reason, "overtaken");
                    return Ok(None);
                }
                // Others act in the same block: what would have been the last but
                // one seal is the last, and does more. Windows can be short, so at once.
                Err(CallError::Failed(Error::Execution(error))) if tries < TRIES && is_race(&error) => {
                    tracing::debug!(%error, "trying again");
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn is_race(error: &ExecutionError) -> bool {
    matches!(error, ExecutionError::LimitTooLow { .. } | ExecutionError::Raced { .. })
}

/// Whether preparing the same job again would fail the same way.
fn is_for_good(error: &anyhow::Error) -> bool {
    match (error.downcast_ref::<Refusal>(), error.downcast_ref::<JobError>()) {
        (Some(refusal), _) => !refusal.may_pass(),
        (_, Some(error)) => !matches!(error, JobError::Fetch(_) | JobError::Engine(EngineError::Machine(_))),
        _ => false,
    }
}

fn is_overtaken(reason: &Refused) -> bool {
    matches!(
        reason,
        Refused::WrongState(_)
            | Refused::DeadlinePassed { .. }
            | Refused::TooEarly { .. }
            | Refused::DrawBlockPending(_)
            | Refused::WrongCheck(_)
            | Refused::AlreadyRevealed
            | Refused::AlreadyEnlisted
            | Refused::NotDrawn
            | Refused::DisputeOpen
            | Refused::NotEnlisted
            | Refused::NothingToWithdraw
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_limit() {
        let mut pause = Pause::default();
        assert!(pause.is_over());
        let lengths: Vec<u64> = (0..9).map(|_| pause.lengthen().as_secs()).collect();
        assert_eq!(lengths, [1, 2, 4, 8, 16, 32, 64, 120, 120]);
        assert!(!pause.is_over());
        pause.failures = u32::MAX - 1;
        assert_eq!(pause.lengthen(), LONGEST_PAUSE);
    }

    #[test]
    fn only_what_would_fail_the_same_way_is_left_for_good() {
        assert!(is_for_good(&Refusal::Bond.into()));
        assert!(!is_for_good(&Refusal::Stake.into()));
        assert!(is_for_good(&JobError::Spec("x".into()).into()));
        let fetch = assay_content::FetchError::NoPlaces { what: "x".into() };
        assert!(!is_for_good(&JobError::from(fetch).into()));
        assert!(!is_for_good(&JobError::from(EngineError::Machine("the GPU is gone".into())).into()));
        assert!(!is_for_good(&anyhow::anyhow!("the node is away")));
    }
}
