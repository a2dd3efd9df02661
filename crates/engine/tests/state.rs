//! States: their start, their root, their file.

mod common;

use assay_engine::{EngineError, Program, State, TrainingSpec};
use parity_scale_codec::Encode;
use proptest::prelude::*;
use sha2::{Digest, Sha256};

fn program() -> Program {
    let spec: TrainingSpec = serde_json::from_str(
        r#"{ "model": { "mlp": { "inputs": 20, "hidden": [31], "classes": 4, "activation": "relu" } },
            "optimiser": { "adamw": { "lr": 0.01, "beta1": 0.9, "beta2": 0.99, "eps": 1e-8, "weight_decay": 0.1 } },
            "batch": 5 }"#,
    )
    .unwrap();
    spec.compile().unwrap()
}

fn sha(parts: &[&[u8]]) -> [u8; 32] {
    Sha256::digest(parts.concat()).into()
}

/// The tree as its definition reads, by recursion: the left part is the greatest power
/// of two of leaves below the whole.
fn tree(leaves: &[[u8; 32]]) -> [u8; 32] {
    match leaves {
        [] => sha(&[&[0x11]]),
        [one] => *one,
        _ => {
            let half = leaves.len().next_power_of_two() / 2;
            sha(&[&[0x11], &tree(&leaves[..half]), &tree(&leaves[half..])])
        }
    }
}

#[test]
fn the_root_is_what_its_definition_says() {
    let state = State::init(&program(), [1; 32]).unwrap();
    let count = state.tensors().count() as u32;
    let leaves: Vec<[u8; 32]> = state
        .tensors()
        .enumerate()
        .map(|(place, (name, shape, data))| {
            let bytes: Vec<u8> = data.iter().flat_map(|x| x.to_le_bytes()).collect();
            let chunks: Vec<[u8; 32]> = bytes.chunks(1024).map(|c| sha(&[&[0x10], c])).collect();
            sha(&[
                &[0x12],
                b"assay/state/v1",
                &0u64.to_le_bytes(),
                &(place as u32).to_le_bytes(),
                &count.to_le_bytes(),
                &name.encode(),
                &shape.dims().to_vec().encode(),
                &tree(&chunks),
            ])
        })
        .collect();
    assert_eq!(state.root(), tree(&leaves));
    // Canonical order is by name.
    let names: Vec<&str> = state.tensors().map(|(name, ..)| name).collect();
    assert!(names.is_sorted());
    assert_eq!(names.len(), 14);
}

#[test]
fn every_part_is_in_the_root() {
    let state = State::init(&program(), [1; 32]).unwrap();
    let root = state.root();
    assert_ne!(State::init(&program(), [2; 32]).unwrap().root(), root);
    let data: Vec<Vec<f32>> = state.tensors().map(|(_, _, data)| data.to_vec()).collect();
    let make = |step, data| State::from_parts(step, state.layout().clone(), data).unwrap();
    assert_eq!(make(0, data.clone()).root(), root);
    assert_ne!(make(1, data.clone()).root(), root);
    for tensor in 0..data.len() {
        let mut other = data.clone();
        let last = other[tensor].len() - 1;
        other[tensor][last] = f32::from_bits(other[tensor][last].to_bits() ^ 1);
        assert_ne!(make(0, other).root(), root);
        // The sign of a zero counts.
        let mut other = data.clone();
        other[tensor][0] = -other[tensor][0];
        assert_ne!(make(0, other).root(), root);
    }
}

#[test]
fn weights_start_within_their_bound_and_differ() {
    let state = State::init(&program(), [1; 32]).unwrap();
    let (_, weights) = state.get("layer0.weight").unwrap();
    let bound = (6.0f32 / 20.0).sqrt();
    assert!(weights.iter().all(|w| (-bound..bound).contains(w)));
    assert!(weights.iter().any(|w| *w > 0.8 * bound) && weights.iter().any(|w| *w < -0.8 * bound));
    let (_, last) = state.get("layer1.weight").unwrap();
    assert_ne!(weights[..5], last[..5]);
    assert_eq!(state.get("layer0.bias").unwrap().1, [0.0; 31]);
    assert_eq!(state.get("optimiser/beta1-power").unwrap().1, [1.0]);
    assert!(state.get("no such tensor").is_none());
}

#[test]
fn files_are_read_back_whole() {
    let program = program();
    let layout = program.state_layout();
    let state = State::init(&program, [1; 32]).unwrap();
    let file = state.to_bytes();
    assert_eq!(file.len() as u64, layout.file_bytes());
    assert_eq!(State::from_bytes(&file, &layout).unwrap(), state);
}

#[test]
fn damaged_and_foreign_files_are_refused() {
    let program = program();
    let layout = program.state_layout();
    let file = State::init(&program, [1; 32]).unwrap().to_bytes();
    let refused = |bytes: &[u8]| State::from_bytes(bytes, &layout).unwrap_err().to_string();
    for length in 0..file.len() {
        let error = refused(&file[..length]);
        assert!(error.contains("truncated"), "{length} bytes: {error}");
    }
    let mut long = file.clone();
    long.push(0);
    assert!(refused(&long).contains("too long"));

    let changed = |at: usize, to: u8| {
        let mut bytes = file.clone();
        bytes[at] = to;
        bytes
    };
    assert!(refused(&changed(0, b'X')).contains("does not start with ASSAYST"));
    assert!(refused(&changed(7, b'2')).contains("version"));
    assert!(refused(b"{\"model\": 1}").contains("does not start with ASSAYST"));
    // A number of tensors or a name length that claims more than there is.
    assert!(refused(&changed(20, 0xff)).contains("not a valid state file"));
    assert!(refused(&changed(11, 0xff)).contains("truncated"));

    let mut infinite = file.clone();
    let end = infinite.len();
    infinite[end - 4..].copy_from_slice(&f32::INFINITY.to_le_bytes());
    let error = refused(&infinite);
    assert!(error.contains("is not a finite number"), "{error}");

    let other = |json: &str| {
        let spec: TrainingSpec = serde_json::from_str(json).unwrap();
        State::init(&spec.compile().unwrap(), [1; 32]).unwrap().to_bytes()
    };
    let wide = other(
        r#"{ "model": { "mlp": { "inputs": 20, "hidden": [32], "classes": 4, "activation": "relu" } },
            "optimiser": { "adamw": { "lr": 0.01, "beta1": 0.9, "beta2": 0.99, "eps": 1e-8, "weight_decay": 0.1 } },
            "batch": 5 }"#,
    );
    assert!(matches!(State::from_bytes(&wide, &layout), Err(EngineError::WrongShape { .. })));
    let plain = other(
        r#"{ "model": { "mlp": { "inputs": 20, "hidden": [31], "classes": 4, "activation": "relu" } },
            "optimiser": { "sgd": { "lr": 0.01, "momentum": 0.0, "weight_decay": 0.0 } },
            "batch": 5 }"#,
    );
    assert!(matches!(State::from_bytes(&plain, &layout), Err(EngineError::WrongState(_))));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(at in 0usize..400, to: u8, cut in 0usize..5000) {
        let program = program();
        let mut file = State::init(&program, [1; 32]).unwrap().to_bytes();
        file[at] = to;
        file.truncate(cut.max(at));
        let _ = State::from_bytes(&file, &program.state_layout());
    }
}
