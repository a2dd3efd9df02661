//! Random histories: honest, idle, lazy and malicious actors, time that jumps.
//!
//! After every message, whoever sent it and whether it was taken or refused:
//! money in = money out + money held, what is locked is what jobs have locked,
//! no job holds money after its end, nothing panics (`World::send` checks). And:
//!
//! * an honest actor's message is never refused;
//! * an honest operator is slashed only by a panel without an honest majority, or
//!   by dishonest verifiers that were drawn for one slot, one after another, and
//!   all reported: as many as would be such a majority;
//! * an honest verifier is slashed only by such a panel, or for reporting that
//!   it was not served where its demand was answered;
//! * no job becomes final over a false segment that an honest verifier drew, or
//!   that an honest challenger knew, but for such a panel;
//! * no job ends well while a demand is open;
//! * waiting and `advance` alone end every job within a few calls;
//! * when everybody takes everything out, nothing is left.
//!
//! `ASSAY_HISTORIES=100000 cargo test -p assay-market --test histories` tries more.

#[path = "../common/mod.rs"]
mod common;
mod honest;
mod others;

use assay_protocol::Address;
use assay_protocol::commitment::{Outcome, sealed_secret};
use assay_protocol::hash::{Hash, Native};
use assay_protocol::market::{Check, Error, Event, Reason, Role, Slot, State};
use assay_protocol::registry::{Node, Royalty};
use common::{CLIENT, DATASET, MARKET, OPERATOR, RIVAL, World, verifier};
use proptest::collection::vec;
use proptest::prelude::any;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// A client that posts and is never seen again.
const GONE: Address = Address([0xc2; 20]);
/// An operator that claims and is never seen again.
const VANISHER: Address = Address([0x03; 20]);
const OPERATORS: [Address; 3] = [OPERATOR, RIVAL, VANISHER];
const MOST_JOBS: u64 = 4;
/// Challenges what it knows to be false, and nothing else.
const AUDITOR: Address = Address([0xaa; 20]);
/// Owns the dataset.
const OWNER: Address = Address([0x0d; 20]);
/// Calls of `advance` within which a job that everybody has left must end.
const MOST_CALLS: u32 = 8;

/// A row of numbers that decides everything; shorter rows are simpler histories.
struct Choices {
    words: std::vec::IntoIter<u32>,
}

impl Choices {
    fn below(&mut self, bound: u32) -> u32 {
        self.words.next().unwrap_or(0) % bound
    }

    fn of<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len() as u32) as usize]
    }

    fn hash(&mut self) -> Hash {
        Hash([self.below(4) as u8; 32])
    }
}

struct History {
    world: World,
    choices: Choices,
    verifiers: Vec<Address>,
    honest: BTreeSet<Address>,
    /// Jobs whose panel has no honest majority.
    captured: BTreeSet<u64>,
    /// Honest verifiers that were not served.
    unserved: BTreeSet<(u64, Address)>,
    /// The dishonest verifiers that reported each slot.
    accusers: BTreeMap<(u64, u8), BTreeSet<Address>>,
    /// What dishonest panellists have sealed.
    sealed: BTreeMap<(u64, Address), Outcome>,
    events_seen: usize,
    /// Whether honest actors still do their part.
    attended: bool,
}

impl History {
    fn new(words: Vec<u32>) -> Self {
        let mut choices = Choices { words: words.into_iter() };
        let count = 4 + choices.below(5) as u8;
        let honest = choices.below(u32::from(count) + 1) as u8;
        let mut world = World::new();
        let verifiers: Vec<Address> = (0..count).map(verifier).collect();
        for by in &verifiers {
            world.stake(Role::Verifier, *by, 50_000);
        }
        for by in OPERATORS {
            world.stake(Role::Operator, by, 1_500_000);
        }
        world.host.royalties = vec![Royalty { node: Node::Dataset(DATASET), to: OWNER, share_bp: 333 }];
        let honest = verifiers[..usize::from(honest)].iter().copied().chain([OPERATOR, CLIENT, AUDITOR]).collect();
        let mut history = History {
            world,
            choices,
            verifiers,
            honest,
            captured: BTreeSet::new(),
            unserved: BTreeSet::new(),
            accusers: BTreeMap::new(),
            sealed: BTreeMap::new(),
            events_seen: 0,
            attended: true,
        };
        history.post();
        history
    }

    fn honest(&self, who: Address) -> bool {
        self.honest.contains(&who)
    }

    fn live_jobs(&self) -> Vec<u64> {
        self.world.jobs().into_iter().filter(|(_, job)| !job.state.is_terminal()).map(|(id, _)| id).collect()
    }

    // ------------------------------------------------------------ what must hold

    /// Whether dishonest verifiers alone have reported a slot of the job often
    /// enough for a conviction.
    fn accused(&self, id: u64) -> bool {
        let least = usize::from(self.world.view(id).terms.reports());
        self.accusers.range((id, 0)..=(id, u8::MAX)).any(|(_, accusers)| accusers.len() >= least)
    }

