//! Audits of a finished job whose records are in memory and whose content a
//! local server serves, honest and not.

use super::audit;
use super::report::{Check, Report, Status};
use crate::audit::AuditOptions;
use crate::audit::choose::List;
use crate::audit::records::{DatasetRecords, Records};
use crate::test_support::{csv, files, job_view, spec_on};
use assay_content::{Fetcher, Kind, Store, serve};
use assay_cuda::BackendChoice;
use assay_engine::CpuBackend;
use assay_job::{Commitments, JobSpec, MANIFEST_FILE, Manifest, Task};
use assay_market::draw;
use assay_protocol::commitment::{JobId, model_id};
use assay_protocol::hash::{Domain, Native, Sha256};
use assay_protocol::market::{Check as SlotCheck, Commitment, EndStates, Slot, State};
use assay_protocol::registry::{DatasetRecord, DatasetTerms, ModelRecord, Node};
use assay_protocol::{Address, Hash};
use indicatif::ProgressBar;
use std::future::pending;
use std::time::Duration;
use tempfile::TempDir;

const JOB: u64 = 3;
const OPERATOR: Address = Address([7; 20]);
const MARKET: Address = Address([8; 20]);
const JOB_ID: JobId = JobId { market: MARKET, number: JOB };
const SEGMENTS: u32 = 5;

/// A finished job, its content on a server, and its records.
struct Finished {
    _folder: TempDir,
    store: Store,
    records: Records,
    states: Vec<Hash>,
}

/// How the operator cheated.
#[derive(Clone, Copy, PartialEq)]
enum Cheat {
    None,
    /// Made up the state after this segment, and trained on from there.
    State(u32),
    /// Sealed another trace for this segment.
    Trace(u32),
}

fn options(model: Hash) -> AuditOptions {
    AuditOptions {
        model,
        fraction: None,
        segments: Some(List::All),
        seed: None,
        from: vec![],
        max_data_bytes: 1 << 20,
        max_memory_bytes: 1 << 30,
        backend: BackendChoice::Cpu,
        threads: 1,
    }
}

/// Trains a job of [`SEGMENTS`] segments as `cheat` says.
fn train(task: &Task, store: &Store, cheat: Cheat) -> (Vec<Hash>, Vec<Hash>, Hash) {
    let backend = CpuBackend::new(1).unwrap();
    let mut state = task.initial_state().unwrap();
    let (mut states, mut traces) = (vec![Hash(state.root())], vec![]);
    store.put_state(&states[0], &state.to_bytes()).unwrap();
    for segment in 0..SEGMENTS {
        let run = task.runner(&backend).unwrap().run(&state, segment, |_| true).unwrap().unwrap();
        let mut trace = run.trace(JOB_ID, segment);
        state = run.state;
        if cheat == Cheat::State(segment) {
            // The state of a step that was never done: one weight is another.
            let data = state.tensors().map(|(_, _, data)| data.to_vec());
            let mut data: Vec<Vec<f32>> = data.collect();
            data[0][0] += 1.0;
            state = assay_engine::State::from_parts(state.step(), state.layout().clone(), data).unwrap();
        }
        if cheat == Cheat::Trace(segment) {
            trace = Hash([9; 32]);
        }
        let root = Hash(state.root());
        store.put_state(&root, &state.to_bytes()).unwrap();
        states.push(root);
        traces.push(trace);
    }
    let artefact = store.put_blob(&task.artefact(&state).unwrap()).unwrap();
    (states, traces, artefact)
}

