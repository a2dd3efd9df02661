//! The registry's world: the chain, the titles, the predecessor and events.

use crate::events::emit;
use assay_ink_host::InkHost;
use assay_protocol::{
    Address, Hash, delegate_host,
    registry::{self, DatasetExport, DatasetTerms, Event, Grant, ModelExport, Node},
    titles::{self, Call, abi::Reader},
};
use assay_registry::{OtherRegistry, RegistryHost};
use ink::{
    prelude::{string::String, vec::Vec},
    scale::{Decode, Encode},
    selector_bytes,
};

/// [`InkHost`] with what the registry asks of other contracts.
#[derive(Default)]
pub struct RegistryChain {
    /// The chain.
    pub host: InkHost,
}

delegate_host!(RegistryChain, host);

impl RegistryChain {
    /// Whether the contract there says that it holds titles, in this version.
    pub fn is_titles(&self, at: &Address) -> bool {
        let kind = self.ask(at, Call::Kind).and_then(|answer| Reader::new(&answer).text());
        let version = self.ask(at, Call::Version).and_then(|answer| Reader::new(&answer).number());
        kind.as_deref() == Some(titles::KIND) && version == Some(titles::VERSION.into())
    }

    /// Whether the contract there says that it is a registry of this version.
    pub fn is_registry(&self, at: Address) -> bool {
        let kind = self.host.ask_ink::<String>(&at, selector_bytes!("kind"), ());
        let version = self.host.ask_ink::<u32>(&at, selector_bytes!("version"), ());
        kind.is_ok_and(|kind| kind == registry::KIND) && version == Ok(registry::VERSION)
    }

    fn ask(&self, titles: &Address, call: Call) -> Option<Vec<u8>> {
        self.host.ask(titles, &call.encode()).ok()
    }
}

impl RegistryHost for RegistryChain {
    type Other = Other;

    fn other(&self, address: Address) -> Other {
        Other { host: self.host, at: address }
    }

    fn titles_bound_to(&self, titles: Address) -> Option<Address> {
        Reader::new(&self.ask(&titles, Call::Registry)?).address()
    }

    fn title_owner(&self, titles: Address, model: &Hash) -> Option<Address> {
        Reader::new(&self.ask(&titles, Call::OwnerOf { token: *model })?).address()
    }

    fn issue_title(&mut self, titles: Address, model: &Hash, to: Address) -> bool {
        self.host.call(&titles, &Call::Mint { to, token: *model }.encode()).is_ok()
    }

    fn emit(&mut self, event: Event) {
        emit(event);
    }
}

/// A registry at another address. (The type that ink! makes for calling this
/// contract is not there when the contract itself is built.)
pub struct Other {
    host: InkHost,
    at: Address,
}

impl Other {
    /// # Panics
    /// If it gives no answer; the message stops, and nothing is kept.
    fn ask<T: Decode>(&self, selector: [u8; 4], arguments: impl Encode) -> T {
        self.host.ask_ink(&self.at, selector, arguments).expect("a registry answers")
    }
}

impl OtherRegistry for Other {
    fn titles(&self) -> Address {
        self.ask(selector_bytes!("titles"), ())
    }
    fn knows(&self, node: &Node) -> bool {
        self.ask(selector_bytes!("knows"), (node,))
    }
    fn export_dataset(&self, id: &Hash) -> Option<DatasetExport> {
        self.ask(selector_bytes!("export_dataset"), (id,))
    }
    fn export_model(&self, id: &Hash) -> Option<ModelExport> {
        self.ask(selector_bytes!("export_model"), (id,))
    }
    fn grant(&self, dataset: &Hash, account: &Address) -> Option<Grant> {
        self.ask(selector_bytes!("grant"), (dataset, account))
    }
    fn terms(&self, hash: &Hash) -> Option<DatasetTerms> {
        self.ask(selector_bytes!("terms"), (hash,))
    }
    fn owner_of(&self, model: &Hash) -> Option<Address> {
        self.ask(selector_bytes!("owner_of"), (model,))
    }
}
