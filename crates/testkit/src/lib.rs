//! Fixtures for tests against a real chain.
//!
//! ```no_run
//! # async fn example() -> Result<(), assay_testkit::NodeError> {
//! use assay_testkit::{DevNode, NodeOptions};
//! let mut node = DevNode::start(NodeOptions::default()).await?;
//! println!("{} runs chain {}", node.url(), node.genesis());
//! node.sigkill().await?;
//! node.start_again().await?;
//! # Ok(())
//! # }
//! ```

pub mod contracts;
pub mod fixtures;

use rustix::process::{Pid, Signal, kill_process};
use std::{
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, ChildStdout, Command},
};

/// Environment variable that names the node's binary.
pub const NODE_VARIABLE: &str = "ASSAY_NODE";
/// How long a node may take until it answers, on a loaded machine.
const START: Duration = Duration::from_secs(60);
/// How long a node may take to stop when it is asked to.
const STOP: Duration = Duration::from_secs(30);

/// Why there is no running node.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// Nobody said where the node is.
    #[error(
        "{NODE_VARIABLE} does not name the node's binary; run the tests by scripts/test, or build node/ and set it"
    )]
    NotNamed,
    /// There is no such file.
    #[error("{NODE_VARIABLE} names {0}, where there is no file; build node/ first")]
    NotThere(PathBuf),
    /// It does not come up.
    #[error("the node did not start: {reason}; its last words:\n{log}")]
    NotStarted {
        /// What happened.
        reason: String,
        /// The end of its log.
        log: String,
    },
    /// It does not stop.
    #[error("the node did not stop within {STOP:?} after SIGTERM; its last words:\n{0}")]
    NotStopped(String),
    /// It does not run.
    #[error("the node does not run")]
    NotRunning,
    /// The system refuses.
    #[error("cannot {what}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// Why not.
        source: std::io::Error,
    },
}

/// How a node is to run.
#[derive(Clone, Debug, Default)]
pub struct NodeOptions {
    /// Makes a block every so often; without it, one for each transaction.
    pub block_time: Option<Duration>,
    /// Accounts with their funds in whole tokens at genesis, such as
    /// `("//Grace", "1000")`, besides the development accounts.
    pub fund: Vec<(String, String)>,
    /// Further arguments of the node.
    pub arguments: Vec<String>,
}

/// A development chain of its own, which keeps its blocks in a temporary folder
/// over restarts, on a port of its own, which it keeps as well. Killed when dropped.
#[derive(Debug)]
pub struct DevNode {
    options: NodeOptions,
    binary: PathBuf,
    folder: TempDir,
    port: u16,
    url: String,
    genesis: String,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    child: Child,
    /// Kept open, so that the node can write what it likes.
    _stdout: BufReader<ChildStdout>,
}

impl DevNode {
    /// The node's binary as [`NODE_VARIABLE`] names it.
    ///
    /// # Errors
    /// If the variable is not set or there is no such file.
    pub fn binary() -> Result<PathBuf, NodeError> {
        let path = PathBuf::from(std::env::var_os(NODE_VARIABLE).ok_or(NodeError::NotNamed)?);
        if path.is_file() { Ok(path) } else { Err(NodeError::NotThere(path)) }
    }

    /// Starts a fresh chain and waits until it answers.
    ///
    /// # Errors
    /// If there is no node, or it does not come up.
    pub async fn start(options: NodeOptions) -> Result<Self, NodeError> {
        Self::start_on(0, options).await
    }

    /// Starts a fresh chain on a certain port; 0 takes any free one.
    ///
    /// # Errors
    /// If there is no node, or it does not come up.
    pub async fn start_on(port: u16, options: NodeOptions) -> Result<Self, NodeError> {
        let binary = Self::binary()?;
        let folder = tempfile::tempdir().map_err(|source| NodeError::Io { what: "make a temporary folder", source })?;
        let (url, genesis) = (String::new(), String::new());
        let mut node = Self { options, binary, folder, port, url, genesis, running: None };
        node.start_again().await?;
        Ok(node)
    }

    /// The node's URL; the same after a restart.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Hash of the chain's first block, in hex with `0x`.
    pub fn genesis(&self) -> &str {
        &self.genesis
    }

    /// The folder that the chain and the log are in. Others may keep files there.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The end of the node's log.
    pub fn log(&self) -> String {
        let text = std::fs::read_to_string(self.log_path()).unwrap_or_else(|error| error.to_string());
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("node.log")
    }

    /// Stops the node at once (SIGKILL), as a power cut would.
    ///
    /// # Errors
    /// If it does not run.
    pub async fn sigkill(&mut self) -> Result<(), NodeError> {
        let mut running = self.running.take().ok_or(NodeError::NotRunning)?;
        running.child.kill().await.map_err(|source| NodeError::Io { what: "kill the node", source })
    }

    /// Asks the node to stop (SIGTERM) and waits until it has.
    ///
    /// # Errors
    /// If it does not run, or does not stop.
    pub async fn terminate(&mut self) -> Result<ExitStatus, NodeError> {
        let mut running = self.running.take().ok_or(NodeError::NotRunning)?;
        let pid = running.child.id().and_then(|id| Pid::from_raw(id as i32)).ok_or(NodeError::NotRunning)?;
        kill_process(pid, Signal::TERM)
            .map_err(|error| NodeError::Io { what: "stop the node", source: error.into() })?;
        match tokio::time::timeout(STOP, running.child.wait()).await {
            Ok(status) => status.map_err(|source| NodeError::Io { what: "await the node", source }),
            Err(_) => Err(NodeError::NotStopped(self.log())),
        }
    }

    /// Starts the node again on its blocks and its port, and waits until it answers.
    ///
    /// # Errors
    /// If it does not come up.
    pub async fn start_again(&mut self) -> Result<(), NodeError> {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.log_path())
            .map_err(|source| NodeError::Io { what: "open the node's log", source })?;
        let mut command = Command::new(&self.binary);
        command.arg("--base-path").arg(self.folder.path().join("chain")).args(["--rpc-port", &self.port.to_string()]);
        if let Some(time) = self.options.block_time {
            command.args(["--block-time-ms", &time.as_millis().to_string()]);
        }
        for (account, tokens) in &self.options.fund {
            command.arg("--fund").arg(format!("{account}={tokens}"));
        }
        let mut child = command
            .args(&self.options.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .map_err(|source| NodeError::Io { what: "start the node", source })?;
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let mut line = String::new();
        let failed = |reason: String| NodeError::NotStarted { reason, log: self.log() };
        match tokio::time::timeout(START, stdout.read_line(&mut line)).await {
            Err(_) => return Err(failed(format!("no answer within {START:?}"))),
            Ok(Err(error)) => return Err(failed(error.to_string())),
            Ok(Ok(0)) => return Err(failed("it ended".into())),
            Ok(Ok(_)) => {}
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        let (url, genesis) = match words[..] {
            ["ready", url, "genesis", genesis] => (url.to_string(), genesis.to_string()),
            _ => return Err(failed(format!("it said {line:?} instead of where it is ready"))),
        };
        let port = url.rsplit(':').next().and_then(|port| port.parse().ok());
        self.port = port.ok_or_else(|| failed(format!("its URL {url:?} has no port")))?;
        (self.url, self.genesis) = (url, genesis);
        self.running = Some(Running { child, _stdout: stdout });
        Ok(())
    }

    /// Asks the node to stop, then starts it again on its blocks.
    ///
    /// # Errors
    /// If it does not stop or does not come up.
    pub async fn restart(&mut self) -> Result<(), NodeError> {
        self.terminate().await?;
        self.start_again().await
    }
}
