//! The CPU back end: the law's bits, fast, on any number of threads and with any
//! instructions.

mod alone;
mod instructions;
mod long;
mod map;
mod matmul;
mod moves;
mod parts;
mod random;
mod reduce;
mod split;
mod stores;
mod strided;
mod windows;

use std::sync::Arc;

use assay_exact::{ElementError, Op, Shape};
use rayon::{ThreadPool, ThreadPoolBuilder};

pub use self::alone::{ExactMatMul, Matrix};
pub use self::instructions::Instructions;
use self::instructions::Level;
use self::matmul::{MatMuls, Operand};
use self::split::Split;
use crate::backend::{Backend, Footprint, Session};
use crate::error::EngineError;
use crate::plan::{Fused, Plan};
use crate::program::{OpNode, Program};
use crate::session::{HostSession, Runner, View, check_finite};
use crate::sums::Sums;

/// Work, in element operations, below which an op is not split over threads: some tens of
/// microseconds, several times what handing it over takes.
const GRAIN: usize = 1 << 20;
/// The memory limit unless told otherwise: 8 GiB.
const MEMORY_LIMIT: u64 = 8 << 30;
/// The environment variable that names the instructions to use.
const VARIABLE: &str = "ASSAY_INSTRUCTIONS";

/// Runs programs on the CPU, in a pool of threads of its own.
///
/// Neither the number of threads nor the instructions change a bit.
#[derive(Clone, Debug)]
pub struct CpuBackend {
    name: String,
    pool: Arc<ThreadPool>,
    threads: usize,
    grain: usize,
    level: Level,
    memory_limit: u64,
    parts: Option<u32>,
}

impl CpuBackend {
    /// A back end of `threads` threads; 0 stands for one per core. It uses the fastest
    /// instructions that the machine has, or those that the environment variable
    /// `ASSAY_INSTRUCTIONS` names (see [`Instructions::name`]).
    ///
    /// # Errors
    /// The machine grants no threads, or lacks the instructions that the variable names.
    pub fn new(threads: usize) -> Result<CpuBackend, EngineError> {
        let level = match std::env::var(VARIABLE) {
            Ok(name) => name
                .parse()
                .and_then(Level::of)
                .map_err(|error| EngineError::Machine(format!("{VARIABLE}: {error}")))?,
            Err(std::env::VarError::NotPresent) => Level::best(),
            Err(error) => return Err(EngineError::Machine(format!("{VARIABLE}: {error}"))),
        };
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|i| format!("assay-cpu-{i}"))
            .build()
            .map_err(|error| EngineError::Machine(format!("cannot start threads: {error}")))?;
        let threads = pool.current_num_threads();
        let backend = CpuBackend {
            name: String::new(),
            pool: Arc::new(pool),
            threads,
            grain: GRAIN,
            level,
            memory_limit: MEMORY_LIMIT,
            parts: None,
        };
        Ok(backend.named())
    }

    fn named(mut self) -> CpuBackend {
        let plural = if self.threads == 1 { "" } else { "s" };
        self.name = format!("cpu ({} thread{plural}, {})", self.threads, self.level.get());
        self
    }

    fn split(&self) -> Split {
        Split { threads: self.threads, grain: self.grain, level: self.level }
    }

    /// Uses these instructions. Only speed depends on it.
    ///
    /// # Errors
    /// The machine lacks them.
    pub fn with_instructions(mut self, instructions: Instructions) -> Result<CpuBackend, EngineError> {
        self.level = Level::of(instructions)?;
        Ok(self.named())
    }

    /// The instructions it uses.
    #[must_use]
    pub fn instructions(&self) -> Instructions {
        self.level.get()
    }

    /// Splits ops of at least `grain` element operations over the threads (default
    /// 1,048,576). Only speed depends on it.
    #[must_use]
    pub fn with_grain(mut self, grain: usize) -> CpuBackend {
        self.grain = grain.max(1);
        self
    }

    /// Stays within this many bytes for the tensors of a program (default 8 GiB), or refuses it. Where
    /// they do not fit together, values that are not needed any more make room for others
    /// ([`Session::tensor`] has the outputs only), some are computed twice, and the batch is cut into
    /// parts ([`Backend::footprint`] says which); that changes no bit. What the back end packs for
    /// its matmuls comes on top.
    #[must_use]
    pub fn with_memory_limit(mut self, bytes: u64) -> CpuBackend {
        self.memory_limit = bytes;
        self
    }
}

