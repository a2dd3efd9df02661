//! The messages that an operator signs, from its finished work. Pure.

use assay_job::Commitments;
use assay_protocol::Hash;
use assay_protocol::market::{Check, Commit, Ends, Opening, Slot, SlotOpening, SlotTrace};
use parity_scale_codec::Encode;

/// Most bytes of openings in one message, below the contract's 16 KiB of call data.
const BATCH_BYTES: usize = 12 * 1024;

/// The commitment to all boundaries.
pub fn commit(commitments: &Commitments) -> Commit {
    Commit { root: commitments.root() }
}

/// The openings of the ends, unless they are `open`, and of all slots that are
/// drawn and not open yet, in batches that one message each can take.
pub fn openings(commitments: &Commitments, artefact: Hash, segments: u32, open: bool, slots: &[Slot]) -> Vec<Opening> {
    let mut batches: Vec<Opening> = vec![];
    let mut bytes = 0;
    if !open {
        let ends = Ends { first: commitments.opening(0), last: commitments.opening(segments), artefact };
        bytes = ends.encoded_size();
        batches.push(Opening { ends: Some(ends), slots: vec![] });
    }
    for (number, slot) in (0u8..).zip(slots).filter(|(_, slot)| slot.check == Check::Drawn) {
        let before = commitments.opening(slot.segment);
        let after = commitments.opening(slot.segment + 1);
        let opening = SlotOpening { slot: number, before, after };
        let size = opening.encoded_size();
        match batches.last_mut() {
            Some(batch) if bytes + size <= BATCH_BYTES => {
                batch.slots.push(opening);
                bytes += size;
            }
            _ => {
                batches.push(Opening { ends: None, slots: vec![opening] });
                bytes = size;
            }
        }
    }
    batches
}

/// The trace roots of all slots that have a seal.
pub fn traces(traces: &[Hash], slots: &[Slot]) -> Vec<SlotTrace> {
    (0u8..)
        .zip(slots)
        .filter(|(_, slot)| slot.check == Check::Sealed)
        .map(|(number, slot)| SlotTrace { slot: number, trace: traces[slot.segment as usize] })
        .collect()
}

/// Boundaries whose checkpoints verifiers will ask for: those before the drawn
/// segments, and the last, which the model comes from.
pub fn served_boundaries(slots: &[Slot], segments: u32) -> Vec<u32> {
    let mut boundaries: Vec<u32> = slots.iter().map(|slot| slot.segment).chain([segments]).collect();
    boundaries.sort_unstable();
    boundaries.dedup();
    boundaries
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_protocol::Address;
    use assay_protocol::commitment::{JobId, Leaf};
    use assay_protocol::hash::Native;
    use assay_protocol::merkle;

    fn slot(segment: u32, check: Check) -> Slot {
        Slot {
            segment,
            verifier: Address([1; 20]),
            check,
            before: None,
            after: None,
            operator_seal: None,
            verifier_seal: None,
            trace: None,
        }
    }

    fn commitments(segments: u32) -> (Commitments, Vec<Hash>) {
        let hash = |index: u32| Hash([(index % 251) as u8; 32]);
        let states: Vec<Hash> = (0..=segments).map(hash).collect();
        let traces: Vec<Hash> = (0..segments).map(|segment| hash(segment + 100)).collect();
        let job = JobId { market: Address([1; 20]), number: 5 };
        (Commitments::new(job, &Address([2; 20]), &states, &traces), traces)
    }

    #[test]
    fn only_drawn_slots_are_opened_each_once_with_good_proofs() {
        let (commitments, _) = commitments(10);
        let slots = [slot(3, Check::Drawn), slot(0, Check::Opened), slot(9, Check::Drawn)];
        let batches = openings(&commitments, Hash::default(), 10, true, &slots);
        assert!(batches.iter().all(|batch| batch.ends.is_none()), "they are open");
        let openings: Vec<SlotOpening> = batches.into_iter().flat_map(|batch| batch.slots).collect();
        assert_eq!(openings.iter().map(|opening| opening.slot).collect::<Vec<_>>(), [0, 2]);
        for opening in &openings {
            let segment = slots[usize::from(opening.slot)].segment;
            for (boundary, leaf) in [(segment, &opening.before), (segment + 1, &opening.after)] {
                let hash = Leaf { index: boundary, state: leaf.state, seal: leaf.seal }.hash(&Native);
                assert!(merkle::verify(&Native, &commitments.root(), 11, boundary, &hash, &leaf.proof));
            }
        }
    }

    #[test]
    fn batches_fit_into_a_message_and_leave_nothing_out() {
        let (commitments, _) = commitments(70_000);
        let slots: Vec<Slot> = (0..16).map(|segment| slot(segment * 4_000, Check::Drawn)).collect();
        let batches = openings(&commitments, Hash([7; 32]), 70_000, false, &slots);
        assert!(batches.len() > 1);
        assert!(batches.iter().all(|batch| batch.encoded_size() <= BATCH_BYTES + 8));
        let numbers: Vec<u8> = batches.iter().flat_map(|batch| &batch.slots).map(|opening| opening.slot).collect();
        assert_eq!(numbers, (0..16).collect::<Vec<_>>());
        let ends = batches[0].ends.clone().expect("the first opens the ends");
        assert_eq!((ends.artefact, ends.last), (Hash([7; 32]), commitments.opening(70_000)));
        assert!(batches[1..].iter().all(|batch| batch.ends.is_none()), "once is enough");
        assert!(openings(&commitments, Hash::default(), 70_000, true, &[]).is_empty());
    }

    #[test]
    fn traces_are_revealed_for_sealed_slots_only() {
        let (_, all) = commitments(10);
        let slots = [slot(3, Check::Unserved), slot(7, Check::Sealed)];
        assert_eq!(traces(&all, &slots), [SlotTrace { slot: 1, trace: all[7] }]);
    }

    #[test]
    fn the_checkpoints_that_will_be_asked_for_are_known() {
        let slots = [slot(3, Check::Drawn), slot(0, Check::Drawn), slot(3, Check::Drawn)];
        assert_eq!(served_boundaries(&slots, 10), [0, 3, 10]);
    }
}
