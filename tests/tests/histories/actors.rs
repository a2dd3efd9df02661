//! What everybody does: their part, or something else.

use crate::mirror::{BOB, FIRST_VERIFIER, HONEST, LONGEST_WINDOW, Mirror, RIVAL, ROYAL, STRANGER};
use anyhow::{Context, ensure};
use assay_attack::market::Msg;
use assay_attack::market::work::{Cheat, Work, made};
use assay_e2e::{JobOptions, tokens};
use assay_market::reads;
use assay_protocol::commitment::{Outcome, outcome_seal, seal, sealed_secret};
use assay_protocol::hash::{Domain, Native, Sha256};
use assay_protocol::market::{
    Answer, Challenge, Check, Demand, Dispute, JobView, Opening, Role, Slot, SlotTrace, State, Wanted, Windows,
};
use assay_protocol::{Address, Hash};
use std::collections::HashMap;

/// What a liar on a panel says.
pub const LIE: Outcome = Outcome::Replayed { state: Hash([1; 32]), trace: Hash([2; 32]), salted: Hash([3; 32]) };
/// What a liar seals.
pub const NONSENSE: Hash = Hash([9; 32]);

/// How a job goes.
struct Plan {
    operator: usize,
    cheats: Vec<Cheat>,
    /// Keeps its secret back.
    withholds: Option<usize>,
    /// Does no turn.
    idle: Option<usize>,
    /// Seals, insists on and rules nonsense.
    liar: Option<usize>,
    /// Whether the operator answers demands.
    answers: bool,
    /// Whether the operator hands the job back at first.
    hands_back: bool,
}

/// A history under way.
pub struct Actors {
    /// The market and its mirror.
    pub mirror: Mirror,
    /// Decides everything but the clock.
    pub rng: fastrand::Rng,
    plans: Vec<Plan>,
    works: HashMap<Hash, Work>,
}

fn secret(who: Address, job: u64) -> Hash {
    Native.hash_value(Domain::Secret, &(b"history", who, job))
}

impl Actors {
    /// Everybody stakes.
    pub async fn begin(seed: u64) -> anyhow::Result<Self> {
        let mut mirror = Mirror::open().await?;
        for who in HONEST..mirror.people.len() {
            let (role, sum) = match who {
                HONEST | RIVAL => (Role::Operator, tokens(250)),
                STRANGER => continue,
                _ => (Role::Verifier, tokens(70)),
            };
            let endpoint = (who == HONEST).then(|| "http://here:80".to_owned());
            ensure!(mirror.send(who, sum.0, Msg::Stake { role, endpoint }).await?, "{who} can stake");
        }
        Ok(Self { mirror, rng: fastrand::Rng::with_seed(seed), plans: Vec::new(), works: HashMap::new() })
    }

    /// The operator that a job's plan names.
    pub fn operator(&self, id: u64) -> usize {
        self.plans[id as usize].operator
    }

    fn verifiers(&self) -> std::ops::Range<usize> {
        FIRST_VERIFIER..self.mirror.people.len()
    }

    /// A job that exists, by the mirror.
    pub fn view(&self, id: u64) -> anyhow::Result<JobView> {
        reads::job(&self.mirror.memory, id).with_context(|| format!("no job {id}"))
    }

    fn slots(&self, id: u64) -> Vec<Slot> {
        reads::slots(&self.mirror.memory, id)
    }

    /// The work behind a job's commitment.
    fn work(&self, view: &JobView) -> Option<&Work> {
        self.works.get(&view.commitment.as_ref()?.root)
    }

