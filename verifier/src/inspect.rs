//! From an opened segment to a finding: fetch, judge the ends, replay.

use crate::findings::{Finding, Found, Purpose, Subject};
use crate::replay::{Replay, artefact_hash, replay};
use assay_client::{Chain, Market};
use assay_content::{Fetcher, Kind, Store};
use assay_engine::{Backend, State};
use assay_job::Task;
use assay_protocol::market::{EndStates, Role};
use assay_protocol::{Address, Hash};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// First and longest pause between two tries to fetch a checkpoint.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(15));
/// How often a long replay says where it is.
const REPORT: Duration = Duration::from_secs(15);

/// What to look at.
#[derive(Clone, Debug)]
pub struct Assignment {
    /// The segment.
    pub subject: Subject,
    /// What for.
    pub purpose: Purpose,
    /// Who serves the checkpoints.
    pub operator: Address,
    /// Who may serve them too, if the operator does not: the slot's verifier.
    pub witness: Address,
    /// The ends of the commitment.
    pub ends: EndStates,
    /// Chain time in seconds after which a checkpoint that is not served is given up.
    pub give_up_at: u64,
}

/// Looks at segments. Clones share the machine: one replay at a time.
#[derive(Clone)]
pub struct Inspector {
    chain: Chain,
    market: Market,
    fetcher: Fetcher,
    /// Checkpoints that were fetched, so that a second look needs nobody.
    cache: Store,
    backend: Arc<dyn Backend>,
    turn: Arc<Semaphore>,
    stop: Arc<AtomicBool>,
}

