//! How a program is worked through: in which order, in how many parts of the batch, and with
//! which memory.
//!
//! A plan changes no bit. Where the memory suffices, every tensor has a buffer of its own and
//! keeps its value until the next step. Else tensors whose values are not needed any more hand
//! their buffers on; if that is not enough, values of the forward pass are dropped and computed
//! again (see [`again`]); and if that is not enough, the batch is cut into parts (see `docs/law.md`,
//! "Batches in parts"): what depends on no sample is done once, then what each sample
//! computes by itself is done part by part, with long sums over the samples added up, and
//! then the rest.

mod again;
mod buffers;
mod cut;
mod forms;
mod fuse;
mod order;

use assay_exact::Shape;

pub(crate) use self::fuse::{Fused, MAX_FUSED, Read, Step, expr, fuse};
pub use self::order::{Order, Run};
use crate::error::EngineError;
use crate::program::Program;

/// Bytes of an accumulator.
const SUM_BYTES: u128 = 16;

/// A value of a tensor: whole, or for the part of the batch that is being worked on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    /// Which tensor.
    pub tensor: u32,
    /// Its shape, or a part's.
    pub shape: Shape,
    /// Where it is kept.
    pub buffer: usize,
    /// Whether it is there after the step.
    pub is_kept: bool,
}

/// One thing to do. Numbers are those of slots, of the program's ops and of sums.
#[derive(Clone, Debug)]
pub(crate) enum Work {
    /// An op.
    Run { op: usize, inputs: Vec<usize>, output: usize, is_part: bool },
    /// An op whose addends are added to sums.
    Add { op: usize, inputs: Vec<usize>, sums: usize },
    /// The sums rounded.
    Finish { op: usize, sums: usize, output: usize },
    /// The part of a whole tensor.
    Load { from: usize, to: usize },
    /// A part to its place in a whole tensor.
    Store { from: usize, to: usize },
}

/// See the [module](self).
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Parts of the batch.
    pub parts: u32,
    /// All values.
    pub slots: Vec<Slot>,
    /// By tensor: the slot of its whole value, if there ever is one.
    pub whole: Vec<Option<usize>>,
    /// Elements of each buffer.
    pub buffers: Vec<u64>,
    /// Elements of each set of sums.
    pub sums: Vec<u64>,
    /// Done once.
    pub head: Vec<Work>,
    /// Done for each part.
    pub body: Vec<Work>,
    /// Done once after that.
    pub tail: Vec<Work>,
    /// How many of all works are done a second time.
    pub again: usize,
}

impl Plan {
    /// Every tensor in a buffer of its own.
    pub fn keeping_all(program: &Program) -> Plan {
        let mut plan = cut::cut(program, 1).expect("one part needs no cut");
        plan.give_each_a_buffer();
        plan
    }

    /// With buffers handed on, in `parts` parts.
    ///
    /// # Errors
    /// The batch cannot be cut so.
    pub fn in_parts(program: &Program, parts: u32) -> Result<Plan, EngineError> {
        let mut plan = cut::cut(program, parts)?;
        plan.share_buffers(program);
        Ok(plan)
    }

    /// The first that stays within `limit` bytes: all kept; buffers handed on; values computed again,
    /// by ops that are no matmuls, then by any; the same in ever more parts.
    ///
    /// # Errors
    /// [`EngineError::TooLarge`] with the least that would do.
    pub fn within(program: &Program, limit: u64) -> Result<Plan, EngineError> {
        let limit = u128::from(limit);
        if program.memory_bytes() <= limit {
            return Ok(Plan::keeping_all(program));
        }
        let mut needed = program.memory_bytes();
        let samples = cut::samples(program).unwrap_or(1);
        for parts in (1..=samples).filter(|&parts| samples.is_multiple_of(parts)) {
            match Plan::sharing(program, parts, limit)? {
                Ok(plan) => return Ok(plan),
                Err(least) => needed = needed.min(least),
            }
        }
        Err(EngineError::TooLarge { needed, limit })
    }

    /// The first in `parts` parts that stays within `limit` bytes: buffers handed on; values computed again, by
    /// ops that are no matmuls, then by any. If none does, the least bytes that one of them needs.
    fn sharing(program: &Program, parts: u32, limit: u128) -> Result<Result<Plan, u128>, EngineError> {
        let plain = cut::cut(program, parts)?;
        let again = [true, false].into_iter().flat_map(|keeps_products| {
            let plain = &plain;
            let in_segments = move |segments| plain.computing_again(program, segments, keeps_products);
            again::SEGMENTS.into_iter().filter_map(in_segments)
        });
        let mut least = u128::MAX;
        for mut plan in std::iter::once(plain.clone()).chain(again) {
            plan.share_buffers(program);
            if plan.bytes() <= limit {
                return Ok(Ok(plan));
            }
            least = least.min(plan.bytes());
        }
        Ok(Err(least))
    }

    /// The plan, if it stays within `limit` bytes.
    ///
    /// # Errors
    /// [`EngineError::TooLarge`].
    pub fn checked(self, limit: u64) -> Result<Plan, EngineError> {
        let (needed, limit) = (self.bytes(), u128::from(limit));
        if needed > limit { Err(EngineError::TooLarge { needed, limit }) } else { Ok(self) }
    }

    /// Bytes of all buffers and sums.
    pub fn bytes(&self) -> u128 {
        let elements = |all: &[u64]| all.iter().map(|&count| u128::from(count)).sum::<u128>();
        4 * elements(&self.buffers) + SUM_BYTES * elements(&self.sums)
    }
}
