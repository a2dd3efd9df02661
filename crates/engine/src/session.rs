//! What all back ends that keep tensors in host memory share.

use assay_exact::{ElementError, MAX_INPUTS, Op, Shape, SliceOperand};

use crate::backend::{Input, Session, Tensor};
use crate::error::EngineError;
use crate::program::{Program, StateLayout, TensorKind};
use crate::pulse::Pulse;
use crate::state::{State, allocate};

/// Computes one op at a time.
pub(crate) trait Runner: Send {
    /// Does `work` where the runner's threads are.
    fn within<T: Send>(&mut self, work: impl FnOnce(&mut Self) -> T + Send) -> T;

    /// Tensors have changed: all, or those that change in every execution (all but states
    /// that the program does not update). Packed or copied forms of them are out of date.
    fn forget(&mut self, _all: bool) {}

    /// Fills `out` (of shape `output`) by op `number` of the program. The op fits the shapes.
    ///
    /// # Errors
    /// What an op says of its inputs, or the least index of a result that is not finite.
    fn run(
        &mut self,
        number: usize,
        op: &Op,
        inputs: &[View<'_>],
        output: &Shape,
        out: &mut [f32],
    ) -> Result<(), ElementError>;
}

/// A tensor that an op reads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    pub shape: Shape,
    pub data: &'a [f32],
}

impl<'a> View<'a> {
    /// No tensor.
    const EMPTY: View<'static> = View { shape: Shape::SCALAR, data: &[] };

    pub fn operand(&self) -> SliceOperand<'a> {
        SliceOperand::new(self.shape, self.data)
    }
}

/// A session whose tensors are in host memory, all allocated ahead of time.
#[derive(Debug)]
pub(crate) struct HostSession<R> {
    program: Program,
    layout: StateLayout,
    /// The state tensors' numbers in the layout's order.
    state: Vec<u32>,
    tensors: Vec<Vec<f32>>,
    runner: R,
    step: Option<u64>,
    executed: bool,
}

impl<R: Runner> HostSession<R> {
    pub fn new(program: &Program, memory_limit: u64, runner: R) -> Result<HostSession<R>, EngineError> {
        program.validate()?;
        let (needed, limit) = (program.memory_bytes(), u128::from(memory_limit));
        if needed > limit {
            return Err(EngineError::TooLarge { needed, limit });
        }
        let tensors =
            program.tensors.iter().map(|tensor| allocate(tensor.shape.elements())).collect::<Result<_, _>>()?;
        Ok(HostSession {
            layout: program.state_layout(),
            state: program.canonical_state(),
            program: program.clone(),
            tensors,
            runner,
            step: None,
            executed: false,
        })
    }

    fn take_inputs(&mut self, inputs: &[Input<'_>]) -> Result<(), EngineError> {
        let tensors = &mut self.tensors;
        self.program.take_inputs(inputs, |id, data| {
            tensors[id as usize].copy_from_slice(data);
            Ok(())
        })
    }

    fn run_ops(&mut self, step: u64) -> Result<(), EngineError> {
        let (program, tensors) = (&self.program, &mut self.tensors);
        self.runner.forget(false);
        self.runner.within(|runner| {
            for (number, node) in program.ops.iter().enumerate() {
                let output = &program.tensors[node.output as usize];
                let mut out = std::mem::take(&mut tensors[node.output as usize]);
                let view = |id: u32| View { shape: program.tensors[id as usize].shape, data: &tensors[id as usize] };
                // Few ops have many inputs; the others should not allocate.
                let mut few = [View::EMPTY; MAX_INPUTS];
                let many: Vec<View<'_>>;
                let inputs = match few.get_mut(..node.inputs.len()) {
                    Some(few) => {
                        few.iter_mut().zip(&node.inputs).for_each(|(own, &id)| *own = view(id));
                        &*few
                    }
                    None => {
                        many = node.inputs.iter().map(|&id| view(id)).collect();
                        &many
                    }
                };
                let result = runner.run(number, &node.op, inputs, &output.shape, &mut out);
                tensors[node.output as usize] = out;
                result.map_err(|problem| EngineError::Element {
                    step,
                    op: number,
                    name: node.op.name(),
                    output: output.name.clone(),
                    problem,
                })?;
            }
            Ok(())
        })
    }
}

impl<R: Runner> Session for HostSession<R> {
    fn program(&self) -> &Program {
        &self.program
    }

