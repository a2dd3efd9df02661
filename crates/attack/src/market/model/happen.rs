//! What a message that is taken changes.

use super::money::part_of;
use super::{Claimed, Class, Model, Part, Task};
use crate::market::host::MarketChain;
use crate::market::msg::Msg;
use crate::market::world::job_id;
use assay_protocol::Hash;
use assay_protocol::market::{
    Answer, BURN_ADDRESS, Check, EndStates, MAX_DEMANDS, Opening, PostJob, Reason, Role, Slot, SlotTrace, State,
    UNBONDING_WINDOWS, Wanted,
};
use assay_protocol::{commitment, hash::Native};

impl Model {
    /// Takes the message. `after` is the market after it, for what a draw has
    /// decided. Gives what leaves the contract.
    pub fn happen(&mut self, msg: &Msg, after: &MarketChain) -> u128 {
        self.touched.clear();
        self.losses.clear();
        self.touched.push(self.caller);
        self.balance += self.value;
        let out = match msg {
            Msg::Withdraw => self.credits.remove(&self.caller).unwrap_or(0),
            Msg::WithdrawBurned => {
                self.touched.push(BURN_ADDRESS);
                self.credits.remove(&BURN_ADDRESS).unwrap_or(0)
            }
            _ => {
                self.change(msg, after);
                0
            }
        };
        self.balance -= out;
        out
    }

    fn change(&mut self, msg: &Msg, after: &MarketChain) {
        let (who, now) = (self.caller, self.now);
        match msg {
            Msg::Withdraw | Msg::WithdrawBurned => unreachable!("done by the caller"),
            Msg::Stake { role, endpoint } => {
                let value = self.value;
                if !self.stands.contains_key(&(*role, who)) {
                    self.stakers[*role as usize].push(who);
                }
                let stand = self.stands.entry((*role, who)).or_default();
                stand.stake += value;
                if let Some(endpoint) = endpoint {
                    stand.endpoint.clone_from(endpoint);
                }
            }
            Msg::Unstake { amount: 0, .. } => {}
            Msg::Unstake { role, amount } => {
                let at = now + u64::from(self.longest_window) * u64::from(UNBONDING_WINDOWS);
                let stand = self.stands.entry((*role, who)).or_default();
                stand.stake -= amount;
                stand.unbonding += amount;
                stand.unbonds_at = at;
            }
            Msg::Collect { role } => {
                let stand = self.stands.get_mut(&(*role, who)).expect("something was unbonding");
                let amount = std::mem::take(&mut stand.unbonding);
                stand.unbonds_at = 0;
                self.credit(who, amount);
            }
            Msg::PublishOffer { offer } => {
                match offer {
                    Some(offer) => self.offers.insert(who, offer.clone()),
                    None => self.offers.remove(&who),
                };
            }
            Msg::PostJob { args } => self.post(args),
            Msg::Cancel { job } => self.end_cancelled(*job),
            Msg::Enlist { job, sealed, bond } => {
                self.lock(Role::Verifier, who, *bond);
                let part = Part {
                    who,
                    sealed: *sealed,
                    locked: *bond,
                    left: *bond,
                    revealed: false,
                    idle: false,
                    released: false,
                };
                self.job(*job).parts.push(part);
            }
            Msg::RevealSecret { job, .. } => {
                let task = self.job(*job);
                if who == task.client {
                    task.client_revealed = true;
                } else {
                    let part = task.parts.iter_mut().find(|part| part.who == who && !part.released);
                    part.expect("whoever reveals is enlisted").revealed = true;
                }
            }
            Msg::Release { job } => self.release(*job),
            Msg::Claim { job } => {
                let stake = self.job(*job).terms.stake;
                self.lock(Role::Operator, who, stake);
                let task = self.job(*job);
                task.operator = Some(who);
                task.attempts += 1;
                let window = task.terms.windows.train;
                self.enter(*job, State::Claimed, window);
            }
            Msg::HandBack { job } => {
                let price = self.job(*job).terms.hand_back;
                self.lose_claim(*job, price, Reason::HandedBack);
            }
            Msg::Commit { job, root } => {
                let task = self.job(*job);
                task.root = Some(*root);
                let window = task.terms.windows.secrets;
                self.enter(*job, State::Committed, window);
            }
            Msg::Open { job, opening } => self.open(*job, opening),
            Msg::Attest { job, slot, seal } => {
                let entry = &mut self.job(*job).slots[usize::from(*slot)];
                entry.verifier_seal = Some(*seal);
                entry.check = Check::Sealed;
                self.all_attested(*job);
            }
            Msg::ReportUnavailable { job, slot, tensor, chunk } => {
                let task = self.job(*job);
                let entry = &mut task.slots[usize::from(*slot)];
                entry.check = Check::Unserved;
                let (boundary, state) = (entry.segment, entry.before);
                let wanted = Wanted::Leaf { boundary, tensor: *tensor, chunk: *chunk };
                let deadline = now + u64::from(task.terms.windows.open);
                task.demands.push(Claimed { number: MAX_DEMANDS + slot, by: who, wanted, state, bond: 0, deadline });
                self.all_attested(*job);
            }
            Msg::RevealTraces { job, traces } => self.reveal(*job, traces),
            Msg::Insist { job, slot, .. } => self.quarrel(*job, *slot, true, after),
            Msg::Challenge { job, challenge } => self.challenge(*job, challenge, after),
            Msg::PanelSeal { job, seal } => self.panel_seal(*job, *seal),
            Msg::PanelReveal { job, outcome } => self.panel_reveal(*job, *outcome, after),
            Msg::Demand { job, wanted } => {
                self.take_in(*job, self.value);
                let bond = self.value;
                let task = self.job(*job);
                let state = match wanted {
                    Wanted::Leaf { boundary, .. } => task.opened_state(*boundary),
                    Wanted::Boundary { .. } => None,
                };
                let taken: Vec<u8> = task.demands.iter().map(|demand| demand.number).collect();
                let number = (0..MAX_DEMANDS).find(|number| !taken.contains(number)).expect("one is free");
                let deadline = now + u64::from(task.terms.windows.open);
                task.demands.push(Claimed { number, by: who, wanted: *wanted, state, bond, deadline });
            }
            Msg::Answer { job, number, answer } => self.answer(*job, *number, answer),
            Msg::Advance { job } => self.advance(*job, after),
            Msg::Register { job } => self.register(*job),
        }
    }

