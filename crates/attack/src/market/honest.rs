//! What the honest do: what the protocol asks of them, in time and truthfully.

use super::model::Task;
use super::msg::Msg;
use super::work::{Work, made};
use super::world::{World, job_id, secret};
use assay_protocol::Address;
use assay_protocol::commitment::{outcome_seal, panel_salt, seal};
use assay_protocol::hash::{Domain, Native, Sha256};
use assay_protocol::market::{Answer, Challenge, Check, Opening, SlotTrace, State, Wanted};
use std::rc::Rc;

impl World {
    /// The work behind a job's commitment, if anybody made it.
    pub fn work(&self, task: &Task) -> Option<Rc<Work>> {
        self.works.get(&task.root?).cloned()
    }

    /// Makes work and keeps it.
    pub fn keep(&mut self, work: Work) -> Rc<Work> {
        let work = Rc::new(work);
        self.works.insert(work.root, work.clone());
        work
    }

    /// The true answer to a demand.
    pub fn true_answer(&self, task: &Task, number: u8) -> Option<Answer> {
        let demand = task.demands.iter().find(|demand| demand.number == number)?;
        match demand.wanted {
            Wanted::Leaf { tensor, chunk, .. } => Some(Answer::Leaf(made(&demand.state?)?.chunk(tensor, chunk))),
            Wanted::Boundary { index } => {
                self.work(task)?.opening(index % (task.terms.segments + 1)).map(Answer::Boundary)
            }
        }
    }

    /// All drawn slots that are not open yet, with the ends if they are not.
    pub fn full_opening(&self, task: &Task, work: &Work) -> Opening {
        let waiting = (0u8..).zip(&task.slots).filter(|(_, slot)| slot.check == Check::Drawn);
        let slots = waiting.filter_map(|(number, slot)| work.open(number, slot.segment)).collect();
        Opening { ends: task.ends.is_none().then(|| work.ends()), slots }
    }

    /// The operator's traces of all slots that wait for them.
    pub fn full_traces(&self, task: &Task, work: &Work) -> Vec<SlotTrace> {
        let sealed = (0u8..).zip(&task.slots).filter(|(_, slot)| slot.check == Check::Sealed);
        sealed
            .map(|(number, slot)| SlotTrace {
                slot: number,
                trace: work.traces.get(slot.segment as usize).copied().unwrap_or_default(),
            })
            .collect()
    }

    /// What an honest panellist finds in the open dispute.
    pub fn true_outcome(&self, id: u64, task: &Task) -> Option<assay_protocol::commitment::Outcome> {
        let segment = self.disputed_segment(task)?;
        let salt = panel_salt(&Native, job_id(id), segment, &Native.hash_value(Domain::Draw, &(b"any", id)));
        Some(self.work(task)?.panel_finding(segment, salt))
    }

    /// The segment that a panel looks at.
    pub fn disputed_segment(&self, task: &Task) -> Option<u32> {
        Some(task.slots[usize::from(task.quarrel.as_ref()?.slot)].segment)
    }

    /// What an honest verifier does with a slot of its own.
    pub fn replay(&self, id: u64, number: u8, task: &Task) -> Option<Msg> {
        let (work, slot) = (self.work(task)?, &task.slots[usize::from(number)]);
        let reported = task.reporters.iter().any(|reporter| reporter.0 == number);
        if !work.serves(slot.verifier, reported) {
            return Some(Msg::ReportUnavailable { job: id, slot: number, tensor: u32::from(number), chunk: u32::MAX });
        }
        let trace = work.finding(slot.segment, slot.verifier);
        Some(Msg::Attest {
            job: id,
            slot: number,
            seal: seal(&Native, job_id(id), slot.segment, &trace, &slot.verifier),
        })
    }

    /// The challenge of a segment, by whoever has the work.
    pub fn challenge_of(&self, task: &Task, segment: u32) -> Option<Challenge> {
        let work = self.work(task)?;
        Some(Challenge { segment, before: work.opening(segment)?, after: work.opening(segment + 1)? })
    }

