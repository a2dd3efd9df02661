//! Means of simulated quantities, and whether they agree with a formula.

use serde::Serialize;

/// Two-sided 95 % of a normal distribution, in standard errors.
const SURE: f64 = 1.96;

/// A running mean and variance (Welford).
#[derive(Clone, Copy, Debug, Default)]
pub struct Sample {
    count: u64,
    mean: f64,
    squares: f64,
}

impl Sample {
    /// Takes in a value.
    pub fn add(&mut self, value: f64) {
        self.count += 1;
        let off = value - self.mean;
        self.mean += off / self.count as f64;
        self.squares += off * (value - self.mean);
    }

    /// How many values were taken in.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Their mean; 0 of none.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// The standard error of the mean; infinite for less than two values.
    pub fn error(&self) -> f64 {
        match self.count {
            0 | 1 => f64::INFINITY,
            count => (self.squares / (count - 1) as f64 / count as f64).sqrt(),
        }
    }
}

/// What a formula expects of a job's quantity.
#[derive(Clone, Copy, Debug)]
pub struct Expected {
    /// The mean.
    pub mean: f64,
    /// The variance; 0 if the formula gives none.
    pub variance: f64,
}

impl Expected {
    /// A quantity that is `yes` with these odds, and `no` otherwise.
    pub fn either(odds: f64, yes: f64, no: f64) -> Self {
        Self { mean: odds * yes + (1.0 - odds) * no, variance: odds * (1.0 - odds) * (yes - no).powi(2) }
    }
}

impl From<f64> for Expected {
    fn from(mean: f64) -> Self {
        Self { mean, variance: 0.0 }
    }
}

/// A simulated quantity and what a formula says of it, job by job: the formula
/// sees who took part in a job, and not how the dice fell.
#[derive(Clone, Copy, Debug, Default)]
pub struct Compared {
    measured: Sample,
    expected: Sample,
    residual: Sample,
    /// Sum of the jobs' variances, where the formula gives them.
    variances: f64,
}

impl Compared {
    /// Takes in a job's value and the formula's.
    pub fn add(&mut self, measured: f64, expected: Expected) {
        self.measured.add(measured);
        self.expected.add(expected.mean);
        self.residual.add(measured - expected.mean);
        self.variances += expected.variance;
    }

    /// The result under a name.
    pub fn row(&self, attack: &'static str, quantity: &'static str, unit: Unit) -> Row {
        let expected = Some(self.expected.mean());
        let (measured, jobs) = (self.measured.mean(), self.measured.count());
        let (off, mut error) = (self.residual.mean(), self.residual.error());
        if error == 0.0 {
            // It never or always happened: the formula's own spread is the better measure.
            error = self.variances.sqrt() / jobs as f64;
        }
        // Rounding of a quantity that never varies is no disagreement.
        let sigmas = if off.abs() <= 1e-9 * measured.abs().max(1.0) { 0.0 } else { off / error };
        Row { attack, quantity, unit, jobs, measured, half_width: SURE * error, expected, sigmas: Some(sigmas) }
    }
}

impl Sample {
    /// The result under a name, where there is no formula.
    pub fn row(&self, attack: &'static str, quantity: &'static str, unit: Unit) -> Row {
        let (measured, half_width) = (self.mean, SURE * self.error());
        Row { attack, quantity, unit, jobs: self.count, measured, half_width, expected: None, sigmas: None }
    }
}

/// Quantities by name, in the order in which they were first taken down.
#[derive(Default)]
pub struct Meters(Vec<(&'static str, Unit, Compared, bool)>);

impl Meters {
    fn find(&mut self, quantity: &'static str, unit: Unit, has_formula: bool) -> &mut Compared {
        let at = self.0.iter().position(|(name, ..)| *name == quantity).unwrap_or_else(|| {
            self.0.push((quantity, unit, Compared::default(), has_formula));
            self.0.len() - 1
        });
        &mut self.0[at].2
    }

    /// Takes down a job's value and what a formula says of it.
    pub fn compare(&mut self, quantity: &'static str, unit: Unit, measured: f64, expected: impl Into<Expected>) {
        self.find(quantity, unit, true).add(measured, expected.into());
    }

    /// Takes down a job's value that no formula says anything of.
    pub fn note(&mut self, quantity: &'static str, unit: Unit, measured: f64) {
        self.find(quantity, unit, false).measured.add(measured);
    }

    /// The results.
    pub fn rows(&self, attack: &'static str) -> Vec<Row> {
        let row = |(quantity, unit, compared, has_formula): &(&'static str, Unit, Compared, bool)| match has_formula {
            true => compared.row(attack, quantity, *unit),
            false => compared.measured.row(attack, quantity, *unit),
        };
        self.0.iter().map(row).collect()
    }
}

/// What a quantity is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A share of the jobs, `0.0..=1.0`.
    Share,
    /// The contract's unit, per job.
    Money,
    /// A number, per job.
    Count,
}

/// One line of the table.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The attack's name.
    pub attack: &'static str,
    /// What was measured.
    pub quantity: &'static str,
    /// In which unit.
    pub unit: Unit,
    /// Over how many jobs.
    pub jobs: u64,
    /// The mean.
    pub measured: f64,
    /// Half the width of its 95 % confidence interval.
    pub half_width: f64,
    /// What the formula says.
    pub expected: Option<f64>,
    /// How far apart the two are, in standard errors.
    pub sigmas: Option<f64>,
}

impl Row {
    /// Whether the measured mean is within `sigmas` standard errors of the
    /// formula's; true where there is no formula.
    pub fn agrees(&self, sigmas: f64) -> bool {
        self.sigmas.is_none_or(|off| off.abs() <= sigmas)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_and_error_are_those_of_the_textbook() {
        let mut sample = Sample::default();
        for value in [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0] {
            sample.add(value);
        }
        assert_eq!(sample.mean(), 5.0);
        // Sum of squares 32 over seven degrees of freedom, over eight values.
        assert!((sample.error() - (32.0f64 / 7.0 / 8.0).sqrt()).abs() < 1e-12);
    }

    #[test]
    fn a_false_formula_does_not_agree() {
        let mut rng = fastrand::Rng::with_seed(1);
        let (mut right, mut wrong) = (Compared::default(), Compared::default());
        for _ in 0..10_000 {
            let value = f64::from(u8::from(rng.f64() < 0.3));
            right.add(value, 0.3.into());
            wrong.add(value, 0.33.into());
        }
        assert!(right.row("", "", Unit::Share).agrees(3.0));
        assert!(!wrong.row("", "", Unit::Share).agrees(3.0));
    }

    #[test]
    fn what_never_varies_agrees_only_if_it_is_equal() {
        let (mut same, mut other) = (Compared::default(), Compared::default());
        for _ in 0..10 {
            same.add(7.0, 7.0.into());
            other.add(7.0, 7.5.into());
        }
        assert!(same.row("", "", Unit::Count).agrees(3.0));
        assert!(!other.row("", "", Unit::Count).agrees(3.0));
    }

    #[test]
    fn what_is_rare_may_never_happen() {
        let (mut rare, mut often) = (Compared::default(), Compared::default());
        for _ in 0..100 {
            rare.add(0.0, Expected::either(0.01, 1.0, 0.0));
            often.add(0.0, Expected::either(0.2, 1.0, 0.0));
        }
        assert!(rare.row("", "", Unit::Share).agrees(3.0));
        assert!(!often.row("", "", Unit::Share).agrees(3.0));
    }
}
