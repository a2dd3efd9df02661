//! Labelled rows, their order, and what is done with them.

use assay_exact::order::{permute, sample_at};
use assay_exact::philox;

use crate::backend::{Backend, Input, Session};
use crate::error::EngineError;
use crate::hash::philox_key;
use crate::program::Program;
use crate::pulse::Pulse;
use crate::state::{ORDER_STREAM, SPLIT_STREAM, State};

/// Rows of features with a class each.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    features: Vec<f32>,
    labels: Vec<u32>,
    width: usize,
}

impl Dataset {
    /// Reads comma-separated numbers without a header: features, then the class as an
    /// integer in `0..classes`. Every feature is divided by `divisor` (one rounding).
    ///
    /// # Errors
    /// The table is empty or ragged, or a value is not a finite number or not a
    /// class; the row and the column, from 1, are named.
    pub fn from_csv(text: &str, classes: u32, divisor: f32) -> Result<Dataset, EngineError> {
        if !divisor.is_finite() || divisor == 0.0 {
            return Err(EngineError::Data(format!("features cannot be divided by {divisor}")));
        }
        let mut data = Dataset { features: Vec::new(), labels: Vec::new(), width: 0 };
        for (row, line) in text.lines().enumerate() {
            let columns = line.split(',').count();
            if row == 0 {
                data.width = columns - 1;
            }
            if columns != data.width + 1 || columns < 2 {
                return Err(EngineError::Data(format!(
                    "row {}: {columns} columns, expected {}",
                    row + 1,
                    (data.width + 1).max(2)
                )));
            }
            for (column, field) in line.split(',').enumerate() {
                let wrong = |needs: &str| {
                    let field: String = field.chars().take(40).collect();
                    let (row, column) = (row + 1, column + 1);
                    EngineError::Data(format!("row {row}, column {column}: {field:?} is not {needs}"))
                };
                if column < data.width {
                    let value: f32 = field.trim().parse().map_err(|_| wrong("a number"))?;
                    let value = value / divisor;
                    if !value.is_finite() {
                        return Err(wrong("a finite number"));
                    }
                    data.features.push(value);
                } else {
                    let class = field.trim().parse().ok().filter(|&class| class < classes);
                    let needs = || wrong(&format!("a class from 0 to {}", i64::from(classes) - 1));
                    data.labels.push(class.ok_or_else(needs)?);
                }
            }
        }
        if data.labels.is_empty() {
            return Err(EngineError::Data("it has no rows".into()));
        }
        Ok(data)
    }

    /// The number of rows.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.labels.len() as u64
    }

    /// Features per row.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// The features of a row.
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    pub fn features(&self, row: u64) -> &[f32] {
        &self.features[row as usize * self.width..][..self.width]
    }

    /// The class of a row.
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    pub fn label(&self, row: u64) -> u32 {
        self.labels[row as usize]
    }

    /// The values of the inputs `features` and `labels` for these rows.
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    pub fn batch(&self, rows: &[u64]) -> (Vec<f32>, Vec<f32>) {
        let features = rows.iter().flat_map(|&row| self.features(row)).copied().collect();
        let labels = rows.iter().map(|&row| self.label(row) as f32).collect();
        (features, labels)
    }
}

/// Cuts `0..rows` into rows to train on and `held_out` rows to judge by, as the seed
/// says: row `permute(i)` is held out if `i >= rows - held_out`. Both are ascending.
///
/// # Errors
/// Nothing would be left to train on.
pub fn split(seed: &[u8; 32], rows: u64, held_out: u64) -> Result<(Vec<u64>, Vec<u64>), EngineError> {
    if held_out >= rows {
        return Err(EngineError::Data(format!("{held_out} of {rows} rows held out leaves nothing to train on")));
    }
    let key = philox_key(seed);
    let mut order: Vec<u64> = (0..rows).map(|i| permute(key, SPLIT_STREAM, 0, rows, i)).collect();
    let mut held = order.split_off((rows - held_out) as usize);
    order.sort_unstable();
    held.sort_unstable();
    Ok((order, held))
}