    /// The next message that an honest account owes a job now.
    pub fn duty(&mut self, id: u64) -> Option<(Address, Msg)> {
        let task = self.model.task(id)?.clone();
        let now = self.chain.chain.now;
        let operator = task.operator.filter(|operator| self.is_honest(*operator));
        if let Some(operator) = operator
            && let Some(demand) = task.demands.iter().find(|demand| now <= demand.deadline)
        {
            let answer = self.true_answer(&task, demand.number)?;
            return Some((operator, Msg::Answer { job: id, number: demand.number, answer }));
        }
        if now > task.deadline {
            return None;
        }
        match task.state {
            State::Claimed => {
                let operator = operator?;
                let work = self.keep(Work::new(job_id(id), operator, task.terms.spec, task.terms.segments, &[]));
                Some((operator, Msg::Commit { job: id, root: work.root }))
            }
            State::Committed => {
                let client = (!task.client_revealed).then_some(task.client);
                let waiting = task.parts.iter().filter(|part| !part.revealed).map(|part| part.who);
                let who = waiting.chain(client).find(|who| self.is_honest(*who))?;
                Some((who, Msg::RevealSecret { job: id, secret: secret(who, id) }))
            }
            State::Drawn => {
                let opening = self.full_opening(&task, &*self.work(&task)?);
                operator.map(|operator| (operator, Msg::Open { job: id, opening }))
            }
            State::Opened => {
                let own =
                    |slot: &assay_protocol::market::Slot| slot.check == Check::Opened && self.is_honest(slot.verifier);
                let number = task.slots.iter().position(own)?;
                Some((task.slots[number].verifier, self.replay(id, number as u8, &task)?))
            }
            State::Attested => {
                let traces = self.full_traces(&task, &*self.work(&task)?);
                operator.map(|operator| (operator, Msg::RevealTraces { job: id, traces }))
            }
            State::Window => {
                let doubt = |slot: &assay_protocol::market::Slot| {
                    slot.check == Check::Mismatched && self.is_honest(slot.verifier)
                };
                let number = task.slots.iter().position(doubt)?;
                let slot = &task.slots[number];
                let held_up = !task.demands.is_empty() && task.drawable(&[slot.verifier]).len() < 2;
                let trace = self.work(&task)?.finding(slot.segment, slot.verifier);
                (!held_up).then_some((slot.verifier, Msg::Insist { job: id, slot: number as u8, trace }))
            }
            State::Disputed | State::Ruling => {
                let sealing = task.state == State::Disputed;
                let outcome = self.true_outcome(id, &task)?;
                let waits = |seat: &&assay_protocol::market::Seat| match sealing {
                    true => seat.seal.is_none(),
                    false => seat.seal.is_some() && seat.outcome.is_none(),
                };
                let seats = task.quarrel.iter().flat_map(|quarrel| &quarrel.seats);
                let who = seats.into_iter().filter(waits).map(|seat| seat.verifier).find(|who| self.is_honest(*who))?;
                let segment = self.disputed_segment(&task)?;
                Some(match sealing {
                    true => {
                        let seal = outcome_seal(&Native, job_id(id), segment, &outcome, &who);
                        (who, Msg::PanelSeal { job: id, seal })
                    }
                    false => (who, Msg::PanelReveal { job: id, outcome }),
                })
            }
            _ => None,
        }
    }

    /// Every honest account does in a job what it owes by now. None of these
    /// messages may be refused.
    pub fn do_duties(&mut self, id: u64) -> bool {
        let mut any = false;
        while let Some((who, msg)) = self.duty(id) {
            let name = super::msg::NAMES[msg.kind()];
            assert!(self.send(who, 0, msg).is_some(), "{name}, which {who} owes job {id}, is refused");
            any = true;
        }
        any
    }

    /// Lets time pass. The honest miss no deadline on the way.
    pub fn pass(&mut self, seconds: u64) {
        let until = self.chain.chain.now + seconds;
        loop {
            let now = self.chain.chain.now;
            if self.attended && !self.late {
                self.live().into_iter().for_each(|id| _ = self.do_duties(id));
            }
            let deadlines = self
                .model
                .jobs
                .iter()
                .filter(|task| !task.state.is_terminal())
                .flat_map(|task| task.demands.iter().map(|demand| demand.deadline).chain([task.deadline]));
            let next = deadlines.filter(|deadline| *deadline >= now).min();
            match next {
                Some(deadline) if deadline < until => {
                    if deadline > now {
                        self.tick(deadline - now);
                    }
                    if self.attended {
                        // The last second is in time.
                        self.live().into_iter().for_each(|id| _ = self.do_duties(id));
                    }
                    self.tick(1);
                }
                _ => return self.tick(until - now),
            }
        }
    }
}
