//! What everybody does in an honest world.

use super::host::TestHost;
use super::work::{Cheat, Work};
use super::{CLIENT, MARKET, NONSENSE, STRANGER, World, job_id, secret};
use assay_market::{advance, challenge, check, demand, enlist, model, panel, post, reads, stake, train};
use assay_protocol::Address;
use assay_protocol::commitment::{Outcome, outcome_seal, seal, sealed_secret};
use assay_protocol::hash::Native;
use assay_protocol::market::{Check, Demand, Error, Opening, PostJob, SlotOpening, SlotTrace, Wanted};

impl World {
    pub fn post(&mut self, args: PostJob) -> Result<u64, Error> {
        self.post_by(CLIENT, args)
    }

    pub fn post_by(&mut self, client: Address, args: PostJob) -> Result<u64, Error> {
        let value = args.terms.payment + args.terms.fee;
        self.send(client, value, |host| post::post_job(host, args))
    }

    pub fn enlist(&mut self, id: u64, by: Address) -> Result<(), Error> {
        let bond = reads::job(&self.host, id).map_or(0, |view| view.terms.bond);
        self.enlist_with(id, by, bond)
    }

    /// Enlists with a bond of this size.
    pub fn enlist_with(&mut self, id: u64, by: Address, bond: u128) -> Result<(), Error> {
        let sealed = sealed_secret(&Native, &MARKET, &secret(by), &by);
        self.send(by, 0, |host| enlist::enlist(host, id, sealed, bond))
    }

    pub fn claim(&mut self, id: u64, by: Address) -> Result<(), Error> {
        self.send(by, 0, |host| train::claim(host, id))
    }

    pub fn commit(&mut self, id: u64, by: Address, cheats: &[Cheat]) -> Result<(), Error> {
        let terms = self.view(id).terms;
        let work = Work::new(id, by, terms.spec, terms.segments, cheats);
        let args = work.commit();
        let done = self.send(by, 0, |host| train::commit(host, id, args));
        if done.is_ok() {
            self.works.insert(id, work);
        }
        done
    }

    pub fn reveal(&mut self, id: u64, by: Address) -> Result<(), Error> {
        self.send(by, 0, |host| enlist::reveal_secret(host, id, secret(by)))
    }

    pub fn advance(&mut self, id: u64) -> Result<(), Error> {
        self.send(STRANGER, 0, |host| advance::advance(host, id))
    }

    /// Misses the deadline and has a stranger move the job on.
    pub fn wait(&mut self, id: u64) {
        self.miss_deadline(id);
        self.advance(id).unwrap();
    }

    pub fn open(&mut self, id: u64, by: Address) -> Result<(), Error> {
        let waiting = (0u8..).zip(self.slots(id)).filter(|(_, slot)| slot.check == Check::Drawn);
        let slots = waiting.map(|(number, slot)| self.works[&id].open(number, slot.segment)).collect();
        self.open_these(id, by, slots)
    }

    /// Opens these slots, and the ends if they are not open.
    pub fn open_these(&mut self, id: u64, by: Address, slots: Vec<SlotOpening>) -> Result<(), Error> {
        let ends = self.view(id).ends.is_none().then(|| self.works[&id].ends());
        self.send(by, 0, |host| check::open(host, id, Opening { ends, slots }))
    }

    /// What an honest verifier does with a slot of its own.
    pub fn attest(&mut self, id: u64, number: u8) -> Result<(), Error> {
        let slot = self.slots(id)[usize::from(number)].clone();
        match self.works[&id].first_finding(slot.segment) {
            Some(trace) => {
                let seal = seal(&Native, job_id(id), slot.segment, &trace, &slot.verifier);
                self.send(slot.verifier, 0, |host| check::attest(host, id, number, seal))
            }
            None => self.send(slot.verifier, 0, |host| check::report_unavailable(host, id, number, 5, 7)),
        }
    }

    /// The verifier of a slot seals what it made up.
    pub fn seal_nonsense(&mut self, id: u64, number: u8) {
        let slot = self.slots(id)[usize::from(number)].clone();
        let sealed = seal(&Native, job_id(id), slot.segment, &NONSENSE, &slot.verifier);
        self.send(slot.verifier, 0, |host| check::attest(host, id, number, sealed)).unwrap();
    }

    /// The verifier of a slot seals what the operator told it.
    pub fn seal_what_the_operator_did(&mut self, id: u64, number: u8) {
        let slot = self.slots(id)[usize::from(number)].clone();
        let trace = self.works[&id].traces[slot.segment as usize];
        let sealed = seal(&Native, job_id(id), slot.segment, &trace, &slot.verifier);
        self.send(slot.verifier, 0, |host| check::attest(host, id, number, sealed)).unwrap();
    }

