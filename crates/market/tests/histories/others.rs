//! Everybody else: idle, lazy and malicious actors, and chance.

use crate::common::work::Cheat;
use crate::common::{CLIENT, NONSENSE, OPERATOR, RIVAL, STRANGER, job_id, post_args, terms};
use crate::{GONE, History, MOST_JOBS, OPERATORS, VANISHER};
use assay_market::{check, demand, enlist, offer, panel, post, reads, stake, train};
use assay_protocol::Address;
use assay_protocol::commitment::{Outcome, seal};
use assay_protocol::hash::{Hash, Native};
use assay_protocol::market::{Check, Role, State, Wanted};

impl History {
    pub fn post(&mut self) {
        if self.world.jobs().len() as u64 == MOST_JOBS {
            return;
        }
        let client = self.choices.of(&[CLIENT, GONE]);
        let mut terms = terms(client);
        terms.samples = 1 + self.choices.below(4) as u8;
        terms.panel = 2 + self.choices.below(3) as u8;
        terms.segments = u32::from(terms.samples) + self.choices.below(5);
        // Also sums that do not divide, down to a single unit (of ten for the bond).
        terms.payment = self.choices.of(&[1, 1_000_000]);
        terms.fee = self.choices.of(&[1, 7, 100_003]);
        terms.stake = self.choices.of(&[1, 500_001]);
        terms.hand_back = terms.stake / 20;
        terms.bond = self.choices.of(&[10, 19, 10_000, 12_345]);
        let value = terms.payment + terms.fee;
        let id = self.world.send(client, value, |host| post::post_job(host, post_args(terms))).unwrap();
        // Most jobs get further than this.
        if self.choices.below(8) > 0 {
            for by in self.verifiers.clone() {
                let more = self.choices.of(&[0, 0, 1, 20_000]);
                let bond = self.world.view(id).terms.bond + more;
                let _ = self.world.enlist_with(id, by, bond);
            }
            let operator = self.choices.of(&[OPERATOR, OPERATOR, RIVAL, RIVAL, RIVAL, VANISHER, STRANGER]);
            let _ = self.world.claim(id, operator);
        }
    }

    fn cheats(&mut self, segments: u32) -> Vec<Cheat> {
        let segment = self.choices.below(segments);
        let more = self.choices.below(segments);
        match self.choices.below(10) {
            0 => vec![],
            8 => vec![Cheat::NoState(segment)],
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
    pub fn step(&mut self) {
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
        match self.choices.below(46) {
            0 => self.post(),
            1 => {
                let _ = self.world.enlist(id, by);
            }
            2 => {
                // Whoever seals a secret it does not know cannot be honest.
                if !self.honest(by) {
                    let sealed = self.choices.hash();
                    let bond = self.choices.below(30_000).into();
                    let _ = self.world.send(by, 0, |host| enlist::enlist(host, id, sealed, bond));
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
                let _ = match self.choices.below(3) {
                    0 => self.world.send(anybody, 0, |host| stake::unstake(host, role, amount.into())),
                    1 => self.world.send(anybody, 0, |host| stake::collect(host, role)),
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
            40 | 41 => self.demand(id, anybody),
            42 => self.answer_some(id),
            43 => {
                self.bad_challenge(id, anybody);
            }
            44 => {
                if !self.honest(operator) && self.choices.below(3) == 0 {
                    let _ = self.world.send(operator, 0, |host| train::hand_back(host, id));
                }
                let _ = self.world.register(id);
            }
            45 => {
                let _ = self.world.send(anybody, 0, |host| offer::publish_offer(host, None));
            }
            _ => self.go_on(id),
        }
    }

    /// A challenge that may be false.
    fn bad_challenge(&mut self, id: u64, by: Address) {
        if !self.honest(by) && self.world.works.contains_key(&id) {
            let segment = self.choices.below(self.world.view(id).terms.segments);
            let _ = self.world.challenge(id, by, segment);
        }
    }

    /// Also at a wrong price, and of what is not open.
    fn demand(&mut self, id: u64, by: Address) {
        let Some(view) = reads::job(&self.world.host, id) else { return };
        let (boundary, tensor) = (self.choices.below(view.terms.segments + 2), self.choices.below(3));
        let wanted = match self.choices.below(3) {
            0 => Wanted::Boundary { index: boundary },
            _ => Wanted::Leaf { boundary, tensor, chunk: 1 },
        };
        let bond = view.terms.demand_bond() + u128::from(self.choices.below(8) == 0);
        let _ = self.world.send(by, bond, |host| demand::demand(host, id, wanted));
    }

    /// The dishonest operator, or a stranger, answers the first demand.
    fn answer_some(&mut self, id: u64) {
        if let Some(demand) = self.world.demands(id).first() {
            let by = self.choices.of(&[RIVAL, STRANGER]);
            let _ = self.world.answer(id, demand.number, by);
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
            State::Window => match self.choices.below(3) {
                0 => self.bad_challenge(id, STRANGER),
                _ => self.insist(id),
            },
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
                        self.world.open_these(id, RIVAL, one)
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
            let garbage = seal(&Native, job_id(id), slot.segment, &NONSENSE, &slot.verifier);
            let _ = match self.choices.below(5) {
                0 => Ok(()),
                1 => self.world.send(slot.verifier, 0, |host| check::attest(host, id, number, garbage)),
                2 => self.world.send(slot.verifier, 0, |host| check::attest(host, id, number, Hash::default())),
                3 => self.world.send(slot.verifier, 0, |host| check::report_unavailable(host, id, number, 5, 7)),
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
        let (by, trace) = (slot.verifier, self.choices.of(&[NONSENSE, NONSENSE, Hash::default()]));
        let _ = match self.honest(by) {
            true if slot.check == Check::Mismatched => self.world.insist(id, number),
            _ => self.world.send(by, 0, |host| check::insist(host, id, number, trace)),
        };
    }

    fn dishonest_panellist(&mut self, id: u64) {
        if !self.world.jobs().iter().any(|(job, row)| *job == id && row.disputed.is_some()) {
            return;
        }
        let lie = Outcome::Replayed { state: Hash([1; 32]), trace: Hash([2; 32]), salted: Hash([3; 32]) };
        let ends = self.world.view(id).ends.unwrap();
        let same = Outcome::FalseEnds { initial_state: ends.initial_state, artefact: ends.artefact };
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
}
