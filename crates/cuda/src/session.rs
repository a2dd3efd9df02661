//! A program on a device.
#![allow(unsafe_code)]

use assay_engine::{
    ElementError, EngineError, Input, Order, Program, Pulse, Session, Shape, SliceOperand, State, StateLayout, Tensor,
    TensorKind,
};
use assay_exact::{Operand, element};

use crate::device::{Device, Launch, Memory};
use crate::expression::Maps;
use crate::plan::{Places, Plan, Planner, arrange, machine};
use crate::source;

/// Bits of a report that hold the element's index; those above hold the op's number.
const INDEX_BITS: u32 = 40;
/// A report of nothing.
const FINE: u64 = u64::MAX;

/// A program whose tensors stay on the device from step to step.
pub(crate) struct DeviceSession<D: Device> {
    device: std::sync::Arc<D>,
    program: Program,
    layout: StateLayout,
    /// The state tensors' numbers in the layout's order.
    state: Vec<u32>,
    order: Order,
    /// The memory of each of the order's buffers; none for those without elements.
    memory: Vec<Option<D::Memory>>,
    /// A step's launches, where values hand their buffers on.
    launches: Option<Plan<D::Kernel>>,
    word: D::Memory,
    roots: D::Memory,
    step_graph: D::Graph,
    hash_graph: D::Graph,
    _scratch: D::Memory,
    step: Option<u64>,
    executed: bool,
}

fn bytes_of(data: &[f32]) -> Vec<u8> {
    data.iter().flat_map(|x| x.to_le_bytes()).collect()
}

impl<D: Device> DeviceSession<D> {
    pub fn new(
        device: std::sync::Arc<D>,
        kernels: &D::Module,
        program: &Program,
        memory_limit: Option<u64>,
    ) -> Result<DeviceSession<D>, EngineError> {
        program.validate()?;
        let limits = device.limits().map_err(machine)?;
        let maps = Maps::of(program);
        // Before anything is compiled, which takes longer than to refuse a program.
        let (order, scratch) = arrange(program, &maps, limits, memory_limit)?;
        let own = if maps.source.is_empty() {
            None
        } else {
            Some(device.compile(&(source::prelude() + &maps.source)).map_err(machine)?)
        };
        let find = |name: &str| match &own {
            Some(module) if name.starts_with("map_") => device.kernel(module, name),
            _ => device.kernel(kernels, name),
        };

        let state = program.canonical_state();
        let allocate = |bytes: u64| device.allocate(bytes).map_err(machine);
        let memory = order
            .buffers
            .iter()
            .map(|&elements| (elements > 0).then(|| allocate(4 * elements)).transpose())
            .collect::<Result<Vec<_>, _>>()?;
        let (scratch, word, roots) = (allocate(scratch)?, allocate(16)?, allocate(32 * state.len().max(1) as u64)?);
        let places = Places {
            buffers: memory.iter().map(|memory| memory.as_ref().map_or(0, Memory::address)).collect(),
            word: word.address(),
            scratch: scratch.address(),
            roots: roots.address(),
        };
        let record = |launches: Vec<Launch<D::Kernel>>| device.record(launches).map_err(machine);
        let planner = || Planner::new(program, &order, &maps, limits, &places, &find);
        let step = planner().step().map_err(machine)?;
        let step_graph = record(step.launches.clone())?;
        let launches = order.after.contains(&None).then_some(step);
        let hash_graph = record(planner().hashes().map_err(machine)?.launches)?;
        Ok(DeviceSession {
            layout: program.state_layout(),
            program: program.clone(),
            device,
            state,
            order,
            memory,
            launches,
            word,
            roots,
            step_graph,
            hash_graph,
            _scratch: scratch,
            step: None,
            executed: false,
        })
    }

