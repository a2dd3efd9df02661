//! Whole training steps on emulated devices leave the same states as on the CPU.

mod support;

use assay_engine::{
    Backend, CpuBackend, Dataset, EngineError, Init, Input, Op, OpNode, Program, Sampler, Session, Shape, State,
    TensorDecl, TensorKind, TrainingSpec, split, train,
};
use serde_json::Value;
use support::common::shape;
use support::devices;

fn digits() -> Dataset {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/digits/digits.csv");
    let text = std::fs::read_to_string(path).expect("the digits are part of the repository");
    Dataset::from_csv(&text, 10, 16.0).unwrap()
}

/// Steps, with the pulse and the root after each.
fn follow(session: &mut dyn Session, data: &Dataset, sampler: &Sampler, steps: u64) -> Vec<(u32, u32, [u8; 32])> {
    (0..steps)
        .map(|_| {
            let mut pulses = vec![];
            let until = session.steps().unwrap() + 1;
            train(session, data, sampler, until, |pulse| {
                pulses.push(pulse);
                Ok::<(), EngineError>(())
            })
            .unwrap();
            (pulses[0].loss.to_bits(), pulses[0].grad_norm.to_bits(), session.state_root().unwrap())
        })
        .collect()
}

/// Three steps of one of the engine's golden jobs.
fn check(name: &str) {
    let path = format!("{}/../engine/tests/golden/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let golden: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let spec: TrainingSpec = serde_json::from_value(golden["spec"].clone()).unwrap();
    let program = spec.compile().unwrap();
    let seed = [golden["seed"].as_u64().unwrap() as u8; 32];
    let data = digits();
    let (training, _) = split(&seed, data.rows(), golden["held_out"].as_u64().unwrap()).unwrap();
    let sampler = Sampler::new(&seed, training, spec.batch).unwrap();
    let start = State::init(&program, seed).unwrap();

    let mut cpu = CpuBackend::new(1).unwrap().prepare(&program).unwrap();
    cpu.load(&start).unwrap();
    let want = follow(&mut *cpu, &data, &sampler, 3);
    for device in devices() {
        let mut session = device.prepare(&program).unwrap();
        session.load(&start).unwrap();
        assert_eq!(hex::encode(session.state_root().unwrap()), golden["initial_root"].as_str().unwrap());
        assert_eq!(follow(&mut *session, &data, &sampler, 3), want, "{}", device.name());
        // What the device hashed is what it holds, and another session goes on from there.
        let state = session.state().unwrap();
        assert_eq!((state.step(), state.root()), (3, want[2].2));
        let mut other = device.prepare(&program).unwrap();
        other.load(&state).unwrap();
        assert_eq!(follow(&mut *other, &data, &sampler, 1), follow(&mut *session, &data, &sampler, 1));
    }
}

#[test]
fn digits_adamw() {
    check("digits-adamw");
}

#[test]
fn digits_sgd() {
    check("digits-sgd");
}

/// State tensors of these shapes.
fn holding(shapes: &[Shape]) -> Program {
    let tensors = shapes
        .iter()
        .enumerate()
        .map(|(i, &shape)| {
            let kind = TensorKind::State(Init::Uniform { bound: 0.5f32.to_bits() });
            // In another order than the canonical one.
            TensorDecl { name: format!("s{}", 99 - i), shape, kind }
        })
        .collect();
    Program { tensors, ops: vec![], updates: vec![], outputs: vec![], pulse: None }
}

#[test]
fn trees_of_every_size_are_hashed() {
    let sizes = [0, 1, 2, 255, 256, 257, 512, 513, 1000, 256 * 7, 256 * 8 + 1, 256 * 33];
    let program = holding(&sizes.map(|size| shape(&[size])));
    let state = State::init(&program, [3; 32]).unwrap();
    for device in devices() {
        let mut session = device.prepare(&program).unwrap();
        session.load(&state).unwrap();
        assert_eq!(session.state_root().unwrap(), state.root(), "{}", device.name());
    }
}

#[test]
fn a_state_that_is_read_reshaped_and_updated() {
    let f = |name: &str, shape, kind| TensorDecl { name: name.into(), shape, kind };
    let state = TensorKind::State(Init::Constant(1f32.to_bits()));
    let program = Program {
        tensors: vec![
            f("s", shape(&[4]), state),
            f("x", shape(&[4]), TensorKind::Input),
            f("square", shape(&[2, 2]), TensorKind::Temporary),
            f("again", shape(&[4]), TensorKind::Temporary),
            f("x2", shape(&[2, 2]), TensorKind::Temporary),
        ],
        ops: vec![
            OpNode { op: Op::Reshape, inputs: vec![0], output: 2 },
            OpNode { op: Op::Reshape, inputs: vec![2], output: 3 },
            OpNode { op: Op::Reshape, inputs: vec![1], output: 4 },
        ],
        updates: vec![(0, 1)],
        outputs: vec![],
        pulse: None,
    };
    for device in devices() {
        let mut session = device.prepare(&program).unwrap();
        session.load(&State::init(&program, [0; 32]).unwrap()).unwrap();
        session.execute(&[Input::new("x", &[2.0, 3.0, 4.0, 5.0])]).unwrap();
        // Temporaries keep what they were made of.
        assert_eq!(session.tensor("again").unwrap().data, [1.0; 4]);
        assert_eq!(session.tensor("x2").unwrap().data, [2.0, 3.0, 4.0, 5.0]);
        assert_eq!(session.tensor("s").unwrap().data, [2.0, 3.0, 4.0, 5.0]);
    }
}
