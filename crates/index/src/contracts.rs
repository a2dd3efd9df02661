//! The contracts' records, read from the chain in the shape that the index keeps.

use crate::error::IndexError;
use assay_client::{Block, Chain, Deployment, Error, Market, Registry, Titles, all_pages};
use assay_export::{
    BlockInfo, ChainInfo, Dataset, Entry, Import, Job, JobParts, Model, Node, Payment, Record, Standing, Statement,
};
use assay_protocol::{
    Address, Hash,
    hash::Native,
    market::{MAX_PAGE as MARKET_PAGE, MAX_STANDINGS_PAGE, Role},
    registry::{self, MAX_PAGE},
};
use futures_util::{StreamExt, TryStreamExt, stream};

/// The contracts of a deployment, as of the newest finalised block or of one that
/// is pinned.
#[derive(Clone, Debug)]
pub struct Contracts {
    /// The chain.
    pub chain: Chain,
    /// Where the contracts are.
    pub deployment: Deployment,
    /// The market.
    pub market: Market,
    /// The registry.
    pub registry: Registry,
    /// The titles of models.
    pub titles: Titles,
}

impl Contracts {
    /// The contracts of a deployment that was verified.
    pub fn new(chain: &Chain, deployment: &Deployment) -> Self {
        Self {
            chain: chain.clone(),
            deployment: deployment.clone(),
            market: deployment.market(chain),
            registry: deployment.registry(chain),
            titles: deployment.titles(chain),
        }
    }

    /// The same as of one block.
    pub fn at(&self, block: Block) -> Self {
        Self::new(&self.chain.pinned(block), &self.deployment)
    }

    /// A block with its chain time.
    ///
    /// # Errors
    /// If the node does not have the block's state.
    pub async fn block_info(&self, block: Block) -> Result<BlockInfo, Error> {
        let time = self.chain.time_at(block.hash).await?;
        Ok(BlockInfo { number: block.number, hash: block.hash, time })
    }

    /// Where these records come from, if they are as of `block`.
    pub fn info(&self, block: BlockInfo) -> ChainInfo {
        ChainInfo {
            network: self.chain.name().to_owned(),
            genesis: self.chain.genesis(),
            registry: self.registry.address(),
            market: self.market.address(),
            titles: self.titles.address(),
            symbol: self.chain.unit().symbol.clone(),
            block,
        }
    }

    async fn imported(&self, node: &registry::Node) -> Result<Option<Import>, Error> {
        Ok(self.registry.imported(node).await?.map(Import::from))
    }

    /// A dataset.
    ///
    /// # Errors
    /// If the chain cannot be asked.
    pub async fn dataset(&self, id: Hash) -> Result<Option<Dataset>, Error> {
        let node = registry::Node::Dataset(id);
        let Some(record) = self.registry.dataset(id).await? else { return Ok(None) };
        let (locations, imported) = (self.registry.locations(&node).await?, self.imported(&node).await?);
        Ok(Some(Dataset {
            id,
            owner: record.owner,
            name: record.name,
            bytes: record.bytes,
            terms: record.terms.hash(&Native),
            licence: record.terms.licence,
            licence_text: record.terms.licence_text,
            open: record.terms.open,
            price: record.terms.price.map(assay_export::Amount),
            access_seconds: record.terms.access_seconds,
            royalty_bp: record.terms.royalty_bp,
            registered_at: record.registered_at,
            block: record.block,
            withdrawn_at: record.withdrawn_at,
            locations,
            imported,
        }))
    }

    /// A model.
    ///
    /// # Errors
    /// If the chain cannot be asked.
    pub async fn model(&self, id: Hash) -> Result<Option<Model>, Error> {
        let node = registry::Node::Model(id);
        let Some(record) = self.registry.model(id).await? else { return Ok(None) };
        let (locations, imported) = (self.registry.locations(&node).await?, self.imported(&node).await?);
        Ok(Some(Model {
            id,
            owner: self.titles.owner_of(id).await?,
            first_owner: record.first_owner,
            name: record.name,
            licence: record.licence,
            program: record.program,
            final_state: record.final_state,
            artefact: record.artefact,
            market: record.market,
            job: record.job,
            operator: record.operator,
            segments: record.segments,
            segments_drawn: record.segments_drawn,
            segments_checked: record.segments_checked,
            royalty_bp: record.royalty_bp,
            registered_at: record.registered_at,
            block: record.block,
            locations,
            imported,
        }))
    }

