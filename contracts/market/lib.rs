//! Assay's market contract: training jobs with payment in escrow, operators
//! and verifiers with stake, draws, disputes and payouts.
//!
//! A thin layer: `crates/market` holds the logic, `assay_protocol::market` the
//! types, limits and errors, `docs/market.md` the states of a job. A message
//! that returns an error is reverted, value included.
//!
//! Money comes in with `stake`, `post_job`, `challenge` and `demand` alone and
//! leaves with `withdraw` and `withdraw_burned` alone. Nobody can pause or upgrade the contract, or
//! take what is not credited to them.
//!
//! The market calls its registry, and only that contract, to check a job's
//! inputs and to register the model of a finished job.
#![cfg_attr(not(feature = "std"), no_std, no_main)]

mod chain;
mod events;

#[ink::contract]
mod market {
    use crate::chain::MarketChain;
    use assay_ink_host::{InkHost, account, address};
    use assay_market::{
        advance, challenge, check, demand, enlist, model, offer, panel, post, reads, rules, stake, train,
    };
    use assay_protocol::{
        Address as Account, Hash as Digest,
        commitment::Outcome,
        host::Host,
        market::{
            Answer, BURN_ADDRESS, Challenge, Commit, Contributions, Demand, Enlistment, Error, JobSummary, JobView,
            KIND, Offer, Opening, Paid, PostJob, Role, Rules, Seat, Slot, SlotTrace, Standing, VERSION, Wanted,
        },
        registry::Page,
    };
    use ink::prelude::{string::String, vec::Vec};

    /// Everything but the registry's address is in the tables of `crates/market`.
    #[ink(storage)]
    pub struct Market {
        /// The registry that the market asks and registers models in.
        registry: Address,
    }

    impl Market {
        /// A market without jobs that works with the registry at `registry`,
        /// which its deployer then binds to this market. No window of a job may
        /// be longer than `longest_window` seconds.
        ///
        /// # Panics
        /// If no registry is at that address, or the window is zero or too long.
        #[ink(constructor)]
        pub fn new(registry: Account, longest_window: u32) -> Self {
            let market = Self { registry: account(registry) };
            assert!(market.chain().is_registry(), "a registry is at the given address");
            rules::deploy(&mut market.chain(), registry, longest_window).expect("a longest window of up to 30 days");
            market
        }

        /// Adds the value sent to the caller's stake in `role`, and sets where
        /// its content is served if `endpoint` is given.
        #[ink(message, payable)]
        pub fn stake(&mut self, role: Role, endpoint: Option<String>) -> Result<(), Error> {
            stake::stake(&mut self.chain(), role, endpoint)
        }

        /// Takes free stake back: it waits, and can then be collected.
        #[ink(message)]
        pub fn unstake(&mut self, role: Role, amount: u128) -> Result<(), Error> {
            stake::unstake(&mut self.chain(), role, amount)
        }

        /// Credits the stake that was taken back and has waited long enough.
        #[ink(message)]
        pub fn collect(&mut self, role: Role) -> Result<(), Error> {
            stake::collect(&mut self.chain(), role)
        }

        /// The caller publishes what it asks of a job, or takes that back.
        #[ink(message)]
        pub fn publish_offer(&mut self, offer: Option<Offer>) -> Result<(), Error> {
            offer::publish_offer(&mut self.chain(), offer)
        }

        /// Sends out all that is credited to the caller; returns how much.
        #[ink(message)]
        pub fn withdraw(&mut self) -> Result<u128, Error> {
            let amount = stake::withdraw(&mut self.chain())?;
            self.pay_out(InkHost.caller(), amount)
        }

        /// Sends what was burned to the burn address; returns how much.
        #[ink(message)]
        pub fn withdraw_burned(&mut self) -> Result<u128, Error> {
            let amount = stake::withdraw_burned(&mut self.chain())?;
            self.pay_out(BURN_ADDRESS, amount)
        }

        /// Posts a job; the value sent must be payment and fee together.
        /// Returns the job's number.
        #[ink(message, payable)]
        pub fn post_job(&mut self, job: PostJob) -> Result<u64, Error> {
            post::post_job(&mut self.chain(), job)
        }

        /// The client takes an unclaimed job back.
        #[ink(message)]
        pub fn cancel(&mut self, job: u64) -> Result<(), Error> {
            post::cancel(&mut self.chain(), job)
        }

