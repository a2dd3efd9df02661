//! The CPU back end: the law's bits, fast, on any number of threads.

mod map;
mod matmul;
mod moves;
mod reduce;

use std::sync::Arc;

use assay_exact::{ElementError, Op, Shape};
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::backend::{Backend, Session};
use crate::error::EngineError;
use crate::program::Program;
use crate::session::{HostSession, Runner, View};

/// Work, in element operations, below which an op is not split over threads.
const GRAIN: usize = 1 << 16;
/// The memory limit unless told otherwise: 8 GiB.
const MEMORY_LIMIT: u64 = 8 << 30;

/// Runs programs on the CPU, in a pool of threads of its own.
///
/// The number of threads changes no bit.
#[derive(Clone, Debug)]
pub struct CpuBackend {
    name: String,
    pool: Arc<ThreadPool>,
    threads: usize,
    grain: usize,
    memory_limit: u64,
}

impl CpuBackend {
    /// A back end of `threads` threads; 0 stands for one per core.
    ///
    /// # Errors
    /// The machine grants no threads.
    pub fn new(threads: usize) -> Result<CpuBackend, EngineError> {
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|i| format!("assay-cpu-{i}"))
            .build()
            .map_err(|error| EngineError::Machine(format!("cannot start threads: {error}")))?;
        let threads = pool.current_num_threads();
        Ok(CpuBackend {
            name: format!("cpu ({threads} thread{})", if threads == 1 { "" } else { "s" }),
            pool: Arc::new(pool),
            threads,
            grain: GRAIN,
            memory_limit: MEMORY_LIMIT,
        })
    }

    /// Splits ops of at least `grain` element operations over the threads (default
    /// 65,536). Only speed depends on it.
    #[must_use]
    pub fn with_grain(mut self, grain: usize) -> CpuBackend {
        self.grain = grain.max(1);
        self
    }

    /// Refuses programs whose tensors take more than this many bytes together
    /// (default 8 GiB).
    #[must_use]
    pub fn with_memory_limit(mut self, bytes: u64) -> CpuBackend {
        self.memory_limit = bytes;
        self
    }
}

impl Backend for CpuBackend {
    fn name(&self) -> &str {
        &self.name
    }

    fn prepare(&self, program: &Program) -> Result<Box<dyn Session>, EngineError> {
        let runner = CpuRunner {
            pool: Arc::clone(&self.pool),
            split: Split { threads: self.threads, grain: self.grain },
            scratch: matmul::Scratch::default(),
        };
        Ok(Box::new(HostSession::new(program, self.memory_limit, runner)?))
    }
}

/// How work is cut.
#[derive(Clone, Copy, Debug)]
struct Split {
    threads: usize,
    grain: usize,
}

impl Split {
    /// Units per part, for `units` units of `cost` element operations each: all of
    /// them where splitting does not pay.
    fn part(self, units: usize, cost: usize) -> usize {
        if self.threads == 1 || units.saturating_mul(cost) < self.grain {
            return units.max(1);
        }
        // A few parts per thread even out threads that are held up.
        units.div_ceil(4 * self.threads).max(1)
    }
}

struct CpuRunner {
    pool: Arc<ThreadPool>,
    split: Split,
    scratch: matmul::Scratch,
}

impl Runner for CpuRunner {
    fn within<T: Send>(&mut self, work: impl FnOnce(&mut Self) -> T + Send) -> T {
        let pool = Arc::clone(&self.pool);
        // One thread needs no hand-over.
        if self.split.threads == 1 { work(self) } else { pool.install(|| work(self)) }
    }

    fn run(&mut self, op: &Op, inputs: &[View<'_>], output: &Shape, out: &mut [f32]) -> Result<(), ElementError> {
        let split = self.split;
        match op {
            Op::Fill { bits } => out.fill(f32::from_bits(*bits)),
            Op::Map(expr) => map::run(expr, inputs, output, out, split),
            Op::Sum { axes } => reduce::sum(inputs[0], *axes, out, split),
            Op::Max { axes } => reduce::max(inputs[0], *axes, out, split),
            Op::Total => out[0] = reduce::total(inputs, split),
            Op::MatMul { transpose_a, transpose_b, precision } => {
                self.scratch.run((inputs[0], *transpose_a), (inputs[1], *transpose_b), *precision, out, split)
            }
            Op::OneHot => moves::one_hot(inputs[0], output, out)?,
            Op::Transpose => moves::transpose(inputs[0], out),
            Op::Reshape => out.copy_from_slice(inputs[0].data),
            Op::Gather => moves::gather(inputs[0], inputs[1], out)?,
            Op::ScatterAdd => moves::scatter_add(inputs[0], inputs[1], output, out)?,
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
