//! Why a message must be refused: all reasons, whichever the market names.

use super::money::part_of;
use super::{Model, Task};
use crate::market::msg::Msg;
use crate::market::world::MARKET;
use assay_protocol::hash::{Native, Sha256};
use assay_protocol::market::{
    BURN_ADDRESS, Error, LATE_PENALTY_BP, MAX_ENDPOINT_BYTES, MAX_NOTE_BYTES, MAX_PANEL, MAX_SAMPLES, MAX_SEGMENTS,
    MAX_SPEC_BYTES, PostJob, Role, State, TermsError,
};
use assay_protocol::{Hash, commitment, economics, registry};

impl Model {
    /// All reasons to refuse the message; none if it must be taken.
    pub fn due(&self, msg: &Msg) -> Vec<Error> {
        let mut due = Vec::new();
        if self.value != 0 && !msg.payable() {
            due.push(Error::ValueNotWanted);
        }
        let Some(id) = msg.job() else {
            self.due_of_account(msg, &mut due);
            return due;
        };
        match self.task(id) {
            Some(task) => self.due_of_job(task, msg, &mut due),
            None => due.push(Error::UnknownJob),
        }
        due
    }

    /// The job must be in `state` and in time.
    pub(super) fn need(&self, task: &Task, states: &[State], due: &mut Vec<Error>) {
        if !states.contains(&task.state) {
            due.push(Error::WrongState(task.state));
        } else if self.now > task.deadline {
            due.push(Error::DeadlinePassed { deadline: task.deadline, now: self.now });
        }
    }

    fn due_of_account(&self, msg: &Msg, due: &mut Vec<Error>) {
        match msg {
            Msg::Stake { role, endpoint } => {
                let bad =
                    |text: &String| text.len() > MAX_ENDPOINT_BYTES || text.chars().any(|c| !('!'..='~').contains(&c));
                if endpoint.as_ref().is_some_and(bad) {
                    due.push(Error::BadEndpoint);
                }
                if self.stand(*role, self.caller).stake.checked_add(self.value).is_none() {
                    due.push(Error::Overflow);
                }
            }
            Msg::Unstake { role, amount } => {
                let free = self.stand(*role, self.caller).free();
                if *amount > free {
                    due.push(Error::StakeTooSmall { needed: *amount, free });
                }
            }
            Msg::Collect { role } => {
                let stand = self.stand(*role, self.caller);
                if stand.unbonding == 0 {
                    due.push(Error::NothingUnbonding);
                } else if self.now < stand.unbonds_at {
                    due.push(Error::StillUnbonding { at: stand.unbonds_at, now: self.now });
                }
            }
            Msg::PublishOffer { offer } => {
                let bad = |note: &String| note.len() > MAX_NOTE_BYTES || note.chars().any(char::is_control);
                if offer.as_ref().is_some_and(|offer| bad(&offer.note)) {
                    due.push(Error::BadOffer);
                }
            }
            Msg::Withdraw if self.credit_of(self.caller) == 0 => due.push(Error::NothingToWithdraw),
            Msg::WithdrawBurned if self.credit_of(BURN_ADDRESS) == 0 => due.push(Error::NothingToWithdraw),
            Msg::PostJob { args } => self.due_of_post(args, due),
            _ => {}
        }
    }

    fn due_of_post(&self, args: &PostJob, due: &mut Vec<Error>) {
        let PostJob { terms, model, datasets, spec, most_royalties_bp } = args;
        let mut wrong = |is: bool, why: TermsError| {
            if is {
                due.push(Error::BadTerms(why));
            }
        };
        let counts = terms.segments >= 1 && terms.segments <= MAX_SEGMENTS;
        let samples = terms.samples >= 1 && terms.samples <= MAX_SAMPLES && u32::from(terms.samples) <= terms.segments;
        wrong(!counts, TermsError::Segments);
        wrong(!samples, TermsError::Samples);
        wrong(terms.panel < 2 || terms.panel > MAX_PANEL, TermsError::Panel);
        wrong(
            terms.windows.all().iter().any(|window| *window == 0 || *window > self.longest_window),
            TermsError::Window,
        );
        wrong(terms.payment == 0 || terms.fee == 0 || terms.stake == 0 || terms.bond < 10, TermsError::Amount);
        wrong(terms.hand_back > part_of(terms.stake, LATE_PENALTY_BP), TermsError::HandBack);
        let policy = &terms.policy;
        wrong(policy.bribed_bp > 10_000 || policy.false_segments > terms.segments, TermsError::Policy);
        if counts && samples {
            let least = economics::least_stake(policy, terms.segments, terms.samples, terms.panel);
            wrong(least.is_none_or(|least| terms.stake < least), TermsError::Stake { least });
        }
        wrong(spec.is_empty() || spec.len() > MAX_SPEC_BYTES, TermsError::SpecLength);
        wrong(Native.sha256(spec) != terms.spec, TermsError::SpecHash);
        let named = registry::check_name(&model.name).is_ok() && registry::check_licence(&model.licence).is_ok();
        wrong(!named, TermsError::Model);
        wrong(model.royalty_bp > 10_000, TermsError::Royalties);
        match self.registry.inputs(datasets, model.parent) {
            Ok(royalties) => {
                let sum: u32 = royalties.iter().map(|royalty| u32::from(royalty.share_bp)).sum();
                wrong(sum > 10_000, TermsError::Royalties);
                if sum > u32::from(*most_royalties_bp) {
                    let asked_bp = u16::try_from(sum).unwrap_or(u16::MAX);
                    due.push(Error::RoyaltiesRaised { asked_bp, most_bp: *most_royalties_bp });
                }
            }
            Err(error) => due.push(Error::Registry(error)),
        }
        match terms.payment.checked_add(terms.fee) {
            Some(expected) if expected != self.value => {
                due.push(Error::WrongValue { expected, sent: self.value });
            }
            Some(_) => {}
            None => due.push(Error::Overflow),
        }
    }

