//! Which jobs an operator takes. Nothing here asks or changes anything.

use assay_client::{Amount, Unit};
use assay_job::JobSpec;
use assay_protocol::Address;
use assay_protocol::market::{JobView, Offer, Standing, State, Windows};
use assay_protocol::registry::share;

/// What an operator asks of a job.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Least payment, after royalties.
    pub min_payment: Amount,
    /// Payment asked for each segment, after royalties.
    pub payment_per_segment: Amount,
    /// Largest stake that a job may lock; `None` for any.
    pub max_stake: Option<Amount>,
    /// Largest data file, in bytes.
    pub max_data_bytes: u64,
    /// Most steps of a job.
    pub max_steps: u64,
    /// Most bytes that all checkpoints of a job may take together.
    pub max_disk_bytes: u64,
    /// Most bytes that the tensors of a job may take in memory at a time.
    pub max_memory_bytes: u64,
    /// Jobs at once.
    pub max_jobs: usize,
    /// Shortest time to train, in seconds.
    pub min_train_seconds: u32,
    /// Shortest time to open leaves and to reveal traces, in seconds: who is
    /// late there loses the stake.
    pub min_window_seconds: u32,
    /// How many times longer than its estimate the training may take.
    pub time_margin: f64,
}

/// Why a job is not taken.
#[derive(Clone, Debug, PartialEq)]
pub enum Refusal {
    /// It pays less than the policy asks.
    Payment {
        /// What it leaves the operator after royalties.
        offered: Amount,
        /// What the policy asks.
        least: Amount,
        /// The option that asks it.
        option: &'static str,
    },
    /// It locks more than the policy allows.
    Stake {
        /// What it locks.
        asked: Amount,
        /// What the policy allows.
        most: Amount,
    },
    /// The operator has not enough free stake.
    FreeStake {
        /// What the job locks.
        asked: Amount,
        /// What is free.
        free: Amount,
    },
    /// A window is shorter than the policy asks.
    Window {
        /// Which.
        name: &'static str,
        /// Its length in seconds.
        seconds: u32,
        /// What the policy asks.
        least: u32,
    },
    /// The operator posted it itself.
    OwnJob,
    /// More of something than the policy allows.
    Size {
        /// Of what, in words.
        what: &'static str,
        /// How much the job needs.
        needs: u64,
        /// What is allowed.
        most: u64,
        /// The option that allows it, or another reason for the limit.
        limit: &'static str,
    },
    /// This machine would not be done in time.
    Slow {
        /// Estimated seconds of training, margin included.
        estimate: f64,
        /// Seconds that the job allows.
        window: u32,
    },
}

impl Refusal {
    /// The refusal in words, with what would change it.
    pub fn describe(&self, unit: &Unit) -> String {
        match self {
            Refusal::Payment { offered, least, option } => format!(
                "it leaves {} after royalties, and {option} asks for {}",
                unit.show(*offered),
                unit.show(*least)
            ),
            Refusal::Stake { asked, most } => {
                format!("it locks {}, more than --max-stake {}", unit.show(*asked), unit.show(*most))
            }
            Refusal::FreeStake { asked, free } => format!(
                "it locks {} and {} of the stake are free; add some with `assay-oracle stake`, or wait for a job to end",
                unit.show(*asked),
                unit.show(*free)
            ),
            Refusal::Window { name, seconds, least } => {
                let option = if *name == "train" { "--min-train-seconds" } else { "--min-window" };
                format!("its {name} window is {seconds} s, less than {option} {least}")
            }
            Refusal::OwnJob => "this account posted it, and nobody may do its own job".into(),
            Refusal::Size { what, needs, most, limit } => format!("it needs {needs} {what}, and {limit} allows {most}"),
            Refusal::Slow { estimate, window } => format!(
                "training would take about {estimate:.0} s here (--time-margin included), and its train window is {window} s"
            ),
        }
    }
}

/// Whether a job waits for an operator and can be claimed now.
pub fn is_claimable(job: &JobView, now: u64) -> bool {
    job.job.state == State::Open && now <= job.job.deadline && job.job.enlisted > u32::from(job.terms.panel)
}

/// What a job's payment leaves its operator, in the contract's unit.
pub fn after_royalties(job: &JobView) -> u128 {
    let royalties = job.royalties.iter().map(|royalty| share(job.terms.payment, royalty.share_bp));
    job.terms.payment.saturating_sub(royalties.sum())
}

impl Policy {
    /// What of this is published on chain, for clients to read before they post.
    pub fn offer(&self, note: String) -> Offer {
        Offer {
            min_payment: self.min_payment.0,
            payment_per_segment: self.payment_per_segment.0,
            max_stake: self.max_stake.map(|most| most.0),
            max_data_bytes: self.max_data_bytes,
            max_steps: self.max_steps,
            max_disk_bytes: self.max_disk_bytes,
            max_memory_bytes: self.max_memory_bytes,
            max_jobs: u32::try_from(self.max_jobs).unwrap_or(u32::MAX),
            min_train_seconds: self.min_train_seconds,
            min_window_seconds: self.min_window_seconds,
            note,
        }
    }

