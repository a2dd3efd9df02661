//! A chain with contracts, the program, and the other parts played by hand.

use assay_client::{Amount, Call, Chain, Deployment, Market, Signer};
use assay_data::Files;
use assay_engine::CpuBackend;
use assay_job::{Commitments, JobSpec, Task};
use assay_protocol::commitment::{JobId, seal, sealed_secret};
use assay_protocol::hash::Native;
use assay_protocol::market::{Commit, Ends, Error, JobView, Opening, Role, SlotOpening, SlotTrace, State};
use assay_protocol::{Address, Hash};
use assay_testkit::{DevNode, NodeOptions};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

/// One token in the contract's unit.
pub const TOKEN: u128 = 1_000_000_000_000_000_000;

pub struct Stage {
    pub node: DevNode,
    pub folder: tempfile::TempDir,
    pub chain: Chain,
}

pub fn suri(name: &str) -> Signer {
    Signer::from_suri(name).unwrap()
}

/// A child that is stopped with the test.
pub struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Stage {
    pub async fn new() -> Self {
        Self::with(NodeOptions::default()).await
    }

    /// On a chain that makes a block every tenth of a second.
    pub async fn with(options: NodeOptions) -> Self {
        let options = NodeOptions { block_time: Some(Duration::from_millis(100)), ..options };
        let node = DevNode::start(options).await.unwrap();
        let chain = Chain::connect(node.url()).await.unwrap();
        Self { node, folder: tempfile::tempdir().unwrap(), chain }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
        command
            .env_clear()
            .env("HOME", self.folder.path())
            .env("ASSAY_DEPLOYMENT", self.path("deployment.json"))
            .env("ASSAY_DATA", self.path("data"))
            .stdin(Stdio::null())
            .args(arguments);
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// What a command that must succeed answers.
    pub fn ok(&self, arguments: &[&str]) -> Value {
        let output = self.command(arguments).arg("--json").output().unwrap();
        let envelope: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{arguments:?}: {error}: {}", both(&output)));
        assert!(output.status.success() && envelope["ok"] == true, "{arguments:?}: {}", both(&output));
        envelope["data"].clone()
    }

    /// The message of a command that must fail.
    pub fn refused(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(!output.status.success(), "{arguments:?}: {}", both(&output));
        String::from_utf8(output.stderr).unwrap()
    }

    pub fn deploy(&self) -> Value {
        self.ok(&["deploy", "--url", self.node.url(), "--longest-window", "3600", "--suri", "//Alice", "-x", "-y"])
    }

    pub fn market(&self) -> Market {
        Deployment::load(&self.path("deployment.json")).unwrap().market(&self.chain)
    }

    /// A small dataset that is open to all, served and on record; its id.
    pub fn dataset(&self) -> (String, Server) {
        self.dataset_with(&[])
    }

    /// The same on other terms.
    pub fn dataset_with(&self, terms: &[&str]) -> (String, Server) {
        let folder = self.path("tiny");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("data.csv"), csv()).unwrap();
        let mut child = self
            .command(&["dataset", "serve", folder.to_str().unwrap(), "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let server = Server(child);
        let url = line.trim().strip_prefix("ready ").unwrap_or_else(|| panic!("{line:?}")).to_owned();
        let register = |extra: &[&str]| {
            let mut arguments =
                vec!["dataset", "register", folder.to_str().unwrap(), "--name", "tiny", "--licence", "CC0-1.0"];
            arguments.extend(["--location", &url, "--suri", "//Alice"]);
            arguments.extend(terms);
            arguments.extend(extra);
            self.ok(&arguments)
        };
        let tried = register(&[]);
        assert_eq!(tried["executed"], false);
        let done = register(&["-x", "-y"]);
        assert_eq!((&tried["id"], &done["executed"]), (&done["id"], &Value::Bool(true)));
        (done["id"].as_str().unwrap().to_owned(), server)
    }

    /// The file of a small job.
    pub fn description(&self, dataset: &str, open_window: u32) -> PathBuf {
        let path = self.path("job.json");
        let job = json!({
            "model": { "name": "tiny \"model\"", "licence": "MIT" },
            "data": { "dataset": dataset, "prepare": { "csv": { "file": "data.csv", "divisor": 4 } }, "held_out": 12 },
            "training": {
                "model": { "mlp": { "inputs": 4, "hidden": [8], "classes": 3, "activation": "relu" } },
                "optimiser": { "sgd": { "lr": 0.125, "momentum": 0.5, "weight_decay": 0 } },
                "batch": 4
            },
            "steps": 8, "segment_steps": 2,
            "payment": "10 UNIT", "fee": "3 UNIT", "stake": "30 UNIT", "bond": "5 UNIT",
            "samples": 2, "panel": 2,
            "windows": { "claim": 300, "train": 300, "secrets": 300, "open": open_window, "attest": 300, "reveal": 300, "dispute": 1 }
        });
        std::fs::write(&path, job.to_string()).unwrap();
        path
    }

    pub fn post(&self, description: &Path) -> u64 {
        let path = description.to_str().unwrap();
        self.ok(&["job", "post", path, "--suri", "//Charlie", "-x", "-y"])["job"].as_u64().unwrap()
    }

    /// Starts what a client leaves running.
    pub fn watch(&self, job: u64) -> tokio::task::JoinHandle<Output> {
        let mut command =
            self.command(&["job", "watch", &job.to_string(), "--reveal", "--suri", "//Charlie", "-x", "-y"]);
        tokio::task::spawn_blocking(move || command.output().unwrap())
    }

    pub async fn send<T>(&self, who: &Signer, call: &Call<T, Error>) {
        self.chain.ensure_mapped(who).await.unwrap();
        call.execute(who).await.unwrap_or_else(|error| panic!("{call:?}: {error}"));
    }

    /// Waits until the job is in a state.
    pub async fn until(&self, job: u64, state: State) -> JobView {
        let mut blocks = self.chain.blocks();
        loop {
            blocks.next().await.unwrap();
            let view = self.market().job(job).await.unwrap().unwrap();
            if view.job.state == state {
                return view;
            }
            assert!(!view.job.state.is_terminal(), "{:?}", view.job.state);
        }
    }

    /// Three verifiers enlist; an operator stakes, claims, trains and commits.
    pub async fn commit(&self, job: u64, operator: &Operator) -> Work {
        let market = self.market();
        for verifier in verifiers() {
            self.send(&verifier, &market.stake(Role::Verifier, None, Amount(5 * TOKEN))).await;
            let sealed = sealed_secret(&Native, &market.address(), &secret(&verifier), &verifier.address());
            self.send(&verifier, &market.enlist(job, sealed, Amount(5 * TOKEN))).await;
        }
        let stake = market.stake(Role::Operator, Some(&operator.endpoint), Amount(30 * TOKEN));
        self.send(&operator.signer, &stake).await;
        self.send(&operator.signer, &market.claim(job)).await;
        let work = Work::new(&market.spec(job).await.unwrap().unwrap(), market.job_id(job), operator.signer.address());
        operator.store.put_blob(&work.artefact).unwrap();
        self.send(&operator.signer, &market.commit(job, &Commit { root: work.leaves.root() })).await;
        work
    }

    /// Plays all parts of a posted job until it is final; its model's id.
    pub async fn finish(&self, job: u64, operator: &Operator) -> String {
        let watching = self.watch(job);
        let work = self.commit(job, operator).await;
        self.reveal_secrets(job).await;
        self.until(job, State::Drawn).await;
        self.check(job, operator, &work).await;
        let watched = watching.await.unwrap();
        assert!(watched.status.success(), "{}", both(&watched));
        self.ok(&["job", "show", &job.to_string()])["model_id"].as_str().unwrap().to_owned()
    }

    pub async fn reveal_secrets(&self, job: u64) {
        for verifier in verifiers() {
            self.send(&verifier, &self.market().reveal_secret(job, secret(&verifier))).await;
        }
    }

    /// The operator opens, the verifiers attest, the operator reveals.
    pub async fn check(&self, job: u64, operator: &Operator, work: &Work) {
        let market = self.market();
        let slots = market.slots(job).await.unwrap();
        let openings: Vec<SlotOpening> = (0u8..)
            .zip(&slots)
            .map(|(number, slot)| SlotOpening {
                slot: number,
                before: work.leaves.opening(slot.segment),
                after: work.leaves.opening(slot.segment + 1),
            })
            .collect();
        let ends = Ends {
            first: work.leaves.opening(0),
            last: work.leaves.opening(work.traces.len() as u32),
            artefact: assay_protocol::hash::Sha256::sha256(&Native, &work.artefact),
        };
        self.send(&operator.signer, &market.open(job, &Opening { ends: Some(ends), slots: openings })).await;
        let mut traces = vec![];
        for (number, slot) in (0u8..).zip(&slots) {
            let trace = work.traces[slot.segment as usize];
            let verifier = verifiers().into_iter().find(|one| one.address() == slot.verifier).unwrap();
            let seal = seal(&Native, market.job_id(job), slot.segment, &trace, &slot.verifier);
            self.send(&verifier, &market.attest(job, number, seal)).await;
            traces.push(SlotTrace { slot: number, trace });
        }
        self.send(&operator.signer, &market.reveal_traces(job, &traces)).await;
    }
}

pub fn both(output: &Output) -> String {
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

pub fn verifiers() -> Vec<Signer> {
    ["//Dave", "//Eve", "//Ferdie"].map(suri).into()
}

fn secret(verifier: &Signer) -> Hash {
    assay_protocol::hash::Sha256::sha256(&Native, &verifier.address().0)
}

fn csv() -> String {
    (0..60u32).map(|row| format!("{},{},{},{},{}\n", row % 7, row % 5, row % 3, row % 2, row % 3)).collect()
}

/// An operator with its server.
pub struct Operator {
    pub signer: Signer,
    pub store: assay_content::Store,
    pub endpoint: String,
}

impl Operator {
    pub async fn new(folder: &Path) -> Self {
        let store = assay_content::Store::open(folder.join("operator")).unwrap();
        let router = assay_content::serve::router(store.clone());
        let address = "127.0.0.1:0".parse().unwrap();
        let (bound, server) = assay_content::serve::serve(router, address, std::future::pending()).await.unwrap();
        tokio::spawn(server);
        Self { signer: suri("//Bob"), store, endpoint: format!("http://{bound}") }
    }
}

/// What training gave.
pub struct Work {
    pub leaves: Commitments,
    pub traces: Vec<Hash>,
    pub artefact: Vec<u8>,
}

impl Work {
    fn new(spec: &[u8], job: JobId, operator: Address) -> Self {
        let files = Files::from([("data.csv".to_owned(), csv().into_bytes())]);
        let task = Task::new(JobSpec::from_bytes(spec).unwrap(), &files).unwrap();
        let backend = CpuBackend::new(1).unwrap();
        let mut runner = task.runner(&backend).unwrap();
        let mut state = task.initial_state().unwrap();
        let (mut roots, mut traces) = (vec![Hash(state.root())], vec![]);
        for segment in 0..task.spec().segments() {
            let run = runner.run(&state, segment, |_| true).unwrap().unwrap();
            roots.push(run.root());
            traces.push(run.trace(job, segment));
            state = run.state;
        }
        let leaves = Commitments::new(job, &operator, &roots, &traces);
        Self { leaves, traces, artefact: task.artefact(&state).unwrap() }
    }
}

/// A field of each item of a list.
pub fn strings(value: &Value, field: &str) -> Vec<String> {
    value.as_array().unwrap().iter().map(|item| item[field].as_str().unwrap().to_owned()).collect()
}
