//! Finalised blocks as they come, over reconnections.

use crate::{
    chain::Chain,
    error::{ConnectionError, Error},
    transport::{Backoff, Transport, rpc_params},
};
use assay_protocol::Hash;
use serde::Deserialize;
use std::{sync::Arc, time::Duration};
use tokio::{sync::watch, task::AbortHandle};

/// After this long without a block, the node is asked whether it is still there:
/// a connection can die without a word.
const SILENCE: Duration = Duration::from_secs(20);

/// How often the node is asked for blocks where it cannot be subscribed to.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// A finalised block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Its height.
    pub number: u64,
    /// Its hash.
    pub hash: Hash,
}

#[derive(Deserialize)]
struct Header {
    number: String,
}

impl Header {
    fn number(&self, transport: &Transport, method: &str) -> Result<u64, ConnectionError> {
        u64::from_str_radix(self.number.trim_start_matches("0x"), 16).map_err(|error| ConnectionError::BadAnswer {
            url: transport.url().into(),
            method: method.into(),
            reason: format!("block number {:?}: {error}", self.number),
        })
    }
}

/// The newest finalised block.
pub(crate) async fn latest(transport: &Transport) -> Result<Block, ConnectionError> {
    let method = "chain_getHeader";
    let hash: Hash = transport.request("chain_getFinalizedHead", Default::default()).await?;
    let header: Header = transport.request(method, rpc_params((hash,))).await?;
    Ok(Block { number: header.number(transport, method)?, hash })
}

/// Starts the task that follows the chain; it ends with an error that does not
/// pass by itself, which closes the channel.
pub(crate) fn follow(transport: Arc<Transport>, first: Block) -> (watch::Receiver<Block>, AbortHandle) {
    let (sender, receiver) = watch::channel(first);
    let task = tokio::spawn(async move {
        let mut backoff = Backoff::new();
        loop {
            match follow_once(&transport, &sender, &mut backoff).await {
                Ok(()) => {
                    let pause = backoff.next();
                    tracing::debug!(?pause, "the stream of blocks broke, subscribing again");
                    tokio::time::sleep(pause).await;
                }
                Err(error) => {
                    tracing::warn!(%error, "no more blocks");
                    return;
                }
            }
        }
    });
    (receiver, task.abort_handle())
}

/// Publishes finalised blocks until the subscription breaks.
async fn follow_once(
    transport: &Transport,
    sender: &watch::Sender<Block>,
    backoff: &mut Backoff,
) -> Result<(), ConnectionError> {
    let mut generations = transport.generations();
    let (generation, mut headers) =
        transport.subscribe::<Header>("chain_subscribeFinalizedHeads", "chain_unsubscribeFinalizedHeads").await?;
    loop {
        // The header carries no hash, and finality may have moved on since: ask.
        publish(sender, latest(transport).await?);
        tokio::select! {
            header = headers.next() => match header {
                Some(Ok(_)) => *backoff = Backoff::new(),
                Some(Err(error)) => {
                    tracing::debug!(%error, "the subscription to blocks failed");
                    return Ok(());
                }
                None => return Ok(()),
            },
            _ = generations.wait_for(|current| *current != generation) => return Ok(()),
            () = tokio::time::sleep(SILENCE) => {}
        }
    }
}

fn publish(sender: &watch::Sender<Block>, block: Block) {
    sender.send_if_modified(|current| {
        let newer = block.number > current.number;
        if newer {
            *current = block;
        }
        newer
    });
}

/// Finalised blocks from the one that was newest when this was made.
///
/// Whoever is slow sees the newest block and not those in between, so that work
/// never queues up; [`Chain::contract_events`](crate::Chain::contract_events)
/// reads any block.
#[derive(Debug)]
pub struct Blocks {
    chain: Chain,
    head: watch::Receiver<Block>,
    seen: Option<u64>,
}

impl Blocks {
    pub(crate) fn new(chain: Chain, head: watch::Receiver<Block>) -> Self {
        Self { chain, head, seen: None }
    }

    /// The newest finalised block: at once the first time, later when there is
    /// one that was not returned before. Waits over reconnections.
    ///
    /// # Errors
    /// If the node stays away longer than the chain's patience, or comes back
    /// with another chain.
    pub async fn next(&mut self) -> Result<Block, Error> {
        let seen = self.seen;
        let is_new = |block: &Block| seen.is_none_or(|seen| block.number > seen);
        // The guard must not live across an await.
        let waited = self.head.wait_for(is_new).await.map(|block| *block);
        let block = match waited {
            Ok(block) => block,
            // The task that follows the chain gave up: the node says why, or is
            // back after all and must be asked from now on.
            Err(_) => loop {
                let block = self.chain.latest().await?;
                if is_new(&block) {
                    break block;
                }
                tokio::time::sleep(ASK_AGAIN).await;
            },
        };
        self.seen = Some(block.number);
        Ok(block)
    }
}
