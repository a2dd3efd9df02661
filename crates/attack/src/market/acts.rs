//! What can happen in a history: the names of acts, which of them may be of
//! interest now, and what each comes to.

use super::msg::Msg;
use super::world::{AUDITOR, CLIENT, CROOK, OPERATOR, RIVAL, STRANGER, TROLL, VANISHER, World, sealed, secret};
use crate::history::Act;
use assay_protocol::Address;
use assay_protocol::market::{Role, State};

/// Acts, by number.
pub const ACTS: [&str; 25] = [
    "go on",
    "post",
    "enlist all",
    "enlist",
    "claim",
    "duties",
    "wait",
    "to the deadline",
    "blocks",
    "advance",
    "check falsely",
    "sit falsely",
    "insist",
    "challenge",
    "demand",
    "answer",
    "rival",
    "release",
    "money",
    "offer",
    "registry",
    "hand back",
    "anything",
    "again",
    "abandon",
];

/// What may be of interest whatever the state of a job.
const ANY_TIME: [&str; 20] = [
    "duties",
    "wait",
    "blocks",
    "money",
    "money",
    "money",
    "release",
    "registry",
    "offer",
    "anything",
    "anything",
    "anything",
    "again",
    "again",
    "abandon",
    "enlist",
    "advance",
    "answer",
    "demand",
    "hand back",
];

/// What moves a job in this state on, or tries to.
fn of_interest(state: State) -> &'static [&'static str] {
    match state {
        State::Open => &["go on", "go on", "go on", "enlist all", "claim", "claim"],
        State::Claimed => &["go on", "go on", "rival", "rival", "rival", "hand back"],
        State::Committed => &["go on", "go on", "go on", "go on", "go on", "advance"],
        State::Drawn => &["go on", "go on", "go on", "rival"],
        State::Opened => &["go on", "go on", "go on", "check falsely", "check falsely", "demand", "answer"],
        State::Attested => &["go on", "go on", "rival", "demand"],
        State::Window => &[
            "go on",
            "go on",
            "insist",
            "insist",
            "challenge",
            "challenge",
            "challenge",
            "demand",
            "answer",
            "to the deadline",
        ],
        State::Disputed | State::Ruling => &["go on", "go on", "sit falsely", "sit falsely", "challenge", "demand"],
        _ => &["release", "release", "registry"],
    }
}

/// Jobs of a history.
const MOST_JOBS: usize = 8;
/// Segments of the largest job that anybody here can work on.
pub const MOST_SEGMENTS: u32 = 64;

/// Numbers out of an act's roll, one after another.
pub struct Dice(fastrand::Rng);

impl Dice {
    /// The dice of an act.
    pub fn of(act: &Act) -> Self {
        Dice(fastrand::Rng::with_seed(u64::from(act.roll) << 16 | u64::from(act.who) << 8 | u64::from(act.about)))
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        if bound == 0 { 0 } else { self.0.usize(..bound) }
    }

    /// True once in `in_all` times.
    pub fn once_in(&mut self, in_all: usize) -> bool {
        self.below(in_all) == 0
    }

    /// One of these.
    pub fn of_these<T: Clone>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())].clone()
    }

    /// Any 32 bytes.
    pub fn hash(&mut self) -> assay_protocol::Hash {
        assay_protocol::Hash([self.0.u8(..); 32])
    }

    /// A sum at some edge.
    pub fn edge(&mut self) -> u128 {
        self.of_these(&[0, 1, 2, 9, 1_000, u128::from(u64::MAX), u128::MAX / 2, u128::MAX - 1, u128::MAX])
    }
}

impl World {
    /// An act that may be of interest now.
    pub fn choose(&mut self, rng: &mut fastrand::Rng) -> Act {
        let live = self.live();
        let few = live.is_empty() || (live.len() < 3 && rng.u8(..24) == 0);
        let mut act = Act { what: 0, who: rng.u8(..), about: rng.u8(..), roll: rng.u32(..) };
        let state = self.model.task(self.job_of(&act)).map_or(State::Final, |task| task.state);
        let name = match self.model.jobs.len() < MOST_JOBS && few {
            true => "post",
            false if rng.u8(..10) < 3 => ANY_TIME[rng.usize(..ANY_TIME.len())],
            false if rng.u8(..40) == 0 => "to the deadline",
            false => of_interest(state)[rng.usize(..of_interest(state).len())],
        };
        act.what = ACTS.iter().position(|other| *other == name).expect("every act has a number") as u8;
        act
    }