    pub fn traces(&self, id: u64) -> Vec<SlotTrace> {
        (0u8..)
            .zip(self.slots(id))
            .filter(|(_, slot)| slot.check == Check::Sealed)
            .map(|(number, slot)| SlotTrace { slot: number, trace: self.works[&id].traces[slot.segment as usize] })
            .collect()
    }

    pub fn reveal_traces(&mut self, id: u64, by: Address) -> Result<(), Error> {
        let traces = self.traces(id);
        self.send(by, 0, |host| check::reveal_traces(host, id, traces))
    }

    /// What an honest verifier does after a mismatch.
    pub fn insist(&mut self, id: u64, number: u8) -> Result<(), Error> {
        let slot = self.slots(id)[usize::from(number)].clone();
        let trace = self.works[&id].first_finding(slot.segment).expect("who was not served has no seal");
        self.send(slot.verifier, 0, |host| check::insist(host, id, number, trace))
    }

    /// Challenges a segment with the job's bond.
    pub fn challenge(&mut self, id: u64, by: Address, segment: u32) -> Result<u8, Error> {
        let (bond, args) = (self.view(id).terms.bond, self.works[&id].challenge(segment));
        self.send(by, bond, |host| challenge::challenge(host, id, args))
    }

    /// Demands with the bond that this costs.
    pub fn demand(&mut self, id: u64, by: Address, wanted: Wanted) -> Result<u8, Error> {
        let bond = self.view(id).terms.demand_bond();
        self.send(by, bond, |host| demand::demand(host, id, wanted))
    }

    pub fn demands(&self, id: u64) -> Vec<Demand> {
        reads::demands(&self.host, id)
    }

    /// `by` answers a demand from what the operator has, if it can be answered.
    pub fn answer(&mut self, id: u64, number: u8, by: Address) -> Result<(), Error> {
        let demands = self.demands(id);
        let demand = demands.iter().find(|demand| demand.number == number).ok_or(Error::UnknownDemand(number))?;
        let answer = self.works[&id].answer(&demand.wanted).ok_or(Error::BadAnswer)?;
        self.send(by, 0, |host| demand::answer(host, id, number, answer))
    }

    pub fn register(&mut self, id: u64) -> Result<(), Error> {
        self.send(STRANGER, 0, |host| model::register(host, id))
    }

    /// What an honest panellist finds.
    pub fn outcome(&self, id: u64) -> Outcome {
        let dispute = self.view(id).dispute.unwrap();
        let segment = self.slots(id)[usize::from(dispute.slot)].segment;
        self.works[&id].panel_finding(segment, dispute.salt)
    }

    pub fn panel_seal(&mut self, id: u64, by: Address, outcome: Outcome) -> Result<(), Error> {
        let segment = self.disputed_segment(id);
        let seal = outcome_seal(&Native, job_id(id), segment, &outcome, &by);
        self.send(by, 0, |host| panel::panel_seal(host, id, seal))
    }

    pub fn panel_reveal(&mut self, id: u64, by: Address, outcome: Outcome) -> Result<(), Error> {
        self.send(by, 0, |host| panel::panel_reveal(host, id, outcome))
    }

    pub fn disputed_segment(&self, id: u64) -> u32 {
        let dispute = self.view(id).dispute.unwrap();
        self.slots(id)[usize::from(dispute.slot)].segment
    }

    pub fn panellists(&self, id: u64) -> Vec<Address> {
        reads::seats(&self.host, id).iter().map(|seat| seat.verifier).collect()
    }

    /// The whole panel seals and reveals this.
    pub fn rule(&mut self, id: u64, outcome: Outcome) {
        for by in self.panellists(id) {
            self.panel_seal(id, by, outcome).unwrap();
        }
        for by in self.panellists(id) {
            self.panel_reveal(id, by, outcome).unwrap();
        }
    }

    pub fn release(&mut self, id: u64, by: Address) -> Result<(), Error> {
        self.send(by, 0, |host| enlist::release(host, id))
    }

    fn take(&mut self, by: Address, message: impl FnOnce(&mut TestHost) -> Result<u128, Error>) -> Result<u128, Error> {
        self.host.memory.caller = by;
        self.host.begin();
        let taken = message(&mut self.host);
        match &taken {
            // The sum leaves with the message, as the contract sends it.
            Ok(amount) => self.paid_out += amount,
            Err(_) => self.host.revert(),
        }
        self.check_books();
        taken
    }

    pub fn withdraw(&mut self, by: Address) -> Result<u128, Error> {
        self.take(by, stake::withdraw)
    }

    pub fn withdraw_burned(&mut self) -> Result<u128, Error> {
        self.take(STRANGER, stake::withdraw_burned)
    }
}
