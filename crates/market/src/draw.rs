//! The draw: which segments are checked, and by whom.

use crate::{COMMITMENT, ENLISTMENT, JOB, MarketHost, PLACE, SLOT, move_to};
use alloc::vec::Vec;
use assay_protocol::hash::{Domain, Sha256};
use assay_protocol::host::Host;
use assay_protocol::market::{Check, Event, Job, Slot, State, Terms};
use assay_protocol::{Address, Hash};
use parity_scale_codec::Encode;

/// Blind tries of a weighted draw before it walks on from the last one.
const TRIES: u32 = 8;
/// Places that a walk looks at.
const WALK: u32 = 64;

/// A number in `0..bound` that `seed` and `what` decide.
///
/// 128 bits modulo a bound of at most 2^64 or a sum of bonds: the bias is
/// below 2^-32 for any sum below 2^96 units.
fn number(hasher: &impl Sha256, seed: &Hash, what: &impl Encode, bound: u128) -> u128 {
    let hash = hasher.hash_value(Domain::Draw, &(seed, what));
    let mut low = [0; 16];
    low.copy_from_slice(&hash.0[..16]);
    u128::from_le_bytes(low) % bound
}

/// `count` different segments of `segments`, every set equally likely.
pub fn segments(hasher: &impl Sha256, seed: &Hash, segments: u32, count: u8) -> Vec<u32> {
    let mut drawn: Vec<u32> = Vec::new();
    for turn in 0..count {
        // Number `pick` of those not drawn yet.
        let left = segments - u32::from(turn);
        let mut pick = number(hasher, seed, &(b's', turn), u128::from(left)) as u32;
        let mut sorted = drawn.clone();
        sorted.sort_unstable();
        for taken in sorted {
            if taken <= pick {
                pick += 1;
            }
        }
        drawn.push(pick);
    }
    drawn
}

/// One of the verifiers that revealed, likelier with a larger bond, that
/// `excluded` does not name and that has not stayed away in this job before.
/// `None` if none was found.
pub(crate) fn verifier(
    host: &impl Host,
    id: u64,
    job: &Job,
    seed: &Hash,
    what: &impl Encode,
    excluded: &[Address],
) -> Option<Address> {
    let place = |index: u32| PLACE.get(host, &(id, index)).expect("places are dense");
    let fits = |verifier: &Address| {
        !excluded.contains(verifier)
            && ENLISTMENT.get(host, &(id, *verifier)).is_some_and(|enlistment| !enlistment.idle)
    };
    let mut last = 0;
    for attempt in 0..TRIES {
        let ticket = number(host, seed, &(b'v', what, attempt), job.revealed_stake);
        // The first place whose cumulated stake is above the ticket.
        let (mut low, mut high) = (0, job.revealed - 1);
        while low < high {
            let middle = (low + high) / 2;
            match place(middle).1 > ticket {
                true => high = middle,
                false => low = middle + 1,
            }
        }
        let verifier = place(low).0;
        if fits(&verifier) {
            return Some(verifier);
        }
        last = low;
    }
    (1..job.revealed.min(WALK)).map(|step| place((last + step) % job.revealed).0).find(fits)
}

/// Draws all slots of a job after its commitment. `false` if there is nobody to check.
pub(crate) fn first(host: &mut impl MarketHost, id: u64, job: &mut Job, terms: &Terms, block_hash: Hash) -> bool {
    let root = COMMITMENT.get(host, &id).expect("a committed job has a commitment").root;
    let client = job.client_secret.unwrap_or_default();
    job.seed = host.hash_value(Domain::Draw, &(id, root, client, job.secrets, block_hash));
    job.rounds = 1;
    let drawn = segments(host, &job.seed, terms.segments, terms.samples);
    for (slot, segment) in (0u8..).zip(drawn) {
        let Some(verifier) = verifier(host, id, job, &job.seed, &slot, &[]) else {
            return false;
        };
        let entry = Slot {
            segment,
            verifier,
            check: Check::Drawn,
            before: None,
            after: None,
            operator_seal: None,
            verifier_seal: None,
            trace: None,
        };
        SLOT.set(host, &(id, slot), &entry);
        host.emit(Event::SlotMoved { job: id, slot, verifier, check: Check::Drawn });
    }
    move_to(host, id, job, State::Drawn, terms.windows.open);
    true
}

/// Gives opened slots whose verifiers stayed away to others. `false` if there is nobody else.
pub(crate) fn again(host: &mut impl MarketHost, id: u64, job: &mut Job, terms: &Terms, idle: &[u8]) -> bool {
    job.rounds += 1;
    job.seed = host.hash_value(Domain::Draw, &(job.seed, job.rounds));
    for slot in idle {
        let mut entry = SLOT.get(host, &(id, *slot)).expect("slots were drawn");
        let Some(verifier) = verifier(host, id, job, &job.seed, slot, &[entry.verifier]) else {
            JOB.set(host, &id, job);
            return false;
        };
        entry.verifier = verifier;
        entry.check = Check::Opened;
        SLOT.set(host, &(id, *slot), &entry);
        host.emit(Event::SlotMoved { job: id, slot: *slot, verifier, check: Check::Opened });
    }
    move_to(host, id, job, State::Opened, terms.windows.attest);
    true
}

/// Draws a panel of up to `terms.panel` verifiers for a slot, without the slot's own.
pub(crate) fn panel(
    host: &impl MarketHost,
    id: u64,
    job: &Job,
    terms: &Terms,
    seed: &Hash,
    slot: &Slot,
) -> Vec<Address> {
    let mut excluded = Vec::from([slot.verifier]);
    for seat in 0..terms.panel {
        match verifier(host, id, job, seed, &(b'p', seat), &excluded) {
            Some(verifier) => excluded.push(verifier),
            None => break,
        }
    }
    excluded.split_off(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_protocol::hash::Native;

    #[test]
    fn segments_are_different_and_in_range() {
        for round in 0u32..200 {
            let seed = Native.sha256(&round.to_le_bytes());
            let mut drawn = segments(&Native, &seed, 20, 16);
            drawn.sort_unstable();
            drawn.dedup();
            assert_eq!(drawn.len(), 16);
            assert!(drawn.iter().all(|segment| *segment < 20));
        }
        let mut all = segments(&Native, &Hash::default(), 16, 16);
        all.sort_unstable();
        assert_eq!(all, (0..16).collect::<Vec<_>>());
    }

    #[test]
    fn every_segment_is_as_likely_as_every_other() {
        let (segments_count, samples, rounds) = (10u32, 3u8, 20_000u32);
        let mut counts = [0u32; 10];
        for round in 0..rounds {
            for segment in segments(&Native, &Native.sha256(&round.to_le_bytes()), segments_count, samples) {
                counts[segment as usize] += 1;
            }
        }
        // Mean 6,000, standard deviation 65.
        assert!(counts.iter().all(|count| (5_700..6_300).contains(count)), "{counts:?}");
    }
}
