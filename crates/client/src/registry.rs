//! The registry contract, message by message.

use crate::{
    amount::Amount,
    chain::Chain,
    contract::Call,
    error::{CallError, Error},
    events,
    submit::{ContractEvent, Receipt},
};
use assay_protocol::{
    Address, Hash,
    registry::{
        self, DatasetRecord, DatasetTerms, Grant, Import, ModelRecord, Node, Page, Predecessor, RegisterDataset,
        Royalty, Statement, StatementKind,
    },
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

    /// Replaces the terms on which a dataset may be used from now on; grants that
    /// stand keep theirs. Only its owner.
    pub fn set_terms(&self, dataset: Hash, terms: &DatasetTerms) -> Call<(), registry::Error> {
        self.call("set_terms", (dataset, terms))
    }

    /// Removes a dataset's name and locations for good; no new job may use it.
    /// Only its owner.
    pub fn withdraw_locations(&self, dataset: Hash) -> Call<(), registry::Error> {
        self.call("withdraw_locations", (dataset,))
    }

    /// Sets the share, in basis points, of the payment of later jobs that start
    /// from a model. Only its owner.
    pub fn set_royalty(&self, model: Hash, royalty_bp: u16) -> Call<(), registry::Error> {
        self.call("set_royalty", (model, royalty_bp))
    }

    /// Lets an account use a dataset until a second of chain time, under terms
    /// that are named by their hash. Only its owner.
    pub fn grant_access(&self, dataset: Hash, account: Address, until: u64, terms: Hash) -> Call<(), registry::Error> {
        self.call("grant_access", (dataset, account, until, terms))
    }

    /// Buys access to a dataset for `price`, if its terms have the hash `terms`.
    pub fn buy_access(&self, dataset: Hash, terms: Hash, price: Amount) -> Call<(), registry::Error> {
        self.call("buy_access", (dataset, terms)).value(price)
    }

    /// Sends out all that sales credited to the sender; answers how much.
    pub fn withdraw(&self) -> Call<u128, registry::Error> {
        self.call("withdraw", ())
    }

    /// Says something of a dataset or a model, for good.
    pub fn add_statement(
        &self,
        node: &Node,
        kind: StatementKind,
        text: &str,
        evidence: Option<Hash>,
    ) -> Call<(), registry::Error> {
        self.call("add_statement", (node, kind, text, evidence))
    }

    /// Copies a dataset's record from the predecessor.
    pub fn import_dataset(&self, dataset: Hash) -> Call<(), registry::Error> {
        self.call("import_dataset", (dataset,))
    }

    /// Copies a model's record from the predecessor.
    pub fn import_model(&self, model: Hash) -> Call<(), registry::Error> {
        self.call("import_model", (model,))
    }

    /// Copies an account's grant from the predecessor.
    pub fn import_grant(&self, dataset: Hash, account: Address) -> Call<(), registry::Error> {
        self.call("import_grant", (dataset, account))
    }

    // Messages that only answer; none needs an account.

    /// Whether `client` may have a model made from these datasets and this parent
    /// model, and the royalties that a job then owes to their owners.
    ///
    /// # Errors
    /// [`CallError::Refused`] with the reason if it may not.
    pub async fn check_inputs(
        &self,
        client: Address,
        datasets: &[Hash],
        parent: Option<Hash>,
    ) -> Result<Vec<Royalty>, RegistryError> {
        self.call("check_inputs", (client, datasets, parent)).ask().await
    }

    /// The record of a dataset.
    pub async fn dataset(&self, id: Hash) -> Result<Option<DatasetRecord>, Error> {
        self.read("dataset", (id,)).await
    }

    /// The record of a model.
    pub async fn model(&self, id: Hash) -> Result<Option<ModelRecord>, Error> {
        self.read("model", (id,)).await
    }

    /// Who owns a model's title.
    pub async fn owner_of(&self, model: Hash) -> Result<Option<Address>, Error> {
        self.read("owner_of", (model,)).await
    }

    /// The terms of a dataset, as of now or before, that have this hash.
    pub async fn terms(&self, terms: Hash) -> Result<Option<DatasetTerms>, Error> {
        self.read("terms", (terms,)).await
    }

    /// An account's access to a dataset, be it over or not.
    pub async fn grant(&self, dataset: Hash, account: Address) -> Result<Option<Grant>, Error> {
        self.read("grant", (dataset, account)).await
    }

    /// Who was ever granted access to a dataset, oldest first, at most 50 a page.
    pub async fn grants(&self, dataset: Hash, offset: u32, limit: u32) -> Result<Page<(Address, Grant)>, Error> {
        self.read("grants", (dataset, offset, limit)).await
    }

    /// What was said of a dataset or a model, oldest first, at most 50 a page.
    pub async fn statements(&self, node: &Node, offset: u32, limit: u32) -> Result<Page<Statement>, Error> {
        self.read("statements", (node, offset, limit)).await
    }

    /// What an account said, oldest first, at most 50 a page: of which node, and
    /// the statement's number in that node's list.
    pub async fn statements_by(&self, author: Address, offset: u32, limit: u32) -> Result<Page<(Node, u32)>, Error> {
        self.read("statements_by", (author, offset, limit)).await
    }

    /// What an account can withdraw.
    pub async fn credit(&self, account: Address) -> Result<Amount, Error> {
        self.read("credit", (account,)).await.map(Amount)
    }

    /// Where a record was copied from, if it was.
    pub async fn imported(&self, node: &Node) -> Result<Option<Import>, Error> {
        self.read("imported", (node,)).await
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

    /// The contract that holds the models' titles.
    pub async fn titles(&self) -> Result<Address, Error> {
        self.read("titles", ()).await
    }

    /// The registry that this one carries on, if there is one.
    pub async fn predecessor(&self) -> Result<Option<Predecessor>, Error> {
        self.read("predecessor", ()).await
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
    "DatasetTransferred(Digest,Account,Account)",
    "TermsChanged(Digest,Digest)",
    "RoyaltyChanged(Digest,u16)",
    "DatasetWithdrawn(Digest)",
    "AccessGranted(Digest,Account,u64,Digest,u128)",
    "Credited(Account,Digest,u128)",
    "Withdrawn(Account,u128)",
    "Stated(Node,Account,u32,StatementKind)",
    "Imported(Node)",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::tests::assert_matches_bundle;

    #[test]
    fn messages_and_events_are_those_of_the_committed_contract() {
        // What only other contracts ask: the market registers models, a successor
        // copies records.
        let of_contracts = ["register_model", "export_dataset", "export_model", "knows"];
        assert_matches_bundle("registry", include_str!("registry.rs"), EVENTS, &of_contracts);
    }
}
