//! Contracts' storage, calls and money.

use assay_protocol::{
    Address, Hash,
    hash::{Native, Sha256},
    host::{Host, MemoryHost},
    registry::{self, DatasetExport, DatasetTerms, Grant, ModelExport, ModelRecord, Node, Predecessor},
    titles::{self, Answer, Call},
};
use assay_registry::{OtherRegistry, RegistryHost, import, reads};
use assay_titles::TitlesHost;
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    rc::Rc,
};

/// What is stored, and who has how much. A refused message is taken back.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct World {
    contracts: BTreeMap<Address, BTreeMap<Vec<u8>, Vec<u8>>>,
    /// What contracts hold, and what accounts got, less what they sent; modulo 2^128.
    pub balances: BTreeMap<Address, i128>,
    pub now: u64,
    pub block: u32,
    /// Events of registries and titles, oldest first.
    pub events: Vec<registry::Event>,
    pub title_events: Vec<titles::Event>,
    /// Contracts that are running; they cannot be called.
    running: Vec<Address>,
    /// Contracts that are no registry or titles and answer each call with these bytes.
    pub others: BTreeMap<Address, Vec<u8>>,
    /// Contracts that were asked something.
    pub asked: BTreeSet<Address>,
}

/// The chain.
#[derive(Clone, Debug)]
pub struct Chain(pub Rc<RefCell<World>>);

impl Default for Chain {
    fn default() -> Self {
        Self(Rc::new(RefCell::new(World { now: 1_700_000_000, block: 7, ..World::default() })))
    }
}

/// A contract that runs a message.
#[derive(Clone)]
pub struct Frame {
    pub chain: Chain,
    pub this: Address,
    caller: Address,
    value: u128,
}

impl Chain {
    pub fn frame(&self, this: Address, caller: Address, value: u128) -> Frame {
        Frame { chain: self.clone(), this, caller, value }
    }

    /// Runs a message of `by` to the contract at `to`; takes it back if it is refused.
    pub fn send<T, E>(
        &self,
        by: Address,
        to: Address,
        value: u128,
        message: impl FnOnce(&mut Frame) -> Result<T, E>,
    ) -> Result<T, E> {
        let before = self.0.borrow().clone();
        self.pay(by, to, value);
        self.0.borrow_mut().running.push(to);
        let result = message(&mut self.frame(to, by, value));
        let mut world = self.0.borrow_mut();
        match result {
            Ok(_) => drop(world.running.pop()),
            Err(_) => *world = before,
        }
        result
    }

    /// Runs a message that is never refused.
    pub fn run<T>(&self, by: Address, to: Address, message: impl FnOnce(&mut Frame) -> T) -> T {
        self.send(by, to, 0, |frame| Ok::<_, Infallible>(message(frame))).unwrap_or_else(|never| match never {})
    }

    /// A call from one contract to another; `None` if it is refused or may not be.
    fn call<T, E>(&self, by: Address, to: Address, message: impl FnOnce(&mut Frame) -> Result<T, E>) -> Option<T> {
        if self.0.borrow().running.contains(&to) {
            return None;
        }
        self.0.borrow_mut().asked.insert(to);
        self.send(by, to, 0, message).ok()
    }

    pub fn pay(&self, from: Address, to: Address, amount: u128) {
        let mut world = self.0.borrow_mut();
        for (account, change) in [(from, amount.wrapping_neg()), (to, amount)] {
            let balance = world.balances.entry(account).or_default();
            *balance = balance.wrapping_add(change as i128);
        }
    }

    pub fn balance(&self, account: Address) -> i128 {
        self.0.borrow().balances.get(&account).copied().unwrap_or(0)
    }

    pub fn set_now(&self, now: u64) {
        self.0.borrow_mut().now = now;
    }

    pub fn now(&self) -> u64 {
        self.0.borrow().now
    }

    pub fn last_event(&self) -> Option<registry::Event> {
        self.0.borrow().events.last().cloned()
    }

    /// Stored values, to see what is left behind.
    pub fn stored(&self, contract: Address) -> usize {
        self.0.borrow().contracts.get(&contract).map_or(0, BTreeMap::len)
    }
}

impl Sha256 for Frame {
    fn sha256(&self, bytes: &[u8]) -> Hash {
        Native.sha256(bytes)
    }
}

