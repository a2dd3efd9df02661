//! What the dishonest do, alone and together.

use super::acts::{Dice, MOST_SEGMENTS};
use super::model::Task;
use super::msg::Msg;
use super::work::{Cheat, Work};
use super::world::{AUDITOR, CLIENT, OWNERS, RIVAL, STRANGER, TROLL, VANISHER, World, job_id, secret};
use assay_protocol::commitment::{JobId, Outcome, outcome_seal, seal};
use assay_protocol::hash::Native;
use assay_protocol::market::{Answer, Challenge, Check, LeafOpening, Opening, Role, SlotTrace, State, Wanted};
use assay_protocol::registry::Error;
use assay_protocol::{Address, Hash};

/// What all liars on a panel say, so that they count together.
const LIE: Outcome = Outcome::Replayed { state: Hash([1; 32]), trace: Hash([2; 32]), salted: Hash([3; 32]) };

impl World {
    /// The operator that cheats goes on with its job, in its way.
    pub fn rival(&mut self, id: u64, dice: &mut Dice) {
        let Some(task) = self.model.task(id).cloned() else { return };
        let who = match task.operator {
            Some(who) if !self.is_honest(who) => who,
            // Other people's jobs.
            _ => RIVAL,
        };
        if who == VANISHER && dice.below(4) > 0 {
            return self.to_deadline(id, 1);
        }
        let msg = match task.state {
            State::Claimed => {
                let root = self.false_work(id, who, &task, dice);
                Msg::Commit { job: id, root }
            }
            State::Attested => {
                let Some(work) = self.work(&task) else { return self.to_deadline(id, 1) };
                let mut traces = self.full_traces(&task, &work);
                self.spoil_traces(&mut traces, dice);
                Msg::RevealTraces { job: id, traces }
            }
            _ => {
                let Some(work) = self.work(&task) else { return self.to_deadline(id, 1) };
                let mut opening = self.full_opening(&task, &work);
                spoil_opening(&mut opening, &task, &work, dice);
                Msg::Open { job: id, opening }
            }
        };
        if self.send(who, 0, msg).is_none() && dice.once_in(16) {
            self.to_deadline(id, 1);
        }
    }

    fn false_work(&mut self, id: u64, who: Address, task: &Task, dice: &mut Dice) -> Hash {
        let segments = task.terms.segments;
        if segments > MOST_SEGMENTS {
            return dice.hash();
        }
        let (one, more) = (dice.below(segments as usize) as u32, dice.below(segments as usize) as u32);
        // With few verifiers, those that report leave nobody for a panel: mostly that.
        let few = task.parts.len() <= 4 && !dice.once_in(3);
        let cheats = match dice.below(14) {
            _ if few => vec![Cheat::HideAtFirst],
            0..=2 => vec![],
            3 => vec![Cheat::Skip(one)],
            4 => vec![Cheat::FalseState(one), Cheat::Skip(more)],
            5 => vec![Cheat::FalseTrace(one)],
            6 => vec![Cheat::FalseStart],
            7 => vec![Cheat::FalseArtefact],
            8 => vec![dice.of_these(&[Cheat::HideFromVerifiers, Cheat::HideFromSome, Cheat::HideFromSome])],
            9 => vec![Cheat::HideFromPanel, Cheat::Skip(one)],
            10 => (0..segments).map(Cheat::Skip).chain([Cheat::HideFromVerifiers]).collect(),
            11 => vec![Cheat::NoTraces],
            // Somebody else's commitment, or none at all.
            12 => match self.model.jobs.iter().rev().find_map(|other| other.root) {
                Some(root) => return root,
                None => return dice.hash(),
            },
            _ => {
                let other = self.keep(Work::new(job_id(id), who, task.terms.spec, segments + 1, &[]));
                return other.root;
            }
        };
        self.keep(Work::new(job_id(id), who, task.terms.spec, segments, &cheats)).root
    }

