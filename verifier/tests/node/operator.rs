//! An operator that follows a script, honest or not.

use crate::world::{World, signer, tokens};
use assay_client::Signer;
use assay_content::{Kind, Store, serve};
use assay_engine::CpuBackend;
use assay_job::{Commitments, Task};
use assay_protocol::commitment::JobId;
use assay_protocol::market::{Check, Commit, Ends, Opening, Role, Slot, SlotOpening, SlotTrace, State};
use assay_protocol::{Address, Hash};
use std::future::pending;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// How it works.
#[derive(Clone, Copy, PartialEq)]
pub enum Work {
    Honest,
    /// Makes up the state and the trace of every segment.
    MadeUp,
    /// Trains honestly and serves checkpoints that are cut short.
    Truncated,
    /// Trains honestly and serves one byte at a time.
    Dripping,
    /// Trains honestly and gives another file for the model.
    FalseArtefact,
}

pub struct Operator<'a> {
    world: &'a World,
    job: u64,
    pub address: Address,
    signer: Signer,
    store: Store,
    work: Work,
    /// What came of the work, once it is committed to.
    trained: Option<(Trained, Commitments)>,
}

struct Trained {
    states: Vec<Hash>,
    traces: Vec<Hash>,
    artefact: Hash,
}

fn train(task: &Task, store: &Store, job: JobId, work: Work) -> Trained {
    let backend = CpuBackend::new(1).unwrap();
    let mut runner = task.runner(&backend).unwrap();
    let mut state = task.initial_state().unwrap();
    let (mut states, mut traces) = (vec![Hash(state.root())], vec![]);
    let put = |root: &Hash, bytes: Vec<u8>| {
        let cut = if work == Work::Truncated { bytes.len() - 1 } else { bytes.len() };
        store.put_state(root, &bytes[..cut]).unwrap();
    };
    put(&states[0], state.to_bytes());
    for segment in 0..task.spec().segments() {
        if work == Work::MadeUp {
            let step = task.spec().steps_of(segment).end;
            let data = state.tensors().map(|(_, _, data)| data.iter().map(|x| x * 0.5).collect()).collect();
            state = assay_engine::State::from_parts(step, state.layout().clone(), data).unwrap();
            // No replay gives it. (The market refuses zero.)
            traces.push(Hash([0xee; 32]));
        } else {
            let run = runner.run(&state, segment, |_| true).unwrap().unwrap();
            traces.push(run.trace(job, segment));
            state = run.state;
        }
        let root = Hash(state.root());
        put(&root, state.to_bytes());
        states.push(root);
    }
    let mut artefact = store.put_blob(&task.artefact(&state).unwrap()).unwrap();
    if work == Work::FalseArtefact {
        artefact = store.put_blob(b"not the model").unwrap();
    }
    Trained { states, traces, artefact }
}

/// A server that never stalls and never ends: to every request it announces a
/// small body and sends it byte by byte.
async fn drip() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = [0; 1024];
                let _ = stream.read(&mut request).await;
                let mut sent = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 600\r\n\r\n").await;
                while sent.is_ok() {
                    tokio::time::sleep(Duration::from_millis(500)).await;
                    sent = stream.write_all(b"A").await;
                }
            });
        }
    });
    address
}

impl<'a> Operator<'a> {
    /// An operator with stake and a server, that has not claimed yet.
    pub async fn prepare(world: &'a World, job: u64, work: Work) -> Self {
        let signer = signer("//Bob");
        let (chain, market) = (&world.deployed.chain, &world.deployed.market);
        let store = Store::open(world.node.folder().join("operator")).unwrap();
        let address = match work {
            Work::Dripping => drip().await,
            _ => {
                let router = serve::router(store.clone());
                let (address, server) = serve::serve(router, "127.0.0.1:0".parse().unwrap(), pending()).await.unwrap();
                tokio::spawn(server);
                address
            }
        };
        chain.ensure_mapped(&signer).await.unwrap();
        let endpoint = format!("http://{address}");
        market.stake(Role::Operator, Some(&endpoint), tokens(50)).execute(&signer).await.unwrap();
        Self { world, job, address: signer.address(), signer, store, work, trained: None }
    }

    /// Does all its steps, each when it is time.
    pub async fn start(world: &'a World, job: u64, work: Work) -> Self {
        let mut operator = Self::prepare(world, job, work).await;
        world.until(job, |view| view.job.enlisted >= 3).await;
        operator.claim().await;
        operator.commit().await;
        world.reveal(job).await;
        world.until_state(job, State::Drawn).await;
        operator.open().await;
        let view = world.until(job, |view| !matches!(view.job.state, State::Drawn | State::Opened)).await;
        if view.job.state == State::Attested {
            operator.reveal_traces().await;
        }
        operator
    }

    pub async fn claim(&self) {
        self.world.deployed.market.claim(self.job).execute(&self.signer).await.unwrap();
    }

    /// Trains and commits.
    pub async fn commit(&mut self) {
        let task = Task::new(self.world.spec.clone(), &self.world.data).unwrap();
        let job = self.world.deployed.market.job_id(self.job);
        let trained = train(&task, &self.store, job, self.work);
        let commitments = Commitments::new(job, &self.address, &trained.states, &trained.traces);
        self.store.put_leaves(&commitments.root(), &commitments.to_bytes()).unwrap();
        let commit = Commit { root: commitments.root() };
        self.world.deployed.market.commit(self.job, &commit).execute(&self.signer).await.unwrap();
        self.trained = Some((trained, commitments));
    }

    fn trained(&self) -> &(Trained, Commitments) {
        self.trained.as_ref().unwrap()
    }

    pub async fn open(&self) {
        let (trained, commitments) = self.trained();
        let last = self.world.spec.segments();
        let ends = Ends { first: commitments.opening(0), last: commitments.opening(last), artefact: trained.artefact };
        let opening = |(slot, entry): (u8, &Slot)| SlotOpening {
            slot,
            before: commitments.opening(entry.segment),
            after: commitments.opening(entry.segment + 1),
        };
        let slots = (0u8..).zip(&self.slots().await).map(opening).collect();
        let opening = Opening { ends: Some(ends), slots };
        self.world.deployed.market.open(self.job, &opening).execute(&self.signer).await.unwrap();
    }

    pub async fn reveal_traces(&self) {
        let traces = &self.trained().0.traces;
        let slots = self.slots().await;
        let sealed = (0u8..).zip(&slots).filter(|(_, slot)| slot.check == Check::Sealed);
        let revealed: Vec<SlotTrace> =
            sealed.map(|(slot, entry)| SlotTrace { slot, trace: traces[entry.segment as usize] }).collect();
        self.world.deployed.market.reveal_traces(self.job, &revealed).execute(&self.signer).await.unwrap();
    }

    pub async fn slots(&self) -> Vec<Slot> {
        self.world.deployed.market.slots(self.job).await.unwrap()
    }

    /// Changes a byte of the checkpoint before segment 2.
    pub fn tamper_with_a_checkpoint(&self) {
        let path = self.store.path(Kind::State, &self.trained().0.states[2]);
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(path, bytes).unwrap();
    }
}
