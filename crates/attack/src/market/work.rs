//! Training in a world where a segment is one hash, and a state two small
//! tensors whose bytes follow from another.

use assay_protocol::commitment::{JobId, Leaf, Outcome, seal};
use assay_protocol::hash::{Domain, Native, Sha256};
use assay_protocol::market::{Ends, LeafOpening, SlotOpening};
use assay_protocol::{Address, Hash, merkle};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use super::state::Toy;

thread_local! {
    /// Every state that was ever made here, by its root.
    static STATES: RefCell<HashMap<Hash, Rc<Toy>>> = RefCell::default();
    /// The same by what it was made from, so that no root is computed twice.
    static ROOTS: RefCell<HashMap<Hash, Hash>> = RefCell::default();
}

/// The root of the state that follows from `seed` at boundary `step`.
fn state(step: u32, seed: Hash) -> Hash {
    if let Some(root) = ROOTS.with_borrow(|roots| roots.get(&seed).copied()) {
        return root;
    }
    let toy = Toy { step: step.into(), seed };
    let root = toy.root();
    ROOTS.with_borrow_mut(|roots| roots.insert(seed, root));
    STATES.with_borrow_mut(|states| states.insert(root, Rc::new(toy)));
    root
}

/// The state with this root, if anybody has made it.
pub fn made(root: &Hash) -> Option<Rc<Toy>> {
    STATES.with_borrow(|states| states.get(root).cloned())
}

/// The state that the specification begins with.
pub fn initial_state(spec: Hash) -> Hash {
    state(0, Native.hash_value(Domain::Manifest, &(b"initial", spec)))
}

/// The artefact of a final state.
pub fn artefact(state: Hash) -> Hash {
    Native.hash_value(Domain::Manifest, &(b"artefact", state))
}

/// The state after a segment that begins with `before`.
pub fn state_after(before: Hash, segment: u32) -> Hash {
    state(segment + 1, Native.hash_value(Domain::Manifest, &(b"state", before, segment)))
}

/// The trace root of that segment under a salt.
pub fn trace(before: Hash, segment: u32, salt: Hash) -> Hash {
    Native.hash_value(Domain::Manifest, &(b"trace", before, segment, salt))
}

fn made_up(what: &[u8], number: u32) -> Hash {
    Native.hash_value(Domain::Manifest, &(what, number))
}

/// How an operator cheats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cheat {
    /// Makes up state and trace of a segment.
    Skip(u32),
    /// Does a segment and says that it ends elsewhere.
    FalseState(u32),
    /// Does a segment and seals a made-up trace.
    FalseTrace(u32),
    /// Makes up all states and seals zero for their traces.
    NoTraces,
    /// Begins with another state than the specification's.
    FalseStart,
    /// Gives an artefact that is not the final state's.
    FalseArtefact,
    /// Serves no checkpoint to the drawn verifiers.
    HideFromVerifiers,
    /// Serves every other verifier only.
    HideFromSome,
    /// Serves the verifier of a slot once another has reported it: before that convicts.
    HideAtFirst,
    /// Serves no checkpoint to a panel.
    HideFromPanel,
}

/// What an operator has made.
#[derive(Clone, Debug)]
pub struct Work {
    /// The job that its seals are for.
    pub job: JobId,
    /// Whose seals they are.
    pub operator: Address,
    /// The specification that it pretends to follow.
    pub spec: Hash,
    /// State roots at the boundaries.
    pub states: Vec<Hash>,
    /// Trace roots of the segments.
    pub traces: Vec<Hash>,
    /// The artefact it gives.
    pub artefact: Hash,
    /// Root of the commitment.
    pub root: Hash,
    cheats: Vec<Cheat>,
    leaves: Vec<Hash>,
}

