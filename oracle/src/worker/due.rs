//! When a job is to be moved on, and what it brought once it has ended.

use assay_client::{Amount, Unit};
use assay_protocol::market::{self, State};

/// Whether anybody may move the job on now, and this operator wants it to.
///
/// Where the operator itself is late after its commitment, or has not answered
/// every demand, it leaves that to others.
pub fn is_due(job: &market::Job, now: u64, block: u64) -> bool {
    if job.demands > 0 {
        return false;
    }
    match job.state {
        State::Committed => match job.draw_block {
            _ if job.client_secret.is_some() && job.revealed == job.enlisted => true,
            Some(draw) => block > u64::from(draw),
            None => now > job.deadline,
        },
        State::Claimed | State::Opened | State::Window | State::Disputed | State::Ruling => now > job.deadline,
        State::Drawn | State::Attested => false,
        State::Open | State::Final | State::Failed | State::Void | State::Cancelled => false,
    }
}

/// What an ended job brought, in words.
pub fn outcome(state: State, payment: Amount, stake: Amount, unit: &Unit) -> String {
    let (payment, stake) = (unit.show(payment), unit.show(stake));
    match state {
        State::Final => format!("final: {payment} paid, the stake of {stake} is free again"),
        State::Failed => {
            format!(
                "failed: the stake of {stake} is lost; `assay job show` says which segment was refuted, `assay ledger` where the money went"
            )
        }
        State::Void => format!("void: nobody could decide; no payment, the stake of {stake} is free again"),
        _ => "cancelled: the client is refunded".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_protocol::Hash;
    use assay_testkit::fixtures::job_view;

    fn job(state: State, draw_block: Option<u32>) -> market::Job {
        market::Job { deadline: 100, enlisted: 3, draw_block, ..job_view(state).job }
    }

    #[test]
    fn a_job_is_moved_on_when_its_deadline_has_passed_and_not_before() {
        for state in [State::Claimed, State::Committed, State::Opened, State::Window, State::Disputed, State::Ruling] {
            assert!(!is_due(&job(state, None), 100, 1), "{state:?}");
            assert!(is_due(&job(state, None), 101, 1), "{state:?}");
        }
        let demanded = market::Job { demands: 1, ..job(State::Window, None) };
        assert!(!is_due(&demanded, 101, 1), "first it is answered");
        for state in [State::Drawn, State::Attested, State::Final, State::Open] {
            assert!(!is_due(&job(state, None), 101, 1), "{state:?}");
        }
    }

    #[test]
    fn the_draw_is_due_once_all_secrets_are_in_or_a_block_after_the_deadline_was_noticed() {
        let complete =
            market::Job { client_secret: Some(Hash::default()), revealed: 3, ..job(State::Committed, Some(7)) };
        assert!(is_due(&complete, 50, 7));
        let without_client = market::Job { client_secret: None, ..complete.clone() };
        assert!(!is_due(&without_client, 50, 7));
        let without_one = market::Job { revealed: 2, ..complete };
        assert!(!is_due(&without_one, 101, 7), "the block that goes in is not over");
        assert!(is_due(&without_one, 101, 8));
    }
}
