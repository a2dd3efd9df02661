//! A chain with contracts, a dataset, a client and verifiers played by the test,
//! and the oracle's program.

use assay_client::{Amount, Chain, Market, Signer};
use assay_data::{Csv, Files};
use assay_engine::{Activation, CpuBackend, Mlp, ModelSpec, OptimiserSpec, State as ModelState, TrainingSpec};
use assay_job::{DataSpec, JobSpec, MANIFEST_FILE, Manifest, Task};
use assay_protocol::Hash;
use assay_protocol::commitment::{JobId, seal, sealed_secret};
use assay_protocol::hash::{Native, Sha256};
use assay_protocol::market::{Check, JobView, ModelTerms, Policy, PostJob, Role, State, Terms, Windows};
use assay_protocol::registry::{DatasetTerms, RegisterDataset};
use assay_testkit::contracts::deploy;
use assay_testkit::{DevNode, NodeOptions};
use std::fs::File;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// One token.
pub const TOKEN: u128 = 1_000_000_000_000_000_000;
/// The operator.
pub const OPERATOR: &str = "//Eve";
const DEPLOYER: &str = "//Alice";
const CLIENT: &str = "//Bob";
const VERIFIERS: [&str; 3] = ["//Charlie", "//Dave", "//Ferdie"];
/// How long anything in these tests may take on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// The oracle's data file.
fn files() -> Files {
    Files::from([("data.csv".to_owned(), csv().into_bytes())])
}

fn csv() -> String {
    (0..200u32).map(|row| format!("{},{},{},{},{}\n", row % 7, row % 5, row % 3, row % 2, row % 3)).collect()
}

pub fn signer(suri: &str) -> Signer {
    Signer::from_suri(suri).unwrap()
}

pub struct World {
    pub node: DevNode,
    pub chain: Chain,
    pub market: Market,
    pub folder: TempDir,
    dataset: Hash,
}