/// Why there is no state to look at.
enum Missing {
    NotServed(String),
    Failed(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Missing {
    fn from(error: E) -> Self {
        Missing::Failed(error.into())
    }
}

impl Inspector {
    /// An inspector that replays on `backend` and keeps checkpoints in `cache`.
    pub fn new(chain: &Chain, market: &Market, fetcher: Fetcher, cache: Store, backend: Arc<dyn Backend>) -> Self {
        Self {
            chain: chain.clone(),
            market: market.clone(),
            fetcher,
            cache,
            backend,
            turn: Arc::new(Semaphore::new(1)),
            stop: Arc::default(),
        }
    }

    /// Stops all replays under way, for good.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Looks at a segment. `None` if it was stopped.
    ///
    /// # Errors
    /// What kept this machine from looking; never what the operator did wrong,
    /// which is a finding.
    pub async fn inspect(&self, task: &Arc<Task>, assignment: &Assignment) -> anyhow::Result<Option<Finding>> {
        let finding = |found| Some(Finding { subject: assignment.subject.clone(), found });
        match self.look(task, assignment).await {
            Ok(found) => Ok(found.and_then(finding)),
            Err(Missing::NotServed(reason)) => Ok(finding(Found::Unavailable { reason })),
            Err(Missing::Failed(error)) => Err(error),
        }
    }

    async fn look(&self, task: &Arc<Task>, assignment: &Assignment) -> Result<Option<Found>, Missing> {
        let Assignment { subject, purpose, ends, .. } = assignment;
        let initial = self.blocking(task, |task| task.initial_state()).await??;
        let initial_root = Hash(initial.root());
        let true_start = initial_root == ends.initial_state;
        // A panel's members must say the same, so that they all name the artefact.
        if !true_start && !matches!(purpose, Purpose::Panel(_)) {
            return Ok(Some(Found::FalseEnds { initial_state: initial_root, artefact: None }));
        }
        let last = task.spec().segments();
        let final_state = self.checkpoint(task, assignment, ends.final_state, last).await?;
        let artefact = self.blocking(task, move |task| artefact_hash(task, &final_state)).await??;
        if !true_start || artefact != ends.artefact {
            return Ok(Some(Found::FalseEnds { initial_state: initial_root, artefact: Some(artefact) }));
        }
        let from = match subject.segment {
            0 if subject.before == initial_root => initial,
            segment => self.checkpoint(task, assignment, subject.before, segment).await?,
        };
        Ok(self.replay(task, assignment, from).await?)
    }

    async fn blocking<T: Send + 'static>(
        &self,
        task: &Arc<Task>,
        work: impl FnOnce(&Task) -> T + Send + 'static,
    ) -> Result<T, tokio::task::JoinError> {
        let task = Arc::clone(task);
        tokio::task::spawn_blocking(move || work(&task)).await
    }

    async fn replay(&self, task: &Arc<Task>, assignment: &Assignment, from: State) -> anyhow::Result<Option<Found>> {
        let _turn = self.turn.acquire().await?;
        let (id, segment) = (assignment.subject.job, assignment.subject.segment);
        let job = id.number;
        tracing::info!(job, segment, purpose = %assignment.purpose, "replaying");
        let (backend, stop) = (Arc::clone(&self.backend), Arc::clone(&self.stop));
        let replayed = self
            .blocking(task, move |task| {
                let steps = task.spec().steps_of(segment);
                let mut reported = Instant::now();
                replay(task, &*backend, &from, segment, |pulse| {
                    if reported.elapsed() > REPORT {
                        reported = Instant::now();
                        let done = pulse.step + 1 - steps.start;
                        tracing::info!(job, segment, "replayed {done} of {} steps", steps.end - steps.start);
                    }
                    !stop.load(Ordering::Relaxed)
                })
            })
            .await??;
        Ok(match replayed {
            Replay::Done(run) => {
                Some(Found::Replayed { state: run.root(), trace: run.trace(id, segment), pulses: run.pulses })
            }
            Replay::Broken { pulses, reason } => Some(Found::Broken { pulses, reason }),
            Replay::Stopped => None,
        })
    }

    /// The checkpoint `root` at `boundary`: from the cache, else from the
    /// operator or the witness, who are asked again until the patience ends by
    /// chain time.
    async fn checkpoint(
        &self,
        task: &Arc<Task>,
        assignment: &Assignment,
        root: Hash,
        boundary: u32,
    ) -> Result<State, Missing> {
        if let Some(bytes) = self.cache.get(Kind::State, &root)? {
            // A disk may lie.
            match self.blocking(task, move |task| task.read_state(&bytes, &root, boundary)).await? {
                Ok(state) => return Ok(state),
                Err(reason) => {
                    tracing::warn!(%root, reason, "a checkpoint on disk is damaged; fetching it again");
                    self.cache.remove(Kind::State, &root)?;
                }
            }
        }
        let (bytes, state) = tokio::select! {
            fetched = self.fetch(task, assignment, root, boundary) => fetched?,
            // A server that drips its bytes must not hold a verifier up.
            late = self.given_up(assignment.give_up_at) => {
                late?;
                return Err(Missing::NotServed(format!("checkpoint {root} did not come in time")));
            }
        };
        self.cache.put_state(&root, &bytes)?;
        Ok(state)
    }

    async fn fetch(
        &self,
        task: &Arc<Task>,
        assignment: &Assignment,
        root: Hash,
        boundary: u32,
    ) -> Result<(Vec<u8>, State), Missing> {
        let mut pause = PAUSES.0;
        loop {
            // Asked each time: an operator that moves says so on chain.
            let mut endpoints = Vec::new();
            for (role, account) in [(Role::Operator, assignment.operator), (Role::Verifier, assignment.witness)] {
                endpoints.extend(self.market.standing(role, account).await?.map(|standing| standing.endpoint));
            }
            endpoints.retain(|endpoint| !endpoint.is_empty());
            let check = |bytes: Vec<u8>| {
                let state = task.read_state(&bytes, &root, boundary)?;
                Ok((bytes, state))
            };
            let limit = task.state_bytes();
            let reason = match self.fetcher.state(&endpoints, &root, limit, &|_, _| (), check).await {
                Ok(checkpoint) => return Ok(checkpoint),
                Err(error) => error.to_string(),
            };
            if self.chain.now().await? > assignment.give_up_at {
                return Err(Missing::NotServed(reason));
            }
            tracing::warn!(job = assignment.subject.job.number, reason, "cannot fetch a checkpoint yet; trying again");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    /// Resolves once chain time is past `at`.
    async fn given_up(&self, at: u64) -> Result<(), assay_client::Error> {
        let mut blocks = self.chain.blocks();
        loop {
            let block = blocks.next().await?;
            if self.chain.time_at(block.hash).await? > at {
                return Ok(());
            }
        }
    }
}
