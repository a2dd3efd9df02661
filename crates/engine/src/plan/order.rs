//! Plans for back ends that hold values in memory of their own.

use super::{Plan, Work};
use crate::error::EngineError;
use crate::program::Program;

/// One run of an op.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The op's number in the program.
    pub op: usize,
    /// The buffers of its inputs, in their order.
    pub inputs: Vec<usize>,
    /// The buffer of its output.
    pub output: usize,
}

/// In which order a program's ops are run, and in which buffer each value is. No bit depends on it.
///
/// A buffer may hold one value after another, and is as large as the largest. Inputs and states
/// have buffers of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// What is run; an op may be run more than once.
    pub runs: Vec<Run>,
    /// By tensor: the buffer of its value after the step (that of inputs and states before it, too);
    /// `None` for what is not kept so long.
    pub after: Vec<Option<usize>>,
    /// Elements of each buffer.
    pub buffers: Vec<u64>,
    /// How many runs are a second one.
    pub again: usize,
}

impl Order {
    /// The first that stays within `limit` bytes: buffers handed on; values computed again. The
    /// batch is not cut into parts.
    ///
    /// # Errors
    /// [`EngineError::TooLarge`] with the least that would do.
    pub fn within(program: &Program, limit: u64) -> Result<Order, EngineError> {
        let limit = u128::from(limit);
        let plan = Plan::sharing(program, 1, limit)?.map_err(|needed| EngineError::TooLarge { needed, limit })?;
        let buffer = |slot: usize| plan.slots[slot].buffer;
        let run = |work: &Work| match work {
            Work::Run { op, inputs, output, .. } => {
                Run { op: *op, inputs: inputs.iter().map(|&slot| buffer(slot)).collect(), output: buffer(*output) }
            }
            _ => unreachable!("a batch in one part is neither cut nor added up"),
        };
        let runs = plan.head.iter().chain(&plan.body).chain(&plan.tail).map(run).collect();
        let kept = |slot: &Option<usize>| slot.filter(|&slot| plan.slots[slot].is_kept).map(buffer);
        let after = plan.whole.iter().map(kept).collect();
        Ok(Order { runs, after, buffers: plan.buffers, again: plan.again })
    }

    /// Bytes of all buffers.
    #[must_use]
    pub fn bytes(&self) -> u128 {
        4 * self.buffers.iter().map(|&elements| u128::from(elements)).sum::<u128>()
    }
}
