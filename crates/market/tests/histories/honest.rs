//! Honest actors: each does what it has to do by now.

use crate::{AUDITOR, History};
use assay_market::reads;
use assay_protocol::Address;
use assay_protocol::market::{Check, Error, State};

impl History {
    /// Every honest actor does what it has to do by now.
    pub fn do_duties(&mut self) {
        while self.do_some_duties() {}
    }

    fn do_some_duties(&mut self) -> bool {
        let mut any = false;
        for (id, job) in self.world.jobs() {
            if job.state.is_terminal() {
                continue;
            }
            let operator = job.operator.filter(|operator| self.honest(*operator));
            any |= operator.is_some_and(|operator| self.answer(id, operator));
            if self.world.host.memory.now > job.deadline {
                continue;
            }
            let job = self.world.job(id);
            match (job.state, operator) {
                (State::Claimed, Some(operator)) => self.world.commit(id, operator, &[]).unwrap(),
                (State::Drawn, Some(operator)) => self.world.open(id, operator).unwrap(),
                (State::Attested, Some(operator)) => self.world.reveal_traces(id, operator).unwrap(),
                (State::Committed, _) => {
                    any |= self.reveal_secrets(id, job.client_secret.is_none().then_some(job.client))
                }
                (State::Opened, _) => any |= self.attest(id),
                (State::Disputed | State::Ruling, _) => any |= self.sit(id, job.state),
                (State::Window, _) => any |= self.audit(id),
                _ => continue,
            }
            any |= self.world.job(id) != job;
        }
        any
    }

    /// An honest operator has what anybody can demand.
    fn answer(&mut self, id: u64, operator: Address) -> bool {
        let now = self.world.host.memory.now;
        let open = self.world.demands(id);
        for demand in open.iter().filter(|demand| now <= demand.deadline) {
            self.world.answer(id, demand.number, operator).unwrap();
        }
        open.iter().any(|demand| now <= demand.deadline)
    }

    /// The auditor challenges the first false segment that may be challenged, in
    /// a part of the jobs.
    fn audit(&mut self, id: u64) -> bool {
        let work = &self.world.works[&id];
        let slots = self.world.slots(id);
        let seen = |segment: u32| slots.iter().any(|slot| slot.segment == segment && slot.check != Check::Passed);
        let segments = self.world.view(id).terms.segments;
        let found = (0..segments).find(|segment| !work.is_true(*segment) && !seen(*segment));
        match found.filter(|_| id.is_multiple_of(2) && slots.len() < 8) {
            Some(segment) => self.world.challenge(id, AUDITOR, segment) != Err(Error::NoPanel),
            None => false,
        }
    }

    fn reveal_secrets(&mut self, id: u64, client: Option<Address>) -> bool {
        let waiting = |by: &&Address| {
            reads::enlistment(&self.world.host, id, **by).is_some_and(|enlistment| !enlistment.revealed)
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
    pub fn pass(&mut self, seconds: u64) {
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
}
