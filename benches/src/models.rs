//! What is trained: models over data of the repository, and made-up batches for what only takes time.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use assay_engine::{Backend, Batch, Dataset, EngineError, Input, Program, Samples, TrainingSpec};
use serde_json::{Value, json};

/// Where the repository's data is.
#[derive(clap::Args)]
pub struct DataOptions {
    /// The repository's folder `data`.
    #[arg(long, default_value = "data")]
    pub data: PathBuf,
}

/// The seed of first weights where one is enough.
pub const SEED: [u8; 32] = [42; 32];

/// What the models here are trained with unless they are about something else.
pub fn adamw(lr: f64) -> Value {
    json!({ "adamw": { "lr": lr, "beta1": 0.9, "beta2": 0.95, "eps": 1e-8, "weight_decay": 0.1 } })
}

/// A description as a job has it.
pub fn spec(description: Value) -> anyhow::Result<TrainingSpec> {
    let text = description.to_string();
    serde_json::from_value(description).with_context(|| text)
}

/// The bytes of a file.
fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// The digits of `data/digits`.
pub fn digits(_: &TrainingSpec, data: &Path) -> anyhow::Result<Dataset> {
    let text = String::from_utf8(read(&data.join("digits/digits.csv"))?)?;
    Ok(Dataset::from_csv(&text, 10, 16.0)?)
}

/// The characters of `data/opticks`, numbered in ascending order as a job's preparation does.
pub fn characters(spec: &TrainingSpec, data: &Path) -> anyhow::Result<Dataset> {
    let Samples::Tokens { context, .. } = spec.model.samples() else { bail!("this model takes no text") };
    let text = String::from_utf8(read(&data.join("opticks/opticks.txt"))?)?;
    let known: BTreeSet<char> = text.chars().collect();
    let numbers: BTreeMap<char, u32> = known.into_iter().zip(0..).collect();
    Ok(Dataset::from_tokens(text.chars().map(|own| numbers[&own]).collect(), context)?)
}

/// The training images of MNIST, from its authors' IDX files in `folder`.
pub fn mnist(folder: &Path) -> anyhow::Result<Dataset> {
    const IMAGES: [u8; 16] = [0, 0, 8, 3, 0, 0, 0xea, 0x60, 0, 0, 0, 28, 0, 0, 0, 28];
    const LABELS: [u8; 8] = [0, 0, 8, 1, 0, 0, 0xea, 0x60];
    let images = read(&folder.join("train-images-idx3-ubyte"))?;
    let labels = read(&folder.join("train-labels-idx1-ubyte"))?;
    let (Some(images), Some(labels)) = (images.strip_prefix(&IMAGES), labels.strip_prefix(&LABELS)) else {
        bail!("{} does not hold MNIST's 60,000 images of 28 by 28", folder.display());
    };
    let features = images.iter().map(|&pixel| f32::from(pixel) / 255.0).collect();
    Ok(Dataset::from_features(28 * 28, features, labels.iter().map(|&label| label.into()).collect())?)
}

/// A batch of made-up samples.
pub fn made_up(spec: &TrainingSpec, random: &mut fastrand::Rng) -> Batch {
    let mut classes = |count: u32, below: u32| (0..count).map(|_| random.u32(0..below) as f32).collect::<Vec<_>>();
    match spec.model.samples() {
        Samples::Features { width, classes: below } => {
            let labels = classes(spec.batch, below);
            let values = (0..spec.batch * width).map(|_| random.f32()).collect();
            Batch { input: "features", values, labels }
        }
        Samples::Tokens { context, vocabulary } => {
            let mut tokens = || classes(spec.batch * context, vocabulary);
            Batch { input: "tokens", values: tokens(), labels: tokens() }
        }
    }
}

/// The inputs of a program for a batch; `counter` is left out if the program takes none.
pub fn inputs<'a>(program: &Program, batch: &'a Batch, counter: &'a [f32]) -> Vec<Input<'a>> {
    let mut inputs = vec![Input::new(batch.input, &batch.values), Input::new("labels", &batch.labels)];
    if program.has_input("counter") {
        inputs.push(Input::new("counter", counter));
    }
    inputs
}

/// The least budget of memory in which a back end runs the program.
pub fn least<B: Backend>(program: &Program, within: impl Fn(u64) -> anyhow::Result<B>) -> anyhow::Result<u64> {
    let mut least = 1;
    // A device's first refusal does not know yet what ops need beside their tensors.
    while let Err(error) = within(least)?.footprint(program) {
        let EngineError::TooLarge { needed, .. } = error else { return Err(error.into()) };
        least = u64::try_from(needed)?;
    }
    Ok(least)
}
