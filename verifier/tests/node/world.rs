//! A chain with contracts, a registered dataset, and verifiers as processes.

use assay_client::{Amount, Chain, Signer};
use assay_data::{Csv, Files};
use assay_job::{DataSpec, JobSpec, MANIFEST_FILE, Manifest};
use assay_protocol::commitment::sealed_secret;
use assay_protocol::hash::Native;
use assay_protocol::market::{JobView, ModelTerms, Policy, PostJob, Role, Standing, State, Terms, Windows};
use assay_protocol::registry::{DatasetTerms, RegisterDataset};
use assay_protocol::{Address, Hash};
use assay_shell::options::Deployed;
use assay_testkit::contracts::deploy;
use assay_testkit::{DevNode, NodeOptions};
use std::path::Path;
use std::process::{ExitStatus, Output, Stdio};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

pub const SEGMENTS: u32 = 6;
pub const SAMPLES: u8 = 2;
const TOKEN: u128 = 10u128.pow(18);
/// After so long something hangs.
const PATIENCE: Duration = Duration::from_secs(120);
const BINARY: &str = env!("CARGO_BIN_EXE_assay-verifier");

pub struct World {
    pub deployed: Deployed,
    pub spec: JobSpec,
    pub data: Files,
    pub client: Signer,
    pub node: DevNode,
}

pub struct Verifier {
    pub address: Address,
    suri: &'static str,
    child: Child,
}

pub fn signer(suri: &str) -> Signer {
    Signer::from_suri(suri).unwrap()
}

impl World {
    pub async fn start() -> Self {
        // The draw and the deadlines need blocks that come by themselves.
        let options = NodeOptions { block_time: Some(Duration::from_millis(250)), ..NodeOptions::default() };
        let node = DevNode::start(options).await.unwrap();
        let chain = Chain::connect(node.url()).await.unwrap();
        let client = signer("//Alice");
        // Longer than any window of these tests.
        let deployment = deploy(&chain, &client, 600).await;
        deployment.save(&node.folder().join("deployment.json")).unwrap();
        let (market, registry, titles) =
            (deployment.market(&chain), deployment.registry(&chain), deployment.titles(&chain));
        let deployed = Deployed { chain, deployment, market, registry, titles, allow_local: true };
        let (spec, data) = dataset(&deployed, &client, node.folder()).await;
        Self { deployed, spec, data, client, node }
    }

    /// Three verifiers, all that a job with a panel of two needs.
    pub async fn verifiers(&self) -> Vec<Verifier> {
        let mut verifiers = vec![];
        for suri in ["//Charlie", "//Dave", "//Eve"] {
            let child = self.spawn(suri).await;
            verifiers.push(Verifier { address: signer(suri).address(), suri, child });
        }
        verifiers
    }

    async fn spawn(&self, suri: &str) -> Child {
        let folder = self.node.folder();
        let name = suri.trim_start_matches('/');
        let log = std::fs::File::options().create(true).append(true).open(folder.join(format!("{name}.log"))).unwrap();
        let mut child = Command::new(BINARY)
            .args(["--suri", suri, "--log", "info,assay_verifier=debug", "--allow-local-locations"])
            .arg("--deployment")
            .arg(folder.join("deployment.json"))
            .args(["run", "--stake", "50 UNIT", "--threads", "1", "--data"])
            .arg(folder.join(name))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap();
        assert!(line.as_ref().is_some_and(|line| line.starts_with("ready verifier 0x")), "{line:?}\n{}", self.logs());
        child
    }

    /// Runs `assay-verifier audit` without any key.
    pub async fn audit(&self, model: Hash, arguments: &[&str]) -> Output {
        let mut command = Command::new(BINARY);
        command
            .args(["audit", &model.to_string(), "--allow-local-locations", "--deployment"])
            .arg(self.node.folder().join("deployment.json"));
        command.args(arguments).env_remove("ASSAY_SURI").output().await.unwrap()
    }

    /// Runs a command with a verifier's key and reads its JSON.
    pub async fn command(&self, verifier: &Verifier, arguments: &[&str]) -> serde_json::Value {
        let mut command = Command::new(BINARY);
        command.arg("--deployment").arg(self.node.folder().join("deployment.json"));
        command.args(["--json", "--suri", verifier.suri]).args(arguments);
        let output = command.output().await.unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    }

    pub fn logs(&self) -> String {
        let read = |name: &str| std::fs::read_to_string(self.node.folder().join(name)).unwrap_or_default();
        ["Charlie.log", "Dave.log", "Eve.log"].map(read).join("\n---\n")
    }