impl CpuBackend {
    fn plan(&self, program: &Program) -> Result<Plan, EngineError> {
        match self.parts {
            None => Plan::within(program, self.memory_limit),
            Some(parts) => Plan::in_parts(program, parts)?.checked(self.memory_limit),
        }
    }

    /// Works on the batch in this many parts, whether the memory needs it or not, and computes
    /// nothing again.
    #[must_use]
    pub fn with_parts(mut self, parts: u32) -> CpuBackend {
        self.parts = Some(parts);
        self
    }
}

impl Backend for CpuBackend {
    fn name(&self) -> &str {
        &self.name
    }

    fn prepare(&self, program: &Program) -> Result<Box<dyn Session>, EngineError> {
        program.validate()?;
        // Where no op is worth splitting, no thread is woken.
        let is_large = |node: &OpNode| cost(program, node) >= self.grain;
        let split = if program.ops.iter().any(is_large) { self.split() } else { self.split().alone() };
        let runner = CpuRunner {
            pool: Arc::clone(&self.pool),
            split,
            matmuls: MatMuls::new(program, self.level),
            lists: moves::Lists::default(),
        };
        Ok(Box::new(HostSession::new(program, self.plan(program)?, runner)?))
    }

    fn footprint(&self, program: &Program) -> Result<Footprint, EngineError> {
        program.validate()?;
        let plan = self.plan(program)?;
        Ok(Footprint { bytes: plan.bytes(), parts: plan.parts, ops: program.ops.len(), again: plan.again })
    }
}

/// What an op takes, in element operations.
fn cost(program: &Program, node: &OpNode) -> usize {
    let shape = |id: u32| &program.tensors[id as usize].shape;
    let elements = |shape: &Shape| usize::try_from(shape.elements()).unwrap_or(usize::MAX);
    let output = elements(shape(node.output));
    match &node.op {
        Op::Map(expr) => output.saturating_mul(map::cost(expr)),
        Op::MatMul { transpose_a, .. } | Op::BlockMatMul { transpose_a, .. } => {
            let k = shape(node.inputs[0]).from_right(usize::from(*transpose_a)) as usize;
            matmul::cost(output, k)
        }
        _ => node.inputs.iter().map(|&id| elements(shape(id))).fold(output, usize::saturating_add).saturating_mul(2),
    }
}

struct CpuRunner {
    pool: Arc<ThreadPool>,
    split: Split,
    matmuls: MatMuls,
    lists: moves::Lists,
}

impl Runner for CpuRunner {
    /// What is smaller stays in the caches between two maps.
    fn fuses_from(&self) -> Option<u64> {
        Some(self.split.grain as u64 / 64)
    }

    fn within<T: Send>(&mut self, work: impl FnOnce(&mut Self) -> T + Send) -> T {
        let pool = Arc::clone(&self.pool);
        // One thread needs no hand-over.
        if self.split.threads == 1 { work(self) } else { pool.install(|| work(self)) }
    }

    fn forget(&mut self, all: bool) {
        self.matmuls.forget(all);
    }

