//! What all back ends that keep tensors in host memory share.

use assay_exact::{ElementError, MAX_INPUTS, Op, Shape, SliceOperand};

use crate::backend::{Input, Session, Tensor};
use crate::error::EngineError;
use crate::plan::{Fused, MAX_FUSED, Plan, Slot, Step, Work, fuse};
use crate::program::{Program, StateLayout, TensorKind};
use crate::pulse::Pulse;
use crate::state::{State, allocate};
use crate::sums::Sums;

/// Computes ops: one at a time, or several maps together.
pub(crate) trait Runner: Send {
    /// Does `work` where the runner's threads are.
    fn within<T: Send>(&mut self, work: impl FnOnce(&mut Self) -> T + Send) -> T;

    /// Tensors have changed: all, or those that change in every execution (all but states
    /// that the program does not update). Packed or copied forms of them are out of date.
    fn forget(&mut self, _all: bool) {}

    /// Fills `out` (of shape `output`) by op `number` of the program. The op fits the shapes.
    /// `out` is a part of the op's output, from element `first` on, in programs that are
    /// worked on in parts of the batch; `first` matters for random numbers only.
    ///
    /// # Errors
    /// What an op says of its inputs, or the least index of a result that is not finite.
    fn run(
        &mut self,
        number: usize,
        op: &Op,
        inputs: &[View<'_>],
        output: &Shape,
        first: u64,
        out: &mut [f32],
    ) -> Result<(), ElementError>;

    /// Elements of an output from which on it does maps together, if it does.
    fn fuses_from(&self) -> Option<u64> {
        None
    }

    /// Fills `outs`, one for each of several maps of one output shape that are done together (see
    /// `plan::fuse`); `view` gives the slots that they read. Whether all results are finite.
    fn run_maps<'v>(
        &mut self,
        _program: &Program,
        _maps: &[Fused],
        _view: &dyn Fn(usize) -> View<'v>,
        _output: &Shape,
        _outs: &mut [&mut [f32]],
    ) -> bool {
        unreachable!("this runner does one op at a time")
    }

    /// Adds what an op (long-sum, long-scatter-add, block-matmul) adds for one of `parts` parts
    /// of the batch.
    ///
    /// # Errors
    /// As [`Runner::run`].
    fn add(
        &mut self,
        op: &Op,
        _inputs: &[View<'_>],
        _output: &Shape,
        _parts: u32,
        _sums: &mut Sums,
    ) -> Result<(), ElementError> {
        unreachable!("{}: this runner is given no plans in parts", op.name())
    }
}

/// A tensor that an op reads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    pub shape: Shape,
    pub data: &'a [f32],
}

impl<'a> View<'a> {
    /// No tensor.
    pub const EMPTY: View<'static> = View { shape: Shape::SCALAR, data: &[] };

    fn of(slot: &Slot, buffers: &'a [Vec<f32>]) -> View<'a> {
        View { shape: slot.shape, data: &buffers[slot.buffer][..slot.shape.elements() as usize] }
    }

    pub fn operand(&self) -> SliceOperand<'a> {
        SliceOperand::new(self.shape, self.data)
    }
}

/// A session whose tensors are in host memory, all allocated ahead of time.
#[derive(Debug)]
pub(crate) struct HostSession<R> {
    program: Program,
    /// Its lists of works are empty: they are in `steps`.
    plan: Plan,
    /// What is done once, for each part, and once after that.
    steps: [Vec<Step>; 3],
    layout: StateLayout,
    /// The state tensors' numbers in the layout's order.
    state: Vec<u32>,
    buffers: Vec<Vec<f32>>,
    sums: Vec<Sums>,
    runner: R,
    step: Option<u64>,
    executed: bool,
    /// By update: whether its two buffers change places, which a copy would take longer for.
    swaps: Vec<bool>,
}

impl<R: Runner> HostSession<R> {
    pub fn new(program: &Program, mut plan: Plan, runner: R) -> Result<HostSession<R>, EngineError> {
        let buffers = plan.buffers.iter().map(|&elements| allocate(elements)).collect::<Result<_, _>>()?;
        let sums = plan.sums.iter().map(|&elements| Sums::new(elements as usize)).collect();
        let swaps = program.updates.iter().map(|&update| can_swap(program, &plan, update)).collect();
        let lists = [&mut plan.head, &mut plan.body, &mut plan.tail].map(std::mem::take);
        let steps = lists.map(|works| match runner.fuses_from() {
            Some(least) => fuse(program, &plan, least, works),
            None => works.into_iter().map(Step::One).collect(),
        });
        Ok(HostSession {
            steps,
            layout: program.state_layout(),
            state: program.canonical_state(),
            program: program.clone(),
            plan,
            buffers,
            sums,
            runner,
            step: None,
            executed: false,
            swaps,
        })
    }

    /// The slot of a tensor that is whole at the end of a step.
    fn slot(&self, id: u32) -> usize {
        self.plan.whole[id as usize].expect("the plan keeps it")
    }