async fn finished(cheat: Cheat) -> Finished {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("data.csv"), csv()).unwrap();
    let manifest = Manifest::of_folder(&data).unwrap();
    std::fs::write(data.join(MANIFEST_FILE), manifest.to_json()).unwrap();

    let spec: JobSpec = spec_on(manifest.id(), u64::from(SEGMENTS) * 2, 2);
    let task = Task::new(spec.clone(), &files()).unwrap();
    let store = Store::open(folder.path().join("store")).unwrap();
    let (states, traces, artefact) = train(&task, &store, cheat);
    let commitments = Commitments::new(JOB_ID, &OPERATOR, &states, &traces);
    store.put_leaves(&commitments.root(), &commitments.to_bytes()).unwrap();
    let (address, server) =
        serve::serve(serve::router(store.clone()), "127.0.0.1:0".parse().unwrap(), pending()).await.unwrap();
    tokio::spawn(server);

    let last = states[SEGMENTS as usize];
    let mut job = job_view(State::Final);
    let model = model_id(&Native, &job.job.client, &spec.program, &last);
    (job.id, job.model_id, job.datasets) = (JOB, Some(model), vec![manifest.id()]);
    (job.terms.spec, job.terms.program, job.terms.segments) = (spec.hash(), spec.program, SEGMENTS);
    (job.job.operator, job.job.client_secret) = (Some(OPERATOR), Some(Hash([1; 32])));
    (job.job.enlisted, job.job.revealed, job.job.rounds) = (3, 3, 1);
    job.commitment = Some(Commitment { root: commitments.root(), block: 9 });
    job.ends = Some(EndStates { initial_state: states[0], final_state: last, artefact });
    let seed = (JOB, commitments.root(), Hash([1; 32]), job.job.secrets, Hash::default());
    job.job.seed = Native.hash_value(Domain::Draw, &seed);
    let slot = |segment: u32| Slot {
        segment,
        verifier: Address([2; 20]),
        check: SlotCheck::Passed,
        before: Some(states[segment as usize]),
        after: Some(states[segment as usize + 1]),
        operator_seal: Some(commitments.leaves()[segment as usize + 1].seal),
        verifier_seal: None,
        trace: Some(traces[segment as usize]),
    };
    let slots = draw::segments(&Native, &job.job.seed, SEGMENTS, 2).into_iter().map(slot).collect();
    let record = ModelRecord {
        first_owner: job.job.client,
        royalty_bp: 0,
        name: job.model.name.clone(),
        licence: job.model.licence.clone(),
        program: spec.program,
        final_state: last,
        artefact,
        market: MARKET,
        job: JOB,
        operator: OPERATOR,
        segments: SEGMENTS,
        segments_drawn: 2,
        segments_checked: 2,
        registered_at: 1,
        block: 10,
        locations: 0,
    };
    let dataset = DatasetRecord {
        owner: job.job.client,
        name: "numbers".into(),
        terms: DatasetTerms::open("CC0-1.0"),
        bytes: manifest.bytes(),
        registered_at: 1,
        block: 1,
        locations: 1,
        withdrawn_at: None,
    };
    let locations = vec![data.display().to_string()];
    let records = Records {
        model,
        record,
        locations: vec![],
        made_from: vec![Node::Dataset(manifest.id()), Node::Job { market: MARKET, job: JOB }],
        bound_market: Some(MARKET),
        spec: Some(spec.to_bytes()),
        job: Some(job),
        slots,
        datasets: vec![DatasetRecords { id: manifest.id(), record: Some(dataset), locations }],
        endpoint: Some(format!("http://{address}")),
    };
    Finished { _folder: folder, store, records, states }
}

async fn audited(finished: &Finished, options: &AuditOptions) -> Report {
    let fetcher = Fetcher::new(Duration::from_secs(2)).allow_local(true);
    audit(&finished.records, options, &fetcher, ProgressBar::hidden()).await.unwrap()
}

async fn all(finished: &Finished) -> Report {
    audited(finished, &options(finished.records.model)).await
}

fn failed(report: &Report) -> Vec<&str> {
    report.failures().map(|check| check.name.as_str()).collect()
}

fn find<'a>(report: &'a Report, name: &str) -> &'a Check {
    report.checks.iter().find(|check| check.name == name).unwrap_or_else(|| panic!("no check {name}"))
}