    /// A job of this market.
    ///
    /// # Errors
    /// If the chain cannot be asked.
    pub async fn job(&self, id: u64) -> Result<Option<Job>, Error> {
        let market = &self.market;
        let (view, slots, seats, demands, contributions) = tokio::try_join!(
            market.job(id),
            market.slots(id),
            market.seats(id),
            market.demands(id),
            market.contributions(id)
        )?;
        let (Some(view), Some(contributions)) = (view, contributions) else { return Ok(None) };
        Ok(Some(JobParts { market: market.address(), view, slots, seats, demands, contributions }.into()))
    }

    /// All that a job has paid, in the order of the market's list.
    ///
    /// # Errors
    /// If the chain cannot be asked.
    pub async fn payments(&self, job: u64) -> Result<Vec<Payment>, Error> {
        let paid = all_pages(|offset| self.market.payments(job, offset, MARKET_PAGE)).await?;
        Ok((0u32..).zip(&paid).map(|(number, paid)| Payment::new(job, number, paid)).collect())
    }

    /// An account's standing in a role, if it ever staked.
    ///
    /// # Errors
    /// If the chain cannot be asked.
    pub async fn standing(&self, role: Role, account: Address) -> Result<Option<Standing>, Error> {
        let Some(standing) = self.market.standing(role, account).await? else { return Ok(None) };
        let offer = match role {
            Role::Operator => self.market.offer(account).await?,
            Role::Verifier => None,
        };
        Ok(Some(Standing::new(role, account, standing, offer)))
    }

    /// Accounts that ever staked in a role, oldest first.
    ///
    /// # Errors
    /// If the chain cannot be asked.
    pub async fn stakers(&self, role: Role) -> Result<Vec<Address>, Error> {
        let all = all_pages(|offset| async move {
            match role {
                Role::Operator => self.market.operators(offset, MAX_STANDINGS_PAGE).await,
                Role::Verifier => self.market.verifiers(offset, MAX_STANDINGS_PAGE).await,
            }
        });
        Ok(all.await?.into_iter().map(|(account, _)| account).collect())
    }

    /// Statement `number` of a node.
    ///
    /// # Errors
    /// If the chain cannot be asked.
    pub async fn statement(&self, node: Node, number: u32) -> Result<Option<Statement>, Error> {
        let page = self.registry.statements(&node.into(), number, 1).await?;
        Ok(page.items.into_iter().next().map(|statement| Statement::new(node, number, statement)))
    }

    /// What a node was made from, in the registry's order.
    ///
    /// # Errors
    /// If the chain cannot be asked.
    pub async fn made_from(&self, node: Node) -> Result<Vec<Node>, Error> {
        let node = registry::Node::from(node);
        let all = all_pages(|offset| self.registry.made_from(&node, offset, MAX_PAGE)).await?;
        Ok(all.into_iter().map(Node::from).collect())
    }
}

/// Nodes that are read from the chain at the same time.
const AT_ONCE: usize = 16;

impl Contracts {
    async fn entry(&self, node: Node) -> Result<Entry, IndexError> {
        let record = match node {
            Node::Dataset { id } => self.dataset(id).await?.map(Record::Dataset),
            Node::Model { id } => self.model(id).await?.map(Record::Model),
            Node::Job { market, job } if market == self.market.address() => self.job(job).await?.map(Record::Job),
            Node::Job { .. } => None,
        };
        Ok(Entry { node, record })
    }

    async fn neighbours_of(&self, node: Node, into: bool, most: usize) -> Result<(Vec<Node>, bool), IndexError> {
        let (node, mut found) = (registry::Node::from(node), vec![]);
        loop {
            let offset = u32::try_from(found.len()).unwrap_or(u32::MAX);
            let page = match into {
                true => self.registry.made_into(&node, offset, MAX_PAGE).await?,
                false => self.registry.made_from(&node, offset, MAX_PAGE).await?,
            };
            let end = page.items.is_empty() || found.len() + page.items.len() >= page.total as usize;
            found.extend(page.items.into_iter().map(Node::from));
            if end || found.len() > most {
                let more = !end || found.len() > most;
                found.truncate(most);
                return Ok((found, more));
            }
        }
    }
}

impl crate::lineage::Source for Contracts {
    async fn entries(&self, nodes: &[Node]) -> Result<Vec<Entry>, IndexError> {
        stream::iter(nodes.to_vec()).map(|node| self.entry(node)).buffered(AT_ONCE).try_collect().await
    }

    async fn neighbours(&self, nodes: &[Node], into: bool, most: usize) -> Result<Vec<(Vec<Node>, bool)>, IndexError> {
        let each = stream::iter(nodes.to_vec()).map(|node| self.neighbours_of(node, into, most));
        each.buffered(AT_ONCE).try_collect().await
    }
}
