//! A small world for end-to-end tests: a real development chain with the
//! contracts deployed by `assay deploy`, the digits registered and served, and
//! daemons as processes of their own that can be killed.
//!
//! `ASSAY_NODE` names the node's binary and `ASSAY_BIN` the folder of the
//! programs; `scripts/test` sets both.

mod daemon;
mod hostile;
mod jobs;

pub use daemon::Daemon;
pub use hostile::{Answer, Hostile, message};
pub use jobs::{CLIENT_SECRET, JobOptions, Work, digits_spec};

use anyhow::{Context, bail, ensure};
use assay_client::market::MarketError;
use assay_client::{Amount, CallError, Chain, Deployment, Market, Registry, Signer, Titles};
use assay_content::serve;
use assay_job::Manifest;
use assay_protocol::Hash;
use assay_protocol::market::{BURN_ADDRESS, Error, JobView, Role, State};
use assay_protocol::registry::{DatasetTerms, RegisterDataset};
use assay_testkit::{DevNode, NodeOptions};
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

/// The accounts of the tests. All are development accounts.
pub const DEPLOYER: &str = "//Alice";
/// Posts jobs.
pub const CLIENT: &str = "//Bob";
/// Trains.
pub const OPERATOR: &str = "//Charlie";
/// Trains, or pretends to.
pub const OTHER_OPERATOR: &str = "//Dave";
/// Check.
pub const VERIFIERS: [&str; 3] = ["//Eve", "//Ferdie", "//Assay1"];

/// The longest window of a job in the tests' market, in seconds.
const LONGEST_WINDOW: u32 = 60;
/// How long a state of a job may take in a test before it counts as stuck.
const PATIENCE: Duration = Duration::from_secs(120);

/// The folder of the repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is in the repository")
}

/// A binary of the workspace.
///
/// # Errors
/// If `ASSAY_BIN` is not set or the binary is not there.
pub fn program(name: &str) -> anyhow::Result<PathBuf> {
    let folder = std::env::var_os("ASSAY_BIN").context("ASSAY_BIN is not set: run the tests by scripts/test")?;
    let path = PathBuf::from(folder).join(name);
    ensure!(path.is_file(), "{} is missing: run the tests by scripts/test", path.display());
    Ok(path)
}

/// An amount in whole tokens.
pub fn tokens(whole: u128) -> Amount {
    Amount(whole * 10u128.pow(18))
}

/// The reason for which the market refuses a message.
///
/// # Panics
/// If it does not, or something else went wrong.
pub fn refused<T>(result: Result<T, MarketError>) -> Error {
    match result {
        Err(CallError::Refused { reason, .. }) => reason,
        Err(other) => panic!("refused, but not by the contract: {other}"),
        Ok(_) => panic!("not refused"),
    }
}

/// A chain with the contracts and the digits on it.
pub struct World {
    /// The node.
    pub node: DevNode,
    /// The chain.
    pub chain: Chain,
    /// Where the contracts are.
    pub deployment: Deployment,
    /// The market.
    pub market: Market,
    /// The registry.
    pub registry: Registry,
    /// The titles of models.
    pub titles: Titles,
    /// The digits' id.
    pub dataset: Hash,
    /// Where daemons and commands keep their things.
    pub folder: tempfile::TempDir,
}

impl World {
    /// Starts a chain that ticks every 200 ms, deploys, registers the digits.
    ///
    /// # Errors
    /// What failed, with the node's or the command's own words.
    pub async fn start() -> anyhow::Result<Self> {
        Self::start_with(LONGEST_WINDOW).await
    }

    /// The same, with this longest window: stake unbonds for twice as long.
    ///
    /// # Errors
    /// As [`World::start`].
    pub async fn start_with(longest_window: u32) -> anyhow::Result<Self> {
        let options = NodeOptions { block_time: Some(Duration::from_millis(200)), ..NodeOptions::default() };
        let node = DevNode::start(options).await?;
        let folder = tempfile::tempdir()?;
        let deployment_path = folder.path().join("deployment.json");
        let deployed = tokio::process::Command::new(program("assay")?)
            .args(["deploy", "--url", node.url(), "--suri", DEPLOYER, "-x", "-y"])
            .args(["--longest-window", &longest_window.to_string()])
            .env("ASSAY_DEPLOYMENT", &deployment_path)
            .output()
            .await?;
        check(&deployed)?;
        let chain = Chain::connect(node.url()).await?;
        let deployment = Deployment::load(&deployment_path)?;
        deployment.verify(&chain).await?;
        let (market, registry, titles) =
            (deployment.market(&chain), deployment.registry(&chain), deployment.titles(&chain));
        let mut world = Self { node, chain, deployment, market, registry, titles, dataset: Hash::default(), folder };
        world.dataset = world.register_digits(&repository().join("data/digits")).await?;
        Ok(world)
    }

