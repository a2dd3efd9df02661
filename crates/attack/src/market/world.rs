//! The market, its model, and everybody: a message goes to both, and they must agree.

use super::host::{MarketChain, Registry};
use super::model::Model;
use super::msg::{Msg, NAMES};
use super::work::Work;
use crate::coverage::Coverage;
use crate::history::{Assumption, Setup};
use assay_market::reads;
use assay_protocol::commitment::{JobId, Outcome, sealed_secret};
use assay_protocol::hash::{Domain, Native, Sha256};
use assay_protocol::market::{BURN_ADDRESS, Error, MAX_DEMANDS, Reason, Role, State};
use assay_protocol::{Address, Hash};
use parity_scale_codec::Encode;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

/// An honest client, and one in league with whoever cheats.
pub const CLIENT: Address = Address([0xc1; 20]);
/// See [`CLIENT`].
pub const CROOK: Address = Address([0xc2; 20]);
/// An honest operator, one that cheats, and one that claims and is never seen again.
pub const OPERATOR: Address = Address([0x01; 20]);
/// See [`OPERATOR`].
pub const RIVAL: Address = Address([0x02; 20]);
/// See [`OPERATOR`].
pub const VANISHER: Address = Address([0x03; 20]);
/// Challenges what is false, and demands what it needs for that.
pub const AUDITOR: Address = Address([0xa1; 20]);
/// Challenges and demands without reason.
pub const TROLL: Address = Address([0xa2; 20]);
/// Has no part in anything.
pub const STRANGER: Address = Address([0x99; 20]);
/// Owners of the datasets.
pub const OWNERS: [Address; 2] = [Address([0xd1; 20]), Address([0xd2; 20])];

/// Where the market is.
pub const MARKET: Address = Address([0x3a; 20]);
/// Seconds of the longest window that this market allows.
pub const LONGEST_WINDOW: u32 = 300;
/// All money that there is: nobody can send more than is left of it.
const ISSUANCE: u128 = u128::MAX;
/// Calls of `advance` within which a job that everybody has left must end (docs/market.md).
const MOST_CALLS: u32 = 8;

/// Verifier `number`.
pub fn verifier(number: u8) -> Address {
    Address([0x30 + number; 20])
}

/// The secret of an account for a job.
pub fn secret(who: Address, job: u64) -> Hash {
    Native.hash_value(Domain::Secret, &(b"attack", who, job))
}

/// The secret as it is sealed.
pub fn sealed(who: Address, job: u64) -> Hash {
    sealed_secret(&Native, &MARKET, &secret(who, job), &who)
}

/// By what seals name job `id` of the market.
pub fn job_id(id: u64) -> JobId {
    JobId { market: MARKET, number: id }
}

/// Everything.
pub struct World {
    /// Who is who.
    pub setup: Setup,
    /// The market.
    pub chain: MarketChain,
    /// The market as it should be.
    pub model: Model,
    /// What operators have made, by the root of the commitment.
    pub works: HashMap<Hash, Rc<Work>>,
    /// All verifiers, the honest first.
    pub verifiers: Vec<Address>,
    /// How many of them are honest.
    pub honest: usize,
    /// Whether the honest do their part only at the last second.
    pub late: bool,
    /// Whether the honest still do their part.
    pub attended: bool,
    /// What panellists have sealed.
    pub outcomes: BTreeMap<(u64, Address), Outcome>,
    /// Messages that were taken.
    pub log: Vec<(Address, u128, Msg)>,
    /// What was reached.
    pub coverage: Coverage,
}

