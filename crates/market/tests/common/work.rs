//! Training in a world where a segment is one hash, and a state one tensor of 32 bytes.

use super::job_id;
use assay_protocol::commitment::{Leaf, Outcome, seal};
use assay_protocol::hash::{Domain, Native, Sha256};
use assay_protocol::market::{Answer, Challenge, Commit, Ends, LeafOpening, SlotOpening, Wanted};
use assay_protocol::state_tree::{StateLeaf, Tensor};
use assay_protocol::{Address, Hash, merkle};

/// The state that holds these bytes, as its only chunk.
fn leaf_of(body: Hash) -> StateLeaf {
    let tensor = Tensor { name: "w", shape: &[8], bytes: &body.0 };
    StateLeaf::prove(&Native, 0, &[tensor], 0, 0).expect("eight elements have 32 bytes")
}

fn root_of(body: Hash) -> Hash {
    leaf_of(body).root(&Native, 0, 0).expect("a proved chunk has a root")
}

fn initial_body(spec: Hash) -> Hash {
    Native.hash_value(Domain::Manifest, &(b"initial", spec))
}

fn body_after(before: Hash, segment: u32) -> Hash {
    Native.hash_value(Domain::Manifest, &(b"state", before, segment))
}

/// The state root that the specification begins with.
pub fn initial_state(spec: Hash) -> Hash {
    root_of(initial_body(spec))
}

/// The artefact of a final state.
pub fn artefact(state: Hash) -> Hash {
    Native.hash_value(Domain::Manifest, &(b"artefact", state))
}

/// The state root after a segment that begins with `before`.
pub fn state_after(before: Hash, segment: u32) -> Hash {
    root_of(body_after(before, segment))
}

/// The trace root of that segment under a salt.
pub fn trace(before: Hash, segment: u32, salt: Hash) -> Hash {
    Native.hash_value(Domain::Manifest, &(b"trace", before, segment, salt))
}

fn made_up(what: &[u8], segment: u32) -> Hash {
    Native.hash_value(Domain::Manifest, &(what, segment))
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
    /// Makes up all states and seals zero for their traces, as a careless verifier
    /// does that finds them false.
    NoTraces,
    /// Begins with another state than the specification's.
    FalseStart,
    /// Gives an artefact that is not the final state's.
    FalseArtefact,
    /// Commits to a state root after a segment that no state has.
    NoState(u32),
    /// Serves no checkpoint to the drawn verifiers.
    HideFromVerifiers,
    /// Serves no checkpoint to a panel.
    HideFromPanel,
}

/// What an operator has made.
#[derive(Clone, Debug)]
pub struct Work {
    pub job: u64,
    pub operator: Address,
    pub spec: Hash,
    pub states: Vec<Hash>,
    pub traces: Vec<Hash>,
    pub artefact: Hash,
    /// What each state holds; `None` where no state has the root.
    bodies: Vec<Option<Hash>>,
    cheats: Vec<Cheat>,
    leaves: Vec<Hash>,
}

impl Work {
    pub fn new(job: u64, operator: Address, spec: Hash, segments: u32, cheats: &[Cheat]) -> Self {
        let first = match cheats.contains(&Cheat::FalseStart) {
            true => made_up(b"start", 0),
            false => initial_body(spec),
        };
        let (mut states, mut bodies, mut traces) = (vec![root_of(first)], vec![Some(first)], Vec::new());
        for segment in 0..segments {
            let before = *states.last().unwrap();
            let none = cheats.contains(&Cheat::NoTraces);
            let skipped = none || cheats.contains(&Cheat::Skip(segment));
            let body = match skipped || cheats.contains(&Cheat::FalseState(segment)) {
                true => made_up(b"state", segment),
                false => body_after(before, segment),
            };
            if cheats.contains(&Cheat::NoState(segment)) {
                states.push(body);
                bodies.push(None);
            } else {
                states.push(root_of(body));
                bodies.push(Some(body));
            }
            if none {
                traces.push(Hash::default());
                continue;
            }
            traces.push(match skipped || cheats.contains(&Cheat::FalseTrace(segment)) {
                true => made_up(b"trace", segment),
                false => trace(before, segment, Hash::default()),
            });
        }
        let artefact = match cheats.contains(&Cheat::FalseArtefact) {
            true => made_up(b"artefact", 0),
            false => artefact(*states.last().unwrap()),
        };
        let mut work =
            Work { job, operator, spec, states, bodies, traces, artefact, cheats: cheats.to_vec(), leaves: Vec::new() };
        work.leaves = (0..=segments).map(|boundary| work.leaf(boundary).hash(&Native)).collect();
        work
    }

