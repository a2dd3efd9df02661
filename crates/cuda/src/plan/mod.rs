//! From a program to launches.

mod hash;
mod matmul;
mod moves;
mod reduce;

use assay_engine::{EngineError, Op, OpNode, Order, Program, Run, Shape, TensorKind};

use crate::device::{Arguments, DeviceError, Launch, Limits};
use crate::expression::{Access, Maps};

/// Threads of a block, where nothing else is said.
const BLOCK: u32 = 256;
/// Blocks per multiprocessor that a loop over a grid is spread over.
const BLOCKS_PER_MULTIPROCESSOR: u64 = 32;
/// What scratch memory is aligned to.
const ALIGNMENT: u64 = 256;

/// Finds a kernel by its name.
pub(crate) type Find<'a, K> = &'a dyn Fn(&str) -> Result<K, DeviceError>;

/// Where everything of a program is on the device.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// The address of each of the order's buffers; 0 for one without elements.
    pub buffers: Vec<u64>,
    /// Two words: the report of a failed op, then loss and gradient norm.
    pub word: u64,
    /// Memory that an op may use while it runs. With 0, launches are only good for counting.
    pub scratch: u64,
    /// The roots of the state tensors, 32 bytes each.
    pub roots: u64,
}

/// Collects launches.
pub(crate) struct Planner<'a, K> {
    program: &'a Program,
    order: &'a Order,
    maps: &'a Maps,
    limits: Limits,
    places: &'a Places,
    find: Find<'a, K>,
    launches: Vec<Launch<K>>,
    /// By run of an op: how many launches are before it.
    starts: Vec<usize>,
    /// Scratch memory that the present op has taken, and the most that one took.
    scratch: (u64, u64),
    /// What errors of the present op are reported as.
    report: [u64; 2],
}

/// An op's tensors.
#[derive(Clone, Copy)]
struct Tensor {
    shape: Shape,
    address: u64,
}

impl Tensor {
    fn elements(&self) -> u64 {
        self.shape.elements()
    }
}

/// Launches, and the scratch memory that they need.
pub(crate) struct Plan<K> {
    pub launches: Vec<Launch<K>>,
    /// By run of an op: how many launches are before it.
    pub starts: Vec<usize>,
    pub scratch: u64,
}

/// Whose memory each tensor is in where every value is kept: a reshaped temporary or input shares that
/// of what it was, since nothing changes either of them within a step.
fn owners(program: &Program) -> Vec<usize> {
    let mut owner: Vec<usize> = (0..program.tensors.len()).collect();
    for node in &program.ops {
        let of = node.inputs.first().map(|&id| (id, program.tensors[id as usize].kind));
        if let (Op::Reshape, Some((id, TensorKind::Input | TensorKind::Temporary))) = (&node.op, of) {
            owner[node.output as usize] = owner[id as usize];
        }
    }
    owner
}

/// Every value in a buffer of its own, or that of the value that it is a shape of; if they take at most `limit`
/// bytes together.
fn keeping_all(program: &Program, limit: u128) -> Option<Order> {
    let owner = owners(program);
    let own = |id: usize| owner[id] == id;
    let wide = program.tensors.iter().enumerate().filter(|(id, _)| own(*id));
    if wide.map(|(_, tensor)| 4 * tensor.shape.elements_wide()).sum::<u128>() > limit {
        return None;
    }
    let buffer = |id: &u32| owner[*id as usize];
    let run = |(op, node): (usize, &OpNode)| {
        own(node.output as usize).then(|| Run {
            op,
            inputs: node.inputs.iter().map(buffer).collect(),
            output: node.output as usize,
        })
    };
    Some(Order {
        runs: program.ops.iter().enumerate().filter_map(run).collect(),
        buffers: program
            .tensors
            .iter()
            .enumerate()
            .map(|(id, tensor)| if own(id) { tensor.shape.elements() } else { 0 })
            .collect(),
        after: owner.iter().copied().map(Some).collect(),
        again: 0,
    })
}

