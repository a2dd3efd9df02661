//! The market a second time, from `docs/market.md` and not from its code: a
//! ledger and a state machine that say of every message beforehand whether it
//! must be refused, and why, and afterwards what it must have changed.
//!
//! What the law leaves to a draw is read from the market and checked for being
//! a draw that the law allows.

mod advance;
mod disputes;
mod due;
mod due_work;
mod happen;
mod money;

use super::host::Registry;
use assay_protocol::hash::{Hash, Native};
use assay_protocol::market::{
    Check, EndStates, LeafOpening, MAX_DEMANDS, ModelTerms, Offer, Role, Seat, Slot, State, Terms, Wanted,
};
use assay_protocol::merkle::node;
use assay_protocol::registry::Royalty;
use assay_protocol::{Address, commitment};
use std::collections::BTreeMap;

pub use money::{Class, Loss, idle_part};

/// What an account has staked in a role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "as in the market's own record")]
pub struct Stand {
    pub stake: u128,
    pub locked: u128,
    pub unbonding: u128,
    pub unbonds_at: u64,
    pub done: u32,
    pub lost: u32,
    pub missed: u32,
    pub endpoint: String,
}

impl Stand {
    /// What no job has locked.
    pub fn free(&self) -> u128 {
        self.stake - self.locked
    }
}

/// A verifier's part in a job.
#[derive(Clone, Debug)]
pub struct Part {
    /// Who.
    pub who: Address,
    /// Its sealed secret.
    pub sealed: Hash,
    /// What it locked.
    pub locked: u128,
    /// What is left of that.
    pub left: u128,
    /// Whether its secret is in.
    pub revealed: bool,
    /// Whether it is not drawn again.
    pub idle: bool,
    /// Whether it has its bond back.
    pub released: bool,
}

/// Something demanded on chain.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// Its number.
    pub number: u8,
    /// By whom.
    pub by: Address,
    /// What.
    pub wanted: Wanted,
    /// Under which state root, if it is a chunk.
    pub state: Option<Hash>,
    /// What came with it.
    pub bond: u128,
    /// Until when it may be answered.
    pub deadline: u64,
}

impl Claimed {
    /// The slot whose verifier reported, if it is a report.
    pub fn slot(&self) -> Option<u8> {
        self.number.checked_sub(MAX_DEMANDS)
    }
}

/// An open dispute.
#[derive(Clone, Debug)]
pub struct Quarrel {
    /// The slot.
    pub slot: u8,
    /// Whether its verifier stands to lose all it locked.
    pub insisted: bool,
    /// Which panel: 0 or 1.
    pub round: u8,
    /// Seconds left of the window when it began.
    pub left: u32,
    /// The panel.
    pub seats: Vec<Seat>,
}

/// A job.
#[derive(Clone, Debug)]
pub struct Task {
    /// Who pays.
    pub client: Address,
    /// What was fixed.
    pub terms: Terms,
    /// What the model will be.
    pub model: ModelTerms,
    /// What it is made from.
    pub datasets: Vec<Hash>,
    /// What owners of inputs get.
    pub royalties: Vec<Royalty>,
    /// Where it stands.
    pub state: State,
    /// Until when.
    pub deadline: u64,
    /// Who trains.
    pub operator: Option<Address>,
    /// Who may not claim it again.
    pub barred: Vec<Address>,
    /// How often it was claimed.
    pub attempts: u8,
    /// How often it was drawn.
    pub rounds: u8,
    /// Who checks.
    pub parts: Vec<Part>,
    /// Whether the client's secret is in.
    pub client_revealed: bool,
    /// The commitment.
    pub root: Option<Hash>,
    /// Its ends, once open.
    pub ends: Option<EndStates>,
    /// The block in which somebody noticed that secrets are missing.
    pub noticed: Option<u32>,
    /// Drawn segments, and challenged ones behind them.
    pub slots: Vec<Slot>,
    /// The open dispute.
    pub quarrel: Option<Quarrel>,
    /// Open demands.
    pub demands: Vec<Claimed>,
    /// Slots, and verifiers whose reports of them were answered.
    pub reporters: Vec<(u8, Address)>,
    /// What the job holds.
    pub held: u128,
    /// All that it ever took in: escrow, bonds, slashed sums.
    pub took: u128,
    /// What it paid.
    pub ledger: Vec<(Address, Class, u128)>,
    /// Slots and other things that were paid, so that none is twice.
    pub paid_for: Vec<(Class, u8)>,
    /// Whether its model is on record.
    pub registered: bool,
}

impl Task {
    /// The enlisted verifier `who`.
    pub fn part(&self, who: Address) -> Option<&Part> {
        self.parts.iter().find(|part| part.who == who && !part.released)
    }

    /// Enlisted verifiers whose secret is in.
    pub fn revealed(&self) -> u32 {
        self.parts.iter().filter(|part| part.revealed).count() as u32
    }