    /// Posts a job, and decides how it goes: `kind` picks the way.
    pub async fn post(&mut self, kind: usize) -> anyhow::Result<u64> {
        let id = self.plans.len() as u64;
        let (client, verifiers) = (self.mirror.address(BOB), self.verifiers());
        let mut job = self.mirror.world.digits_job(client, &JobOptions::default());
        let windows = Windows { claim: 10, train: 6, secrets: 6, open: 5, attest: 6, reveal: 5, dispute: 4 };
        (job.terms.windows, job.terms.segments, job.terms.samples) = (windows, 4, 2);
        job.terms.panel = self.rng.u8(2..=3);
        job.terms.sealed_secret = sealed_secret(&Native, &self.mirror.market(), &secret(client, id), &client);
        if self.rng.bool() {
            job.datasets.push(ROYAL);
        }
        let value = job.terms.payment + job.terms.fee;
        // Once too little, and once too long.
        if self.rng.bool() {
            self.mirror.send(BOB, value - tokens(1).0, Msg::PostJob { args: Box::new(job.clone()) }).await?;
        } else {
            let mut longer = job.clone();
            longer.terms.windows.train = LONGEST_WINDOW + 1;
            self.mirror.send(BOB, value, Msg::PostJob { args: Box::new(longer) }).await?;
        }
        ensure!(self.mirror.send(BOB, value, Msg::PostJob { args: Box::new(job) }).await?, "the terms are good");
        let one = self.rng.u32(0..4);
        let some = Some(self.rng.usize(verifiers));
        let cheats = match kind {
            1 => (0..4).map(Cheat::Skip).collect(),
            2 => vec![Cheat::Skip(one)],
            3 => vec![Cheat::FalseArtefact],
            4 => vec![Cheat::HideFromVerifiers],
            5 => vec![Cheat::FalseTrace(one), Cheat::HideFromPanel],
            _ => vec![],
        };
        self.plans.push(Plan {
            operator: if cheats.is_empty() { HONEST } else { RIVAL },
            cheats,
            withholds: some.filter(|_| matches!(kind, 6 | 3)),
            idle: some.filter(|_| matches!(kind, 7 | 2)),
            liar: some.filter(|_| matches!(kind, 8 | 0)),
            answers: kind != 9,
            hands_back: kind == 7,
        });
        Ok(id)
    }