    /// Posts a job with a secret that [`World::reveal`] knows.
    pub async fn post(&self, windows: Windows) -> u64 {
        let terms = Terms {
            spec: self.spec.hash(),
            program: self.spec.program,
            segments: SEGMENTS,
            payment: 10 * TOKEN,
            fee: 2 * TOKEN,
            stake: 20 * TOKEN,
            hand_back: 0,
            bond: 5 * TOKEN,
            policy: Policy::default(),
            samples: SAMPLES,
            panel: 2,
            sealed_secret: sealed_secret(
                &Native,
                &self.deployed.market.address(),
                &Hash([42; 32]),
                &self.client.address(),
            ),
            windows,
        };
        let model = ModelTerms { name: "numbers".into(), licence: "MIT".into(), parent: None, royalty_bp: 0 };
        let datasets = vec![self.spec.data.dataset];
        let job = PostJob { terms, model, datasets, spec: self.spec.to_bytes(), most_royalties_bp: 0 };
        let market = &self.deployed.market;
        let receipt = market.post_job(&job).execute(&self.client).await.unwrap();
        market.posted_job(&receipt).unwrap()
    }

    pub async fn reveal(&self, job: u64) {
        self.deployed.market.reveal_secret(job, Hash([42; 32])).execute(&self.client).await.unwrap();
    }

    /// Waits until the job is as wanted.
    pub async fn until(&self, job: u64, wanted: impl Fn(&JobView) -> bool) -> JobView {
        let mut last = None;
        let waiting = async {
            let mut blocks = self.deployed.chain.blocks();
            loop {
                blocks.next().await.unwrap();
                let view = self.deployed.market.job(job).await.unwrap().unwrap();
                last = Some(view.job.state);
                if wanted(&view) {
                    return view;
                }
            }
        };
        match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(view) => view,
            Err(_) => panic!("job {job} hangs: {last:?}\n{}", self.logs()),
        }
    }

    /// Waits until a verifier has its bonds back.
    pub async fn until_free(&self, verifier: &Verifier) -> Standing {
        let mut blocks = self.deployed.chain.blocks();
        let waiting = async {
            loop {
                blocks.next().await.unwrap();
                let standing = self.deployed.market.standing(Role::Verifier, verifier.address).await.unwrap().unwrap();
                if standing.locked == 0 {
                    return standing;
                }
            }
        };
        match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(standing) => standing,
            Err(_) => panic!("{} does not get its bond back\n{}", verifier.suri, self.logs()),
        }
    }

    pub async fn until_state(&self, job: u64, state: State) -> JobView {
        self.until(job, |view| view.job.state == state).await
    }
}

impl Verifier {
    pub async fn sigkill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// Asks it to stop and says how it ended.
    pub async fn terminate(&mut self) -> ExitStatus {
        let id = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
        tokio::time::timeout(PATIENCE, self.child.wait()).await.unwrap().unwrap()
    }

    pub async fn start_again(&mut self, world: &World) {
        self.child = world.spawn(self.suri).await;
    }
}

/// A small dataset, registered, and a specification on it.
async fn dataset(deployed: &Deployed, owner: &Signer, folder: &Path) -> (JobSpec, Files) {
    let folder = folder.join("dataset");
    std::fs::create_dir(&folder).unwrap();
    let row = |row: u32| format!("{},{},{},{},{}\n", row % 7, row % 5, row % 3, row % 2, row % 3);
    let data: String = (0..40).map(row).collect();
    std::fs::write(folder.join("data.csv"), &data).unwrap();
    let manifest = Manifest::of_folder(&folder).unwrap();
    std::fs::write(folder.join(MANIFEST_FILE), manifest.to_json()).unwrap();
    let dataset = RegisterDataset {
        id: manifest.id(),
        name: "numbers".into(),
        bytes: manifest.bytes(),
        terms: DatasetTerms::open("CC0-1.0"),
        locations: vec![format!("file://{}", folder.display())],
        parents: vec![],
    };
    deployed.registry.register_dataset(&dataset).execute(owner).await.unwrap();
    let training = serde_json::from_str(
        r#"{ "model": { "mlp": { "inputs": 4, "hidden": [8], "classes": 3, "activation": "relu" } },
             "optimiser": { "sgd": { "lr": 0.125, "momentum": 0.5, "weight_decay": 0.0 } }, "batch": 4 }"#,
    )
    .unwrap();
    let files = Files::from([("data.csv".to_owned(), data.into_bytes())]);
    let source = DataSpec::new(manifest.id(), Csv::plain("data.csv", 16.0), &files, 10).unwrap();
    let spec = JobSpec::new(training, source, Hash([6; 32]), u64::from(SEGMENTS) * 4, 4).unwrap();
    (spec, files)
}

/// So many tokens in the contract's unit.
pub fn tokens(count: u128) -> Amount {
    Amount(count * TOKEN)
}