        /// A verifier enlists for a job with a sealed secret and locks a bond,
        /// its weight in the draw.
        #[ink(message)]
        pub fn enlist(&mut self, job: u64, sealed_secret: Digest, bond: u128) -> Result<(), Error> {
            enlist::enlist(&mut self.chain(), job, sealed_secret, bond)
        }

        /// The client or a verifier reveals its secret for the draw.
        #[ink(message)]
        pub fn reveal_secret(&mut self, job: u64, secret: Digest) -> Result<(), Error> {
            enlist::reveal_secret(&mut self.chain(), job, secret)
        }

        /// A verifier gets its bond back from a job that has ended.
        #[ink(message)]
        pub fn release(&mut self, job: u64) -> Result<(), Error> {
            enlist::release(&mut self.chain(), job)
        }

        /// An operator claims an open job and locks its stake.
        #[ink(message)]
        pub fn claim(&mut self, job: u64) -> Result<(), Error> {
            train::claim(&mut self.chain(), job)
        }

        /// The operator hands the job back for the price that its terms state.
        #[ink(message)]
        pub fn hand_back(&mut self, job: u64) -> Result<(), Error> {
            train::hand_back(&mut self.chain(), job)
        }

        /// The operator commits to all segments.
        #[ink(message)]
        pub fn commit(&mut self, job: u64, commit: Commit) -> Result<(), Error> {
            train::commit(&mut self.chain(), job, commit)
        }

        /// The operator opens the ends of its commitment and drawn leaves.
        #[ink(message)]
        pub fn open(&mut self, job: u64, opening: Opening) -> Result<(), Error> {
            check::open(&mut self.chain(), job, opening)
        }

        /// A drawn verifier posts the seal over what its replay gave.
        #[ink(message)]
        pub fn attest(&mut self, job: u64, slot: u8, seal: Digest) -> Result<(), Error> {
            check::attest(&mut self.chain(), job, slot, seal)
        }

        /// A drawn verifier says that the operator does not serve the checkpoint,
        /// and demands a chunk of it.
        #[ink(message)]
        pub fn report_unavailable(&mut self, job: u64, slot: u8, tensor: u32, chunk: u32) -> Result<(), Error> {
            check::report_unavailable(&mut self.chain(), job, slot, tensor, chunk)
        }

        /// The operator reveals the trace roots of all slots that wait for it.
        #[ink(message)]
        pub fn reveal_traces(&mut self, job: u64, traces: Vec<SlotTrace>) -> Result<(), Error> {
            check::reveal_traces(&mut self.chain(), job, traces)
        }

        /// A verifier insists that the operator is wrong in a slot.
        #[ink(message)]
        pub fn insist(&mut self, job: u64, slot: u8, trace: Digest) -> Result<(), Error> {
            check::insist(&mut self.chain(), job, slot, trace)
        }

        /// Anybody challenges a segment; the value sent must be the job's bond.
        /// Returns the number of the new slot.
        #[ink(message, payable)]
        pub fn challenge(&mut self, job: u64, challenge: Challenge) -> Result<u8, Error> {
            challenge::challenge(&mut self.chain(), job, challenge)
        }

        /// Anybody demands a chunk of an open state or a leaf of the commitment;
        /// the value sent must be a tenth of the job's bond. Returns the demand's
        /// number.
        #[ink(message, payable)]
        pub fn demand(&mut self, job: u64, wanted: Wanted) -> Result<u8, Error> {
            demand::demand(&mut self.chain(), job, wanted)
        }

        /// Anybody answers a demand.
        #[ink(message)]
        pub fn answer(&mut self, job: u64, number: u8, answer: Answer) -> Result<(), Error> {
            demand::answer(&mut self.chain(), job, number, answer)
        }

        /// A panellist posts the seal over its outcome.
        #[ink(message)]
        pub fn panel_seal(&mut self, job: u64, seal: Digest) -> Result<(), Error> {
            panel::panel_seal(&mut self.chain(), job, seal)
        }

        /// A panellist reveals its outcome.
        #[ink(message)]
        pub fn panel_reveal(&mut self, job: u64, outcome: Outcome) -> Result<(), Error> {
            panel::panel_reveal(&mut self.chain(), job, outcome)
        }

