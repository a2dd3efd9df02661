//! Gradients and updates against a plain binary64 reference.

mod common;

use assay_engine::{Backend, CpuBackend, Input, State, TrainingSpec};
use common::Random;

const BATCH: usize = 8;
const WIDTHS: [usize; 4] = [5, 7, 6, 3];

fn spec(activation: &str, optimiser: &str) -> TrainingSpec {
    serde_json::from_str(&format!(
        r#"{{ "model": {{ "mlp": {{ "inputs": 5, "hidden": [7, 6], "classes": 3, "activation": "{activation}" }} }},
            "optimiser": {optimiser},
            "precision": {{ "forward": "int8x3", "grad_input": "int8x3", "grad_weight": "int8x3" }},
            "batch": 8 }}"#
    ))
    .unwrap()
}

/// Weights and biases by layer, or their gradients.
type Parameters = Vec<(Vec<f64>, Vec<f64>)>;

/// Loss, and gradients by back-propagation, in binary64.
fn reference(tanh: bool, parameters: &Parameters, features: &[f32], labels: &[f32]) -> (f64, Parameters) {
    let mut gradients: Parameters = parameters.iter().map(|(w, b)| (vec![0.0; w.len()], vec![0.0; b.len()])).collect();
    let mut loss = 0.0;
    for sample in 0..BATCH {
        let mut layers: Vec<Vec<f64>> = vec![features[sample * 5..][..5].iter().map(|&x| f64::from(x)).collect()];
        for (l, (w, b)) in parameters.iter().enumerate() {
            let x = &layers[l];
            let z = (0..WIDTHS[l + 1]).map(|j| {
                let sum: f64 = (0..x.len()).map(|i| x[i] * w[i * WIDTHS[l + 1] + j]).sum();
                let z = sum + b[j];
                match (l + 1 == parameters.len(), tanh) {
                    (true, _) => z,
                    (_, true) => z.tanh(),
                    (_, false) => z.max(0.0),
                }
            });
            layers.push(z.collect());
        }
        let logits = &layers[3];
        let total: f64 = logits.iter().map(|z| z.exp()).sum();
        let label = labels[sample] as usize;
        loss += (total.ln() - logits[label]) / BATCH as f64;
        let mut delta: Vec<f64> = logits
            .iter()
            .enumerate()
            .map(|(j, z)| (z.exp() / total - f64::from(u8::from(j == label))) / BATCH as f64)
            .collect();
        for l in (0..3).rev() {
            let (x, (w, _)) = (&layers[l], &parameters[l]);
            let mut before = vec![0.0; x.len()];
            for i in 0..x.len() {
                for j in 0..delta.len() {
                    gradients[l].0[i * delta.len() + j] += x[i] * delta[j];
                    before[i] += w[i * delta.len() + j] * delta[j];
                }
                before[i] *= if tanh { 1.0 - x[i] * x[i] } else { f64::from(u8::from(x[i] > 0.0)) };
            }
            for (sum, d) in gradients[l].1.iter_mut().zip(&delta) {
                *sum += d;
            }
            delta = before;
        }
    }
    (loss, gradients)
}

fn parameters(state: &State, prefix: &str) -> Parameters {
    let values = |name: String| -> Vec<f64> {
        let (_, data) = state.get(&format!("{prefix}{name}")).unwrap();
        data.iter().map(|&x| f64::from(x)).collect()
    };
    (0..3).map(|l| (values(format!("layer{l}.weight")), values(format!("layer{l}.bias")))).collect()
}

fn close(got: &[f64], want: &[f64], relative: f64, what: &str) {
    let scale = want.iter().fold(1e-3f64, |m, x| m.max(x.abs()));
    for (got, want) in got.iter().zip(want) {
        assert!((got - want).abs() < relative * scale, "{what}: {got} {want}");
    }
}

fn data() -> (Vec<f32>, Vec<f32>) {
    let r = &mut Random::new(5);
    let features = (0..BATCH * 5).map(|_| assay_exact::philox::uniform(r.word(), 1.5)).collect();
    let labels = (0..BATCH).map(|_| r.below(3) as f32).collect();
    (features, labels)
}