impl World {
    /// A market with stakes and no jobs.
    pub fn open(setup: Setup, coverage: Coverage) -> Self {
        let mut rng = fastrand::Rng::with_seed(setup.seed ^ 0x5e70);
        let count = rng.u8(5..=9);
        // Few liars keep out of the majority of panels; with more it is the honest that are few.
        let liars = match setup.assumption {
            Assumption::Kept => [0, 1, 1, 2, 2, 3][rng.usize(..6)],
            Assumption::Broken => rng.usize(1..=usize::from(count)),
        };
        let mut registry = Registry::default();
        for (number, owner) in (0u8..).zip(OWNERS) {
            let share = [0, 0, 1, 250, 3_333, 5_000, 10_000][rng.usize(..7)];
            registry.datasets.push((Hash([0xd0 + number; 32]), owner, share));
        }
        let mut chain = MarketChain::default();
        chain.registry = registry.clone();
        chain.chain.address = MARKET;
        (chain.chain.now, chain.chain.block) = (1_000_000, rng.u32(2..1_000));
        assay_market::rules::deploy(&mut chain, Address([0x77; 20]), LONGEST_WINDOW).expect("the rules are good");
        let mut world = World {
            setup,
            chain,
            model: Model { registry, ..Model::new(LONGEST_WINDOW) },
            works: HashMap::new(),
            verifiers: (0..count).map(verifier).collect(),
            honest: usize::from(count) - liars,
            late: rng.bool(),
            attended: true,
            outcomes: BTreeMap::new(),
            log: Vec::new(),
            coverage,
        };
        for who in world.verifiers.clone() {
            let amount = [30_000, 50_000, 123_457][rng.usize(..3)];
            world.send(who, amount, Msg::Stake { role: Role::Verifier, endpoint: None });
        }
        for who in [OPERATOR, RIVAL, VANISHER] {
            world.send(who, 1_200_000, Msg::Stake { role: Role::Operator, endpoint: None });
        }
        world
    }

    /// Whether an account keeps to the protocol.
    pub fn is_honest(&self, who: Address) -> bool {
        [CLIENT, OPERATOR, AUDITOR].contains(&who) || self.verifiers[..self.honest].contains(&who)
    }

    /// Everybody whose money can move.
    pub fn everybody(&self) -> Vec<Address> {
        let others =
            [CLIENT, CROOK, OPERATOR, RIVAL, VANISHER, AUDITOR, TROLL, STRANGER, BURN_ADDRESS, Address::default()];
        self.verifiers.iter().copied().chain(others).chain(OWNERS).collect()
    }

    /// Whether the message would break the assumption that this history keeps.
    fn breaks_assumption(&self, who: Address, msg: &Msg) -> bool {
        let Msg::Enlist { job, .. } = msg else { return false };
        if self.setup.assumption == Assumption::Broken || self.is_honest(who) {
            return false;
        }
        let Some(task) = self.model.task(*job) else { return false };
        let honest = task.parts.iter().filter(|part| self.is_honest(part.who)).count();
        let others = task.parts.len() - honest;
        // With enough honest verifiers every panel is full, and half of it may lie.
        let panel = usize::from(task.terms.panel);
        let most = if honest > panel { (panel / 2).max(1) } else { 1 };
        others + 1 > most
    }

    /// Sends a message to the market and to its model; `None` if it was refused.
    pub fn send(&mut self, who: Address, value: u128, msg: Msg) -> Option<u128> {
        if self.breaks_assumption(who, &msg) {
            return None;
        }
        let model = &mut self.model;
        (model.caller, model.value) = (who, value);
        (model.now, model.block) = (self.chain.chain.now, self.chain.chain.block);
        let due = model.due(&msg);
        let left = ISSUANCE - model.balance;
        if value > left && due.is_empty() {
            // Nobody has as much.
            return None;
        }
        let later = self.drawn_later(&msg);
        self.chain.begin(who, value);
        let result = msg.send(&mut self.chain);
        let (kind, name) = (msg.kind() as u32, NAMES[msg.kind()]);
        match result {
            Err(error) => {
                assert!(!due.is_empty(), "{name} by {who} is refused without a reason: {error:?}\n{msg:?}");
                assert!(
                    due.contains(&error),
                    "{name} by {who} is refused for a wrong reason: {error:?}, due: {due:?}\n{msg:?}"
                );
                self.chain.revert();
                self.count_refusal(kind, name, &error);
                None
            }
            Ok(out) => {
                assert!(due.is_empty(), "{name} by {who} is taken, but must be refused: {due:?}\n{msg:?}");
                self.chain.chain.value = 0;
                let before = msg.job().and_then(|id| self.model.task(id)).map(|task| task.state);
                let expected = self.model.happen(&msg, &self.chain);
                assert_eq!(out, expected, "{name} by {who} sends out another sum");
                self.coverage.count("accepted", kind, || name.into());
                self.observe(before, &msg);
                self.compare(&msg);
                if let Some(later) = later {
                    let id = msg.job().expect("draws are of jobs");
                    assert_eq!(later, drawn(&self.chain, id), "who calls `advance`, and when, has changed a draw");
                }
                self.log.push((who, value, msg));
                Some(out)
            }
        }
    }

