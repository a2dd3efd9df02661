//! Which jobs a verifier enlists for.

use assay_engine::{Backend, EngineError};
use assay_job::JobSpec;
use assay_protocol::Address;
use assay_protocol::market::{JobView, State, Terms};

/// What a verifier is ready to put at stake and to compute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Largest bond for one job, in the contract's unit.
    pub max_bond: u128,
    /// Bond to lock where a job asks for less, in the contract's unit: its size is
    /// the weight in the draw.
    pub bond: u128,
    /// Most steps of a segment, which is what one replay takes.
    pub max_steps_per_segment: u32,
    /// Most bytes of a job's data file.
    pub max_data_bytes: u64,
    /// Most jobs at the same time.
    pub max_jobs: usize,
    /// Least fee for one drawn segment, in the contract's unit.
    pub min_fee: u128,
    /// Shortest time to reveal secrets and outcomes and to attest, in seconds:
    /// who is late there loses a tenth of the bond.
    pub min_window_seconds: u32,
    /// Most bytes that the tensors of a job may take in memory at a time.
    pub max_memory_bytes: u64,
}

/// Why a verifier leaves a job alone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It could not be drawn in it.
    #[error("this account is the job's client")]
    OwnJob,
    /// The same account cannot check its own work.
    #[error("this account is the job's operator")]
    OwnWork,
    /// The job asks for more than the policy allows.
    #[error("its bond is above --max-bond")]
    Bond,
    /// Too little for the work.
    #[error("its fee for one segment is below --min-fee")]
    Fee,
    /// It could not be done in time, and that costs the verifier.
    #[error("its {name} window is {seconds} s, less than --min-window {least}")]
    Window {
        /// Which.
        name: &'static str,
        /// Its length in seconds.
        seconds: u32,
        /// The policy's limit.
        least: u32,
    },
    /// A replay would take too much memory.
    #[error("its tensors take {needs} bytes of memory at the least, more than --max-memory-bytes {limit}")]
    Memory {
        /// What the program takes.
        needs: u128,
        /// The policy's limit.
        limit: u64,
    },
    /// This machine would not be done in time.
    #[error(
        "replaying {segments} of its segments would take about {estimate} s here, and its attest window is {window} s"
    )]
    Slow {
        /// Segments that this verifier should be able to replay.
        segments: u32,
        /// Estimated seconds.
        estimate: u64,
        /// The window in seconds.
        window: u32,
    },
    /// Its data does not come.
    #[error("its data is not here after {limit} s")]
    Preparation {
        /// How long was waited, in seconds.
        limit: u64,
    },
    /// A replay would take too long.
    #[error("its segments have {steps} steps, more than --max-steps-per-segment {limit}")]
    Steps {
        /// Steps of one of its segments.
        steps: u32,
        /// The policy's limit.
        limit: u32,
    },
    /// Busy.
    #[error("{limit} jobs are under way, which is --max-jobs")]
    Busy {
        /// The policy's limit.
        limit: usize,
    },
    /// The stake is locked or was never there.
    #[error("its bond is larger than the free stake; add some with `assay-verifier stake`")]
    Stake,
}

impl Refusal {
    /// Whether the same job may be acceptable later.
    pub fn may_pass(&self) -> bool {
        matches!(self, Refusal::Busy { .. } | Refusal::Stake)
    }
}

impl Policy {
    /// Whether to look at the specification of a job that can be enlisted for.
    /// `busy` jobs are under way and `free` stake, in the contract's unit, is left.
    ///
    /// # Errors
    /// Why not.
    pub fn terms(&self, me: &Address, job: &JobView, busy: usize, free: u128) -> Result<(), Refusal> {
        debug_assert!(matches!(job.job.state, State::Open | State::Claimed));
        if job.job.client == *me {
            return Err(Refusal::OwnJob);
        }
        if job.job.operator == Some(*me) {
            return Err(Refusal::OwnWork);
        }
        if job.terms.bond > self.max_bond {
            return Err(Refusal::Bond);
        }
        if job.terms.fee / u128::from(job.terms.samples) < self.min_fee {
            return Err(Refusal::Fee);
        }
        let (windows, least) = (&job.terms.windows, self.min_window_seconds);
        let checks = [("secrets", windows.secrets), ("attest", windows.attest), ("reveal", windows.reveal)];
        if let Some((name, seconds)) = checks.into_iter().find(|(_, seconds)| *seconds < least) {
            return Err(Refusal::Window { name, seconds, least });
        }
        if busy >= self.max_jobs {
            return Err(Refusal::Busy { limit: self.max_jobs });
        }
        if job.terms.bond > free {
            return Err(Refusal::Stake);
        }
        Ok(())
    }

    /// The bond to lock for a job that asks for `least`, with `free` stake left.
    pub fn bond(&self, least: u128, free: u128) -> u128 {
        least.max(self.bond.min(self.max_bond).min(free))
    }

    /// Whether the drawn segments of a job can be replayed in time, if a step
    /// takes `seconds_per_step` here and this verifier gets twice its part of them.
    ///
    /// # Errors
    /// [`Refusal::Slow`].
    pub fn speed(&self, terms: &Terms, segment_steps: u32, seconds_per_step: f64) -> Result<(), Refusal> {
        let segments = 2 * u32::from(terms.samples).div_ceil(1 + u32::from(terms.panel));
        let segments = segments.min(u32::from(terms.samples));
        let estimate = (f64::from(segments) * f64::from(segment_steps) * seconds_per_step).ceil() as u64;
        // The last fifth of the window is for signing.
        let most = u64::from(terms.windows.attest) * 4 / 5;
        match estimate > most {
            true => Err(Refusal::Slow { segments, estimate, window: terms.windows.attest }),
            false => Ok(()),
        }
    }

