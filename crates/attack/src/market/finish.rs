//! The end of a history: every job ends, everybody takes everything out, and
//! nothing is left.

use super::msg::Msg;
use super::world::{STRANGER, World};
use assay_protocol::market::{BURN_ADDRESS, Role, State};

/// Calls of `advance` within which every job must end, with everybody at work.
const MOST_CALLS: u32 = 100;

impl World {
    /// Ends all jobs by waiting, with or without the honest doing their part.
    fn end_jobs(&mut self) {
        self.attended = self.setup.seed.is_multiple_of(2);
        for id in self.live() {
            let mut calls = 0;
            while let Some(task) = self.model.task(id).filter(|task| !task.state.is_terminal()) {
                let state = task.state;
                assert!(calls < MOST_CALLS, "job {id} goes round in circles in {state:?}");
                let demands = task.demands.iter().map(|demand| demand.deadline);
                let last = demands.chain([task.deadline]).max().unwrap_or_default();
                self.pass((last + 1).saturating_sub(self.chain.chain.now));
                self.send(STRANGER, 0, Msg::Advance { job: id });
                calls += 1;
            }
        }
    }

    /// See the module.
    pub fn end_everything(&mut self) {
        self.abandon();
        self.end_jobs();
        self.compare_all();
        for id in 0..self.model.jobs.len() as u64 {
            let task = &self.model.jobs[id as usize];
            let state = task.state;
            self.coverage.count("end", state as u32, || format!("{state:?}"));
            let waits = state == State::Final && !task.registered;
            let parts: Vec<_> = task.parts.iter().filter(|part| !part.released).map(|part| part.who).collect();
            for who in parts {
                assert!(
                    self.send(who, 0, Msg::Release { job: id }).is_some(),
                    "{who} gets its bond back from job {id}"
                );
            }
            if waits {
                self.send(STRANGER, 0, Msg::Register { job: id });
            }
        }
        let everybody = self.everybody();
        for role in [Role::Operator, Role::Verifier] {
            for who in everybody.clone() {
                let stand = self.model.stand(role, who);
                assert_eq!(stand.locked, 0, "{role:?} {who} has stake locked when all jobs have ended");
                if stand.stake > 0 {
                    self.send(who, 0, Msg::Unstake { role, amount: stand.stake });
                }
            }
        }
        let last = self.model.stands.values().map(|stand| stand.unbonds_at).max().unwrap_or_default();
        self.pass(last.saturating_sub(self.chain.chain.now));
        for role in [Role::Operator, Role::Verifier] {
            for who in everybody.clone() {
                if self.model.stand(role, who).unbonding > 0 {
                    assert!(self.send(who, 0, Msg::Collect { role }).is_some(), "{who} gets its stake back");
                }
            }
        }
        for who in everybody {
            let credit = self.model.credit_of(who);
            if credit > 0 && who != BURN_ADDRESS {
                assert_eq!(self.send(who, 0, Msg::Withdraw), Some(credit));
            }
        }
        let burned = self.model.credit_of(BURN_ADDRESS);
        if burned > 0 {
            assert_eq!(self.send(STRANGER, 0, Msg::WithdrawBurned), Some(burned));
        }
        self.compare_all();
        assert_eq!(self.model.balance, 0, "nothing is left");
        assert_eq!(self.model.held(), 0, "nothing is left");
    }
}
