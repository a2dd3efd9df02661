//! GPTs.

use assay_engine::{Backend, CpuBackend, EngineError, Gpt, Input, ModelSpec, Program, State, TrainingSpec};

use crate::{Batch, check_against_law, check_gradients, check_invariance, cross_entropy, lively, spec, start};

fn gpt(model: &str, rest: &str) -> TrainingSpec {
    spec(&format!(
        r#"{{ "model": {{ "gpt": {{ "vocabulary": 7, "context": 5, "layers": 2, "heads": 2, "width": 8 {model} }} }},
             "batch": 4 {rest} }}"#
    ))
}

const PLAIN: &str = r#", "optimiser": { "sgd": { "lr": 1, "momentum": 0, "weight_decay": 0 } },
    "precision": { "forward": "int8x3", "grad_input": "int8x3", "grad_weight": "int8x3" }"#;
const WHOLE: &str = r#", "optimiser": { "adamw": { "lr": 0.01, "beta1": 0.9, "beta2": 0.95, "eps": 1e-8, "weight_decay": 0.1 } },
    "precision": { "forward": "int8x1", "grad_input": "int8x2", "grad_weight": "int8x3" },
    "block": 2, "clip": 0.5, "schedule": { "warmup": 2, "cosine": { "until": 6, "floor": 0.1 } },
    "groups": [{ "tensors": "*.wpe.weight", "weight_decay": 0 }]"#;

/// A GPT's logits in binary64, a row per token, from its description and tensors alone.
fn reference(gpt: &Gpt, state: &State, tokens: &[f32]) -> Vec<Vec<f64>> {
    let get = |name: &str| -> Vec<f64> { state.get(name).unwrap().1.iter().map(|&x| f64::from(x)).collect() };
    let width = gpt.width as usize;
    let norm = |x: &[f64], name: &str| -> Vec<f64> {
        let (weight, bias) = (get(&format!("{name}.weight")), get(&format!("{name}.bias")));
        let mean = x.iter().sum::<f64>() / x.len() as f64;
        let variance = x.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / x.len() as f64;
        (0..x.len()).map(|i| (x[i] - mean) / (variance + 1e-5).sqrt() * weight[i] + bias[i]).collect()
    };
    let linear = |x: &[f64], name: &str| -> Vec<f64> {
        let (weight, bias) = (get(&format!("{name}.weight")), get(&format!("{name}.bias")));
        let outputs = bias.len();
        (0..outputs).map(|j| bias[j] + (0..x.len()).map(|i| x[i] * weight[i * outputs + j]).sum::<f64>()).collect()
    };
    let gelu = |x: f64| 0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x * x * x)).tanh());
    let (embedding, positions) = (get("transformer.wte.weight"), get("transformer.wpe.weight"));
    let head = if gpt.tied_head { embedding.clone() } else { get("lm_head.weight") };
    let mut logits = Vec::new();
    for sample in tokens.chunks(gpt.context as usize) {
        let mut x: Vec<Vec<f64>> = sample
            .iter()
            .enumerate()
            .map(|(t, &token)| {
                (0..width).map(|i| embedding[token as usize * width + i] + positions[t * width + i]).collect()
            })
            .collect();
        for layer in 0..gpt.layers {
            let name = |part: &str| format!("transformer.h.{layer}.{part}");
            let qkv: Vec<Vec<f64>> = x.iter().map(|x| linear(&norm(x, &name("ln_1")), &name("attn.c_attn"))).collect();
            let size = width / gpt.heads as usize;
            for t in 0..x.len() {
                let mut mixed = vec![0.0; width];
                for head in 0..gpt.heads as usize {
                    let score = |s: usize| -> f64 {
                        let dot: f64 =
                            (0..size).map(|i| qkv[t][head * size + i] * qkv[s][width + head * size + i]).sum();
                        (dot / (size as f64).sqrt()).exp()
                    };
                    let total: f64 = (0..=t).map(score).sum();
                    for (s, from) in qkv[..=t].iter().enumerate() {
                        for i in head * size..(head + 1) * size {
                            mixed[i] += score(s) / total * from[2 * width + i];
                        }
                    }
                }
                let out = linear(&mixed, &name("attn.c_proj"));
                x[t].iter_mut().zip(out).for_each(|(x, out)| *x += out);
            }
            for x in &mut x {
                let hidden: Vec<f64> =
                    linear(&norm(x, &name("ln_2")), &name("mlp.c_fc")).into_iter().map(gelu).collect();
                let out = linear(&hidden, &name("mlp.c_proj"));
                x.iter_mut().zip(out).for_each(|(x, out)| *x += out);
            }
        }
        for x in &x {
            let x = norm(x, "transformer.ln_f");
            logits.push(head.chunks(width).map(|row| row.iter().zip(&x).map(|(a, b)| a * b).sum()).collect());
        }
    }
    logits
}