    pub(super) fn job(&mut self, id: u64) -> &mut Task {
        &mut self.jobs[id as usize]
    }

    pub(super) fn enter(&mut self, id: u64, state: State, window: u32) {
        let deadline = if state.is_terminal() { 0 } else { self.now + u64::from(window) };
        let task = self.job(id);
        task.state = state;
        task.deadline = deadline;
    }

    fn post(&mut self, args: &PostJob) {
        let PostJob { terms, model, datasets, .. } = args.clone();
        let royalties = self.registry.inputs(&datasets, model.parent).expect("judged before");
        let window = terms.windows.claim;
        self.jobs.push(Task {
            client: self.caller,
            terms,
            model,
            datasets,
            royalties,
            state: State::Open,
            deadline: 0,
            operator: None,
            barred: Vec::new(),
            attempts: 0,
            rounds: 0,
            parts: Vec::new(),
            client_revealed: false,
            root: None,
            ends: None,
            noticed: None,
            slots: Vec::new(),
            quarrel: None,
            demands: Vec::new(),
            reporters: Vec::new(),
            held: 0,
            took: 0,
            ledger: Vec::new(),
            paid_for: Vec::new(),
            registered: false,
        });
        let id = self.jobs.len() as u64 - 1;
        self.take_in(id, self.value);
        self.enter(id, State::Open, window);
    }

    fn release(&mut self, id: u64) {
        let who = self.caller;
        let task = self.job(id);
        let kept_secret = task.root.is_some() && task.part(who).is_some_and(|part| !part.revealed);
        if kept_secret {
            self.idle(id, who);
        }
        let part = self.job(id).parts.iter_mut().find(|part| part.who == who && !part.released);
        let part = part.expect("whoever releases is enlisted");
        part.released = true;
        let left = part.left;
        self.unlock(Role::Verifier, who, left);
    }

