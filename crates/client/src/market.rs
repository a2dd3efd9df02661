//! The market contract, message by message.

use crate::{
    amount::Amount,
    chain::Chain,
    contract::Call,
    error::{CallError, Error},
    events,
    submit::{ContractEvent, Receipt},
};
use assay_protocol::{
    Address, Hash,
    commitment::{JobId, Outcome},
    market::{
        self, Answer, Challenge, Commit, Contributions, Demand, Enlistment, JobSummary, JobView, Offer, Opening, Paid,
        PostJob, Role, Rules, Seat, Slot, SlotTrace, Standing, State, Wanted,
    },
    registry::Page,
};
use parity_scale_codec::{Decode, Encode};

/// A refusal of the market, or what else went wrong.
pub type MarketError = CallError<market::Error>;

/// The market contract at an address.
#[derive(Clone, Debug)]
pub struct Market {
    chain: Chain,
    address: Address,
}

impl Market {
    /// The market at `address`. Asks nothing; see
    /// [`Deployment::verify`](crate::Deployment::verify).
    pub fn at(chain: &Chain, address: Address) -> Self {
        Self { chain: chain.clone(), address }
    }

    /// Where the contract is.
    pub fn address(&self) -> Address {
        self.address
    }

    /// By what seals name a job of this market.
    pub fn job_id(&self, number: u64) -> JobId {
        JobId { market: self.address, number }
    }

    fn call<T: Decode>(&self, label: &'static str, arguments: impl Encode) -> Call<T, market::Error> {
        Call::new(&self.chain, self.address, label, arguments)
    }

    async fn read<T: Decode>(&self, label: &'static str, arguments: impl Encode) -> Result<T, Error> {
        self.chain.read(self.address, label, arguments).await
    }

    // Stake and money.

    /// Adds `amount` to the sender's stake, and changes where it serves its
    /// content if `endpoint` is given.
    pub fn stake(&self, role: Role, endpoint: Option<&str>, amount: Amount) -> Call<(), market::Error> {
        self.call("stake", (role, endpoint)).value(amount)
    }

    /// Takes free stake back, to be collected when the unbonding time is over.
    pub fn unstake(&self, role: Role, amount: Amount) -> Call<(), market::Error> {
        self.call("unstake", (role, amount.0))
    }

    /// Credits what the sender took back in a role and has unbonded.
    pub fn collect(&self, role: Role) -> Call<(), market::Error> {
        self.call("collect", (role,))
    }

    /// Sends out all that is credited to the sender; answers how much.
    pub fn withdraw(&self) -> Call<u128, market::Error> {
        self.call("withdraw", ())
    }

    /// Sends what was burned to [`market::BURN_ADDRESS`]; answers how much.
    pub fn withdraw_burned(&self) -> Call<u128, market::Error> {
        self.call("withdraw_burned", ())
    }

    // The client's part.

    /// Posts a job and sends payment and fee along. A dry run answers the number
    /// that the job would get; see [`Market::posted_job`] for the one it got.
    pub fn post_job(&self, job: &PostJob) -> Call<u64, market::Error> {
        let value = job.terms.payment.saturating_add(job.terms.fee);
        self.call("post_job", (job,)).value(Amount(value))
    }

    /// Takes an unclaimed job back.
    pub fn cancel(&self, job: u64) -> Call<(), market::Error> {
        self.call("cancel", (job,))
    }

    // The operator's part.

    /// Publishes what the sender asks of a job, or takes that back.
    pub fn publish_offer(&self, offer: Option<&Offer>) -> Call<(), market::Error> {
        self.call("publish_offer", (offer,))
    }

    /// Claims an open job and locks the stake it asks for.
    pub fn claim(&self, job: u64) -> Call<(), market::Error> {
        self.call("claim", (job,))
    }

    /// Commits to all segments.
    pub fn commit(&self, job: u64, commit: &Commit) -> Call<(), market::Error> {
        self.call("commit", (job, commit))
    }

    /// Hands a claimed job back, at the price that its terms say.
    pub fn hand_back(&self, job: u64) -> Call<(), market::Error> {
        self.call("hand_back", (job,))
    }

    /// Opens the ends of the commitment, with the first opening, and drawn leaves.
    pub fn open(&self, job: u64, opening: &Opening) -> Call<(), market::Error> {
        self.call("open", (job, opening))
    }

    /// Reveals the trace roots of all slots that wait for it.
    pub fn reveal_traces(&self, job: u64, traces: &[SlotTrace]) -> Call<(), market::Error> {
        self.call("reveal_traces", (job, traces))
    }