    /// The job that an act is about: mostly one that has not ended.
    fn job_of(&self, act: &Act) -> u64 {
        let live = self.live();
        let about = usize::from(act.about);
        match (live.is_empty(), about % 8) {
            (true, _) | (_, 0) if about % 3 == 0 || live.is_empty() => (about / 8 % (self.model.jobs.len() + 1)) as u64,
            _ => live[about % live.len()],
        }
    }

    /// Does an act.
    pub fn act(&mut self, act: Act) {
        let name = ACTS[usize::from(act.what) % ACTS.len()];
        let mut dice = Dice::of(&act);
        let id = self.job_of(&act);
        let villains = self.villains();
        let villain = villains[usize::from(act.who) % villains.len()];
        match name {
            "post" => self.post(&mut dice),
            "enlist all" => self.enlist_all(id, &mut dice),
            "enlist" => self.enlist_somebody(id, &mut dice),
            "claim" => {
                let who = dice.of_these(&[OPERATOR, RIVAL, VANISHER, villain]);
                self.claim(who, id);
            }
            "duties" => _ = self.do_duties(id),
            "wait" => {
                let seconds = dice.of_these(&[0, 1, 2, 7, 30]);
                self.pass(seconds);
            }
            "to the deadline" => {
                let late = dice.of_these(&[-1, 0, 0, 1, 1, 1]);
                self.to_deadline(id, late);
            }
            "blocks" => {
                let blocks = dice.of_these(&[1, 2, 254, 255, 256, 257, 258, 300]);
                self.chain.chain.block += blocks;
            }
            "advance" => {
                let who = dice.of_these(&[STRANGER, villain, CLIENT]);
                self.send(who, 0, Msg::Advance { job: id });
            }
            "check falsely" => self.check_falsely(id, &mut dice),
            "sit falsely" => self.sit_falsely(id, &mut dice),
            "insist" => self.insist_falsely(id, &mut dice),
            "challenge" => self.challenge_something(id, &mut dice),
            "demand" => self.demand_something(id, &mut dice),
            "answer" => self.answer_something(id, villain, &mut dice),
            "rival" => self.rival(id, &mut dice),
            "release" => self.release_something(id, villain, &mut dice),
            "money" => self.move_money(&mut dice),
            "offer" => self.offer_something(&mut dice),
            "registry" => self.change_registry(id, &mut dice),
            "hand back" => {
                let who = dice.of_these(&[RIVAL, RIVAL, VANISHER, villain]);
                if dice.once_in(2) {
                    self.send(who, 0, Msg::HandBack { job: id });
                } else if dice.once_in(3) {
                    let who = dice.of_these(&[CLIENT, CROOK, villain]);
                    self.send(who, 0, Msg::Cancel { job: id });
                }
            }
            "anything" => self.anything(id, villain, &mut dice),
            "again" => self.again(id, villain, &mut dice),
            "abandon" => {
                if dice.once_in(4) {
                    self.abandon();
                }
            }
            _ => self.go_on(id, &mut dice),
        }
    }

    /// Everybody that need not keep to the protocol.
    pub fn villains(&self) -> Vec<Address> {
        let verifiers = self.verifiers[self.honest..].iter().copied();
        verifiers.chain([RIVAL, VANISHER, CROOK, TROLL, STRANGER]).collect()
    }

    /// To the last second of a job's state, or one after it.
    pub fn to_deadline(&mut self, id: u64, late: i64) {
        let Some(task) = self.model.task(id) else { return };
        if !task.state.is_terminal() {
            let last = task.deadline.saturating_add_signed(late);
            let left = last.saturating_sub(self.chain.chain.now);
            self.pass(left);
        }
    }

    fn enlist_all(&mut self, id: u64, dice: &mut Dice) {
        let Some(task) = self.model.task(id) else { return };
        let (bond, needed) = (task.terms.bond, 1 + usize::from(task.terms.panel));
        // All of them, or just enough.
        let most = dice.of_these(&[usize::MAX, usize::MAX, needed, needed + 1]);
        for who in self.verifiers.clone() {
            if self.model.jobs[id as usize].parts.len() >= most {
                return;
            }
            let bond = bond.saturating_add(dice.of_these(&[0, 0, 1, 777, bond]));
            let free = self.model.stand(Role::Verifier, who).free();
            self.send(who, 0, Msg::Enlist { job: id, sealed: sealed(who, id), bond: bond.min(free) });
        }
    }