    /// The operator loses the claim, and `price` of its stake.
    pub(super) fn lose_claim(&mut self, id: u64, price: u128, reason: Reason) {
        let task = self.job(id);
        let operator = task.operator.take().expect("a claimed job has an operator");
        task.barred.push(operator);
        let (stake, attempts, window) = (task.terms.stake, task.attempts, task.terms.windows.claim);
        self.slash(id, Role::Operator, operator, price, reason);
        self.unlock(Role::Operator, operator, stake - price);
        self.burn(id, price);
        if attempts == assay_protocol::market::MAX_ATTEMPTS {
            self.end_cancelled(id);
        } else {
            self.enter(id, State::Open, window);
        }
    }

    fn open(&mut self, id: u64, opening: &Opening) {
        let task = self.job(id);
        if let Some(ends) = &opening.ends {
            let ends =
                EndStates { initial_state: ends.first.state, final_state: ends.last.state, artefact: ends.artefact };
            task.ends = Some(ends);
        }
        let task = self.job(id);
        for slot in &opening.slots {
            let entry = &mut task.slots[usize::from(slot.slot)];
            entry.before = Some(slot.before.state);
            entry.after = Some(slot.after.state);
            entry.operator_seal = Some(slot.after.seal);
            entry.check = Check::Opened;
        }
        if task.count(Check::Drawn) == 0 {
            let window = task.terms.windows.attest;
            self.enter(id, State::Opened, window);
        }
    }

    /// Moves the job on once no slot waits for its verifier.
    fn all_attested(&mut self, id: u64) {
        let task = self.job(id);
        if task.count(Check::Sealed) == task.slots.len() {
            let window = task.terms.windows.reveal;
            self.enter(id, State::Attested, window);
        }
    }

    fn reveal(&mut self, id: u64, traces: &[SlotTrace]) {
        let task = self.job(id);
        for SlotTrace { slot, trace } in traces {
            let entry = &mut task.slots[usize::from(*slot)];
            let same = commitment::seal(&Native, job_id(id), entry.segment, trace, &entry.verifier);
            entry.trace = Some(*trace);
            entry.check = if entry.verifier_seal == Some(same) { Check::Passed } else { Check::Mismatched };
        }
        let window = task.terms.windows.dispute;
        self.enter(id, State::Window, window);
    }

    fn answer(&mut self, id: u64, number: u8, _: &Answer) {
        let task = self.job(id);
        let at = task.demands.iter().position(|demand| demand.number == number).expect("judged before");
        let demand = task.demands.remove(at);
        match demand.slot() {
            None => self.burn(id, demand.bond),
            Some(slot) => {
                task.slots[usize::from(slot)].check = Check::Idle;
                task.reporters.push((slot, demand.by));
                self.idle(id, demand.by);
                self.reported(id, slot);
            }
        }
    }

    /// To answer is not to serve: with as many reports of one slot as decide on a
    /// panel the operator is convicted, and its stake burned: nobody earns by reports.
    fn reported(&mut self, id: u64, slot: u8) {
        let task = self.job(id);
        let reports = task.reporters.iter().filter(|reporter| reporter.0 == slot).count();
        if reports == task.convicting_reports() {
            self.convict(id, Reason::Unavailable, None, (&[], Class::Reward, 0));
        }
    }

    /// Registers the model of a final job, if that can be now.
    pub(super) fn register(&mut self, id: u64) {
        let task = &self.jobs[id as usize];
        let (client, royalty) = (task.client, task.model.royalty_bp);
        let model = task.model_id().expect("a final job has ends");
        if self.registry.refuse.is_some() {
            return;
        }
        if !self.registry.models.iter().any(|registered| registered.0 == model) {
            self.registry.models.push((model, client, royalty));
        }
        self.job(id).registered = true;
    }

    /// A share of a sum, for the price of being late.
    pub(super) fn late_price(&self, id: u64) -> u128 {
        part_of(self.jobs[id as usize].terms.stake, assay_protocol::market::LATE_PENALTY_BP)
    }

    /// A slot that nobody has looked at.
    pub(super) fn fresh(segment: u32, verifier: assay_protocol::Address) -> Slot {
        Slot {
            segment,
            verifier,
            check: Check::Drawn,
            before: None,
            after: None,
            operator_seal: None,
            verifier_seal: None,
            trace: None::<Hash>,
        }
    }
}