/// Changes one byte in the middle of a stored file.
fn tamper(store: &Store, kind: Kind, hash: &Hash) {
    let path = store.path(kind, hash);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn an_honest_job_passes_every_check() {
    let report = all(&finished(Cheat::None).await).await;
    assert_eq!(failed(&report), Vec::<&str>::new(), "{}", report.table());
    assert!(report.checks.iter().all(|check| check.status == Status::Ok), "{}", report.table());
    assert!(report.passed);
    assert_eq!(report.segments.confirmed, [0, 1, 2, 3, 4]);
    assert_eq!(report.held_out.unwrap().labels, 10);
    assert!(report.odds.iter().all(|odds| odds.unseen_here == Some(0.0)));
    assert!(report.table().contains("5 of 5 segments"));
    serde_json::to_value(&report).unwrap();
}

#[tokio::test]
async fn a_part_is_said_to_be_a_part() {
    let job = finished(Cheat::State(3)).await;
    let mut some = options(job.records.model);
    some.segments = Some("0-2".parse().unwrap());
    let report = audited(&job, &some).await;
    assert!(report.passed, "{}", report.table());
    assert_eq!(report.segments.confirmed, [0, 1, 2]);
    assert!(report.odds.iter().all(|odds| odds.unseen_here.is_none()));
    (some.segments, some.fraction, some.seed) = (None, Some(0.4), Some(5));
    let report = audited(&job, &some).await;
    assert_eq!(report.segments.chosen.len(), 2);
    let odds = &report.odds[0];
    assert_eq!(odds.false_segments, 1);
    assert!((odds.unseen_on_chain - 0.6).abs() < 1e-12, "{}", odds.unseen_on_chain);
    (some.fraction, some.seed) = (Some(0.0), None);
    let report = audited(&job, &some).await;
    assert_eq!(find(&report, "segments").status, Status::NotChecked);
    assert_eq!(report.odds[0].unseen_here, Some(1.0));
    some.segments = Some("5".parse().unwrap());
    let error = audit(&job.records, &some, &Fetcher::default(), ProgressBar::hidden()).await.unwrap_err();
    assert!(error.is::<assay_shell::output::UsageError>(), "{error}");
}

#[tokio::test]
async fn a_false_state_and_a_false_trace_are_found_where_they_are() {
    let report = all(&finished(Cheat::State(3)).await).await;
    assert_eq!(failed(&report), ["segments", "segment 3"], "{}", report.table());
    assert_eq!(report.segments.confirmed, [0, 1, 2, 4]);
    let report = all(&finished(Cheat::Trace(1)).await).await;
    assert_eq!(failed(&report), ["segments", "segment 1"], "{}", report.table());
    assert!(find(&report, "segment 1").detail.contains("sealed another trace"));
}

#[tokio::test]
async fn a_byte_changed_in_anything_served_is_found() {
    let job = finished(Cheat::None).await;
    tamper(&job.store, Kind::State, &job.states[2]);
    assert_eq!(failed(&all(&job).await), ["segments", "segment 2"]);

    let job = finished(Cheat::None).await;
    tamper(&job.store, Kind::State, &job.states[5]);
    let report = all(&job).await;
    assert_eq!(failed(&report), ["final state"]);
    assert_eq!(find(&report, "artefact").status, Status::NotChecked);

    let job = finished(Cheat::None).await;
    tamper(&job.store, Kind::Leaves, &job.records.job.as_ref().unwrap().commitment.as_ref().unwrap().root);
    let report = all(&job).await;
    assert_eq!(failed(&report), ["leaves"]);
    assert_eq!(find(&report, "segments").status, Status::NotChecked);
    assert!(!report.passed);

    let job = finished(Cheat::None).await;
    tamper(&job.store, Kind::Blob, &job.records.record.artefact);
    assert_eq!(failed(&all(&job).await), ["artefact as served"]);

    let job = finished(Cheat::None).await;
    let data = std::path::Path::new(&job.records.datasets[0].locations[0]).join("data.csv");
    std::fs::write(data, csv().replacen('1', "2", 1)).unwrap();
    let report = all(&job).await;
    assert_eq!(failed(&report), ["dataset files"]);
    assert_eq!(find(&report, "segments").status, Status::NotChecked);
}

#[tokio::test]
async fn what_is_not_served_fails_and_another_server_helps() {
    let mut job = finished(Cheat::None).await;
    let endpoint = job.records.endpoint.take().unwrap();
    let report = all(&job).await;
    assert_eq!(failed(&report), ["leaves", "final state", "artefact as served"], "{}", report.table());
    let mut helped = options(job.records.model);
    helped.from = vec!["http://127.0.0.1:9".into(), endpoint];
    let report = audited(&job, &helped).await;
    assert!(report.passed, "{}", report.table());
}

#[tokio::test]
async fn records_that_contradict_each_other_are_found() {
    let contradicted = async |change: fn(&mut Records)| {
        let mut job = finished(Cheat::None).await;
        change(&mut job.records);
        let report = all(&job).await;
        assert!(!report.passed);
        failed(&report).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(contradicted(|records| records.model.0[0] ^= 1).await, ["model id", "job"]);
    assert_eq!(contradicted(|records| records.bound_market = None).await, ["market"]);
    assert_eq!(contradicted(|records| records.job = None).await, ["job"]);
    assert_eq!(contradicted(|records| records.job.as_mut().unwrap().job.state = State::Failed).await, ["job"]);
    assert_eq!(
        contradicted(|records| records.record.operator = MARKET).await,
        ["job", "segments", "segment 0", "segment 1", "segment 2", "segment 3", "segment 4"]
    );
    assert_eq!(contradicted(|records| records.spec.as_mut().unwrap()[9] ^= 1).await, ["specification"]);
    assert_eq!(contradicted(|records| records.made_from.truncate(1)).await, ["lineage"]);
    assert_eq!(contradicted(|records| records.job.as_mut().unwrap().job.seed.0[0] ^= 1).await, ["draw"]);
    assert_eq!(contradicted(|records| records.slots[0].check = SlotCheck::Refuted).await, ["checks on chain"]);
    assert_eq!(contradicted(|records| records.slots[1].after = None).await, ["opened leaves"]);
    // A challenge that a panel upheld says more for the model; one that it did not decide, less.
    fn challenge(records: &mut Records, check: SlotCheck) {
        let slot = Slot { check, ..records.slots[0].clone() };
        records.slots.push(slot);
    }
    let mut upheld = finished(Cheat::None).await;
    challenge(&mut upheld.records, SlotCheck::Upheld);
    assert_eq!(find(&all(&upheld).await, "challenges").status, Status::Ok);
    assert_eq!(contradicted(|records| challenge(records, SlotCheck::Undecided)).await, ["challenges"]);
    let commitment =
        |records: &mut Records| records.job.as_mut().unwrap().ends.as_mut().unwrap().artefact = Hash([0xee; 32]);
    assert_eq!(contradicted(commitment).await, ["commitment", "artefact", "artefact as served"]);
    let trace = |records: &mut Records| records.slots[0].trace = Some(Hash([0xee; 32]));
    let found = contradicted(trace).await;
    assert_eq!(found.len(), 2, "{found:?}");
}
