//! What must hold of all money after every message, and taking all of it out.

use super::{LONGEST_WINDOW, World};
use assay_market::{reads, stake};
use assay_protocol::Address;
use assay_protocol::market::{
    BURN_ADDRESS, Check, Enlistment, Event, Job, MAX_DEMANDS, Paid, Reason, Role, Standing, State,
};
use parity_scale_codec::Decode;
use std::collections::BTreeMap;

impl World {
    /// What the last message gave to jobs, by its events.
    pub fn take_in(&mut self) {
        for event in self.host.last_events().to_vec() {
            let terms = |id| reads::job(&self.host, id).unwrap().terms;
            let (job, amount) = match event {
                Event::JobMoved { job, state: State::Open, .. } if !self.taken_in.contains_key(&job) => {
                    (job, terms(job).payment + terms(job).fee)
                }
                Event::SlotMoved { job, check: Check::Challenged, .. } => (job, terms(job).bond),
                Event::Demanded { job, number, .. } if number < MAX_DEMANDS => (job, terms(job).demand_bond()),
                Event::Slashed { job, amount, .. } => (job, amount),
                _ => continue,
            };
            *self.taken_in.entry(job).or_default() += amount;
        }
    }

    /// Who was slashed for this, and how much, in the order of time.
    pub fn slashed(&self, why: Reason) -> Vec<(Address, u128)> {
        let events = self.host.events.iter();
        events
            .filter_map(|event| match event {
                Event::Slashed { account, amount, reason, .. } if *reason == why => Some((*account, *amount)),
                _ => None,
            })
            .collect()
    }

    /// Who paid the idle penalty, in the order of time.
    pub fn idle(&self) -> Vec<Address> {
        self.slashed(Reason::Idle).into_iter().map(|(account, _)| account).collect()
    }

    fn table<K: Decode, V: Decode>(&self, tag: u8) -> Vec<(K, V)> {
        let rows = self.host.memory.storage.range(vec![tag]..vec![tag + 1]);
        rows.map(|(key, value)| (K::decode(&mut &key[1..]).unwrap(), V::decode(&mut &value[..]).unwrap())).collect()
    }

    /// All jobs, straight from storage.
    pub fn jobs(&self) -> Vec<(u64, Job)> {
        self.table(b'j')
    }

    /// All standings, straight from storage.
    pub fn standings(&self) -> Vec<((Role, Address), Standing)> {
        self.table(b'a')
    }

    /// All enlistments, straight from storage.
    pub fn enlistments(&self) -> Vec<((u64, Address), Enlistment)> {
        self.table(b'e')
    }

    /// All credits, straight from storage.
    pub fn credits(&self) -> Vec<(Address, u128)> {
        self.table(b'w')
    }

    /// What must hold after every message.
    pub fn check_books(&self) {
        let (jobs, standings, enlistments) = (self.jobs(), self.standings(), self.enlistments());
        let taken_out = self.table::<u64, u128>(b'N');
        let held: u128 = jobs.iter().map(|(_, job)| job.held).sum();
        let stakes: u128 = standings.iter().map(|(_, standing)| standing.stake + standing.unbonding).sum();
        let credits: u128 = self.credits().iter().map(|(_, credit)| credit).sum();
        assert_eq!(self.paid_in, self.paid_out + held + stakes + credits, "money in = money out + money held");
        for (id, job) in &jobs {
            let view = reads::job(&self.host, *id).unwrap();
            let running = matches!(
                job.state,
                State::Claimed
                    | State::Committed
                    | State::Drawn
                    | State::Opened
                    | State::Attested
                    | State::Window
                    | State::Disputed
                    | State::Ruling
            );
            assert_eq!(job.state.is_terminal(), job.held == 0, "job {id} in {:?} holds {}", job.state, job.held);
            assert_eq!(job.state.is_terminal(), job.deadline == 0);
            assert!(job.state.is_terminal() || job.held >= view.terms.payment);
            assert_eq!(
                matches!(job.state, State::Disputed | State::Ruling),
                job.disputed.is_some(),
                "job {id} in {:?}",
                job.state
            );
            assert!(!running || job.operator.is_some());
            assert!(job.revealed <= job.enlisted);
            let demands = reads::demands(&self.host, *id);
            assert_eq!(demands.len(), usize::from(job.demands));
            assert!(job.demands == 0 || running, "job {id} in {:?} has open demands", job.state);
            let locked = |of_whom: fn(&Enlistment) -> bool| -> u128 {
                let parts = enlistments.iter().filter(|((of, _), part)| of == id && of_whom(part));
                parts.map(|(_, part)| part.locked).sum()
            };
            // Who takes its bond back after the end is forgotten, its weight is not.
            if !job.state.is_terminal() {
                assert_eq!(job.revealed_stake, locked(|part| part.revealed), "the weight of a draw is what is locked");
                let out = taken_out.iter().find(|(of, _)| of == id).map_or(0, |(_, weight)| *weight);
                assert_eq!(out, locked(|part| part.revealed && part.idle), "who missed a turn is out of the draw once");
            }
        }
        for ((id, _), part) in &enlistments {
            assert!(part.bond <= part.locked && part.place < reads::job(&self.host, *id).unwrap().job.enlisted);
        }
        self.check_payments();
        for ((role, account), standing) in &standings {
            assert!(standing.locked <= standing.stake, "{account} has locked more than it has");
            let locked: u128 = match role {
                Role::Verifier => {
                    enlistments.iter().filter(|((_, who), _)| who == account).map(|(_, part)| part.bond).sum()
                }
                Role::Operator => jobs
                    .iter()
                    .filter(|(_, job)| job.operator == Some(*account) && !job.state.is_terminal())
                    .map(|(id, _)| reads::job(&self.host, *id).unwrap().terms.stake)
                    .sum(),
            };
            assert_eq!(standing.locked, locked, "{role:?} {account}: what is locked is what jobs have locked");
        }
    }

