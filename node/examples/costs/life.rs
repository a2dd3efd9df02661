//! The lives of jobs, on the contracts or on their logic alone.

use crate::messages::{self as message, Message};
use crate::work::{first_leaf, made_up, Work};
use assay_protocol::commitment::{outcome_seal, seal, sealed_secret, JobId, Outcome};
use assay_protocol::hash::{Native, Sha256};
use assay_protocol::market::{
    Answer, Check, ModelTerms, Opening, Policy, PostJob, Role, SlotTrace, State, Terms, Wanted, Windows,
};
use assay_protocol::registry::{DatasetTerms, NamedParent, RegisterDataset};
use assay_protocol::{Address, Hash};
use codec::Decode;

/// A token, in the contracts' unit.
pub const UNIT: u128 = 1_000_000_000_000_000_000;
/// The longest window of the market's jobs, in seconds.
pub const LONGEST_WINDOW: u32 = 3_600;
const WINDOW: u32 = 600;
const WINDOWS: Windows = Windows {
    claim: WINDOW,
    train: WINDOW,
    secrets: WINDOW,
    open: WINDOW,
    attest: WINDOW,
    reveal: WINDOW,
    dispute: WINDOW,
};
const STAKE: u128 = 10 * UNIT;
const BOND: u128 = UNIT;

/// Where messages go: contracts on a chain, or their logic.
pub trait World {
    /// Sends a message that must not be refused, with a value in the contract's unit.
    /// `note` tells apart messages of one name that cost differently.
    fn send<T: Decode>(&mut self, by: Address, value: u128, note: &str, message: Message<T>) -> T;
    /// Reads.
    fn ask<T: Decode>(&mut self, message: Message<T>) -> T;
    /// Lets time pass.
    fn pass(&mut self, seconds: u64);
}

/// How large a job is.
#[derive(Clone, Copy)]
pub struct Size {
    pub segments: u32,
    pub samples: u8,
    pub panel: u8,
    /// Bytes of the specification.
    pub spec: usize,
}

/// Who takes part in jobs over a dataset, and from a model if any.
pub struct Cast {
    pub client: Address,
    pub operator: Address,
    /// Challenges and demands.
    pub stranger: Address,
    pub verifiers: Vec<Address>,
    pub size: Size,
    pub dataset: Hash,
    pub parent: Option<Hash>,
    market: Address,
    first_state: Hash,
}

impl Cast {
    /// The first of `parties` is the client, then the operator, the stranger, and the verifiers.
    pub fn new(market: Address, parties: &[Address], size: Size, dataset: Hash, parent: Option<Hash>) -> Self {
        let first_state = first_leaf(0, 0).root(&Native, 0, 0).expect("a proved chunk has a root");
        let [client, operator, stranger, verifiers @ ..] = parties else {
            panic!("a job has a client, an operator, a stranger and verifiers");
        };
        let (client, operator, stranger) = (*client, *operator, *stranger);
        Self { client, operator, stranger, verifiers: verifiers.into(), size, dataset, parent, market, first_state }
    }

    /// By what seals name a job of the market.
    fn job_id(&self, number: u64) -> JobId {
        JobId { market: self.market, number }
    }

    /// Stakes enough for `jobs` jobs at once.
    pub fn stake(&self, world: &mut impl World, jobs: u128) {
        let endpoint = Some("https://operator.example.org".into());
        world.send(self.operator, jobs * STAKE, "", message::stake(Role::Operator, endpoint));
        for verifier in &self.verifiers {
            world.send(*verifier, jobs * BOND, "", message::stake(Role::Verifier, None));
        }
    }

    fn terms(&self, spec: &[u8]) -> Terms {
        Terms {
            spec: Native.sha256(spec),
            program: made_up("program", 0),
            segments: self.size.segments,
            payment: 5 * UNIT,
            fee: UNIT,
            stake: STAKE,
            hand_back: STAKE / 100,
            bond: BOND,
            samples: self.size.samples,
            panel: self.size.panel,
            sealed_secret: sealed_secret(&Native, &self.market, &secret(self.client), &self.client),
            policy: Policy { gain: UNIT / 100, false_segments: self.size.segments.div_ceil(2), bribed_bp: 1_000 },
            windows: WINDOWS,
        }
    }