    /// The next message that somebody owes a job, or sends in its plan's way.
    fn turn(&mut self, id: u64) -> anyhow::Result<Option<(usize, u128, Msg)>> {
        let (view, slots) = (self.view(id)?, self.slots(id));
        let (job, terms, now) = (&view.job, &view.terms, self.mirror.memory.chain.now);
        let plan = &self.plans[id as usize];
        let operator = plan.operator;
        let demands = reads::demands(&self.mirror.memory, id);
        if let Some(demand) = demands.first().filter(|demand| plan.answers && now <= demand.deadline) {
            let answer = self.answer(&view, demand).context("the operator has all that it committed to")?;
            return Ok(Some((operator, 0, Msg::Answer { job: id, number: demand.number, answer })));
        }
        if now > job.deadline {
            return Ok(Some((STRANGER, 0, Msg::Advance { job: id })));
        }
        let part = |who: usize| reads::enlistment(&self.mirror.memory, id, self.mirror.address(who));
        let msg = match job.state {
            State::Open => match self.verifiers().find(|who| part(*who).is_none()) {
                Some(who) => {
                    let by = self.mirror.address(who);
                    let sealed = sealed_secret(&Native, &self.mirror.market(), &secret(by, id), &by);
                    (who, 0, Msg::Enlist { job: id, sealed, bond: terms.bond + tokens(who as u128 % 3).0 })
                }
                None => (operator, 0, Msg::Claim { job: id }),
            },
            State::Claimed if plan.hands_back && job.attempts == 1 => {
                let next = &mut self.plans[id as usize];
                next.operator = RIVAL;
                (operator, 0, Msg::HandBack { job: id })
            }
            State::Claimed => {
                let by = self.mirror.address(operator);
                let work = Work::new(self.mirror.job_id(id), by, terms.spec, terms.segments, &plan.cheats);
                let root = work.root;
                self.works.insert(root, work);
                (operator, 0, Msg::Commit { job: id, root })
            }
            State::Committed => {
                let waits = |who: &usize| part(*who).is_some_and(|part| !part.revealed) && plan.withholds != Some(*who);
                let client = job.client_secret.is_none().then_some(BOB);
                match self.verifiers().find(waits).or(client) {
                    Some(who) => (who, 0, Msg::RevealSecret { job: id, secret: secret(self.mirror.address(who), id) }),
                    None if job.revealed == job.enlisted => (STRANGER, 0, Msg::Advance { job: id }),
                    None => return Ok(None),
                }
            }
            State::Drawn => {
                let work = self.work(&view).context("somebody made it")?;
                let waiting = (0u8..).zip(&slots).filter(|(_, slot)| slot.check == Check::Drawn);
                let mut openings: Vec<_> =
                    waiting.filter_map(|(number, slot)| work.open(number, slot.segment)).collect();
                // The ends with the first, the rest after it.
                let ends = view.ends.is_none().then(|| work.ends());
                if ends.is_some() {
                    openings.truncate(1);
                }
                (operator, 0, Msg::Open { job: id, opening: Opening { ends, slots: openings } })
            }
            State::Opened => {
                let own = |(_, slot): &(u8, &Slot)| {
                    slot.check == Check::Opened && self.mirror.who(slot.verifier) != plan.idle
                };
                match (0u8..).zip(&slots).find(own) {
                    Some((number, slot)) => self.check(&view, number, slot)?,
                    None if !slots.iter().any(|slot| matches!(slot.check, Check::Opened | Check::Unserved)) => {
                        (STRANGER, 0, Msg::Advance { job: id })
                    }
                    None => return Ok(None),
                }
            }
            State::Attested => {
                let work = self.work(&view).context("somebody made it")?;
                let sealed = (0u8..).zip(&slots).filter(|(_, slot)| slot.check == Check::Sealed);
                let traces = sealed
                    .map(|(slot, entry)| SlotTrace { slot, trace: work.traces[entry.segment as usize] })
                    .collect();
                (operator, 0, Msg::RevealTraces { job: id, traces })
            }
            State::Window => {
                let doubt = (0u8..).zip(&slots).find(|(_, slot)| slot.check == Check::Mismatched);
                if let Some((number, slot)) = doubt {
                    let who = self.mirror.who(slot.verifier).context("a verifier")?;
                    let trace = self.finding(&view, slot, who)?;
                    (who, 0, Msg::Insist { job: id, slot: number, trace })
                } else {
                    if !plan.answers && job.demands == 0 {
                        let wanted = Wanted::Leaf { boundary: 0, tensor: 1, chunk: 1 };
                        return Ok(Some((STRANGER, terms.demand_bond(), Msg::Demand { job: id, wanted })));
                    }
                    match self.challenge(&view, &slots)? {
                        Some(challenge) => (STRANGER, terms.bond, Msg::Challenge { job: id, challenge }),
                        None => return Ok(None),
                    }
                }
            }
            State::Disputed | State::Ruling => {
                let dispute = view.dispute.as_ref().context("there is a dispute")?;
                let sealing = job.state == State::Disputed;
                let seats = reads::seats(&self.mirror.memory, id);
                let waits = seats.iter().find(|seat| match sealing {
                    true => seat.seal.is_none() && self.mirror.who(seat.verifier) != plan.idle,
                    false => seat.seal.is_some() && seat.outcome.is_none(),
                });
                match waits {
                    Some(seat) => {
                        let who = self.mirror.who(seat.verifier).context("a verifier")?;
                        self.rule(&view, dispute, &slots, who)?
                    }
                    None if sealing => return Ok(None),
                    None => (STRANGER, 0, Msg::Advance { job: id }),
                }
            }
            State::Final | State::Failed | State::Void | State::Cancelled => return Ok(None),
        };
        Ok(Some(msg))
    }

    fn answer(&self, view: &JobView, demand: &Demand) -> Option<Answer> {
        match demand.wanted {
            Wanted::Leaf { tensor, chunk, .. } => Some(Answer::Leaf(made(&demand.state?)?.chunk(tensor, chunk))),
            Wanted::Boundary { index } => {
                self.work(view)?.opening(index % (view.terms.segments + 1)).map(Answer::Boundary)
            }
        }
    }

    /// The trace root that a verifier seals: what it finds, or nonsense.
    fn finding(&self, view: &JobView, slot: &Slot, who: usize) -> anyhow::Result<Hash> {
        if self.plans[view.id as usize].liar == Some(who) {
            return Ok(NONSENSE);
        }
        Ok(self.work(view).context("somebody made it")?.finding(slot.segment, slot.verifier))
    }