    /// What each job has taken in is what it has paid, as listed, and what it holds.
    fn check_payments(&self) {
        let mut lists: BTreeMap<u64, Vec<Paid>> = BTreeMap::new();
        for ((id, _), entry) in self.table::<(u64, u32), Paid>(b'g') {
            lists.entry(id).or_default().push(entry);
        }
        for (id, job) in self.jobs() {
            let list = lists.remove(&id).unwrap_or_default();
            let paid: u128 = list.iter().map(|paid| paid.amount).sum();
            assert_eq!(self.taken_in.get(&id).copied().unwrap_or(0), paid + job.held, "job {id}");
            self.check_contributions(id, &list);
        }
    }

    /// What is shown in sums is what the list comes to.
    fn check_contributions(&self, id: u64, list: &[Paid]) {
        let parts = reads::contributions(&self.host, id).unwrap();
        let sum =
            |of: &dyn Fn(&Paid) -> bool| list.iter().filter(|paid| of(paid)).map(|paid| paid.amount).sum::<u128>();
        assert_eq!(parts.total(), sum(&|_| true), "job {id}: {parts:?}");
        assert_eq!(parts.burned, sum(&|paid| paid.account == BURN_ADDRESS), "job {id}");
        assert_eq!(parts.bonds, sum(&|paid| paid.reason == Reason::Bond), "job {id}");
        for part in &parts.data {
            assert_eq!(part.paid, sum(&|paid| paid.node == Some(part.node)), "job {id}: {part:?}");
        }
        for part in &parts.verification {
            let own = |paid: &Paid| paid.account == part.verifier && paid.reason != Reason::Bond;
            assert_eq!(part.paid, sum(&own), "job {id}: {part:?}");
            let count = |reason| list.iter().filter(|paid| own(paid) && paid.reason == reason).count();
            assert_eq!((part.segments as usize, part.seats as usize), (count(Reason::Fee), count(Reason::Seat)));
        }
    }

    /// Everybody takes everything out; nothing may be left.
    pub fn empty(&mut self) {
        for ((id, by), _) in self.enlistments() {
            self.release(id, by).unwrap();
        }
        for ((role, by), standing) in self.standings() {
            assert_eq!(standing.locked, 0, "{by}");
            self.send(by, 0, |host| stake::unstake(host, role, standing.stake)).unwrap();
        }
        self.tick(u64::from(2 * LONGEST_WINDOW));
        for ((role, by), standing) in self.standings() {
            if standing.unbonding > 0 {
                self.send(by, 0, |host| stake::collect(host, role)).unwrap();
            }
        }
        for (id, _) in self.jobs() {
            let parts = reads::contributions(&self.host, id).unwrap();
            assert_eq!(parts.total(), self.taken_in[&id], "job {id}: {parts:?}");
        }
        for (by, credit) in self.credits() {
            if by == BURN_ADDRESS {
                assert_eq!(self.withdraw_burned().unwrap(), credit);
            } else {
                assert_eq!(self.withdraw(by).unwrap(), credit);
            }
        }
        assert_eq!(self.paid_in, self.paid_out);
        assert!(self.credits().is_empty() && self.enlistments().is_empty());
    }
}