#[test]
fn logits_and_losses_are_the_references() {
    for model in ["", r#", "tied_head": false"#] {
        let spec = gpt(model, PLAIN);
        let ModelSpec::Gpt(own) = &spec.model else { unreachable!() };
        let program = spec.compile().unwrap();
        let (state, batch) = (lively(&program), Batch::new(&spec, &program, 0));
        let mut session = CpuBackend::new(1).unwrap().prepare(&program).unwrap();
        session.load(&state).unwrap();
        let loss = f64::from(session.step(&batch.inputs()).unwrap().loss());
        let want = reference(own, &state, batch.get("tokens"));
        for (got, want) in session.tensor("logits").unwrap().data.iter().zip(want.iter().flatten()) {
            assert!((f64::from(*got) - want).abs() < 1e-4, "{got} {want}");
        }
        let want = cross_entropy(&want, batch.get("labels"));
        assert!((loss - want).abs() < 1e-5, "{loss} {want}");

        // Inference gives the same logits.
        let forward = spec.compile_forward().unwrap();
        let mut inference = CpuBackend::new(2).unwrap().prepare(&forward).unwrap();
        inference.load(&state.select(&forward).unwrap()).unwrap();
        let logits = inference.run(&[Input::new("tokens", batch.get("tokens"))], "logits").unwrap();
        assert_eq!(logits, session.tensor("logits").unwrap());
    }
}

#[test]
fn gradients_are_the_slopes() {
    for (model, rest) in
        [("", ""), (r#", "tied_head": false"#, r#", "block": 1"#), (r#", "dropout": 0.25"#, r#", "block": 4"#)]
    {
        check_gradients(&gpt(model, &format!("{PLAIN}{rest}")));
    }
}

#[test]
fn cpu_equals_the_law() {
    check_against_law(&gpt(r#", "dropout": 0.25"#, WHOLE), 2);
}

#[test]
fn one_state_root_for_all_instructions_threads_and_parts() {
    let spec = spec(&format!(
        r#"{{ "model": {{ "gpt": {{ "vocabulary": 19, "context": 24, "layers": 2, "heads": 3, "width": 48,
              "dropout": 0.1 }} }}, "batch": 6 {WHOLE} }}"#
    ));
    check_invariance(&spec, 3);
}

/// The names that `transformers` gives these tensors, with their shapes.
#[test]
fn tensors_have_hugging_faces_names_and_layouts() {
    let program = gpt(r#", "tied_head": false"#, PLAIN).compile_forward().unwrap();
    let layout = program.state_layout();
    let shape = |name: &str| {
        let (_, shape) = layout.tensors().iter().find(|(own, _)| own == name).unwrap_or_else(|| panic!("no {name}"));
        shape.dims().to_vec()
    };
    assert_eq!(shape("transformer.wte.weight"), [7, 8]);
    assert_eq!(shape("transformer.wpe.weight"), [5, 8]);
    assert_eq!(shape("transformer.h.1.attn.c_attn.weight"), [8, 24]);
    assert_eq!(shape("transformer.h.1.attn.c_attn.bias"), [24]);
    assert_eq!(shape("transformer.h.1.attn.c_proj.weight"), [8, 8]);
    assert_eq!(shape("transformer.h.0.mlp.c_fc.weight"), [8, 32]);
    assert_eq!(shape("transformer.h.0.mlp.c_proj.weight"), [32, 8]);
    assert_eq!(shape("transformer.h.0.ln_2.bias"), [8]);
    assert_eq!(shape("transformer.ln_f.weight"), [8]);
    assert_eq!(shape("lm_head.weight"), [7, 8]);
    assert_eq!(layout.tensors().len(), 2 + 2 * 12 + 2 + 1);
}

#[test]
fn tokens_out_of_the_vocabulary_are_refused() {
    let spec = gpt("", PLAIN);
    let program = spec.compile().unwrap();
    let batch = Batch::new(&spec, &program, 0);
    for name in ["tokens", "labels"] {
        let mut wrong = batch.get(name).to_vec();
        wrong[6] = 7.0;
        let inputs: Vec<Input<'_>> = batch
            .inputs()
            .into_iter()
            .map(|own| if own.name == name { Input::new(name, &wrong) } else { own })
            .collect();
        let error = start(&CpuBackend::new(1).unwrap(), &program).step(&inputs).unwrap_err();
        let text = error.to_string();
        assert!(
            matches!(error, EngineError::Element { .. }) && text.contains("is 7, but should be an integer from 0 to 6"),
            "{text}"
        );
    }
}

/// What a causal model says of a token does not depend on those after it, but for the grid that the
/// values of all tokens of a sample are rounded to.
#[test]
fn nothing_is_seen_of_what_comes_later() {
    let spec = gpt("", PLAIN);
    let program: Program = spec.compile_forward().unwrap();
    let mut session = CpuBackend::new(1).unwrap().prepare(&program).unwrap();
    session.load(&lively(&program)).unwrap();
    let mut tokens = [1.0, 2.0, 3.0, 4.0, 5.0].repeat(4);
    let before = session.run(&[Input::new("tokens", &tokens)], "logits").unwrap().data;
    tokens[3] = 0.0;
    let after = session.run(&[Input::new("tokens", &tokens)], "logits").unwrap().data;
    let moved = |range: std::ops::Range<usize>| {
        before[range.clone()].iter().zip(&after[range]).fold(0.0, |most: f32, (a, b)| most.max((a - b).abs()))
    };
    assert!(moved(0..21) < 1e-5 && moved(21..28) > 0.1 && moved(28..35) > 1e-3);
    assert_eq!(before[35..], after[35..], "other samples");
}
