//! A chain in memory with registries, titles and accounts, on which the real
//! logic of both contracts runs: calls between them included, refused messages
//! reverted, re-entry refused.
#![allow(dead_code, reason = "every test binary uses a part of it")]

pub mod chain;

use assay_protocol::{
    Address, Hash,
    commitment::model_id,
    hash::Native,
    registry::{DatasetTerms, Error, NamedParent, RegisterDataset, RegisterModel, Royalty, StatementKind},
    titles::{Answer, Call, Error as TitlesError},
};
use assay_registry::{access, import, owners, reads, records, statements};
pub use chain::{Chain, Frame};

pub const ADMIN: Address = Address([0xad; 20]);
pub const MARKET: Address = Address([0x3a; 20]);
pub const ALICE: Address = Address([0xa1; 20]);
pub const BOB: Address = Address([0xb0; 20]);
pub const CAROL: Address = Address([0xca; 20]);
pub const OPERATOR: Address = Address([0x09; 20]);
pub const REGISTRY: Address = Address([0xe1; 20]);
pub const TITLES: Address = Address([0xf1; 20]);
/// A second registry, that carries on the first.
pub const REGISTRY_2: Address = Address([0xe2; 20]);
pub const TITLES_2: Address = Address([0xf2; 20]);
pub const MARKET_2: Address = Address([0x3b; 20]);

pub fn hash(byte: u8) -> Hash {
    Hash([byte; 32])
}

/// An open dataset.
pub fn digits(id: Hash, parents: &[Hash]) -> RegisterDataset {
    RegisterDataset {
        id,
        name: "digits".into(),
        bytes: 1797,
        terms: DatasetTerms::open("CC-BY-4.0"),
        locations: vec!["https://example.org/digits".into()],
        parents: parents.iter().map(|dataset| NamedParent { dataset: *dataset, most_bp: 10_000 }).collect(),
    }
}

/// Terms of a dataset that is sold for `price`, for an hour.
pub fn for_sale(price: u128, royalty_bp: u16) -> DatasetTerms {
    DatasetTerms {
        open: false,
        price: Some(price),
        access_seconds: 3600,
        royalty_bp,
        ..DatasetTerms::open("CC-BY-4.0")
    }
}

/// A model of Alice's.
pub fn classifier(datasets: &[Hash], parent: Option<Hash>, job: u64) -> RegisterModel {
    RegisterModel {
        owner: ALICE,
        name: "classifier".into(),
        licence: "Apache-2.0".into(),
        royalty_bp: 0,
        program: hash(0xa0),
        final_state: Hash([job as u8; 32]),
        artefact: hash(0xa1),
        datasets: datasets.to_vec(),
        parent,
        job,
        operator: OPERATOR,
        segments: 20,
        segments_drawn: 5,
        segments_checked: 4,
    }
}

pub fn classifier_id(job: u64) -> Hash {
    model_id(&Native, &ALICE, &hash(0xa0), &Hash([job as u8; 32]))
}

/// A registry with its titles and its market, bound.
pub fn bound() -> Chain {
    let chain = Chain::default();
    chain.deploy(TITLES, REGISTRY, None);
    chain.bind(TITLES, REGISTRY, MARKET);
    chain
}

/// The same with a successor beside it, bound to a market of its own.
pub fn succeeded() -> Chain {
    let chain = bound();
    chain.deploy(TITLES_2, REGISTRY_2, Some(REGISTRY));
    chain.bind(TITLES_2, REGISTRY_2, MARKET_2);
    chain
}

/// A registry at an address, as accounts send it messages.
#[derive(Clone)]
pub struct Registry<'a> {
    pub chain: &'a Chain,
    pub at: Address,
}

impl Chain {
    /// Deploys titles at `titles` and a registry at `registry`.
    pub fn deploy(&self, titles: Address, registry: Address, predecessor: Option<Address>) {
        self.run(ADMIN, titles, assay_titles::init);
        self.run(ADMIN, registry, |frame| assay_registry::init(frame, titles, predecessor));
    }

    /// Binds them to each other and to a market.
    pub fn bind(&self, titles: Address, registry: Address, market: Address) {
        assert_eq!(self.titles(ADMIN, titles, Call::BindRegistry { registry }), Ok(Answer::Done));
        assert_eq!(Registry { chain: self, at: registry }.bind_market(ADMIN, market), Ok(()));
    }

