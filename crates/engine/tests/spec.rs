//! Descriptions and programs: what is accepted, what is refused, and how it is said.

mod common;

use assay_engine::{EngineError, Op, Program, Shape, TensorKind, TrainingSpec, compile_forward};
use parity_scale_codec::{Decode, Encode};

const SPEC: &str = r#"{
    "model": { "mlp": { "inputs": 64, "hidden": [128, 32], "classes": 10, "activation": "tanh" } },
    "optimiser": { "sgd": { "lr": 0.1, "momentum": 0.9, "weight_decay": 0.0001 } },
    "precision": { "forward": "int8x1", "grad_input": "int8x2", "grad_weight": "int8x3" },
    "batch": 64
}"#;

fn spec() -> TrainingSpec {
    serde_json::from_str(SPEC).unwrap()
}

#[test]
fn json_and_scale_keep_every_bit() {
    let spec = spec();
    let json = serde_json::to_string(&spec).unwrap();
    assert_eq!(serde_json::from_str::<TrainingSpec>(&json).unwrap(), spec);
    assert_eq!(TrainingSpec::from_bytes(&spec.encode()).unwrap(), spec);
    let program = spec.compile().unwrap();
    assert_eq!(Program::from_bytes(&program.encode()).unwrap(), program);
    assert_eq!(spec.compile().unwrap().hash(), program.hash());
}

#[test]
fn everything_that_matters_is_in_the_programs_hash() {
    let hash = spec().compile().unwrap().hash();
    for (from, to) in [
        ("tanh", "relu"),
        ("128", "127"),
        ("0.9", "0.8"),
        ("0.0001", "0.0002"),
        ("int8x1", "int8x2"),
        ("\"batch\": 64", "\"batch\": 63"),
    ] {
        let other: TrainingSpec = serde_json::from_str(&SPEC.replace(from, to)).unwrap();
        assert_ne!(other.compile().unwrap().hash(), hash, "{from} -> {to}");
    }
}

#[test]
fn wrong_descriptions_are_refused_by_field() {
    for (from, to, text) in [
        ("\"inputs\": 64", "\"inputs\": 0", "model.mlp.inputs: 0 is not from 1 to 16777216"),
        ("[128, 32]", "[128, 0]", "model.mlp.hidden[1]: 0 is not from 1 to 16777216"),
        ("\"classes\": 10", "\"classes\": 1", "model.mlp.classes: 1 is not from 2 to 16777216"),
        ("\"lr\": 0.1", "\"lr\": 0.0", "optimiser.sgd.lr: 0 is not above 0"),
        ("\"lr\": 0.1", "\"lr\": 1e39", "optimiser.sgd.lr: inf is not above 0"),
        ("0.9", "1.0", "optimiser.sgd.momentum: 1 is not from 0 to below 1"),
        ("0.0001", "-1.0", "optimiser.sgd.weight_decay: -1 is not at least 0"),
        ("\"batch\": 64", "\"batch\": 0", "batch: 0 is not from 1 to 16777216"),
    ] {
        let json = SPEC.replace(from, to);
        assert_ne!(json, SPEC);
        let error = serde_json::from_str::<TrainingSpec>(&json).unwrap().compile().unwrap_err();
        assert_eq!(error.to_string(), text);
    }
    for (from, to, text) in [
        ("\"batch\"", "\"color\": 1, \"batch\"", "unknown field `color`"),
        ("\"lr\"", "\"rate\": 1, \"lr\"", "unknown field `rate`"),
        ("\"inputs\"", "\"depth\": 1, \"inputs\"", "unknown field `depth`"),
        ("\"mlp\"", "\"cnn\"", "unknown variant `cnn`"),
        ("tanh", "swish", "unknown variant `swish`"),
        ("int8x1", "fp32", "unknown variant `fp32`"),
        ("\"momentum\": 0.9,", "", "missing field `momentum`"),
        ("\"batch\": 64", "\"batch\": -1", "invalid value"),
    ] {
        let json = SPEC.replace(from, to);
        assert_ne!(json, SPEC);
        let error = serde_json::from_str::<TrainingSpec>(&json).unwrap_err().to_string();
        assert!(error.contains(text), "{error}");
    }
}

