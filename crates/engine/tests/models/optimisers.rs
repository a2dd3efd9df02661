//! Schedules, clipping, groups of parameters, dropout.

use assay_engine::{Backend, CpuBackend, GraphBuilder, Input, LawBackend, PrecisionSpec, Shape, State, TrainingSpec};
use assay_exact::philox;

use crate::{Batch, moved, spec, start};

fn mlp(rest: &str) -> TrainingSpec {
    spec(&format!(
        r#"{{ "model": {{ "mlp": {{ "inputs": 4, "hidden": [6], "classes": 3, "activation": "tanh" }} }}, "batch": 5,
             "optimiser": {{ "sgd": {{ "lr": 1, "momentum": 0, "weight_decay": 0 }} }} {rest} }}"#
    ))
}

/// How far a step moves all parameters, by tensor, and the norm of its gradients.
fn moves(spec: &TrainingSpec, at: u64) -> (Vec<(String, f64)>, f64) {
    let program = spec.compile().unwrap();
    let first = State::init(&program, [3; 32]).unwrap();
    let data = first.tensors().map(|(_, _, data)| data.to_vec()).collect();
    let before = State::from_parts(at, first.layout().clone(), data).unwrap();
    let mut session = CpuBackend::new(1).unwrap().prepare(&program).unwrap();
    session.load(&before).unwrap();
    // The same samples in every step; only the counter differs.
    let batch = Batch::new(spec, &program, 0);
    let counter = philox::counter([3, 5], at);
    let inputs: Vec<Input<'_>> = batch
        .inputs()
        .into_iter()
        .map(|own| if own.name == "counter" { Input::new("counter", &counter) } else { own })
        .collect();
    let pulse = session.step(&inputs).unwrap();
    let after = session.state().unwrap();
    let moves = before.tensors().zip(after.tensors()).map(|((name, _, a), (_, _, b))| {
        let squares: f64 = a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum();
        (name.to_owned(), squares.sqrt())
    });
    (moves.collect(), f64::from(pulse.grad_norm()))
}

fn whole((moves, _): &(Vec<(String, f64)>, f64)) -> f64 {
    moves.iter().map(|(_, by)| by * by).sum::<f64>().sqrt()
}

