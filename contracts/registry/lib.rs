//! Assay's registry contract: datasets and models as records keyed by content
//! hash, with the edges of how each was made, on which terms they may be used,
//! and what others say of them.
//!
//! A thin layer: `crates/registry` holds the logic, `assay_protocol::registry`
//! the types, limits and errors, `docs/registry.md` the law. A message that
//! returns an error is reverted, value included.
//!
//! Who may do what: anybody registers datasets and makes statements; the one
//! market that the deployer binds registers models; an owner changes terms and
//! locations, grants access and transfers ownership. Nobody can remove a
//! record, pause or upgrade the contract.
//!
//! Money comes in with `buy_access` alone and leaves with `withdraw` alone.
//!
//! The registry calls the contract of titles, to have a model's title issued
//! and to ask who owns it, and the registry that it carries on, if any.
#![cfg_attr(not(feature = "std"), no_std, no_main)]

mod chain;
#[cfg(not(feature = "ink-as-dependency"))]
mod events;
// A contract that only calls this one emits none of its events, and must not
// list them in its own metadata: some have the same signature.
#[cfg(feature = "ink-as-dependency")]
mod events {
    pub fn emit(_: assay_protocol::registry::Event) {}
}

#[ink::contract]
mod registry {
    use crate::chain::RegistryChain;
    use assay_protocol::{
        Address as Account, Hash as Digest,
        registry::{
            DatasetExport, DatasetRecord, DatasetTerms, Error, Grant, Import, KIND, ModelExport, ModelRecord, Node,
            Page, Predecessor, RegisterDataset, RegisterModel, Royalty, Statement, StatementKind, VERSION,
        },
    };
    use assay_registry::{self as logic, access, import, owners, reads, records, statements};
    use ink::prelude::{string::String, vec::Vec};

    /// All state is in the tables of `crates/registry`.
    #[ink(storage)]
    pub struct Registry {}

    impl Registry {
        /// An empty registry whose models' titles are in the contract at
        /// `titles`, which its deployer then binds to it; with a predecessor, one
        /// that carries on the registry there. Its caller becomes the admin.
        ///
        /// # Panics
        /// If other contracts, or none, are at these addresses.
        #[ink(constructor)]
        pub fn new(titles: Account, predecessor: Option<Account>) -> Self {
            let mut chain = RegistryChain::default();
            assert!(chain.is_titles(&titles), "titles are at the given address");
            assert!(predecessor.is_none_or(|at| chain.is_registry(at)), "a registry is at the predecessor's address");
            logic::init(&mut chain, titles, predecessor);
            Self {}
        }

        /// Binds the market that may register models, once and for good. Only
        /// the admin, after the titles are bound to this registry.
        #[ink(message)]
        pub fn bind_market(&mut self, market: Account) -> Result<(), Error> {
            records::bind_market(&mut self.chain(), market)
        }

        /// Puts a dataset on record; its caller becomes the owner.
        #[ink(message)]
        pub fn register_dataset(&mut self, dataset: RegisterDataset) -> Result<(), Error> {
            records::register_dataset(&mut self.chain(), dataset)
        }

        /// Puts a model on record, has its title issued and returns its id. Only the bound market.
        #[ink(message)]
        pub fn register_model(&mut self, model: RegisterModel) -> Result<Digest, Error> {
            records::register_model(&mut self.chain(), model)
        }

        /// Whether a client may have a model made from these datasets and this
        /// parent model, and what their owners are to get of the job's payment.
        #[ink(message)]
        pub fn check_inputs(
            &self,
            client: Account,
            datasets: Vec<Digest>,
            parent: Option<Digest>,
        ) -> Result<Vec<Royalty>, Error> {
            records::check_inputs(&self.chain(), client, &datasets, parent)
        }

        /// Changes the terms of a dataset for what is to come. Only its owner.
        #[ink(message)]
        pub fn set_terms(&mut self, dataset: Digest, terms: DatasetTerms) -> Result<(), Error> {
            owners::set_terms(&mut self.chain(), dataset, terms)
        }