    /// Posts a job.
    pub fn post(&self, world: &mut impl World) -> u64 {
        let spec = vec![7; self.size.spec];
        let terms = self.terms(&spec);
        let (name, licence) = ("a model".into(), "CC-BY-4.0".into());
        let model = ModelTerms { name, licence, parent: self.parent, royalty_bp: 100 };
        let value = terms.payment + terms.fee;
        let job = PostJob { terms, model, datasets: vec![self.dataset], spec, most_royalties_bp: 10_000 };
        world.send(self.client, value, "", message::post_job(job))
    }

    /// A job from its posting to its claim.
    pub fn claimed(&self, world: &mut impl World) -> u64 {
        let job = self.post(world);
        for verifier in &self.verifiers {
            let sealed = sealed_secret(&Native, &self.market, &secret(*verifier), verifier);
            world.send(*verifier, 0, "", message::enlist(job, sealed, BOND));
        }
        world.send(self.operator, 0, "", message::claim(job));
        job
    }

    /// From its posting to its opened slots; it ends as training number `training` does.
    fn opened(&self, world: &mut impl World, training: Option<u64>) -> (u64, Work) {
        let job = self.claimed(world);
        let work =
            Work::new(self.job_id(job), training.unwrap_or(job), self.operator, self.first_state, self.size.segments);
        world.send(self.operator, 0, "", message::commit(job, work.commit()));
        for party in self.verifiers.iter().chain([&self.client]) {
            world.send(*party, 0, "", message::reveal_secret(job, secret(*party)));
        }
        world.send(self.client, 0, " (draw)", message::advance(job));
        let slots = (0u8..).zip(world.ask(message::slots(job)));
        let slots = slots.map(|(number, slot)| work.open(number, slot.segment)).collect();
        let opening = Opening { ends: Some(work.ends()), slots };
        world.send(self.operator, 0, &self.slots(), message::open(job, opening));
        (job, work)
    }

    /// How messages about all slots are noted.
    fn slots(&self) -> String {
        format!(" ({} slots)", self.size.samples)
    }

    /// Seals all open slots; in the slot `but` the verifier seals an objection.
    fn sealed(&self, world: &mut impl World, job: u64, work: &Work, but: Option<u8>) {
        let slots = (0u8..).zip(world.ask(message::slots(job)));
        for (number, slot) in slots.filter(|(_, slot)| slot.check == Check::Opened) {
            let trace = if but == Some(number) { objection() } else { work.trace(slot.segment) };
            let seal = seal(&Native, self.job_id(job), slot.segment, &trace, &slot.verifier);
            world.send(slot.verifier, 0, "", message::attest(job, number, seal));
        }
    }

    fn revealed(&self, world: &mut impl World, job: u64, work: &Work) {
        let slots = (0u8..).zip(world.ask(message::slots(job)));
        let traces = slots.map(|(slot, entry)| SlotTrace { slot, trace: work.trace(entry.segment) }).collect();
        world.send(self.operator, 0, &self.slots(), message::reveal_traces(job, traces));
    }

    /// The window passes; `note` says how the job ends.
    fn ended(&self, world: &mut impl World, job: u64, note: &str, state: State) {
        world.pass(u64::from(WINDOW) + 1);
        world.send(self.client, 0, note, message::advance(job));
        for verifier in &self.verifiers {
            world.send(*verifier, 0, "", message::release(job));
        }
        let view = world.ask(message::job(job)).expect("the job was posted");
        assert_eq!(view.job.state, state, "job {job}");
    }

    /// A job in which everybody does what it should, from its posting to the bonds' release.
    pub fn quiet(&self, world: &mut impl World) -> u64 {
        let (job, work) = self.opened(world, None);
        self.sealed(world, job, &work, None);
        self.revealed(world, job, &work);
        self.ended(world, job, FINAL, State::Final);
        job
    }

    /// One in which a verifier insists and is wrong.
    pub fn disputed(&self, world: &mut impl World) {
        let (job, work) = self.opened(world, None);
        self.sealed(world, job, &work, Some(0));
        self.revealed(world, job, &work);
        let slot = world.ask(message::slots(job)).swap_remove(0);
        world.send(slot.verifier, 0, "", message::insist(job, 0, objection()));
        self.upheld(world, job, &work, 0);
        self.ended(world, job, FINAL, State::Final);
    }