    // The verifiers' part.

    /// Enlists for a job with a sealed secret and locks `bond`, at least what the
    /// job asks for; its size is the weight in the draw.
    pub fn enlist(&self, job: u64, sealed_secret: Hash, bond: Amount) -> Call<(), market::Error> {
        self.call("enlist", (job, sealed_secret, bond.0))
    }

    /// Reveals the secret that the client or a verifier sealed for a job.
    pub fn reveal_secret(&self, job: u64, secret: Hash) -> Call<(), market::Error> {
        self.call("reveal_secret", (job, secret))
    }

    /// Posts the seal over what the replay of a drawn segment gave.
    pub fn attest(&self, job: u64, slot: u8, seal: Hash) -> Call<(), market::Error> {
        self.call("attest", (job, slot, seal))
    }

    /// Says that the operator does not serve the checkpoint of a slot, and demands
    /// a chunk of it on chain.
    pub fn report_unavailable(&self, job: u64, slot: u8, tensor: u32, chunk: u32) -> Call<(), market::Error> {
        self.call("report_unavailable", (job, slot, tensor, chunk))
    }

    /// Insists that the operator is wrong in a slot; `trace` is what the replay gave.
    pub fn insist(&self, job: u64, slot: u8, trace: Hash) -> Call<(), market::Error> {
        self.call("insist", (job, slot, trace))
    }

    /// Posts a panellist's seal over its outcome.
    pub fn panel_seal(&self, job: u64, seal: Hash) -> Call<(), market::Error> {
        self.call("panel_seal", (job, seal))
    }

    /// Reveals a panellist's outcome.
    pub fn panel_reveal(&self, job: u64, outcome: &Outcome) -> Call<(), market::Error> {
        self.call("panel_reveal", (job, outcome))
    }

    /// Gives a verifier its bond back from a job that has ended.
    pub fn release(&self, job: u64) -> Call<(), market::Error> {
        self.call("release", (job,))
    }

    // Anybody's part.

    /// Challenges a segment of a job in its window, drawn or not. `bond` must be
    /// the bond of the job's terms. A dry run answers the slot that it opens.
    pub fn challenge(&self, job: u64, challenge: &Challenge, bond: Amount) -> Call<u8, market::Error> {
        self.call("challenge", (job, challenge)).value(bond)
    }

    /// Demands a piece of the committed work on chain. `bond` must be
    /// [`Terms::demand_bond`](market::Terms::demand_bond). A dry run answers the
    /// demand's number.
    pub fn demand(&self, job: u64, wanted: Wanted, bond: Amount) -> Call<u8, market::Error> {
        self.call("demand", (job, wanted)).value(bond)
    }

    /// Answers a demand with what it asks for.
    pub fn answer(&self, job: u64, number: u8, answer: &Answer) -> Call<(), market::Error> {
        self.call("answer", (job, number, answer))
    }

    /// Registers the model of a final job that has none yet.
    pub fn register(&self, job: u64) -> Call<(), market::Error> {
        self.call("register", (job,))
    }

    /// Moves a job on whose state may last no longer.
    pub fn advance(&self, job: u64) -> Call<(), market::Error> {
        self.call("advance", (job,))
    }

    // Messages that only answer; none needs an account.

    /// A job with its terms.
    pub async fn job(&self, job: u64) -> Result<Option<JobView>, Error> {
        self.read("job", (job,)).await
    }

    /// Jobs in the order in which they were posted, at most 50 a page.
    pub async fn jobs(&self, offset: u64, limit: u32) -> Result<Page<JobSummary>, Error> {
        self.read("jobs", (offset, limit)).await
    }

    /// The encoded specification of a job.
    pub async fn spec(&self, job: u64) -> Result<Option<Vec<u8>>, Error> {
        self.read("spec", (job,)).await
    }

    /// The drawn segments of a job and who checks them.
    pub async fn slots(&self, job: u64) -> Result<Vec<Slot>, Error> {
        self.read("slots", (job,)).await
    }

    /// The panel of a job's dispute.
    pub async fn seats(&self, job: u64) -> Result<Vec<Seat>, Error> {
        self.read("seats", (job,)).await
    }

    /// The open demands of a job.
    pub async fn demands(&self, job: u64) -> Result<Vec<Demand>, Error> {
        self.read("demands", (job,)).await
    }

    /// Who contributed data, computation and verification to a job, and what each
    /// was paid.
    pub async fn contributions(&self, job: u64) -> Result<Option<Contributions>, Error> {
        self.read("contributions", (job,)).await
    }

