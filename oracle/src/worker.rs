//! One job, from the claim to its end. Acts on what the chain shows, not on what
//! it remembers: started again at any point, it carries on.

use crate::context::{CLAIM, CLAIM_LOST, Context};
use crate::policy;
use crate::prepare;
use crate::progress::{Progress, Subject};
use crate::steps;
use crate::training::{Training, TrainingError};
use anyhow::Context as _;
use assay_client::error::{Error, ExecutionError};
use assay_client::market::MarketError;
use assay_client::{Amount, Block, Blocks, Receipt};
use assay_content::Kind;
use assay_engine::EngineError;
use assay_job::{Commitments, JobError, Task, state_leaf};
use assay_protocol::market::{self, Answer, Demand, JobView, State, Wanted};
use assay_shell::{JournalError, Recorded};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Longest pause after a failure; short beside any window in which a late step
/// costs the stake.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long a job's data may take to come before the claim: anybody can post
/// jobs, and name servers that are slow or endless.
const PREPARATION: Duration = Duration::from_secs(30 * 60);
/// How often in a row the machine may fail at a segment before the job is handed back.
const FAILURES: u32 = 5;
/// In a job's folder: its progress.
pub(crate) const PROGRESS_FILE: &str = "progress";

/// How the work on a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was not claimed.
    NotTaken {
        /// Why, in words.
        reason: String,
        /// Whether it may be worth another look later.
        again: bool,
    },
    /// The process is to stop; the job goes on at the next start.
    Stopped,
    /// It is this account's job, and must be left alone.
    LeftAlone(String),
    /// It was not committed in time, and is open to others again.
    Late,
    /// It was handed back, and is open to others again.
    HandedBack,
    /// Its life has ended in this state.
    Over(State),
}

/// Whether anybody may move the job on now, and this operator wants it to.
///
/// Where the operator itself is late after its commitment, or has not answered
/// every demand, it leaves that to others.
pub fn is_due(job: &market::Job, now: u64, block: u64) -> bool {
    if job.demands > 0 {
        return false;
    }
    match job.state {
        State::Committed => match job.draw_block {
            _ if job.client_secret.is_some() && job.revealed == job.enlisted => true,
            Some(draw) => block > u64::from(draw),
            None => now > job.deadline,
        },
        State::Claimed | State::Opened | State::Window | State::Disputed | State::Ruling => now > job.deadline,
        State::Drawn | State::Attested => false,
        State::Open | State::Final | State::Failed | State::Void | State::Cancelled => false,
    }
}

/// What a training is asked for.
enum Work {
    /// To be finished.
    Finish,
    /// To have the checkpoints of these boundaries.
    Repair(Vec<u32>),
}

/// Failures of the machine in a row.
#[derive(Debug, Default)]
struct Failures {
    /// Segments that were done before the last one.
    done: usize,
    count: u32,
}

impl Failures {
    /// The machine has failed with so many segments `done`. Whether that is often enough to give up.
    fn are_enough(&mut self, done: usize) -> bool {
        self.count = if done > self.done { 1 } else { self.count + 1 };
        self.done = done;
        self.count >= FAILURES
    }
}

/// Sets a flag when it goes, so that a thread that waits for it ends too.
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The work on one job.
pub struct Worker {
    context: Arc<Context>,
    id: u64,
    blocks: Blocks,
    /// Set once nothing is left to train.
    committed: Arc<AtomicBool>,
    /// Known to be claimed from this data folder.
    claimed: bool,
    task: Option<Arc<Task>>,
    progress: Option<Progress>,
    /// The training is finished, as far as could be checked in this process.
    trained: bool,
    /// The checkpoints that verifiers ask for were looked at in this process.
    repaired: bool,
    /// It was said that a step is late.
    told_late: bool,
    /// How the machine fails in the training.
    failures: Failures,
}

impl Worker {
    /// The work on job `id`, which may be open, or claimed by this account. It
    /// sets `committed` once nothing is left to train.
    pub fn new(context: Arc<Context>, id: u64, committed: Arc<AtomicBool>) -> Self {
        let blocks = context.chain().blocks();
        Self {
            context,
            id,
            blocks,
            committed,
            claimed: false,
            task: None,
            progress: None,
            trained: false,
            repaired: false,
            told_late: false,
            failures: Failures::default(),
        }
    }