impl World {
    /// A chain with a registered dataset in a folder, and three verifiers with stake.
    pub async fn new() -> World {
        let block_time = Some(Duration::from_millis(250));
        let node = DevNode::start(NodeOptions { block_time, ..Default::default() }).await.unwrap();
        let chain = Chain::connect(node.url()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let deployer = signer(DEPLOYER);
        // Longer than any window of these tests.
        let deployment = deploy(&chain, &deployer, 120).await;
        deployment.save(&folder.path().join("deployment.json")).unwrap();
        let (registry, market) = (deployment.registry(&chain), deployment.market(&chain));

        let data = folder.path().join("dataset");
        std::fs::create_dir(&data).unwrap();
        std::fs::write(data.join("data.csv"), csv()).unwrap();
        let manifest = Manifest::of_folder(&data).unwrap();
        std::fs::write(data.join(MANIFEST_FILE), manifest.to_json()).unwrap();
        let dataset = RegisterDataset {
            id: manifest.id(),
            name: "remainders".into(),
            bytes: manifest.bytes(),
            terms: DatasetTerms::open("CC0-1.0"),
            locations: vec![format!("file://{}", data.display())],
            parents: vec![],
        };
        registry.register_dataset(&dataset).execute(&deployer).await.unwrap();
        for suri in VERIFIERS.iter().chain([&CLIENT]) {
            chain.ensure_mapped(&signer(suri)).await.unwrap();
        }
        for suri in VERIFIERS {
            market.stake(Role::Verifier, None, Amount(10 * TOKEN)).execute(&signer(suri)).await.unwrap();
        }
        World { node, chain, market, folder, dataset: manifest.id() }
    }

    pub fn spec(&self, steps: u64) -> JobSpec {
        let model = ModelSpec::Mlp(Mlp { inputs: 4, hidden: vec![8], classes: 3, activation: Activation::Relu });
        let optimiser = OptimiserSpec::Sgd { lr: 0.125.into(), momentum: 0.5.into(), weight_decay: 0.0.into() };
        let training = TrainingSpec::new(model, optimiser, 8);
        let data = DataSpec::new(self.dataset, Csv::plain("data.csv", 8.0), &files(), 20).unwrap();
        JobSpec::new(training, data, Hash([6; 32]), steps, u32::try_from(steps / 6).unwrap()).unwrap()
    }

    pub fn task(&self, spec: &JobSpec) -> Task {
        Task::new(spec.clone(), &files()).unwrap()
    }

    /// The client posts a job of six segments.
    pub async fn post(&self, spec: &JobSpec, payment: u128) -> u64 {
        self.post_with(spec, payment, 120).await
    }

    /// The same, with a train window of so many seconds.
    pub async fn post_with(&self, spec: &JobSpec, payment: u128, train: u32) -> u64 {
        let client = signer(CLIENT);
        let windows = Windows { claim: 120, train, secrets: 120, open: 120, attest: 120, reveal: 120, dispute: 2 };
        let terms = Terms {
            spec: spec.hash(),
            program: spec.program,
            segments: spec.segments(),
            payment,
            fee: TOKEN,
            stake: 5 * TOKEN,
            hand_back: TOKEN / 10,
            bond: TOKEN,
            policy: Policy::default(),
            samples: 2,
            panel: 2,
            sealed_secret: sealed_secret(&Native, &self.market.address(), &secret(CLIENT), &client.address()),
            windows,
        };
        let model = ModelTerms { name: "remainders".into(), licence: "MIT".into(), parent: None, royalty_bp: 0 };
        let job = PostJob { terms, model, datasets: vec![self.dataset], spec: spec.to_bytes(), most_royalties_bp: 0 };
        let receipt = self.market.post_job(&job).execute(&client).await.unwrap();
        self.market.posted_job(&receipt).unwrap()
    }

    /// All verifiers enlist, so that the job can be claimed.
    pub async fn enlist(&self, job: u64) {
        for suri in VERIFIERS {
            let sealed = sealed_secret(&Native, &self.market.address(), &secret(suri), &signer(suri).address());
            self.market.enlist(job, sealed, Amount(TOKEN)).execute(&signer(suri)).await.unwrap();
        }
    }

    /// The client and the verifiers reveal their secrets, so that the draw can come.
    pub async fn reveal_secrets(&self, job: u64) {
        for suri in VERIFIERS.iter().chain([&CLIENT]) {
            self.market.reveal_secret(job, secret(suri)).execute(&signer(suri)).await.unwrap();
        }
    }

    /// Somebody else than the oracle moves the job on to the draw.
    pub async fn draw(&self, job: u64) {
        let drawn = self.market.job(job).await.unwrap().unwrap().job.draw_block.expect("all secrets are in");
        let mut blocks = self.chain.blocks();
        while blocks.next().await.unwrap().number <= u64::from(drawn) {}
        self.market.advance(job).execute(&signer(CLIENT)).await.unwrap();
        let view = self.market.job(job).await.unwrap().unwrap();
        assert_eq!(view.job.state, State::Drawn);
    }

    /// The drawn verifiers replay and seal what they found.
    pub async fn attest(&self, job: u64, task: &Task) {
        let traces = honest(task, self.market.job_id(job)).1;
        for (number, slot) in (0u8..).zip(self.market.slots(job).await.unwrap()) {
            assert_eq!(slot.check, Check::Opened);
            let suri = VERIFIERS.iter().find(|suri| signer(suri).address() == slot.verifier).unwrap();
            let seal =
                seal(&Native, self.market.job_id(job), slot.segment, &traces[slot.segment as usize], &slot.verifier);
            self.market.attest(job, number, seal).execute(&signer(suri)).await.unwrap();
        }
    }

    /// Waits until the job is in `state`.
    pub async fn until(&self, job: u64, state: State) -> JobView {
        let reached = |view: &JobView| {
            let ended = view.job.state.is_terminal();
            assert!(!ended || view.job.state == state, "{:?} instead of {state:?}", view.job.state);
            view.job.state == state
        };
        self.when(job, reached).await
    }

    /// Waits until the job is as wanted.
    pub async fn when(&self, job: u64, wanted: impl Fn(&JobView) -> bool) -> JobView {
        let mut blocks = self.chain.blocks();
        let reached = async {
            loop {
                blocks.next().await.unwrap();
                let view = self.market.job(job).await.unwrap().unwrap();
                if wanted(&view) {
                    return view;
                }
            }
        };
        tokio::time::timeout(PATIENCE, reached).await.unwrap_or_else(|_| panic!("job {job} never got there"))
    }

    /// An oracle with a data folder of this name, which stakes 20 tokens.
    pub fn oracle(&self, data: &str, arguments: &[&str]) -> OracleBuilder {
        let mut command = Command::new(env!("CARGO_BIN_EXE_assay-oracle"));
        command
            .args(["--suri", OPERATOR, "--log", "info,assay_oracle=debug", "--allow-local-locations"])
            .arg("--deployment")
            .arg(self.folder.path().join("deployment.json"))
            .args(["run", "--listen", "127.0.0.1:0", "--threads", "1", "--stake", "20 UNIT"])
            .arg("--data")
            .arg(self.folder.path().join(data))
            .args(arguments);
        OracleBuilder { command, log: self.folder.path().join(format!("{data}.log")) }
    }

    /// Runs a command of the operator to its end: exit code, standard output, standard error.
    pub async fn command(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_assay-oracle"));
        command.args(["--suri", OPERATOR, "--deployment"]).arg(self.folder.path().join("deployment.json"));
        command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
        let output = tokio::time::timeout(PATIENCE, command.output()).await.expect("it ends").unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
    }

    pub fn data(&self, data: &str) -> PathBuf {
        self.folder.path().join(data)
    }
}

/// State roots and trace roots of a job that is trained honestly, and its last state.
pub fn honest(task: &Task, job: JobId) -> (Vec<Hash>, Vec<Hash>, ModelState) {
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
    (roots, traces, state)
}

fn secret(suri: &str) -> Hash {
    Native.sha256(suri.as_bytes())
}

pub struct OracleBuilder {
    command: Command,
    log: PathBuf,
}

/// A running oracle; killed when dropped.
pub struct Oracle {
    child: Child,
    log: PathBuf,
    /// The URL that it announced.
    pub endpoint: String,
}

impl OracleBuilder {
    pub async fn start(mut self) -> Oracle {
        let log = File::options().create(true).append(true).open(&self.log).unwrap();
        let mut child =
            self.command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).kill_on_drop(true).spawn().unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        tokio::time::timeout(PATIENCE, stdout.read_line(&mut line)).await.unwrap().unwrap();
        let text = std::fs::read_to_string(&self.log).unwrap();
        let endpoint = line.strip_prefix("ready ").and_then(|rest| rest.split(' ').next());
        let endpoint = endpoint.unwrap_or_else(|| panic!("{line:?}\n{text}")).to_owned();
        Oracle { child, log: self.log, endpoint }
    }

