//! Every message of the market as a value.

use super::host::MarketChain;
use assay_market::{advance, challenge, check, demand, enlist, model, offer, panel, post, stake, train};
use assay_protocol::Hash;
use assay_protocol::commitment::Outcome;
use assay_protocol::market::{Answer, Challenge, Commit, Error, Offer, Opening, PostJob, Role, SlotTrace, Wanted};

/// A message with its arguments.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the messages and arguments of `assay_market`, which documents them")]
pub enum Msg {
    Stake { role: Role, endpoint: Option<String> },
    Unstake { role: Role, amount: u128 },
    Collect { role: Role },
    PublishOffer { offer: Option<Offer> },
    Withdraw,
    WithdrawBurned,
    PostJob { args: Box<PostJob> },
    Cancel { job: u64 },
    Enlist { job: u64, sealed: Hash, bond: u128 },
    RevealSecret { job: u64, secret: Hash },
    Release { job: u64 },
    Claim { job: u64 },
    HandBack { job: u64 },
    Commit { job: u64, root: Hash },
    Open { job: u64, opening: Opening },
    Attest { job: u64, slot: u8, seal: Hash },
    ReportUnavailable { job: u64, slot: u8, tensor: u32, chunk: u32 },
    RevealTraces { job: u64, traces: Vec<SlotTrace> },
    Insist { job: u64, slot: u8, trace: Hash },
    Challenge { job: u64, challenge: Challenge },
    PanelSeal { job: u64, seal: Hash },
    PanelReveal { job: u64, outcome: Outcome },
    Demand { job: u64, wanted: Wanted },
    Answer { job: u64, number: u8, answer: Answer },
    Advance { job: u64 },
    Register { job: u64 },
}

/// The names of all messages, in the order of `Msg`.
pub const NAMES: [&str; 26] = [
    "stake",
    "unstake",
    "collect",
    "publish_offer",
    "withdraw",
    "withdraw_burned",
    "post_job",
    "cancel",
    "enlist",
    "reveal_secret",
    "release",
    "claim",
    "hand_back",
    "commit",
    "open",
    "attest",
    "report_unavailable",
    "reveal_traces",
    "insist",
    "challenge",
    "panel_seal",
    "panel_reveal",
    "demand",
    "answer",
    "advance",
    "register",
];

impl Msg {
    /// The place of its name in [`NAMES`].
    pub fn kind(&self) -> usize {
        match self {
            Msg::Stake { .. } => 0,
            Msg::Unstake { .. } => 1,
            Msg::Collect { .. } => 2,
            Msg::PublishOffer { .. } => 3,
            Msg::Withdraw => 4,
            Msg::WithdrawBurned => 5,
            Msg::PostJob { .. } => 6,
            Msg::Cancel { .. } => 7,
            Msg::Enlist { .. } => 8,
            Msg::RevealSecret { .. } => 9,
            Msg::Release { .. } => 10,
            Msg::Claim { .. } => 11,
            Msg::HandBack { .. } => 12,
            Msg::Commit { .. } => 13,
            Msg::Open { .. } => 14,
            Msg::Attest { .. } => 15,
            Msg::ReportUnavailable { .. } => 16,
            Msg::RevealTraces { .. } => 17,
            Msg::Insist { .. } => 18,
            Msg::Challenge { .. } => 19,
            Msg::PanelSeal { .. } => 20,
            Msg::PanelReveal { .. } => 21,
            Msg::Demand { .. } => 22,
            Msg::Answer { .. } => 23,
            Msg::Advance { .. } => 24,
            Msg::Register { .. } => 25,
        }
    }

    /// Whether value may come with it.
    pub fn payable(&self) -> bool {
        matches!(self, Msg::Stake { .. } | Msg::PostJob { .. } | Msg::Challenge { .. } | Msg::Demand { .. })
    }