    /// Looks at what the last message did.
    fn observe(&mut self) {
        for (id, job) in self.world.jobs() {
            if matches!(job.state, State::Disputed | State::Ruling) {
                let seats = self.world.panellists(id);
                assert!(seats.len() >= 2);
                let honest = seats.iter().filter(|seat| self.honest(**seat)).count();
                if honest * 2 <= seats.len() {
                    self.captured.insert(id);
                }
            }
        }
        for event in self.world.host.events[self.events_seen..].iter().cloned() {
            match event {
                Event::Slashed { account, job, reason, .. } if self.attended && self.honest(account) => {
                    let excused = self.captured.contains(&job)
                        || (reason == Reason::Idle && self.unserved.contains(&(job, account)))
                        || (reason == Reason::Unavailable && self.accused(job));
                    assert!(excused, "honest {account} slashed in job {job}: {reason:?}");
                }
                Event::SlotMoved { job, slot, verifier, check: Check::Unserved } if !self.honest(verifier) => {
                    self.accusers.entry((job, slot)).or_default().insert(verifier);
                }
                Event::JobMoved { job, state: State::Final | State::Void, .. } => {
                    assert!(self.world.demands(job).is_empty());
                    let work = &self.world.works.get(&job);
                    let undecided = |check| matches!(check, Check::Undecided | Check::Challenged);
                    let known = |slot: &&Slot| self.honest(slot.verifier) && !undecided(slot.check);
                    let is_final = self.world.state(job) == State::Final;
                    for slot in self.world.slots(job).iter().filter(known) {
                        let right = work.is_some_and(|work| work.is_true(slot.segment));
                        assert!(right || !is_final || self.captured.contains(&job), "job {job} is final over {slot:?}");
                    }
                }
                _ => {}
            }
        }
        self.events_seen = self.world.host.events.len();
    }

    /// Ends all jobs by waiting, with or without the honest doing their part.
    fn end(&mut self, seen: &mut Seen) {
        for id in self.live_jobs() {
            let mut calls = 0;
            while !self.world.state(id).is_terminal() {
                assert!(self.attended || calls < MOST_CALLS, "job {id} is still {:?}", self.world.state(id));
                assert!(calls < 100, "job {id} goes round in circles in {:?}", self.world.state(id));
                let left = self.world.job(id).deadline.saturating_sub(self.world.host.memory.now);
                self.pass(left + 1);
                match self.world.advance(id) {
                    Ok(()) => calls += 1,
                    Err(Error::DemandOpen { until }) => {
                        let left = until.saturating_sub(self.world.host.memory.now);
                        self.pass(left + 1);
                    }
                    // The honest have moved it on while time passed.
                    Err(error) => assert!(self.attended, "{error}"),
                }
                seen.most_calls = seen.most_calls.max(if self.attended { 0 } else { calls });
                self.observe();
            }
        }
    }

    fn run(mut self, seen: &mut Seen) {
        self.attended = true;
        while self.choices.words.len() > 0 {
            self.step();
            self.observe();
        }
        self.attended = self.world.messages.is_multiple_of(2);
        self.end(seen);
        self.world.empty();
        self.observe();
        for (_, job) in self.world.jobs() {
            assert_eq!(job.held, 0);
            *seen.ends.entry(format!("{:?}", job.state)).or_default() += 1;
        }
        for event in &self.world.host.events {
            match event {
                Event::Slashed { reason, .. } => *seen.slashes.entry(format!("{reason:?}")).or_default() += 1,
                Event::SlotMoved { check, .. } => *seen.checks.entry(format!("{check:?}")).or_default() += 1,
                _ => {}
            }
        }
        seen.messages += self.world.messages;
    }
}

/// What the histories have come to, so that they cannot pass by doing nothing.
#[derive(Debug, Default)]
struct Seen {
    ends: BTreeMap<String, u64>,
    slashes: BTreeMap<String, u64>,
    checks: BTreeMap<String, u64>,
    messages: u64,
    /// Most calls of `advance` that ended a job which everybody had left.
    most_calls: u32,
}

#[test]
fn random_histories_keep_the_books() {
    let cases = std::env::var("ASSAY_HISTORIES").map_or(2_000, |count| count.parse().expect("a number of histories"));
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 2_000, ..Config::default() };
    // The same histories on every machine; more of them with a larger count.
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let seen = RefCell::new(Seen::default());
    let result = runner.run(&vec(any::<u32>(), 0..1_200), |words| {
        History::new(words).run(&mut seen.borrow_mut());
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    let seen = seen.into_inner();
    println!("{seen:?}");
    if cases >= 2_000 {
        for state in [State::Final, State::Failed, State::Void, State::Cancelled] {
            assert!(seen.ends.get(&format!("{state:?}")).is_some_and(|count| *count > 20), "{state:?}: {seen:?}");
        }
        for reason in [
            Reason::Convicted,
            Reason::Late,
            Reason::Absent,
            Reason::Idle,
            Reason::Wrong,
            Reason::HandedBack,
            Reason::Unavailable,
        ] {
            assert!(seen.slashes.get(&format!("{reason:?}")).is_some_and(|count| *count > 5), "{reason:?}: {seen:?}");
        }
        for check in [
            Check::Passed,
            Check::Mismatched,
            Check::Unserved,
            Check::Upheld,
            Check::Refuted,
            Check::Idle,
            Check::Challenged,
            Check::Undecided,
        ] {
            assert!(seen.checks.get(&format!("{check:?}")).is_some_and(|count| *count > 20), "{check:?}: {seen:?}");
        }
    }
}

#[test]
fn a_secret_is_its_own() {
    // The histories rest on it: two accounts with one secret have different seals.
    let sealed = |by| sealed_secret(&Native, &MARKET, &Hash::default(), &by);
    assert_ne!(sealed(GONE), sealed(CLIENT));
}
