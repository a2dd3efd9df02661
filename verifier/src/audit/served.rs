//! Checks of what is served: data, leaves, checkpoints, artefact, segments.

use crate::audit::recorded::Recorded;
use crate::audit::records::{DatasetRecords, Records};
use crate::audit::report::{Checks, HeldOut, Segments};
use crate::replay::{Replay, artefact_hash, replay};
use assay_content::Fetcher;
use assay_data::Files;
use assay_engine::{Backend, State};
use assay_job::{Commitments, Manifest, Task};
use assay_protocol::Hash;
use assay_protocol::commitment::{JobId, Leaf, seal};
use assay_protocol::hash::Native;
use indicatif::ProgressBar;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often an audit says where it is when there is no bar.
const REPORT: Duration = Duration::from_secs(10);

/// How the served bytes are looked at.
pub(crate) struct Served<'a> {
    pub records: &'a Records,
    pub recorded: &'a Recorded,
    pub fetcher: &'a Fetcher,
    /// The operator's endpoint and those that the auditor named.
    pub endpoints: Vec<String>,
    pub max_data_bytes: u64,
    pub backend: Arc<dyn Backend>,
    pub bar: ProgressBar,
}

impl Served<'_> {
    /// Fetches all files of all datasets, and puts the task together.
    pub async fn data(&self, checks: &mut Checks) -> Option<Arc<Task>> {
        let spec = &self.recorded.spec;
        let wanted = spec.data.prepare.files();
        let mut files = Files::new();
        for dataset in &self.records.datasets {
            let manifest = checks.result("dataset manifest", self.manifest(dataset).await)?;
            if manifest.bytes() > self.max_data_bytes {
                checks.skipped(
                    "dataset files",
                    format!("{} bytes, more than --max-data-bytes {}", manifest.bytes(), self.max_data_bytes),
                );
                return None;
            }
            for entry in &manifest.files {
                self.bar.set_message(format!("fetching {}", entry.path));
                match manifest.fetch_file(self.fetcher, &dataset.locations, &entry.path, &|_, _| ()).await {
                    Ok(bytes) if dataset.id == spec.data.dataset && wanted.contains(&&*entry.path) => {
                        files.insert(entry.path.clone(), bytes);
                    }
                    Ok(_) => {}
                    Err(error) => {
                        checks.failed("dataset files", error.to_string());
                        return None;
                    }
                }
            }
            let (count, bytes) = (manifest.files.len(), manifest.bytes());
            checks.ok("dataset files", format!("{count} files, {bytes} bytes, hashes as in the manifest"));
        }
        let spec = spec.clone();
        let task = blocking(move || Task::new(spec, &files).map_err(|error| error.to_string())).await;
        checks.result("data", task.map(|task| (Arc::new(task), "the data fits the specification".to_owned())))
    }

    async fn manifest(&self, dataset: &DatasetRecords) -> Result<(Manifest, String), String> {
        let record = dataset.record.as_ref().ok_or_else(|| format!("dataset {} is not registered", dataset.id))?;
        let manifest = Manifest::fetch(self.fetcher, &dataset.locations, &dataset.id).await;
        let manifest = manifest.map_err(|error| error.to_string())?;
        match manifest.bytes() == record.bytes {
            true => Ok((manifest, format!("its hash is the dataset's id {}", dataset.id))),
            false => Err(format!("its files have {} bytes, and on record are {}", manifest.bytes(), record.bytes)),
        }
    }

    /// The state that the seed gives.
    pub async fn initial_state(&self, task: &Arc<Task>, checks: &mut Checks) -> Option<State> {
        let own = Arc::clone(task);
        let state = blocking(move || own.initial_state().map_err(|error| error.to_string())).await;
        let state = match state {
            Ok(state) => state,
            Err(error) => {
                checks.failed("initial state", error);
                return None;
            }
        };
        let committed = self.recorded.ends.initial_state;
        checks.same("initial state", "what the seed gives", Hash(state.root()), committed);
        Some(state)
    }

    /// The leaves of all boundaries, from the operator.
    pub async fn leaves(&self, checks: &mut Checks) -> Option<Vec<Leaf>> {
        let (commitment, segments) = (&self.recorded.commitment, self.recorded.job.terms.segments);
        let check = |bytes: Vec<u8>| Commitments::from_bytes(&bytes, segments, &commitment.root);
        let limit = Commitments::encoded_limit(segments);
        let fetched = self.fetcher.leaves(&self.endpoints, &commitment.root, limit, check).await;
        let leaves = fetched.map_err(|error| error.to_string()).and_then(|leaves| {
            let leaves = leaves.leaves().to_vec();
            let (first, last) = (leaves[0], leaves[segments as usize]);
            let ends = &self.recorded.ends;
            if (first.state, last.state) != (ends.initial_state, ends.final_state) {
                return Err("their ends are not those of the commitment".to_owned());
            }
            let count = leaves.len();
            Ok((leaves, format!("{count} boundaries lead to the committed root")))
        });
        checks.result("leaves", leaves)
    }

    /// What was opened on chain must be the leaves.
    pub fn opened(&self, leaves: &[Leaf], checks: &mut Checks) {
        let wrong: Vec<String> = (0..)
            .zip(&self.records.slots)
            .filter(|(_, slot)| {
                let leaf = |boundary: u32| leaves.get(boundary as usize);
                let (before, after) = (leaf(slot.segment), leaf(slot.segment + 1));
                slot.before != before.map(|leaf| leaf.state)
                    || slot.after != after.map(|leaf| leaf.state)
                    || slot.operator_seal != after.map(|leaf| leaf.seal)
            })
            .map(|(number, _): (u32, _)| number.to_string())
            .collect();
        match wrong.is_empty() {
            true => checks.ok("opened leaves", format!("{} slots hold the same leaves", self.records.slots.len())),
            false => checks.failed("opened leaves", format!("slots {} hold others", wrong.join(", "))),
        }
    }

    async fn checkpoint(&self, task: &Task, root: Hash, boundary: u32) -> Result<State, String> {
        let check = |bytes: Vec<u8>| task.read_state(&bytes, &root, boundary);
        let fetched = self.fetcher.state(&self.endpoints, &root, task.state_bytes(), &|_, _| (), check).await;
        fetched.map_err(|error| error.to_string())
    }

    /// The final state and the model file that follows from it.
    pub async fn model(&self, task: &Arc<Task>, checks: &mut Checks) -> Option<HeldOut> {
        let ends = &self.recorded.ends;
        let state = self.checkpoint(task, ends.final_state, task.spec().segments()).await;
        let served = state.map(|state| (state, format!("served, with state root {}", ends.final_state)));
        let Some(state) = checks.result("final state", served) else {
            checks.skipped("artefact", "needs the final state");
            self.artefact_served(checks).await;
            return None;
        };
        let (own, backend) = (Arc::clone(task), Arc::clone(&self.backend));
        let (hash, judged) = blocking(move || {
            let hash = artefact_hash(&own, &state);
            // A job without held-out samples has nothing to be judged by.
            let judged = (own.spec().data.held_out > 0).then(|| own.evaluate(&*backend, &state));
            (hash, judged)
        })
        .await;
        match hash {
            Ok(hash) => {
                checks.same("artefact", "the file that the final state gives", hash, ends.artefact);
            }
            Err(error) => checks.failed("artefact", error.to_string()),
        }
        self.artefact_served(checks).await;
        match judged {
            None => None,
            Some(Ok(judged)) => Some(HeldOut { right: judged.right, labels: judged.labels }),
            Some(Err(error)) => {
                checks.failed("held-out samples", error.to_string());
                None
            }
        }
    }

    async fn artefact_served(&self, checks: &mut Checks) {
        let (name, artefact) = ("artefact as served", self.recorded.ends.artefact);
        let servers: Vec<String> = self.records.locations.iter().chain(&self.endpoints).cloned().collect();
        match self.fetcher.blob(&servers, &artefact, self.max_data_bytes, &|_, _| ()).await {
            Ok(bytes) => checks.ok(name, format!("{} bytes with this hash", bytes.len())),
            Err(error) => checks.failed(name, error.to_string()),
        }
    }

    /// Replays the chosen segments and compares states, seals and traces.
    pub async fn segments(
        &self,
        task: &Arc<Task>,
        initial: &State,
        leaves: &[Leaf],
        segments: &mut Segments,
        checks: &mut Checks,
    ) {
        let steps = |segment: u32| {
            let steps = task.spec().steps_of(segment);
            steps.end - steps.start
        };
        self.bar.set_length(segments.chosen.iter().map(|segment| steps(*segment)).sum());
        let mut failures = Vec::new();
        let (total, mut reported) = (segments.chosen.len(), Instant::now());
        for (done, segment) in segments.chosen.clone().into_iter().enumerate() {
            if self.bar.is_hidden() && reported.elapsed() > REPORT {
                reported = Instant::now();
                tracing::info!("replayed {done} of {total} segments");
            }
            self.bar.set_message(format!("segment {segment}"));
            match self.segment(task, initial, leaves, segment).await {
                Ok(()) => segments.confirmed.push(segment),
                Err(reason) => {
                    segments.failed.push(segment);
                    failures.push((segment, reason));
                }
            }
        }
        let (chosen, confirmed) = (segments.chosen.len(), segments.confirmed.len());
        match failures.is_empty() {
            true if chosen == 0 => checks.skipped("segments", "none was asked for"),
            true => checks.ok("segments", format!("{chosen} replayed: states, seals and traces as committed")),
            false => checks.failed("segments", format!("{} of {chosen}; {confirmed} are as committed", failures.len())),
        }
        for (segment, reason) in failures {
            checks.failed(format!("segment {segment}"), reason);
        }
    }

    async fn segment(&self, task: &Arc<Task>, initial: &State, leaves: &[Leaf], segment: u32) -> Result<(), String> {
        let (before, after) = (leaves[segment as usize], leaves[segment as usize + 1]);
        let from = match segment {
            0 if before.state.0 == initial.root() => initial.clone(),
            _ => self.checkpoint(task, before.state, segment).await?,
        };
        let (own, backend, bar) = (Arc::clone(task), Arc::clone(&self.backend), self.bar.clone());
        let (first, begun) = (task.spec().steps_of(segment).start, bar.position());
        let replayed = blocking(move || {
            replay(&own, &*backend, &from, segment, |pulse| {
                bar.set_position(begun + pulse.step + 1 - first);
                true
            })
        })
        .await;
        let run = match replayed.map_err(|error| format!("this machine cannot replay it: {error}"))? {
            Replay::Done(run) => run,
            Replay::Broken { reason, .. } => return Err(format!("nobody can have done it: {reason}")),
            Replay::Stopped => return Err("it was stopped".to_owned()),
        };
        if run.root() != after.state {
            return Err(format!("the replay ends in state {}, and committed is {}", run.root(), after.state));
        }
        let record = &self.records.record;
        let (job, operator) = (JobId { market: record.market, number: record.job }, record.operator);
        let trace = run.trace(job, segment);
        if seal(&Native, job, segment, &trace, &operator) != after.seal {
            return Err("the state is as committed, but the operator sealed another trace".to_owned());
        }
        let revealed = self.records.slots.iter().find(|slot| slot.segment == segment).and_then(|slot| slot.trace);
        match revealed {
            Some(revealed) if revealed != trace => {
                Err(format!("its trace root is {trace}, and on chain is {revealed}"))
            }
            _ => Ok(()),
        }
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    // Fails only if the work panicked, and then so should this.
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}