    /// Judges a job by its terms, for `operator` with `standing`.
    ///
    /// # Errors
    /// The first reason not to take it.
    pub fn terms(&self, job: &JobView, operator: &Address, standing: &Standing) -> Result<(), Refusal> {
        let terms = &job.terms;
        if job.job.client == *operator {
            return Err(Refusal::OwnJob);
        }
        let (offered, asked) = (Amount(after_royalties(job)), Amount(terms.stake));
        let for_segments = Amount(self.payment_per_segment.0.saturating_mul(u128::from(terms.segments)));
        let asks = [("--min-payment", self.min_payment), ("--payment-per-segment", for_segments)];
        if let Some((option, least)) = asks.into_iter().find(|(_, least)| offered < *least) {
            return Err(Refusal::Payment { offered, least, option });
        }
        if let Some(most) = self.max_stake.filter(|most| asked > *most) {
            return Err(Refusal::Stake { asked, most });
        }
        self.windows(&terms.windows)?;
        let free = Amount(standing.free());
        if free < asked {
            return Err(Refusal::FreeStake { asked, free });
        }
        Ok(())
    }

    fn windows(&self, windows: &Windows) -> Result<(), Refusal> {
        let checks = [
            ("train", windows.train, self.min_train_seconds),
            ("open", windows.open, self.min_window_seconds),
            ("reveal", windows.reveal, self.min_window_seconds),
        ];
        match checks.into_iter().find(|(_, seconds, least)| seconds < least) {
            Some((name, seconds, least)) => Err(Refusal::Window { name, seconds, least }),
            None => Ok(()),
        }
    }

    /// Judges a job by its specification: `memory` bytes of tensors, `checkpoint`
    /// bytes a checkpoint, with `free_memory` and `free_disk` bytes there are.
    ///
    /// # Errors
    /// The first reason not to take it.
    pub fn size(&self, spec: &JobSpec, need: Need, have: Machine) -> Result<(), Refusal> {
        let size = |what, needs, most, limit| match needs > most {
            true => Err(Refusal::Size { what, needs, most, limit }),
            false => Ok(()),
        };
        size("steps", spec.steps, self.max_steps, "--max-steps")?;
        size("bytes of memory", need.memory, self.max_memory_bytes, "--max-memory-bytes")?;
        if let Some(free) = have.memory {
            size("bytes of memory", need.memory, free, "what this machine has free")?;
        }
        let disk = need.checkpoint.saturating_mul(u64::from(spec.segments()) + 1);
        size("bytes of disk for its checkpoints", disk, self.max_disk_bytes, "--max-disk-bytes")?;
        if let Some(free) = have.disk {
            size("bytes of disk for its checkpoints", disk, free, "the disk that holds the data folder")?;
        }
        Ok(())
    }

    /// Judges a job by this machine's speed, from a trial that took
    /// `seconds_per_step`.
    ///
    /// # Errors
    /// [`Refusal::Slow`].
    pub fn speed(&self, steps: u64, seconds_per_step: f64, windows: &Windows) -> Result<(), Refusal> {
        let estimate = steps as f64 * seconds_per_step * self.time_margin;
        match estimate > f64::from(windows.train) {
            true => Err(Refusal::Slow { estimate, window: windows.train }),
            false => Ok(()),
        }
    }
}

/// What a job needs of a machine, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// The tensors that are held at a time.
    pub memory: u64,
    /// One checkpoint.
    pub checkpoint: u64,
}