    /// Serves `folder` for as long as the test runs and registers it as the digits.
    async fn register_digits(&self, folder: &Path) -> anyhow::Result<Hash> {
        let router = serve::folder_router(folder);
        let (address, server) = serve::serve(router, "127.0.0.1:0".parse()?, std::future::pending()).await?;
        tokio::spawn(server);
        let manifest = Manifest::from_json(&std::fs::read(folder.join(assay_job::MANIFEST_FILE))?)?;
        let owner = self.signer(DEPLOYER).await?;
        let dataset = RegisterDataset {
            id: manifest.id(),
            name: "digits".into(),
            bytes: manifest.bytes(),
            terms: DatasetTerms::open("CC-BY-4.0"),
            locations: vec![format!("http://{address}")],
            parents: vec![],
        };
        self.registry.register_dataset(&dataset).execute(&owner).await?;
        Ok(manifest.id())
    }

    /// The signer of a development account, mapped.
    ///
    /// # Errors
    /// If the chain refuses.
    pub async fn signer(&self, suri: &str) -> anyhow::Result<Signer> {
        let signer = Signer::from_suri(suri)?;
        self.chain.ensure_mapped(&signer).await?;
        Ok(signer)
    }

    /// Runs a program to its end, as a user would.
    ///
    /// # Errors
    /// If it cannot be started.
    pub async fn run(&self, name: &str, arguments: &[&str]) -> anyhow::Result<Output> {
        Ok(self.command(name)?.args(arguments).output().await?)
    }

    /// Runs a program that must succeed and gives what it printed.
    ///
    /// # Errors
    /// What it printed, if it failed.
    pub async fn succeed(&self, name: &str, arguments: &[&str]) -> anyhow::Result<String> {
        let output = self.run(name, arguments).await?;
        check(&output)?;
        Ok(String::from_utf8(output.stdout)?)
    }

    fn command(&self, name: &str) -> anyhow::Result<tokio::process::Command> {
        let mut command = tokio::process::Command::new(program(name)?);
        command
            .env("ASSAY_URL", self.node.url())
            .env("ASSAY_DEPLOYMENT", self.folder.path().join("deployment.json"))
            .env("ASSAY_DATA", self.folder.path().join("client"));
        Ok(command)
    }

    /// Starts a daemon called `name` and waits until it says that it is ready.
    ///
    /// # Errors
    /// If it ends or says something else first.
    pub async fn daemon(&self, name: &str, binary: &str, arguments: &[&str]) -> anyhow::Result<Daemon> {
        let mut command = self.command(binary)?;
        command.args(arguments).arg("--data").arg(self.folder.path().join(name));
        Daemon::start(name, command, &self.folder.path().join(format!("{name}.log"))).await
    }

    /// Starts the honest operator.
    ///
    /// # Errors
    /// As [`World::daemon`].
    pub async fn operator(&self) -> anyhow::Result<Daemon> {
        self.operator_with(&[]).await
    }

    /// Starts the honest operator with further options.
    ///
    /// # Errors
    /// As [`World::daemon`].
    pub async fn operator_with(&self, options: &[&str]) -> anyhow::Result<Daemon> {
        let arguments = ["run", "--suri", OPERATOR, "--listen", "127.0.0.1:0", "--stake", "500 UNIT"];
        self.daemon("operator", "assay-oracle", &[&arguments, options].concat()).await
    }

    /// Starts verifier number `number` of [`VERIFIERS`].
    ///
    /// # Errors
    /// As [`World::daemon`].
    pub async fn verifier(&self, number: usize) -> anyhow::Result<Daemon> {
        let arguments = ["run", "--suri", VERIFIERS[number], "--stake", "500 UNIT"];
        self.daemon(&format!("verifier-{number}"), "assay-verifier", &arguments).await
    }

