//! Whole training steps: the CPU equals the law, for every number of threads; failed
//! steps change nothing; sessions can be resumed.

mod common;

use assay_engine::{
    Backend, CpuBackend, EngineError, Input, LawBackend, Precision, Program, Pulse, Session, State, TrainingSpec,
};
use common::{Random, cpus};

fn spec(json: &str) -> TrainingSpec {
    serde_json::from_str(json).unwrap()
}

fn specs() -> Vec<TrainingSpec> {
    let model = |hidden: &str, activation: &str| {
        format!(r#"{{ "mlp": {{ "inputs": 6, "hidden": {hidden}, "classes": 3, "activation": "{activation}" }} }}"#)
    };
    let optimisers = [
        r#"{ "sgd": { "lr": 0.1, "momentum": 0.0, "weight_decay": 0.0 } }"#,
        r#"{ "sgd": { "lr": 0.1, "momentum": 0.9, "weight_decay": 0.01 } }"#,
        r#"{ "adamw": { "lr": 0.01, "beta1": 0.9, "beta2": 0.99, "eps": 1e-8, "weight_decay": 0.1 } }"#,
    ];
    let mut out = Vec::new();
    for (i, (hidden, activation)) in [("[]", "relu"), ("[7]", "relu"), ("[9, 5]", "tanh")].into_iter().enumerate() {
        for (j, optimiser) in optimisers.into_iter().enumerate() {
            let names = ["int8x1", "int8x2", "int8x3"];
            let name = |k: usize| names[(i + j + k) % 3];
            out.push(spec(&format!(
                r#"{{ "model": {}, "optimiser": {optimiser}, "precision":
                    {{ "forward": "{}", "grad_input": "{}", "grad_weight": "{}" }}, "batch": 5 }}"#,
                model(hidden, activation),
                name(0),
                name(1),
                name(2)
            )));
        }
    }
    out
}

fn batch(step: u64) -> (Vec<f32>, Vec<f32>) {
    let r = &mut Random::new(1000 + step);
    let features = (0..30).map(|_| assay_exact::philox::uniform(r.word(), 1.0)).collect();
    let labels = (0..5).map(|_| r.below(3) as f32).collect();
    (features, labels)
}

fn step(session: &mut dyn Session, number: u64) -> Result<Pulse, EngineError> {
    let (features, labels) = batch(number);
    session.step(&[Input::new("features", &features), Input::new("labels", &labels)])
}

fn start(backend: &dyn Backend, program: &Program) -> Box<dyn Session> {
    let mut session = backend.prepare(program).unwrap();
    session.load(&State::init(program, [3; 32]).unwrap()).unwrap();
    session
}

#[test]
fn cpu_equals_the_law_for_every_thread_count() {
    for spec in specs() {
        let program = spec.compile().unwrap();
        let mut law = start(&LawBackend, &program);
        let mut others: Vec<_> = cpus().iter().map(|cpu| start(cpu, &program)).collect();
        for number in 0..3 {
            let want = step(&mut *law, number).unwrap();
            assert_eq!(want.step, number);
            for other in &mut others {
                assert_eq!(step(&mut **other, number).unwrap(), want, "{spec:?}");
                // Not only what is hashed: every tensor of the step.
                for tensor in &program.tensors {
                    let (a, b) = (law.tensor(&tensor.name), other.tensor(&tensor.name));
                    let bits = |t: Result<assay_engine::Tensor, EngineError>| -> Vec<u32> {
                        t.unwrap().data.iter().map(|x| x.to_bits()).collect()
                    };
                    assert_eq!(bits(a), bits(b), "{}", tensor.name);
                }
                assert_eq!(other.state_root().unwrap(), law.state_root().unwrap());
            }
        }
    }
}

#[test]
fn resuming_from_a_file_changes_nothing() {
    for spec in specs() {
        let program = spec.compile().unwrap();
        let backend = CpuBackend::new(2).unwrap();
        let mut whole = start(&backend, &program);
        let mut first = start(&backend, &program);
        for number in 0..2 {
            step(&mut *whole, number).unwrap();
            step(&mut *first, number).unwrap();
        }
        let file = first.state().unwrap().to_bytes();
        let state = State::from_bytes(&file, &program.state_layout()).unwrap();
        let mut second = backend.prepare(&program).unwrap();
        second.load(&state).unwrap();
        for number in 2..4 {
            assert_eq!(step(&mut *whole, number).unwrap(), step(&mut *second, number).unwrap());
        }
        assert_eq!(whole.state().unwrap(), second.state().unwrap());
        assert_eq!(second.steps().unwrap(), 4);
    }
}

#[test]
fn a_failed_step_says_where_and_changes_nothing() {
    let program = specs()[4].compile().unwrap();
    let mut session = start(&cpus()[0], &program);
    step(&mut *session, 0).unwrap();
    let before = session.state().unwrap();

    // Huge features overflow in a matmul of the second step.
    let (_, labels) = batch(0);
    let huge = vec![f32::MAX; 30];
    let error = session.step(&[Input::new("features", &huge), Input::new("labels", &labels)]).unwrap_err();
    let text = error.to_string();
    assert!(
        matches!(error, EngineError::Element { step: 1, .. })
            && text.contains("step 1: op ")
            && text.contains("(matmul, making \"layer0.matmul\"): element "),
        "{text}"
    );
    assert_eq!(session.state().unwrap(), before);

    let (features, _) = batch(0);
    let wrong_label = [0.0, 1.0, 3.0, 0.0, 0.0];
    let error = session.step(&[Input::new("features", &features), Input::new("labels", &wrong_label)]).unwrap_err();
    assert!(error.to_string().contains("element 2 of input 0 is 3, but should be an integer from 0 to 2"));
    assert_eq!(session.state().unwrap(), before);
    assert_eq!(step(&mut *session, 1).unwrap().step, 1);
}

