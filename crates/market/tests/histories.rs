//! Random histories: honest, idle, lazy and malicious actors, time that jumps.
//!
//! After every message, whoever sent it and whether it was taken or refused:
//! money in = money out + money held, what is locked is what jobs have locked,
//! no job holds money after its end, nothing panics (`World::send` checks). And:
//!
//! * an honest actor's message is never refused;
//! * an honest operator is slashed only by a panel without an honest majority;
//! * an honest verifier is slashed only by such a panel, or for reporting that
//!   it was not served where the panel was;
//! * no job becomes final over a false segment that an honest verifier drew;
//! * waiting and `advance` alone end every job within a few calls;
//! * when everybody takes everything out, nothing is left.
//!
//! `ASSAY_HISTORIES=100000 cargo test -p assay-market --test histories` tries more.

mod common;

use assay_market::{check, enlist, panel, post, reads, stake};
use assay_protocol::Address;
use assay_protocol::commitment::{Outcome, seal, sealed_secret};
use assay_protocol::hash::{Hash, Native};
use assay_protocol::market::{Check, Event, Reason, Role, State};
use common::work::Cheat;
use common::{CLIENT, OPERATOR, RIVAL, STRANGER, World, post_args, terms, verifier};
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
/// Calls of `advance` within which a job that everybody has left must end.
const MOST_CALLS: u32 = 6;

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
        let honest = verifiers[..usize::from(honest)].iter().copied().chain([OPERATOR, CLIENT]).collect();
        let mut history = History {
            world,
            choices,
            verifiers,
            honest,
            captured: BTreeSet::new(),
            unserved: BTreeSet::new(),
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
                        || (reason == Reason::Idle && self.unserved.contains(&(job, account)));
                    assert!(excused, "honest {account} slashed in job {job}: {reason:?}");
                }
                Event::JobMoved { job, state: State::Final, .. } if !self.captured.contains(&job) => {
                    for slot in self.world.slots(job).iter().filter(|slot| self.honest(slot.verifier)) {
                        let work = &self.world.works[&job];
                        assert!(work.is_true(slot.segment), "job {job} is final over {slot:?}");
                    }
                }
                _ => {}
            }
        }
        self.events_seen = self.world.host.events.len();
    }

    // ------------------------------------------------------------ honest actors

    /// Every honest actor does what it has to do by now.
    fn do_duties(&mut self) {
        while self.do_some_duties() {}
    }

    fn do_some_duties(&mut self) -> bool {
        let mut any = false;
        for (id, job) in self.world.jobs() {
            if job.state.is_terminal() || self.world.host.memory.now > job.deadline {
                continue;
            }
            let operator = job.operator.filter(|operator| self.honest(*operator));
            match (job.state, operator) {
                (State::Claimed, Some(operator)) => self.world.commit(id, operator, &[]).unwrap(),
                (State::Drawn, Some(operator)) => self.world.open(id, operator).unwrap(),
                (State::Attested, Some(operator)) => self.world.reveal_traces(id, operator).unwrap(),
                (State::Committed, _) => {
                    any |= self.reveal_secrets(id, job.client_secret.is_none().then_some(job.client))
                }
                (State::Opened, _) => any |= self.attest(id),
                (State::Disputed | State::Ruling, _) => any |= self.sit(id, job.state),
                _ => continue,
            }
            any |= self.world.job(id) != job;
        }
        any
    }

    fn reveal_secrets(&mut self, id: u64, client: Option<Address>) -> bool {
        let waiting = |by: &&Address| {
            reads::enlistment(&self.world.host, id, **by).is_some_and(|enlistment| enlistment.place.is_none())
        };
        let who: Vec<Address> =
            self.verifiers.iter().filter(waiting).copied().chain(client).filter(|by| self.honest(*by)).collect();
        for by in &who {
            self.world.reveal(id, *by).unwrap();
        }
        !who.is_empty()
    }

    fn attest(&mut self, id: u64) -> bool {
        let mut any = false;
        for (number, slot) in (0u8..).zip(self.world.slots(id)) {
            if slot.check == Check::Opened && self.honest(slot.verifier) {
                if self.world.works[&id].first_finding(slot.segment).is_none() {
                    self.unserved.insert((id, slot.verifier));
                }
                self.world.attest(id, number).unwrap();
                any = true;
            }
        }
        any
    }

    fn sit(&mut self, id: u64, state: State) -> bool {
        let outcome = self.world.outcome(id);
        let mut any = false;
        for seat in reads::seats(&self.world.host, id) {
            if !self.honest(seat.verifier) || self.world.state(id) != state {
                continue;
            }
            if state == State::Disputed && seat.seal.is_none() {
                self.world.panel_seal(id, seat.verifier, outcome).unwrap();
                any = true;
            } else if state == State::Ruling && seat.outcome.is_none() {
                self.world.panel_reveal(id, seat.verifier, outcome).unwrap();
                any = true;
            }
        }
        any
    }

    /// Lets time pass; honest actors miss no deadline on the way.
    fn pass(&mut self, seconds: u64) {
        let until = self.world.host.memory.now + seconds;
        loop {
            if self.attended {
                self.do_duties();
            }
            let now = self.world.host.memory.now;
            let deadlines = self.world.jobs().into_iter().filter(|(_, job)| !job.state.is_terminal());
            let next = deadlines.map(|(_, job)| job.deadline).filter(|deadline| *deadline >= now).min();
            match next {
                Some(deadline) if deadline < until => self.world.tick(deadline + 1 - now),
                _ => return self.world.tick(until - now),
            }
        }
    }

    // ------------------------------------------------------------ everybody else

    fn post(&mut self) {
        if self.world.jobs().len() as u64 == MOST_JOBS {
            return;
        }
        let client = self.choices.of(&[CLIENT, GONE]);
        let mut terms = terms(client);
        terms.samples = 1 + self.choices.below(4) as u8;
        terms.panel = 2 + self.choices.below(3) as u8;
        terms.segments = u32::from(terms.samples) + self.choices.below(5);
        // Also sums that do not divide, down to a single unit.
        terms.payment = self.choices.of(&[1, 1_000_000]);
        terms.fee = self.choices.of(&[1, 7, 100_003]);
        terms.stake = self.choices.of(&[1, 500_001]);
        terms.bond = self.choices.of(&[1, 9, 10_000, 12_345]);
        let value = terms.payment + terms.fee;
        let id = self.world.send(client, value, |host| post::post_job(host, post_args(terms))).unwrap();
        // Most jobs get further than this.
        if self.choices.below(8) > 0 {
            for by in self.verifiers.clone() {
                let _ = self.world.enlist(id, by);
            }
            let operator = self.choices.of(&[OPERATOR, OPERATOR, RIVAL, RIVAL, RIVAL, VANISHER, STRANGER]);
            let _ = self.world.claim(id, operator);
        }
    }

    fn cheats(&mut self, segments: u32) -> Vec<Cheat> {
        let segment = self.choices.below(segments);
        let more = self.choices.below(segments);
        match self.choices.below(9) {
            0 => vec![],
            1 => vec![Cheat::Skip(segment)],
            2 => vec![Cheat::FalseState(segment), Cheat::Skip(more)],
            3 => vec![Cheat::FalseTrace(segment)],
            4 => vec![Cheat::FalseStart],
            5 => vec![Cheat::FalseArtefact],
            6 => vec![Cheat::HideFromVerifiers],
            7 => vec![Cheat::HideFromPanel, Cheat::Skip(segment)],
            _ => (0..segments).map(Cheat::Skip).chain([Cheat::HideFromVerifiers]).collect(),
        }
    }

    /// Somebody does something. Refusals are fine here.
    fn step(&mut self) {
        let (jobs, verifiers) = (self.world.jobs().len() as u32, self.verifiers.clone());
        let live = self.live_jobs();
        let id = match self.choices.below(8) {
            // Now and then a job that has ended or does not exist.
            0 => u64::from(self.choices.below(jobs + 1)),
            _ if live.is_empty() => 0,
            _ => self.choices.of(&live),
        };
        let by = self.choices.of(&verifiers);
        let operator = self.choices.of(&OPERATORS);
        let anybody = self.choices.of(&[by, operator, CLIENT, GONE, STRANGER]);
        match self.choices.below(40) {
            0 => self.post(),
            1 => {
                let _ = self.world.enlist(id, by);
            }
            2 => {
                // Whoever seals a secret it does not know cannot be honest.
                if !self.honest(by) {
                    let sealed = self.choices.hash();
                    let _ = self.world.send(by, 0, |host| enlist::enlist(host, id, sealed));
                }
            }
            3 => {
                for by in verifiers {
                    let _ = self.world.enlist(id, by);
                }
            }
            4 | 5 => {
                let _ = self.world.claim(id, operator);
            }
            6 | 7 | 24 | 25 => self.rival(id),
            8 => {
                let _ = self.world.reveal(id, anybody);
            }
            9..=11 | 26 | 27 => self.dishonest_check(id),
            12 | 28 => self.insist(id),
            13 | 14 | 29 => self.dishonest_panellist(id),
            15 | 16 => {
                let _ = self.world.advance(id);
            }
            17 => {
                let _ = self.world.release(id, anybody);
            }
            18 => {
                let (role, amount) = (self.choices.of(&[Role::Operator, Role::Verifier]), self.choices.below(30_000));
                let _ = match self.choices.below(2) {
                    0 => self.world.send(anybody, 0, |host| stake::unstake(host, role, amount.into())),
                    _ => self.world.send(anybody, amount.into(), |host| stake::stake(host, role, None)),
                };
            }
            19 => {
                let _ = self.world.withdraw(anybody);
                let _ = self.world.withdraw_burned();
            }
            20 => {
                if self.choices.below(8) == 0 {
                    let _ = self.world.send(anybody, 0, |host| post::cancel(host, id));
                }
            }
            21 => self.do_duties(),
            22 => {
                let seconds = self.choices.of(&[0, 1, 5, 20, 60]);
                self.pass(seconds);
                self.world.host.memory.block_number += self.choices.of(&[0, 1, 300]);
            }
            23 => {
                if self.world.jobs().iter().any(|(job, _)| *job == id) && !self.world.state(id).is_terminal() {
                    let left = self.world.job(id).deadline.saturating_sub(self.world.host.memory.now);
                    self.pass(left + 1);
                }
            }
            _ => self.go_on(id),
        }
    }

    /// The dishonest do what the job waits for, in their way.
    fn go_on(&mut self, id: u64) {
        let Some(view) = reads::job(&self.world.host, id) else { return };
        match view.job.state {
            State::Claimed | State::Drawn | State::Attested => self.rival(id),
            State::Committed => {
                for by in self.verifiers.clone().into_iter().chain([GONE]) {
                    // The honest reveal in their own time, the others mostly.
                    if !self.honest(by) && self.choices.below(8) > 0 {
                        let _ = self.world.reveal(id, by);
                    }
                }
                self.do_duties();
                self.world.tick(0);
                let _ = self.world.advance(id);
            }
            State::Opened => self.dishonest_check(id),
            State::Window => self.insist(id),
            State::Disputed | State::Ruling => self.dishonest_panellist(id),
            _ => {
                let _ = self.world.claim(id, RIVAL);
            }
        }
    }

    /// The dishonest operator goes on with its job.
    fn rival(&mut self, id: u64) {
        let Some(view) = reads::job(&self.world.host, id) else { return };
        if view.job.operator != Some(RIVAL) {
            return;
        }
        let _ = match view.job.state {
            State::Claimed => {
                let cheats = self.cheats(view.terms.segments);
                self.world.commit(id, RIVAL, &cheats)
            }
            State::Drawn => {
                let number = self.choices.below(u32::from(view.terms.samples) + 1) as u8;
                match self.world.slots(id).get(usize::from(number)) {
                    Some(slot) => {
                        let one = vec![self.world.works[&id].open(number, slot.segment)];
                        self.world.send(RIVAL, 0, |host| check::open(host, id, one))
                    }
                    None => self.world.open(id, RIVAL),
                }
            }
            _ => self.world.reveal_traces(id, RIVAL),
        };
    }

    fn dishonest_check(&mut self, id: u64) {
        for (number, slot) in (0u8..).zip(reads::slots(&self.world.host, id)) {
            if self.honest(slot.verifier) || slot.check != Check::Opened {
                continue;
            }
            let garbage = seal(&Native, id, slot.segment, &Hash([9; 32]), &slot.verifier);
            let _ = match self.choices.below(5) {
                0 => Ok(()),
                1 => self.world.send(slot.verifier, 0, |host| check::attest(host, id, number, garbage)),
                2 => self.world.send(slot.verifier, 0, |host| check::attest(host, id, number, Hash::default())),
                3 => self.world.send(slot.verifier, 0, |host| check::report_unavailable(host, id, number)),
                _ => self.world.attest(id, number),
            };
        }
    }

    fn insist(&mut self, id: u64) {
        let slots = reads::slots(&self.world.host, id);
        if slots.is_empty() {
            return;
        }
        let number = self.choices.below(slots.len() as u32) as u8;
        let slot = &slots[usize::from(number)];
        let (by, trace) =
            (slot.verifier, self.choices.of(&[Some(Hash([9; 32])), None, Some(Hash([9; 32])), Some(Hash::default())]));
        let _ = match self.honest(by) {
            true => self.world.insist(id, number),
            false => self.world.send(by, 0, |host| check::insist(host, id, number, trace)),
        };
    }

    fn dishonest_panellist(&mut self, id: u64) {
        if !self.world.jobs().iter().any(|(job, row)| *job == id && row.disputed.is_some()) {
            return;
        }
        let lie = Outcome::Replayed { state: Hash([1; 32]), trace: Hash([2; 32]), salted: Hash([3; 32]) };
        let commitment = self.world.view(id).commitment.unwrap();
        let same = Outcome::FalseEnds { initial_state: commitment.initial_state, artefact: commitment.artefact };
        for by in self.world.panellists(id).into_iter().filter(|by| !self.honest.contains(by)) {
            if self.world.state(id) == State::Disputed {
                let outcome = self.choices.of(&[lie, lie, Outcome::Unavailable, same, self.world.outcome(id)]);
                if self.choices.below(4) > 0 && self.world.panel_seal(id, by, outcome).is_ok() {
                    self.sealed.insert((id, by), outcome);
                }
            } else if let Some(outcome) = self.sealed.get(&(id, by)).copied() {
                let outcome = if self.choices.below(6) == 0 { Outcome::Unavailable } else { outcome };
                if self.choices.below(4) > 0 {
                    let _ = self.world.panel_reveal(id, by, outcome);
                }
            } else {
                let hash = self.choices.hash();
                let _ = self.world.send(by, 0, |host| panel::panel_seal(host, id, hash));
            }
            if self.world.job(id).disputed.is_none() {
                return;
            }
        }
    }

    // ------------------------------------------------------------ the end

    /// Ends all jobs by waiting, with or without the honest doing their part.
    fn end(&mut self) {
        for id in self.live_jobs() {
            let mut calls = 0;
            while !self.world.state(id).is_terminal() {
                assert!(self.attended || calls < MOST_CALLS, "job {id} is still {:?}", self.world.state(id));
                assert!(calls < 100, "job {id} goes round in circles in {:?}", self.world.state(id));
                let left = self.world.job(id).deadline.saturating_sub(self.world.host.memory.now);
                self.pass(left + 1);
                match self.world.advance(id) {
                    Ok(()) => calls += 1,
                    // The honest have moved it on while time passed.
                    Err(error) => assert!(self.attended, "{error}"),
                }
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
        self.end();
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
        for reason in [Reason::Convicted, Reason::Late, Reason::Absent, Reason::Idle, Reason::Wrong] {
            assert!(seen.slashes.get(&format!("{reason:?}")).is_some_and(|count| *count > 5), "{reason:?}: {seen:?}");
        }
        for check in [Check::Passed, Check::Mismatched, Check::Unavailable, Check::Upheld, Check::Refuted, Check::Idle]
        {
            assert!(seen.checks.get(&format!("{check:?}")).is_some_and(|count| *count > 20), "{check:?}: {seen:?}");
        }
    }
}

#[test]
fn a_secret_is_its_own() {
    // The histories rest on it: two accounts with one secret have different seals.
    assert_ne!(sealed_secret(&Native, &Hash::default(), &GONE), sealed_secret(&Native, &Hash::default(), &CLIENT));
}