/// The order of samples: an endless sequence of epochs, each in an order of its own,
/// cut into batches. The rows of any step are known without walking to it.
#[derive(Clone, Debug)]
pub struct Sampler {
    key: philox::Key,
    rows: Vec<u64>,
    batch: u32,
}

impl Sampler {
    /// Batches of `batch` of these rows, in the order that the seed says.
    ///
    /// # Errors
    /// There are no rows.
    pub fn new(seed: &[u8; 32], rows: Vec<u64>, batch: u32) -> Result<Sampler, EngineError> {
        if rows.is_empty() {
            return Err(EngineError::Data("there are no rows to train on".into()));
        }
        Ok(Sampler { key: philox_key(seed), rows, batch })
    }

    /// What an input named `counter` is in a step: see [`philox::counter`].
    #[must_use]
    pub fn counter(&self, step: u64) -> [f32; philox::COUNTER_LENGTH] {
        philox::counter(self.key, step)
    }

    /// The rows of a step.
    #[must_use]
    pub fn rows(&self, step: u64) -> Vec<u64> {
        let (count, batch) = (self.rows.len() as u64, u64::from(self.batch));
        (0..batch)
            .map(|i| {
                let position = step.wrapping_mul(batch).wrapping_add(i);
                self.rows[sample_at(self.key, ORDER_STREAM, count, position) as usize]
            })
            .collect()
    }
}

/// Trains from the session's step up to step `until`, and hands every pulse to
/// `on_pulse`; an error from there stops the training.
///
/// # Errors
/// As [`Session::step`], and what `on_pulse` gives.
pub fn train<E: From<EngineError>>(
    session: &mut dyn Session,
    data: &Dataset,
    sampler: &Sampler,
    until: u64,
    mut on_pulse: impl FnMut(Pulse) -> Result<(), E>,
) -> Result<(), E> {
    let has_counter = session.program().has_input("counter");
    for step in session.steps()?..until {
        let (features, labels) = data.batch(&sampler.rows(step));
        let counter = sampler.counter(step);
        let inputs =
            [Input::new("features", &features), Input::new("labels", &labels), Input::new("counter", &counter)];
        on_pulse(session.step(if has_counter { &inputs } else { &inputs[..2] })?)?;
    }
    Ok(())
}

/// The class that an inference program (see [`crate::compile_forward`]) gives each of
/// the rows: the one with the greatest logit, the lowest of equals. `state` may be a
/// training state.
///
/// # Errors
/// The state, the program and the data do not belong together.
pub fn predict(
    backend: &dyn Backend,
    program: &Program,
    state: &State,
    data: &Dataset,
    rows: &[u64],
) -> Result<Vec<u32>, EngineError> {
    let mut session = backend.prepare(program)?;
    session.load(&state.select(program)?)?;
    let features = program.find("features").ok_or_else(|| EngineError::NoTensor("features".into()))?;
    let batch = program.tensors[features as usize].shape.from_right(1) as usize;
    let mut classes = Vec::with_capacity(rows.len());
    for own in rows.chunks(batch) {
        let (mut features, _) = data.batch(own);
        // The last batch is filled up with zeros, whose results are not looked at.
        features.resize(batch * data.width(), 0.0);
        let logits = session.run(&[Input::new("features", &features)], "logits")?;
        let width = logits.shape.from_right(0) as usize;
        classes.extend(logits.data.chunks_exact(width).take(own.len()).map(|row| {
            let best = (1..width).fold(0, |best, i| if row[i] > row[best] { i } else { best });
            best as u32
        }));
    }
    Ok(classes)
}

/// The number of these rows whose class is predicted rightly.
///
/// # Errors
/// As [`predict`].
pub fn accuracy(
    backend: &dyn Backend,
    program: &Program,
    state: &State,
    data: &Dataset,
    rows: &[u64],
) -> Result<u64, EngineError> {
    let classes = predict(backend, program, state, data, rows)?;
    let right = rows.iter().zip(classes).filter(|&(&row, class)| data.label(row) == class);
    Ok(right.count() as u64)
}
