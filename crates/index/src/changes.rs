//! What a block changed: its events, and the records that they touched, as they
//! stand after it.

use crate::{
    contracts::Contracts,
    describe::{self, Description, Event},
    error::IndexError,
};
use assay_client::{Block, Error, error::ConnectionError};
use assay_export::{BlockInfo, Dataset, Grant, Job, Model, Node, OwnerChange, Payment, Standing, Statement};
use assay_protocol::{Address, Hash, market, market::Role, registry, titles};
use std::collections::BTreeSet;

/// What a block changed.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// The events of the contracts, with the texts of what each is about.
    pub events: Vec<(Event, BTreeSet<String>)>,
    /// Datasets that were touched.
    pub datasets: Vec<Dataset>,
    /// Models that were touched.
    pub models: Vec<Model>,
    /// Jobs that were touched, with all that each has paid.
    pub jobs: Vec<(Job, Vec<Payment>)>,
    /// Standings that were touched.
    pub standings: Vec<Standing>,
    /// Grants that were touched.
    pub grants: Vec<Grant>,
    /// New statements.
    pub statements: Vec<Statement>,
    /// New nodes, with what each was made from.
    pub made_from: Vec<(Node, Vec<Node>)>,
    /// Datasets and titles that got an owner, each with its event's place.
    pub owner_changes: Vec<(u32, OwnerChange)>,
}

impl Changes {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }
}

/// What a block's events touch. In order, so that new records keep theirs.
#[derive(Default)]
struct Touched {
    datasets: Vec<Hash>,
    models: Vec<Hash>,
    jobs: BTreeSet<u64>,
    standings: Vec<(Role, Address)>,
    grants: Vec<(Hash, Address)>,
    statements: BTreeSet<(Node, u32)>,
    new: Vec<Node>,
    owners: Vec<(u32, Node, Option<Address>, Address)>,
}

fn push<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

impl Touched {
    fn node(&mut self, node: &registry::Node) {
        match *node {
            registry::Node::Dataset(id) => push(&mut self.datasets, id),
            registry::Node::Model(id) => push(&mut self.models, id),
            registry::Node::Job { .. } => {}
        }
    }

    fn registry(&mut self, position: u32, event: &registry::Event) {
        use registry::Event as E;
        match event {
            E::DatasetRegistered { dataset, owner } => {
                push(&mut self.datasets, *dataset);
                let node = Node::Dataset { id: *dataset };
                push(&mut self.new, node);
                self.owners.push((position, node, None, *owner));
            }
            E::ModelRegistered { model, job, .. } => {
                push(&mut self.models, *model);
                push(&mut self.new, Node::Model { id: *model });
                self.jobs.insert(*job);
            }
            E::Imported { node } => {
                self.node(node);
                push(&mut self.new, Node::from(*node));
            }
            E::DatasetTransferred { dataset, from, to } => {
                push(&mut self.datasets, *dataset);
                self.owners.push((position, Node::Dataset { id: *dataset }, Some(*from), *to));
            }
            E::LocationsChanged { node, .. } => self.node(node),
            E::TermsChanged { dataset, .. } | E::DatasetWithdrawn { dataset } => push(&mut self.datasets, *dataset),
            E::RoyaltyChanged { model, .. } => push(&mut self.models, *model),
            E::AccessGranted { dataset, account, .. } => push(&mut self.grants, (*dataset, *account)),
            E::Stated { node, number, .. } => {
                self.statements.insert((Node::from(*node), *number));
            }
            E::MarketBound { .. } | E::Credited { .. } | E::Withdrawn { .. } => {}
        }
    }

    fn titles(&mut self, position: u32, event: &titles::Event) {
        if let titles::Event::Transfer { from, to, token } = event {
            push(&mut self.models, *token);
            let from = (*from != Address::default()).then_some(*from);
            self.owners.push((position, Node::Model { id: *token }, from, *to));
        }
    }

