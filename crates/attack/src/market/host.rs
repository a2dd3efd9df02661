//! The market's chain: [`Chain`] with a registry that can be told what to answer.

use crate::chain::Chain;
use assay_market::MarketHost;
use assay_protocol::commitment::model_id;
use assay_protocol::hash::Native;
use assay_protocol::market::Event;
use assay_protocol::registry::{self, Error, Node, RegisterModel, Royalty};
use assay_protocol::{Address, Hash, delegate_host};

/// A registry of inputs and models, and what it answers.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    /// Datasets, owners, and shares of the payment.
    pub datasets: Vec<(Hash, Address, u16)>,
    /// Registered models, in order, with the royalty of each.
    pub models: Vec<(Hash, Address, u16)>,
    /// What it answers instead of registering.
    pub refuse: Option<Error>,
}

impl Registry {
    /// The answer to `check_inputs`.
    ///
    /// # Errors
    /// As the registry's own.
    pub fn inputs(&self, datasets: &[Hash], parent: Option<Hash>) -> Result<Vec<Royalty>, Error> {
        if datasets.is_empty() {
            return Err(Error::NoDataset);
        }
        if datasets.len() > registry::MAX_DATASETS {
            return Err(Error::TooManyDatasets);
        }
        let mut royalties = Vec::new();
        for id in datasets {
            let known = self.datasets.iter().find(|known| known.0 == *id).ok_or(Error::UnknownDataset(*id))?;
            royalties.push(Royalty { node: Node::Dataset(*id), to: known.1, share_bp: known.2 });
        }
        if let Some(id) = parent {
            let known = self.models.iter().find(|known| known.0 == id).ok_or(Error::UnknownModel(id))?;
            royalties.push(Royalty { node: Node::Model(id), to: known.1, share_bp: known.2 });
        }
        royalties.retain(|royalty| royalty.share_bp > 0);
        Ok(royalties)
    }

    /// The answer to `register_model`.
    ///
    /// # Errors
    /// [`Registry::refuse`], or that it is registered.
    pub fn register(&mut self, model: &RegisterModel) -> Result<(), Error> {
        if let Some(error) = &self.refuse {
            return Err(error.clone());
        }
        let id = model_id(&Native, &model.owner, &model.program, &model.final_state);
        if self.models.iter().any(|known| known.0 == id) {
            return Err(Error::AlreadyRegistered);
        }
        self.models.push((id, model.owner, model.royalty_bp));
        Ok(())
    }
}

/// What the market runs on.
#[derive(Clone, Debug, Default)]
pub struct MarketChain {
    /// Storage and clock.
    pub chain: Chain,
    /// The registry.
    pub registry: Registry,
    /// Events of the message that runs.
    pub events: Vec<Event>,
    models_before: usize,
}

impl MarketChain {
    /// A message begins.
    pub fn begin(&mut self, caller: Address, value: u128) {
        self.chain.begin(caller, value);
        self.events.clear();
        self.models_before = self.registry.models.len();
    }

    /// The message was refused.
    pub fn revert(&mut self) {
        self.chain.revert();
        self.events.clear();
        self.registry.models.truncate(self.models_before);
    }
}

delegate_host!(MarketChain, chain);

impl MarketHost for MarketChain {
    fn check_inputs(&self, _: Address, datasets: &[Hash], parent: Option<Hash>) -> Result<Vec<Royalty>, Error> {
        self.registry.inputs(datasets, parent)
    }

    fn register_model(&mut self, model: RegisterModel) -> Result<(), Error> {
        self.registry.register(&model)
    }

    fn emit(&mut self, event: Event) {
        self.events.push(event);
    }
}
