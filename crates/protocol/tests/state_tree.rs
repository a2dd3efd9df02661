//! Chunks of the engine's own states, proved and verified.

use assay_engine::{GraphBuilder, Init, PrecisionSpec, Shape, State};
use assay_protocol::Hash;
use assay_protocol::hash::Native;
use assay_protocol::state_tree::{CHUNK_BYTES, StateLeaf, Tensor};

/// A state of these tensors after `step` steps, and the little-endian bytes of each.
fn state(step: u64, tensors: &[(&str, &[u32])]) -> (State, Vec<Vec<u8>>) {
    let mut graph = GraphBuilder::new(PrecisionSpec::default());
    for (name, dims) in tensors {
        graph.state(name, Shape::new(dims).unwrap(), Init::Constant(0));
    }
    let layout = graph.finish(None).unwrap().state_layout();
    let data: Vec<Vec<f32>> = tensors
        .iter()
        .map(|(_, dims)| (0..dims.iter().product::<u32>()).map(|element| element as f32 / 7.0 - 3.0).collect())
        .collect();
    let bytes = data.iter().map(|data| data.iter().flat_map(|x| x.to_le_bytes()).collect()).collect();
    (State::from_parts(step, layout, data).unwrap(), bytes)
}

fn proved(step: u64, tensors: &[(&str, &[u32])], bytes: &[Vec<u8>], tensor: u32, chunk: u32) -> StateLeaf {
    let parts: Vec<Tensor> =
        tensors.iter().zip(bytes).map(|((name, shape), bytes)| Tensor { name, shape, bytes }).collect();
    StateLeaf::prove(&Native, step, &parts, tensor, chunk).unwrap()
}

/// Scalars, an empty tensor, whole and broken chunks, even and odd counts.
const TENSORS: [(&str, &[u32]); 5] =
    [("a", &[]), ("b.bias", &[3, 0]), ("b.weight", &[16, 16]), ("c", &[257]), ("d", &[5, 300])];

#[test]
fn every_chunk_of_a_state_is_proved_and_no_other() {
    for count in 1..=TENSORS.len() {
        let tensors = &TENSORS[..count];
        let (state, bytes) = state(41, tensors);
        let root = Hash(state.root());
        for (tensor, bytes_of) in (0u32..).zip(&bytes) {
            let chunks = bytes_of.len().div_ceil(CHUNK_BYTES).max(1) as u32;
            for chunk in 0..chunks {
                let leaf = proved(41, tensors, &bytes, tensor, chunk);
                assert!(leaf.verify(&Native, &root, tensor, chunk), "{tensor} {chunk} of {count}");
                let start = chunk as usize * CHUNK_BYTES;
                assert_eq!(leaf.chunk, bytes_of[start..bytes_of.len().min(start + CHUNK_BYTES)]);
                for other in (0..chunks).filter(|other| *other != chunk) {
                    assert!(!leaf.verify(&Native, &root, tensor, other));
                }
                for other in (0..count as u32).filter(|other| *other != tensor) {
                    assert!(!leaf.verify(&Native, &root, other, chunk), "{tensor} passes for {other}");
                }
            }
        }
    }
}

#[test]
fn numbers_wrap() {
    let (state, bytes) = state(0, &TENSORS);
    let root = Hash(state.root());
    // Tensor 4 has six chunks; all numbers ask for something that there is.
    let leaf = proved(0, &TENSORS, &bytes, 9, 11);
    assert_eq!(leaf, proved(0, &TENSORS, &bytes, 4, 5));
    assert!(leaf.verify(&Native, &root, 4, 5) && leaf.verify(&Native, &root, 9, 11));
    assert!(leaf.verify(&Native, &root, 4, 6_005));
    let last = proved(0, &TENSORS, &bytes, u32::MAX, u32::MAX);
    assert!(last.verify(&Native, &root, u32::MAX, u32::MAX));
}

#[test]
fn nothing_can_be_changed() {
    let (state, bytes) = state(7, &TENSORS);
    let root = Hash(state.root());
    let leaf = proved(7, &TENSORS, &bytes, 4, 2);
    type Change = fn(&mut StateLeaf);
    let changes: [Change; 12] = [
        |leaf| leaf.step += 1,
        |leaf| leaf.tensors -= 1,
        |leaf| leaf.tensors = 0,
        |leaf| leaf.name.push('x'),
        |leaf| leaf.shape = vec![1_500],
        |leaf| leaf.shape = vec![u32::MAX; 4],
        |leaf| leaf.chunk[3] ^= 1,
        |leaf| leaf.chunk.truncate(CHUNK_BYTES - 1),
        |leaf| leaf.chunk.push(0),
        |leaf| leaf.tensor_proof.truncate(2),
        |leaf| leaf.state_proof.push(Hash::default()),
        |leaf| leaf.tensor_proof[1].0[0] ^= 1,
    ];
    assert!(leaf.verify(&Native, &root, 4, 2));
    for (number, change) in changes.into_iter().enumerate() {
        let mut changed = leaf.clone();
        change(&mut changed);
        assert!(!changed.verify(&Native, &root, 4, 2), "change {number}");
    }
    assert!(!leaf.verify(&Native, &Hash::default(), 4, 2));
}

#[test]
fn what_is_no_state_is_not_proved() {
    assert_eq!(StateLeaf::prove(&Native, 0, &[], 0, 0), None);
    let short = Tensor { name: "a", shape: &[2], bytes: &[0; 4] };
    assert_eq!(StateLeaf::prove(&Native, 0, &[short], 0, 0), None);
}