    pub fn registry(&self) -> Registry<'_> {
        Registry { chain: self, at: REGISTRY }
    }

    pub fn successor(&self) -> Registry<'_> {
        Registry { chain: self, at: REGISTRY_2 }
    }

    /// Sends `call` to titles.
    pub fn titles(&self, by: Address, at: Address, call: Call) -> Result<Answer, TitlesError> {
        self.send(by, at, 0, |frame| assay_titles::handle(frame, call))
    }

    pub fn title(&self, at: Address, token: Hash) -> Option<Address> {
        match self.titles(BOB, at, Call::OwnerOf { token }) {
            Ok(Answer::Address(owner)) => Some(owner),
            _ => None,
        }
    }
}

impl Registry<'_> {
    pub fn send<T>(
        &self,
        by: Address,
        value: u128,
        message: impl FnOnce(&mut Frame) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.chain.send(by, self.at, value, message)
    }

    /// What `read` gives at this registry.
    pub fn read<T>(&self, read: impl FnOnce(&Frame) -> T) -> T {
        read(&self.chain.frame(self.at, BOB, 0))
    }

    pub fn bind_market(&self, by: Address, market: Address) -> Result<(), Error> {
        self.send(by, 0, |frame| records::bind_market(frame, market))
    }

    pub fn register(&self, by: Address, args: RegisterDataset) -> Result<(), Error> {
        self.send(by, 0, |frame| records::register_dataset(frame, args))
    }

    /// Sends the model as its market.
    pub fn register_model(&self, args: RegisterModel) -> Result<Hash, Error> {
        let market = if self.at == REGISTRY { MARKET } else { MARKET_2 };
        self.send(market, 0, |frame| records::register_model(frame, args))
    }

    pub fn check(&self, client: Address, datasets: &[Hash], parent: Option<Hash>) -> Result<Vec<Royalty>, Error> {
        self.read(|frame| records::check_inputs(frame, client, datasets, parent))
    }

    pub fn set_terms(&self, by: Address, id: Hash, terms: DatasetTerms) -> Result<(), Error> {
        self.send(by, 0, |frame| owners::set_terms(frame, id, terms))
    }

    pub fn grant(&self, by: Address, id: Hash, account: Address, until: u64, terms: Hash) -> Result<(), Error> {
        self.send(by, 0, |frame| access::grant_access(frame, id, account, until, terms))
    }

    pub fn buy(&self, by: Address, id: Hash, terms: Hash, value: u128) -> Result<(), Error> {
        self.send(by, value, |frame| access::buy_access(frame, id, terms))
    }

    /// Buys at the terms as they are.
    pub fn buy_as_is(&self, by: Address, id: Hash) -> Result<(), Error> {
        let terms = self.read(|frame| reads::dataset(frame, id)).ok_or(Error::UnknownDataset(id))?.terms;
        self.buy(by, id, terms.hash(&Native), terms.price.unwrap_or(0))
    }

    /// Withdraws, and the contract sends.
    pub fn withdraw(&self, by: Address) -> Result<u128, Error> {
        let at = self.at;
        self.send(by, 0, |frame| {
            let amount = access::withdraw(frame)?;
            frame.chain.pay(at, by, amount);
            Ok(amount)
        })
    }

    pub fn say(&self, by: Address, node: assay_protocol::registry::Node, text: &str) -> Result<(), Error> {
        self.send(by, 0, |frame| statements::add_statement(frame, node, StatementKind::Note, text.into(), None))
    }

    pub fn import_dataset(&self, id: Hash) -> Result<(), Error> {
        self.send(CAROL, 0, |frame| import::import_dataset(frame, id))
    }

    pub fn import_model(&self, id: Hash) -> Result<(), Error> {
        self.send(CAROL, 0, |frame| import::import_model(frame, id))
    }

    pub fn import_grant(&self, id: Hash, account: Address) -> Result<(), Error> {
        self.send(CAROL, 0, |frame| import::import_grant(frame, id, account))
    }

    pub fn owner_of(&self, model: Hash) -> Option<Address> {
        self.read(|frame| reads::owner_of(frame, model))
    }

    pub fn credit(&self, account: Address) -> u128 {
        self.read(|frame| reads::credit(frame, account))
    }

    /// A message that must fail with `error`. (The chain reverts what it did.)
    #[track_caller]
    pub fn refused<T: std::fmt::Debug + PartialEq>(
        &self,
        by: Address,
        error: Error,
        message: impl FnOnce(&mut Frame) -> Result<T, Error>,
    ) {
        assert_eq!(self.send(by, 0, message), Err(error));
    }
}
