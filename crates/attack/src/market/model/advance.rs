//! What `advance` must do: all that follows from time alone.

use super::disputes::Ruling;
use super::{Class, Model, Task};
use crate::chain::BLOCK_HASHES;
use crate::market::host::MarketChain;
use assay_market::reads;
use assay_protocol::Address;
use assay_protocol::market::{Check, Error, Reason, Role, State};

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Nobody answered a demand.
    Starve,
    /// Nobody took the job.
    Cancel,
    /// The operator did not commit.
    Late,
    /// The operator stayed away after its commitment.
    Absent,
    /// The draw.
    Draw,
    /// A missing secret is noticed: the draw waits for this block's hash.
    Notice,
    /// Nobody can check or decide.
    Void,
    /// Slots go to others.
    Redraw,
    /// A slot in doubt goes to a panel.
    Doubt(u8),
    /// All is well.
    Final,
    /// The panel has sealed, and reveals.
    Rule,
    /// The panel has revealed.
    Conclude,
}

impl Model {
    fn step(&self, task: &Task) -> Result<Step, Error> {
        if task.state.is_terminal() {
            return Err(Error::WrongState(task.state));
        }
        if task.demands.iter().any(|demand| self.now > demand.deadline) {
            return Ok(Step::Starve);
        }
        let early = Error::TooEarly { deadline: task.deadline, now: self.now };
        if task.state == State::Committed {
            return self.draw_step(task, early);
        }
        let turn_left = match task.state {
            State::Opened => task.count(Check::Opened) + task.count(Check::Unserved) > 0,
            State::Ruling => !task.all_revealed(),
            _ => true,
        };
        if self.now <= task.deadline && turn_left {
            return Err(early);
        }
        let until = task.demands.iter().map(|demand| demand.deadline).max();
        if task.state == State::Opened && task.count(Check::Unserved) > 0 {
            return Err(Error::DemandOpen { until: until.expect("a report is a demand") });
        }
        let step = match task.state {
            State::Open => Step::Cancel,
            State::Claimed => Step::Late,
            State::Drawn | State::Attested => Step::Absent,
            State::Opened if usize::from(task.rounds) == task.most_draws() || !self.others_left(task) => Step::Void,
            State::Opened => Step::Redraw,
            State::Window => match task.slots.iter().position(|slot| slot.check == Check::Mismatched) {
                Some(number) => Step::Doubt(number as u8),
                None => Step::Final,
            },
            State::Disputed
                if 2 * self.sealed(task) > task.quarrel.as_ref().map_or(0, |quarrel| quarrel.seats.len()) =>
            {
                Step::Rule
            }
            State::Disputed | State::Ruling => Step::Conclude,
            _ => unreachable!("ended or committed"),
        };
        let soft = match step {
            Step::Void | Step::Final => true,
            Step::Conclude => self.would_void(task),
            Step::Doubt(number) => task.drawable(&[task.slots[usize::from(number)].verifier]).len() < 2,
            _ => false,
        };
        match until {
            Some(until) if soft => Err(Error::DemandOpen { until }),
            _ => Ok(step),
        }
    }

    fn sealed(&self, task: &Task) -> usize {
        task.quarrel.iter().flat_map(|quarrel| &quarrel.seats).filter(|seat| seat.seal.is_some()).count()
    }

    fn draw_step(&self, task: &Task, early: Error) -> Result<Step, Error> {
        if task.client_revealed && task.revealed() as usize == task.parts.len() {
            return Ok(Step::Draw);
        }
        match task.noticed {
            None if self.now <= task.deadline => Err(early),
            None if task.revealed() < 1 + u32::from(task.terms.panel) => Ok(Step::Void),
            None => Ok(Step::Notice),
            Some(block) if block >= self.block => Err(Error::DrawBlockPending(block)),
            Some(block) if self.block - block <= BLOCK_HASHES => Ok(Step::Draw),
            Some(_) => Ok(Step::Notice),
        }
    }