    fn run(
        &mut self,
        number: usize,
        op: &Op,
        inputs: &[View<'_>],
        output: &Shape,
        first: u64,
        out: &mut [f32],
    ) -> Result<(), ElementError> {
        let split = self.split;
        // What only moves numbers gives numbers.
        let is_finite = match op {
            Op::Fill { bits } => {
                out.fill(f32::from_bits(*bits));
                f32::from_bits(*bits).is_finite()
            }
            Op::Map(expr) => map::run(expr, inputs, output, out, split),
            Op::Sum { axes } => reduce::sum(inputs[0], *axes, out, split),
            Op::Max { axes } => reduce::max(inputs[0], *axes, out, split),
            Op::Total => {
                out[0] = reduce::total(inputs, split);
                out[0].is_finite()
            }
            Op::MatMul { transpose_a, transpose_b, precision } => {
                let operands = [(inputs[0], *transpose_a), (inputs[1], *transpose_b)];
                let operands = operands.map(|(view, transposed)| Operand { view, transposed });
                self.matmuls.run(number, operands, *precision, out, split)
            }
            Op::OneHot => moves::one_hot(inputs[0], output, out)?,
            Op::Transpose => moves::transpose(inputs[0], out, split),
            Op::Reshape => moves::copy(inputs[0].data, out, split),
            Op::Gather => moves::gather(inputs[0], inputs[1], out, split)?,
            Op::ScatterAdd | Op::LongScatterAdd => {
                let is_long = *op == Op::LongScatterAdd;
                moves::scatter_add([inputs[0], inputs[1]], is_long, output, out, &mut self.lists, split)?
            }
            Op::Permute { order } => strided::permute(inputs[0], *order, output, out, split),
            Op::Slice { axis, start } => strided::slice(inputs[0], *axis, *start, output, out, split),
            Op::Concat { axis } => strided::concat(inputs, *axis, output, out, split),
            Op::Patches(window) => windows::patches(inputs[0], *window, out, split),
            Op::Fold(window) => windows::fold(inputs[0], *window, output, out, split),
            Op::Iota { axis } => strided::iota(*axis, output, out),
            Op::Random { stream } => random::run(inputs[0], *stream, first, out, split)?,
            Op::LongSum { axes } => reduce::long_sum(inputs[0], *axes, out, split),
            Op::BlockMatMul { transpose_a, transpose_b, precision, block } => {
                let operands = [(inputs[0], *transpose_a), (inputs[1], *transpose_b)];
                let operands = operands.map(|(view, transposed)| Operand { view, transposed });
                self.matmuls.run_blocks(operands, *precision, *block as usize, out, split)
            }
        };
        if is_finite { Ok(()) } else { check_finite(out) }
    }

    fn run_maps<'v>(
        &mut self,
        program: &Program,
        maps: &[Fused],
        view: &dyn Fn(usize) -> View<'v>,
        output: &Shape,
        outs: &mut [&mut [f32]],
    ) -> bool {
        map::run_all(program, maps, view, output, outs, self.split)
    }

    fn add(
        &mut self,
        op: &Op,
        inputs: &[View<'_>],
        output: &Shape,
        parts: u32,
        sums: &mut Sums,
    ) -> Result<(), ElementError> {
        let (split, parts) = (self.split, u64::from(parts));
        match op {
            Op::LongSum { axes } => {
                parts::long_sum(inputs[0], *axes, inputs[0].shape.reduction_count(*axes) * parts, sums, split);
            }
            Op::LongScatterAdd => {
                let count = inputs[1].shape.elements() * parts;
                parts::long_scatter_add([inputs[0], inputs[1]], output, count, sums, split)?;
            }
            Op::BlockMatMul { transpose_a, transpose_b, precision, block } => {
                let operands = [(inputs[0], *transpose_a), (inputs[1], *transpose_b)];
                let operands = operands.map(|(view, transposed)| Operand { view, transposed });
                let count = u64::from(inputs[0].shape.dims()[0].div_ceil(*block)) * parts;
                self.matmuls.add_blocks(operands, *precision, *block as usize, count, sums, split);
            }
            _ => unreachable!("{} is not added up over parts", op.name()),
        }
        Ok(())
    }
}

/// `2^k` as binary64, for `-1022 <= k <= 1023`.
fn power_of_two(k: i32) -> f64 {
    f64::from_bits(((k + 1023) as u64) << 52)
}

/// `x * 2^k` rounded once, as `assay_exact::scalar::ldexp`: the product is exact in
/// binary64 for `|k| <= 800`, so the conversion is the one rounding.
fn ldexp(x: f32, k: i32) -> f32 {
    (f64::from(x) * power_of_two(k)) as f32
}
