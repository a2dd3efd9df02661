//! The contracts' logic over maps: makes histories in no time.

use crate::life::{World, LONGEST_WINDOW};
use crate::messages::{self as message, Contract, Message};
use assay_market::{rules, MarketHost};
use assay_protocol::hash::{Hash, Sha256};
use assay_protocol::host::{Host, MAX_VALUE_BYTES};
use assay_protocol::registry::{
    self, DatasetExport, DatasetTerms, Grant, ModelExport, ModelRecord, Node, Predecessor, RegisterModel, Royalty,
};
use assay_protocol::titles::{self, Answer, Call};
use assay_protocol::{market, Address};
use assay_registry::{reads, records, OtherRegistry, RegistryHost};
use assay_titles::TitlesHost;
use codec::{Decode, Encode};
use std::cell::{Ref, RefCell};
use std::collections::BTreeMap;

/// Values by their keys.
pub type Storage = BTreeMap<Vec<u8>, Vec<u8>>;

/// What one contract stores and holds.
struct Account {
    address: Address,
    storage: RefCell<Storage>,
    /// What it has taken in, in its unit. Histories take nothing out.
    held: u128,
}

/// The contracts on no chain.
pub struct Native {
    contracts: BTreeMap<Contract, Account>,
    now: u64,
    block: u32,
}

impl Native {
    /// Contracts as `admin` deploys them at these addresses and second since 1970.
    pub fn new(admin: Address, address: impl Fn(Contract) -> Address, now: u64) -> Self {
        let account =
            |contract| (contract, Account { address: address(contract), storage: RefCell::default(), held: 0 });
        let contracts = [Contract::Titles, Contract::Registry, Contract::Market].map(account);
        let mut native = Self { contracts: contracts.into(), now, block: 1 };
        let (registry, market) = (address(Contract::Registry), address(Contract::Market));
        assay_titles::init(&mut native.view(Contract::Titles, admin, 0));
        assay_registry::init(&mut native.view(Contract::Registry, admin, 0), address(Contract::Titles), None);
        rules::deploy(&mut native.view(Contract::Market, admin, 0), registry, LONGEST_WINDOW)
            .expect("the window is short enough");
        native.send(admin, 0, "", message::titles("bindRegistry", Call::BindRegistry { registry }));
        native.send(admin, 0, "", message::bind_market(market));
        native
    }

    /// Has the market give its first job this number.
    pub fn begin_with_job(&mut self, number: u64) {
        self.contracts[&Contract::Market].storage.borrow_mut().insert(b"n".to_vec(), number.encode());
    }

    /// All that `contract` stores.
    pub fn storage(&self, contract: Contract) -> Ref<'_, Storage> {
        self.contracts[&contract].storage.borrow()
    }

    /// Where `contract` is.
    pub fn address(&self, contract: Contract) -> Address {
        self.contracts[&contract].address
    }

    /// What `contract` owes, in its unit.
    pub fn held(&self, contract: Contract) -> u128 {
        self.contracts[&contract].held
    }

    /// The time that it has become.
    pub fn now(&self) -> u64 {
        self.now
    }

    fn view(&self, contract: Contract, caller: Address, value: u128) -> View<'_> {
        View { world: self, contract, caller, value }
    }
}

impl World for Native {
    fn send<T: Decode>(&mut self, by: Address, value: u128, _note: &str, message: Message<T>) -> T {
        self.contracts.get_mut(&message.contract).expect("all are there").held += value;
        let label = message.label;
        let outcome = (message.native)(&mut self.view(message.contract, by, value));
        outcome.unwrap_or_else(|error| panic!("{label}: {error}"))
    }

    fn ask<T: Decode>(&mut self, message: Message<T>) -> T {
        self.send(Address::default(), 0, "", message)
    }

    fn pass(&mut self, seconds: u64) {
        self.now += seconds;
        self.block += 1;
    }
}

/// The world as a contract sees it while a message runs.
#[derive(Clone, Copy)]
pub struct View<'a> {
    world: &'a Native,
    contract: Contract,
    caller: Address,
    value: u128,
}

