//! Arguments of the messages about a job's work.

use crate::hash::Hash;
use crate::state_tree::StateLeaf;
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
    }
}

protocol_type! {
    /// The ends of a commitment. They are opened after the draw: whoever saw a
    /// final state before it committed could copy it.
    pub struct Ends {
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
    /// The argument of `open`.
    pub struct Opening {
        /// The ends: with the first `open`, and only there.
        pub ends: Option<Ends>,
        /// Drawn slots, as many at once as the operator likes.
        pub slots: Vec<SlotOpening>,
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

protocol_type! {
    /// The argument of `challenge`: a segment, drawn or not, that somebody found false.
    pub struct Challenge {
        /// The segment.
        pub segment: u32,
        /// Boundary before it.
        pub before: LeafOpening,
        /// Boundary after it.
        pub after: LeafOpening,
    }
}

protocol_type! {
    /// What is demanded of the operator on chain. Numbers wrap, so that no
    /// demand asks for what does not exist.
    #[cfg_attr(feature = "serde", derive(serde::Deserialize))]
    pub enum Wanted {
        /// A chunk of the state at a boundary whose state root is open: an end,
        /// or around a slot.
        #[codec(index = 0)]
        Leaf {
            /// The boundary.
            boundary: u32,
            /// The tensor, modulo the number of the state's tensors.
            tensor: u32,
            /// The chunk of [`CHUNK_BYTES`](crate::state_tree::CHUNK_BYTES), modulo the number of the tensor's chunks.
            chunk: u32,
        },
        /// A leaf of the commitment.
        #[codec(index = 1)]
        Boundary {
            /// The boundary, modulo the number of boundaries.
            index: u32,
        },
    }
}

/// The argument of `answer`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Answer {
    /// To [`Wanted::Leaf`].
    #[codec(index = 0)]
    Leaf(StateLeaf),
    /// To [`Wanted::Boundary`].
    #[codec(index = 1)]
    Boundary(LeafOpening),
}