    fn spoil_traces(&mut self, traces: &mut Vec<SlotTrace>, dice: &mut Dice) {
        match dice.below(24) {
            0 => _ = traces.pop(),
            1 => traces.extend(traces.first().cloned()),
            2 => traces.push(SlotTrace { slot: 200, trace: Hash::default() }),
            3 => traces.iter_mut().for_each(|trace| trace.trace = Hash([9; 32])),
            4 => traces.reverse(),
            5 => traces.iter_mut().for_each(|trace| trace.slot = trace.slot.wrapping_add(1)),
            _ => {}
        }
    }

    /// Verifiers that did not do the work, or do what the operator tells them.
    pub fn check_falsely(&mut self, id: u64, dice: &mut Dice) {
        let Some(task) = self.model.task(id).cloned() else { return };
        let own = |slot: &assay_protocol::market::Slot| slot.check == Check::Opened && !self.is_honest(slot.verifier);
        let Some(number) = task.slots.iter().position(own) else {
            // Somebody else's slot, or a step that is over.
            let who = dice.of_these(&self.villains());
            let slot = dice.of_these(&[0, 1, 255]);
            self.send(who, 0, Msg::Attest { job: id, slot, seal: dice.hash() });
            return;
        };
        let (slot, number) = (task.slots[number].clone(), number as u8);
        let who = slot.verifier;
        let of = |trace: Hash| Msg::Attest {
            job: id,
            slot: number,
            seal: seal(&Native, job_id(id), slot.segment, &trace, &who),
        };
        let elsewhere = JobId { market: STRANGER, number: id };
        let bribed = self.work(&task).and_then(|work| work.traces.get(slot.segment as usize).copied());
        let msg = match dice.below(9) {
            // A true trace, sealed for another market.
            8 => {
                let trace = bribed.unwrap_or_default();
                Msg::Attest { job: id, slot: number, seal: seal(&Native, elsewhere, slot.segment, &trace, &who) }
            }
            0 => of(Hash([9; 32])),
            1 => of(Hash::default()),
            2 => Msg::Attest { job: id, slot: number, seal: slot.operator_seal.unwrap_or_default() },
            3 => Msg::ReportUnavailable { job: id, slot: number, tensor: u32::MAX, chunk: dice.below(5) as u32 },
            4 => return,
            5 => match self.replay(id, number, &task) {
                Some(msg) => msg,
                None => return,
            },
            _ => of(bribed.unwrap_or_default()),
        };
        self.send(who, 0, msg);
    }

    /// Verifiers that insist on what they made up.
    pub fn insist_falsely(&mut self, id: u64, dice: &mut Dice) {
        let Some(task) = self.model.task(id).cloned() else { return };
        if task.slots.is_empty() {
            return;
        }
        let number = dice.below(task.slots.len() + 1) as u8;
        let who = match task.slots.get(usize::from(number)) {
            Some(slot) if !self.is_honest(slot.verifier) => slot.verifier,
            _ => dice.of_these(&self.villains()),
        };
        let trace = dice.of_these(&[Hash([9; 32]), Hash([9; 32]), Hash::default()]);
        self.send(who, 0, Msg::Insist { job: id, slot: number, trace });
    }

