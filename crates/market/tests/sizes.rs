//! No stored value may be larger than the chain takes.

mod common;

use assay_protocol::commitment::Outcome;
use assay_protocol::host::MAX_VALUE_BYTES;
use assay_protocol::market::{
    Check, Commitment, Dispute, Enlistment, Job, MAX_ENDPOINT_BYTES, ModelTerms, SPEC_CHUNK_BYTES, Seat, Slot,
    Standing, State,
};
use assay_protocol::registry::{MAX_DATASETS, MAX_LICENCE_BYTES, MAX_NAME_BYTES};
use assay_protocol::{Address, Hash};
use parity_scale_codec::Encode;

#[test]
fn the_largest_value_of_every_stored_type_fits() {
    let (hash, address) = (Hash([0xff; 32]), Address([0xff; 20]));
    let some = Some(hash);
    let job = Job {
        client: address,
        state: State::Cancelled,
        deadline: u64::MAX,
        posted_at: u64::MAX,
        operator: Some(address),
        attempts: u8::MAX,
        rounds: u8::MAX,
        enlisted: u32::MAX,
        revealed: u32::MAX,
        revealed_stake: u128::MAX,
        secrets: hash,
        client_secret: some,
        draw_block: Some(u32::MAX),
        seed: hash,
        opened: u8::MAX,
        disputed: Some(u8::MAX),
        held: u128::MAX,
    };
    let slot = Slot {
        segment: u32::MAX,
        verifier: address,
        check: Check::Idle,
        before: some,
        after: some,
        operator_seal: some,
        verifier_seal: some,
        trace: some,
    };
    let commitment = Commitment { root: hash, initial_state: hash, final_state: hash, artefact: hash, block: u32::MAX };
    let dispute = Dispute { slot: 0, insisted: true, seats: 0, salt: hash, sealed: 0, revealed: 0 };
    let outcome = Outcome::Replayed { state: hash, trace: hash, salted: hash };
    let model = ModelTerms { name: "n".repeat(MAX_NAME_BYTES), licence: "l".repeat(MAX_LICENCE_BYTES), parent: some };
    let standing = Standing {
        stake: u128::MAX,
        locked: u128::MAX,
        done: u32::MAX,
        lost: u32::MAX,
        endpoint: "e".repeat(MAX_ENDPOINT_BYTES),
    };
    let enlistment = Enlistment { sealed_secret: hash, bond: u128::MAX, place: Some(u32::MAX), idle: true };
    let sizes = [
        ("terms", common::terms(address).encoded_size()),
        ("model", model.encoded_size()),
        ("datasets", vec![hash; MAX_DATASETS].encoded_size()),
        ("spec", vec![0u8; SPEC_CHUNK_BYTES].encoded_size()),
        ("job", job.encoded_size()),
        ("commitment", commitment.encoded_size()),
        ("slot", slot.encoded_size()),
        ("dispute", dispute.encoded_size()),
        ("seat", Seat { verifier: address, seal: some, outcome: Some(outcome) }.encoded_size()),
        ("enlistment", enlistment.encoded_size()),
        ("place", (address, u128::MAX).encoded_size()),
        ("standing", standing.encoded_size()),
        ("credit", u128::MAX.encoded_size()),
        ("model id", hash.encoded_size()),
    ];
    for (what, size) in sizes {
        assert!(size <= MAX_VALUE_BYTES, "{what}: {size} bytes");
    }
}
