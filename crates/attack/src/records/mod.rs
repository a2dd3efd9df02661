//! Registries and titles under attack: records, grants, sales, statements,
//! imports into a successor; owners, approvals, transfers, receivers.

mod acts;
mod chain;
mod compare;
mod due;
mod model;
mod msg;

use crate::coverage::Coverage;
use crate::history::{Act, Setup};
use assay_protocol::Address;
use assay_protocol::titles::{self, Call};
use chain::{Frame, Nest, REGISTRIES, TITLES};
use model::Model;
use msg::{Msg, Refusal};
use parity_scale_codec::Encode;
use std::cell::RefCell;
use std::rc::Rc;

/// Who deploys, and the markets of the two registries.
const ADMIN: Address = Address([0xad; 20]);
const MARKETS: [Address; 2] = [Address([0x4d; 20]), Address([0x4e; 20])];

/// Two registries with their titles. `TITLES_FIRST` says which of them most
/// acts are about.
pub struct World<const TITLES_FIRST: bool> {
    nest: Rc<RefCell<Nest>>,
    model: Model,
    log: Vec<(usize, Address, u128, Msg)>,
    coverage: Coverage,
}

/// Attacks mostly on records, grants and sales.
pub type Records = World<false>;
/// Attacks mostly on owners and approvals.
pub type Owners = World<true>;

impl<const TITLES_FIRST: bool> World<TITLES_FIRST> {
    fn open(seed: u64, coverage: Coverage) -> Self {
        let nest = Rc::new(RefCell::new(Nest::default()));
        nest.borrow_mut().chain.now = 1_000_000;
        let mut world = World {
            nest,
            model: Model { admin: ADMIN, now: 1_000_000, ..Model::default() },
            log: Vec::new(),
            coverage,
        };
        for titles in TITLES {
            let deploy = |frame: &mut Frame| {
                assay_titles::init(frame);
                Ok::<_, ()>(())
            };
            Frame::send(&world.nest, (ADMIN, titles, 0), deploy).expect("deploying cannot fail");
        }
        for at in 0..2 {
            let predecessor = (at == 1).then_some(REGISTRIES[0]);
            let deploy = |frame: &mut Frame| {
                assay_registry::init(frame, TITLES[at], predecessor);
                Ok::<_, ()>(())
            };
            Frame::send(&world.nest, (ADMIN, REGISTRIES[at], 0), deploy).expect("deploying cannot fail");
        }
        for at in 0..2 {
            // Too early, then in the right order.
            world.send(at, ADMIN, 0, Msg::BindMarket { market: MARKETS[at] });
            world.send(at, ADMIN, 0, Msg::Titles(Call::BindRegistry { registry: REGISTRIES[1 - at] }));
            world.send(at, ADMIN, 0, Msg::Titles(Call::BindRegistry { registry: REGISTRIES[at] }));
            world.send(at, ADMIN, 0, Msg::BindMarket { market: MARKETS[at] });
        }
        world.begin(seed.is_multiple_of(2));
        world
    }

    /// Sends a message to a contract and to the model; `None` if it was refused.
    fn send(&mut self, at: usize, who: Address, value: u128, msg: Msg) -> Option<u128> {
        // Only these two take value; the contracts refuse it elsewhere.
        let value = if matches!(msg, Msg::BuyAccess { .. }) { value } else { 0 };
        let due = self.model.due(at, who, value, &msg);
        let held: u128 = self.model.registries.iter().map(|registry| registry.held).sum();
        if due.is_empty() && held.checked_add(value).is_none() {
            // Nobody has as much.
            return None;
        }
        let to = if matches!(msg, Msg::Titles(_)) { TITLES[at] } else { REGISTRIES[at] };
        let result = Frame::send(&self.nest, (who, to, value), |frame| msg.send(frame));
        let name = msg.name();
        match result {
            Err(refusal) => {
                assert!(due.contains(&refusal), "{name} by {who} is refused: {refusal:?}, due: {due:?}\n{msg:?}");
                self.count_refusal(name, &refusal);
                self.compare(at, &msg);
                None
            }
            Ok(out) => {
                assert!(due.is_empty(), "{name} by {who} is taken, but must be refused: {due:?}\n{msg:?}");
                let expected = self.model.happen(at, who, value, &msg);
                assert_eq!(out, expected, "{name} by {who} sends out another sum");
                self.coverage.count("accepted", hash(name), || name.into());
                self.compare(at, &msg);
                self.log.push((at, who, value, msg));
                Some(out)
            }
        }
    }