    /// Works until the job's end, or the process's.
    pub async fn run(mut self) -> Ended {
        let shutdown = self.context.shutdown.clone();
        let mut pause = None;
        loop {
            let looked = tokio::select! {
                biased;
                () = shutdown.wait() => return Ended::Stopped,
                looked = self.look(pause) => looked,
            };
            let result = match looked {
                Ok((job, now, block)) => self.step(&job, now, block).await,
                Err(error) => Err(error),
            };
            match result {
                Ok(Some(ended)) => return ended,
                Ok(None) => pause = None,
                Err(error) if error.chain().any(|cause| cause.is::<JournalError>()) => {
                    return Ended::LeftAlone(format!("{error:#}"));
                }
                Err(error) => {
                    let next = pause.map_or(Duration::from_secs(1), |pause: Duration| pause * 2).min(LONGEST_PAUSE);
                    tracing::warn!(job = self.id, error = format!("{error:#}"), "failed; trying again in {next:?}");
                    pause = Some(next);
                }
            }
        }
    }

    /// Waits for a new block, or after a failure for a while, and reads the job.
    async fn look(&mut self, pause: Option<Duration>) -> anyhow::Result<(JobView, u64, Block)> {
        let block = match pause {
            None => self.blocks.next().await?,
            Some(pause) => {
                tokio::time::sleep(pause).await;
                self.context.chain().latest().await?
            }
        };
        let job = self.context.market().job(self.id).await?.context("the market no longer has this job")?;
        let now = self.context.chain().time_at(block.hash).await?;
        Ok((job, now, block))
    }

    /// Does the next thing, if there is one.
    async fn step(&mut self, job: &JobView, now: u64, block: Block) -> anyhow::Result<Option<Ended>> {
        let state = job.job.state;
        let ours = job.job.operator == Some(self.context.operator());
        if !self.claimed && !ours && state != State::Open {
            let reason = "another operator claimed it first".into();
            return Ok(Some(Ended::NotTaken { reason, again: false }));
        }
        if !self.claimed && state == State::Open {
            return self.take(job, now).await;
        }
        if !self.claimed {
            if let Err(reason) = self.context.is_ours(job) {
                return Ok(Some(Ended::LeftAlone(reason)));
            }
            self.claimed = true;
        }
        if state.is_terminal() {
            return Ok(Some(Ended::Over(state)));
        }
        if !ours {
            return Ok(Some(Ended::Late));
        }
        self.committed.store(state != State::Claimed, Ordering::Relaxed);
        if job.job.demands > 0 {
            // First of all: one that is not answered in time costs the stake.
            self.answer_demands(job).await?;
        }
        if is_due(&job.job, now, block.number) {
            self.advance().await?;
            return Ok(None);
        }
        let late = now > job.job.deadline;
        match state {
            State::Claimed => self.train_and_commit(job).await,
            State::Drawn | State::Attested if late => {
                if !self.told_late {
                    tracing::error!(
                        job = self.id,
                        ?state,
                        "the deadline has passed and the stake is lost; was this oracle or its node stopped too long?"
                    );
                    self.told_late = true;
                }
                Ok(None)
            }
            State::Committed => Ok(None),
            State::Drawn | State::Opened | State::Attested | State::Window | State::Disputed | State::Ruling => {
                self.serve(job).await
            }
            State::Open | State::Final | State::Failed | State::Void | State::Cancelled => Ok(None),
        }
    }

    /// Prepares and claims an open job.
    async fn take(&mut self, job: &JobView, now: u64) -> anyhow::Result<Option<Ended>> {
        let not = |reason: String, again| Ok(Some(Ended::NotTaken { reason, again }));
        if !policy::is_claimable(job, now) {
            return not("it can no longer be claimed".into(), true);
        }
        tracing::info!(job = self.id, "fits the policy; fetching its inputs and trying a few steps");
        let Ok(prepared) = tokio::time::timeout(PREPARATION, prepare::prepare(&self.context, job)).await else {
            return not(format!("its data is not here after {} s", PREPARATION.as_secs()), false);
        };
        let task = match prepared {
            Ok(Ok(task)) => task,
            Ok(Err(refusal)) => return not(refusal.describe(self.context.chain().unit()), false),
            Err(error) => return not(format!("{error:#}"), !cannot_be_done(&error)),
        };
        if self.context.shutdown.requested() {
            return Ok(Some(Ended::Stopped));
        }
        if let Some(reason) = self.contradicts(job) {
            return not(reason, false);
        }
        let recorded = self.context.record(self.id, CLAIM, &self.context.claim_content(job))?;
        match self.context.market().claim(self.id).execute(&self.context.signer).await {
            Ok(receipt) => {
                self.say("claimed", &receipt);
                (self.claimed, self.task) = (true, Some(task));
                Ok(None)
            }
            Err(error) => match error.refusal() {
                Some(market::Error::WrongState(_)) => self.beaten(recorded).await,
                Some(reason) => not(reason.to_string(), matches!(reason, market::Error::TooFewVerifiers { .. })),
                None => Err(error.into()),
            },
        }
    }