    /// The values of such a tensor.
    fn whole(&self, id: u32) -> &[f32] {
        let slot = &self.plan.slots[self.slot(id)];
        &self.buffers[slot.buffer][..slot.shape.elements() as usize]
    }

    fn take_inputs(&mut self, inputs: &[Input<'_>]) -> Result<(), EngineError> {
        let HostSession { program, plan, buffers, .. } = self;
        program.take_inputs(inputs, |id, data| {
            let slot = plan.whole[id as usize].expect("the plan keeps inputs");
            buffers[plan.slots[slot].buffer][..data.len()].copy_from_slice(data);
            Ok(())
        })
    }

    fn run_ops(&mut self, step: u64) -> Result<(), EngineError> {
        let HostSession { program, plan, steps: [head, body, tail], buffers, sums, runner, .. } = self;
        runner.forget(false);
        runner.within(|runner| {
            let mut execution = Execution { program, plan, buffers, sums, runner, step };
            execution.sums.iter_mut().for_each(Sums::clear);
            head.iter().try_for_each(|step| execution.step(step, 0))?;
            for part in 0..plan.parts {
                if part > 0 {
                    execution.runner.forget(false);
                }
                body.iter().try_for_each(|step| execution.step(step, part))?;
            }
            tail.iter().try_for_each(|step| execution.step(step, 0))
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
            let buffer = self.plan.slots[self.slot(id)].buffer;
            self.buffers[buffer].copy_from_slice(data);
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
        let pulse = self.program.pulse.map(|pulse| Pulse {
            step,
            loss: self.whole(pulse.loss)[0].into(),
            grad_norm: self.whole(pulse.grad_norm)[0].into(),
        });
        for (&(state, value), &swaps) in self.program.updates.iter().zip(&self.swaps) {
            let (state, value) = (self.slot(state), self.slot(value));
            if swaps {
                let (state, value) = (self.plan.slots[state].buffer, self.plan.slots[value].buffer);
                self.buffers.swap(state, value);
            } else {
                copy(&self.plan, &mut self.buffers, value, 0, state, 0);
            }
        }
        self.executed = true;
        if pulse.is_some() {
            self.step = Some(step + 1);
        }
        Ok(pulse)
    }

    fn state(&mut self) -> Result<State, EngineError> {
        let data = self.state.iter().map(|&id| self.whole(id).to_vec()).collect();
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
        if !self.plan.whole[id as usize].is_some_and(|slot| self.plan.slots[slot].is_kept) {
            return Err(EngineError::not_kept(name));
        }
        // What has changed places with a state is in the state's.
        let swapped = self.program.updates.iter().zip(&self.swaps).find(|((_, value), swaps)| **swaps && *value == id);
        let id = swapped.map_or(id, |((state, _), _)| *state);
        Ok(Tensor { shape: tensor.shape, data: self.whole(id).to_vec() })
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

/// A step under way.
struct Execution<'a, R> {
    program: &'a Program,
    plan: &'a Plan,
    buffers: &'a mut [Vec<f32>],
    sums: &'a mut [Sums],
    runner: &'a mut R,
    step: u64,
}

impl<R: Runner> Execution<'_, R> {
    fn step(&mut self, step: &Step, part: u32) -> Result<(), EngineError> {
        match step {
            Step::One(work) => self.work(work, part),
            Step::Maps(maps) => self.maps(maps, part),
        }
    }

    fn maps(&mut self, maps: &[Fused], part: u32) -> Result<(), EngineError> {
        let slots = &self.plan.slots;
        let shape = slots[maps[0].output].shape;
        let length = shape.elements();
        let mut own: [Vec<f32>; MAX_FUSED] = std::array::from_fn(|i| {
            maps.get(i).map_or_else(Vec::new, |map| std::mem::take(&mut self.buffers[slots[map.output].buffer]))
        });
        let mut outs = own.each_mut().map(|own| {
            let length = own.len().min(length as usize);
            &mut own[..length]
        });
        let buffers = &*self.buffers;
        let view = |slot: usize| View::of(&slots[slot], buffers);
        let is_finite = self.runner.run_maps(self.program, maps, &view, &shape, &mut outs[..maps.len()]);
        // The first map's problem is the one to tell, as if they were done one after another.
        let problem = if is_finite {
            None
        } else {
            maps.iter().zip(&outs).find_map(|(map, out)| check_finite(out).err().map(|problem| (map, problem)))
        };
        for (map, own) in maps.iter().zip(own) {
            self.buffers[slots[map.output].buffer] = own;
        }
        problem.map_or(Ok(()), |(map, problem)| {
            let first = if map.is_part { u64::from(part) * length } else { 0 };
            Err(self.error(map.op, self.whole_index(problem, &[], first, part)))
        })
    }

    fn work(&mut self, work: &Work, part: u32) -> Result<(), EngineError> {
        match work {
            Work::Run { op, inputs, output, is_part } => {
                let slot = &self.plan.slots[*output];
                let length = slot.shape.elements();
                let first = if *is_part { u64::from(part) * length } else { 0 };
                let mut own = std::mem::take(&mut self.buffers[slot.buffer]);
                let out = &mut own[..length as usize];
                let result = self.with_views(inputs, |runner, program, _, views| {
                    runner.run(*op, &program.ops[*op].op, views, &slot.shape, first, out)
                });
                self.buffers[slot.buffer] = own;
                result.map_err(|problem| self.error(*op, self.whole_index(problem, inputs, first, part)))
            }
            Work::Add { op, inputs, sums } => {
                let parts = self.plan.parts;
                let result = self.with_views(inputs, |runner, program, all, views| {
                    let node = &program.ops[*op];
                    let output = program.tensors[node.output as usize].shape;
                    runner.add(&node.op, views, &output, parts, &mut all[*sums])
                });
                result.map_err(|problem| self.error(*op, self.whole_index(problem, inputs, 0, part)))
            }
            Work::Finish { op, sums, output } => {
                let slot = &self.plan.slots[*output];
                let out = &mut self.buffers[slot.buffer][..slot.shape.elements() as usize];
                self.sums[*sums].finish(out);
                check_finite(out).map_err(|problem| self.error(*op, problem))
            }
            Work::Load { from, to } => {
                let length = self.plan.slots[*to].shape.elements() as usize;
                copy(self.plan, self.buffers, *from, part as usize * length, *to, 0);
                Ok(())
            }
            Work::Store { from, to } => {
                let length = self.plan.slots[*from].shape.elements() as usize;
                copy(self.plan, self.buffers, *from, 0, *to, part as usize * length);
                Ok(())
            }
        }
    }

    fn with_views<T>(
        &mut self,
        slots: &[usize],
        work: impl FnOnce(&mut R, &Program, &mut [Sums], &[View<'_>]) -> T,
    ) -> T {
        let (slots_of, buffers) = (&self.plan.slots, &*self.buffers);
        let view = |slot: usize| View::of(&slots_of[slot], buffers);
        // Few ops have many inputs; the others should not allocate.
        let mut few = [View::EMPTY; MAX_INPUTS];
        let many: Vec<View<'_>>;
        let views = match few.get_mut(..slots.len()) {
            Some(few) => {
                few.iter_mut().zip(slots).for_each(|(own, &slot)| *own = view(slot));
                &*few
            }
            None => {
                many = slots.iter().map(|&slot| view(slot)).collect();
                &many
            }
        };
        work(self.runner, self.program, self.sums, views)
    }

    /// The same with the index in the whole tensor, for an error in a part, whose output is from element
    /// `first` on.
    fn whole_index(&self, problem: ElementError, inputs: &[usize], first: u64, part: u32) -> ElementError {
        match problem {
            ElementError::NonFinite { index, bits } => ElementError::NonFinite { index: index + first, bits },
            ElementError::BadInteger { input, index, bits, limit } => {
                let slot = &self.plan.slots[inputs[input]];
                let is_part = slot.shape != self.program.tensors[slot.tensor as usize].shape;
                let before = if is_part { u64::from(part) * slot.shape.elements() } else { 0 };
                ElementError::BadInteger { input, index: index + before, bits, limit }
            }
            other => other,
        }
    }

    fn error(&self, op: usize, problem: ElementError) -> EngineError {
        let node = &self.program.ops[op];
        EngineError::Element {
            step: self.step,
            op,
            name: node.op.name(),
            output: self.program.tensors[node.output as usize].name.clone(),
            problem,
        }
    }
}

/// Whether a state and its next value can change places: no other value is kept where they are, and the buffers
/// are of one size.
fn can_swap(program: &Program, plan: &Plan, (state, value): (u32, u32)) -> bool {
    let buffer = |id: u32| plan.whole[id as usize].map(|slot| plan.slots[slot].buffer);
    let (Some(of_state), Some(of_value)) = (buffer(state), buffer(value)) else { return false };
    let kept_there = |buffer| plan.slots.iter().filter(|slot| slot.is_kept && slot.buffer == buffer).count();
    program.tensors[value as usize].kind == TensorKind::Temporary
        && program.updates.iter().filter(|(_, other)| *other == value).count() == 1
        && plan.buffers[of_state] == plan.buffers[of_value]
        && kept_there(of_state) == 1
        && kept_there(of_value) == 1
}

/// Copies as many elements as the smaller slot has, from `first` on, to `place`.
fn copy(plan: &Plan, buffers: &mut [Vec<f32>], from: usize, first: usize, to: usize, place: usize) {
    let (from, to) = (&plan.slots[from], &plan.slots[to]);
    let length = from.shape.elements().min(to.shape.elements()) as usize;
    // Moved out and back, because two places of one vector cannot be borrowed at once.
    let data = std::mem::take(&mut buffers[from.buffer]);
    buffers[to.buffer][place..place + length].copy_from_slice(&data[first..first + length]);
    buffers[from.buffer] = data;
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
