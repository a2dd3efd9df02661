//! A market over a map, with a registry, an account of every unit of money, and
//! a small world in which training is a hash: what operators commit to, what
//! verifiers find when they replay.
#![allow(dead_code, reason = "each test file uses its own part")]

mod acts;
mod books;
pub mod host;
mod stages;
pub mod work;

use assay_market::{reads, rules, stake};
use assay_protocol::commitment::{JobId, sealed_secret};
use assay_protocol::hash::{Domain, Native, Sha256};
use assay_protocol::market::{
    Error, Job, JobView, ModelTerms, Policy, PostJob, Role, Slot, Standing, State, Terms, Windows,
};
use assay_protocol::{Address, Hash};
use host::TestHost;
use std::collections::BTreeMap;
use work::Work;

/// Posts the jobs.
pub const CLIENT: Address = Address([0xc1; 20]);
/// Two operators.
pub const OPERATOR: Address = Address([0x01; 20]);
pub const RIVAL: Address = Address([0x02; 20]);
/// Has no part in anything.
pub const STRANGER: Address = Address([0x99; 20]);
/// Where the market is.
pub const MARKET: Address = Address([0x3a; 20]);
/// Where the registry is.
pub const REGISTRY: Address = Address([0x4e; 20]);
/// The longest window of a job.
pub const LONGEST_WINDOW: u32 = 1_000;
/// A registered dataset.
pub const DATASET: Hash = Hash([0xda; 32]);
/// A made-up trace root.
pub const NONSENSE: Hash = Hash([9; 32]);
/// The specification of every job.
pub const SPEC: &[u8] = b"a specification";

/// Verifier `number`.
pub fn verifier(number: u8) -> Address {
    Address([0x30 + number; 20])
}

/// By what seals name job `id` of the market.
pub fn job_id(id: u64) -> JobId {
    JobId { market: MARKET, number: id }
}

/// The secret that `by` seals into every job.
pub fn secret(by: Address) -> Hash {
    Native.hash_value(Domain::Secret, &(b"secret", by))
}

/// Terms whose sums do not divide evenly.
pub fn terms(client: Address) -> Terms {
    Terms {
        spec: Native.sha256(SPEC),
        program: Hash([7; 32]),
        segments: 8,
        payment: 1_000_000,
        fee: 100_003,
        stake: 500_001,
        hand_back: 20_000,
        bond: 10_000,
        samples: 3,
        panel: 3,
        sealed_secret: sealed_secret(&Native, &MARKET, &secret(client), &client),
        policy: Policy::default(),
        windows: Windows { claim: 100, train: 200, secrets: 50, open: 60, attest: 70, reveal: 40, dispute: 90 },
    }
}

/// A job by these terms.
pub fn post_args(terms: Terms) -> PostJob {
    let model = ModelTerms { name: "a model".into(), licence: "CC-BY-4.0".into(), parent: None, royalty_bp: 250 };
    PostJob { terms, model, datasets: vec![DATASET], spec: SPEC.to_vec(), most_royalties_bp: 10_000 }
}

/// A chain with a market on it.
#[derive(Default)]
pub struct World {
    pub host: TestHost,
    /// All that was ever sent in.
    pub paid_in: u128,
    /// All that was ever sent out, burned sums included.
    pub paid_out: u128,
    /// All that each job was ever given: values sent and stakes slashed.
    pub taken_in: BTreeMap<u64, u128>,
    /// What each operator has made of a job.
    pub works: BTreeMap<u64, Work>,
    /// Messages sent so far.
    pub messages: u64,
}

impl World {
    /// An empty market at some time after 1970.
    pub fn new() -> Self {
        let mut world = World::default();
        world.host.memory.address = MARKET;
        world.host.memory.now = 1_000_000;
        world.host.memory.block_number = 1_000;
        world.host.datasets.insert(DATASET);
        rules::deploy(&mut world.host, REGISTRY, LONGEST_WINDOW).unwrap();
        world
    }

    /// Sends a message; takes everything back if it is refused. Checks the books.
    pub fn send<T>(
        &mut self,
        caller: Address,
        value: u128,
        message: impl FnOnce(&mut TestHost) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.messages += 1;
        self.host.memory.caller = caller;
        self.host.memory.value = value;
        self.host.begin();
        let result = message(&mut self.host);
        self.host.memory.value = 0;
        match result {
            Ok(_) => {
                self.paid_in += value;
                self.take_in();
            }
            Err(_) => self.host.revert(),
        }
        self.check_books();
        result
    }

    /// Lets time pass; each call begins a new block.
    pub fn tick(&mut self, seconds: u64) {
        self.host.memory.now += seconds;
        self.host.memory.block_number += 1;
    }

    /// The first second after the job's deadline.
    pub fn miss_deadline(&mut self, id: u64) {
        let deadline = self.job(id).deadline;
        self.host.memory.now = deadline + 1;
        self.host.memory.block_number += 1;
    }

    pub fn view(&self, id: u64) -> JobView {
        reads::job(&self.host, id).unwrap()
    }

    pub fn job(&self, id: u64) -> Job {
        self.view(id).job
    }

    pub fn state(&self, id: u64) -> State {
        self.job(id).state
    }

    pub fn slots(&self, id: u64) -> Vec<Slot> {
        reads::slots(&self.host, id)
    }

    pub fn credit(&self, account: Address) -> u128 {
        reads::credit(&self.host, account)
    }

    pub fn standing(&self, role: Role, account: Address) -> Standing {
        reads::standing(&self.host, role, account).unwrap()
    }

    pub fn stake(&mut self, role: Role, account: Address, amount: u128) {
        self.send(account, amount, |host| stake::stake(host, role, None)).unwrap();
    }
}