    /// The journal knows this number for another job, or this account's other
    /// oracle got the job before.
    fn contradicts(&self, job: &JobView) -> Option<String> {
        let known = self.context.journal.lock().expect("no panic while held").get(self.id, CLAIM).is_some();
        if known { self.context.is_ours(job).err() } else { None }
    }

    /// The job was claimed while this oracle was about to.
    async fn beaten(&self, recorded: Recorded) -> anyhow::Result<Option<Ended>> {
        let job = self.context.market().job(self.id).await?.context("the market no longer has this job")?;
        if job.job.operator != Some(self.context.operator()) {
            return Ok(Some(Ended::NotTaken { reason: "another operator claimed it first".into(), again: false }));
        }
        if recorded == Recorded::Known {
            // An earlier attempt of ours may have been included after all.
            return Ok(None);
        }
        // Our first attempt was refused and yet the job is this account's.
        self.context.record(self.id, CLAIM_LOST, &())?;
        Ok(Some(Ended::LeftAlone(self.context.is_ours(&job).err().unwrap_or_default())))
    }

    /// Trains what is left and commits to it. A job that cannot be done, or not by this machine, is handed back.
    async fn train_and_commit(&mut self, job: &JobView) -> anyhow::Result<Option<Ended>> {
        match self.finish(job).await {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            Err(error) if cannot_be_done(&error) => {
                return self.hand_back(job, &error, "the job cannot be done as it was posted; handing it back").await;
            }
            Err(error) if of_job(&error).is_some_and(JobError::is_of_machine) => {
                let done = self.progress.as_ref().map_or(0, |progress| progress.traces().len());
                if !self.failures.are_enough(done) {
                    return Err(error);
                }
                let what = "this machine keeps failing; handing the job back, which costs less than to be late";
                return self.hand_back(job, &error, what).await;
            }
            Err(error) => return Err(error),
        }
        let commitments = self.commitments();
        let commit = steps::commit(&commitments);
        // Audits of segments that are not drawn need them: the chain keeps the root only.
        self.context.content.put_leaves(&commitments.root(), &commitments.to_bytes())?;
        self.context.record(self.id, "commit", &commit)?;
        let receipt = self.context.market().commit(self.id, &commit).execute(&self.context.signer).await?;
        self.say("committed", &receipt);
        Ok(None)
    }

    /// Gives the job back, saying why.
    async fn hand_back(&self, job: &JobView, error: &anyhow::Error, why: &str) -> anyhow::Result<Option<Ended>> {
        let unit = self.context.chain().unit();
        tracing::error!(
            job = self.id,
            error = format!("{error:#}"),
            price = %unit.show(Amount(job.terms.hand_back)),
            "{why}"
        );
        let receipt = self.context.market().hand_back(self.id).execute(&self.context.signer).await?;
        self.say("handed back", &receipt);
        Ok(Some(Ended::HandedBack))
    }

