//! The seam between step programs and what runs them.

use std::fmt;

use assay_exact::Shape;

use crate::error::EngineError;
use crate::program::Program;
use crate::pulse::Pulse;
use crate::state::State;

/// Values for one input tensor of a program, for one step.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The tensor's name.
    pub name: &'a str,
    /// Its elements, row-major; as many as its shape says, all finite.
    pub data: &'a [f32],
}

impl<'a> Input<'a> {
    /// The elements of the input named `name`.
    #[must_use]
    pub fn new(name: &'a str, data: &'a [f32]) -> Self {
        Input { name, data }
    }
}

/// A tensor's value.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Its shape.
    pub shape: Shape,
    /// Its elements, row-major.
    pub data: Vec<f32>,
}

/// The memory that a program is run in, and what it costs to make do with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Footprint {
    /// Bytes of the values that are held at a time.
    pub bytes: u128,
    /// Parts of the batch that are worked on one after another.
    pub parts: u32,
    /// Ops of the program.
    pub ops: usize,
    /// Ops among them that are done twice, in each part, because there is no room to keep what they give.
    pub again: usize,
}

impl Footprint {
    /// Of all values at the same time.
    #[must_use]
    pub fn of_all(program: &Program) -> Footprint {
        Footprint { bytes: program.memory_bytes(), parts: 1, ops: program.ops.len(), again: 0 }
    }
}

impl fmt::Display for Footprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Footprint { bytes, parts, ops, again } = self;
        let plural = if *parts == 1 { "" } else { "s" };
        write!(f, "{bytes} bytes, in {parts} part{plural}, with {again} of {ops} ops done twice")
    }
}

/// Something that can run step programs: a kind of device and its settings.
///
/// A back end gives, for every program, the bits that `assay_exact::element`
/// defines. It knows nothing about models.
pub trait Backend: Send + Sync {
    /// A short name for logs, such as `cpu (8 threads)`.
    fn name(&self) -> &str;

    /// Checks the program and allocates what running it needs.
    ///
    /// # Errors
    /// The program is invalid, or needs more memory than the back end may use.
    fn prepare(&self, program: &Program) -> Result<Box<dyn Session>, EngineError>;

    /// What running the program would take here. Nothing is allocated for it.
    ///
    /// # Errors
    /// [`EngineError::TooLarge`] if it needs more memory than the back end may use.
    fn footprint(&self, program: &Program) -> Result<Footprint, EngineError> {
        Ok(Footprint::of_all(program))
    }
}

/// A program ready to run, and the state it runs on.
pub trait Session: Send {
    /// The program.
    fn program(&self) -> &Program;

    /// Takes over a state, which must have exactly the program's state tensors (see
    /// [`State::select`] for a program that needs only some of them).
    ///
    /// # Errors
    /// The state belongs to another program.
    fn load(&mut self, state: &State) -> Result<(), EngineError>;

    /// Runs the ops, then the updates of the state. A training program (one with a
    /// pulse) also counts one step and gives the pulse; an inference program gives
    /// `None`.
    ///
    /// # Errors
    /// No state is loaded, an input is wrong, or an op gave something that is not a
    /// number. The state is then as it was before.
    fn execute(&mut self, inputs: &[Input<'_>]) -> Result<Option<Pulse>, EngineError>;

    /// The state after the last step.
    ///
    /// # Errors
    /// No state is loaded.
    fn state(&mut self) -> Result<State, EngineError>;

    /// The number of steps behind the state.
    ///
    /// # Errors
    /// No state is loaded.
    fn steps(&self) -> Result<u64, EngineError>;

    /// The value of any tensor of the program, as the last execution left it.
    /// Temporaries keep their value until the next execution.
    ///
    /// # Errors
    /// There is no tensor of that name, or nothing was executed yet.
    fn tensor(&mut self, name: &str) -> Result<Tensor, EngineError>;

    /// The root of the state. A device may hash its own tensors.
    ///
    /// # Errors
    /// No state is loaded.
    fn state_root(&mut self) -> Result<[u8; 32], EngineError> {
        Ok(self.state()?.root())
    }

    /// One training step.
    ///
    /// # Errors
    /// As [`Session::execute`], and [`EngineError::NoPulse`] for an inference program.
    fn step(&mut self, inputs: &[Input<'_>]) -> Result<Pulse, EngineError> {
        if self.program().pulse.is_none() {
            return Err(EngineError::NoPulse);
        }
        self.execute(inputs)?.ok_or(EngineError::NoPulse)
    }

    /// Inference: runs the program and gives the tensor named `output`.
    ///
    /// # Errors
    /// As [`Session::execute`] and [`Session::tensor`].
    fn run(&mut self, inputs: &[Input<'_>], output: &str) -> Result<Tensor, EngineError> {
        self.execute(inputs)?;
        self.tensor(output)
    }
}
