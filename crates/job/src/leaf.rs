//! Chunks of a checkpoint with their proofs, as demands on chain ask for them.

use assay_engine::State;
use assay_protocol::hash::Native;
use assay_protocol::state_tree::{StateLeaf, Tensor};

/// Chunk `chunk` of tensor `tensor` of `state`, both modulo what there is, with
/// its way to the state's root; `None` for a state without tensors.
pub fn state_leaf(state: &State, tensor: u32, chunk: u32) -> Option<StateLeaf> {
    let bytes: Vec<Vec<u8>> =
        state.tensors().map(|(_, _, data)| data.iter().flat_map(|x| x.to_le_bytes()).collect()).collect();
    let tensors: Vec<Tensor<'_>> = state
        .layout()
        .tensors()
        .iter()
        .zip(&bytes)
        .map(|((name, shape), bytes)| Tensor { name, shape: shape.dims(), bytes })
        .collect();
    StateLeaf::prove(&Native, state.step(), &tensors, tensor, chunk)
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_engine::{Program, State, TrainingSpec};
    use assay_protocol::Hash;

    fn program() -> Program {
        let spec: TrainingSpec = serde_json::from_str(
            r#"{ "model": { "mlp": { "inputs": 40, "hidden": [20], "classes": 3, "activation": "tanh" } },
                 "optimiser": { "sgd": { "lr": 0.5, "momentum": 0.5, "weight_decay": 0.0 } },
                 "batch": 4 }"#,
        )
        .unwrap();
        spec.compile().unwrap()
    }

    /// The proofs are checked by the contract's own code against the engine's root.
    #[test]
    fn every_chunk_of_every_tensor_is_proved_under_the_engines_root_and_nowhere_else() {
        let state = State::init(&program(), [3; 32]).unwrap();
        let root = Hash(state.root());
        let tensors = state.layout().tensors().len() as u32;
        for tensor in 0..tensors {
            for chunk in 0..4 {
                let leaf = state_leaf(&state, tensor, chunk).unwrap();
                assert!(leaf.verify(&Native, &root, tensor, chunk));
                assert!(leaf.verify(&Native, &root, tensor + tensors, chunk), "numbers wrap");
                assert!(!leaf.verify(&Native, &root, tensor + 1, chunk));
                assert!(!leaf.verify(&Native, &Hash([1; 32]), tensor, chunk));
                let mut changed = leaf.clone();
                changed.chunk[0] ^= 1;
                assert!(!changed.verify(&Native, &root, tensor, chunk));
            }
        }
        let other = State::init(&program(), [4; 32]).unwrap();
        assert!(!state_leaf(&other, 0, 0).unwrap().verify(&Native, &root, 0, 0));
    }
}
