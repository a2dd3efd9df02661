//! The registry contract, message by message.

use crate::{
    chain::Chain,
    contract::Call,
    error::{CallError, Error},
    events,
    submit::{ContractEvent, Receipt},
};
use assay_protocol::{
    Address, Hash,
    registry::{self, DatasetRecord, ModelRecord, Node, Page, RegisterDataset},
};

/// A refusal of the registry, or what else went wrong.
pub type RegistryError = CallError<registry::Error>;

/// The registry contract at an address.
#[derive(Clone, Debug)]
pub struct Registry {
    chain: Chain,
    address: Address,
}

impl Registry {
    /// The registry at `address`. Asks nothing; see
    /// [`Deployment::verify`](crate::Deployment::verify).
    pub fn at(chain: &Chain, address: Address) -> Self {
        Self { chain: chain.clone(), address }
    }

    /// Where the contract is.
    pub fn address(&self) -> Address {
        self.address
    }

    fn call<T: parity_scale_codec::Decode>(
        &self,
        label: &'static str,
        arguments: impl parity_scale_codec::Encode,
    ) -> Call<T, registry::Error> {
        Call::new(&self.chain, self.address, label, arguments)
    }

    async fn read<T: parity_scale_codec::Decode>(
        &self,
        label: &'static str,
        arguments: impl parity_scale_codec::Encode,
    ) -> Result<T, Error> {
        self.chain.read(self.address, label, arguments).await
    }

    // Messages that change something.

    /// Binds the market that may register models, once and for good. Only the deployer.
    pub fn bind_market(&self, market: Address) -> Call<(), registry::Error> {
        self.call("bind_market", (market,))
    }

    /// Puts a dataset on record; who sends it becomes the owner.
    pub fn register_dataset(&self, dataset: &RegisterDataset) -> Call<(), registry::Error> {
        self.call("register_dataset", (dataset,))
    }

    /// Replaces the locations of a dataset or a model. Only its owner.
    pub fn set_locations(&self, node: &Node, locations: &[String]) -> Call<(), registry::Error> {
        self.call("set_locations", (node, locations))
    }

    /// Gives a dataset a new owner. Only its owner.
    pub fn transfer_dataset(&self, dataset: Hash, to: Address) -> Call<(), registry::Error> {
        self.call("transfer_dataset", (dataset, to))
    }

    /// Gives a model a new owner. Only its owner.
    pub fn transfer_model(&self, model: Hash, to: Address) -> Call<(), registry::Error> {
        self.call("transfer_model", (model, to))
    }

    // Messages that only answer; none needs an account.

    /// Whether a model may be made from these datasets and this parent model.
    ///
    /// # Errors
    /// [`CallError::Refused`] with the reason if it may not.
    pub async fn check_inputs(&self, datasets: &[Hash], parent: Option<Hash>) -> Result<(), RegistryError> {
        self.call("check_inputs", (datasets, parent)).ask().await
    }

    /// The record of a dataset.
    pub async fn dataset(&self, id: Hash) -> Result<Option<DatasetRecord>, Error> {
        self.read("dataset", (id,)).await
    }

    /// The record of a model.
    pub async fn model(&self, id: Hash) -> Result<Option<ModelRecord>, Error> {
        self.read("model", (id,)).await
    }

    /// Where a dataset or a model can be fetched, best first.
    pub async fn locations(&self, node: &Node) -> Result<Vec<String>, Error> {
        self.read("locations", (node,)).await
    }

    /// What a node was made from, at most 50 a page.
    pub async fn made_from(&self, node: &Node, offset: u32, limit: u32) -> Result<Page<Node>, Error> {
        self.read("made_from", (node, offset, limit)).await
    }

    /// What was made from a node, oldest first, at most 50 a page.
    pub async fn made_into(&self, node: &Node, offset: u32, limit: u32) -> Result<Page<Node>, Error> {
        self.read("made_into", (node, offset, limit)).await
    }

    /// Ids of the datasets on record, oldest first, at most 50 a page.
    pub async fn datasets(&self, offset: u32, limit: u32) -> Result<Page<Hash>, Error> {
        self.read("datasets", (offset, limit)).await
    }

    /// Ids of the models on record, oldest first, at most 50 a page.
    pub async fn models(&self, offset: u32, limit: u32) -> Result<Page<Hash>, Error> {
        self.read("models", (offset, limit)).await
    }

    /// Who deployed the registry.
    pub async fn admin(&self) -> Result<Address, Error> {
        self.read("admin", ()).await
    }

    /// The market that may register models, once bound.
    pub async fn market(&self) -> Result<Option<Address>, Error> {
        self.read("market", ()).await
    }

    /// What the contract says it is: [`registry::KIND`].
    pub async fn kind(&self) -> Result<String, Error> {
        self.read("kind", ()).await
    }

    /// Version of the contract's messages, records and events.
    pub async fn version(&self) -> Result<u32, Error> {
        self.read("version", ()).await
    }

    // Events.

    /// This registry's events in a receipt, in order.
    ///
    /// # Errors
    /// If an event's fields cannot be read.
    pub fn events(&self, receipt: &Receipt) -> Result<Vec<registry::Event>, Error> {
        receipt.events.iter().filter_map(|event| self.event(event).transpose()).collect()
    }

    /// The event; `None` if another contract emitted it, or this one in a later
    /// version that has more kinds of events.
    ///
    /// # Errors
    /// If the event's fields cannot be read.
    pub fn event(&self, event: &ContractEvent) -> Result<Option<registry::Event>, Error> {
        if event.contract != self.address {
            return Ok(None);
        }
        events::decode(event, EVENTS)
    }
}

/// The events' signatures in the order of [`registry::Event`], with the types
/// as the contract's source names them.
pub(crate) const EVENTS: &[&str] = &[
    "MarketBound(Account)",
    "DatasetRegistered(Digest,Account)",
    "ModelRegistered(Digest,Account,u64,Account)",
    "LocationsChanged(Node,u8)",
    "Transferred(Node,Account,Account)",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::tests::assert_matches_bundle;

    #[test]
    fn messages_and_events_are_those_of_the_committed_contract() {
        // Models are registered by the market, never by a person.
        assert_matches_bundle("registry", include_str!("registry.rs"), EVENTS, &["register_model"]);
    }
}
