//! The loop that keeps an index up to date: over nodes that go away, and chains
//! that are made anew.

use crate::{
    changes::{self, Changes},
    contracts::Contracts,
    error::IndexError,
    store::{State, Store},
};
use assay_client::{Block, Chain, Deployment, Error, Patience};
use assay_export::BlockInfo;
use futures_util::{StreamExt, TryStreamExt};
use serde::Serialize;
use std::{path::PathBuf, time::Duration};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};
use utoipa::ToSchema;

/// Blocks that are read at the same time.
const AT_ONCE: usize = 16;
/// While catching up, a block in which nothing happened is noted this often.
const NOTE_EVERY: u64 = 500;
/// After this long without a block the node is asked whether it has the chain
/// that was read: a new chain may be shorter for a long time.
const SILENCE: Duration = Duration::from_secs(5);
/// Pauses between attempts to reach a node.
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(30)];
/// A node that does not answer within this is said to be away.
const PATIENCE: Patience = Patience {
    first_connection: Duration::from_secs(3),
    reconnection: Duration::from_secs(3),
    answer: Duration::from_secs(30),
    finality: Duration::from_secs(180),
};

/// How far the index is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Progress {
    /// The last block that was read.
    pub indexed: Option<u64>,
    /// The newest finalised block of the node.
    pub head: Option<u64>,
    /// Why the node or its chain cannot be followed now; `null` if it is.
    pub outage: Option<String>,
}

/// Where to find the chain and its contracts.
#[derive(Clone, Debug)]
pub struct Place {
    /// The node's URL; the one in the deployment file if not given.
    pub url: Option<String>,
    /// The deployment file, which is read again whenever the chain is another.
    pub deployment: PathBuf,
}

impl Place {
    /// Connects to the node and checks that the deployment's contracts are there.
    ///
    /// # Errors
    /// What is wrong, and what to do.
    pub async fn connect(&self) -> Result<Contracts, Error> {
        let deployment = Deployment::load(&self.deployment)?;
        let chain = Chain::connect_with(self.url.as_deref().unwrap_or(&deployment.url), PATIENCE).await?;
        deployment.verify(&chain).await?;
        Ok(Contracts::new(&chain, &deployment))
    }
}

/// Keeps a store up to date.
#[derive(Debug)]
pub struct Follower {
    place: Place,
    store: Store,
    from: Option<u64>,
    progress: watch::Sender<Progress>,
}

/// Whether to go on.
enum Found {
    /// The chain that was read, which has come at least as far.
    Same,
    /// The chain that was read, but the node has not come as far yet.
    Behind,
    /// Another chain, or the same from its start.
    Another(String),
}

impl Follower {
    /// A follower that begins at block `from`, or at the deployment's.
    pub fn new(place: Place, store: Store, from: Option<u64>) -> Self {
        Self { place, store, from, progress: watch::Sender::default() }
    }

    /// How far it is, as that changes.
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// Follows for ever. A node that goes away is waited for; a chain that was made
    /// anew is indexed anew.
    ///
    /// # Errors
    /// What does not pass by itself: the database, a node without old states.
    pub async fn run(&self) -> Result<(), IndexError> {
        let [first, longest] = PAUSES;
        let mut pause = first;
        loop {
            let begun = Instant::now();
            let error = match self.follow().await {
                Ok(never) => match never {},
                Err(error) if error.may_pass() => error,
                Err(error) => return Err(error),
            };
            if begun.elapsed() > longest {
                pause = first;
            }
            let wait = pause.mul_f64(0.5 + 0.5 * fastrand::f64());
            tracing::warn!("cannot follow the chain: {error}; trying again in {:.1} s", wait.as_secs_f64());
            self.progress.send_modify(|progress| progress.outage = Some(error.to_string()));
            sleep(wait).await;
            pause = (pause * 2).min(longest);
        }
    }

    /// Reads everything up to the newest finalised block of now.
    ///
    /// # Errors
    /// If the node is away, or as [`Follower::run`].
    pub async fn catch_up(&self) -> Result<State, IndexError> {
        let contracts = self.place.connect().await?;
        let mut state = self.begin(&contracts).await?;
        let head = contracts.chain.latest().await?;
        self.read_to(&contracts, &mut state, head).await?;
        self.complete(&contracts, &state).await?;
        Ok(state)
    }

    async fn follow(&self) -> Result<std::convert::Infallible, IndexError> {
        let contracts = self.place.connect().await?;
        let mut state = self.begin(&contracts).await?;
        let mut blocks = contracts.chain.blocks();
        let mut caught_up = false;
        loop {
            let head = tokio::select! {
                head = blocks.next() => head?,
                () = sleep(SILENCE) => contracts.chain.latest().await?,
            };
            match self.look(&contracts, &state).await? {
                Found::Same => {}
                Found::Behind => {
                    self.report(&state, head, Some("the node has not come as far as the index yet".into()));
                    continue;
                }
                // The contracts may be elsewhere now, or not there yet: from the start.
                Found::Another(reason) => {
                    return Err(IndexError::OtherChain { url: contracts.chain.url().into(), reason });
                }
            }
            self.read_to(&contracts, &mut state, head).await?;
            if !caught_up {
                caught_up = true;
                self.complete(&contracts, &state).await?;
                tracing::info!(block = head.number, "the index has caught up");
            }
        }
    }