    /// What the message would draw in a later block, sent by another; `None` if
    /// it may draw something else there.
    fn drawn_later(&self, msg: &Msg) -> Option<Vec<(u32, Address)>> {
        let Msg::Advance { job } = msg else { return None };
        let task = self.model.task(*job)?;
        let complete = task.client_revealed && task.revealed() as usize == task.parts.len();
        let fixed = match task.state {
            State::Committed => complete,
            State::Opened | State::Window | State::Disputed | State::Ruling => task.demands.is_empty(),
            _ => false,
        };
        if !fixed || !self.log.len().is_multiple_of(4) {
            return None;
        }
        let mut later = self.chain.clone();
        later.chain.now += 3;
        later.chain.block += 5;
        later.begin(CROOK, 0);
        msg.send(&mut later).ok()?;
        Some(drawn(&later, *job))
    }

    fn count_refusal(&mut self, kind: u32, name: &str, error: &Error) {
        let code = error.using_encoded(|bytes| match bytes {
            // Terms and the registry have reasons of their own.
            [27, more, ..] => 27 | u32::from(*more) << 8,
            [first, ..] => u32::from(*first),
            [] => 0,
        });
        let variant = || {
            let text = format!("{error:?}");
            let end = text.find(['{', ' ']).unwrap_or(text.len());
            match error {
                Error::BadTerms(terms) => {
                    format!("{terms:?}").split([' ', '{']).next().map_or(text, |t| format!("BadTerms({t})"))
                }
                _ => text[..end].split('(').next().unwrap_or_default().to_owned(),
            }
        };
        self.coverage.count("error", code, variant);
        self.coverage.count("refused", kind << 16 | code, || format!("{name}: {}", variant()));
    }

    /// Notes what the message did, and what honest accounts lost by it.
    fn observe(&mut self, before: Option<State>, msg: &Msg) {
        if let Some(task) = msg.job().and_then(|id| self.model.task(id)) {
            if before != Some(task.state) {
                let (state, from) = (task.state, before);
                let key = state as u32 | from.map_or(255, |from| from as u32) << 8;
                self.coverage.count("state", state as u32, || format!("{state:?}"));
                self.coverage.count("move", key, || format!("{:?} to {state:?}", from.expect("it was there before")));
            }
            if task.state == State::Failed && matches!(msg, Msg::Answer { .. }) {
                self.coverage.count("convicted", 0, || "by reports".into());
            }
            for slot in &task.slots {
                self.coverage.count("check", slot.check as u32, || format!("{:?}", slot.check));
            }
        }
        for loss in std::mem::take(&mut self.model.losses) {
            self.coverage.count("slashed", loss.reason as u32 | (loss.role as u32) << 8, || {
                format!("{:?}: {:?}", loss.role, loss.reason)
            });
            if !self.attended || !self.is_honest(loss.who) || loss.amount == 0 {
                continue;
            }
            if self.setup.assumption == Assumption::Broken {
                let (key, amount) = (loss.reason as u32 | (loss.role as u32) << 8, loss.amount);
                let name = || format!("{:?}: {:?}", loss.role, loss.reason);
                self.coverage.count("honest lost", key, name);
                self.coverage.add("honest lost, in units", key, u64::try_from(amount).unwrap_or(u64::MAX), name);
                continue;
            }
            assert_eq!(loss.role, Role::Verifier, "honest operator slashed in job {}: {loss:?}", loss.job);
            let part = self.model.jobs[loss.job as usize].parts.iter().find(|part| part.who == loss.who);
            let most = super::model::idle_part(part.expect("it is enlisted").locked);
            // Only a report that was answered after all costs the honest anything: a
            // turn for each slot that it was not served in.
            let reported = matches!(msg, Msg::Answer { number, .. } if *number >= MAX_DEMANDS);
            let turn = loss.amount <= most && loss.reason == Reason::Idle && reported;
            assert!(turn, "honest verifier lost more than a turn: {loss:?}");
        }
    }