impl View<'_> {
    /// Another contract, called by this one.
    fn call(&self, contract: Contract) -> Self {
        Self { contract, caller: self.world.contracts[&self.contract].address, value: 0, ..*self }
    }

    fn storage(&self) -> &RefCell<Storage> {
        &self.world.contracts[&self.contract].storage
    }

    fn ask_titles(&self, call: Call) -> Option<Answer> {
        assay_titles::handle(&mut self.call(Contract::Titles), call).ok()
    }
}

impl Sha256 for View<'_> {
    fn sha256(&self, bytes: &[u8]) -> Hash {
        assay_protocol::hash::Native.sha256(bytes)
    }
}

impl Host for View<'_> {
    fn address(&self) -> Address {
        self.world.contracts[&self.contract].address
    }
    fn caller(&self) -> Address {
        self.caller
    }
    fn value(&self) -> u128 {
        self.value
    }
    fn now(&self) -> u64 {
        self.world.now
    }
    fn block_number(&self) -> u32 {
        self.world.block
    }
    fn block_hash(&self, _number: u32) -> Option<Hash> {
        unreachable!("all secrets are revealed")
    }
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.storage().borrow().get(key).cloned()
    }
    fn set(&mut self, key: &[u8], value: &[u8]) {
        assert!(value.len() <= MAX_VALUE_BYTES, "stored value of {} bytes", value.len());
        self.storage().borrow_mut().insert(key.to_vec(), value.to_vec());
    }
    fn remove(&mut self, key: &[u8]) {
        self.storage().borrow_mut().remove(key);
    }
}

impl MarketHost for View<'_> {
    fn check_inputs(
        &self,
        client: Address,
        datasets: &[Hash],
        parent: Option<Hash>,
    ) -> Result<Vec<Royalty>, registry::Error> {
        records::check_inputs(&self.call(Contract::Registry), client, datasets, parent)
    }

    fn register_model(&mut self, model: RegisterModel) -> Result<(), registry::Error> {
        records::register_model(&mut self.call(Contract::Registry), model).map(drop)
    }

    fn emit(&mut self, _event: market::Event) {}
}

impl RegistryHost for View<'_> {
    type Other = NoOther;

    fn other(&self, _address: Address) -> NoOther {
        unreachable!("the registry has no predecessor")
    }

    fn titles_bound_to(&self, _titles: Address) -> Option<Address> {
        match self.ask_titles(Call::Registry)? {
            Answer::Address(registry) => Some(registry),
            _ => None,
        }
    }

    fn title_owner(&self, _titles: Address, model: &Hash) -> Option<Address> {
        match self.ask_titles(Call::OwnerOf { token: *model })? {
            Answer::Address(owner) => Some(owner),
            _ => None,
        }
    }

    fn issue_title(&mut self, _titles: Address, model: &Hash, to: Address) -> bool {
        self.ask_titles(Call::Mint { to, token: *model }).is_some()
    }

    fn emit(&mut self, _event: registry::Event) {}
}

impl TitlesHost for View<'_> {
    fn titles_of(&self, _registry: Address) -> Option<Address> {
        Some(reads::titles(&self.call(Contract::Registry)))
    }

    fn model(&self, _registry: Address, id: &Hash) -> Option<ModelRecord> {
        reads::model(&self.call(Contract::Registry), *id)
    }

    fn predecessor(&self, _registry: Address) -> Option<Predecessor> {
        None
    }

    fn is_imported(&self, _registry: Address, _id: &Hash) -> bool {
        false
    }

    fn receives(&mut self, _receiver: Address, _call: &Call) -> bool {
        true
    }

    fn emit(&mut self, _event: titles::Event) {}
}

/// Another registry, of which there is none.
pub enum NoOther {}

impl OtherRegistry for NoOther {
    fn titles(&self) -> Address {
        match *self {}
    }
    fn knows(&self, _node: &Node) -> bool {
        match *self {}
    }
    fn export_dataset(&self, _id: &Hash) -> Option<DatasetExport> {
        match *self {}
    }
    fn export_model(&self, _id: &Hash) -> Option<ModelExport> {
        match *self {}
    }
    fn grant(&self, _dataset: &Hash, _account: &Address) -> Option<Grant> {
        match *self {}
    }
    fn terms(&self, _hash: &Hash) -> Option<DatasetTerms> {
        match *self {}
    }
    fn owner_of(&self, _model: &Hash) -> Option<Address> {
        match *self {}
    }
}