        /// Changes the royalty of a model for jobs to come. Only its owner.
        #[ink(message)]
        pub fn set_royalty(&mut self, model: Digest, royalty_bp: u16) -> Result<(), Error> {
            owners::set_royalty(&mut self.chain(), model, royalty_bp)
        }

        /// Replaces the locations of a dataset or a model. Only its owner.
        #[ink(message)]
        pub fn set_locations(&mut self, node: Node, locations: Vec<String>) -> Result<(), Error> {
            owners::set_locations(&mut self.chain(), node, &locations)
        }

        /// Removes the name and the locations of a dataset for good. Only its owner.
        #[ink(message)]
        pub fn withdraw_locations(&mut self, dataset: Digest) -> Result<(), Error> {
            owners::withdraw_locations(&mut self.chain(), dataset)
        }

        /// Gives a dataset a new owner. Only its owner.
        #[ink(message)]
        pub fn transfer_dataset(&mut self, dataset: Digest, to: Account) -> Result<(), Error> {
            owners::transfer_dataset(&mut self.chain(), dataset, to)
        }

        /// Lets an account use a dataset until a second of chain time, under
        /// terms that hash to `terms`. Only the dataset's owner.
        #[ink(message)]
        pub fn grant_access(
            &mut self,
            dataset: Digest,
            account: Account,
            until: u64,
            terms: Digest,
        ) -> Result<(), Error> {
            access::grant_access(&mut self.chain(), dataset, account, until, terms)
        }

        /// The caller buys access to a dataset under the terms that hash to
        /// `terms`; the value sent must be their price.
        #[ink(message, payable)]
        pub fn buy_access(&mut self, dataset: Digest, terms: Digest) -> Result<(), Error> {
            access::buy_access(&mut self.chain(), dataset, terms)
        }

        /// Sends out all that is credited to the caller; returns how much.
        #[ink(message)]
        pub fn withdraw(&mut self) -> Result<u128, Error> {
            let mut chain = self.chain();
            let amount = access::withdraw(&mut chain)?;
            // Last of all, when the sum is no longer credited. An error reverts that as well.
            let to = assay_ink_host::address(self.env().caller());
            chain.host.transfer(to, amount).map_err(|_| Error::TransferFailed)?;
            Ok(amount)
        }

        /// Puts a statement of the caller about a dataset or a model on record, for good.
        #[ink(message)]
        pub fn add_statement(
            &mut self,
            node: Node,
            kind: StatementKind,
            text: String,
            evidence: Option<Digest>,
        ) -> Result<(), Error> {
            statements::add_statement(&mut self.chain(), node, kind, text, evidence)
        }

        /// Copies a dataset from the predecessor. Anybody.
        #[ink(message)]
        pub fn import_dataset(&mut self, dataset: Digest) -> Result<(), Error> {
            import::import_dataset(&mut self.chain(), dataset)
        }

        /// Copies a model from the predecessor. Anybody.
        #[ink(message)]
        pub fn import_model(&mut self, model: Digest) -> Result<(), Error> {
            import::import_model(&mut self.chain(), model)
        }

        /// Copies an account's access to an imported dataset from the predecessor. Anybody.
        #[ink(message)]
        pub fn import_grant(&mut self, dataset: Digest, account: Account) -> Result<(), Error> {
            import::import_grant(&mut self.chain(), dataset, account)
        }

        /// The record of a dataset.
        #[ink(message)]
        pub fn dataset(&self, id: Digest) -> Option<DatasetRecord> {
            reads::dataset(&self.chain(), id)
        }

        /// The record of a model.
        #[ink(message)]
        pub fn model(&self, id: Digest) -> Option<ModelRecord> {
            reads::model(&self.chain(), id)
        }

        /// Who owns a model that is on record.
        #[ink(message)]
        pub fn owner_of(&self, model: Digest) -> Option<Account> {
            reads::owner_of(&self.chain(), model)
        }

        /// Where a dataset or a model can be fetched, best first.
        #[ink(message)]
        pub fn locations(&self, node: Node) -> Vec<String> {
            reads::locations(&self.chain(), node)
        }