#[test]
fn rates_follow_the_schedule() {
    let full = whole(&moves(&mlp(""), 0));
    for (schedule, warmup, until, floor) in [
        (r#"{ "warmup": 4 }"#, 4.0, None, 1.0),
        (r#"{ "warmup": 4, "cosine": { "until": 14, "floor": 0.2 } }"#, 4.0, Some(14.0), 0.2),
        (r#"{ "cosine": { "until": 10 } }"#, 0.0, Some(10.0), 0.0),
    ] {
        let spec = mlp(&format!(r#", "schedule": {schedule}"#));
        for at in [0u64, 1, 3, 4, 5, 9, 13, 14, 15, 70_000] {
            let t = at as f64;
            let want = match until {
                _ if t < warmup => (t + 1.0) / warmup,
                None => 1.0,
                Some(until) => {
                    let p = ((t - warmup) / (until - warmup)).min(1.0);
                    floor + (1.0 - floor) * 0.5 * (1.0 + (std::f64::consts::PI * p).cos())
                }
            };
            let got = whole(&moves(&spec, at)) / full;
            assert!((got - want).abs() < 1e-5, "{schedule} at {at}: {got}, not {want}");
        }
    }
}

#[test]
fn steps_are_clipped_to_the_norm() {
    let plain = moves(&mlp(""), 0);
    assert!((whole(&plain) - plain.1).abs() < 1e-5 * plain.1);
    let low = plain.1 / 3.0;
    let clipped = moves(&mlp(&format!(r#", "clip": {low}"#)), 0);
    assert!((whole(&clipped) - low).abs() < 1e-5 * low);
    assert_eq!(clipped.1, plain.1, "the pulse has the norm before clipping");
    let high = moves(&mlp(&format!(r#", "clip": {}"#, plain.1 * 1.01)), 0);
    assert_eq!(high, plain);
}

#[test]
fn groups_have_rates_and_decays_of_their_own() {
    let plain = moves(&mlp(""), 0).0;
    let scaled = moves(
        &mlp(r#", "groups": [{ "tensors": "layer0.*", "lr_scale": 0.5 }, { "tensors": "*.bias", "lr_scale": 0 }]"#),
        0,
    )
    .0;
    for ((name, by), (_, own)) in plain.iter().zip(&scaled) {
        let want = match name.as_str() {
            "layer1.bias" => 0.0,
            name if name.starts_with("layer0.") => 0.5,
            _ => 1.0,
        };
        assert!((own - want * by).abs() < 1e-6, "{name}: {own} instead of {by} times {want}");
    }
    // A decay of its own is for tensors of any rank, and that of the optimiser for weights only.
    let decayed = |json: &str| moves(&mlp(json), 0).0;
    let group = decayed(r#", "groups": [{ "tensors": "layer1.*", "weight_decay": 0.5 }]"#);
    for ((name, by), (_, own)) in plain.iter().zip(&group) {
        // Biases are 0 in the beginning, so that there is nothing to decay.
        assert_eq!(own == by, name != "layer1.weight", "{name}");
    }
    let error = mlp(r#", "groups": [{ "tensors": "*", "lr_scale": 0 }]"#).compile().unwrap_err().to_string();
    assert!(error.contains("nothing is left to train"), "{error}");
}

#[test]
fn dropout_takes_its_share_away_anew_in_every_step() {
    let mut g = GraphBuilder::new(PrecisionSpec::default());
    let x = g.input("x", Shape::new(&[50, 40]).unwrap());
    let first = g.dropout("first", x, 0.25).unwrap();
    let second = g.dropout("second", x, 0.25).unwrap();
    g.output(first);
    g.output(second);
    let program = g.finish(None).unwrap();
    let mut session = start(&CpuBackend::new(2).unwrap(), &program);
    let x = vec![3.0; 2000];
    let mut run = |step: u64, output: &str| {
        let counter = philox::counter([1, 2], step);
        session.run(&[Input::new("x", &x), Input::new("counter", &counter)], output).unwrap().data
    };
    let once = run(0, "first");
    assert!(once.iter().all(|&x| x == 0.0 || x == 3.0 * (1.0f32 / 0.75)));
    let share = once.iter().filter(|x| **x == 0.0).count() as f64 / 2000.0;
    assert!((share - 0.25).abs() < 0.04, "{share}");
    assert_eq!(run(0, "first"), once);
    assert_ne!(run(1, "first"), once);
    assert_ne!(run(0, "second"), once);
}

#[test]
fn an_update_that_overflows_is_told_as_the_law_tells_it() {
    let spec = spec(
        r#"{ "model": { "mlp": { "inputs": 4, "hidden": [6], "classes": 3, "activation": "tanh" } }, "batch": 5, "optimiser":
             { "adamw": { "lr": 100, "beta1": 0.9, "beta2": 0.95, "eps": 1e-8, "weight_decay": 0.1 } } }"#,
    );
    let program = spec.compile().unwrap();
    let huge: Vec<f64> = (0..24).map(|i| if i == 17 { 3e38 } else { 0.0 }).collect();
    let state = moved(&State::init(&program, [3; 32]).unwrap(), "layer0.weight", &huge);
    let overflow = |backend: &dyn Backend| {
        let mut session = backend.prepare(&program).unwrap();
        session.load(&state).unwrap();
        // The huge weight meets nothing but zeros; its decay is too large a step.
        let inputs = [Input::new("features", &[0.0; 20]), Input::new("labels", &[0.0, 1.0, 2.0, 0.0, 1.0])];
        session.step(&inputs).unwrap_err().to_string()
    };
    let want = overflow(&LawBackend);
    assert!(want.contains("\"layer0.weight.next\"") && want.contains("element 17"), "{want}");
    for threads in [1, 3] {
        assert_eq!(overflow(&CpuBackend::new(threads).unwrap().with_grain(1)), want);
    }
}
