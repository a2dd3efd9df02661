//! The artefact of a GPT in Hugging Face's `transformers`.

use std::path::Path;

use anyhow::{Context, ensure};
use assay_data::{Files, Preparation};
use assay_engine::{Backend, CpuBackend, Input, Tensor};
use assay_job::{DataSpec, JobSpec, Task};
use assay_protocol::Hash;
use serde_json::json;

const CONTEXT: usize = 32;
const BATCH: usize = 8;

/// A job on the committed text.
fn task(tied_head: bool) -> anyhow::Result<Task> {
    let name = "opticks.txt";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/opticks").join(name);
    let files = Files::from([(name.to_owned(), std::fs::read(path)?)]);
    let prepare: Preparation = serde_json::from_value(json!({ "text": { "files": [name], "tokens": "byte" } }))?;
    let training = serde_json::from_value(json!({
        "model": { "gpt": { "vocabulary": 256, "context": CONTEXT, "layers": 2, "heads": 2, "width": 32,
                            "tied_head": tied_head } },
        "optimiser": { "adamw": { "lr": 0.01, "beta1": 0.9, "beta2": 0.95, "eps": 1e-8, "weight_decay": 0.1 } },
        "batch": BATCH
    }))?;
    let data = DataSpec::new(Hash::default(), prepare, &files, 100)?;
    Ok(Task::new(JobSpec::new(training, data, Hash([1; 32]), 60, 60)?, &files)?)
}

/// The end of the text, which no sample of a training has the end of: runs that each have the next token, too.
fn runs() -> anyhow::Result<Vec<Vec<u8>>> {
    let text = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/opticks/opticks.txt"))?;
    Ok(text[text.len() - BATCH * (CONTEXT + 1)..].chunks(CONTEXT + 1).map(<[u8]>::to_vec).collect())
}

fn most(numbers: impl Iterator<Item = f32>) -> f32 {
    numbers.fold(0.0, |most, x| most.max(x.abs()))
}

#[test]
#[ignore = "needs transformers from PyPI: run scripts/test exports"]
fn transformers_says_what_the_engine_says() -> anyhow::Result<()> {
    let python = std::env::var_os("ASSAY_TRANSFORMERS").context("scripts/test exports names a Python")?;
    let backend = CpuBackend::new(0)?;
    for tied_head in [true, false] {
        let task = task(tied_head)?;
        let first = task.runner(&backend)?.run(&task.initial_state()?, 0, |_| true)?.context("nobody stops it")?;
        let [before, after] = [0, 59].map(|step: usize| first.pulses[step].loss());
        ensure!(after < before - 1.5, "it has learnt something: {before} to {after}");

        let mut session = backend.prepare(task.forward())?;
        session.load(&first.state.select(task.forward())?)?;
        let mut logits = |runs: &[Vec<u8>]| -> anyhow::Result<Tensor> {
            let tokens: Vec<f32> = runs.iter().flat_map(|run| &run[..CONTEXT]).map(|&token| token.into()).collect();
            Ok(session.run(&[Input::new("tokens", &tokens)], "logits")?)
        };
        let runs = runs()?;
        let said = logits(&runs)?;
        let width = said.shape.from_right(0) as usize;
        let labels = runs.iter().flat_map(|run| &run[1..]);
        let losses = said.data.chunks(width).zip(labels).map(|(row, &label)| {
            let total: f64 = row.iter().map(|&z| f64::from(z).exp()).sum();
            total.ln() - f64::from(row[usize::from(label)])
        });
        let loss = losses.sum::<f64>() / (BATCH * CONTEXT) as f64;

        // What comes later is seen in the rounding of values only.
        let mut others = runs.clone();
        others.iter_mut().for_each(|run| run[CONTEXT - 1] ^= 1);
        let other = logits(&others)?;
        let rows = said.data.chunks(width).zip(other.data.chunks(width)).enumerate();
        let earlier = rows.filter(|(row, _)| (row + 1) % CONTEXT != 0).map(|(_, pair)| pair);
        let moved = most(earlier.flat_map(|(a, b)| a.iter().zip(b).map(|(a, b)| a - b)));
        let greatest = most(said.data.iter().copied());
        println!("logits before a token that was changed: {moved:.2e} apart, the greatest being {greatest:.3}");
        ensure!(moved < 1e-3 * greatest, "the engine sees what comes later: {moved} of {greatest}");

        let folder = tempfile::tempdir()?;
        let write = |name: &str, value: serde_json::Value| std::fs::write(folder.path().join(name), value.to_string());
        std::fs::write(folder.path().join("model.safetensors"), task.artefact(&first.state)?)?;
        write(
            "config.json",
            json!({ "model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "vocab_size": 256,
                    "n_positions": CONTEXT, "n_embd": 32, "n_layer": 2, "n_head": 2,
                    "activation_function": "gelu_new", "layer_norm_epsilon": 1e-5,
                    "tie_word_embeddings": tied_head }),
        )?;
        write(
            "said.json",
            json!({ "tokens": runs, "logits": said.data.chunks(width).collect::<Vec<_>>(), "loss": loss }),
        )?;
        let output = std::process::Command::new(&python)
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gpt2.py"))
            .arg(folder.path())
            .env("JAX_PLATFORMS", "cpu")
            .output()?;
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        ensure!(output.status.success(), "{text}");
        println!("{text}");
    }
    Ok(())
}