    /// Where to go on: after the last block that was read, or from the start if the
    /// database is empty or has another chain or other contracts.
    async fn begin(&self, contracts: &Contracts) -> Result<State, IndexError> {
        if let Some(state) = self.store.state().await? {
            let reason = match is_of(&state, contracts) {
                false => format!("it has the contracts of {}, genesis {}", state.chain.network, state.chain.genesis),
                true => match self.look(contracts, &state).await? {
                    Found::Same | Found::Behind => return Ok(state),
                    Found::Another(reason) => reason,
                },
            };
            tracing::warn!("the index is of another chain or deployment ({reason}): building it anew");
            self.store.clear().await?;
        }
        let number = self.from.unwrap_or(contracts.deployment.block);
        let first = contracts.chain.block(number).await?.unwrap_or(contracts.chain.latest().await?);
        let block =
            contracts.at(first).block_info(first).await.map_err(|error| changes::state_is_gone(error, first))?;
        let state = State { chain: contracts.info(block), from: first.number, changed: block };
        self.store.begin(&state).await?;
        Ok(state)
    }

    /// Whether the node has the chain that was read.
    async fn look(&self, contracts: &Contracts, state: &State) -> Result<Found, IndexError> {
        let (head, known) = (contracts.chain.latest().await?, state.chain.block);
        let snapshot = self.store.snapshot().await?;
        let Some((number, hash)) = snapshot.known_block(head.number).await? else {
            return Ok(Found::Another(format!("its head is block {}, before all that was indexed", head.number)));
        };
        match contracts.chain.block(number).await? {
            Some(block) if block.hash == hash && head.number < known.number => Ok(Found::Behind),
            Some(block) if block.hash == hash => Ok(Found::Same),
            Some(block) => Ok(Found::Another(format!("its block {number} is {}, and {hash} was indexed", block.hash))),
            None => Ok(Found::Behind),
        }
    }

    /// Reads the blocks up to `head`, many at a time, and writes them in order.
    async fn read_to(&self, contracts: &Contracts, state: &mut State, head: Block) -> Result<(), IndexError> {
        let from = state.chain.block.number + 1;
        let mut blocks = futures_util::stream::iter(from..=head.number)
            .map(|number| async move {
                let block = contracts.chain.block_at(number).await?;
                changes::read(contracts, block).await
            })
            .buffered(AT_ONCE);
        while let Some((block, changes)) = blocks.try_next().await? {
            self.write(state, block, &changes, head).await?;
            self.report(state, head, None);
        }
        self.report(state, head, None);
        Ok(())
    }

    async fn write(
        &self,
        state: &mut State,
        block: BlockInfo,
        changes: &Changes,
        head: Block,
    ) -> Result<(), IndexError> {
        let noted = block.number == head.number || block.number.is_multiple_of(NOTE_EVERY);
        if changes.is_empty() && !noted {
            return Ok(());
        }
        self.store.apply(state, block, changes).await
    }

    /// Compares the numbers of records with the chain's, as of the last block.
    async fn complete(&self, contracts: &Contracts, state: &State) -> Result<(), IndexError> {
        let block = state.chain.block;
        let contracts = contracts.at(Block { number: block.number, hash: block.hash });
        let snapshot = self.store.snapshot().await?;
        let chain = [
            ("datasets", contracts.registry.datasets(0, 1).await?.total),
            ("models", contracts.registry.models(0, 1).await?.total),
            ("jobs", contracts.market.jobs(0, 1).await?.total),
        ];
        for (what, chain) in chain {
            let (here, chain) = (snapshot.rows_of(what).await?, u64::from(chain));
            if here != chain {
                return Err(IndexError::Incomplete { what, here, chain });
            }
        }
        Ok(())
    }

    fn report(&self, state: &State, head: Block, outage: Option<String>) {
        let progress = Progress { indexed: Some(state.chain.block.number), head: Some(head.number), outage };
        self.progress.send_if_modified(|current| {
            let new = *current != progress;
            *current = progress;
            new
        });
    }
}

/// Whether an index is of these contracts on this chain.
fn is_of(state: &State, contracts: &Contracts) -> bool {
    let chain = &state.chain;
    chain.genesis == contracts.chain.genesis()
        && chain.registry == contracts.registry.address()
        && chain.market == contracts.market.address()
        && chain.titles == contracts.titles.address()
}