    /// Starts all [`VERIFIERS`].
    ///
    /// # Errors
    /// As [`World::daemon`].
    pub async fn verifiers(&self) -> anyhow::Result<Vec<Daemon>> {
        let mut daemons = Vec::new();
        for number in 0..VERIFIERS.len() {
            daemons.push(self.verifier(number).await?);
        }
        Ok(daemons)
    }

    /// The job, which must exist.
    ///
    /// # Errors
    /// If it does not.
    pub async fn job(&self, id: u64) -> anyhow::Result<JobView> {
        self.market.job(id).await?.with_context(|| format!("no job {id}"))
    }

    /// Waits, block by block, until `reached` holds for the job.
    ///
    /// # Errors
    /// If that takes longer than two minutes.
    pub async fn until(&self, id: u64, reached: impl Fn(&JobView) -> bool) -> anyhow::Result<JobView> {
        let wait = async {
            let mut blocks = self.chain.blocks();
            loop {
                let job = self.job(id).await?;
                if reached(&job) {
                    return Ok(job);
                }
                blocks.next().await?;
            }
        };
        match tokio::time::timeout(PATIENCE, wait).await {
            Ok(result) => result,
            Err(_) => bail!("job {id} is stuck: {:?}", self.job(id).await?.job),
        }
    }

    /// Waits until chain time has passed the job's deadline.
    ///
    /// # Errors
    /// If the chain stops.
    pub async fn past_deadline(&self, id: u64) -> anyhow::Result<()> {
        let deadline = self.job(id).await?.job.deadline;
        let mut blocks = self.chain.blocks();
        while self.chain.now().await? <= deadline {
            blocks.next().await?;
        }
        Ok(())
    }

    /// Waits until the job has ended, revealing the client's secret on the way
    /// and moving it on where a deadline has passed, as `assay job watch` does.
    ///
    /// # Errors
    /// If it is stuck.
    pub async fn finish(&self, id: u64) -> anyhow::Result<JobView> {
        self.reveal_when_committed(id).await?;
        self.until(id, |job| job.job.state.is_terminal()).await
    }

    /// Waits until the operator has committed, and reveals the client's secret.
    ///
    /// # Errors
    /// If the job is stuck.
    pub async fn reveal_when_committed(&self, id: u64) -> anyhow::Result<()> {
        let committed = self.until(id, |job| job.job.state == State::Committed || job.job.state.is_terminal()).await?;
        if committed.job.state == State::Committed && committed.job.client_secret.is_none() {
            let client = self.signer(CLIENT).await?;
            self.market.reveal_secret(id, CLIENT_SECRET).execute(&client).await?;
        }
        Ok(())
    }
}

impl World {
    /// All that these accounts have in the market is taken out, with what was burned.
    ///
    /// # Errors
    /// If the market refuses.
    pub async fn empty(&self, jobs: &[u64], accounts: &[&str]) -> anyhow::Result<()> {
        let market = &self.market;
        let mut unbonded = 0;
        for suri in accounts {
            let signer = self.signer(suri).await?;
            for job in jobs {
                if market.enlistment(*job, signer.address()).await?.is_some() {
                    market.release(*job).execute(&signer).await?;
                }
            }
            for role in [Role::Operator, Role::Verifier] {
                let standing = market.standing(role, signer.address()).await?.unwrap_or_default();
                ensure!(standing.locked == 0, "{suri} still has {} locked", standing.locked);
                if standing.stake > 0 {
                    market.unstake(role, Amount(standing.stake)).execute(&signer).await?;
                }
                unbonded = unbonded.max(market.standing(role, signer.address()).await?.unwrap_or_default().unbonds_at);
            }
        }
        let mut blocks = self.chain.blocks();
        while self.chain.now().await? <= unbonded {
            blocks.next().await?;
        }
        for suri in accounts {
            let signer = self.signer(suri).await?;
            for role in [Role::Operator, Role::Verifier] {
                if market.standing(role, signer.address()).await?.unwrap_or_default().unbonding > 0 {
                    market.collect(role).execute(&signer).await?;
                }
            }
            if market.credit(signer.address()).await? > Amount::ZERO {
                market.withdraw().execute(&signer).await?;
            }
        }
        if market.credit(BURN_ADDRESS).await? > Amount::ZERO {
            market.withdraw_burned().execute(&self.signer(accounts[0]).await?).await?;
        }
        Ok(())
    }
}

fn check(output: &Output) -> anyhow::Result<()> {
    if !output.status.success() {
        bail!(
            "{}\n{}\n{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(())
}
