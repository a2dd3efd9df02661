//! Assay's registry contract: datasets and models as records keyed by content
//! hash, with the edges of how each was made.
//!
//! A thin layer: `crates/registry` holds the logic, `assay_protocol::registry`
//! the types, limits and errors. A message that returns an error is reverted.
//! No message takes value.
//!
//! Who may do what: anybody registers datasets; the one market that the
//! deployer binds registers models; an owner changes locations and transfers
//! ownership. Nobody can remove a record, pause or upgrade the contract.
#![cfg_attr(not(feature = "std"), no_std, no_main)]

#[ink::contract]
mod registry {
    use assay_ink_host::InkHost;
    use assay_protocol::{
        Address as Account, Hash as Digest,
        registry::{
            DatasetRecord, Error, Event, KIND, ModelRecord, Node, Page, RegisterDataset, RegisterModel, VERSION,
        },
    };
    use assay_registry as logic;
    use ink::prelude::{string::String, vec::Vec};

    /// The one market that may register models was set.
    #[ink(event)]
    pub struct MarketBound {
        #[ink(topic)]
        market: Account,
    }

    /// A dataset is on record.
    #[ink(event)]
    pub struct DatasetRegistered {
        #[ink(topic)]
        dataset: Digest,
        #[ink(topic)]
        owner: Account,
    }

    /// A model is on record.
    #[ink(event)]
    pub struct ModelRegistered {
        #[ink(topic)]
        model: Digest,
        #[ink(topic)]
        owner: Account,
        job: u64,
        #[ink(topic)]
        operator: Account,
    }

    /// The locations of a dataset or a model were replaced.
    #[ink(event)]
    pub struct LocationsChanged {
        #[ink(topic)]
        node: Node,
        locations: u8,
    }

    /// A dataset or a model has a new owner.
    #[ink(event)]
    pub struct Transferred {
        #[ink(topic)]
        node: Node,
        #[ink(topic)]
        from: Account,
        #[ink(topic)]
        to: Account,
    }

    /// All state is in the tables of `crates/registry`.
    #[ink(storage)]
    #[derive(Default)]
    pub struct Registry {}

    impl Registry {
        /// An empty registry; its caller becomes the admin.
        #[ink(constructor)]
        pub fn new() -> Self {
            logic::init(&mut InkHost);
            Self {}
        }

        /// Binds the market that may register models, once and for good. Only the admin.
        #[ink(message)]
        pub fn bind_market(&mut self, market: Account) -> Result<(), Error> {
            self.emit(logic::bind_market(&mut InkHost, market)?);
            Ok(())
        }

        /// Puts a dataset on record; its caller becomes the owner.
        #[ink(message)]
        pub fn register_dataset(&mut self, dataset: RegisterDataset) -> Result<(), Error> {
            self.emit(logic::register_dataset(&mut InkHost, dataset)?);
            Ok(())
        }

        /// Puts a model on record and returns its id. Only the bound market.
        #[ink(message)]
        pub fn register_model(&mut self, model: RegisterModel) -> Result<Digest, Error> {
            let (id, event) = logic::register_model(&mut InkHost, model)?;
            self.emit(event);
            Ok(id)
        }

        /// Replaces the locations of a dataset or a model. Only its owner.
        #[ink(message)]
        pub fn set_locations(&mut self, node: Node, locations: Vec<String>) -> Result<(), Error> {
            self.emit(logic::set_locations(&mut InkHost, node, &locations)?);
            Ok(())
        }

        /// Gives a dataset a new owner. Only its owner.
        #[ink(message)]
        pub fn transfer_dataset(&mut self, dataset: Digest, to: Account) -> Result<(), Error> {
            self.emit(logic::transfer_dataset(&mut InkHost, dataset, to)?);
            Ok(())
        }

        /// Gives a model a new owner. Only its owner.
        #[ink(message)]
        pub fn transfer_model(&mut self, model: Digest, to: Account) -> Result<(), Error> {
            self.emit(logic::transfer_model(&mut InkHost, model, to)?);
            Ok(())
        }

        /// Whether a model may be made from these datasets and this parent model.
        #[ink(message)]
        pub fn check_inputs(&self, datasets: Vec<Digest>, parent: Option<Digest>) -> Result<(), Error> {
            logic::check_inputs(&InkHost, &datasets, parent.as_ref())
        }

        /// The record of a dataset.
        #[ink(message)]
        pub fn dataset(&self, id: Digest) -> Option<DatasetRecord> {
            logic::dataset(&InkHost, id)
        }

        /// The record of a model.
        #[ink(message)]
        pub fn model(&self, id: Digest) -> Option<ModelRecord> {
            logic::model(&InkHost, id)
        }

        /// Where a dataset or a model can be fetched, best first.
        #[ink(message)]
        pub fn locations(&self, node: Node) -> Vec<String> {
            logic::locations(&InkHost, node)
        }

        /// What a node was made from, at most 50 a page.
        #[ink(message)]
        pub fn made_from(&self, node: Node, offset: u32, limit: u32) -> Page<Node> {
            logic::made_from(&InkHost, node, offset, limit)
        }

        /// What was made from a node, oldest first, at most 50 a page.
        #[ink(message)]
        pub fn made_into(&self, node: Node, offset: u32, limit: u32) -> Page<Node> {
            logic::made_into(&InkHost, node, offset, limit)
        }

        /// Ids of the datasets on record, oldest first, at most 50 a page.
        #[ink(message)]
        pub fn datasets(&self, offset: u32, limit: u32) -> Page<Digest> {
            logic::datasets(&InkHost, offset, limit)
        }

        /// Ids of the models on record, oldest first, at most 50 a page.
        #[ink(message)]
        pub fn models(&self, offset: u32, limit: u32) -> Page<Digest> {
            logic::models(&InkHost, offset, limit)
        }

        /// Who deployed the registry.
        #[ink(message)]
        pub fn admin(&self) -> Account {
            logic::admin(&InkHost)
        }

        /// The market that may register models, once bound.
        #[ink(message)]
        pub fn market(&self) -> Option<Account> {
            logic::market(&InkHost)
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

        fn emit(&self, event: Event) {
            let env = self.env();
            match event {
                Event::MarketBound { market } => env.emit_event(MarketBound { market }),
                Event::DatasetRegistered { dataset, owner } => env.emit_event(DatasetRegistered { dataset, owner }),
                Event::ModelRegistered { model, owner, job, operator } => {
                    env.emit_event(ModelRegistered { model, owner, job, operator })
                }
                Event::LocationsChanged { node, locations } => env.emit_event(LocationsChanged { node, locations }),
                Event::Transferred { node, from, to } => env.emit_event(Transferred { node, from, to }),
            }
        }
    }
}
