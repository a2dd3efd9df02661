//! Who does the work of a segment.

use assay_engine::{Pulse, State};
use assay_job::{JobError, Runner, SegmentRun, Task};

/// Gives the state and the pulses after a segment. The daemon does everything
/// else: claiming, checkpoints, commitment, opening.
///
/// The work must be a function of its arguments: a segment that is lost in a
/// crash is asked for again.
pub trait Trainer: Send + Sync + 'static {
    /// The state after `segment` of `task` from the state before it, and the
    /// pulses of its steps. `on_step` must hear of every step, and stops the
    /// segment by returning `false`: then there is no result.
    ///
    /// # Errors
    /// What the engine or the task says.
    fn segment(
        &self,
        task: &Task,
        runner: &mut Runner<'_>,
        from: &State,
        segment: u32,
        on_step: &mut dyn FnMut(&Pulse) -> bool,
    ) -> Result<Option<SegmentRun>, JobError>;
}

/// Does every step of every segment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Honest;

impl Trainer for Honest {
    fn segment(
        &self,
        _: &Task,
        runner: &mut Runner<'_>,
        from: &State,
        segment: u32,
        on_step: &mut dyn FnMut(&Pulse) -> bool,
    ) -> Result<Option<SegmentRun>, JobError> {
        runner.run(from, segment, on_step)
    }
}
