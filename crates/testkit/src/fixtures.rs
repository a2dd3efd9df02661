//! Records that unit tests start from.

use assay_protocol::market::{Job, JobView, ModelTerms, Policy, State, Terms, Windows};
use assay_protocol::{Address, Hash};

/// The client of [`job_view`].
pub const CLIENT: Address = Address([9; 20]);

/// A job of 4 segments in `state`, posted at chain time 900, whose state may last
/// until 1,000: all windows 100 s, two samples, a panel of two, sums of 1 but for
/// a bond of 10, nobody enlisted, nothing committed.
pub fn job_view(state: State) -> JobView {
    let windows = Windows { claim: 100, train: 100, secrets: 100, open: 100, attest: 100, reveal: 100, dispute: 100 };
    let terms = Terms {
        spec: Hash::default(),
        program: Hash::default(),
        segments: 4,
        payment: 1,
        fee: 1,
        stake: 1,
        hand_back: 0,
        bond: 10,
        samples: 2,
        panel: 2,
        sealed_secret: Hash::default(),
        policy: Policy::default(),
        windows,
    };
    let job = Job { state, deadline: 1_000, ..Job::posted(CLIENT, 900, 2) };
    JobView {
        id: 1,
        terms,
        model: ModelTerms { name: "m".into(), licence: "MIT".into(), parent: None, royalty_bp: 0 },
        datasets: vec![Hash([5; 32])],
        job,
        royalties: vec![],
        commitment: None,
        ends: None,
        dispute: None,
        model_id: None,
    }
}