    fn due_of_job(&self, task: &Task, msg: &Msg, due: &mut Vec<Error>) {
        match msg {
            Msg::Cancel { .. } => {
                if self.caller != task.client {
                    due.push(Error::NotClient);
                }
                if task.state != State::Open {
                    due.push(Error::WrongState(task.state));
                }
            }
            Msg::Enlist { bond, .. } => self.due_of_enlist(task, *bond, due),
            Msg::RevealSecret { secret, .. } => self.due_of_reveal(task, *secret, due),
            Msg::Release { .. } => {
                if task.part(self.caller).is_none() {
                    due.push(Error::NotEnlisted);
                }
                if !task.state.is_terminal() {
                    due.push(Error::NotEnded);
                }
            }
            Msg::Claim { .. } => self.due_of_claim(task, due),
            Msg::HandBack { .. } | Msg::Commit { .. } => {
                self.need(task, &[State::Claimed], due);
                self.need_operator(task, due);
            }
            Msg::Register { .. } => {
                if task.state != State::Final {
                    due.push(Error::WrongState(task.state));
                } else if task.registered {
                    due.push(Error::NothingToRegister);
                } else {
                    due.extend(self.registry.refuse.clone().map(Error::Registry));
                }
            }
            _ => self.due_of_work(task, msg, due),
        }
    }

    pub(super) fn need_operator(&self, task: &Task, due: &mut Vec<Error>) {
        if task.operator != Some(self.caller) {
            due.push(Error::NotOperator);
        }
    }

    fn due_of_enlist(&self, task: &Task, bond: u128, due: &mut Vec<Error>) {
        self.need(task, &[State::Open, State::Claimed], due);
        if self.caller == task.client || task.operator == Some(self.caller) {
            due.push(Error::ConflictOfInterest);
        }
        if task.part(self.caller).is_some() {
            due.push(Error::AlreadyEnlisted);
        }
        if bond < task.terms.bond {
            due.push(Error::BondTooSmall { needed: task.terms.bond, given: bond });
        }
        let free = self.stand(Role::Verifier, self.caller).free();
        if bond > free {
            due.push(Error::StakeTooSmall { needed: bond, free });
        }
    }

    fn due_of_reveal(&self, task: &Task, secret: Hash, due: &mut Vec<Error>) {
        self.need(task, &[State::Committed], due);
        let (sealed, done) = match task.part(self.caller) {
            _ if self.caller == task.client => (task.terms.sealed_secret, task.client_revealed),
            Some(part) => (part.sealed, part.revealed),
            None => return due.push(Error::NotEnlisted),
        };
        if commitment::sealed_secret(&Native, &MARKET, &secret, &self.caller) != sealed {
            due.push(Error::WrongSecret);
        }
        if done {
            due.push(Error::AlreadyRevealed);
        }
    }

    fn due_of_claim(&self, task: &Task, due: &mut Vec<Error>) {
        self.need(task, &[State::Open], due);
        let who = self.caller;
        if who == task.client || task.part(who).is_some() || task.barred.contains(&who) {
            due.push(Error::ConflictOfInterest);
        }
        let (needed, enlisted) = (1 + u32::from(task.terms.panel), task.parts.len() as u32);
        if enlisted < needed {
            due.push(Error::TooFewVerifiers { needed, enlisted });
        }
        let free = self.stand(Role::Operator, who).free();
        if free < task.terms.stake {
            due.push(Error::StakeTooSmall { needed: task.terms.stake, free });
        }
    }
}
