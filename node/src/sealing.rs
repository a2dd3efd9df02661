//! When blocks are made.
//!
//! There is one author and no fork, so a block is final the moment it is
//! imported: both happen in one commit of the store.

use crate::service::{FullBackend, FullClient, Pool};
use assay_node_runtime::Hash;
use futures::{
    channel::{mpsc, oneshot},
    Future, FutureExt, SinkExt, StreamExt,
};
use sc_basic_authorship::ProposerFactory;
use sc_consensus::LongestChain;
use sc_consensus_manual_seal::{run_manual_seal, EngineCommand, Error, ManualSealParams};
use sc_transaction_pool_api::TransactionPool;
use std::{sync::Arc, time::Duration};
use tokio::time::{interval_at, Instant, MissedTickBehavior};

/// When to make a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// As soon as a transaction is ready. Those that arrive while a block is
    /// being made share the next one.
    PerTransaction,
    /// At this interval, whether or not there are transactions.
    Every(Duration),
}

/// How long the pool may take to learn of a block. It takes a millisecond or so;
/// but it may miss a caller that asks at the very moment at which it is done, and
/// would then answer only after the next block.
const POOL_PATIENCE: Duration = Duration::from_millis(500);

/// Asks for blocks and learns what became of them.
pub struct Sealer {
    pool: Arc<Pool>,
    commands: mpsc::Sender<EngineCommand<Hash>>,
}

/// Returns what asks for blocks and the task that makes them.
pub fn new(
    client: Arc<FullClient>,
    pool: Arc<Pool>,
    backend: Arc<FullBackend>,
    proposers: ProposerFactory<Pool, FullClient>,
) -> (Sealer, impl Future<Output = ()> + Send) {
    // One command is in flight at a time.
    let (commands, commands_stream) = mpsc::channel(1);
    let author = run_manual_seal(ManualSealParams {
        block_import: client.clone(),
        env: proposers,
        client,
        pool: pool.clone(),
        commands_stream,
        select_chain: LongestChain::new(backend),
        consensus_data_provider: None,
        // The wall clock. The runtime moves it on if it was set back, so that a
        // block is always later than its parent.
        create_inherent_data_providers: |_, ()| async move { Ok(sp_timestamp::InherentDataProvider::from_system_time()) },
    });
    (Sealer { pool, commands }, author)
}

impl Sealer {
    /// Asks for blocks until the node stops.
    pub async fn run(self, pace: Pace) {
        match pace {
            Pace::PerTransaction => self.run_per_transaction().await,
            Pace::Every(period) => self.run_every(period).await,
        }
    }

    async fn run_per_transaction(mut self) {
        let mut arrivals = self.pool.import_notification_stream();
        while arrivals.next().await.is_some() {
            // One block takes all that is ready, so further arrivals up to now
            // need no block of their own.
            while let Some(Some(_)) = arrivals.next().now_or_never() {}
            while let Some(block) = self.seal(false).await {
                // What did not fit is still ready, and nobody will announce it
                // again.
                let mut left = self.pool.ready_at_with_timeout(block, POOL_PATIENCE).await;
                if left.next().is_none() {
                    break;
                }
            }
        }
    }

    async fn run_every(mut self, period: Duration) {
        let mut ticks = interval_at(Instant::now() + period, period);
        // After a stall (a machine that slept) the missed blocks are not made up.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            ticks.tick().await;
            self.seal(true).await;
        }
    }

    /// Has one block made on the best one and finalised; `None` if there is
    /// nothing to put in it and `empty` is false, or if it failed.
    async fn seal(&mut self, empty: bool) -> Option<Hash> {
        let (sender, made) = oneshot::channel();
        let command = EngineCommand::SealNewBlock {
            create_empty: empty,
            finalize: true,
            parent_hash: None,
            sender: Some(sender),
        };
        let outcome = match self.commands.send(command).await {
            Ok(()) => made.await.unwrap_or_else(|canceled| Err(canceled.into())),
            Err(closed) => Err(closed.into()),
        };
        match outcome {
            Ok(block) => {
                log::debug!("made block {:?}", block.hash);
                Some(block.hash)
            }
            Err(Error::EmptyTransactionPool) => None,
            Err(error) => {
                log::error!("cannot make a block, will try again at the next occasion: {error}");
                None
            }
        }
    }
}
