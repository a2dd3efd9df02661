//! An operator that follows a script, honest or not.

use crate::world::{World, signer, tokens};
use assay_content::{Kind, Store, serve};
use assay_engine::CpuBackend;
use assay_job::{Commitments, Task};
use assay_protocol::market::{Check, Commit, Role, Slot, SlotOpening, SlotTrace, State};
use assay_protocol::{Address, Hash};
use std::future::pending;

/// How it works.
#[derive(Clone, Copy, PartialEq)]
pub enum Work {
    Honest,
    /// Makes up the state and the trace of every segment.
    MadeUp,
    /// Trains honestly and serves checkpoints that are cut short.
    Truncated,
    /// Trains honestly and gives another file for the model.
    FalseArtefact,
}

pub struct Operator<'a> {
    world: &'a World,
    job: u64,
    pub address: Address,
    store: Store,
    states: Vec<Hash>,
}

struct Trained {
    states: Vec<Hash>,
    traces: Vec<Hash>,
    artefact: Hash,
}

fn train(task: &Task, store: &Store, job: u64, work: Work) -> Trained {
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
            traces.push(Hash([segment as u8; 32]));
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

impl<'a> Operator<'a> {
    /// Claims the job, commits, opens, and reveals its traces.
    pub async fn start(world: &'a World, job: u64, work: Work) -> Self {
        let bob = signer("//Bob");
        let (chain, market) = (&world.deployed.chain, &world.deployed.market);
        let store = Store::open(world.node.folder().join("operator")).unwrap();
        let (address, server) =
            serve::serve(serve::router(store.clone()), "127.0.0.1:0".parse().unwrap(), pending()).await.unwrap();
        tokio::spawn(server);
        chain.ensure_mapped(&bob).await.unwrap();
        let endpoint = format!("http://{address}");
        market.stake(Role::Operator, Some(&endpoint), tokens(50)).execute(&bob).await.unwrap();

        world.until(job, |view| view.job.enlisted >= 3).await;
        market.claim(job).execute(&bob).await.unwrap();
        let task = Task::new(world.spec.clone(), &world.data).unwrap();
        let Trained { states, traces, artefact } = train(&task, &store, job, work);
        let commitments = Commitments::new(job, &bob.address(), &states, &traces);
        store.put_leaves(&commitments.root(), &commitments.to_bytes()).unwrap();
        let last = task.spec().segments();
        let (first, last) = (commitments.opening(0), commitments.opening(last));
        let commit = Commit { root: commitments.root(), first, last, artefact };
        market.commit(job, &commit).execute(&bob).await.unwrap();
        world.reveal(job).await;

        world.until_state(job, State::Drawn).await;
        let opening = |(slot, entry): (u8, &Slot)| SlotOpening {
            slot,
            before: commitments.opening(entry.segment),
            after: commitments.opening(entry.segment + 1),
        };
        let slots = market.slots(job).await.unwrap();
        let openings: Vec<SlotOpening> = (0u8..).zip(&slots).map(opening).collect();
        market.open(job, &openings).execute(&bob).await.unwrap();

        let view = world.until(job, |view| !matches!(view.job.state, State::Drawn | State::Opened)).await;
        if view.job.state == State::Attested {
            let slots = market.slots(job).await.unwrap();
            let sealed = (0u8..).zip(&slots).filter(|(_, slot)| slot.check == Check::Sealed);
            let revealed: Vec<SlotTrace> =
                sealed.map(|(slot, entry)| SlotTrace { slot, trace: traces[entry.segment as usize] }).collect();
            market.reveal_traces(job, &revealed).execute(&bob).await.unwrap();
        }
        Self { world, job, address: bob.address(), store, states }
    }

    pub async fn slots(&self) -> Vec<Slot> {
        self.world.deployed.market.slots(self.job).await.unwrap()
    }

    /// Changes a byte of the checkpoint before segment 2.
    pub fn tamper_with_a_checkpoint(&self) {
        let path = self.store.path(Kind::State, &self.states[2]);
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(path, bytes).unwrap();
    }
}
