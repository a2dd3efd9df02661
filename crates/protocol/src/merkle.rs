//! The Merkle tree over the leaves of a commitment.
//!
//! Leaf hashes come from the caller, already separated from inner nodes by
//! their [`Domain`]. A level of odd length carries its last node up unchanged
//! (nothing is duplicated, so no two lists of leaves share a root by padding);
//! the number of leaves is part of what is committed on chain.

use crate::hash::{Domain, Hash, Sha256};
use alloc::vec::Vec;

/// The hash of an inner node.
pub fn node(hasher: &impl Sha256, left: &Hash, right: &Hash) -> Hash {
    hasher.hash_value(Domain::Node, &(left, right))
}

/// The root over a level of leaves in a tree with these inner nodes, and the
/// siblings on the way of `position`, lowest first; `None` for no leaves.
pub(crate) fn climb(
    node: impl Fn(&Hash, &Hash) -> Hash,
    mut level: Vec<Hash>,
    mut position: usize,
) -> Option<(Hash, Vec<Hash>)> {
    let mut siblings = Vec::new();
    while level.len() > 1 {
        siblings.extend(level.get(position ^ 1));
        level = above(&node, &level);
        position /= 2;
    }
    Some((*level.first()?, siblings))
}

/// The level above one of a tree with these inner nodes.
fn above(node: impl Fn(&Hash, &Hash) -> Hash, level: &[Hash]) -> Vec<Hash> {
    let parent = |pair: &[Hash]| match pair {
        [left, right] => node(left, right),
        [odd] => *odd,
        _ => unreachable!("chunks of one or two"),
    };
    level.chunks(2).map(parent).collect()
}

/// The root that `leaf` has as number `index` of `count` in a tree with these
/// inner nodes; `None` if there is no such number, or the siblings are not
/// exactly as many as the shape of the tree asks for.
pub(crate) fn proved_root(
    node: impl Fn(&Hash, &Hash) -> Hash,
    leaf: Hash,
    index: u64,
    count: u64,
    siblings: &[Hash],
) -> Option<Hash> {
    if index >= count {
        return None;
    }
    let (mut position, mut width, mut hash) = (index, count, leaf);
    let mut siblings = siblings.iter();
    while width > 1 {
        if position ^ 1 < width {
            let sibling = siblings.next()?;
            hash = if position % 2 == 0 { node(&hash, sibling) } else { node(sibling, &hash) };
        }
        position /= 2;
        width = width.div_ceil(2);
    }
    siblings.next().is_none().then_some(hash)
}

/// The root over `leaves`; `None` for no leaves.
pub fn root(hasher: &impl Sha256, leaves: &[Hash]) -> Option<Hash> {
    climb(|left, right| node(hasher, left, right), leaves.to_vec(), 0).map(|(root, _)| root)
}

/// All levels of the tree over `leaves`, from these up to the root, for many proofs.
pub fn levels(hasher: &impl Sha256, leaves: Vec<Hash>) -> Vec<Vec<Hash>> {
    let mut levels = alloc::vec![leaves];
    while let Some(level) = levels.last().filter(|level| level.len() > 1) {
        let above = above(|left, right| node(hasher, left, right), level);
        levels.push(above);
    }
    levels
}

/// [`proof`] from all levels of the tree.
pub fn siblings(levels: &[Vec<Hash>], index: u32) -> Vec<Hash> {
    let sibling = |(height, level): (usize, &Vec<Hash>)| level.get((index as usize >> height) ^ 1).copied();
    levels.iter().enumerate().filter_map(sibling).collect()
}

/// The siblings on the way from leaf `index` to the root, lowest first; `None`
/// if there is no such leaf.
pub fn proof(hasher: &impl Sha256, leaves: &[Hash], index: u32) -> Option<Vec<Hash>> {
    let position = index as usize;
    if position >= leaves.len() {
        return None;
    }
    climb(|left, right| node(hasher, left, right), leaves.to_vec(), position).map(|(_, siblings)| siblings)
}

/// Whether `leaf` is number `index` of the `count` leaves under `root`.
///
/// Takes exactly as many siblings as the shape of the tree asks for.
pub fn verify(hasher: &impl Sha256, root: &Hash, count: u32, index: u32, leaf: &Hash, siblings: &[Hash]) -> bool {
    let node = |left: &Hash, right: &Hash| node(hasher, left, right);
    proved_root(node, *leaf, index.into(), count.into(), siblings) == Some(*root)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::Native;
    use proptest::prelude::*;

    fn leaves(count: u32) -> Vec<Hash> {
        (0..count).map(|index| Native.hash_value(Domain::Leaf, &index)).collect()
    }

    #[test]
    fn no_leaves_have_no_root() {
        assert_eq!(root(&Native, &[]), None);
        assert_eq!(proof(&Native, &leaves(3), 3), None);
    }

    #[test]
    fn every_leaf_of_every_small_tree_is_proved_and_no_other() {
        for count in 1..=33 {
            let leaves = leaves(count);
            let root = root(&Native, &leaves).unwrap();
            let levels = levels(&Native, leaves.clone());
            assert_eq!(levels.last().unwrap(), &[root]);
            for index in 0..count {
                let siblings = proof(&Native, &leaves, index).unwrap();
                assert_eq!(super::siblings(&levels, index), siblings);
                for (other, leaf) in (0..count).zip(&leaves) {
                    assert_eq!(verify(&Native, &root, count, index, leaf, &siblings), other == index);
                }
                for wrong in (0..count + 2).filter(|wrong| *wrong != index) {
                    assert!(!verify(&Native, &root, count, wrong, &leaves[index as usize], &siblings));
                }
            }
        }
    }

    proptest! {
        #[test]
        fn a_changed_proof_fails(count in 2u32..70, index in any::<u32>(), at in any::<usize>(), bit in 0usize..256) {
            let index = index % count;
            let leaves = leaves(count);
            let root = root(&Native, &leaves).unwrap();
            let siblings = proof(&Native, &leaves, index).unwrap();
            let leaf = &leaves[index as usize];
            prop_assume!(!siblings.is_empty());
            let mut changed = siblings.clone();
            let at = at % changed.len();
            changed[at].0[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(!verify(&Native, &root, count, index, leaf, &changed));
            prop_assert!(!verify(&Native, &root, count, index, leaf, &siblings[1..]));
            let longer = [&siblings[..], &[root]].concat();
            prop_assert!(!verify(&Native, &root, count, index, leaf, &longer));
        }
    }
}
