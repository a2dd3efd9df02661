//! Two registries and their titles on one chain: the second carries on the first.

use crate::chain::Chain;
use assay_protocol::Address;
use assay_protocol::hash::{Hash, Sha256};
use assay_protocol::host::Host;
use assay_protocol::registry::{self, DatasetExport, DatasetTerms, Grant, ModelExport, ModelRecord, Node, Predecessor};
use assay_protocol::titles::{self, Answer, Call};
use assay_registry::{OtherRegistry, RegistryHost, import, reads};
use assay_titles::TitlesHost;
use std::cell::RefCell;
use std::rc::Rc;

/// The old registry and the new one.
pub const REGISTRIES: [Address; 2] = [Address([0xa0; 20]), Address([0xa1; 20])];
/// Their titles.
pub const TITLES: [Address; 2] = [Address([0xb0; 20]), Address([0xb1; 20])];
/// A contract that takes tokens, and one that gives a wrong answer.
pub const RECEIVER: Address = Address([0xe0; 20]);
/// See [`RECEIVER`].
pub const HOSTILE: Address = Address([0xe1; 20]);

/// Storage of all contracts, and those that run now.
#[derive(Clone, Debug, Default)]
pub struct Nest {
    /// Storage and clock.
    pub chain: Chain,
    running: Vec<Address>,
}

/// A contract that runs a message.
#[derive(Clone)]
pub struct Frame {
    /// The chain.
    pub nest: Rc<RefCell<Nest>>,
    this: Address,
    caller: Address,
    value: u128,
}

impl Frame {
    /// The contract at `this`, called by nobody: for reading.
    pub fn read(nest: &Rc<RefCell<Nest>>, this: Address) -> Self {
        Frame { nest: nest.clone(), this, caller: Address::default(), value: 0 }
    }

    /// Runs a message; takes it back if it is refused.
    ///
    /// # Errors
    /// The message's.
    pub fn send<T, E>(
        nest: &Rc<RefCell<Nest>>,
        (caller, this, value): (Address, Address, u128),
        message: impl FnOnce(&mut Frame) -> Result<T, E>,
    ) -> Result<T, E> {
        let mark = {
            let mut nest = nest.borrow_mut();
            if nest.running.is_empty() {
                nest.chain.begin(caller, value);
            }
            nest.running.push(this);
            nest.chain.mark()
        };
        let result = message(&mut Frame { nest: nest.clone(), this, caller, value });
        let mut nest = nest.borrow_mut();
        nest.running.pop();
        if result.is_err() {
            nest.chain.revert_to(mark);
        }
        result
    }

    /// A call to another contract; `None` if it is refused, or runs already.
    fn call<T, E>(&self, to: Address, message: impl FnOnce(&mut Frame) -> Result<T, E>) -> Option<T> {
        if self.nest.borrow().running.contains(&to) {
            return None;
        }
        Frame::send(&self.nest, (self.this, to, 0), message).ok()
    }

    fn ask_titles(&self, titles: Address, call: Call) -> Option<Answer> {
        self.call(titles, |frame| assay_titles::handle(frame, call))
    }

    fn key(&self, key: &[u8]) -> Vec<u8> {
        [&self.this.0, key].concat()
    }
}

impl Sha256 for Frame {
    fn sha256(&self, bytes: &[u8]) -> Hash {
        assay_protocol::hash::Native.sha256(bytes)
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
        self.nest.borrow().chain.now
    }
    fn block_number(&self) -> u32 {
        self.nest.borrow().chain.block
    }
    fn block_hash(&self, number: u32) -> Option<Hash> {
        self.nest.borrow().chain.block_hash(number)
    }
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.nest.borrow().chain.get(&self.key(key))
    }
    fn set(&mut self, key: &[u8], value: &[u8]) {
        let key = self.key(key);
        self.nest.borrow_mut().chain.set(&key, value);
    }
    fn remove(&mut self, key: &[u8]) {
        let key = self.key(key);
        self.nest.borrow_mut().chain.remove(&key);
    }
}

impl RegistryHost for Frame {
    type Other = Other;

    fn other(&self, address: Address) -> Other {
        Other { by: self.clone(), at: address }
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
    fn emit(&mut self, _: registry::Event) {}
}

impl TitlesHost for Frame {
    fn titles_of(&self, registry: Address) -> Option<Address> {
        REGISTRIES.contains(&registry).then(|| RegistryHost::other(self, registry).titles())
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
        if TITLES.contains(&receiver) {
            return self.ask_titles(receiver, call.clone()) == Some(Answer::Bytes4(titles::INTERFACE_ERC721_RECEIVER));
        }
        receiver != HOSTILE && !REGISTRIES.contains(&receiver)
    }
    fn emit(&mut self, _: titles::Event) {}
}

/// A registry that another contract asks.
pub struct Other {
    by: Frame,
    at: Address,
}

impl Other {
    fn ask<T>(&self, read: impl FnOnce(&Frame) -> T) -> T {
        self.by.call(self.at, |frame| Ok::<_, ()>(read(frame))).expect("no contract calls back")
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