    fn load(&mut self, state: &State) -> Result<(), EngineError> {
        self.layout.check(state)?;
        for (&id, (_, _, data)) in self.state.iter().zip(state.tensors()) {
            self.tensors[id as usize].copy_from_slice(data);
        }
        self.runner.forget(true);
        self.step = Some(state.step());
        self.executed = false;
        Ok(())
    }

    fn execute(&mut self, inputs: &[Input<'_>]) -> Result<Option<Pulse>, EngineError> {
        let step = self.steps()?;
        self.executed = false;
        self.take_inputs(inputs)?;
        self.run_ops(step)?;
        for &(state, value) in &self.program.updates {
            // Moved out and back, because two places of one vector cannot be borrowed at once.
            let data = std::mem::take(&mut self.tensors[value as usize]);
            self.tensors[state as usize].copy_from_slice(&data);
            self.tensors[value as usize] = data;
        }
        self.executed = true;
        Ok(self.program.pulse.map(|pulse| {
            self.step = Some(step + 1);
            Pulse {
                step,
                loss: self.tensors[pulse.loss as usize][0].into(),
                grad_norm: self.tensors[pulse.grad_norm as usize][0].into(),
            }
        }))
    }

    fn state(&mut self) -> Result<State, EngineError> {
        let data = self.state.iter().map(|&id| self.tensors[id as usize].clone()).collect();
        State::from_parts(self.steps()?, self.layout.clone(), data)
    }

    fn steps(&self) -> Result<u64, EngineError> {
        self.step.ok_or(EngineError::NoState)
    }

    fn tensor(&mut self, name: &str) -> Result<Tensor, EngineError> {
        let id = self.program.find(name).ok_or_else(|| EngineError::NoTensor(name.to_owned()))?;
        let tensor = &self.program.tensors[id as usize];
        if !self.executed && !matches!(tensor.kind, TensorKind::State(_)) {
            return Err(EngineError::Program(format!("{name:?} has no value before the program has run")));
        }
        Ok(Tensor { shape: tensor.shape, data: self.tensors[id as usize].clone() })
    }
}

impl Program {
    /// Hands every input tensor's number and elements to `take`, once all that a back end
    /// must check of them is right.
    ///
    /// # Errors
    /// [`EngineError::Input`]: an input is unknown, missing, supplied twice, of another length or
    /// not finite; or what `take` says.
    pub fn take_inputs<'a>(
        &self,
        inputs: &[Input<'a>],
        mut take: impl FnMut(u32, &'a [f32]) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        let wrong = |name: &str, problem: String| EngineError::Input { name: name.into(), problem };
        for input in inputs {
            let known = self.tensors.iter().any(|tensor| tensor.kind == TensorKind::Input && tensor.name == input.name);
            if !known {
                return Err(wrong(input.name, "the program has no such input".into()));
            }
        }
        for (id, tensor) in self.tensors.iter().enumerate() {
            if tensor.kind != TensorKind::Input {
                continue;
            }
            let mut given = inputs.iter().filter(|input| input.name == tensor.name);
            let data = match (given.next(), given.next()) {
                (Some(input), None) => input.data,
                (None, _) => return Err(wrong(&tensor.name, "not supplied".into())),
                (Some(_), Some(_)) => return Err(wrong(&tensor.name, "supplied twice".into())),
            };
            if data.len() as u64 != tensor.shape.elements() {
                let shape = tensor.shape;
                let problem = format!("{} elements given, shape {shape} has {}", data.len(), shape.elements());
                return Err(wrong(&tensor.name, problem));
            }
            if let Some(at) = first_non_finite(data) {
                return Err(wrong(&tensor.name, format!("element {at} is {}", data[at])));
            }
            take(id as u32, data)?;
        }
        Ok(())
    }
}

/// The error for the first result that is an infinity or a NaN, if there is one.
pub(crate) fn check_finite(out: &[f32]) -> Result<(), ElementError> {
    first_non_finite(out).map_or(Ok(()), |index| Err(ElementError::non_finite(index as u64, out[index])))
}

/// The least index of an infinity or a NaN.
pub(crate) fn first_non_finite(data: &[f32]) -> Option<usize> {
    const EXPONENT: u32 = 0x7f80_0000;
    let bad = |x: &f32| x.to_bits() & EXPONENT == EXPONENT;
    // Whole blocks without a branch, which the compiler turns into vector code.
    data.chunks(256).position(|block| block.iter().fold(false, |any, x| any | bad(x))).and_then(|block| {
        let start = 256 * block;
        data[start..].iter().position(bad).map(|at| start + at)
    })
}
