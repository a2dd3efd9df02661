//! The weights of the draw: what each verifier that revealed has locked.
//!
//! A Fenwick tree over the places in which verifiers enlisted: entry `i`, counted
//! from one, sums the places `i - lowbit(i) .. i`. Adding and finding take a
//! number of steps that grows with the logarithm of the verifiers. Places are
//! taken before anything is committed and weights never change once all are in,
//! so that neither the order of revealing nor a turn that somebody misses moves
//! another's place in a draw.

use crate::{OUT, OUT_TOTAL, PLACE, WEIGHT};
use assay_protocol::Address;
use assay_protocol::host::{Host, Table};
use assay_protocol::market::Job;

/// Sums of weights by tree entry.
type Tree = Table<(u64, u32), u128>;

fn low_bit(index: u32) -> u32 {
    index & index.wrapping_neg()
}

fn entry(host: &impl Host, tree: &Tree, id: u64, index: u32) -> u128 {
    tree.get(host, &(id, index)).unwrap_or(0)
}

fn add_to(host: &mut impl Host, tree: &Tree, (id, job): (u64, &Job), place: u32, weight: u128) {
    let mut index = place + 1;
    while index <= job.enlisted {
        let sum = entry(host, tree, id, index) + weight;
        tree.set(host, &(id, index), &sum);
        index += low_bit(index);
    }
}

fn before_in(host: &impl Host, tree: &Tree, id: u64, place: u32) -> u128 {
    let (mut index, mut total) = (place, 0);
    while index > 0 {
        total += entry(host, tree, id, index);
        index -= low_bit(index);
    }
    total
}

/// Gives a place its weight. The caller stores the job.
pub fn add(host: &mut impl Host, id: u64, job: &mut Job, place: u32, weight: u128) {
    add_to(host, &WEIGHT, (id, job), place, weight);
    job.revealed_stake += weight;
}

/// Keeps in mind that whoever has a place, of this weight, is not drawn again.
/// Once for each place.
pub fn take_out(host: &mut impl Host, id: u64, job: &Job, place: u32, weight: u128) {
    add_to(host, &OUT, (id, job), place, weight);
    let total = OUT_TOTAL.get(host, &id).unwrap_or(0) + weight;
    OUT_TOTAL.set(host, &id, &total);
}

/// The weight of all that can still be drawn.
pub fn left(host: &impl Host, id: u64, job: &Job) -> u128 {
    job.revealed_stake - OUT_TOTAL.get(host, &id).unwrap_or(0)
}

/// The weight that can still be drawn of all places before this one.
pub fn left_before(host: &impl Host, id: u64, place: u32) -> u128 {
    before_in(host, &WEIGHT, id, place) - before_in(host, &OUT, id, place)
}

/// The place of the unit number `ticket` of the weights by entry `sum`.
fn find(host: &impl Host, id: u64, job: &Job, mut ticket: u128, sum: impl Fn(u32) -> u128) -> Address {
    let (mut place, mut step) = (0, 1 << job.enlisted.ilog2());
    while step > 0 {
        if place + step <= job.enlisted {
            let sum = sum(place + step);
            if sum <= ticket {
                ticket -= sum;
                place += step;
            }
        }
        step /= 2;
    }
    PLACE.get(host, &(id, place)).expect("a ticket below the whole weight has a place")
}

/// Who has the unit of weight number `ticket`, which must be below the whole weight.
pub fn holder(host: &impl Host, id: u64, job: &Job, ticket: u128) -> Address {
    find(host, id, job, ticket, |index| entry(host, &WEIGHT, id, index))
}

/// Who has the unit number `ticket`, below [`left`], of the weight that can still be drawn.
pub fn holder_left(host: &impl Host, id: u64, job: &Job, ticket: u128) -> Address {
    find(host, id, job, ticket, |index| entry(host, &WEIGHT, id, index) - entry(host, &OUT, id, index))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::job_of;
    use assay_protocol::host::MemoryHost;
    use proptest::collection::vec;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_ticket_has_the_holder_that_counting_gives(
            // Some have not revealed.
            weights in vec(0u128..9, 1..40),
            order in any::<u64>(),
        ) {
            let (mut host, mut job) = (MemoryHost::default(), job_of(weights.len() as u32));
            for place in 0..job.enlisted {
                PLACE.set(&mut host, &(0, place), &Address([place as u8; 20]));
            }
            // In another order than that of the places.
            let mut places: Vec<u32> = (0..job.enlisted).collect();
            places.sort_by_key(|place| order.rotate_left(*place) ^ u64::from(*place));
            for place in &places {
                add(&mut host, 0, &mut job, *place, weights[*place as usize]);
            }
            prop_assert_eq!(job.revealed_stake, weights.iter().sum::<u128>());
            let mut ticket = 0;
            for (place, weight) in (0u32..).zip(weights) {
                prop_assert_eq!(left_before(&host, 0, place), ticket);
                prop_assert!(weight == 0 || holder_left(&host, 0, &job, ticket) == Address([place as u8; 20]));
                for _ in 0..weight {
                    prop_assert_eq!(holder(&host, 0, &job, ticket), Address([place as u8; 20]));
                    ticket += 1;
                }
            }
        }
    }

    #[test]
    fn finding_takes_a_logarithm_of_steps() {
        // 2^20 verifiers, one of which has a weight: as many entries as the tree is high.
        let (mut host, mut job) = (MemoryHost::default(), job_of(1 << 20));
        PLACE.set(&mut host, &(0, 77_777), &Address([7; 20]));
        add(&mut host, 0, &mut job, 77_777, u128::MAX);
        assert!(host.storage.len() <= 22, "{} entries", host.storage.len());
        assert_eq!(holder(&host, 0, &job, u128::MAX - 1), Address([7; 20]));
    }
}
