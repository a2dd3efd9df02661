//! SIGTERM and SIGINT as something to await.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Becomes true once, when the process is asked to stop. Clones see the same.
#[derive(Clone, Debug)]
pub struct Shutdown(watch::Receiver<bool>);

impl Shutdown {
    /// Listens for SIGTERM and SIGINT from now on. A second signal ends the
    /// process at once.
    ///
    /// # Errors
    /// If the system does not let it listen.
    pub fn on_signals() -> std::io::Result<Self> {
        let (sender, receiver) = watch::channel(false);
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        tokio::spawn(async move {
            for asked in 0..2 {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                if asked == 0 {
                    tracing::info!("stopping; what is under way is kept and carried on at the next start");
                    sender.send_replace(true);
                } else {
                    std::process::exit(130);
                }
            }
        });
        Ok(Self(receiver))
    }

    /// A shutdown that a test or an embedding program triggers.
    pub fn manual() -> (watch::Sender<bool>, Self) {
        let (sender, receiver) = watch::channel(false);
        (sender, Self(receiver))
    }

    /// Whether the process was asked to stop.
    pub fn requested(&self) -> bool {
        *self.0.borrow()
    }

    /// Resolves when the process is asked to stop.
    pub async fn wait(&self) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|asked| *asked).await.is_err() {
            // Nobody is left who could ask.
            std::future::pending::<()>().await;
        }
    }
}
