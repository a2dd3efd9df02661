//! Who takes part in a job, and how they behave.

use crate::formulas::{Crowd, Draw};
use assay_protocol::economics::least_stake;
use assay_protocol::market::{MAX_ROUNDS, Policy, Terms, Windows, majority};
use assay_protocol::{Address, Hash};
use serde::Serialize;

/// How long each state of a job may last, in seconds, but for the window for disputes.
pub(crate) const WINDOW: u32 = 60;
/// How long that lasts.
pub(crate) const DISPUTE_WINDOW: u32 = 600;

/// The simulated market: how many there are, and the terms of every job. Sums are
/// in the contract's unit.
#[derive(Clone, Debug, Serialize)]
pub struct Settings {
    /// Jobs of each attack.
    pub jobs: u32,
    /// Operators.
    pub operators: u32,
    /// Verifiers.
    pub verifiers: u32,
    /// Verifiers that enlist for a job.
    pub enlisted: u32,
    /// Segments of a job.
    pub segments: u32,
    /// Segments that are drawn.
    pub samples: u8,
    /// Seats of a panel; odd, so that a panel whose members all vote decides.
    pub panel: u8,
    /// For the operator.
    pub payment: u128,
    /// For the verifiers together.
    pub fee: u128,
    /// What training a segment costs, and replaying it.
    pub segment_cost: u128,
    /// The operator's stake; `None` for the least that the policy allows.
    pub stake: Option<u128>,
    /// A verifier's bond.
    pub bond: u128,
    /// What a false model that becomes final is worth to a cheat.
    pub gain: u128,
    /// Segments that a cheat falsifies.
    pub false_segments: u32,
    /// Share of the verifiers that are bribed, in basis points.
    pub bribed_bp: u16,
    /// Bonds that each verifier of a colluding client locks.
    pub weight: u32,
    /// Share of turns that honest verifiers miss, in basis points.
    pub idle_bp: u16,
    /// Share of the segments that were not drawn that challengers replay, in basis points.
    pub audited_bp: u16,
    /// Share of the operators that cheat in the mixed market, in basis points.
    pub lazy_bp: u16,
    /// The seed of everything.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            jobs: 1_000,
            operators: 1_000,
            verifiers: 5_000,
            enlisted: 20,
            segments: 24,
            samples: 6,
            panel: 3,
            payment: 1_000_000,
            fee: 240_000,
            segment_cost: 33_000,
            stake: None,
            bond: 400_000,
            gain: 1_000_000,
            false_segments: 1,
            bribed_bp: 2_000,
            weight: 3,
            idle_bp: 1_000,
            audited_bp: 2_500,
            lazy_bp: 3_000,
            seed: 1,
        }
    }
}

impl Settings {
    /// The cheat that every job's stake is to make unprofitable.
    pub fn policy(&self) -> Policy {
        Policy { gain: self.gain, false_segments: self.false_segments, bribed_bp: self.bribed_bp }
    }

    /// The operator's stake in every job; `None` if no stake satisfies the policy.
    pub fn stake(&self) -> Option<u128> {
        // The market refuses a stake of zero.
        self.stake
            .or_else(|| least_stake(&self.policy(), self.segments, self.samples, self.panel))
            .map(|stake| stake.max(1))
    }

    /// Reports of one slot, each answered, that convict the operator.
    pub fn reports(&self) -> u32 {
        majority(self.panel).into()
    }

    /// Draws after which a job is void.
    pub fn rounds(&self) -> u32 {
        self.reports().max(MAX_ROUNDS.into())
    }

    /// The draw that a cheat with so many false segments faces.
    pub fn draw(&self, false_segments: u32) -> Draw {
        Draw { segments: self.segments, false_segments, samples: self.samples.into() }
    }

    /// How many of `count` accounts a share in basis points is, rounded.
    pub fn share_of(count: u32, bp: u16) -> u32 {
        ((u64::from(count) * u64::from(bp) + 5_000) / 10_000) as u32
    }

    /// Why these settings cannot be simulated, and what to change.
    ///
    /// # Errors
    /// A sentence for people.
    pub fn check(&self) -> Result<(), String> {
        let needed = u32::from(self.panel) + u32::from(self.samples) + 2;
        let refuse = |text: &str| Err(text.to_owned());
        if self.panel.is_multiple_of(2) || !(3..=9).contains(&self.panel) {
            return refuse("a panel has 3, 5, 7 or 9 seats here: an even one can fail to decide");
        }
        if self.samples == 0 || self.samples > 16 || u32::from(self.samples) > self.segments {
            return refuse("1 to 16 segments are drawn, and no more than there are: change --samples or --segments");
        }
        if self.segments < 2 || self.segments > 1 << 12 {
            return refuse("a job has 2 to 4,096 segments here: the odds of more depend on shares only");
        }
        if self.false_segments == 0 || self.false_segments > self.segments {
            return refuse("a cheat falsifies at least one segment and at most all: change --false-segments");
        }
        if self.enlisted < needed || self.enlisted > self.verifiers {
            return Err(format!(
                "at least {needed} verifiers must enlist for a job, so that a slot and a panel always find one, and \
                 no more than there are: change --enlisted or --verifiers"
            ));
        }
        let shares = [self.bribed_bp, self.idle_bp, self.audited_bp, self.lazy_bp];
        if shares.iter().any(|share| *share > 10_000) || self.bribed_bp > 9_000 {
            return refuse("shares are at most 100 %, that of bribed verifiers at most 90 %");
        }
        if self.weight == 0 || self.weight > 1_000 {
            return refuse("a colluding client's verifiers lock 1 to 1,000 bonds each: change --weight");
        }
        if self.operators == 0 || self.jobs < 2 {
            return refuse("there must be an operator, and two jobs at least for a confidence interval");
        }
        if [self.payment, self.fee, self.bond, self.gain, self.segment_cost].iter().any(|sum| *sum > 1 << 80)
            || self.payment == 0
            || self.fee == 0
            || self.bond == 0
        {
            return refuse("payment, fee and bond must be above 0, and no sum above 2^80");
        }
        match self.stake() {
            Some(stake) if stake <= 1 << 100 => Ok(()),
            _ => refuse("no stake makes this cheat unprofitable: more samples, fewer bribed verifiers or a --stake"),
        }
    }
}

