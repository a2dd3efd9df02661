//! Programs that do not fit a device's memory all at once.

mod support;

use assay_cuda::{DeviceBackend, EmulatedDevice};
use assay_engine::{Backend, CpuBackend, EngineError, Input, Program, Session, State, TrainingSpec};
use assay_exact::philox;
use support::folder;

fn device(limit: u64) -> DeviceBackend<EmulatedDevice> {
    DeviceBackend::new(EmulatedDevice::new(folder(), 900, 5)).with_memory_limit(limit)
}

/// The bytes that a refusal names: the least that would do, in the end.
fn needed<T>(refused: Result<T, EngineError>) -> u64 {
    match refused {
        Err(EngineError::TooLarge { needed, .. }) => u64::try_from(needed).unwrap(),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was not refused"),
    }
}

fn step(session: &mut dyn Session, number: u64, label: f32) -> Result<[u8; 32], EngineError> {
    let program = session.program().clone();
    let counter = philox::counter([1, 2], number);
    let data: Vec<(&str, Vec<f32>)> = program
        .tensors
        .iter()
        .filter(|tensor| tensor.kind == assay_engine::TensorKind::Input)
        .map(|tensor| {
            let count = tensor.shape.elements();
            let some = |i: u64| if tensor.name == "features" { i as f32 / 64.0 } else { (i % 4) as f32 };
            let mut values: Vec<f32> = (0..count).map(|i| some(i + number)).collect();
            match tensor.name.as_str() {
                "counter" => values = counter.to_vec(),
                "labels" => values[1] = label,
                _ => {}
            }
            (tensor.name.as_str(), values)
        })
        .collect();
    let inputs: Vec<Input<'_>> = data.iter().map(|(name, values)| Input::new(name, values)).collect();
    session.step(&inputs)?;
    session.state_root()
}

fn begun(backend: &dyn Backend, program: &Program) -> Box<dyn Session> {
    let mut session = backend.prepare(program).unwrap();
    session.load(&State::init(program, [4; 32]).unwrap()).unwrap();
    session
}

fn check(model: &str, batch: u32) {
    let spec = format!(
        r#"{{ "model": {model}, "clip": 1, "batch": {batch}, "optimiser":
            {{ "adamw": {{ "lr": 0.01, "beta1": 0.9, "beta2": 0.99, "eps": 1e-8, "weight_decay": 0.1 }} }} }}"#
    );
    let spec: TrainingSpec = serde_json::from_str(&spec).unwrap();
    let program = spec.compile().unwrap();
    let mut cpu = begun(&CpuBackend::new(1).unwrap(), &program);
    let want = [0, 1].map(|number| step(&mut *cpu, number, 3.0).unwrap());
    let wrong = step(&mut *cpu, 2, 9.0).unwrap_err().to_string();

    let all = u64::try_from(device(u64::MAX).footprint(&program).unwrap().bytes).unwrap();
    // Without a byte for tensors, what ops need beside them is not known yet.
    let least = needed(device(needed(device(1).footprint(&program))).footprint(&program));
    assert!(3 * least < 2 * all, "{least} of {all} bytes");
    assert_eq!(needed(device(least - 1).prepare(&program)), least);
    let mut seen = vec![];
    for limit in [least, least.midpoint(all), all - 1] {
        let backend = device(limit);
        let footprint = backend.footprint(&program).unwrap();
        assert!(footprint.bytes <= limit.into() && footprint.parts == 1, "{footprint} within {limit}");
        let mut session = backend.prepare(&program).unwrap();
        session.load(&State::init(&program, [4; 32]).unwrap()).unwrap();
        assert_eq!([0, 1].map(|number| step(&mut *session, number, 3.0).unwrap()), want, "{footprint} within {limit}");
        // The law's words on what is wrong, though what the op read has made room for others.
        assert_eq!(step(&mut *session, 2, 9.0).unwrap_err().to_string(), wrong, "{footprint} within {limit}");
        assert_eq!(session.state_root().unwrap(), want[1]);
        let lost = program.ops.iter().map(|node| &program.tensors[node.output as usize].name);
        step(&mut *session, 2, 3.0).unwrap();
        let errors: Vec<String> = lost.filter_map(|name| Some(session.tensor(name).err()?.to_string())).collect();
        assert!(!errors.is_empty() && errors.iter().all(|error| error.contains("is not kept")), "{errors:?}");
        seen.push(footprint.again);
    }
    assert!(seen.first() > Some(&0) && seen.last() == Some(&0), "done twice: {seen:?}");
}

#[test]
fn a_deep_perceptron_fits_into_less() {
    let hidden = ["12"; 8].join(", ");
    check(&format!(r#"{{ "mlp": {{ "inputs": 6, "hidden": [{hidden}], "classes": 4, "activation": "tanh" }} }}"#), 64);
}

#[test]
fn a_transformer_with_dropout_fits_into_less() {
    check(r#"{ "gpt": { "vocabulary": 4, "context": 8, "layers": 3, "heads": 2, "width": 8, "dropout": 0.1 } }"#, 4);
}
