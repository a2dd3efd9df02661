//! What the unit tests share.

use assay_protocol::market::{Job, State};
use assay_protocol::{Address, Hash};

/// A job with so many enlisted verifiers, none of which has revealed.
pub fn job_of(enlisted: u32) -> Job {
    Job {
        client: Address::default(),
        state: State::Committed,
        deadline: 0,
        posted_at: 0,
        operator: None,
        attempts: 1,
        rounds: 0,
        enlisted,
        revealed: 0,
        revealed_stake: 0,
        secrets: Hash::default(),
        client_secret: None,
        draw_block: None,
        seed: Hash::default(),
        opened: 0,
        disputed: None,
        challenges: 0,
        demands: 0,
        payments: 0,
        held: 0,
    }
}