    fn market(&mut self, event: &market::Event) {
        use market::Event as E;
        let both = [Role::Operator, Role::Verifier];
        match event {
            E::JobMoved { job, .. }
            | E::SecretRevealed { job, .. }
            | E::ModelRegistered { job, .. }
            | E::ModelRefused { job, .. }
            | E::EndsOpened { job, .. }
            | E::Demanded { job, .. }
            | E::Answered { job, .. } => {
                self.jobs.insert(*job);
            }
            E::Enlisted { job, verifier, .. }
            | E::Released { job, verifier, .. }
            | E::SlotMoved { job, verifier, .. }
            | E::SeatMoved { job, verifier, .. } => {
                self.jobs.insert(*job);
                push(&mut self.standings, (Role::Verifier, *verifier));
            }
            E::Staked { account, role, .. } | E::Unbonding { account, role, .. } => {
                push(&mut self.standings, (*role, *account));
            }
            E::Slashed { account, job, .. } => {
                self.jobs.insert(*job);
                both.iter().for_each(|role| push(&mut self.standings, (*role, *account)));
            }
            E::Credited { account, job, .. } => {
                self.jobs.extend(job);
                both.iter().for_each(|role| push(&mut self.standings, (*role, *account)));
            }
            E::OfferChanged { operator, .. } => push(&mut self.standings, (Role::Operator, *operator)),
            E::Withdrawn { .. } => {}
        }
    }
}

/// Reads what a block changed, from its own state.
///
/// # Errors
/// [`IndexError::Pruned`] if the node does not have that state any more.
pub async fn read(contracts: &Contracts, block: Block) -> Result<(BlockInfo, Changes), IndexError> {
    let pruned = |error| state_is_gone(error, block);
    let contracts = contracts.at(block);
    let info = contracts.block_info(block).await.map_err(pruned)?;
    let (mut changes, mut touched) = (Changes::default(), Touched::default());
    for (position, event) in (0u32..).zip(contracts.chain.contract_events(block).await.map_err(pruned)?) {
        let description = if let Some(event) = contracts.market.event(&event)? {
            touched.market(&event);
            describe::of_market(contracts.market.address(), &event)
        } else if let Some(event) = contracts.registry.event(&event)? {
            touched.registry(position, &event);
            describe::of_registry(&event)
        } else if let Some(event) = contracts.titles.event(&event)? {
            touched.titles(position, &event);
            describe::of_titles(&event)
        } else {
            continue;
        };
        let Description { contract, event, fields, subjects } = description;
        let (block, time) = (info.number, info.time);
        let event = Event { block, position, time, contract: contract.into(), event: event.into(), fields };
        changes.events.push((event, subjects));
    }
    fill(&contracts, &info, touched, &mut changes).await.map_err(pruned)?;
    Ok((info, changes))
}

/// Reads the records that were touched.
async fn fill(contracts: &Contracts, info: &BlockInfo, touched: Touched, changes: &mut Changes) -> Result<(), Error> {
    let Touched { datasets, models, jobs, mut standings, grants, statements, new, owners } = touched;
    for id in datasets {
        changes.datasets.extend(contracts.dataset(id).await?);
    }
    for id in models {
        // A title may be minted for a model that another registry has.
        changes.models.extend(contracts.model(id).await?);
    }
    for id in jobs {
        let Some(job) = contracts.job(id).await? else { continue };
        if let Some(operator) = job.operator {
            push(&mut standings, (Role::Operator, operator));
        }
        let checkers = job.slots.iter().map(|slot| slot.verifier).chain(job.seats.iter().map(|seat| seat.verifier));
        checkers.for_each(|verifier| push(&mut standings, (Role::Verifier, verifier)));
        changes.jobs.push((job, contracts.payments(id).await?));
    }
    for (role, account) in standings {
        changes.standings.extend(contracts.standing(role, account).await?);
    }
    for (dataset, account) in grants {
        let grant = contracts.registry.grant(dataset, account).await?;
        changes.grants.extend(grant.map(|grant| Grant::new(dataset, account, &grant)));
    }
    for (node, number) in statements {
        changes.statements.extend(contracts.statement(node, number).await?);
    }
    for node in new {
        changes.made_from.push((node, contracts.made_from(node).await?));
    }
    changes.owner_changes = owners
        .into_iter()
        .map(|(position, node, from, to)| {
            (position, OwnerChange { node, from, to, block: info.number, time: info.time })
        })
        .collect();
    Ok(())
}

/// Nodes say in different words that they no longer have a state.
pub(crate) fn state_is_gone(error: Error, block: Block) -> IndexError {
    match error {
        Error::Connection(ConnectionError::Refused { url, message, .. })
            if ["discarded", "pruned"].iter().any(|word| message.contains(word)) =>
        {
            IndexError::Pruned { url, block: block.number, reason: message }
        }
        other => IndexError::Chain(other),
    }
}
