//! Which jobs a verifier enlists for.

use assay_job::JobSpec;
use assay_protocol::Address;
use assay_protocol::market::{JobView, State};

/// What a verifier is ready to put at stake and to compute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Largest bond for one job, in the contract's unit.
    pub max_bond: u128,
    /// Most steps of a segment, which is what one replay takes.
    pub max_steps_per_segment: u32,
    /// Most bytes of a job's data file.
    pub max_data_bytes: u64,
    /// Most jobs at the same time.
    pub max_jobs: usize,
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
        if busy >= self.max_jobs {
            return Err(Refusal::Busy { limit: self.max_jobs });
        }
        if job.terms.bond > free {
            return Err(Refusal::Stake);
        }
        Ok(())
    }

    /// Whether the work of a job is acceptable.
    ///
    /// # Errors
    /// Why not.
    pub fn spec(&self, spec: &JobSpec) -> Result<(), Refusal> {
        if spec.segment_steps > self.max_steps_per_segment {
            return Err(Refusal::Steps { steps: spec.segment_steps, limit: self.max_steps_per_segment });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{ME, job_view};

    fn policy() -> Policy {
        Policy { max_bond: 100, max_steps_per_segment: 4, max_data_bytes: 1000, max_jobs: 2 }
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
        let refusal = policy().spec(&spec).unwrap_err();
        assert!(refusal.to_string().contains("5 steps"));
        assert!(!refusal.may_pass());
        assert!(Refusal::Busy { limit: 1 }.may_pass());
        assert_eq!(policy().spec(&crate::test_support::spec(10, 4)), Ok(()));
    }
}