    /// The market must say what the model says.
    fn compare(&mut self, msg: &Msg) {
        assert_eq!(self.model.balance, self.model.held(), "units in = units out + units held");
        let mut touched = std::mem::take(&mut self.model.touched);
        touched.sort_unstable();
        touched.dedup();
        for who in touched {
            self.compare_account(who);
        }
        let posted = matches!(msg, Msg::PostJob { .. }).then(|| self.model.jobs.len() as u64 - 1);
        if let Some(id) = msg.job().or(posted) {
            super::compare::job(&self.chain, &self.model, id);
            if !self.log.is_empty() && self.log.len().is_multiple_of(40) {
                self.compare_all();
            }
        }
    }

    fn compare_account(&self, who: Address) {
        assert_eq!(reads::credit(&self.chain, who), self.model.credit_of(who), "credit of {who}");
        for role in [Role::Operator, Role::Verifier] {
            super::compare::standing(&self.chain, &self.model, role, who);
        }
    }

    /// Everything at once: nothing but what a message touched has changed.
    pub fn compare_all(&self) {
        for who in self.everybody() {
            self.compare_account(who);
        }
        for id in 0..self.model.jobs.len() as u64 {
            super::compare::job(&self.chain, &self.model, id);
        }
        super::compare::lists(&self.chain, &self.model);
    }

    /// Lets time pass without anybody doing anything.
    pub fn tick(&mut self, seconds: u64) {
        self.chain.chain.now += seconds;
        self.chain.chain.block += 1;
    }

    /// Jobs that have not ended.
    pub fn live(&self) -> Vec<u64> {
        (0u64..).zip(&self.model.jobs).filter(|(_, task)| !task.state.is_terminal()).map(|(id, _)| id).collect()
    }

    /// A copy of the market in which everybody has left: time and `advance`
    /// alone must end every job.
    pub fn abandon(&mut self) {
        let mut alone = self.chain.clone();
        for id in self.live() {
            let mut calls = 0;
            loop {
                let Some(view) = reads::job(&alone, id) else { unreachable!("a job does not vanish") };
                if view.job.state.is_terminal() {
                    break;
                }
                calls += 1;
                assert!(calls <= MOST_CALLS, "job {id} is still {:?} after {calls} calls", view.job.state);
                let demands = reads::demands(&alone, id).into_iter().map(|demand| demand.deadline);
                let last = demands.chain([view.job.deadline]).max().unwrap_or(0);
                alone.chain.now = alone.chain.now.max(last + 1);
                alone.chain.block += 1;
                alone.begin(STRANGER, 0);
                let result = Msg::Advance { job: id }.send(&mut alone);
                assert!(result.is_ok(), "job {id} cannot be moved on from {:?}: {result:?}", view.job.state);
            }
            self.coverage.count("calls to end an abandoned job", calls, || format!("{calls:2}"));
        }
    }
}

/// Everything that a job has drawn.
fn drawn(chain: &MarketChain, id: u64) -> Vec<(u32, Address)> {
    let slots = reads::slots(chain, id).into_iter().map(|slot| (slot.segment, slot.verifier));
    slots.chain(reads::seats(chain, id).into_iter().map(|seat| (u32::MAX, seat.verifier))).collect()
}