/// The scratch memory that a step and the hashes of its states need in this order.
fn scratch(program: &Program, order: &Order, maps: &Maps, limits: Limits) -> Result<u64, DeviceError> {
    // Neither addresses nor kernels change what is launched.
    let nowhere = Places { buffers: vec![0; order.buffers.len()], word: 0, scratch: 0, roots: 0 };
    let planner = || Planner::new(program, order, maps, limits, &nowhere, &|_| Ok(()));
    Ok(planner().step()?.scratch.max(planner().hashes()?.scratch).max(1))
}

/// In which order a program is run within the device's memory and `limit` bytes of it, and how many are scratch
/// memory.
///
/// # Errors
/// [`EngineError::TooLarge`].
pub(crate) fn arrange(
    program: &Program,
    maps: &Maps,
    limits: Limits,
    limit: Option<u64>,
) -> Result<(Order, u64), EngineError> {
    let limit = limit.map_or(limits.memory, |limit| limit.min(limits.memory));
    let too_large = |needed| EngineError::TooLarge { needed, limit: limit.into() };
    let all = keeping_all(program, limit.into());
    let order = all.map_or_else(|| Order::within(program, limit), Ok)?;
    let own = scratch(program, &order, maps, limits).map_err(machine)?;
    if order.bytes() + u128::from(own) <= u128::from(limit) {
        return Ok((order, own));
    }
    let left = limit.checked_sub(own).ok_or_else(|| too_large(order.bytes() + u128::from(own)))?;
    let order = Order::within(program, left).map_err(|error| match error {
        EngineError::TooLarge { needed, .. } => too_large(needed + u128::from(own)),
        other => other,
    })?;
    Ok((order, own))
}

pub(crate) fn machine(error: DeviceError) -> EngineError {
    EngineError::Machine(error.to_string())
}