#[test]
fn losses_and_gradients() {
    for activation in ["relu", "tanh"] {
        // With a rate of 1 the first step's update is the gradient.
        let spec = spec(activation, r#"{ "sgd": { "lr": 1.0, "momentum": 0.0, "weight_decay": 0.0 } }"#);
        let program = spec.compile().unwrap();
        let mut session = CpuBackend::new(1).unwrap().prepare(&program).unwrap();
        let start = State::init(&program, [9; 32]).unwrap();
        session.load(&start).unwrap();
        let (features, labels) = data();
        let pulse = session.step(&[Input::new("features", &features), Input::new("labels", &labels)]).unwrap();

        let before = parameters(&start, "");
        let (loss, want) = reference(activation == "tanh", &before, &features, &labels);
        close(&[f64::from(pulse.loss())], &[loss], 1e-5, "loss");
        let mut squares = 0.0;
        let after = parameters(&session.state().unwrap(), "");
        for l in 0..3 {
            let tensor = |name: &str, session: &mut Box<dyn assay_engine::Session>| -> Vec<f64> {
                let name = format!("layer{l}.{name}.grad");
                session.tensor(&name).unwrap().data.iter().map(|&x| f64::from(x)).collect()
            };
            close(&tensor("weight", &mut session), &want[l].0, 2e-5, "weight gradient");
            close(&tensor("bias", &mut session), &want[l].1, 2e-5, "bias gradient");
            let moved: Vec<f64> = before[l].0.iter().zip(&after[l].0).map(|(a, b)| a - b).collect();
            close(&moved, &want[l].0, 2e-5, "step");
            squares += want[l].0.iter().chain(&want[l].1).map(|g| g * g).sum::<f64>();
        }
        close(&[f64::from(pulse.grad_norm())], &[squares.sqrt()], 1e-5, "gradient norm");
    }
}

#[test]
fn adamw_follows_its_formula() {
    let spec =
        spec("tanh", r#"{ "adamw": { "lr": 0.01, "beta1": 0.9, "beta2": 0.99, "eps": 1e-6, "weight_decay": 0.1 } }"#);
    let program = spec.compile().unwrap();
    let mut session = CpuBackend::new(1).unwrap().prepare(&program).unwrap();
    session.load(&State::init(&program, [9; 32]).unwrap()).unwrap();
    let (features, labels) = data();

    let mut w = parameters(&session.state().unwrap(), "");
    let flat = |p: &Parameters| p.iter().flat_map(|(w, b)| [w.clone(), b.clone()]).collect::<Vec<_>>();
    let (mut m, mut v): (Vec<_>, Vec<_>) = flat(&w).iter().map(|t| (vec![0.0; t.len()], vec![0.0; t.len()])).unzip();
    for t in 1..=5 {
        session.step(&[Input::new("features", &features), Input::new("labels", &labels)]).unwrap();
        let (_, gradients) = reference(true, &w, &features, &labels);
        let gradients = flat(&gradients);
        let (b1, b2) = (0.9f64, 0.99f64);
        let (c1, c2) = (1.0 - b1.powi(t), 1.0 - b2.powi(t));
        for (i, tensor) in w.iter_mut().flat_map(|(w, b)| [w, b]).enumerate() {
            // Biases, at odd places, do not decay.
            let decay = if i % 2 == 0 { 0.1 } else { 0.0 };
            for (j, x) in tensor.iter_mut().enumerate() {
                let g = gradients[i][j];
                m[i][j] = b1 * m[i][j] + (1.0 - b1) * g;
                v[i][j] = b2 * v[i][j] + (1.0 - b2) * g * g;
                *x -= 0.01 * (m[i][j] / c1 / ((v[i][j] / c2).sqrt() + 1e-6) + decay * *x);
            }
        }
    }
    let state = session.state().unwrap();
    let got = parameters(&state, "");
    for l in 0..3 {
        close(&got[l].0, &w[l].0, 1e-4, "weight");
        close(&got[l].1, &w[l].1, 1e-4, "bias");
        close(&parameters(&state, "optimiser/moment1/")[l].0, &m[2 * l], 1e-4, "first moment");
        close(&parameters(&state, "optimiser/moment2/")[l].0, &v[2 * l], 1e-4, "second moment");
    }
    let (_, power) = state.get("optimiser/beta1-power").unwrap();
    assert!((f64::from(power[0]) - 0.9f64.powi(5)).abs() < 1e-6);
}

#[test]
fn sgd_with_momentum_follows_its_formula() {
    let spec = spec("relu", r#"{ "sgd": { "lr": 0.1, "momentum": 0.8, "weight_decay": 0.05 } }"#);
    let program = spec.compile().unwrap();
    let mut session = CpuBackend::new(1).unwrap().prepare(&program).unwrap();
    session.load(&State::init(&program, [9; 32]).unwrap()).unwrap();
    let (features, labels) = data();
    let mut w = parameters(&session.state().unwrap(), "");
    let mut v: Parameters = w.iter().map(|(w, b)| (vec![0.0; w.len()], vec![0.0; b.len()])).collect();
    for _ in 0..4 {
        session.step(&[Input::new("features", &features), Input::new("labels", &labels)]).unwrap();
        let (_, g) = reference(false, &w, &features, &labels);
        for l in 0..3 {
            for i in 0..w[l].0.len() {
                v[l].0[i] = 0.8 * v[l].0[i] + g[l].0[i] + 0.05 * w[l].0[i];
                w[l].0[i] -= 0.1 * v[l].0[i];
            }
            for i in 0..w[l].1.len() {
                v[l].1[i] = 0.8 * v[l].1[i] + g[l].1[i];
                w[l].1[i] -= 0.1 * v[l].1[i];
            }
        }
    }
    let got = parameters(&session.state().unwrap(), "");
    for l in 0..3 {
        close(&got[l].0, &w[l].0, 1e-4, "weight");
        close(&got[l].1, &w[l].1, 1e-4, "bias");
    }
}
