//! Assay's market contract: training jobs with payment in escrow, operators
//! and verifiers with stake, draws, disputes and payouts.
//!
//! A thin layer: `crates/market` holds the logic, `assay_protocol::market` the
//! types, limits and errors, `docs/market.md` the states of a job. A message
//! that returns an error is reverted, value included.
//!
//! Money comes in with `stake` and `post_job` alone and leaves with `withdraw`
//! and `withdraw_burned` alone. Nobody can pause or upgrade the contract, or
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
    use assay_market::{advance, check, enlist, panel, post, reads, stake, train};
    use assay_protocol::{
        Address as Account, Hash as Digest,
        commitment::Outcome,
        host::Host,
        market::{
            BURN_ADDRESS, Commit, Enlistment, Error, JobSummary, JobView, KIND, PostJob, Role, Seat, Slot, SlotOpening,
            SlotTrace, Standing, VERSION,
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
        /// which its deployer then binds to this market.
        ///
        /// # Panics
        /// If no registry is at that address.
        #[ink(constructor)]
        pub fn new(registry: Account) -> Self {
            let market = Self { registry: account(registry) };
            assert!(market.chain().is_registry(), "a registry is at the given address");
            market
        }

        /// Adds the value sent to the caller's stake in `role`, and sets where
        /// its content is served if `endpoint` is given.
        #[ink(message, payable)]
        pub fn stake(&mut self, role: Role, endpoint: Option<String>) -> Result<(), Error> {
            stake::stake(&mut self.chain(), role, endpoint)
        }

        /// Takes free stake back, to be withdrawn.
        #[ink(message)]
        pub fn unstake(&mut self, role: Role, amount: u128) -> Result<(), Error> {
            stake::unstake(&mut self.chain(), role, amount)
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

        /// A verifier enlists for a job with a sealed secret and locks its bond.
        #[ink(message)]
        pub fn enlist(&mut self, job: u64, sealed_secret: Digest) -> Result<(), Error> {
            enlist::enlist(&mut self.chain(), job, sealed_secret)
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

        /// The operator commits to all segments.
        #[ink(message)]
        pub fn commit(&mut self, job: u64, commit: Commit) -> Result<(), Error> {
            train::commit(&mut self.chain(), job, commit)
        }

        /// The operator opens drawn leaves.
        #[ink(message)]
        pub fn open(&mut self, job: u64, openings: Vec<SlotOpening>) -> Result<(), Error> {
            check::open(&mut self.chain(), job, openings)
        }

        /// A drawn verifier posts the seal over what its replay gave.
        #[ink(message)]
        pub fn attest(&mut self, job: u64, slot: u8, seal: Digest) -> Result<(), Error> {
            check::attest(&mut self.chain(), job, slot, seal)
        }

        /// A drawn verifier says that the operator does not serve the checkpoint.
        #[ink(message)]
        pub fn report_unavailable(&mut self, job: u64, slot: u8) -> Result<(), Error> {
            check::report_unavailable(&mut self.chain(), job, slot)
        }

        /// The operator reveals the trace roots of all slots that wait for it.
        #[ink(message)]
        pub fn reveal_traces(&mut self, job: u64, traces: Vec<SlotTrace>) -> Result<(), Error> {
            check::reveal_traces(&mut self.chain(), job, traces)
        }

        /// A verifier insists that the operator is wrong in a slot.
        #[ink(message)]
        pub fn insist(&mut self, job: u64, slot: u8, trace: Option<Digest>) -> Result<(), Error> {
            check::insist(&mut self.chain(), job, slot, trace)
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

        /// The drawn segments of a job and who checks them.
        #[ink(message)]
        pub fn slots(&self, job: u64) -> Vec<Slot> {
            reads::slots(&self.chain(), job)
        }

        /// The panel of a job's dispute.
        #[ink(message)]
        pub fn seats(&self, job: u64) -> Vec<Seat> {
            reads::seats(&self.chain(), job)
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
