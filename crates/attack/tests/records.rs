//! Some histories of registries and titles on every test run, always the same.

use assay_attack::history::Assumption;
use assay_attack::records::{Owners, Records};
use assay_attack::run::{Plan, World, run};

const PLAN: Plan = Plan { histories: 250, seed: 0, length: 200, threads: 2, assumption: Assumption::Kept };

fn no_history_breaks_a_rule<W: World>() {
    let report = run::<W>(PLAN, |_| ());
    if let Some(failure) = report.failure {
        panic!("{}\n{}", failure.what, failure.history);
    }
    assert_eq!(report.histories, PLAN.histories);
    let missing = report.coverage.missing(W::wanted());
    assert!(missing.is_empty(), "never reached: {missing:?}");
}

#[test]
fn registries_keep_the_books_and_the_owners() {
    no_history_breaks_a_rule::<Records>();
}

#[test]
fn titles_are_where_their_owners_sent_them() {
    no_history_breaks_a_rule::<Owners>();
}