        /// The terms of this hash, if a dataset has or had them.
        #[ink(message)]
        pub fn terms(&self, hash: Digest) -> Option<DatasetTerms> {
            reads::terms(&self.chain(), hash)
        }

        /// An account's access to a dataset, if it ever had any.
        #[ink(message)]
        pub fn grant(&self, dataset: Digest, account: Account) -> Option<Grant> {
            reads::grant(&self.chain(), dataset, account)
        }

        /// Who ever had access to a dataset, at most 50 a page.
        #[ink(message)]
        pub fn grants(&self, dataset: Digest, offset: u32, limit: u32) -> Page<(Account, Grant)> {
            reads::grants(&self.chain(), dataset, offset, limit)
        }

        /// What was said of a dataset or a model, oldest first, at most 50 a page.
        #[ink(message)]
        pub fn statements(&self, node: Node, offset: u32, limit: u32) -> Page<Statement> {
            reads::statements(&self.chain(), node, offset, limit)
        }

        /// Of what an account said something, and the statement's number there, at most 50 a page.
        #[ink(message)]
        pub fn statements_by(&self, author: Account, offset: u32, limit: u32) -> Page<(Node, u32)> {
            reads::statements_by(&self.chain(), author, offset, limit)
        }

        /// What an account can withdraw.
        #[ink(message)]
        pub fn credit(&self, account: Account) -> u128 {
            reads::credit(&self.chain(), account)
        }

        /// What a node was made from, at most 50 a page.
        #[ink(message)]
        pub fn made_from(&self, node: Node, offset: u32, limit: u32) -> Page<Node> {
            reads::made_from(&self.chain(), node, offset, limit)
        }

        /// What was made from a node, oldest first, at most 50 a page.
        #[ink(message)]
        pub fn made_into(&self, node: Node, offset: u32, limit: u32) -> Page<Node> {
            reads::made_into(&self.chain(), node, offset, limit)
        }

        /// Ids of the datasets on record, oldest first, at most 50 a page.
        #[ink(message)]
        pub fn datasets(&self, offset: u32, limit: u32) -> Page<Digest> {
            reads::datasets(&self.chain(), offset, limit)
        }

        /// Ids of the models on record, oldest first, at most 50 a page.
        #[ink(message)]
        pub fn models(&self, offset: u32, limit: u32) -> Page<Digest> {
            reads::models(&self.chain(), offset, limit)
        }

        /// Where a record was copied from, if it was.
        #[ink(message)]
        pub fn imported(&self, node: Node) -> Option<Import> {
            reads::imported(&self.chain(), node)
        }

        /// Whether a dataset or a model is on record here or in a predecessor.
        #[ink(message)]
        pub fn knows(&self, node: Node) -> bool {
            import::knows(&self.chain(), &node)
        }

        /// A dataset with all that a successor copies.
        #[ink(message)]
        pub fn export_dataset(&self, id: Digest) -> Option<DatasetExport> {
            import::export_dataset(&self.chain(), id)
        }

        /// A model with all that a successor copies.
        #[ink(message)]
        pub fn export_model(&self, id: Digest) -> Option<ModelExport> {
            import::export_model(&self.chain(), id)
        }

        /// Who deployed the registry.
        #[ink(message)]
        pub fn admin(&self) -> Account {
            reads::admin(&self.chain())
        }

        /// The market that may register models, once bound.
        #[ink(message)]
        pub fn market(&self) -> Option<Account> {
            reads::market(&self.chain())
        }

        /// The contract that holds the models' titles.
        #[ink(message)]
        pub fn titles(&self) -> Account {
            reads::titles(&self.chain())
        }

        /// The registry that this one carries on, if any.
        #[ink(message)]
        pub fn predecessor(&self) -> Option<Predecessor> {
            reads::predecessor(&self.chain())
        }

        /// `registry`, to tell this contract from any other.
        #[ink(message)]
        pub fn kind(&self) -> String {
            KIND.into()
        }

        /// Version of the messages, records and events.
        #[ink(message)]
        pub fn version(&self) -> u32 {
            VERSION
        }

        fn chain(&self) -> RegistryChain {
            RegistryChain::default()
        }
    }
}
