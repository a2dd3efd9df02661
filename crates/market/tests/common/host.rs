//! A host whose refused messages leave no trace, as on a chain.

use assay_market::MarketHost;
use assay_protocol::commitment::model_id;
use assay_protocol::hash::Native;
use assay_protocol::host::{Host, MemoryHost};
use assay_protocol::market::Event;
use assay_protocol::registry::{Error, RegisterModel, Royalty};
use assay_protocol::{Address, Hash, delegate_host, registry};
use std::collections::BTreeSet;

/// [`MemoryHost`], a registry, and what happened.
#[derive(Default)]
pub struct TestHost {
    pub memory: MemoryHost,
    pub events: Vec<Event>,
    pub datasets: BTreeSet<Hash>,
    /// Datasets that only their owner may use.
    pub closed: BTreeSet<Hash>,
    /// What every job owes to the owners of its inputs.
    pub royalties: Vec<Royalty>,
    pub models: Vec<RegisterModel>,
    /// What the registry answers instead of registering.
    pub refuse: Option<Error>,
    journal: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    before: (usize, usize),
}

impl TestHost {
    /// A message begins.
    pub fn begin(&mut self) {
        self.journal.clear();
        self.before = (self.events.len(), self.models.len());
    }

    /// The message failed.
    pub fn revert(&mut self) {
        for (key, value) in std::mem::take(&mut self.journal).into_iter().rev() {
            match value {
                Some(value) => self.memory.storage.insert(key, value),
                None => self.memory.storage.remove(&key),
            };
        }
        self.events.truncate(self.before.0);
        self.models.truncate(self.before.1);
    }

    fn remember(&mut self, key: &[u8]) {
        self.journal.push((key.to_vec(), self.memory.get(key)));
    }

    /// The events of the last message.
    pub fn last_events(&self) -> &[Event] {
        &self.events[self.before.0..]
    }
}

delegate_host!(TestHost, memory, remember);

impl MarketHost for TestHost {
    fn check_inputs(&self, _: Address, datasets: &[Hash], parent: Option<Hash>) -> Result<Vec<Royalty>, Error> {
        if datasets.is_empty() {
            return Err(Error::NoDataset);
        }
        if datasets.len() > registry::MAX_DATASETS {
            return Err(Error::TooManyDatasets);
        }
        if let Some(unknown) = datasets.iter().find(|id| !self.datasets.contains(id)) {
            return Err(Error::UnknownDataset(*unknown));
        }
        if let Some(closed) = datasets.iter().find(|id| self.closed.contains(id)) {
            return Err(Error::NoGrant(*closed));
        }
        match parent {
            Some(parent) if !self.models.iter().any(|model| id(model) == parent) => Err(Error::UnknownModel(parent)),
            _ => Ok(self.royalties.clone()),
        }
    }

    fn register_model(&mut self, model: RegisterModel) -> Result<(), Error> {
        if let Some(error) = &self.refuse {
            return Err(error.clone());
        }
        if self.models.iter().any(|known| id(known) == id(&model)) {
            return Err(Error::AlreadyRegistered);
        }
        self.models.push(model);
        Ok(())
    }

    fn emit(&mut self, event: Event) {
        self.events.push(event);
    }
}

fn id(model: &RegisterModel) -> Hash {
    model_id(&Native, &model.owner, &model.program, &model.final_state)
}