    /// Whether every slot that must be drawn again finds somebody else.
    fn others_left(&self, task: &Task) -> bool {
        let missing = |check: Check| matches!(check, Check::Opened | Check::Idle);
        let late: Vec<Address> =
            task.slots.iter().filter(|slot| slot.check == Check::Opened).map(|slot| slot.verifier).collect();
        let again = task.slots.iter().filter(|slot| missing(slot.check));
        again.into_iter().all(|slot| !task.drawable(&[&late[..], &[slot.verifier]].concat()).is_empty())
    }

    pub(super) fn due_of_advance(&self, task: &Task, due: &mut Vec<Error>) {
        if let Err(error) = self.step(task) {
            due.push(error);
        }
    }

    pub(super) fn advance(&mut self, id: u64, after: &MarketChain) {
        let step = self.step(&self.jobs[id as usize]).expect("judged before");
        let operator = self.jobs[id as usize].operator;
        match step {
            Step::Starve => self.starve(id),
            Step::Cancel => self.end_cancelled(id),
            Step::Late => {
                let price = self.late_price(id);
                self.lose_claim(id, price, Reason::Late);
            }
            Step::Absent => {
                let task = self.job(id);
                let client = task.client;
                let sealed: Vec<Address> =
                    task.slots.iter().filter(|slot| slot.check == Check::Sealed).map(|slot| slot.verifier).collect();
                self.convict(id, Reason::Absent, Some(client), (&sealed, Class::Reward, 0));
            }
            Step::Draw => self.draw(id, after),
            Step::Notice => self.job(id).noticed = Some(self.block),
            Step::Void => {
                self.punish_idle(id);
                self.end_void(id);
            }
            Step::Redraw => self.redraw(id, after),
            Step::Doubt(number) => self.quarrel(id, number, false, after),
            Step::Final => self.finalise(id, operator.expect("a committed job has an operator")),
            Step::Rule => {
                let window = self.job(id).terms.windows.reveal;
                self.enter(id, State::Ruling, window);
            }
            Step::Conclude => {
                let ruling = match self.jobs[id as usize].state {
                    State::Disputed => Ruling::Undecided,
                    _ => self.ruling(id),
                };
                self.conclude(id, ruling, after);
            }
        }
    }

    /// The draw: which segments and whom, the market has decided; it must be a
    /// draw that the law allows.
    fn draw(&mut self, id: u64, after: &MarketChain) {
        let seen = reads::slots(after, id);
        let task = self.job(id);
        let candidates = task.drawable(&[]);
        assert_eq!(seen.len(), usize::from(task.terms.samples), "a slot for each sample");
        let mut segments: Vec<u32> = seen.iter().map(|slot| slot.segment).collect();
        segments.sort_unstable();
        segments.dedup();
        assert_eq!(segments.len(), seen.len(), "segments are drawn without replacement");
        assert!(segments.iter().all(|segment| *segment < task.terms.segments));
        assert!(seen.iter().all(|slot| candidates.contains(&slot.verifier)), "only those that revealed are drawn");
        task.slots = seen.iter().map(|slot| Model::fresh(slot.segment, slot.verifier)).collect();
        task.rounds = 1;
        let window = task.terms.windows.open;
        self.enter(id, State::Drawn, window);
    }

    fn punish_idle(&mut self, id: u64) {
        let task = self.job(id);
        let mut late = Vec::new();
        for slot in task.slots.iter_mut().filter(|slot| slot.check == Check::Opened) {
            slot.check = Check::Idle;
            late.push(slot.verifier);
        }
        for who in late {
            self.idle(id, who);
        }
    }

    fn redraw(&mut self, id: u64, after: &MarketChain) {
        self.punish_idle(id);
        let seen = reads::slots(after, id);
        let task = self.job(id);
        task.rounds += 1;
        for (number, shown) in seen.iter().enumerate() {
            if task.slots[number].check == Check::Idle {
                let (old, new) = (task.slots[number].verifier, shown.verifier);
                assert!(task.drawable(&[old]).contains(&new), "{new} may not be drawn");
                task.slots[number].verifier = new;
                task.slots[number].check = Check::Opened;
            }
        }
        let window = task.terms.windows.attest;
        self.enter(id, State::Opened, window);
    }