        /// Anybody moves a job on whose state may last no longer.
        #[ink(message)]
        pub fn advance(&mut self, job: u64) -> Result<(), Error> {
            advance::advance(&mut self.chain(), job)
        }

        /// Anybody registers the model of a final job that has none yet.
        #[ink(message)]
        pub fn register(&mut self, job: u64) -> Result<(), Error> {
            model::register(&mut self.chain(), job)
        }

        /// A job with its terms.
        #[ink(message)]
        pub fn job(&self, job: u64) -> Option<JobView> {
            reads::job(&self.chain(), job)
        }

        /// Jobs in the order in which they were posted, at most 50 a page.
        #[ink(message)]
        pub fn jobs(&self, offset: u64, limit: u32) -> Page<JobSummary> {
            reads::jobs(&self.chain(), offset, limit)
        }

        /// The encoded specification of a job.
        #[ink(message)]
        pub fn spec(&self, job: u64) -> Option<Vec<u8>> {
            reads::spec(&self.chain(), job)
        }

        /// The drawn segments of a job and who checks them, then its challenges.
        #[ink(message)]
        pub fn slots(&self, job: u64) -> Vec<Slot> {
            reads::slots(&self.chain(), job)
        }

        /// The panel of a job's dispute.
        #[ink(message)]
        pub fn seats(&self, job: u64) -> Vec<Seat> {
            reads::seats(&self.chain(), job)
        }

        /// The demands of a job that nobody has answered yet.
        #[ink(message)]
        pub fn demands(&self, job: u64) -> Vec<Demand> {
            reads::demands(&self.chain(), job)
        }

        /// Who contributed what to a job, and what each was paid so far.
        #[ink(message)]
        pub fn contributions(&self, job: u64) -> Option<Contributions> {
            reads::contributions(&self.chain(), job)
        }

        /// All that a job has paid, oldest first, at most 50 a page.
        #[ink(message)]
        pub fn payments(&self, job: u64, offset: u32, limit: u32) -> Page<Paid> {
            reads::payments(&self.chain(), job, offset, limit)
        }

        /// Whoever ever staked as an operator, at most 25 a page.
        #[ink(message)]
        pub fn operators(&self, offset: u32, limit: u32) -> Page<(Account, Standing)> {
            reads::standings(&self.chain(), Role::Operator, offset, limit)
        }

        /// Whoever ever staked as a verifier, at most 25 a page.
        #[ink(message)]
        pub fn verifiers(&self, offset: u32, limit: u32) -> Page<(Account, Standing)> {
            reads::standings(&self.chain(), Role::Verifier, offset, limit)
        }

        /// What an operator asks of a job, if it has published that.
        #[ink(message)]
        pub fn offer(&self, operator: Account) -> Option<Offer> {
            reads::offer(&self.chain(), operator)
        }

        /// What was fixed when the market was deployed.
        #[ink(message)]
        pub fn rules(&self) -> Rules {
            reads::rules(&self.chain())
        }

        /// An account's standing in a role, if it has one.
        #[ink(message)]
        pub fn standing(&self, role: Role, account: Account) -> Option<Standing> {
            reads::standing(&self.chain(), role, account)
        }

        /// What an account can withdraw.
        #[ink(message)]
        pub fn credit(&self, account: Account) -> u128 {
            reads::credit(&self.chain(), account)
        }

        /// A verifier's part in a job.
        #[ink(message)]
        pub fn enlistment(&self, job: u64, verifier: Account) -> Option<Enlistment> {
            reads::enlistment(&self.chain(), job, verifier)
        }

        /// The registry that the market registers models in.
        #[ink(message)]
        pub fn registry(&self) -> Account {
            address(self.registry)
        }

        /// `market`, to tell this contract from any other.
        #[ink(message)]
        pub fn kind(&self) -> String {
            KIND.into()
        }

        /// Version of the messages, records and events.
        #[ink(message)]
        pub fn version(&self) -> u32 {
            VERSION
        }

        fn chain(&self) -> MarketChain {
            MarketChain::new(self.registry)
        }

        /// Last of all, when the sum is no longer credited. An error reverts that as well.
        fn pay_out(&self, to: Account, amount: u128) -> Result<u128, Error> {
            InkHost.transfer(to, amount).map_err(|_| Error::TransferFailed)?;
            Ok(amount)
        }
    }
}
