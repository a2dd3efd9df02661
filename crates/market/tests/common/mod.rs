//! A market over a map, with a registry, an account of every unit of money, and
//! a small world in which training is a hash: what operators commit to, what
//! verifiers find when they replay.
#![allow(dead_code, reason = "each test file uses its own part")]

pub mod host;
pub mod work;

use assay_market::{advance, check, enlist, panel, post, reads, stake, train};
use assay_protocol::commitment::{Outcome, outcome_seal, seal, sealed_secret};
use assay_protocol::hash::{Domain, Native, Sha256};
use assay_protocol::market::{
    BURN_ADDRESS, Check, Enlistment, Error, Job, JobView, ModelTerms, PostJob, Role, Slot, SlotTrace, Standing, State,
    Terms, Windows,
};
use assay_protocol::{Address, Hash};
use host::TestHost;
use parity_scale_codec::Decode;
use std::collections::BTreeMap;
use work::{Cheat, Work};

/// Posts the jobs.
pub const CLIENT: Address = Address([0xc1; 20]);
/// Two operators.
pub const OPERATOR: Address = Address([0x01; 20]);
pub const RIVAL: Address = Address([0x02; 20]);
/// Has no part in anything.
pub const STRANGER: Address = Address([0x99; 20]);
/// A registered dataset.
pub const DATASET: Hash = Hash([0xda; 32]);
/// The specification of every job.
pub const SPEC: &[u8] = b"a specification";

/// Verifier `number`.
pub fn verifier(number: u8) -> Address {
    Address([0x30 + number; 20])
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
        bond: 10_000,
        samples: 3,
        panel: 3,
        sealed_secret: sealed_secret(&Native, &secret(client), &client),
        windows: Windows { claim: 100, train: 200, secrets: 50, open: 60, attest: 70, reveal: 40, dispute: 90 },
    }
}

/// A job by these terms.
pub fn post_args(terms: Terms) -> PostJob {
    let model = ModelTerms { name: "a model".into(), licence: "CC-BY-4.0".into(), parent: None };
    PostJob { terms, model, datasets: vec![DATASET], spec: SPEC.to_vec() }
}

/// A chain with a market on it.
#[derive(Default)]
pub struct World {
    pub host: TestHost,
    /// All that was ever sent in.
    pub paid_in: u128,
    /// All that was ever sent out, burned sums included.
    pub paid_out: u128,
    /// What each operator has made of a job.
    pub works: BTreeMap<u64, Work>,
    /// Messages sent so far.
    pub messages: u64,
}