    /// Panellists that lie, together or each for itself.
    pub fn sit_falsely(&mut self, id: u64, dice: &mut Dice) {
        let Some(task) = self.model.task(id).cloned() else { return };
        let Some(quarrel) = &task.quarrel else { return };
        let entry = &task.slots[usize::from(quarrel.slot)];
        let ends = task.ends.clone().expect("disputed jobs have ends");
        let work = self.work(&task);
        // What a panel in league with the operator says.
        let bribed = Outcome::Replayed {
            state: entry.after.unwrap_or_default(),
            trace: work.and_then(|work| work.traces.get(entry.segment as usize).copied()).unwrap_or_default(),
            salted: Hash([4; 32]),
        };
        let same = Outcome::FalseEnds { initial_state: ends.initial_state, artefact: ends.artefact };
        let other = Outcome::FalseEnds { initial_state: Hash([5; 32]), artefact: Hash([6; 32]) };
        let truth = self.true_outcome(id, &task).unwrap_or(LIE);
        // A whole panel leans one way: the dispute decides which.
        let common = [LIE, bribed, other][(id as usize + task.slots.len()) % 3];
        let seats: Vec<_> = quarrel.seats.iter().filter(|seat| !self.is_honest(seat.verifier)).cloned().collect();
        if seats.is_empty() {
            let who = dice.of_these(&self.villains());
            self.send(who, 0, Msg::PanelSeal { job: id, seal: dice.hash() });
            self.send(who, 0, Msg::PanelReveal { job: id, outcome: LIE });
            return;
        }
        for seat in seats {
            let who = seat.verifier;
            if task.state == State::Disputed {
                let outcome = dice.of_these(&[common, common, common, Outcome::Unavailable, same, truth, LIE]);
                let seal = outcome_seal(&Native, job_id(id), entry.segment, &outcome, &who);
                if dice.below(5) > 0 && self.send(who, 0, Msg::PanelSeal { job: id, seal }).is_some() {
                    self.outcomes.insert((id, who), outcome);
                }
            } else if dice.below(5) > 0 {
                let outcome = self.outcomes.get(&(id, who)).copied().unwrap_or(LIE);
                let outcome = if dice.once_in(8) { Outcome::Unavailable } else { outcome };
                self.send(who, 0, Msg::PanelReveal { job: id, outcome });
            }
            if self.model.task(id).is_none_or(|now| now.state != task.state) {
                return;
            }
        }
    }

    /// A challenge: of what is false by the auditor, of anything by others.
    pub fn challenge_something(&mut self, id: u64, dice: &mut Dice) {
        let Some(task) = self.model.task(id).cloned() else { return };
        let Some(work) = self.work(&task) else { return };
        let who = self.challenger(dice);
        let segments = task.terms.segments;
        let segment = match (0..segments).find(|segment| work.segments() == segments && !work.is_true(*segment)) {
            Some(segment) if who == AUDITOR || dice.once_in(2) => segment,
            // The honest do not challenge what is true.
            _ if self.is_honest(who) => return,
            _ => dice.below(segments as usize + 1) as u32,
        };
        let closed = LeafOpening { state: Hash::default(), seal: Hash::default(), proof: vec![] };
        let none = Challenge { segment, before: closed.clone(), after: closed };
        let mut challenge = self.challenge_of(&task, segment).unwrap_or(none);
        let mut value = task.terms.bond;
        if !self.is_honest(who) {
            match dice.below(10) {
                0 => challenge.after.proof.push(Hash::default()),
                1 => challenge.before.state = Hash([7; 32]),
                2 => std::mem::swap(&mut challenge.before, &mut challenge.after),
                3 => value = dice.edge(),
                4 => challenge.segment = u32::MAX,
                _ => {}
            }
        }
        self.send(who, value, Msg::Challenge { job: id, challenge });
    }

    /// A demand, of whatever can be demanded and of what cannot.
    pub fn demand_something(&mut self, id: u64, dice: &mut Dice) {
        let Some(task) = self.model.task(id).cloned() else { return };
        let who = self.challenger(dice);
        let boundary = dice.of_these(&[0, 1, 2, task.terms.segments, task.terms.segments + 1, u32::MAX]);
        let place = dice.of_these(&[0, 1, 2, 3, u32::MAX]);
        let wanted = match dice.below(3) {
            0 => Wanted::Boundary { index: boundary },
            _ => Wanted::Leaf { boundary, tensor: place, chunk: dice.of_these(&[0, 1, 2, u32::MAX]) },
        };
        let value = if dice.once_in(10) { dice.edge() } else { task.terms.demand_bond() };
        // Now and then everything at once.
        let times = if dice.once_in(6) { 18 } else { 1 };
        for _ in 0..times {
            self.send(who, value, Msg::Demand { job: id, wanted });
        }
    }

