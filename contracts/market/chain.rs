//! The market's world: the chain, the registry and the events.

use crate::events::emit;
use assay_ink_host::InkHost;
use assay_market::MarketHost;
use assay_protocol::{
    Address, Hash,
    hash::Sha256,
    host::Host,
    market::Event,
    registry::{self, RegisterModel, Royalty},
};
use ink::{env::call::FromAddr, prelude::vec::Vec};
use registry_contract::RegistryRef;

/// [`InkHost`] with the registry at an address.
pub struct MarketChain {
    host: InkHost,
    registry: ink::Address,
}

impl MarketChain {
    /// The chain, with the registry at `registry`.
    pub fn new(registry: ink::Address) -> Self {
        Self { host: InkHost, registry }
    }

    /// Whether the contract there says that it is a registry of this version.
    ///
    /// # Panics
    /// If it gives no such answers, or no contract is there.
    pub fn is_registry(&self) -> bool {
        let contract = self.registry();
        contract.kind() == registry::KIND && contract.version() == registry::VERSION
    }

    fn registry(&self) -> RegistryRef {
        RegistryRef::from_addr(self.registry)
    }
}

/// A call that traps in the registry stops the market's message, and nothing is kept.
impl MarketHost for MarketChain {
    fn check_inputs(
        &self,
        client: Address,
        datasets: &[Hash],
        parent: Option<Hash>,
    ) -> Result<Vec<Royalty>, registry::Error> {
        self.registry().check_inputs(client, datasets.to_vec(), parent)
    }

    fn register_model(&mut self, model: RegisterModel) -> Result<(), registry::Error> {
        self.registry().register_model(model).map(|_| ())
    }

    fn emit(&mut self, event: Event) {
        emit(event);
    }
}

impl Sha256 for MarketChain {
    fn sha256(&self, bytes: &[u8]) -> Hash {
        self.host.sha256(bytes)
    }
}

impl Host for MarketChain {
    fn caller(&self) -> Address {
        self.host.caller()
    }
    fn value(&self) -> u128 {
        self.host.value()
    }
    fn now(&self) -> u64 {
        self.host.now()
    }
    fn block_number(&self) -> u32 {
        self.host.block_number()
    }
    fn block_hash(&self, number: u32) -> Option<Hash> {
        self.host.block_hash(number)
    }
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.host.get(key)
    }
    fn set(&mut self, key: &[u8], value: &[u8]) {
        self.host.set(key, value);
    }
    fn remove(&mut self, key: &[u8]) {
        self.host.remove(key);
    }
}
