//! The state of a training job, and its root.

use assay_exact::{Shape, philox};
use parity_scale_codec::Encode;

use crate::error::EngineError;
use crate::hash::{TENSOR, merkle_root, philox_key, sha256, tensor_root};
use crate::program::{Init, Program, StateLayout, TensorKind};

/// The first random stream of the order of samples: beyond every state tensor's.
pub(crate) const ORDER_STREAM: u32 = 1 << 24;
/// The first random stream of a keyed split into training and held-out samples.
pub(crate) const SPLIT_STREAM: u32 = (1 << 24) + 64;

/// Named tensors in canonical order (ascending by the bytes of their names) and the
/// number of steps that made them.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    step: u64,
    layout: StateLayout,
    data: Vec<Vec<f32>>,
}

impl State {
    /// The state before the first step of `program` with this seed.
    ///
    /// State tensor number `s` in canonical order takes its random numbers from
    /// stream `s` under [`philox_key`]`(seed)`.
    ///
    /// # Errors
    /// The program is invalid, or memory is short.
    pub fn init(program: &Program, seed: [u8; 32]) -> Result<State, EngineError> {
        program.validate()?;
        let key = philox_key(&seed);
        let mut data = Vec::new();
        for (stream, id) in program.canonical_state().into_iter().enumerate() {
            let tensor = &program.tensors[id as usize];
            let TensorKind::State(init) = tensor.kind else { unreachable!("canonical_state gives state tensors only") };
            let mut values = allocate(tensor.shape.elements())?;
            match init {
                Init::Constant(bits) => values.fill(f32::from_bits(bits)),
                Init::Uniform { bound } => {
                    let bound = f32::from_bits(bound);
                    for (i, value) in values.iter_mut().enumerate() {
                        let word = philox::word(key, stream as u32, 0, i as u64);
                        *value = philox::uniform(word, bound);
                    }
                }
            }
            data.push(values);
        }
        Ok(State { step: 0, layout: program.state_layout(), data })
    }

    /// A state of the given parts, in the layout's order.
    ///
    /// # Errors
    /// A tensor has another number of elements than its shape, or an element is not
    /// finite.
    pub fn from_parts(step: u64, layout: StateLayout, data: Vec<Vec<f32>>) -> Result<State, EngineError> {
        if layout.0.len() != data.len() {
            return Err(EngineError::WrongState(format!("{} tensors for a layout of {}", data.len(), layout.0.len())));
        }
        for ((name, shape), values) in layout.0.iter().zip(&data) {
            if shape.elements() != values.len() as u64 {
                return Err(EngineError::WrongState(format!(
                    "{name:?} of shape {shape} has {} elements",
                    values.len()
                )));
            }
            if let Some(at) = values.iter().position(|x| !x.is_finite()) {
                return Err(EngineError::WrongState(format!("element {at} of {name:?} is not a finite number")));
            }
        }
        Ok(State { step, layout, data })
    }

    /// The number of steps behind this state.
    #[must_use]
    pub fn step(&self) -> u64 {
        self.step
    }

    /// Names and shapes, in canonical order.
    #[must_use]
    pub fn layout(&self) -> &StateLayout {
        &self.layout
    }

    /// Name, shape and elements of each tensor, in canonical order.
    pub fn tensors(&self) -> impl Iterator<Item = (&str, Shape, &[f32])> {
        self.layout.0.iter().zip(&self.data).map(|((name, shape), data)| (name.as_str(), *shape, data.as_slice()))
    }

    /// The shape and elements of one tensor.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<(Shape, &[f32])> {
        let at = self.layout.0.binary_search_by(|(own, _)| own.as_str().cmp(name)).ok()?;
        Some((self.layout.0[at].1, &self.data[at]))
    }

    /// The part of this state that `program` has: an inference program needs the
    /// model's tensors without the optimiser's. The step counter is kept.
    ///
    /// # Errors
    /// The program has a state tensor that is not here, or of another shape.
    pub fn select(&self, program: &Program) -> Result<State, EngineError> {
        let layout = program.state_layout();
        let mut data = Vec::with_capacity(layout.0.len());
        for (name, expected) in &layout.0 {
            let (found, values) =
                self.get(name).ok_or_else(|| EngineError::WrongState(format!("it has no tensor {name:?}")))?;
            if found != *expected {
                return Err(EngineError::WrongShape { name: name.clone(), found, expected: *expected });
            }
            data.push(values.to_vec());
        }
        Ok(State { step: self.step, layout, data })
    }

    /// The state root: the tree (nodes `SHA-256(0x11 | left | right)`, an odd last
    /// one going up as it is) over one leaf per tensor in canonical order:
    ///
    /// `SHA-256(0x12 | "assay/state/v1" | step as u64 | place as u32 | number of
    /// tensors as u32 | SCALE(name) | SCALE(shape) | tensor root)`
    ///
    /// with integers little-endian and [`tensor_root`] over the tensor's
    /// little-endian bytes. A state without tensors, which no program that
    /// trains has, has the root `SHA-256(0x11)`.
    #[must_use]
    pub fn root(&self) -> [u8; 32] {
        let roots: Vec<_> = self.data.iter().map(|data| tensor_root(data)).collect();
        self.layout.root(self.step, &roots)
    }
}

impl StateLayout {
    /// The state root after `step` steps, for the tensors' roots (see [`tensor_root`]) in
    /// canonical order, wherever they were computed: see [`State::root`].
    ///
    /// # Panics
    /// If there is not a root for each tensor.
    #[must_use]
    pub fn root(&self, step: u64, roots: &[[u8; 32]]) -> [u8; 32] {
        assert_eq!(roots.len(), self.0.len(), "a root per tensor");
        let count = (self.0.len() as u32).to_le_bytes();
        let leaves = self
            .0
            .iter()
            .zip(roots)
            .enumerate()
            .map(|(place, ((name, shape), root))| {
                sha256(&[
                    &[TENSOR],
                    b"assay/state/v1",
                    &step.to_le_bytes(),
                    &(place as u32).to_le_bytes(),
                    &count,
                    &name.encode(),
                    &shape.encode(),
                    root,
                ])
            })
            .collect();
        merkle_root(leaves)
    }

    /// Whether `state` has exactly these tensors.
    ///
    /// # Errors
    /// It has not; the error names what differs.
    pub fn check(&self, state: &State) -> Result<(), EngineError> {
        for (name, expected) in &self.0 {
            match state.get(name) {
                None => return Err(EngineError::WrongState(format!("it has no tensor {name:?}"))),
                Some((found, _)) if found != *expected => {
                    return Err(EngineError::WrongShape { name: name.clone(), found, expected: *expected });
                }
                Some(_) => {}
            }
        }
        let (found, expected) = (state.layout.0.len(), self.0.len());
        if found == expected {
            Ok(())
        } else {
            Err(EngineError::WrongState(format!("it has {found} tensors, expected {expected}")))
        }
    }
}

/// Zeros, or an error where memory is short.
pub(crate) fn allocate(elements: u64) -> Result<Vec<f32>, EngineError> {
    let short = || EngineError::Machine(format!("not enough memory for a tensor of {elements} elements"));
    let elements_here = usize::try_from(elements).map_err(|_| short())?;
    let mut values = Vec::new();
    values.try_reserve_exact(elements_here).map_err(|_| short())?;
    values.resize(elements_here, 0.0);
    Ok(values)
}
