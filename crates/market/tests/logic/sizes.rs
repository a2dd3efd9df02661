//! No stored value may be larger than the chain takes.

use assay_protocol::commitment::Outcome;
use assay_protocol::host::MAX_VALUE_BYTES;
use assay_protocol::market::{
    Check, Commitment, Demand, Dispute, EndStates, Enlistment, Job, MAX_CHALLENGES, MAX_DEMANDS, MAX_ENDPOINT_BYTES,
    MAX_NOTE_BYTES, MAX_PAGE, MAX_PANEL, MAX_SAMPLES, MAX_STANDINGS_PAGE, MAX_VERIFIERS_SHOWN, ModelTerms, Offer, Paid,
    PaidSums, Reason, Rules, SPEC_CHUNK_BYTES, Seat, Slot, Standing, State, Terms, Verification, Wanted,
};
use assay_protocol::registry::{MAX_DATASETS, MAX_LICENCE_BYTES, MAX_NAME_BYTES, Node, Royalty};
use assay_protocol::{Address, Hash};
use parity_scale_codec::Encode;

/// What a contract can answer at once with ink!'s buffer of 16 KiB.
const MAX_ANSWER_BYTES: usize = 16_000;

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
        challenges: u8::MAX,
        demands: u8::MAX,
        payments: u32::MAX,
        paid: PaidSums::default(),
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
    let ends = EndStates { initial_state: hash, final_state: hash, artefact: hash };
    let dispute = Dispute {
        slot: 0,
        insisted: true,
        round: 1,
        window_left: u32::MAX,
        seats: 0,
        salt: hash,
        sealed: 0,
        revealed: 0,
    };
    let wanted = Wanted::Leaf { boundary: u32::MAX, tensor: u32::MAX, chunk: u32::MAX };
    let demand = Demand { number: 0, by: address, wanted, state: some, bond: u128::MAX, deadline: u64::MAX };
    let node = Node::Dataset(hash);
    let paid = Paid { account: address, reason: Reason::Royalty, amount: u128::MAX, node: Some(node) };
    let offer = Offer {
        min_payment: u128::MAX,
        payment_per_segment: u128::MAX,
        max_stake: Some(u128::MAX),
        max_data_bytes: u64::MAX,
        max_steps: u64::MAX,
        max_disk_bytes: u64::MAX,
        max_memory_bytes: u64::MAX,
        max_jobs: u32::MAX,
        min_train_seconds: u32::MAX,
        min_window_seconds: u32::MAX,
        note: "n".repeat(MAX_NOTE_BYTES),
    };
    let outcome = Outcome::Replayed { state: hash, trace: hash, salted: hash };
    let model = ModelTerms {
        name: "n".repeat(MAX_NAME_BYTES),
        licence: "l".repeat(MAX_LICENCE_BYTES),
        parent: some,
        royalty_bp: u16::MAX,
    };
    let standing = Standing {
        stake: u128::MAX,
        locked: u128::MAX,
        unbonding: u128::MAX,
        unbonds_at: u64::MAX,
        done: u32::MAX,
        lost: u32::MAX,
        missed: u32::MAX,
        endpoint: "e".repeat(MAX_ENDPOINT_BYTES),
    };
    let enlistment = Enlistment {
        sealed_secret: hash,
        locked: u128::MAX,
        bond: u128::MAX,
        place: u32::MAX,
        revealed: true,
        idle: true,
    };
    let reports = Terms { panel: MAX_PANEL, ..crate::common::terms(address) }.reports();
    assert_eq!(reports, 5);
    let sizes = [
        ("terms", crate::common::terms(address).encoded_size()),
        ("model", model.encoded_size()),
        ("datasets", vec![hash; MAX_DATASETS].encoded_size()),
        ("spec", vec![0u8; SPEC_CHUNK_BYTES].encoded_size()),
        ("job", job.encoded_size()),
        ("commitment", Commitment { root: hash, block: u32::MAX }.encoded_size()),
        ("ends", ends.encoded_size()),
        ("rules", Rules { registry: address, longest_window: 0, unbonding: 0 }.encoded_size()),
        ("royalty", Royalty { node, to: address, share_bp: u16::MAX }.encoded_size()),
        ("demand", demand.encoded_size()),
        ("paid", paid.encoded_size()),
        ("offer", offer.encoded_size()),
        ("slot", slot.encoded_size()),
        ("dispute", dispute.encoded_size()),
        ("seat", Seat { verifier: address, seal: some, outcome: Some(outcome) }.encoded_size()),
        ("enlistment", enlistment.encoded_size()),
        ("place or staker", address.encoded_size()),
        ("standing", standing.encoded_size()),
        ("credit or weight", u128::MAX.encoded_size()),
        ("reports", reports.encoded_size()),
        ("model id", hash.encoded_size()),
    ];
    for (what, size) in sizes {
        assert!(size <= MAX_VALUE_BYTES, "{what}: {size} bytes");
    }
    let verification = Verification { verifier: address, segments: u32::MAX, seats: u32::MAX, paid: u128::MAX };
    let answers = [
        ("slots", slot.encoded_size() * usize::from(MAX_SAMPLES + MAX_CHALLENGES)),
        ("demands", demand.encoded_size() * usize::from(MAX_SAMPLES + MAX_DEMANDS)),
        ("standings", (20 + standing.encoded_size()) * MAX_STANDINGS_PAGE as usize),
        ("payments", paid.encoded_size() * MAX_PAGE as usize),
        ("contributions", verification.encoded_size() * MAX_VERIFIERS_SHOWN + paid.encoded_size() * (MAX_DATASETS + 4)),
    ];
    for (what, size) in answers {
        assert!(size <= MAX_ANSWER_BYTES, "{what}: {size} bytes");
    }
}