#[test]
fn wrong_encodings_are_refused() {
    let bytes = spec().encode();
    for length in 0..bytes.len() {
        assert!(TrainingSpec::from_bytes(&bytes[..length]).is_err());
    }
    assert!(TrainingSpec::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
    assert!(TrainingSpec::from_bytes(&vec![0; 5000]).unwrap_err().to_string().contains("5000 bytes"));
    // A NaN has an encoding but no place here.
    let mut nan = spec();
    nan.batch = 1;
    let lr = f32::NAN.to_bits().encode();
    let mut bytes = nan.encode();
    let at = bytes.windows(4).position(|four| four == 0.1f32.to_bits().to_le_bytes()).unwrap();
    bytes[at..at + 4].copy_from_slice(&lr);
    assert!(TrainingSpec::decode(&mut &bytes[..]).is_ok());
    let error = TrainingSpec::from_bytes(&bytes).unwrap_err().to_string();
    assert_eq!(error, "optimiser.sgd.lr: NaN is not above 0");
}

#[test]
fn absurd_sizes_are_refused_before_allocating() {
    let json = SPEC.replace("[128, 32]", "[16777216, 16777216]");
    let spec: TrainingSpec = serde_json::from_str(&json).unwrap();
    match spec.compile().unwrap_err() {
        EngineError::TooLarge { needed, limit } => {
            // At least one 2^24 x 2^24 weight and its velocity.
            assert!(needed > 8u128 << 48 && limit == 1 << 40);
        }
        other => panic!("{other}"),
    }
    assert!(compile_forward(&spec.model, spec.precision, 1 << 24).is_err());

    use assay_engine::{Backend, CpuBackend};
    let json = SPEC.replace("[128, 32]", "[32768, 32768]");
    let program = serde_json::from_str::<TrainingSpec>(&json).unwrap().compile().unwrap();
    let error = CpuBackend::new(1).unwrap().prepare(&program).err().unwrap();
    let EngineError::TooLarge { needed, limit } = error else { panic!("{error}") };
    // The least that would do, with memory handed on from tensor to tensor.
    assert!(limit == 8 << 30 && limit < needed && needed <= program.memory_bytes(), "{needed} {limit}");
    let text = error.to_string();
    assert!(text.contains(&format!("needs {needed} bytes")) && text.contains("limit is 8589934592"), "{text}");
    let small = CpuBackend::new(1).unwrap().with_memory_limit(1000);
    assert!(matches!(small.prepare(&spec_program()).err(), Some(EngineError::TooLarge { limit: 1000, .. })));
}

fn spec_program() -> Program {
    spec().compile().unwrap()
}

#[test]
fn invalid_programs_are_refused() {
    let good = spec_program();
    good.validate().unwrap();
    let refused = |change: &dyn Fn(&mut Program), text: &str| {
        let mut program = good.clone();
        change(&mut program);
        let error = program.validate().unwrap_err().to_string();
        assert!(error.contains(text), "{error} should say {text}");
        assert!(Program::from_bytes(&program.encode()).is_err());
    };
    refused(&|p| p.tensors[0].name = p.tensors[1].name.clone(), "two tensors are named");
    refused(&|p| p.tensors[0].name = "a b".into(), "ASCII letters");
    refused(&|p| p.tensors[0].name = String::new(), "ASCII letters");
    refused(&|p| p.ops[0].inputs[0] = 9999, "tensor 9999 is named");
    refused(&|p| p.ops[0].output = 0, "not a temporary or is already made");
    refused(&|p| p.ops.swap(0, 1), "before it is made");
    refused(
        &|p| {
            p.ops.pop();
        },
        "no op makes",
    );
    refused(
        &|p| {
            p.updates.swap(0, 1);
        },
        "ascending order",
    );
    refused(&|p| p.updates[0].1 = p.updates[1].1, "cannot be updated");
    refused(&|p| p.outputs.push(12345), "tensor 12345 is named");
    refused(
        &|p| {
            let matrix = p.find("logits").unwrap();
            p.pulse.as_mut().unwrap().loss = matrix;
        },
        "rank 0",
    );
    refused(
        &|p| {
            let labels = p.find("labels").unwrap() as usize;
            p.tensors[labels].shape = Shape::new(&[65]).unwrap();
        },
        "a row per element",
    );
    refused(
        &|p| {
            let state = p.tensors.iter().position(|t| matches!(t.kind, TensorKind::State(_)));
            p.tensors[state.unwrap()].kind = TensorKind::State(assay_engine::Init::Constant(f32::NAN.to_bits()));
        },
        "does not start as a number",
    );
    let sum = good.ops.iter().position(|node| matches!(node.op, Op::Sum { .. })).unwrap();
    refused(&move |p| p.ops[sum].op = Op::Sum { axes: 0 }, "the axes it reduces over");
    assert!(Program::from_bytes(&[good.encode(), vec![0]].concat()).is_err());
    assert!(Program::from_bytes(&[]).is_err());
}