#[test]
fn wrong_inputs_are_refused_by_name() {
    let program = specs()[0].compile().unwrap();
    let (features, labels) = batch(0);
    let (f, l) = (Input::new("features", &features), Input::new("labels", &labels));
    let mut session = cpus()[0].prepare(&program).unwrap();
    assert!(matches!(session.step(&[f, l]), Err(EngineError::NoState)));
    session.load(&State::init(&program, [3; 32]).unwrap()).unwrap();
    for (inputs, text) in [
        (vec![f], "input \"labels\": not supplied"),
        (vec![f, l, l], "input \"labels\": supplied twice"),
        (vec![f, l, Input::new("x", &labels)], "input \"x\": the program has no such input"),
        (vec![f, Input::new("labels", &labels[1..])], "input \"labels\": 4 elements given, shape [5] has 5"),
        (vec![f, Input::new("labels", &[0.0, 0.0, f32::NAN, 0.0, 0.0])], "input \"labels\": element 2 is NaN"),
    ] {
        assert_eq!(session.step(&inputs).unwrap_err().to_string(), text);
    }
    assert!(matches!(session.tensor("logits"), Err(EngineError::Program(_))));
    assert!(matches!(session.tensor("nothing"), Err(EngineError::NoTensor(_))));
}

#[test]
fn inference_takes_the_models_part_of_a_training_state() {
    let spec = &specs()[8];
    let training = spec.compile().unwrap();
    let forward = spec.compile_forward().unwrap();
    let mut session = start(&cpus()[0], &training);
    step(&mut *session, 0).unwrap();
    let state = session.state().unwrap();
    let before = session.tensor("logits").unwrap();
    step(&mut *session, 0).unwrap();
    let after = session.tensor("logits").unwrap();
    assert_ne!(before, after);

    let mut inference = cpus()[1].prepare(&forward).unwrap();
    assert!(matches!(inference.load(&state), Err(EngineError::WrongState(_))));
    inference.load(&state.select(&forward).unwrap()).unwrap();
    let (features, _) = batch(0);
    let features = [Input::new("features", &features)];
    assert_eq!(inference.run(&features, "logits").unwrap(), after);
    assert!(matches!(inference.step(&features), Err(EngineError::NoPulse)));

    let other = specs()[1].compile().unwrap();
    let error = session.load(&State::init(&other, [0; 32]).unwrap()).unwrap_err();
    assert!(error.to_string().starts_with("this state belongs to another model: "), "{error}");
}

#[test]
fn precision_of_each_kind_of_matmul_is_the_specs() {
    let mut spec = specs().remove(7);
    spec.precision.forward = Precision::Int8x1;
    spec.precision.grad_input = Precision::Int8x2;
    spec.precision.grad_weight = Precision::Int8x3;
    let program = spec.compile().unwrap();
    let mut seen = [0; 3];
    for node in &program.ops {
        if let assay_engine::Op::MatMul { precision, .. } = node.op {
            let name = &program.tensors[node.output as usize].name;
            let want = match (name.ends_with(".weight.grad"), name.ends_with(".grad")) {
                (true, _) => Precision::Int8x3,
                (false, true) => Precision::Int8x2,
                _ => Precision::Int8x1,
            };
            assert_eq!(precision, want, "{name}");
            seen[want as usize] += 1;
        }
    }
    // Three layers; the first needs no gradient of its input.
    assert_eq!(seen, [3, 2, 3]);
}

#[test]
fn the_next_value_of_a_state_can_be_read_after_the_step() {
    let program = specs().pop().unwrap().compile().unwrap();
    for backend in [Box::new(LawBackend) as Box<dyn Backend>, Box::new(CpuBackend::new(1).unwrap())] {
        let mut session = backend.prepare(&program).unwrap();
        session.load(&State::init(&program, [1; 32]).unwrap()).unwrap();
        let first = session.tensor("layer0.weight").unwrap();
        for number in 0..3 {
            step(&mut *session, number).unwrap();
            let next = session.tensor("layer0.weight.next").unwrap();
            assert_eq!(session.tensor("layer0.weight").unwrap(), next);
            assert_ne!(next, first);
        }
    }
}

#[test]
fn two_states_can_take_one_value() {
    let mut program = specs().pop().unwrap().compile().unwrap();
    let number = |program: &Program, name: &str| {
        program.tensors.iter().position(|tensor| tensor.name == name).unwrap_or_else(|| panic!("no {name}")) as u32
    };
    let states = ["optimiser/moment1/layer0.weight", "optimiser/moment2/layer0.weight"];
    let ids = states.map(|name| number(&program, name));
    let update = |program: &Program, id| program.updates.iter().position(|update| update.0 == id).unwrap();
    let value = program.updates[update(&program, ids[0])].1;
    let other = update(&program, ids[1]);
    program.updates[other].1 = value;
    let mut session = CpuBackend::new(1).unwrap().prepare(&program).unwrap();
    session.load(&State::init(&program, [1; 32]).unwrap()).unwrap();
    // One step: a second would take the root of a number below zero.
    step(&mut *session, 0).unwrap();
    let [one, two] = states.map(|name| session.tensor(name).unwrap());
    assert_eq!(one, two);
    assert!(one.data.iter().any(|x| *x != 0.0));
}