impl Work {
    /// What `operator` makes of a job with these cheats.
    pub fn new(job: JobId, operator: Address, spec: Hash, segments: u32, cheats: &[Cheat]) -> Self {
        let first = match cheats.contains(&Cheat::FalseStart) {
            true => state(0, made_up(b"start", 0)),
            false => initial_state(spec),
        };
        let none = cheats.contains(&Cheat::NoTraces);
        let (mut states, mut traces) = (vec![first], Vec::new());
        for segment in 0..segments {
            let before = states[segment as usize];
            let skipped = none || cheats.contains(&Cheat::Skip(segment));
            states.push(match skipped || cheats.contains(&Cheat::FalseState(segment)) {
                true => state(segment + 1, made_up(b"state", segment)),
                false => state_after(before, segment),
            });
            traces.push(match (none, skipped || cheats.contains(&Cheat::FalseTrace(segment))) {
                (true, _) => Hash::default(),
                (_, true) => made_up(b"trace", segment),
                (_, false) => trace(before, segment, Hash::default()),
            });
        }
        let artefact = match cheats.contains(&Cheat::FalseArtefact) {
            true => made_up(b"artefact", 0),
            false => artefact(states[segments as usize]),
        };
        let (cheats, leaves, root) = (cheats.to_vec(), Vec::new(), Hash::default());
        let mut work = Work { job, operator, spec, states, traces, artefact, root, cheats, leaves };
        work.leaves = (0..=segments).map(|boundary| work.leaf(boundary).hash(&Native)).collect();
        work.root = merkle::root(&Native, &work.leaves).expect("there are leaves");
        work
    }

    /// Boundaries behind the first.
    pub fn segments(&self) -> u32 {
        self.traces.len() as u32
    }

    fn leaf(&self, boundary: u32) -> Leaf {
        let seal = match boundary.checked_sub(1) {
            Some(segment) => seal(&Native, self.job, segment, &self.traces[segment as usize], &self.operator),
            None => Hash::default(),
        };
        Leaf { index: boundary, state: self.states[boundary as usize], seal }
    }

    /// The leaf of a boundary with its way to the root; `None` beyond the last.
    pub fn opening(&self, boundary: u32) -> Option<LeafOpening> {
        let proof = merkle::proof(&Native, &self.leaves, boundary)?;
        let leaf = self.leaf(boundary);
        Some(LeafOpening { state: leaf.state, seal: leaf.seal, proof })
    }

    /// Both ends and the artefact.
    pub fn ends(&self) -> Ends {
        let last = self.opening(self.segments()).expect("the last boundary");
        Ends { first: self.opening(0).expect("the first boundary"), last, artefact: self.artefact }
    }

    /// The leaves around a segment; `None` beyond the last.
    pub fn open(&self, slot: u8, segment: u32) -> Option<SlotOpening> {
        Some(SlotOpening { slot, before: self.opening(segment)?, after: self.opening(segment + 1)? })
    }

    /// Whether the commitment's ends are what the specification gives.
    pub fn true_ends(&self) -> bool {
        self.states[0] == initial_state(self.spec) && self.artefact == artefact(self.states[self.traces.len()])
    }

    /// Whether a segment is what the specification gives, ends and seal included.
    pub fn is_true(&self, segment: u32) -> bool {
        let at = segment as usize;
        self.true_ends()
            && self.states[at + 1] == state_after(self.states[at], segment)
            && self.traces[at] == trace(self.states[at], segment, Hash::default())
    }

    /// Whether a drawn verifier gets the checkpoints of a slot that others have or
    /// have not `reported`.
    pub fn serves(&self, verifier: Address, reported: bool) -> bool {
        !self.cheats.iter().any(|cheat| match cheat {
            Cheat::HideFromVerifiers => true,
            Cheat::HideFromSome => verifier.0[0].is_multiple_of(2),
            Cheat::HideAtFirst => !reported,
            _ => false,
        })
    }

    /// The trace root that an honest verifier seals: its own, or an objection of
    /// its own if the segment's end or the commitment's ends are false.
    pub fn finding(&self, segment: u32, by: Address) -> Hash {
        let before = self.states[segment as usize];
        match self.true_ends() && state_after(before, segment) == self.states[segment as usize + 1] {
            true => trace(before, segment, Hash::default()),
            false => Native.hash_value(Domain::Manifest, &(b"objection", self.root, segment, by)),
        }
    }

    /// What an honest panellist finds.
    pub fn panel_finding(&self, segment: u32, salt: Hash) -> Outcome {
        if self.cheats.contains(&Cheat::HideFromPanel) {
            return Outcome::Unavailable;
        }
        if !self.true_ends() {
            let initial_state = initial_state(self.spec);
            return Outcome::FalseEnds { initial_state, artefact: artefact(self.states[self.traces.len()]) };
        }
        let before = self.states[segment as usize];
        Outcome::Replayed {
            state: state_after(before, segment),
            trace: trace(before, segment, Hash::default()),
            salted: trace(before, segment, salt),
        }
    }
}