    /// Whether the work of a job is acceptable, to be replayed on `backend`.
    ///
    /// # Errors
    /// Why not.
    pub fn spec(&self, spec: &JobSpec, backend: &dyn Backend) -> anyhow::Result<()> {
        if spec.segment_steps > self.max_steps_per_segment {
            return Err(Refusal::Steps { steps: spec.segment_steps, limit: self.max_steps_per_segment }.into());
        }
        // Before anything is fetched for it.
        let needs = match backend.footprint(&spec.compile()?) {
            Ok(footprint) => footprint.bytes,
            Err(EngineError::TooLarge { needed, .. }) => needed,
            Err(error) => return Err(error.into()),
        };
        if needs > u128::from(self.max_memory_bytes) {
            return Err(Refusal::Memory { needs, limit: self.max_memory_bytes }.into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{ME, job_view};
    use assay_engine::CpuBackend;

    fn policy() -> Policy {
        Policy {
            max_bond: 100,
            bond: 0,
            max_steps_per_segment: 4,
            max_data_bytes: 1000,
            max_jobs: 2,
            min_fee: 0,
            min_window_seconds: 20,
            max_memory_bytes: 1 << 20,
        }
    }

    #[test]
    fn a_job_within_the_limits_is_taken() {
        let mut job = job_view(State::Open);
        job.terms.bond = 100;
        assert_eq!(policy().terms(&ME, &job, 1, 100), Ok(()));
        assert_eq!(policy().terms(&ME, &job, 2, 100), Err(Refusal::Busy { limit: 2 }));
        assert_eq!(policy().terms(&ME, &job, 0, 99), Err(Refusal::Stake));
        job.terms.bond = 101;
        assert_eq!(policy().terms(&ME, &job, 0, 1000), Err(Refusal::Bond));
    }

    #[test]
    fn a_larger_bond_is_locked_as_far_as_stake_and_limit_go() {
        assert_eq!(policy().bond(10, 1_000), 10);
        let policy = Policy { bond: 80, ..policy() };
        assert_eq!([policy.bond(10, 1_000), policy.bond(90, 1_000), policy.bond(10, 50)], [80, 90, 50]);
        assert_eq!(Policy { bond: 200, ..policy }.bond(10, 1_000), 100);
    }

    #[test]
    fn nobody_checks_its_own_job_or_work() {
        let mut job = job_view(State::Claimed);
        job.job.operator = Some(ME);
        assert_eq!(policy().terms(&ME, &job, 0, 1000), Err(Refusal::OwnWork));
        job.job.client = ME;
        assert_eq!(policy().terms(&ME, &job, 0, 1000), Err(Refusal::OwnJob));
    }

    #[test]
    fn long_segments_are_refused_for_good_and_a_busy_machine_is_not() {
        let spec = crate::test_support::spec(10, 5);
        let backend = CpuBackend::new(1).unwrap();
        let refusal = policy().spec(&spec, &backend).unwrap_err();
        assert!(refusal.to_string().contains("5 steps"));
        assert!(!refusal.downcast::<Refusal>().unwrap().may_pass());
        assert!(Refusal::Busy { limit: 1 }.may_pass());
        policy().spec(&crate::test_support::spec(10, 4), &backend).unwrap();
    }

    #[test]
    fn a_job_that_nobody_can_check_in_time_is_refused() {
        let windows: [fn(&mut JobView) -> &mut u32; 3] = [
            |job| &mut job.terms.windows.secrets,
            |job| &mut job.terms.windows.attest,
            |job| &mut job.terms.windows.reveal,
        ];
        for window in windows {
            let mut job = job_view(State::Open);
            *window(&mut job) = 20;
            assert_eq!(policy().terms(&ME, &job, 0, 1000), Ok(()));
            *window(&mut job) = 19;
            let refusal = policy().terms(&ME, &job, 0, 1000).unwrap_err();
            assert!(refusal.to_string().contains("19 s, less than --min-window 20"), "{refusal}");
            assert!(!refusal.may_pass());
        }
    }

    #[test]
    fn a_job_that_this_machine_is_too_slow_for_is_refused() {
        let mut terms = job_view(State::Open).terms;
        (terms.samples, terms.panel, terms.windows.attest) = (6, 2, 100);
        // Two of six segments are a third's part, and twice that is four: 4 * 10 steps in 80 s.
        assert_eq!(policy().speed(&terms, 10, 2.0), Ok(()));
        let refusal = policy().speed(&terms, 10, 2.1).unwrap_err();
        assert_eq!(refusal, Refusal::Slow { segments: 4, estimate: 84, window: 100 });
        assert!(!refusal.may_pass());
        terms.samples = 1;
        assert_eq!(policy().speed(&terms, 10, 8.0), Ok(()), "never more segments than are drawn");
    }

    #[test]
    fn the_fee_is_judged_by_the_slot() {
        let mut job = job_view(State::Open);
        (job.terms.fee, job.terms.samples) = (99, 10);
        assert_eq!(Policy { min_fee: 9, ..policy() }.terms(&ME, &job, 0, 1000), Ok(()));
        assert_eq!(Policy { min_fee: 10, ..policy() }.terms(&ME, &job, 0, 1000), Err(Refusal::Fee));
    }

    #[test]
    fn a_program_that_does_not_fit_is_refused_before_anything_is_fetched() {
        let small = Policy { max_memory_bytes: 10, ..policy() };
        let backend = CpuBackend::new(1).unwrap().with_memory_limit(10);
        let refusal = small.spec(&crate::test_support::spec(10, 4), &backend).unwrap_err();
        assert!(refusal.to_string().contains("--max-memory-bytes 10"), "{refusal}");
    }
}