    /// Answers what is demanded of the job on chain.
    async fn answer_demands(&mut self, job: &JobView) -> anyhow::Result<()> {
        let demands = self.context.market().demands(self.id).await?;
        if demands.is_empty() || !self.finish(job).await? {
            return Ok(());
        }
        for demand in demands {
            let Some(answer) = self.answer(job, &demand).await? else { return Ok(()) };
            let call = self.context.market().answer(self.id, demand.number, &answer);
            match call.execute(&self.context.signer).await {
                Ok(receipt) => self.say(&format!("answered the demand of {}", demand.by), &receipt),
                // Anybody who has the data may answer.
                Err(error) if matches!(error.refusal(), Some(market::Error::UnknownDemand(_))) => {
                    tracing::debug!(job = self.id, demand = demand.number, "answered by somebody else");
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// What a demand asks for; `None` if the process is to stop.
    async fn answer(&mut self, job: &JobView, demand: &Demand) -> anyhow::Result<Option<Answer>> {
        let boundaries = job.terms.segments + 1;
        let (boundary, tensor, chunk) = match demand.wanted {
            Wanted::Boundary { index } => {
                return Ok(Some(Answer::Boundary(self.commitments().opening(index % boundaries))));
            }
            Wanted::Leaf { boundary, tensor, chunk } => (boundary, tensor, chunk),
        };
        let task = self.task(job).await.context("the job's inputs are needed to answer a demand")?;
        if !self.work(job, Work::Repair(vec![boundary])).await? {
            return Ok(None);
        }
        let root = self.progress().states()[boundary as usize];
        let content = self.context.content.clone();
        let leaf = tokio::task::spawn_blocking(move || -> anyhow::Result<_> {
            let bytes = content.get(Kind::State, &root)?.context("the checkpoint has just been there")?;
            let state = task.read_state(&bytes, &root, boundary).map_err(anyhow::Error::msg)?;
            state_leaf(&state, tensor, chunk).context("a state without tensors has no chunks")
        });
        Ok(Some(Answer::Leaf(leaf.await??)))
    }

    /// What follows the draw: opens leaves, reveals traces, and sees to it that
    /// the checkpoints are there for those who ask.
    async fn serve(&mut self, job: &JobView) -> anyhow::Result<Option<Ended>> {
        if self.repaired && !matches!(job.job.state, State::Drawn | State::Attested) {
            return Ok(None);
        }
        if !self.finish(job).await? {
            return Ok(None);
        }
        let commitments = self.commitments();
        let committed = job.commitment.as_ref().map(|commitment| commitment.root);
        if committed != Some(commitments.root()) {
            return Ok(Some(Ended::LeftAlone(format!(
                "the chain has the commitment {}, and the work in {} gives {}; restore the data folder that it was made in",
                committed.unwrap_or_default(),
                self.context.folder.display(),
                commitments.root()
            ))));
        }
        let slots = self.context.market().slots(self.id).await?;
        if !self.repaired && self.task(job).await.is_some() {
            let boundaries = steps::served_boundaries(&slots, job.terms.segments);
            if !self.work(job, Work::Repair(boundaries)).await? {
                return Ok(None);
            }
        }
        self.repaired = true;
        match job.job.state {
            State::Drawn => {
                // From the opening on, verifiers ask for checkpoints.
                self.context.keep_endpoint().await?;
                let artefact = self.progress().artefact().expect("a finished training has a model");
                let open = job.ends.is_some();
                for batch in steps::openings(&commitments, artefact, job.terms.segments, open, &slots) {
                    if let Some(ends) = &batch.ends {
                        self.context.record(self.id, "open-ends", ends)?;
                    }
                    for opening in &batch.slots {
                        self.context.record(self.id, &format!("open-{}", opening.slot), opening)?;
                    }
                    let receipt = self.context.market().open(self.id, &batch).execute(&self.context.signer).await?;
                    self.say(&format!("opened {} drawn segments", batch.slots.len()), &receipt);
                }
            }
            State::Attested => {
                let traces = steps::traces(self.progress().traces(), &slots);
                for trace in &traces {
                    self.context.record(self.id, &format!("trace-{}", trace.slot), trace)?;
                }
                let revealed = self.context.market().reveal_traces(self.id, &traces);
                let receipt = revealed.execute(&self.context.signer).await?;
                self.say(&format!("revealed {} trace roots", traces.len()), &receipt);
            }
            _ => {}
        }
        Ok(None)
    }

    /// Moves the job on. That somebody else was first is no failure.
    async fn advance(&self) -> anyhow::Result<()> {
        let result: Result<Receipt, MarketError> =
            self.context.market().advance(self.id).execute(&self.context.signer).await;
        match result {
            Ok(receipt) => self.say("moved on", &receipt),
            Err(MarketError::Refused { reason, .. }) => tracing::debug!(job = self.id, %reason, "not moved on"),
            Err(MarketError::Failed(Error::Execution(ExecutionError::Raced { .. }))) => {
                tracing::debug!(job = self.id, "somebody else moved it on");
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    fn say(&self, what: &str, receipt: &Receipt) {
        let fee = self.context.chain().unit().show(receipt.fee).to_string();
        tracing::info!(job = self.id, block = receipt.block.number, fee, "{what}");
    }

    fn progress(&self) -> &Progress {
        self.progress.as_ref().expect("there is progress once the training is finished")
    }

    fn commitments(&self) -> Commitments {
        let progress = self.progress();
        Commitments::new(
            self.context.market().job_id(self.id),
            &self.context.operator(),
            progress.states(),
            progress.traces(),
        )
    }

    /// The task, if its inputs can be had; else the log says why not.
    async fn task(&mut self, job: &JobView) -> Option<Arc<Task>> {
        if self.task.is_none() {
            match prepare::task(&self.context, job).await {
                Ok(task) => self.task = Some(task),
                Err(error) => {
                    tracing::warn!(job = self.id, error = format!("{error:#}"), "the job's inputs cannot be had");
                }
            }
        }
        self.task.clone()
    }

    /// Finishes the training. `false` if it was stopped before.
    async fn finish(&mut self, job: &JobView) -> anyhow::Result<bool> {
        if self.trained {
            return Ok(true);
        }
        if self.progress.is_none() {
            let folder = self.context.job_folder(self.id);
            std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
            let operator = self.context.operator();
            let subject = Subject { job: self.context.market().job_id(self.id), spec: job.terms.spec, operator };
            let path = folder.join(PROGRESS_FILE);
            self.progress = Some(tokio::task::spawn_blocking(move || Progress::open(&path, subject)).await??);
        }
        if self.task(job).await.is_none() {
            // Finished work needs no inputs to be committed and opened.
            let progress = self.progress();
            let complete = progress.traces().len() == job.terms.segments as usize && progress.artefact().is_some();
            if !complete {
                anyhow::bail!("the training cannot go on without the job's inputs");
            }
            self.trained = true;
        } else {
            self.trained = self.work(job, Work::Finish).await?;
        }
        Ok(self.trained)
    }

    /// Works in a thread of its own until it is done, or the process is to stop,
    /// or the chain shows that it is of no use any more: then `false`.
    async fn work(&mut self, job: &JobView, work: Work) -> anyhow::Result<bool> {
        let task = self.task.clone().context("the job's inputs are missing")?;
        let mut progress = self.progress.take().context("the job's progress is missing")?;
        let stop = Arc::new(AtomicBool::new(false));
        let _stop_on_drop = StopOnDrop(stop.clone());
        let (context, flag) = (self.context.clone(), stop.clone());
        let id = self.id;
        let mut thread = tokio::task::spawn_blocking(move || {
            let done = task.spec().steps_of(progress.traces().len() as u32).start;
            let meter = context.meters.meter(id, done, task.spec().steps);
            let training = Training {
                task: &task,
                backend: &*context.backend,
                trainer: &*context.trainer,
                store: &context.content,
                stop: &flag,
                meter: &meter,
            };
            let result: Result<bool, TrainingError> = match work {
                Work::Finish => training.finish(&mut progress),
                Work::Repair(boundaries) => training.repair(&progress, &boundaries),
            };
            (progress, result)
        });
        let shutdown = self.context.shutdown.clone();
        let mut blocks = self.context.chain().blocks();
        let mut watching = true;
        loop {
            tokio::select! {
                done = &mut thread => {
                    // If the thread panicked, the progress is read from disk again.
                    self.trained &= done.is_ok();
                    let (progress, result) = done?;
                    self.progress = Some(progress);
                    return Ok(result?);
                }
                () = shutdown.wait(), if !stop.load(Ordering::Relaxed) => stop.store(true, Ordering::Relaxed),
                still = still_of_use(&self.context, &mut blocks, job), if watching => match still {
                    Ok(true) => {}
                    Ok(false) => {
                        tracing::info!(job = id, "the chain has moved on; stopping the work on it");
                        stop.store(true, Ordering::Relaxed);
                        watching = false;
                    }
                    // The work may be wanted when the node is back.
                    Err(error) => {
                        tracing::warn!(job = id, error = format!("{error:#}"), "cannot watch the chain; working on");
                        watching = false;
                    }
                },
            }
        }
    }
}

/// What went wrong with the job itself.
fn of_job(error: &anyhow::Error) -> Option<&JobError> {
    error.downcast_ref().or_else(|| match error.downcast_ref()? {
        TrainingError::Job(error) => Some(error),
        _ => None,
    })
}

/// Whether a training failed by what the job itself is: on every machine, and every time.
fn cannot_be_done(error: &anyhow::Error) -> bool {
    matches!(of_job(error), Some(JobError::Engine(EngineError::Element { .. })))
}

/// At the next block: whether the work on `job` can still be used.
async fn still_of_use(context: &Context, blocks: &mut Blocks, job: &JobView) -> anyhow::Result<bool> {
    let block = blocks.next().await?;
    let now = context.chain().time_at(block.hash).await?;
    let Some(current) = context.market().job(job.id).await? else { return Ok(false) };
    let late = current.job.state == State::Claimed && now > current.job.deadline;
    Ok(current.job.operator == Some(context.operator()) && !current.job.state.is_terminal() && !late)
}

/// What an ended job brought, in words.
pub fn outcome(state: State, payment: Amount, stake: Amount, unit: &assay_client::Unit) -> String {
    let (payment, stake) = (unit.show(payment), unit.show(stake));
    match state {
        State::Final => format!("final: {payment} paid, the stake of {stake} is free again"),
        State::Failed => {
            format!(
                "failed: the stake of {stake} is lost; `assay job show` says which segment was refuted, `assay ledger` where the money went"
            )
        }
        State::Void => format!("void: nobody could decide; no payment, the stake of {stake} is free again"),
        _ => "cancelled: the client is refunded".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_protocol::Hash;
    use assay_testkit::fixtures::job_view;

    fn job(state: State, draw_block: Option<u32>) -> market::Job {
        market::Job { deadline: 100, enlisted: 3, draw_block, ..job_view(state).job }
    }

    #[test]
    fn a_job_is_moved_on_when_its_deadline_has_passed_and_not_before() {
        for state in [State::Claimed, State::Committed, State::Opened, State::Window, State::Disputed, State::Ruling] {
            assert!(!is_due(&job(state, None), 100, 1), "{state:?}");
            assert!(is_due(&job(state, None), 101, 1), "{state:?}");
        }
        let demanded = market::Job { demands: 1, ..job(State::Window, None) };
        assert!(!is_due(&demanded, 101, 1), "first it is answered");
        for state in [State::Drawn, State::Attested, State::Final, State::Open] {
            assert!(!is_due(&job(state, None), 101, 1), "{state:?}");
        }
    }

    #[test]
    fn a_machine_that_fails_at_one_segment_again_and_again_is_given_up() {
        let mut failures = Failures::default();
        assert!((1..FAILURES).all(|_| !failures.are_enough(0)));
        // It got on, so it may get on again.
        assert!((1..FAILURES).all(|_| !failures.are_enough(1)));
        assert!(failures.are_enough(1));
        let gone = TrainingError::from(JobError::from(EngineError::Machine("the GPU is gone".into())));
        assert!(of_job(&gone.into()).is_some_and(JobError::is_of_machine));
        assert!(!of_job(&JobError::Data("no rows".into()).into()).is_some_and(JobError::is_of_machine));
    }

    #[test]
    fn only_what_no_machine_can_do_is_handed_back_at_once() {
        let runs_away = EngineError::Element {
            step: 3,
            op: 1,
            name: "map",
            output: "loss".into(),
            problem: assay_engine::ElementError::NonFinite { index: 0, bits: f32::INFINITY.to_bits() },
        };
        assert!(cannot_be_done(&anyhow::Error::from(TrainingError::from(JobError::from(runs_away)))));
        let machine = EngineError::Machine("no memory".into());
        assert!(!cannot_be_done(&anyhow::Error::from(TrainingError::from(JobError::from(machine)))));
        assert!(!cannot_be_done(&anyhow::anyhow!("the node is away")));
    }

    #[test]
    fn the_draw_is_due_once_all_secrets_are_in_or_a_block_after_the_deadline_was_noticed() {
        let complete =
            market::Job { client_secret: Some(Hash::default()), revealed: 3, ..job(State::Committed, Some(7)) };
        assert!(is_due(&complete, 50, 7));
        let without_client = market::Job { client_secret: None, ..complete.clone() };
        assert!(!is_due(&without_client, 50, 7));
        let without_one = market::Job { revealed: 2, ..complete };
        assert!(!is_due(&without_one, 101, 7), "the block that goes in is not over");
        assert!(is_due(&without_one, 101, 8));
    }
}