impl<'a, K> Planner<'a, K> {
    pub fn new(
        program: &'a Program,
        order: &'a Order,
        maps: &'a Maps,
        limits: Limits,
        places: &'a Places,
        find: Find<'a, K>,
    ) -> Planner<'a, K> {
        let report = [places.word, 0];
        let (launches, starts) = (vec![], vec![]);
        Planner { program, order, maps, limits, places, find, launches, starts, scratch: (0, 0), report }
    }

    /// A whole step: the ops, the updates of the state, the pulse.
    pub fn step(mut self) -> Result<Plan<K>, DeviceError> {
        let word = self.places.word;
        self.launch("begin", [1; 3], &[&[word]])?;
        for run in &self.order.runs {
            self.scratch.0 = 0;
            self.report = [word, (run.op as u64) << 40];
            self.starts.push(self.launches.len());
            self.op(run)?;
        }
        for &(state, value) in &self.program.updates {
            let (state, value) = (self.tensor(state), self.tensor(value));
            self.over("update", state.elements(), &[&[value.address], &[state.address], &[state.elements()], &[word]])?;
        }
        if let Some(pulse) = self.program.pulse {
            let (loss, norm) = (self.tensor(pulse.loss).address, self.tensor(pulse.grad_norm).address);
            self.launch("pulse", [1; 3], &[&[word], &[loss], &[norm]])?;
        }
        Ok(self.done())
    }

    fn done(self) -> Plan<K> {
        Plan { launches: self.launches, starts: self.starts, scratch: self.scratch.1 }
    }

    /// A tensor in a buffer.
    fn at(&self, id: u32, buffer: usize) -> Tensor {
        Tensor { shape: self.program.tensors[id as usize].shape, address: self.places.buffers[buffer] }
    }

    /// A tensor after the step.
    fn tensor(&self, id: u32) -> Tensor {
        self.at(id, self.order.after[id as usize].expect("updates, pulse and states are kept"))
    }

    /// Memory for the present op.
    fn scratch(&mut self, bytes: u64) -> u64 {
        let at = self.places.scratch + self.scratch.0;
        self.scratch.0 += bytes.next_multiple_of(ALIGNMENT);
        self.scratch.1 = self.scratch.1.max(self.scratch.0);
        at
    }

    /// Scratch memory for `count` words of 32 bits, all of them `value`.
    fn filled(&mut self, count: u64, value: u32) -> Result<u64, DeviceError> {
        let at = self.scratch(4 * count);
        self.over("fill_words", count, &[&[at], &[count], &[u64::from(value)]])?;
        Ok(at)
    }

    fn launch_shaped(
        &mut self,
        name: &str,
        grid: [u32; 3],
        block: [u32; 3],
        shared: u32,
        arguments: &[&[u64]],
    ) -> Result<(), DeviceError> {
        let kernel = (self.find)(name)?;
        let arguments = arguments.iter().fold(Arguments::default(), |all, words| all.with(words));
        self.launches.push(Launch { kernel, grid, block, shared, arguments });
        Ok(())
    }

    fn launch(&mut self, name: &str, grid: [u32; 3], arguments: &[&[u64]]) -> Result<(), DeviceError> {
        self.launch_shaped(name, grid, [BLOCK, 1, 1], 0, arguments)
    }

    /// A kernel that loops over its grid, for `count` threads' worth of work; nothing for none.
    fn over(&mut self, name: &str, count: u64, arguments: &[&[u64]]) -> Result<(), DeviceError> {
        self.over_blocks(name, count.div_ceil(u64::from(BLOCK)), arguments)
    }

    /// The same for `blocks` blocks' worth.
    fn over_blocks(&mut self, name: &str, blocks: u64, arguments: &[&[u64]]) -> Result<(), DeviceError> {
        let most = u64::from(self.limits.multiprocessors) * BLOCKS_PER_MULTIPROCESSOR;
        if blocks == 0 {
            return Ok(());
        }
        self.launch(name, [blocks.min(most) as u32, 1, 1], arguments)
    }

    fn op(&mut self, run: &Run) -> Result<(), DeviceError> {
        let node = &self.program.ops[run.op];
        let out = self.at(node.output, run.output);
        if out.elements() == 0 {
            return Ok(());
        }
        let inputs: Vec<Tensor> = node.inputs.iter().zip(&run.inputs).map(|(&id, &place)| self.at(id, place)).collect();
        match &node.op {
            Op::Fill { bits } => {
                let report = self.report;
                self.over("fill", out.elements(), &[&[out.address], &[out.elements()], &[u64::from(*bits)], &report])
            }
            Op::Map(_) => self.map(run.op, &inputs, out),
            Op::Sum { axes } => self.sum(inputs[0], *axes, out),
            Op::Max { axes } => self.max(inputs[0], *axes, out),
            Op::Total => self.total(&inputs, out),
            Op::LongSum { axes } => self.long_sum(inputs[0], *axes, out),
            Op::MatMul { transpose_a, transpose_b, precision } => {
                self.matmul([inputs[0], inputs[1]], [*transpose_a, *transpose_b], *precision, None, out)
            }
            Op::BlockMatMul { transpose_a, transpose_b, precision, block } => {
                let block = Some(u64::from(*block));
                self.matmul([inputs[0], inputs[1]], [*transpose_a, *transpose_b], *precision, block, out)
            }
            Op::ScatterAdd => self.scatter("scatter_sum", inputs[0], inputs[1], out),
            Op::LongScatterAdd => self.scatter("scatter_long", inputs[0], inputs[1], out),
            op => self.moved(op, &inputs, out),
        }
    }

    fn map(&mut self, number: usize, inputs: &[Tensor], out: Tensor) -> Result<(), DeviceError> {
        let mut arguments = vec![vec![out.address], vec![out.elements()], self.report.to_vec()];
        for input in inputs {
            arguments.push(vec![input.address]);
            let words = Access::of(&input.shape, &out.shape).words();
            if !words.is_empty() {
                arguments.push(words);
            }
        }
        let arguments: Vec<&[u64]> = arguments.iter().map(Vec::as_slice).collect();
        let maps = self.maps;
        self.over(&maps.kernel_of[&number], out.elements(), &arguments)
    }
}

/// Two words of 32 bits as they lie in memory.
fn pair(first: u32, second: u32) -> u64 {
    u64::from(second) << 32 | u64::from(first)
}