    /// Serves everybody from now on.
    pub fn serve(&mut self) {
        self.cheats.retain(|cheat| !matches!(cheat, Cheat::HideFromVerifiers | Cheat::HideFromPanel));
    }

    fn leaf(&self, boundary: u32) -> Leaf {
        let seal = match boundary.checked_sub(1) {
            Some(segment) => seal(&Native, job_id(self.job), segment, &self.traces[segment as usize], &self.operator),
            None => Hash::default(),
        };
        Leaf { index: boundary, state: self.states[boundary as usize], seal }
    }

    pub fn opening(&self, boundary: u32) -> LeafOpening {
        let leaf = self.leaf(boundary);
        let proof = merkle::proof(&Native, &self.leaves, boundary).unwrap();
        LeafOpening { state: leaf.state, seal: leaf.seal, proof }
    }

    pub fn commit(&self) -> Commit {
        Commit { root: merkle::root(&Native, &self.leaves).unwrap() }
    }

    pub fn ends(&self) -> Ends {
        Ends { first: self.opening(0), last: self.opening(self.traces.len() as u32), artefact: self.artefact }
    }

    pub fn challenge(&self, segment: u32) -> Challenge {
        Challenge { segment, before: self.opening(segment), after: self.opening(segment + 1) }
    }

    /// The answer to a demand; `None` if there is none.
    pub fn answer(&self, wanted: &Wanted) -> Option<Answer> {
        match wanted {
            Wanted::Leaf { boundary, .. } => self.bodies[*boundary as usize].map(|body| Answer::Leaf(leaf_of(body))),
            Wanted::Boundary { index } => Some(Answer::Boundary(self.opening(index % self.states.len() as u32))),
        }
    }

    pub fn open(&self, slot: u8, segment: u32) -> SlotOpening {
        SlotOpening { slot, before: self.opening(segment), after: self.opening(segment + 1) }
    }

    /// Whether the commitment's ends are what the specification gives.
    pub fn true_ends(&self) -> bool {
        self.states[0] == initial_state(self.spec) && self.artefact == artefact(*self.states.last().unwrap())
    }

    /// Whether a segment is what the specification gives, ends and seal included.
    pub fn is_true(&self, segment: u32) -> bool {
        let at = segment as usize;
        self.true_ends()
            && self.states[at + 1] == state_after(self.states[at], segment)
            && self.traces[at] == trace(self.states[at], segment, Hash::default())
    }

    /// The trace root that an honest verifier seals: its own, or zero if
    /// the segment's end or the commitment's ends are false. `None` if it was not served.
    pub fn first_finding(&self, segment: u32) -> Option<Hash> {
        let before = self.states[segment as usize];
        if self.cheats.contains(&Cheat::HideFromVerifiers) {
            return None;
        }
        let honest = self.true_ends() && state_after(before, segment) == self.states[segment as usize + 1];
        Some(if honest { trace(before, segment, Hash::default()) } else { Hash::default() })
    }

    /// What an honest panellist finds.
    pub fn panel_finding(&self, segment: u32, salt: Hash) -> Outcome {
        if self.cheats.contains(&Cheat::HideFromPanel) {
            return Outcome::Unavailable;
        }
        if !self.true_ends() {
            let initial_state = initial_state(self.spec);
            return Outcome::FalseEnds { initial_state, artefact: artefact(*self.states.last().unwrap()) };
        }
        let before = self.states[segment as usize];
        Outcome::Replayed {
            state: state_after(before, segment),
            trace: trace(before, segment, Hash::default()),
            salted: trace(before, segment, salt),
        }
    }
}