    /// The value of tensor `id` in a buffer.
    fn read_at(&self, id: u32, buffer: usize) -> Result<Vec<f32>, EngineError> {
        let Some(memory) = &self.memory[buffer] else { return Ok(vec![]) };
        let bytes = 4 * self.program.tensors[id as usize].shape.elements() as usize;
        let mut data = Vec::new();
        data.try_reserve_exact(bytes)
            .map_err(|_| EngineError::Machine(format!("not enough memory for a tensor of {bytes} bytes")))?;
        data.resize(bytes, 0);
        self.device.read(memory, &mut data).map_err(machine)?;
        Ok(data.chunks_exact(4).map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]])).collect())
    }

    /// The buffer of a tensor that is kept.
    fn buffer(&self, id: u32) -> Result<usize, EngineError> {
        let name = &self.program.tensors[id as usize].name;
        self.order.after[id as usize].ok_or_else(|| EngineError::not_kept(name))
    }

    fn read(&self, id: u32) -> Result<Vec<f32>, EngineError> {
        self.read_at(id, self.buffer(id)?)
    }

    fn write(&self, id: u32, data: &[f32]) -> Result<(), EngineError> {
        match &self.memory[self.buffer(id)?] {
            Some(memory) => self.device.write(memory, &bytes_of(data)).map_err(machine),
            None => Ok(()),
        }
    }

    /// Runs a step on the device: what was reported, and the bits of loss and gradient norm.
    fn run_step(&self, inputs: &[Input<'_>]) -> Result<(u64, [u32; 2]), EngineError> {
        self.program.take_inputs(inputs, |id, data| self.write(id, data))?;
        // SAFETY: the planner gives every kernel the arguments that its source has, with
        // addresses and sizes of memory that this session holds; `own` source is the expressions'.
        unsafe { self.device.run(&self.step_graph) }.map_err(machine)?;
        let mut word = [0; 16];
        self.device.read(&self.word, &mut word).map_err(machine)?;
        let word = u128::from_le_bytes(word);
        Ok((word as u64, [(word >> 64) as u32, (word >> 96) as u32]))
    }

    /// What an op has read in its first run. Where buffers are handed on, all that came before it in the step is
    /// done again: inputs and states are as they were.
    fn inputs_of(&self, number: usize) -> Result<Vec<(Shape, Vec<f32>)>, EngineError> {
        let place = self.order.runs.iter().position(|run| run.op == number);
        let place =
            place.ok_or_else(|| self.at_fault(format!("it reported op {number}, which it was not asked for")))?;
        if let Some(Plan { launches, starts, .. }) = &self.launches {
            let before = self.device.record(launches[..starts[place]].to_vec()).map_err(machine)?;
            // SAFETY: as in `run_step`.
            unsafe { self.device.run(&before) }.map_err(machine)?;
        }
        let ids = &self.program.ops[number].inputs;
        let all = ids.iter().zip(&self.order.runs[place].inputs);
        all.map(|(&id, &buffer)| Ok((self.program.tensors[id as usize].shape, self.read_at(id, buffer)?))).collect()
    }

    /// The law's word on what the device reported.
    fn problem(&self, report: u64, step: u64) -> EngineError {
        let (number, index) = ((report >> INDEX_BITS) as usize, report & ((1 << INDEX_BITS) - 1));
        let Some(node) = self.program.ops.get(number) else {
            return self.at_fault(format!("it reported op {number}, which the program does not have"));
        };
        let shape = |id: u32| self.program.tensors[id as usize].shape;
        let inputs = match self.inputs_of(number) {
            Ok(inputs) => inputs,
            Err(error) => return error,
        };
        let operands: Vec<SliceOperand<'_>> =
            inputs.iter().map(|(shape, data)| SliceOperand::new(*shape, data)).collect();
        let operands: Vec<&dyn Operand> = operands.iter().map(|operand| operand as &dyn Operand).collect();
        let problem = match element(&node.op, &operands, &shape(node.output), index) {
            Err(problem @ (ElementError::NonFinite { .. } | ElementError::BadInteger { .. })) => problem,
            other => {
                return self.at_fault(format!("for element {index} of op {number} the law says {other:?}"));
            }
        };
        let output = self.program.tensors[node.output as usize].name.clone();
        EngineError::Element { step, op: number, name: node.op.name(), output, problem }
    }

    fn at_fault(&self, problem: String) -> EngineError {
        let device = self.device.name();
        EngineError::Machine(format!(
            "{device} computes wrongly: {problem}; do not use it, and go on with the CPU (--backend cpu)"
        ))
    }
}

impl<D: Device> Session for DeviceSession<D> {
    fn program(&self) -> &Program {
        &self.program
    }

    fn load(&mut self, state: &State) -> Result<(), EngineError> {
        self.layout.check(state)?;
        (self.step, self.executed) = (None, false);
        for (&id, (_, _, data)) in self.state.iter().zip(state.tensors()) {
            self.write(id, data)?;
        }
        self.step = Some(state.step());
        Ok(())
    }

    fn execute(&mut self, inputs: &[Input<'_>]) -> Result<Option<Pulse>, EngineError> {
        let step = self.steps()?;
        self.executed = false;
        let ran = self.run_step(inputs);
        let problem = match ran {
            Ok((FINE, [loss, norm])) => {
                self.executed = true;
                return Ok(self.program.pulse.map(|_| {
                    self.step = Some(step + 1);
                    let [loss, grad_norm] = [loss, norm].map(|bits| f32::from_bits(bits).into());
                    Pulse { step, loss, grad_norm }
                }));
            }
            Ok((report, _)) => self.problem(report, step),
            Err(error) => error,
        };
        if matches!(problem, EngineError::Machine(_)) {
            // Nobody knows what is on the device now: no state, no root.
            self.step = None;
        }
        Err(problem)
    }

    fn state(&mut self) -> Result<State, EngineError> {
        let step = self.steps()?;
        let data = self.state.iter().map(|&id| self.read(id)).collect::<Result<_, _>>()?;
        State::from_parts(step, self.layout.clone(), data)
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
        Ok(Tensor { shape: tensor.shape, data: self.read(id)? })
    }

    fn state_root(&mut self) -> Result<[u8; 32], EngineError> {
        let step = self.steps()?;
        // SAFETY: as in `run_step`.
        unsafe { self.device.run(&self.hash_graph) }.map_err(machine)?;
        let mut bytes = vec![0; 32 * self.state.len()];
        self.device.read(&self.roots, &mut bytes).map_err(machine)?;
        let root = |eights: &[u8]| {
            let mut root = [0; 32];
            for (to, four) in root.chunks_exact_mut(4).zip(eights.chunks_exact(4)) {
                // The device writes words as it has them; a hash is their big-endian bytes.
                to.copy_from_slice(&[four[3], four[2], four[1], four[0]]);
            }
            root
        };
        let roots: Vec<[u8; 32]> = bytes.chunks_exact(32).map(root).collect();
        Ok(self.layout.root(step, &roots))
    }
}