impl World {
    /// An empty market at some time after 1970.
    pub fn new() -> Self {
        let mut world = World::default();
        world.host.memory.now = 1_000_000;
        world.host.memory.block_number = 1_000;
        world.host.datasets.insert(DATASET);
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
            Ok(_) => self.paid_in += value,
            Err(_) => self.host.revert(),
        }
        self.check_books();
        result
    }

    fn table<K: Decode, V: Decode>(&self, tag: u8) -> Vec<(K, V)> {
        let rows = self.host.memory.storage.range(vec![tag]..vec![tag + 1]);
        rows.map(|(key, value)| (K::decode(&mut &key[1..]).unwrap(), V::decode(&mut &value[..]).unwrap())).collect()
    }

    /// All jobs, straight from storage.
    pub fn jobs(&self) -> Vec<(u64, Job)> {
        self.table(b'j')
    }

    /// All standings, straight from storage.
    pub fn standings(&self) -> Vec<((Role, Address), Standing)> {
        self.table(b'a')
    }

    /// All enlistments, straight from storage.
    pub fn enlistments(&self) -> Vec<((u64, Address), Enlistment)> {
        self.table(b'e')
    }

    /// All credits, straight from storage.
    pub fn credits(&self) -> Vec<(Address, u128)> {
        self.table(b'w')
    }

    /// What must hold after every message.
    pub fn check_books(&self) {
        let (jobs, standings, enlistments) = (self.jobs(), self.standings(), self.enlistments());
        let held: u128 = jobs.iter().map(|(_, job)| job.held).sum();
        let stakes: u128 = standings.iter().map(|(_, standing)| standing.stake).sum();
        let credits: u128 = self.credits().iter().map(|(_, credit)| credit).sum();
        assert_eq!(self.paid_in, self.paid_out + held + stakes + credits, "money in = money out + money held");
        for (id, job) in &jobs {
            let view = reads::job(&self.host, *id).unwrap();
            let running = matches!(
                job.state,
                State::Claimed
                    | State::Committed
                    | State::Drawn
                    | State::Opened
                    | State::Attested
                    | State::Window
                    | State::Disputed
                    | State::Ruling
            );
            assert_eq!(job.state.is_terminal(), job.held == 0, "job {id} in {:?} holds {}", job.state, job.held);
            assert_eq!(job.state.is_terminal(), job.deadline == 0);
            assert!(job.state.is_terminal() || job.held >= view.terms.payment);
            assert_eq!(
                matches!(job.state, State::Disputed | State::Ruling),
                job.disputed.is_some(),
                "job {id} in {:?}",
                job.state
            );
            assert!(!running || job.operator.is_some());
            assert!(job.revealed <= job.enlisted);
        }
        for ((role, account), standing) in &standings {
            assert!(standing.locked <= standing.stake, "{account} has locked more than it has");
            let locked: u128 = match role {
                Role::Verifier => {
                    enlistments.iter().filter(|((_, who), _)| who == account).map(|(_, part)| part.bond).sum()
                }
                Role::Operator => jobs
                    .iter()
                    .filter(|(_, job)| job.operator == Some(*account) && !job.state.is_terminal())
                    .map(|(id, _)| reads::job(&self.host, *id).unwrap().terms.stake)
                    .sum(),
            };
            assert_eq!(standing.locked, locked, "{role:?} {account}: what is locked is what jobs have locked");
        }
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

    pub fn post(&mut self, args: PostJob) -> Result<u64, Error> {
        let value = args.terms.payment + args.terms.fee;
        self.send(CLIENT, value, |host| post::post_job(host, args))
    }

    pub fn enlist(&mut self, id: u64, by: Address) -> Result<(), Error> {
        let sealed = sealed_secret(&Native, &secret(by), &by);
        self.send(by, 0, |host| enlist::enlist(host, id, sealed))
    }

    pub fn claim(&mut self, id: u64, by: Address) -> Result<(), Error> {
        self.send(by, 0, |host| train::claim(host, id))
    }

    pub fn commit(&mut self, id: u64, by: Address, cheats: &[Cheat]) -> Result<(), Error> {
        let terms = self.view(id).terms;
        let work = Work::new(id, by, terms.spec, terms.segments, cheats);
        let args = work.commit();
        let done = self.send(by, 0, |host| train::commit(host, id, args));
        if done.is_ok() {
            self.works.insert(id, work);
        }
        done
    }

    pub fn reveal(&mut self, id: u64, by: Address) -> Result<(), Error> {
        self.send(by, 0, |host| enlist::reveal_secret(host, id, secret(by)))
    }

    pub fn advance(&mut self, id: u64) -> Result<(), Error> {
        self.send(STRANGER, 0, |host| advance::advance(host, id))
    }

    /// Misses the deadline and has a stranger move the job on.
    pub fn wait(&mut self, id: u64) {
        self.miss_deadline(id);
        self.advance(id).unwrap();
    }

    pub fn open(&mut self, id: u64, by: Address) -> Result<(), Error> {
        let waiting = (0u8..).zip(self.slots(id)).filter(|(_, slot)| slot.check == Check::Drawn);
        let openings = waiting.map(|(number, slot)| self.works[&id].open(number, slot.segment)).collect();
        self.send(by, 0, |host| check::open(host, id, openings))
    }

    /// What an honest verifier does with a slot of its own.
    pub fn attest(&mut self, id: u64, number: u8) -> Result<(), Error> {
        let slot = self.slots(id)[usize::from(number)].clone();
        match self.works[&id].first_finding(slot.segment) {
            Some(trace) => {
                let seal = seal(&Native, id, slot.segment, &trace, &slot.verifier);
                self.send(slot.verifier, 0, |host| check::attest(host, id, number, seal))
            }
            None => self.send(slot.verifier, 0, |host| check::report_unavailable(host, id, number)),
        }
    }

    pub fn traces(&self, id: u64) -> Vec<SlotTrace> {
        (0u8..)
            .zip(self.slots(id))
            .filter(|(_, slot)| slot.check == Check::Sealed)
            .map(|(number, slot)| SlotTrace { slot: number, trace: self.works[&id].traces[slot.segment as usize] })
            .collect()
    }

    pub fn reveal_traces(&mut self, id: u64, by: Address) -> Result<(), Error> {
        let traces = self.traces(id);
        self.send(by, 0, |host| check::reveal_traces(host, id, traces))
    }

    /// What an honest verifier does after a mismatch.
    pub fn insist(&mut self, id: u64, number: u8) -> Result<(), Error> {
        let slot = self.slots(id)[usize::from(number)].clone();
        let trace = self.works[&id].first_finding(slot.segment);
        self.send(slot.verifier, 0, |host| check::insist(host, id, number, trace))
    }

    /// What an honest panellist finds.
    pub fn outcome(&self, id: u64) -> Outcome {
        let dispute = self.view(id).dispute.unwrap();
        let segment = self.slots(id)[usize::from(dispute.slot)].segment;
        self.works[&id].panel_finding(segment, dispute.salt)
    }

    pub fn panel_seal(&mut self, id: u64, by: Address, outcome: Outcome) -> Result<(), Error> {
        let segment = self.disputed_segment(id);
        let seal = outcome_seal(&Native, id, segment, &outcome, &by);
        self.send(by, 0, |host| panel::panel_seal(host, id, seal))
    }

    pub fn panel_reveal(&mut self, id: u64, by: Address, outcome: Outcome) -> Result<(), Error> {
        self.send(by, 0, |host| panel::panel_reveal(host, id, outcome))
    }

    pub fn disputed_segment(&self, id: u64) -> u32 {
        let dispute = self.view(id).dispute.unwrap();
        self.slots(id)[usize::from(dispute.slot)].segment
    }

    pub fn panellists(&self, id: u64) -> Vec<Address> {
        reads::seats(&self.host, id).iter().map(|seat| seat.verifier).collect()
    }

    /// The whole panel seals and reveals this.
    pub fn rule(&mut self, id: u64, outcome: Outcome) {
        for by in self.panellists(id) {
            self.panel_seal(id, by, outcome).unwrap();
        }
        for by in self.panellists(id) {
            self.panel_reveal(id, by, outcome).unwrap();
        }
    }

    pub fn release(&mut self, id: u64, by: Address) -> Result<(), Error> {
        self.send(by, 0, |host| enlist::release(host, id))
    }

    fn take(&mut self, by: Address, message: impl FnOnce(&mut TestHost) -> Result<u128, Error>) -> Result<u128, Error> {
        self.host.memory.caller = by;
        self.host.begin();
        let taken = message(&mut self.host);
        match &taken {
            // The sum leaves with the message, as the contract sends it.
            Ok(amount) => self.paid_out += amount,
            Err(_) => self.host.revert(),
        }
        self.check_books();
        taken
    }

    pub fn withdraw(&mut self, by: Address) -> Result<u128, Error> {
        self.take(by, stake::withdraw)
    }

    pub fn withdraw_burned(&mut self) -> Result<u128, Error> {
        self.take(STRANGER, stake::withdraw_burned)
    }

    // ------------------------------------------------------------ a life, by stages

    /// Verifiers `0..count` and two operators with stake, a job posted, all enlisted.
    pub fn posted(count: u8, change: impl FnOnce(&mut PostJob)) -> (Self, u64) {
        let mut world = World::new();
        let mut args = post_args(terms(CLIENT));
        change(&mut args);
        for number in 0..count {
            world.stake(Role::Verifier, verifier(number), 25_000);
        }
        for operator in [OPERATOR, RIVAL] {
            world.stake(Role::Operator, operator, 600_000);
        }
        let id = world.post(args).unwrap();
        for number in 0..count {
            world.enlist(id, verifier(number)).unwrap();
        }
        (world, id)
    }

    /// Claimed and committed to by [`OPERATOR`], who cheats like this.
    pub fn committed(count: u8, cheats: &[Cheat]) -> (Self, u64) {
        let (mut world, id) = Self::posted(count, |_| ());
        world.claim(id, OPERATOR).unwrap();
        world.commit(id, OPERATOR, cheats).unwrap();
        (world, id)
    }

    /// All secrets in, drawn.
    pub fn drawn(count: u8, cheats: &[Cheat]) -> (Self, u64) {
        let (mut world, id) = Self::committed(count, cheats);
        world.reveal(id, CLIENT).unwrap();
        for number in 0..count {
            world.reveal(id, verifier(number)).unwrap();
        }
        world.tick(1);
        world.advance(id).unwrap();
        assert_eq!(world.state(id), State::Drawn);
        (world, id)
    }

    /// All drawn leaves open.
    pub fn opened(count: u8, cheats: &[Cheat]) -> (Self, u64) {
        let (mut world, id) = Self::drawn(count, cheats);
        world.open(id, OPERATOR).unwrap();
        assert_eq!(world.state(id), State::Opened);
        (world, id)
    }

    /// All verifiers sealed what they found.
    pub fn attested(count: u8, cheats: &[Cheat]) -> (Self, u64) {
        let (mut world, id) = Self::opened(count, cheats);
        for number in 0..world.view(id).terms.samples {
            world.attest(id, number).unwrap();
        }
        (world, id)
    }

    /// Traces revealed, the window open.
    pub fn window(count: u8, cheats: &[Cheat]) -> (Self, u64) {
        let (mut world, id) = Self::attested(count, cheats);
        world.reveal_traces(id, OPERATOR).unwrap();
        assert_eq!(world.state(id), State::Window);
        (world, id)
    }

    /// Everybody takes everything out; nothing may be left.
    pub fn empty(&mut self) {
        for ((id, by), _) in self.enlistments() {
            self.release(id, by).unwrap();
        }
        for ((role, by), standing) in self.standings() {
            assert_eq!(standing.locked, 0, "{by}");
            self.send(by, 0, |host| stake::unstake(host, role, standing.stake)).unwrap();
        }
        for (by, credit) in self.credits() {
            if by == BURN_ADDRESS {
                assert_eq!(self.withdraw_burned().unwrap(), credit);
            } else {
                assert_eq!(self.withdraw(by).unwrap(), credit);
            }
        }
        assert_eq!(self.paid_in, self.paid_out);
        assert!(self.credits().is_empty() && self.enlistments().is_empty());
    }
}