    /// Answers: true ones of the cheat's own jobs, and false ones of all.
    pub fn answer_something(&mut self, id: u64, villain: Address, dice: &mut Dice) {
        let Some(task) = self.model.task(id).cloned() else { return };
        let number = match task.demands.is_empty() || dice.once_in(10) {
            true => dice.of_these(&[0, 1, 16, 255]),
            false => dice.of_these(&task.demands.iter().map(|demand| demand.number).collect::<Vec<_>>()),
        };
        let Some(mut answer) =
            self.true_answer(&task, number).or_else(|| Some(Answer::Boundary(self.work(&task)?.opening(0)?)))
        else {
            return;
        };
        match (&mut answer, dice.below(14)) {
            (Answer::Leaf(leaf), 0) => leaf.chunk[0] ^= 1,
            (Answer::Leaf(leaf), 1) => leaf.step += 1,
            (Answer::Leaf(leaf), 2) => leaf.tensors += 1,
            (Answer::Leaf(leaf), 3) => leaf.name.push('s'),
            (Answer::Leaf(leaf), 4) => leaf.shape = vec![1, leaf.shape[0]],
            (Answer::Leaf(leaf), 5) => leaf.state_proof.clear(),
            (Answer::Leaf(leaf), 6) => leaf.tensor_proof.push(Hash::default()),
            (Answer::Leaf(leaf), 7) => leaf.chunk.push(0),
            (Answer::Leaf(leaf), 8) => leaf.shape = vec![u32::MAX; 9],
            (Answer::Boundary(leaf), 0..=2) => leaf.seal = Hash([8; 32]),
            (Answer::Boundary(leaf), 3..=5) => leaf.proof.reverse(),
            (_, 9) => {
                answer = Answer::Boundary(LeafOpening { state: Hash::default(), seal: Hash::default(), proof: vec![] })
            }
            _ => {}
        }
        self.send(villain, 0, Msg::Answer { job: id, number, answer });
    }

    /// Stake, unbonding and withdrawals, at the edges too.
    pub fn move_money(&mut self, dice: &mut Dice) {
        let everybody = self.everybody();
        let who = dice.of_these(&everybody);
        let role = dice.of_these(&[Role::Operator, Role::Verifier]);
        let free = self.model.stand(role, who).free();
        let amount = dice.of_these(&[0, 1, 1_000, 250_000, free, free.saturating_add(1), u128::MAX]);
        // Whoever has no stake left cannot enlist any more: the honest keep theirs.
        let careful = self.is_honest(who) || who == RIVAL;
        match dice.below(8) {
            0 | 1 => {
                let amount = if amount > 1 << 100 || careful { 1_000 } else { amount };
                let endpoint = match dice.below(5) {
                    0 => Some("http://here:80".to_owned()),
                    1 => Some("x".repeat(dice.of_these(&[0, 256, 257]))),
                    2 => Some("not here\n".to_owned()),
                    _ => None,
                };
                self.send(who, amount, Msg::Stake { role, endpoint });
            }
            2 => {
                let amount = if careful { amount.min(1_000) } else { amount };
                self.send(who, 0, Msg::Unstake { role, amount });
                if dice.once_in(2) {
                    self.send(who, 0, Msg::Collect { role });
                }
            }
            3 => _ = self.send(who, 0, Msg::Collect { role }),
            4 => {
                let stand = self.model.stand(role, who);
                if stand.unbonding > 0 && dice.once_in(2) {
                    let late = dice.of_these(&[-1, 0, 1]);
                    let at = stand.unbonds_at.saturating_add_signed(late);
                    self.pass(at.saturating_sub(self.chain.chain.now));
                }
                self.send(who, 0, Msg::Collect { role });
            }
            5 | 6 => _ = self.send(who, 0, Msg::Withdraw),
            _ => _ = self.send(who, 0, Msg::WithdrawBurned),
        }
        if dice.once_in(12) {
            // More than there is: only good for being refused.
            self.send(TROLL, u128::MAX, Msg::Stake { role, endpoint: None });
        }
    }

    /// The registry changes its mind about models, and owners about shares.
    pub fn change_registry(&mut self, id: u64, dice: &mut Dice) {
        match dice.below(4) {
            0 => {
                let refuse = dice.of_these(&[None, None, Some(Error::NotMarket), Some(Error::BadName)]);
                self.chain.registry.refuse.clone_from(&refuse);
                self.model.registry.refuse = refuse;
            }
            1 => {
                let (at, share) = (dice.below(OWNERS.len()), dice.of_these(&[0, 1, 333, 5_000, 9_999, 10_000]));
                self.chain.registry.datasets[at].2 = share;
                self.model.registry.datasets[at].2 = share;
            }
            _ => _ = self.send(STRANGER, 0, Msg::Register { job: id }),
        }
    }

