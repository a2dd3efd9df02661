//! The market's world: the chain, the registry and the events.

use crate::events::emit;
use assay_ink_host::InkHost;
use assay_market::MarketHost;
use assay_protocol::{
    Address, Hash, delegate_host,
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

delegate_host!(MarketChain, host);
