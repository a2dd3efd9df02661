//! The market under attack.

mod acts;
mod compare;
mod finish;
mod honest;
mod host;
pub mod model;
mod msg;
mod post;
mod state;
mod villains;
pub mod work;
mod world;

pub use acts::Dice;
pub use host::{MarketChain, Registry};
pub use msg::{Msg, NAMES};
pub use world::World;

use crate::coverage::Coverage;
use crate::history::{Act, Setup};

/// What a run of some thousand histories must have reached.
const WANTED: &[(&str, &[&str])] = &[
    ("state", &["Open", "Claimed", "Committed", "Drawn", "Opened", "Attested", "Window", "Disputed", "Ruling"]),
    ("state", &["Final", "Failed", "Void", "Cancelled"]),
    ("check", &["Drawn", "Opened", "Sealed", "Passed", "Mismatched", "Unserved", "Upheld", "Refuted", "Idle"]),
    ("check", &["Challenged", "Undecided"]),
    ("slashed", &["Operator: Convicted", "Operator: Late", "Operator: Absent", "Operator: HandedBack"]),
    ("slashed", &["Operator: Unavailable", "Verifier: Idle", "Verifier: Wrong"]),
    ("convicted", &["by reports"]),
    ("error", &["UnknownJob", "WrongState", "DeadlinePassed", "TooEarly", "DrawBlockPending", "WrongValue"]),
    ("error", &["NotClient", "NotOperator", "NotDrawn", "StakeTooSmall", "ConflictOfInterest", "TooFewVerifiers"]),
    ("error", &["AlreadyEnlisted", "NotEnlisted", "WrongSecret", "AlreadyRevealed", "BadProof", "UnknownSlot"]),
    ("error", &["WrongCheck", "WrongTrace", "WrongSeal", "IncompleteTraces", "NothingToDispute", "DisputeOpen"]),
    ("error", &["NotEnded", "NothingToWithdraw", "BadEndpoint", "Registry", "Overflow", "ValueNotWanted"]),
    ("error", &["BondTooSmall", "StillUnbonding", "NothingUnbonding", "BadOffer", "EndsMissing", "EndsOpen"]),
    ("error", &["UnknownSegment", "NotChallengeable", "NotOpened", "TooManyDemands"]),
    ("error", &["UnknownDemand", "BadAnswer", "DemandOpen", "RoyaltiesRaised", "NothingToRegister"]),
    ("error", &["BadTerms(SpecHash)", "BadTerms(SpecLength)", "BadTerms(Segments)", "BadTerms(Samples)"]),
    ("error", &["BadTerms(Panel)", "BadTerms(Window)", "BadTerms(Amount)", "BadTerms(Model)", "BadTerms(Stake)"]),
    ("error", &["BadTerms(HandBack)", "BadTerms(Royalties)", "BadTerms(Policy)"]),
];

/// Errors that no history reaches; docs/attack.md says why, and by what they are tested.
#[cfg(test)]
pub(crate) const OUT_OF_REACH: &[&str] = &["BadRules", "TransferFailed", "NoPanel", "TooManyChallenges"];

impl crate::run::World for World {
    const NAME: &'static str = "market";

    fn new(setup: Setup, coverage: Coverage) -> Self {
        World::open(setup, coverage)
    }

    fn choose(&mut self, rng: &mut fastrand::Rng) -> Act {
        World::choose(self, rng)
    }

    fn perform(&mut self, act: Act) {
        self.act(act);
    }

    fn finish(&mut self) {
        self.end_everything();
    }

    fn coverage(self) -> Coverage {
        self.coverage
    }

    fn wanted() -> Vec<(&'static str, &'static str)> {
        let accepted = NAMES.iter().map(|name| ("accepted", *name));
        WANTED.iter().flat_map(|(kind, names)| names.iter().map(|name| (*kind, *name))).chain(accepted).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coverage::tests::{documented, variants};
    use crate::run::World as _;
    use assay_protocol::market::{Error, TermsError};

    #[test]
    fn every_error_is_reached_or_said_to_be_out_of_reach() {
        let of_terms = variants::<TermsError>().into_iter().map(|name| format!("BadTerms({name})"));
        let others = variants::<Error>().into_iter().filter(|name| name != "BadTerms");
        let wanted = World::wanted();
        for name in others.chain(of_terms) {
            let reached = wanted.contains(&("error", name.as_str()));
            assert_ne!(reached, OUT_OF_REACH.contains(&name.as_str()), "{name}");
            assert!(reached || documented(&name), "{name} is missing in docs/attack.md");
        }
    }
}
