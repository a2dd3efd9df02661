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