    /// What a job has paid, credit by credit, at most 50 a page.
    pub async fn payments(&self, job: u64, offset: u32, limit: u32) -> Result<Page<Paid>, Error> {
        self.read("payments", (job, offset, limit)).await
    }

    /// What was fixed when the market was deployed.
    pub async fn rules(&self) -> Result<Rules, Error> {
        self.read("rules", ()).await
    }

    /// What an operator asks of a job, if it has published that.
    pub async fn offer(&self, operator: Address) -> Result<Option<Offer>, Error> {
        self.read("offer", (operator,)).await
    }

    /// Who ever staked as an operator, oldest first, at most 25 a page.
    pub async fn operators(&self, offset: u32, limit: u32) -> Result<Page<(Address, Standing)>, Error> {
        self.read("operators", (offset, limit)).await
    }

    /// Who ever staked as a verifier, oldest first, at most 25 a page.
    pub async fn verifiers(&self, offset: u32, limit: u32) -> Result<Page<(Address, Standing)>, Error> {
        self.read("verifiers", (offset, limit)).await
    }

    /// An operator's or a verifier's standing.
    pub async fn standing(&self, role: Role, account: Address) -> Result<Option<Standing>, Error> {
        self.read("standing", (role, account)).await
    }

    /// What an account can withdraw.
    pub async fn credit(&self, account: Address) -> Result<Amount, Error> {
        self.read("credit", (account,)).await.map(Amount)
    }

    /// A verifier's part in a job.
    pub async fn enlistment(&self, job: u64, verifier: Address) -> Result<Option<Enlistment>, Error> {
        self.read("enlistment", (job, verifier)).await
    }

    /// The registry that the market registers models in.
    pub async fn registry(&self) -> Result<Address, Error> {
        self.read("registry", ()).await
    }

    /// What the contract says it is: [`market::KIND`].
    pub async fn kind(&self) -> Result<String, Error> {
        self.read("kind", ()).await
    }

    /// Version of the contract's messages, records and events.
    pub async fn version(&self) -> Result<u32, Error> {
        self.read("version", ()).await
    }

    // Events.

    /// This market's events in a receipt, in order.
    ///
    /// # Errors
    /// If an event's fields cannot be read.
    pub fn events(&self, receipt: &Receipt) -> Result<Vec<market::Event>, Error> {
        receipt.events.iter().filter_map(|event| self.event(event).transpose()).collect()
    }

    /// The event; `None` if another contract emitted it, or this one in a later
    /// version that has more kinds of events.
    ///
    /// # Errors
    /// If the event's fields cannot be read.
    pub fn event(&self, event: &ContractEvent) -> Result<Option<market::Event>, Error> {
        if event.contract != self.address {
            return Ok(None);
        }
        events::decode(event, EVENTS)
    }

    /// The number of the job that a `post_job` posted.
    ///
    /// # Errors
    /// If the receipt is of another message.
    pub fn posted_job(&self, receipt: &Receipt) -> Result<u64, Error> {
        let posted = self.events(receipt)?.into_iter().find_map(|event| match event {
            market::Event::JobMoved { job, state: State::Open, .. } => Some(job),
            _ => None,
        });
        Ok(posted.ok_or_else(|| crate::value::shape("receipt", "no job was posted"))?)
    }
}

/// The events' signatures in the order of [`market::Event`], with the types as
/// the contract's source names them.
pub(crate) const EVENTS: &[&str] = &[
    "JobMoved(u64,State,u64)",
    "Enlisted(u64,Account,u128)",
    "SecretRevealed(u64,Account)",
    "SlotMoved(u64,u8,Account,Check)",
    "SeatMoved(u64,u8,Account)",
    "Staked(Account,Role,u128)",
    "Slashed(Account,u64,u128,Reason)",
    "Credited(Account,Option<u64>,u128,Reason)",
    "PaidOut(Account,u128)",
    "ModelRegistered(u64,Digest,bool)",
    "ModelRefused(u64,Error)",
    "Unbonding(Account,Role,u128,u64)",
    "OfferChanged(Account,bool)",
    "EndsOpened(u64,Digest)",
    "Demanded(u64,u8,Account,u64)",
    "Answered(u64,u8,Account)",
    "Released(u64,Account,u128)",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::tests::assert_matches_bundle;

    #[test]
    fn messages_and_events_are_those_of_the_committed_contract() {
        assert_matches_bundle("market", include_str!("market.rs"), EVENTS, &[]);
    }
}