    fn count_refusal(&mut self, name: &str, refusal: &Refusal) {
        let text = match refusal {
            Refusal::Registry(error) => format!("{error:?}"),
            Refusal::Titles(error) => format!("titles: {error:?}"),
        };
        let end = text.find([' ', '{', '(']).filter(|_| !text.starts_with("titles")).unwrap_or(text.len());
        let kind = match text.strip_prefix("titles: ") {
            Some(rest) => format!("titles: {}", rest.split([' ', '{', '(']).next().unwrap_or(rest)),
            None => text[..end].to_owned(),
        };
        self.coverage.count("error", hash(&kind), || kind.clone());
        self.coverage.count("refused", hash(&format!("{name} {kind}")), || format!("{name}: {kind}"));
    }
}

/// A number for a name.
fn hash(name: &str) -> u32 {
    name.encode().iter().fold(2_166_136_261, |hash: u32, byte| (hash ^ u32::from(*byte)).wrapping_mul(16_777_619))
}

const MESSAGES: [&str; 22] = [
    "bind_market",
    "register_dataset",
    "register_model",
    "set_terms",
    "set_royalty",
    "set_locations",
    "transfer_dataset",
    "withdraw_locations",
    "grant_access",
    "buy_access",
    "withdraw",
    "add_statement",
    "import_dataset",
    "import_model",
    "import_grant",
    "bindRegistry",
    "transferFrom",
    "safeTransferFrom",
    "safeTransferFrom with data",
    "approve",
    "setApprovalForAll",
    "check_inputs",
];

const ERRORS: [&str; 51] = [
    "NotAdmin",
    "MarketAlreadyBound",
    "NotMarket",
    "NotOwner",
    "AlreadyRegistered",
    "UnknownDataset",
    "UnknownModel",
    "SelfParent",
    "RepeatedDataset",
    "TooManyDatasets",
    "NoDataset",
    "EmptyDataset",
    "BadName",
    "BadLicence",
    "BadLocation",
    "TooManyLocations",
    "ZeroAddress",
    "NotARecord",
    "NoLicenceText",
    "BadRoyalty",
    "RoyaltiesTooHigh",
    "ShareRaised",
    "OpenHasNoPrice",
    "Withdrawn",
    "NoGrant",
    "NotForSale",
    "TermsDiffer",
    "WrongValue",
    "HasAccess",
    "GrantOver",
    "GrantStands",
    "BadText",
    "NothingToWithdraw",
    "NoPredecessor",
    "NothingToImport",
    "ImportFirst",
    "InPredecessor",
    "TitlesNotBound",
    "titles: NonexistentToken",
    "titles: IncorrectOwner",
    "titles: InvalidReceiver",
    "titles: InsufficientApproval",
    "titles: InvalidApprover",
    "titles: InvalidOperator",
    "titles: NotAdmin",
    "titles: RegistryAlreadyBound",
    "titles: NotARegistry",
    "titles: NotRegistry",
    "titles: NotPredecessor",
    "titles: InvalidOwner",
    "titles: OutOfBounds",
];

impl<const TITLES_FIRST: bool> crate::run::World for World<TITLES_FIRST> {
    const NAME: &'static str = if TITLES_FIRST { "titles" } else { "registry" };

    fn new(setup: Setup, coverage: Coverage) -> Self {
        World::open(setup.seed, coverage)
    }

    fn choose(&mut self, rng: &mut fastrand::Rng) -> Act {
        let what = match TITLES_FIRST && rng.u8(..4) > 0 {
            true => rng.u8(..acts::OF_TITLES),
            false => rng.u8(..acts::ALL),
        };
        Act { what, who: rng.u8(..), about: rng.u8(..), roll: rng.u32(..) }
    }

    fn perform(&mut self, act: Act) {
        self.act(act);
    }

    fn finish(&mut self) {
        self.take_everything_out();
    }

    fn coverage(self) -> Coverage {
        self.coverage
    }

    fn wanted() -> Vec<(&'static str, &'static str)> {
        let of_titles = |name: &&&str| {
            let titles = name.starts_with("titles") || !name.contains('_') && name.starts_with(char::is_lowercase);
            titles == TITLES_FIRST
        };
        let accepted = MESSAGES.iter().filter(of_titles).map(|name| ("accepted", *name));
        accepted.chain(ERRORS.iter().filter(of_titles).map(|name| ("error", *name))).collect()
    }
}

/// A refusal of titles, by the call that asks.
fn read(nest: &Rc<RefCell<Nest>>, at: usize, call: Call) -> Result<titles::Answer, titles::Error> {
    assay_titles::handle(&mut Frame::read(nest, TITLES[at]), call)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coverage::tests::{documented, variants};
    use assay_protocol::registry::Error;

    #[test]
    fn every_error_is_reached_or_said_to_be_out_of_reach() {
        for name in variants::<Error>() {
            let reached = ERRORS.contains(&name.as_str());
            assert!(reached != documented(&name), "{name}");
        }
    }
}
