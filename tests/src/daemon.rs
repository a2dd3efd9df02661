//! Daemons as processes of their own.

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// How long a daemon may take until it says that it is ready.
const START: Duration = Duration::from_secs(60);

/// A running daemon. It is killed when this is dropped.
pub struct Daemon {
    child: Child,
    log: PathBuf,
    /// What it said when it was ready, after `ready`.
    pub ready: String,
}

impl Daemon {
    /// Starts `command` and waits for its line `ready …`; its log goes to `log`.
    ///
    /// # Errors
    /// If it ends first, or says something else.
    pub async fn start(name: &str, mut command: Command, log: &Path) -> anyhow::Result<Self> {
        let file = File::options().create(true).append(true).open(log)?;
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(file)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("starting {name}"))?;
        let mut lines = BufReader::new(child.stdout.take().context("its output is piped")?).lines();
        let line = tokio::time::timeout(START, lines.next_line()).await.context("it does not become ready")??;
        let Some(ready) = line.as_deref().and_then(|line| line.strip_prefix("ready")) else {
            bail!("{name} is not ready but says {line:?}\n{}", tail(log));
        };
        let ready = ready.trim().to_owned();
        // Keep reading, or it would block once the pipe is full.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Self { child, log: log.to_owned(), ready })
    }

    /// Kills it as a power failure would.
    ///
    /// # Errors
    /// If it has ended by itself.
    pub async fn sigkill(mut self) -> anyhow::Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("it had ended by itself: {status}\n{}", self.log());
        }
        self.child.kill().await?;
        Ok(())
    }

    /// Asks it to stop and waits until it has.
    ///
    /// # Errors
    /// If it does not within ten seconds.
    pub async fn terminate(mut self) -> anyhow::Result<ExitStatus> {
        let pid = self.child.id().and_then(|id| Pid::from_raw(id as i32)).context("it has ended by itself")?;
        kill_process(pid, Signal::TERM)?;
        Ok(tokio::time::timeout(Duration::from_secs(10), self.child.wait()).await.context("it does not stop")??)
    }

    /// Waits until it ends by itself.
    ///
    /// # Errors
    /// If it does not within a minute.
    pub async fn ended(&mut self) -> anyhow::Result<ExitStatus> {
        Ok(tokio::time::timeout(START, self.child.wait()).await.context("it does not end")??)
    }

    /// The end of its log.
    pub fn log(&self) -> String {
        tail(&self.log)
    }
}

fn tail(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| error.to_string());
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(60)..].join("\n")
}