    /// Runs it to its end, and gives its exit code and what it wrote to standard error.
    pub async fn fails(mut self) -> (i32, String) {
        let output = tokio::time::timeout(PATIENCE, self.command.stdin(Stdio::null()).kill_on_drop(true).output());
        let output = output.await.expect("it ends").unwrap();
        (output.status.code().unwrap(), String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

impl Oracle {
    /// Ends it as a power cut would.
    pub async fn sigkill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Asks it to stop, and gives its exit code.
    pub async fn terminate(mut self) -> i32 {
        let pid = rustix::process::Pid::from_raw(self.child.id().unwrap() as i32).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        self.exit_code().await
    }

    /// Waits until it ends by itself, and gives its exit code.
    pub async fn exit_code(&mut self) -> i32 {
        let status = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        let status = status.unwrap_or_else(|_| panic!("it goes on\n{}", self.log())).unwrap();
        status.code().unwrap_or_else(|| panic!("it was killed\n{}", self.log()))
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Waits until its log says `words`.
    pub async fn says(&self, words: &str) {
        self.says_times(words, 1).await;
    }

    /// Waits until its log has said `words` so many times.
    pub async fn says_times(&self, words: &str, times: usize) {
        let said = async {
            let mut every = tokio::time::interval(Duration::from_millis(50));
            while self.log().matches(words).count() < times {
                every.tick().await;
            }
        };
        tokio::time::timeout(PATIENCE, said).await.unwrap_or_else(|_| panic!("no {words:?}\n{}", self.log()));
    }
}
