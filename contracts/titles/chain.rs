//! The titles' world: the chain, the registry, receivers and events.

use assay_ink_host::InkHost;
use assay_protocol::{
    Address, Hash, delegate_host,
    registry::{Import, KIND, ModelRecord, Node, Predecessor, VERSION},
    titles::{Answer, Call, Event, INTERFACE_ERC721_RECEIVER},
};
use assay_titles::TitlesHost;
use ink::{
    prelude::string::String,
    scale::{Decode, Encode},
    selector_bytes,
};

/// [`InkHost`] with what the titles ask of other contracts.
#[derive(Default)]
pub struct TitlesChain {
    /// The chain.
    pub host: InkHost,
}

delegate_host!(TitlesChain, host);

impl TitlesChain {
    /// Asks the bound registry.
    ///
    /// # Panics
    /// If it does not answer; the message stops. It said what it is when it was
    /// bound, and contracts cannot change.
    fn registry<T: Decode>(&self, at: Address, selector: [u8; 4], arguments: impl Encode) -> T {
        self.host.ask_ink(&at, selector, arguments).expect("the bound registry answers")
    }
}

impl TitlesHost for TitlesChain {
    fn titles_of(&self, at: Address) -> Option<Address> {
        let kind: String = self.host.ask_ink(&at, selector_bytes!("kind"), ()).ok()?;
        let version: u32 = self.host.ask_ink(&at, selector_bytes!("version"), ()).ok()?;
        if kind != KIND || version != VERSION {
            return None;
        }
        self.host.ask_ink(&at, selector_bytes!("titles"), ()).ok()
    }

    fn model(&self, at: Address, id: &Hash) -> Option<ModelRecord> {
        self.registry(at, selector_bytes!("model"), (id,))
    }

    fn predecessor(&self, at: Address) -> Option<Predecessor> {
        self.registry(at, selector_bytes!("predecessor"), ())
    }

    fn is_imported(&self, at: Address, id: &Hash) -> bool {
        let import: Option<Import> = self.registry(at, selector_bytes!("imported"), (Node::Model(*id),));
        import.is_some()
    }

    fn receives(&mut self, receiver: Address, call: &Call) -> bool {
        if !self.host.is_contract(&receiver) {
            return true;
        }
        let expected = Answer::Bytes4(INTERFACE_ERC721_RECEIVER).encode();
        self.host.call(&receiver, &call.encode()).is_ok_and(|answer| answer == expected)
    }

    fn emit(&mut self, event: Event) {
        let (topics, data) = event.encode();
        self.host.emit(&topics, &data);
    }
}
