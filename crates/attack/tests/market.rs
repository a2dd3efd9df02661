//! Some histories of the market on every test run, always the same.

use assay_attack::history::Assumption;
use assay_attack::market;
use assay_attack::run::{Plan, World, run};

/// Enough to reach almost everything; `scripts/attack` runs more.
const PLAN: Plan = Plan { histories: 1_500, seed: 0, length: 80, threads: 2, assumption: Assumption::Kept };

/// What so few histories may miss.
const RARE: [&str; 3] = ["error: EndsOpen", "convicted: by reports", "slashed: Verifier: Wrong"];

#[test]
fn no_history_breaks_a_rule() {
    let report = run::<market::World>(PLAN, |_| ());
    if let Some(failure) = report.failure {
        panic!("{}\n{}", failure.what, failure.history);
    }
    assert_eq!(report.histories, PLAN.histories);
    let missing: Vec<String> = report.coverage.missing(market::World::wanted());
    let missing: Vec<&String> = missing.iter().filter(|missing| !RARE.contains(&missing.as_str())).collect();
    assert!(missing.is_empty(), "never reached: {missing:?}");
}

#[test]
fn liars_with_a_majority_harm_the_honest_and_the_books_still_balance() {
    let plan = Plan { histories: 500, assumption: Assumption::Broken, ..PLAN };
    let report = run::<market::World>(plan, |_| ());
    assert!(report.failure.is_none(), "{:?}", report.failure);
    assert!(report.coverage.total("honest lost") > 0, "the attack that SECURITY.md concedes must be possible here");
}