/// What a machine has free, in bytes; `None` if it does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Memory.
    pub memory: Option<u64>,
    /// Disk under the data folder.
    pub disk: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_protocol::Hash;
    use assay_protocol::registry::{Node, Royalty};
    use assay_testkit::fixtures::job_view;

    const OPERATOR: Address = Address([1; 20]);

    fn policy() -> Policy {
        Policy {
            min_payment: Amount(100),
            payment_per_segment: Amount(25),
            max_stake: Some(Amount(1_000)),
            max_data_bytes: 1 << 20,
            max_steps: 1_000,
            max_disk_bytes: 10_000,
            max_memory_bytes: 5_000,
            max_jobs: 1,
            min_train_seconds: 60,
            min_window_seconds: 10,
            time_margin: 2.0,
        }
    }

    fn offered() -> JobView {
        let mut job = job_view(State::Open);
        job.terms.payment = 100;
        job.terms.stake = 1_000;
        (job.terms.windows.train, job.terms.windows.open, job.terms.windows.reveal) = (60, 10, 10);
        job.job.enlisted = 3;
        job
    }

    fn standing() -> Standing {
        Standing { stake: 1_500, locked: 500, ..Standing::default() }
    }

    #[test]
    fn a_job_on_every_limit_is_taken() {
        assert_eq!(policy().terms(&offered(), &OPERATOR, &standing()), Ok(()));
    }

    #[test]
    fn a_job_beyond_any_limit_is_not() {
        let unit = Unit { symbol: "UNIT".into(), decimals: 12, native_to_contract: 1_000_000 };
        let refused = |change: fn(&mut JobView), standing: Standing| {
            let mut job = offered();
            change(&mut job);
            policy().terms(&job, &OPERATOR, &standing).unwrap_err().describe(&unit)
        };
        assert!(refused(|job| job.terms.payment = 99, standing()).contains("--min-payment"));
        assert!(refused(|job| job.terms.segments = 5, standing()).contains("--payment-per-segment"));
        let royalty = |job: &mut JobView| {
            let node = Node::Dataset(Hash::default());
            job.royalties = vec![Royalty { node, to: OPERATOR, share_bp: 101 }];
        };
        assert!(refused(royalty, standing()).contains("after royalties"));
        assert!(refused(|job| job.terms.stake = 1_001, standing()).contains("--max-stake"));
        assert!(refused(|job| job.terms.windows.train = 59, standing()).contains("--min-train-seconds 60"));
        assert!(refused(|job| job.terms.windows.open = 9, standing()).contains("open window is 9 s"));
        assert!(refused(|job| job.terms.windows.reveal = 9, standing()).contains("reveal window"));
        assert!(refused(|job| job.job.client = OPERATOR, standing()).contains("posted it"));
        let locked = Standing { locked: 501, ..standing() };
        assert!(refused(|_| (), locked).contains("assay-oracle stake"));
    }

    #[test]
    fn any_stake_will_do_without_a_limit() {
        let mut job = offered();
        job.terms.stake = u128::MAX;
        let rich = Standing { stake: u128::MAX, ..Standing::default() };
        assert_eq!(Policy { max_stake: None, ..policy() }.terms(&job, &OPERATOR, &rich), Ok(()));
    }

    #[test]
    fn only_what_can_be_claimed_now_is_looked_at() {
        assert!(is_claimable(&offered(), 1_000));
        assert!(!is_claimable(&offered(), 1_001), "the deadline has passed by chain time");
        let mut job = offered();
        job.job.enlisted = 2;
        assert!(!is_claimable(&job, 1_000), "one verifier and a panel of two are needed");
        job = offered();
        job.job.state = State::Claimed;
        assert!(!is_claimable(&job, 1_000));
    }

    fn spec() -> JobSpec {
        let model = assay_engine::ModelSpec::Mlp(assay_engine::Mlp {
            inputs: 2,
            hidden: vec![],
            classes: 2,
            activation: assay_engine::Activation::Relu,
        });
        let optimiser =
            assay_engine::OptimiserSpec::Sgd { lr: 0.5.into(), momentum: 0.0.into(), weight_decay: 0.0.into() };
        let training = assay_engine::TrainingSpec::new(model, optimiser, 1);
        let data = assay_job::DataSpec {
            dataset: Hash::default(),
            prepare: assay_data::Csv::plain("a.csv", 1.0).into(),
            prepared: Hash::default(),
            held_out: 0,
        };
        JobSpec::new(training, data, Hash::default(), 1_000, 250).unwrap()
    }

    #[test]
    fn sizes_are_limited_by_the_policy_and_by_the_machine() {
        let (spec, free) = (spec(), Machine { memory: Some(5_000), disk: Some(10_000) });
        let need = Need { memory: 5_000, checkpoint: 2_000 };
        assert_eq!(policy().size(&spec, need, free), Ok(()), "five checkpoints for four segments");
        let what = |result: Result<(), Refusal>| match result {
            Err(Refusal::Size { what, limit, .. }) => (what, limit),
            other => panic!("{other:?}"),
        };
        let long = Policy { max_steps: 999, ..policy() };
        assert_eq!(what(long.size(&spec, need, free)), ("steps", "--max-steps"));
        assert_eq!(what(policy().size(&spec, Need { memory: 5_001, ..need }, free)).1, "--max-memory-bytes");
        assert_eq!(what(policy().size(&spec, Need { checkpoint: 2_001, ..need }, free)).1, "--max-disk-bytes");
        let small = Machine { memory: Some(4_999), disk: Some(10_000) };
        assert!(what(policy().size(&spec, need, small)).1.contains("machine"));
        let full = Machine { memory: None, disk: Some(9_999) };
        assert!(what(policy().size(&spec, need, full)).1.contains("disk"));
        let huge = Need { checkpoint: u64::MAX, ..need };
        assert_eq!(what(policy().size(&spec, huge, Machine { memory: None, disk: None })).1, "--max-disk-bytes");
    }

    #[test]
    fn a_machine_that_is_too_slow_leaves_the_job_to_others() {
        let windows = offered().terms.windows;
        assert_eq!(policy().speed(1_000, 0.03, &windows), Ok(()));
        assert!(matches!(policy().speed(1_000, 0.031, &windows), Err(Refusal::Slow { window: 60, .. })));
    }
}