impl Host for Frame {
    fn address(&self) -> Address {
        self.this
    }
    fn caller(&self) -> Address {
        self.caller
    }
    fn value(&self) -> u128 {
        self.value
    }
    fn now(&self) -> u64 {
        self.chain.0.borrow().now
    }
    fn block_number(&self) -> u32 {
        self.chain.0.borrow().block
    }
    fn block_hash(&self, _: u32) -> Option<Hash> {
        None
    }
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.chain.0.borrow().contracts.get(&self.this)?.get(key).cloned()
    }
    fn set(&mut self, key: &[u8], value: &[u8]) {
        // Through the memory host, which knows how much a value may hold.
        let mut checked = MemoryHost::default();
        checked.set(key, value);
        self.chain.0.borrow_mut().contracts.entry(self.this).or_default().extend(checked.storage);
    }
    fn remove(&mut self, key: &[u8]) {
        if let Some(storage) = self.chain.0.borrow_mut().contracts.get_mut(&self.this) {
            storage.remove(key);
        }
    }
}

impl Frame {
    fn ask_titles(&self, titles: Address, call: Call) -> Option<Answer> {
        self.chain.call(self.this, titles, |frame| assay_titles::handle(frame, call))
    }
}

impl RegistryHost for Frame {
    type Other = Other;

    fn other(&self, address: Address) -> Other {
        Other { by: self.this, at: address, chain: self.chain.clone() }
    }
    fn titles_bound_to(&self, titles: Address) -> Option<Address> {
        match self.ask_titles(titles, Call::Registry) {
            Some(Answer::Address(registry)) => Some(registry),
            _ => None,
        }
    }
    fn title_owner(&self, titles: Address, model: &Hash) -> Option<Address> {
        match self.ask_titles(titles, Call::OwnerOf { token: *model }) {
            Some(Answer::Address(owner)) => Some(owner),
            _ => None,
        }
    }
    fn issue_title(&mut self, titles: Address, model: &Hash, to: Address) -> bool {
        self.ask_titles(titles, Call::Mint { to, token: *model }).is_some()
    }
    fn emit(&mut self, event: registry::Event) {
        self.chain.0.borrow_mut().events.push(event);
    }
}

impl TitlesHost for Frame {
    fn titles_of(&self, registry: Address) -> Option<Address> {
        // Where no registry is, nothing is stored.
        (self.chain.stored(registry) > 0).then(|| RegistryHost::other(self, registry).titles())
    }
    fn model(&self, registry: Address, id: &Hash) -> Option<ModelRecord> {
        RegistryHost::other(self, registry).ask(|frame| reads::model(frame, *id))
    }
    fn predecessor(&self, registry: Address) -> Option<Predecessor> {
        RegistryHost::other(self, registry).ask(reads::predecessor)
    }
    fn is_imported(&self, registry: Address, id: &Hash) -> bool {
        RegistryHost::other(self, registry).ask(|frame| reads::imported(frame, Node::Model(*id))).is_some()
    }
    fn receives(&mut self, receiver: Address, call: &Call) -> bool {
        let expected = Answer::Bytes4(titles::INTERFACE_ERC721_RECEIVER);
        let other = self.chain.0.borrow().others.get(&receiver).cloned();
        match other {
            Some(answer) => answer == expected.encode(),
            None if self.chain.stored(receiver) == 0 => true,
            None => self.ask_titles(receiver, call.clone()) == Some(expected),
        }
    }
    fn emit(&mut self, event: titles::Event) {
        self.chain.0.borrow_mut().title_events.push(event);
    }
}

/// A registry that another contract asks.
pub struct Other {
    by: Address,
    at: Address,
    chain: Chain,
}

impl Other {
    /// # Panics
    /// If it is running: on chain the whole message would stop.
    fn ask<T>(&self, read: impl FnOnce(&Frame) -> T) -> T {
        self.chain.call(self.by, self.at, |frame| Ok::<_, Infallible>(read(frame))).expect("no contract calls back")
    }
}

impl OtherRegistry for Other {
    fn titles(&self) -> Address {
        self.ask(reads::titles)
    }
    fn knows(&self, node: &Node) -> bool {
        self.ask(|frame| import::knows(frame, node))
    }
    fn export_dataset(&self, id: &Hash) -> Option<DatasetExport> {
        self.ask(|frame| import::export_dataset(frame, *id))
    }
    fn export_model(&self, id: &Hash) -> Option<ModelExport> {
        self.ask(|frame| import::export_model(frame, *id))
    }
    fn grant(&self, dataset: &Hash, account: &Address) -> Option<Grant> {
        self.ask(|frame| reads::grant(frame, *dataset, *account))
    }
    fn terms(&self, hash: &Hash) -> Option<DatasetTerms> {
        self.ask(|frame| reads::terms(frame, *hash))
    }
    fn owner_of(&self, model: &Hash) -> Option<Address> {
        self.ask(|frame| reads::owner_of(frame, *model))
    }
}
