//! Arguments of the operator's messages.

use crate::hash::Hash;
use alloc::vec::Vec;
use parity_scale_codec::{Decode, Encode};
use scale_info::TypeInfo;

protocol_type! {
    /// A leaf and its way to the root.
    pub struct LeafOpening {
        /// State root at the boundary.
        pub state: Hash,
        /// The operator's seal in the leaf.
        pub seal: Hash,
        /// Siblings, lowest first.
        pub proof: Vec<Hash>,
    }
}

protocol_type! {
    /// The argument of `commit`.
    pub struct Commit {
        /// Merkle root over the boundaries' leaves.
        pub root: Hash,
        /// Boundary 0.
        pub first: LeafOpening,
        /// The last boundary.
        pub last: LeafOpening,
        /// SHA-256 of the model's `safetensors` file.
        pub artefact: Hash,
    }
}

protocol_type! {
    /// The two leaves around a drawn segment.
    pub struct SlotOpening {
        /// The slot.
        pub slot: u8,
        /// Boundary before the segment.
        pub before: LeafOpening,
        /// Boundary after it.
        pub after: LeafOpening,
    }
}

protocol_type! {
    /// The trace root of a drawn segment.
    pub struct SlotTrace {
        /// The slot.
        pub slot: u8,
        /// The operator's trace root of its segment.
        pub trace: Hash,
    }
}