    fn check(&self, view: &JobView, number: u8, slot: &Slot) -> anyhow::Result<(usize, u128, Msg)> {
        let who = self.mirror.who(slot.verifier).context("a verifier")?;
        if !self.work(view).context("somebody made it")?.serves(slot.verifier, false) {
            let msg = Msg::ReportUnavailable { job: view.id, slot: number, tensor: u32::from(number), chunk: u32::MAX };
            return Ok((who, 0, msg));
        }
        let trace = self.finding(view, slot, who)?;
        let seal = seal(&Native, self.mirror.job_id(view.id), slot.segment, &trace, &slot.verifier);
        Ok((who, 0, Msg::Attest { job: view.id, slot: number, seal }))
    }

    /// The challenge of a false segment that nobody has challenged, and now and
    /// then of a true one.
    fn challenge(&mut self, view: &JobView, slots: &[Slot]) -> anyhow::Result<Option<Challenge>> {
        let liar = self.plans[view.id as usize].liar.is_some();
        let any = view.job.challenges == 0 && (liar || self.rng.u8(0..4) == 0);
        let work = self.work(view).context("somebody made it")?;
        let asked = |segment: &u32| slots.iter().any(|slot| slot.segment == *segment);
        let mut segments = (0..view.terms.segments).filter(|segment| !asked(segment));
        let Some(segment) = segments.find(|segment| any || !work.is_true(*segment)) else { return Ok(None) };
        let around = (work.opening(segment), work.opening(segment + 1));
        let (Some(before), Some(after)) = around else { return Ok(None) };
        Ok(Some(Challenge { segment, before, after }))
    }

    fn rule(
        &self,
        view: &JobView,
        dispute: &Dispute,
        slots: &[Slot],
        who: usize,
    ) -> anyhow::Result<(usize, u128, Msg)> {
        let segment = slots[usize::from(dispute.slot)].segment;
        let outcome = match self.plans[view.id as usize].liar == Some(who) {
            true => LIE,
            false => self.work(view).context("somebody made it")?.panel_finding(segment, dispute.salt),
        };
        if view.job.state == State::Ruling {
            return Ok((who, 0, Msg::PanelReveal { job: view.id, outcome }));
        }
        let seal = outcome_seal(&Native, self.mirror.job_id(view.id), segment, &outcome, &self.mirror.address(who));
        Ok((who, 0, Msg::PanelSeal { job: view.id, seal }))
    }

    /// Plays a job to its end. Every turn may be interrupted by something else.
    pub async fn play(&mut self, id: u64) -> anyhow::Result<()> {
        let mut messages = 0;
        while !self.mirror.job(id)?.state.is_terminal() {
            messages += 1;
            ensure!(messages < 200, "job {id} goes round in circles: {:?}", self.mirror.job(id)?);
            if self.rng.u8(0..8) == 0 {
                self.noise(id).await?;
                continue;
            }
            // What the mirror last saw may be long ago.
            self.mirror.memory.chain.now = self.mirror.world.chain.now().await?;
            let Some((who, value, msg)) = self.turn(id)? else {
                self.mirror.past(self.next_deadline(id)?).await?;
                continue;
            };
            if self.rng.u8(0..6) == 0 {
                let (who, value, msg) = self.spoil(who, value, msg);
                self.mirror.send(who, value, msg).await?;
                continue;
            }
            // Refused if a deadline has just passed, or while a demand is open.
            if !self.mirror.send(who, value, msg).await? && self.mirror.job(id)?.demands > 0 {
                self.mirror.past(self.next_deadline(id)?).await?;
            }
        }
        Ok(())
    }

    /// When something can happen next without anybody's turn.
    fn next_deadline(&self, id: u64) -> anyhow::Result<u64> {
        let demands = reads::demands(&self.mirror.memory, id).into_iter().map(|demand| demand.deadline);
        let now = self.mirror.memory.chain.now;
        let own = self.mirror.job(id)?.deadline;
        Ok(demands.chain([own]).filter(|deadline| *deadline >= now).min().unwrap_or(own))
    }
}
