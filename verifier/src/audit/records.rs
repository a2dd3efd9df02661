//! What the chain says about a model, read once.

use anyhow::{Context, bail};
use assay_client::{Market, all_pages};
use assay_protocol::market::{JobView, Role, Slot};
use assay_protocol::registry::{DatasetRecord, MAX_PAGE, ModelRecord, Node};
use assay_protocol::{Address, Hash};
use assay_shell::options::Deployed;

/// A dataset of a job.
#[derive(Clone, Debug)]
pub struct DatasetRecords {
    /// Its id.
    pub id: Hash,
    /// Its record, if it is registered.
    pub record: Option<DatasetRecord>,
    /// Where it is served.
    pub locations: Vec<String>,
}

/// All records that an audit judges by.
#[derive(Clone, Debug)]
pub struct Records {
    /// The model's id.
    pub model: Hash,
    /// Its record.
    pub record: ModelRecord,
    /// Servers that its owner says have the model's file.
    pub locations: Vec<String>,
    /// What the registry says that it was made from.
    pub made_from: Vec<Node>,
    /// The one market that the registry takes models from.
    pub bound_market: Option<Address>,
    /// The job that the record names.
    pub job: Option<JobView>,
    /// The job's encoded specification.
    pub spec: Option<Vec<u8>>,
    /// The job's drawn segments.
    pub slots: Vec<Slot>,
    /// The job's datasets.
    pub datasets: Vec<DatasetRecords>,
    /// Where the operator serves checkpoints.
    pub endpoint: Option<String>,
}

impl Records {
    /// Reads all records of a model. Needs no account.
    ///
    /// # Errors
    /// If there is no such model, or the chain cannot be asked.
    pub async fn read(deployed: &Deployed, model: Hash) -> anyhow::Result<Self> {
        let registry = &deployed.registry;
        let Some(record) = registry.model(model).await? else {
            bail!(
                "no model {model} is registered at {}; check the id and the deployment, or list models with `assay model list`",
                registry.address()
            );
        };
        let locations = registry.locations(&Node::Model(model)).await?;
        let bound_market = registry.market().await?;
        let node = Node::Model(model);
        let made_from = all_pages(|offset| registry.made_from(&node, offset, MAX_PAGE)).await?;
        let market = Market::at(&deployed.chain, record.market);
        let job = market.job(record.job).await.with_context(|| format!("cannot read job {}", record.job))?;
        let (mut spec, mut slots, mut datasets) = (None, vec![], vec![]);
        if let Some(job) = &job {
            spec = market.spec(job.id).await?;
            slots = market.slots(job.id).await?;
            for id in &job.datasets {
                let record = registry.dataset(*id).await?;
                let locations = registry.locations(&Node::Dataset(*id)).await?;
                datasets.push(DatasetRecords { id: *id, record, locations });
            }
        }
        let standing = market.standing(Role::Operator, record.operator).await?;
        let endpoint = standing.map(|standing| standing.endpoint).filter(|endpoint| !endpoint.is_empty());
        Ok(Self { model, record, locations, made_from, bound_market, job, spec, slots, datasets, endpoint })
    }
}
