//! Labelled samples, their order, and what is done with them.

use assay_exact::order::{permute, sample_at};
use assay_exact::philox;

use crate::backend::{Backend, Input, Session};
use crate::error::EngineError;
use crate::hash::philox_key;
use crate::program::Program;
use crate::pulse::Pulse;
use crate::state::{ORDER_STREAM, SPLIT_STREAM, State};

/// Labelled samples: rows of features with a class each, or runs of tokens of which each is to be
/// foretold from those before it (see [`crate::Samples`]).
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Features { features: Vec<f32>, labels: Vec<u32>, width: usize },
    Tokens { tokens: Vec<u32>, context: usize },
}

/// The values of a model's inputs for some samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// The input that takes them: `features` or `tokens`.
    pub input: &'static str,
    /// Features, or tokens.
    pub values: Vec<f32>,
    /// What the input `labels` takes.
    pub labels: Vec<f32>,
}

impl Dataset {
    /// Rows of `width` features, and a class for each.
    ///
    /// # Errors
    /// There are no rows, or the lengths do not fit.
    pub fn from_features(width: u32, features: Vec<f32>, labels: Vec<u32>) -> Result<Dataset, EngineError> {
        let width = width as usize;
        if labels.is_empty() || width == 0 || labels.len().checked_mul(width) != Some(features.len()) {
            let (features, labels) = (features.len(), labels.len());
            return Err(EngineError::Data(format!("{features} features are not {width} for each of {labels} rows")));
        }
        Ok(Dataset { kind: Kind::Features { features, labels, width } })
    }

    /// Tokens, cut into samples of `context`: sample `i` is `tokens[i * context..][..context]`, and its
    /// labels are the same one token later.
    ///
    /// # Errors
    /// There are too few tokens for a sample.
    pub fn from_tokens(tokens: Vec<u32>, context: u32) -> Result<Dataset, EngineError> {
        let context = context as usize;
        if context == 0 || tokens.len() <= context {
            let tokens = tokens.len();
            return Err(EngineError::Data(format!("{tokens} tokens, and a sample takes {context} and the next")));
        }
        Ok(Dataset { kind: Kind::Tokens { tokens, context } })
    }

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
        let (mut features, mut labels, mut width) = (Vec::new(), Vec::new(), 0);
        for (row, line) in text.lines().enumerate() {
            let columns = line.split(',').count();
            if row == 0 {
                width = columns - 1;
            }
            if columns != width + 1 || columns < 2 {
                return Err(EngineError::Data(format!(
                    "row {}: {columns} columns, expected {}",
                    row + 1,
                    (width + 1).max(2)
                )));
            }
            for (column, field) in line.split(',').enumerate() {
                let wrong = |needs: &str| {
                    let field: String = field.chars().take(40).collect();
                    let (row, column) = (row + 1, column + 1);
                    EngineError::Data(format!("row {row}, column {column}: {field:?} is not {needs}"))
                };
                if column < width {
                    let value: f32 = field.trim().parse().map_err(|_| wrong("a number"))?;
                    let value = value / divisor;
                    if !value.is_finite() {
                        return Err(wrong("a finite number"));
                    }
                    features.push(value);
                } else {
                    let class = field.trim().parse().ok().filter(|&class| class < classes);
                    let needs = || wrong(&format!("a class from 0 to {}", i64::from(classes) - 1));
                    labels.push(class.ok_or_else(needs)?);
                }
            }
        }
        if labels.is_empty() {
            return Err(EngineError::Data("it has no rows".into()));
        }
        Ok(Dataset { kind: Kind::Features { features, labels, width } })
    }

    /// The number of samples.
    #[must_use]
    pub fn rows(&self) -> u64 {
        match &self.kind {
            Kind::Features { labels, .. } => labels.len() as u64,
            Kind::Tokens { tokens, context } => ((tokens.len() - 1) / context) as u64,
        }
    }

    /// Features or tokens of a sample.
    #[must_use]
    pub fn width(&self) -> usize {
        match self.kind {
            Kind::Features { width, .. } => width,
            Kind::Tokens { context, .. } => context,
        }
    }

    /// Labels of a sample: one class, or one for each token.
    #[must_use]
    pub fn labels_each(&self) -> usize {
        match self.kind {
            Kind::Features { .. } => 1,
            Kind::Tokens { context, .. } => context,
        }
    }

    /// The labels of a sample.
    ///
    /// # Panics
    /// If there is no such sample.
    #[must_use]
    pub fn labels(&self, row: u64) -> &[u32] {
        let row = row as usize;
        match &self.kind {
            Kind::Features { labels, .. } => &labels[row..=row],
            Kind::Tokens { tokens, context } => &tokens[row * context + 1..][..*context],
        }
    }

    /// The values of a model's inputs for these samples.
    ///
    /// # Panics
    /// If there is no such sample.
    #[must_use]
    pub fn batch(&self, rows: &[u64]) -> Batch {
        let own = |row: u64, width: usize| row as usize * width..(row as usize + 1) * width;
        let (input, values) = match &self.kind {
            Kind::Features { features, width, .. } => {
                ("features", rows.iter().flat_map(|&row| &features[own(row, *width)]).copied().collect())
            }
            Kind::Tokens { tokens, context } => {
                ("tokens", rows.iter().flat_map(|&row| &tokens[own(row, *context)]).map(|&t| t as f32).collect())
            }
        };
        let labels = rows.iter().flat_map(|&row| self.labels(row)).map(|&label| label as f32).collect();
        Batch { input, values, labels }
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
        let Batch { input, values, labels } = data.batch(&sampler.rows(step));
        let counter = sampler.counter(step);
        let inputs = [Input::new(input, &values), Input::new("labels", &labels), Input::new("counter", &counter)];
        on_pulse(session.step(if has_counter { &inputs } else { &inputs[..2] })?)?;
    }
    Ok(())
}

/// The class that an inference program (see [`crate::compile_forward`]) gives each of the samples, or
/// the token that it foretells after each of theirs: the one with the greatest logit, the
/// lowest of equals. `state` may be a training state.
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
    let logits = program.find("logits").ok_or_else(|| EngineError::NoTensor("logits".into()))?;
    let results = program.tensors[logits as usize].shape.from_right(1) as usize;
    let batch = results / data.labels_each();
    if batch == 0 {
        let problem = format!("the program gives {results} results and a sample has {}", data.labels_each());
        return Err(EngineError::Data(problem));
    }
    let mut classes = Vec::with_capacity(rows.len() * data.labels_each());
    for own in rows.chunks(batch) {
        let Batch { input, mut values, .. } = data.batch(own);
        // The last batch is filled up with zeros, whose results are not looked at.
        values.resize(batch * data.width(), 0.0);
        let logits = session.run(&[Input::new(input, &values)], "logits")?;
        let width = logits.shape.from_right(0) as usize;
        classes.extend(logits.data.chunks_exact(width).take(own.len() * data.labels_each()).map(|row| {
            let best = (1..width).fold(0, |best, i| if row[i] > row[best] { i } else { best });
            best as u32
        }));
    }
    Ok(classes)
}

/// The number of these samples' labels that are predicted rightly, of
/// [`Dataset::labels_each`] each.
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
    let labels = rows.iter().flat_map(|&row| data.labels(row));
    Ok(labels.zip(classes).filter(|&(&label, class)| label == class).count() as u64)
}