/// What those who are in league do in a job. The others are honest.
#[derive(Clone, Copy, Debug, Default)]
pub struct Conduct {
    /// Segments that the operator makes up.
    pub false_segments: u32,
    /// Enlisted verifiers that are in league with it.
    pub bribed: u32,
    /// Bonds that each of those locks; 0, as where nobody is bribed, counts as 1.
    pub weight: u32,
    /// Probability that an honest verifier misses a turn to replay a slot.
    pub idle: f64,
    /// Probability that an honest challenger replays a segment that was not drawn.
    pub audited: f64,
    /// A bribed verifier reveals last, and keeps its secret back if the draw is bad.
    pub withholds: bool,
    /// Commitments that the operator tries before it posts one.
    pub roots: u32,
    /// It knows all secrets when it does.
    pub knows_secrets: bool,
    /// The operator serves its false segments to none but the bribed, and answers
    /// what is demanded on chain.
    pub hides: bool,
    /// An accomplice challenges a false segment as soon as an honest verifier has found one.
    pub turns_itself_in: bool,
    /// The bribed report a slot that is served if that convicts the operator.
    pub reports_falsely: bool,
    /// Most true segments that a conspirator challenges to have the operator convicted.
    pub accusations: u32,
}

/// Who takes part in a job.
#[derive(Clone, Debug)]
pub struct Cast {
    /// Pays.
    pub client: Address,
    /// Trains.
    pub operator: Address,
    /// Enlisted, bribed ones last.
    pub verifiers: Vec<Address>,
    /// What they do.
    pub conduct: Conduct,
}

impl Cast {
    /// Whether an enlisted verifier is in league with the operator, or against it.
    pub fn is_bribed(&self, verifier: &Address) -> bool {
        let honest = self.verifiers.len() - self.conduct.bribed as usize;
        self.verifiers[honest..].contains(verifier)
    }

    /// Bonds that `verifier` locks.
    pub fn weight(&self, verifier: &Address) -> u128 {
        if self.is_bribed(verifier) { self.conduct.weight.max(1).into() } else { 1 }
    }

    /// The enlisted verifiers as the formulas see them.
    pub fn crowd(&self) -> Crowd {
        let bribed = self.conduct.bribed;
        let honest = self.verifiers.len() as u32 - bribed;
        Crowd { honest, bribed, weight: self.conduct.weight.max(1).into() }
    }
}

/// What came of a job.
#[derive(Clone, Copy, Debug, Default)]
pub struct Played {
    /// The job is final.
    pub passed: bool,
    /// The operator was convicted.
    pub convicted: bool,
    /// What the operator gained, costs of training included.
    pub operator: f64,
    /// What the enlisted honest verifiers gained together, costs of replaying included.
    pub honest: f64,
    /// What the bribed verifiers and the accomplice gained together; sealing what one is told costs nothing.
    pub conspirators: f64,
    /// What honest challengers gained together, costs of replaying included.
    pub challengers: f64,
    /// What was burned.
    pub burned: f64,
    /// What the accomplice gained who challenges.
    pub accomplice: f64,
    /// A secret was kept back.
    pub withheld: bool,
    /// What who kept it back gained.
    pub withholder: f64,
    /// Turns that verifiers missed.
    pub idle_turns: u32,
    /// Challenges of true segments.
    pub accusations: u32,
}

/// Terms of every job.
pub(crate) fn terms(settings: &Settings, spec: Hash, sealed_secret: Hash) -> Terms {
    Terms {
        spec,
        program: Hash([7; 32]),
        segments: settings.segments,
        payment: settings.payment,
        fee: settings.fee,
        stake: settings.stake().expect("settings are checked"),
        hand_back: 0,
        bond: settings.bond,
        samples: settings.samples,
        panel: settings.panel,
        sealed_secret,
        policy: if settings.stake.is_some() { Policy::default() } else { settings.policy() },
        windows: Windows {
            claim: WINDOW,
            train: WINDOW,
            secrets: WINDOW,
            open: WINDOW,
            attest: WINDOW,
            reveal: WINDOW,
            dispute: DISPUTE_WINDOW,
        },
    }
}
