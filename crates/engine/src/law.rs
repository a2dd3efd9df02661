//! The back end that is nothing but the law.

use assay_exact::{ElementError, Op, Operand, Shape, SliceOperand, element};

use crate::backend::{Backend, Session};
use crate::error::EngineError;
use crate::plan::Plan;
use crate::program::Program;
use crate::session::{HostSession, Runner, View};

/// Computes every element of every op by `assay_exact::element`, one after another.
///
/// Slow (it quantises a row again for every element of a matmul); there to test
/// other back ends against, and to settle what is right.
#[derive(Clone, Copy, Debug, Default)]
pub struct LawBackend;

impl Backend for LawBackend {
    fn name(&self) -> &str {
        "law"
    }

    fn prepare(&self, program: &Program) -> Result<Box<dyn Session>, EngineError> {
        program.validate()?;
        Ok(Box::new(HostSession::new(program, Plan::keeping_all(program).checked(1 << 30)?, LawRunner)?))
    }
}

#[derive(Debug)]
struct LawRunner;

impl Runner for LawRunner {
    fn within<T: Send>(&mut self, work: impl FnOnce(&mut Self) -> T + Send) -> T {
        work(self)
    }

    fn run(
        &mut self,
        _number: usize,
        op: &Op,
        inputs: &[View<'_>],
        output: &Shape,
        _first: u64,
        out: &mut [f32],
    ) -> Result<(), ElementError> {
        let operands: Vec<SliceOperand<'_>> = inputs.iter().map(View::operand).collect();
        let operands: Vec<&dyn Operand> = operands.iter().map(|operand| operand as &dyn Operand).collect();
        for (index, value) in out.iter_mut().enumerate() {
            *value = element(op, &operands, output, index as u64)?;
        }
        Ok(())
    }
}