    /// The job that it is about, if it is about one.
    pub fn job(&self) -> Option<u64> {
        match self {
            Msg::Cancel { job }
            | Msg::Enlist { job, .. }
            | Msg::RevealSecret { job, .. }
            | Msg::Release { job }
            | Msg::Claim { job }
            | Msg::HandBack { job }
            | Msg::Commit { job, .. }
            | Msg::Open { job, .. }
            | Msg::Attest { job, .. }
            | Msg::ReportUnavailable { job, .. }
            | Msg::RevealTraces { job, .. }
            | Msg::Insist { job, .. }
            | Msg::Challenge { job, .. }
            | Msg::PanelSeal { job, .. }
            | Msg::PanelReveal { job, .. }
            | Msg::Demand { job, .. }
            | Msg::Answer { job, .. }
            | Msg::Advance { job }
            | Msg::Register { job } => Some(*job),
            _ => None,
        }
    }

    /// The same message about another job.
    pub fn about(&self, other: u64) -> Msg {
        let mut msg = self.clone();
        match &mut msg {
            Msg::Cancel { job }
            | Msg::Enlist { job, .. }
            | Msg::RevealSecret { job, .. }
            | Msg::Release { job }
            | Msg::Claim { job }
            | Msg::HandBack { job }
            | Msg::Commit { job, .. }
            | Msg::Open { job, .. }
            | Msg::Attest { job, .. }
            | Msg::ReportUnavailable { job, .. }
            | Msg::RevealTraces { job, .. }
            | Msg::Insist { job, .. }
            | Msg::Challenge { job, .. }
            | Msg::PanelSeal { job, .. }
            | Msg::PanelReveal { job, .. }
            | Msg::Demand { job, .. }
            | Msg::Answer { job, .. }
            | Msg::Advance { job }
            | Msg::Register { job } => *job = other,
            _ => {}
        }
        msg
    }

    /// Sends it to the market. Gives what leaves the contract with it.
    ///
    /// # Errors
    /// The market's.
    pub fn send(&self, host: &mut MarketChain) -> Result<u128, Error> {
        let done = match self.clone() {
            Msg::Stake { role, endpoint } => stake::stake(host, role, endpoint),
            Msg::Unstake { role, amount } => stake::unstake(host, role, amount),
            Msg::Collect { role } => stake::collect(host, role),
            Msg::PublishOffer { offer } => offer::publish_offer(host, offer),
            Msg::Withdraw => return stake::withdraw(host),
            Msg::WithdrawBurned => return stake::withdraw_burned(host),
            Msg::PostJob { args } => post::post_job(host, *args).map(drop),
            Msg::Cancel { job } => post::cancel(host, job),
            Msg::Enlist { job, sealed, bond } => enlist::enlist(host, job, sealed, bond),
            Msg::RevealSecret { job, secret } => enlist::reveal_secret(host, job, secret),
            Msg::Release { job } => enlist::release(host, job),
            Msg::Claim { job } => train::claim(host, job),
            Msg::HandBack { job } => train::hand_back(host, job),
            Msg::Commit { job, root } => train::commit(host, job, Commit { root }),
            Msg::Open { job, opening } => check::open(host, job, opening),
            Msg::Attest { job, slot, seal } => check::attest(host, job, slot, seal),
            Msg::ReportUnavailable { job, slot, tensor, chunk } => {
                check::report_unavailable(host, job, slot, tensor, chunk)
            }
            Msg::RevealTraces { job, traces } => check::reveal_traces(host, job, traces),
            Msg::Insist { job, slot, trace } => check::insist(host, job, slot, trace),
            Msg::Challenge { job, challenge: args } => challenge::challenge(host, job, args).map(drop),
            Msg::PanelSeal { job, seal } => panel::panel_seal(host, job, seal),
            Msg::PanelReveal { job, outcome } => panel::panel_reveal(host, job, outcome),
            Msg::Demand { job, wanted } => demand::demand(host, job, wanted).map(drop),
            Msg::Answer { job, number, answer } => demand::answer(host, job, number, answer),
            Msg::Advance { job } => advance::advance(host, job),
            Msg::Register { job } => model::register(host, job),
        };
        done.map(|()| 0)
    }
}