    /// Whom a draw may take.
    pub fn drawable(&self, without: &[Address]) -> Vec<Address> {
        let fits = |part: &&Part| part.revealed && !part.idle && !without.contains(&part.who);
        self.parts.iter().filter(fits).map(|part| part.who).collect()
    }

    /// Answered reports of one slot that convict: more than half of a panel.
    pub fn convicting_reports(&self) -> usize {
        usize::from(self.terms.panel) / 2 + 1
    }

    /// Draws before the job is void: three, or as many as reports convict.
    pub fn most_draws(&self) -> usize {
        self.convicting_reports().max(3)
    }

    /// Whether all panellists that have sealed have revealed.
    pub fn all_revealed(&self) -> bool {
        let waiting = |seat: &Seat| seat.seal.is_some() && seat.outcome.is_none();
        !self.quarrel.iter().flat_map(|quarrel| &quarrel.seats).any(waiting)
    }

    /// Whether the slot was drawn, and not challenged.
    pub fn drawn(&self, slot: u8) -> bool {
        slot < self.terms.samples
    }

    /// Drawn slots in this state.
    pub fn count(&self, check: Check) -> usize {
        self.slots.iter().filter(|slot| slot.check == check).count()
    }

    /// The state root at a boundary, if it is open.
    pub fn opened_state(&self, boundary: u32) -> Option<Hash> {
        let ends = self.ends.as_ref()?;
        if boundary == 0 {
            return Some(ends.initial_state);
        }
        if boundary == self.terms.segments {
            return Some(ends.final_state);
        }
        let of = |slot: &Slot| match boundary.checked_sub(slot.segment) {
            Some(0) => slot.before,
            Some(1) => slot.after,
            _ => None,
        };
        self.slots.iter().find_map(of)
    }

    /// The model's id, once the ends are open.
    pub fn model_id(&self) -> Option<Hash> {
        let ends = self.ends.as_ref()?;
        Some(commitment::model_id(&Native, &self.client, &self.terms.program, &ends.final_state))
    }
}

/// The whole market.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// Who sends the message.
    pub caller: Address,
    /// What comes with it.
    pub value: u128,
    /// Chain time.
    pub now: u64,
    /// The current block.
    pub block: u32,
    /// The market's longest window.
    pub longest_window: u32,
    /// What can be withdrawn.
    pub credits: BTreeMap<Address, u128>,
    /// Stakes.
    pub stands: BTreeMap<(Role, Address), Stand>,
    /// Who ever staked, in order.
    pub stakers: [Vec<Address>; 2],
    /// Offers of operators.
    pub offers: BTreeMap<Address, Offer>,
    /// All jobs.
    pub jobs: Vec<Task>,
    /// What the registry has.
    pub registry: Registry,
    /// All that came in, less all that went out.
    pub balance: u128,
    /// What was slashed by the last message.
    pub losses: Vec<Loss>,
    /// Accounts whose money the last message moved.
    pub touched: Vec<Address>,
}

impl Model {
    /// A market without jobs, with this rule.
    pub fn new(longest_window: u32) -> Self {
        Model { longest_window, ..Model::default() }
    }

    /// A job that exists.
    pub fn task(&self, id: u64) -> Option<&Task> {
        self.jobs.get(usize::try_from(id).ok()?)
    }

    /// What can be withdrawn.
    pub fn credit_of(&self, who: Address) -> u128 {
        self.credits.get(&who).copied().unwrap_or(0)
    }

    /// An account's stake.
    pub fn stand(&self, role: Role, who: Address) -> Stand {
        self.stands.get(&(role, who)).cloned().unwrap_or_default()
    }

    /// Everything that the contract holds.
    pub fn held(&self) -> u128 {
        let stakes: u128 = self.stands.values().map(|stand| stand.stake + stand.unbonding).sum();
        let credits: u128 = self.credits.values().sum();
        self.jobs.iter().map(|task| task.held).sum::<u128>() + stakes + credits
    }
}

/// Whether `opening` is the leaf of `boundary` under the root of `count` leaves.
///
/// Goes down from the root's span, where the market goes up from the leaf.
pub fn opens(root: Hash, count: u32, boundary: u32, opening: &LeafOpening) -> bool {
    fn climb(width: u32, at: u32, leaf: Hash, siblings: &mut Vec<Hash>) -> Option<Hash> {
        if width == 1 {
            return Some(leaf);
        }
        // The left part is the largest full tree that leaves something over.
        let half = width.next_power_of_two() / 2;
        let below = if at < half { (half, at) } else { (width - half, at - half) };
        let sibling = siblings.pop()?;
        let below = climb(below.0, below.1, leaf, siblings)?;
        Some(if at < half { node(&Native, &below, &sibling) } else { node(&Native, &sibling, &below) })
    }
    let leaf = commitment::Leaf { index: boundary, state: opening.state, seal: opening.seal }.hash(&Native);
    let mut siblings = opening.proof.clone();
    boundary < count && climb(count, boundary, leaf, &mut siblings) == Some(root) && siblings.is_empty()
}
