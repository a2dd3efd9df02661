//! What the unit tests share.

use assay_protocol::Address;
use assay_protocol::market::{Job, State};

/// A job with so many enlisted verifiers, none of which has revealed.
pub fn job_of(enlisted: u32) -> Job {
    Job { state: State::Committed, attempts: 1, enlisted, ..Job::posted(Address::default(), 0, 0) }
}