    fn enlist_somebody(&mut self, id: u64, dice: &mut Dice) {
        let Some(task) = self.model.task(id) else { return };
        let bond = task.terms.bond;
        let who = dice.of_these(&self.verifiers.clone());
        // Whoever seals a secret that it does not know cannot be honest.
        let (sealed, bond) = match self.is_honest(who) {
            true => (sealed(who, id), bond.saturating_add(dice.of_these(&[0, 5]))),
            false => (
                dice.of_these(&[sealed(who, id), sealed(STRANGER, id), assay_protocol::Hash::default()]),
                dice.of_these(&[bond, bond.saturating_sub(1), bond.saturating_mul(2), u128::MAX]),
            ),
        };
        self.send(who, 0, Msg::Enlist { job: id, sealed, bond });
    }

    /// The next step that a job waits for, by whoever it waits for.
    fn go_on(&mut self, id: u64, dice: &mut Dice) {
        if let Some((who, msg)) = self.duty(id) {
            assert!(self.send(who, 0, msg.clone()).is_some(), "{msg:?}, which {who} owes job {id}, is refused");
            return;
        }
        let Some(task) = self.model.task(id) else { return };
        let now = self.chain.chain.now;
        match task.state {
            State::Open if now <= task.deadline => {
                if task.parts.len() <= usize::from(task.terms.panel) && !dice.once_in(8) {
                    self.enlist_all(id, dice);
                } else {
                    let who = dice.of_these(&[OPERATOR, OPERATOR, RIVAL, RIVAL, RIVAL, VANISHER]);
                    self.claim(who, id);
                }
            }
            State::Committed => {
                let clients = (!task.client_revealed).then_some(task.client);
                let waiting = task.parts.iter().filter(|part| !part.revealed).map(|part| part.who);
                let who = waiting.chain(clients).find(|who| !self.is_honest(*who));
                match who {
                    // The last revealer may keep its secret back.
                    Some(who) if now <= task.deadline && !dice.once_in(6) => {
                        self.send(who, 0, Msg::RevealSecret { job: id, secret: secret(who, id) });
                    }
                    Some(_) if now <= task.deadline => self.to_deadline(id, 1),
                    _ => {
                        if self.send(STRANGER, 0, Msg::Advance { job: id }).is_none() {
                            self.pass(1);
                        }
                    }
                }
            }
            State::Claimed | State::Drawn | State::Attested if now <= task.deadline => self.rival(id, dice),
            State::Opened if !task.demands.is_empty() && dice.once_in(2) => self.answer_something(id, RIVAL, dice),
            State::Opened if now <= task.deadline && !dice.once_in(4) => self.check_falsely(id, dice),
            State::Window if now <= task.deadline && dice.once_in(2) => match dice.below(3) {
                0 => self.insist_falsely(id, dice),
                1 => self.challenge_something(id, dice),
                _ => self.demand_something(id, dice),
            },
            State::Disputed | State::Ruling if now <= task.deadline && !dice.once_in(4) => self.sit_falsely(id, dice),
            state if state.is_terminal() => self.release_something(id, STRANGER, dice),
            _ => {
                if now <= task.deadline {
                    self.to_deadline(id, 1);
                }
                self.send(STRANGER, 0, Msg::Advance { job: id });
            }
        }
    }

    fn release_something(&mut self, id: u64, villain: Address, dice: &mut Dice) {
        let Some(task) = self.model.task(id) else { return };
        let who = match task.parts.is_empty() || dice.once_in(8) {
            true => villain,
            false => dice.of_these(&task.parts.iter().map(|part| part.who).collect::<Vec<_>>()),
        };
        self.send(who, 0, Msg::Release { job: id });
        if dice.once_in(4) {
            self.send(villain, 0, Msg::Register { job: id });
        }
    }

    /// Somebody that challenges: with reason, or without.
    pub fn challenger(&self, dice: &mut Dice) -> Address {
        let other = dice.of_these(&self.villains());
        dice.of_these(&[AUDITOR, TROLL, other])
    }

    /// Somebody claims a job. The honest operator takes none that it cannot do.
    fn claim(&mut self, who: Address, id: u64) {
        let large = self.model.task(id).is_some_and(|task| task.terms.segments > MOST_SEGMENTS);
        if who != OPERATOR || !large {
            self.send(who, 0, Msg::Claim { job: id });
        }
    }
}