    /// One in which a verifier is not served, a leaf is demanded, and a stranger
    /// challenges a segment that was not drawn, and is wrong.
    pub fn contested(&self, world: &mut impl World) {
        let (job, work) = self.opened(world, None);
        let slot = world.ask(message::slots(job)).swap_remove(0);
        world.send(slot.verifier, 0, "", message::report_unavailable(job, 0, 3, 5));
        let number = world.ask(message::demands(job))[0].number;
        let leaf = Answer::Leaf(first_leaf(3, 5));
        world.send(self.operator, 0, " (a chunk of the state)", message::answer(job, number, leaf));
        self.sealed(world, job, &work, None);
        world.send(self.client, 0, " (draw again)", message::advance(job));
        self.sealed(world, job, &work, None);
        self.revealed(world, job, &work);

        let bond = self.terms(&[]).demand_bond();
        let number = world.send(self.stranger, bond, "", message::demand(job, Wanted::Boundary { index: 1 }));
        let boundary = Answer::Boundary(work.leaf(1));
        world.send(self.operator, 0, " (a boundary's leaf)", message::answer(job, number, boundary));
        let drawn = world.ask(message::slots(job));
        let segment = (0..).find(|segment| drawn.iter().all(|slot| slot.segment != *segment));
        let challenge = work.challenge(segment.expect("few are drawn"));
        let slot = world.send(self.stranger, BOND, "", message::challenge(job, challenge));
        self.upheld(world, job, &work, slot);
        self.ended(world, job, FINAL, State::Final);
    }

    /// Three of one training: the first makes the model, the second's is known by
    /// then, the third fails.
    pub fn triplets(&self, world: &mut impl World) {
        const TRAINING: u64 = 1 << 31;
        for note in [FINAL, " (final, model known)"] {
            let (job, work) = self.opened(world, Some(TRAINING));
            self.sealed(world, job, &work, None);
            self.revealed(world, job, &work);
            self.ended(world, job, note, State::Final);
        }
        let (job, work) = self.opened(world, Some(TRAINING));
        self.sealed(world, job, &work, None);
        self.ended(world, job, " (failed: traces not revealed)", State::Failed);
    }

    /// A panel finds for the operator.
    fn upheld(&self, world: &mut impl World, job: u64, work: &Work, slot: u8) {
        let segment = world.ask(message::slots(job))[usize::from(slot)].segment;
        let trace = work.trace(segment);
        let outcome = Outcome::Replayed { state: work.state(segment + 1), trace, salted: made_up("salted", job) };
        let seats = world.ask(message::seats(job));
        for seat in &seats {
            let sealed = outcome_seal(&Native, self.job_id(job), segment, &outcome, &seat.verifier);
            world.send(seat.verifier, 0, "", message::panel_seal(job, sealed));
        }
        for seat in &seats {
            world.send(seat.verifier, 0, " (with the ruling)", message::panel_reveal(job, outcome));
        }
        let check = world.ask(message::slots(job))[usize::from(slot)].check;
        assert_eq!(check, Check::Upheld, "the panel is for the operator");
    }
}

/// How a job's last message is noted that ends well.
const FINAL: &str = " (final, model registered)";

/// What a verifier seals that finds the operator wrong.
fn objection() -> Hash {
    made_up("objection", 0)
}

fn secret(of: Address) -> Hash {
    Native.sha256(&of.0)
}

/// An account that nobody has the key of.
pub fn account(number: u64) -> Address {
    let hash = made_up("account", number);
    Address(hash.0[..20].try_into().expect("20 of 32 bytes"))
}

/// Terms on which anybody may use a dataset, or who has bought access to it.
pub fn dataset_terms(price: Option<u128>) -> DatasetTerms {
    let open = DatasetTerms { royalty_bp: 500, ..DatasetTerms::open("CC-BY-4.0") };
    DatasetTerms { open: price.is_none(), price, ..open }
}

/// Dataset number `number`, made from `parents`.
pub fn dataset(number: u64, parents: Vec<Hash>, price: Option<u128>) -> RegisterDataset {
    RegisterDataset {
        id: made_up("dataset", number),
        name: "a dataset".into(),
        bytes: 1_000_000,
        terms: dataset_terms(price),
        locations: vec!["https://data.example.org/some-dataset".into()],
        parents: parents.into_iter().map(|dataset| NamedParent { dataset, most_bp: 10_000 }).collect(),
    }
}
