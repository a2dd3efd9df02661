//! The draw: which segments are checked, and by whom.

use crate::{COMMITMENT, ENLISTMENT, MarketHost, SLOT, move_to, weights};
use alloc::vec::Vec;
use assay_protocol::hash::{Domain, Sha256};
use assay_protocol::host::Host;
use assay_protocol::market::{Check, Event, Job, Slot, State, Terms};
use assay_protocol::{Address, Hash};
use parity_scale_codec::Encode;

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

/// Blind tries of a weighted draw before it looks at who is left. Each reads two
/// records and a path down the tree, and a panel of nine must fit into a block.
const TRIES: u8 = 4;

/// One of the verifiers that revealed and are not idle, with odds in proportion
/// to what they have locked, without those that `excluded` names. `None` if
/// nobody is left.
///
/// Tickets are drawn among all weights until one fits, so that a verifier that
/// makes itself idle changes the draws that would have met it and no other: who
/// could draw lots anew by missing a turn would look for a better panel that way.
/// Only if none of many tickets fits, one among what is left decides.
pub(crate) fn verifier(
    host: &impl Host,
    id: u64,
    job: &Job,
    seed: &Hash,
    what: &impl Encode,
    excluded: &[Address],
) -> Option<Address> {
    let draw = |attempt: u8, bound: u128| number(host, seed, &(b'v', what, attempt), bound);
    let enlistment = |verifier: &Address| ENLISTMENT.get(host, &(id, *verifier));
    for attempt in 0..TRIES {
        let verifier = weights::holder(host, id, job, draw(attempt, job.revealed_stake));
        if !excluded.contains(&verifier) && enlistment(&verifier).is_some_and(|part| !part.idle) {
            return Some(verifier);
        }
    }
    // Where the weights of the excluded begin among what is left, and how much they are.
    let mut gaps: Vec<(u128, u128)> = excluded
        .iter()
        .filter_map(enlistment)
        .filter(|part| part.revealed && !part.idle)
        .map(|part| (weights::left_before(host, id, part.place), part.locked))
        .collect();
    gaps.sort_unstable();
    let left = weights::left(host, id, job) - gaps.iter().map(|(_, weight)| weight).sum::<u128>();
    if left == 0 {
        return None;
    }
    let mut ticket = draw(TRIES, left);
    for (start, weight) in gaps {
        if ticket >= start {
            ticket += weight;
        }
    }
    Some(weights::holder_left(host, id, job, ticket))
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
    extern crate std;
    use super::*;
    use crate::PLACE;
    use crate::testing::job_of;
    use assay_protocol::hash::Native;
    use assay_protocol::host::MemoryHost;
    use assay_protocol::market::Enlistment;
    use core::cell::RefCell;
    use std::collections::BTreeSet;

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

    /// Six verifiers of these weights, all revealed, and the job that they are in.
    fn verifiers(weights: [u128; 6]) -> (MemoryHost, Job) {
        let (mut host, mut job) = (MemoryHost::default(), job_of(6));
        for (place, locked) in (0u32..).zip(weights) {
            let verifier = Address([place as u8; 20]);
            let sealed_secret = Hash::default();
            let part = Enlistment { sealed_secret, locked, bond: locked, place, revealed: true, idle: false };
            ENLISTMENT.set(&mut host, &(0, verifier), &part);
            PLACE.set(&mut host, &(0, place), &verifier);
            weights::add(&mut host, 0, &mut job, place, locked);
        }
        (host, job)
    }

    #[test]
    fn verifiers_are_drawn_by_weight_without_the_excluded() {
        let (host, job) = verifiers([10, 400, 20, 30, 1_000, 40]);
        // The excluded hold 1,400 of 1,500; the odds among the others are as 10 : 20 : 30 : 40.
        let excluded = [Address([4; 20]), Address([1; 20]), Address([99; 20])];
        let mut counts = [0u32; 6];
        for round in 0..20_000u32 {
            let drawn = verifier(&host, 0, &job, &Native.sha256(&round.to_le_bytes()), &7u8, &excluded).unwrap();
            counts[usize::from(drawn.0[0])] += 1;
        }
        // Standard deviations of 42 to 69.
        for (count, mean) in counts.iter().zip([2_000u32, 0, 4_000, 6_000, 0, 8_000]) {
            assert!(count.abs_diff(mean) < 280, "{counts:?}");
        }
        assert_eq!((counts[1], counts[4]), (0, 0));
    }

    fn make_idle(host: &mut MemoryHost, job: &Job, verifier: Address) {
        let mut part = ENLISTMENT.get(host, &(0, verifier)).unwrap();
        part.idle = true;
        ENLISTMENT.set(host, &(0, verifier), &part);
        weights::take_out(host, 0, job, part.place, part.locked);
    }

    #[test]
    fn nobody_is_drawn_where_nobody_is_left() {
        let (mut host, job) = verifiers([1, 1, 1, 1, 1, 1]);
        let all: Vec<Address> = (0..6).map(|place| Address([place; 20])).collect();
        assert_eq!(verifier(&host, 0, &job, &Hash::default(), &0u8, &all), None);
        assert_eq!(verifier(&host, 0, &job, &Hash::default(), &0u8, &all[1..]), Some(all[0]));
        make_idle(&mut host, &job, all[0]);
        assert_eq!(verifier(&host, 0, &job, &Hash::default(), &0u8, &all[1..]), None);
        // Whoever is both excluded and idle is out once.
        assert_eq!(verifier(&host, 0, &job, &Hash::default(), &0u8, &all[..5]), Some(all[5]));
    }

    #[test]
    fn who_has_nearly_all_weight_and_is_out_leaves_the_others_their_odds() {
        let (mut host, job) = verifiers([1, 1_000_000_000, 2, 3, 1_000_000_000, 0]);
        make_idle(&mut host, &job, Address([1; 20]));
        make_idle(&mut host, &job, Address([4; 20]));
        let mut counts = [0u32; 6];
        for round in 0..6_000u32 {
            let drawn = verifier(&host, 0, &job, &Native.sha256(&round.to_le_bytes()), &0u8, &[]).unwrap();
            counts[usize::from(drawn.0[0])] += 1;
        }
        // Standard deviations of 29 to 39.
        for (count, mean) in counts.iter().zip([1_000u32, 0, 2_000, 3_000, 0, 0]) {
            assert!(count.abs_diff(mean) < 160, "{counts:?}");
        }
    }

    #[test]
    fn who_makes_itself_idle_changes_its_own_draws_alone() {
        let (mut host, job) = verifiers([10, 20, 30, 40, 50, 60]);
        let draws = |host: &MemoryHost| -> Vec<Address> {
            (0u16..500).map(|what| verifier(host, 0, &job, &Hash::default(), &what, &[]).unwrap()).collect()
        };
        let before = draws(&host);
        make_idle(&mut host, &job, Address([3; 20]));
        for (before, after) in before.into_iter().zip(draws(&host)) {
            assert_ne!(after, Address([3; 20]));
            assert!(before == after || before == Address([3; 20]));
        }
    }

    /// A host that remembers which values were read.
    struct Counted<'a>(&'a MemoryHost, RefCell<BTreeSet<Vec<u8>>>);

    impl Sha256 for Counted<'_> {
        fn sha256(&self, bytes: &[u8]) -> Hash {
            self.0.sha256(bytes)
        }
    }

    impl Host for Counted<'_> {
        fn address(&self) -> Address {
            self.0.address()
        }
        fn caller(&self) -> Address {
            self.0.caller()
        }
        fn value(&self) -> u128 {
            self.0.value()
        }
        fn now(&self) -> u64 {
            self.0.now()
        }
        fn block_number(&self) -> u32 {
            self.0.block_number()
        }
        fn block_hash(&self, number: u32) -> Option<Hash> {
            self.0.block_hash(number)
        }
        fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
            self.1.borrow_mut().insert(key.to_vec());
            self.0.get(key)
        }
        fn set(&mut self, _: &[u8], _: &[u8]) {
            unreachable!("a draw only reads")
        }
        fn remove(&mut self, _: &[u8]) {
            unreachable!("a draw only reads")
        }
    }

    /// A client that enlists a crowd and lets it miss every turn must not make a
    /// panel's draw dearer than a block: then the job could not be left any more.
    #[test]
    fn a_panel_of_nine_among_a_crowd_that_is_out_reads_few_values() {
        let crowd = 4_096u32;
        let (mut host, mut job) = (MemoryHost::default(), job_of(crowd));
        let address = |place: u32| {
            let mut address = Address::default();
            address.0[..4].copy_from_slice(&place.to_le_bytes());
            address
        };
        for place in 0..crowd {
            let (sealed_secret, locked) = (Hash::default(), 10);
            let idle = place % 200 != 7;
            let part = Enlistment { sealed_secret, locked, bond: locked, place, revealed: true, idle };
            ENLISTMENT.set(&mut host, &(0, address(place)), &part);
            PLACE.set(&mut host, &(0, place), &address(place));
            weights::add(&mut host, 0, &mut job, place, locked);
        }
        for place in (0..crowd).filter(|place| place % 200 != 7) {
            weights::take_out(&mut host, 0, &job, place, 10);
        }
        let counted = Counted(&host, RefCell::default());
        let mut members = Vec::new();
        for seat in 0u8..9 {
            members.push(verifier(&counted, 0, &job, &Hash([5; 32]), &seat, &members).unwrap());
        }
        let places: BTreeSet<u32> =
            members.iter().map(|member| ENLISTMENT.get(&host, &(0, *member)).unwrap().place % 200).collect();
        assert_eq!(places, BTreeSet::from([7]));
        // A value costs 10.26 kB of proof, and a block has 7,864 kB.
        let read = counted.1.borrow().len();
        assert!(read < 600, "{read} values");
    }
}