    /// Any message with any argument.
    pub fn anything(&mut self, id: u64, who: Address, dice: &mut Dice) {
        let value = dice.of_these(&[0, 0, 0, 1, u128::MAX]);
        let slot = dice.of_these(&[0, 1, 2, 16, 255]);
        let job = dice.of_these(&[id, id, id, u64::MAX]);
        let role = dice.of_these(&[Role::Operator, Role::Verifier]);
        let msg = match dice.below(22) {
            0 => Msg::Unstake { role, amount: dice.edge() },
            1 => Msg::Collect { role },
            2 => Msg::PublishOffer { offer: None },
            3 => Msg::Withdraw,
            4 => Msg::WithdrawBurned,
            5 => Msg::Cancel { job },
            6 => Msg::Enlist { job, sealed: dice.hash(), bond: dice.edge() },
            7 => Msg::RevealSecret {
                job,
                secret: dice.of_these(&[secret(who, id), secret(CLIENT, id), Hash::default()]),
            },
            8 => Msg::Release { job },
            9 => Msg::Claim { job },
            10 => Msg::HandBack { job },
            11 => Msg::Commit { job, root: dice.hash() },
            12 => Msg::Open { job, opening: Opening { ends: None, slots: vec![] } },
            13 => Msg::Attest { job, slot, seal: dice.hash() },
            14 => Msg::ReportUnavailable { job, slot, tensor: 0, chunk: 0 },
            15 => Msg::RevealTraces { job, traces: vec![] },
            16 => Msg::Insist { job, slot, trace: dice.hash() },
            17 => Msg::PanelSeal { job, seal: dice.hash() },
            18 => Msg::PanelReveal { job, outcome: LIE },
            19 => Msg::Demand { job, wanted: Wanted::Boundary { index: u32::MAX } },
            20 => Msg::Advance { job },
            _ => Msg::Register { job },
        };
        self.send(who, value, msg);
    }

    /// A message that was taken before, again: by the same or by another, about
    /// the same job or another.
    pub fn again(&mut self, id: u64, villain: Address, dice: &mut Dice) {
        if self.log.is_empty() {
            return;
        }
        let at = self.log.len() - 1 - dice.below(self.log.len().min(24));
        let (mut who, value, mut msg) = self.log[at].clone();
        if dice.once_in(2) {
            msg = msg.about(id);
        }
        // The honest do not repeat themselves, nor do others' work.
        if self.is_honest(who) || dice.once_in(3) {
            who = villain;
        }
        if matches!(msg, Msg::PostJob { .. }) && self.model.jobs.len() >= 8 {
            return;
        }
        let value = if dice.once_in(8) { dice.edge() } else { value };
        self.send(who, value, msg);
    }
}

fn spoil_opening(opening: &mut Opening, task: &Task, work: &Work, dice: &mut Dice) {
    match dice.below(26) {
        0 => opening.ends = None,
        1 => opening.ends = Some(work.ends()),
        2 | 12 | 13 => opening.slots.truncate(1),
        3 => opening.slots.extend(opening.slots.first().cloned()),
        4 => opening.slots.iter_mut().for_each(|slot| slot.before.state = Hash([7; 32])),
        5 => opening.slots.iter_mut().for_each(|slot| slot.after.proof.reverse()),
        6 => opening.slots.iter_mut().for_each(|slot| slot.slot = slot.slot.wrapping_add(1)),
        7 => opening.slots.iter_mut().for_each(|slot| slot.slot = 255),
        8 => {
            if let Some(ends) = &mut opening.ends {
                ends.last.clone_from(&ends.first);
            }
        }
        9 => {
            if let Some(ends) = &mut opening.ends {
                ends.artefact = Hash([7; 32]);
            }
        }
        10 => opening.slots = work.open(task.slots.len() as u8, 0).into_iter().collect(),
        11 => opening.slots.clear(),
        _ => {}
    }
}