    // ------------------------------------------------------------ ends

    fn give_bonds_back(&mut self, id: u64) {
        for demand in std::mem::take(&mut self.job(id).demands) {
            self.pay(id, demand.by, Class::Bond, demand.bond);
        }
        let open = self.jobs[id as usize].slots.iter().position(|slot| slot.check == Check::Challenged);
        if let Some(number) = open {
            let (who, bond) = (self.jobs[id as usize].slots[number].verifier, self.jobs[id as usize].terms.bond);
            self.pay(id, who, Class::Bond, bond);
        }
    }

    fn end(&mut self, id: u64, state: State) {
        self.give_bonds_back(id);
        let (client, held) = (self.job(id).client, self.job(id).held);
        self.pay(id, client, Class::Refund, held);
        self.enter(id, state, 0);
    }

    pub(super) fn end_cancelled(&mut self, id: u64) {
        self.end(id, State::Cancelled);
    }

    pub(super) fn pay_passed(&mut self, id: u64) {
        let task = &self.jobs[id as usize];
        let passed: Vec<(u8, Address)> = (0u8..)
            .zip(&task.slots)
            .filter(|(_, slot)| slot.check == Check::Passed)
            .map(|(number, slot)| (number, slot.verifier))
            .collect();
        for (number, who) in passed {
            self.pay_fee(id, number, who);
        }
    }

    pub(super) fn pay_fee(&mut self, id: u64, number: u8, who: Address) {
        let fee = self.job(id).terms.fee / u128::from(self.job(id).terms.samples);
        self.pay_once(id, who, Class::Fee, number, fee);
        self.stands.get_mut(&(Role::Verifier, who)).expect("a verifier has staked").done += 1;
        self.touched.push(who);
    }

    pub(super) fn end_void(&mut self, id: u64) {
        let (operator, stake) = (self.job(id).operator.expect("void jobs were claimed"), self.job(id).terms.stake);
        self.unlock(Role::Operator, operator, stake);
        self.pay_passed(id);
        self.end(id, State::Void);
    }

    /// The operator loses the whole stake of the job.
    pub(super) fn convict(
        &mut self,
        id: u64,
        reason: Reason,
        main: Option<Address>,
        others: (&[Address], Class, u128),
    ) {
        let (operator, stake) = (self.job(id).operator.expect("the convicted have claimed"), self.job(id).terms.stake);
        self.slash(id, Role::Operator, operator, stake, reason);
        self.split(id, stake, main, others);
        self.pay_passed(id);
        self.end(id, State::Failed);
    }

    fn starve(&mut self, id: u64) {
        let task = &self.jobs[id as usize];
        let mut overdue: Vec<_> = task.demands.iter().filter(|demand| self.now > demand.deadline).collect();
        overdue.sort_by_key(|demand| (demand.deadline, demand.number));
        let by = overdue[0].by;
        self.convict(id, Reason::Unavailable, Some(by), (&[], Class::Reward, 0));
    }

    fn finalise(&mut self, id: u64, operator: Address) {
        let task = &self.jobs[id as usize];
        let (payment, stake, royalties) = (task.terms.payment, task.terms.stake, task.royalties.clone());
        let mut left = payment;
        for (place, royalty) in (0u8..).zip(&royalties) {
            let amount = super::money::part_of(payment, royalty.share_bp);
            left -= amount;
            self.pay_once(id, royalty.to, Class::Royalty, place, amount);
        }
        self.pay_once(id, operator, Class::Payment, 0, left);
        self.unlock(Role::Operator, operator, stake);
        self.stands.get_mut(&(Role::Operator, operator)).expect("an operator has staked").done += 1;
        self.pay_passed(id);
        self.end(id, State::Final);
        self.register(id);
    }
}
