//! `registry`: what a registry is, and carrying records on from its predecessor.

use crate::cli::{Answer, Global};
use crate::names::no_model;
use crate::show;
use crate::signing::{self, Signing};
use anyhow::{Context, bail};
use assay_client::{Call, Registry as Contract, Titles, all_pages};
use assay_protocol::registry::{self, FOR_EVER, MAX_PAGE, Node, Predecessor};
use assay_protocol::{Address, Hash};
use assay_shell::options::Deployed;
use clap::{Args, Subcommand};
use serde_json::json;
use std::collections::HashSet;

/// The registry itself.
#[derive(Debug, Subcommand)]
pub enum Registry {
    /// Show the registry: its contracts, its predecessor, how many records it has
    Show,
    /// Copy records from the predecessor, with all that they were made from (anybody)
    Import(Import),
    /// Exchange a model's title of the predecessor for one here (its owner)
    ClaimTitle {
        /// The model's id
        model: Hash,
    },
}

/// Copy records from the predecessor.
#[derive(Args, Debug)]
pub struct Import {
    /// Ids of datasets and models
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    ids: Vec<Hash>,
    /// All datasets and models that the predecessor has
    #[arg(long)]
    all: bool,
    /// The datasets' grants that still hold as well
    #[arg(long)]
    grants: bool,
}

impl Registry {
    /// The command's name below `registry`.
    pub fn name(&self) -> &'static str {
        match self {
            Registry::Show => "show",
            Registry::Import(_) => "import",
            Registry::ClaimTitle { .. } => "claim-title",
        }
    }

    /// Does it.
    pub async fn run(self, global: &Global) -> anyhow::Result<Answer> {
        match self {
            Registry::Show => show_it(global).await,
            Registry::Import(command) => command.run(global).await,
            Registry::ClaimTitle { model } => claim_title(global, model).await,
        }
    }
}

async fn show_it(global: &Global) -> anyhow::Result<Answer> {
    let deployed = global.connect().await?;
    let contract = &deployed.registry;
    let (predecessor, admin, datasets, models) =
        tokio::try_join!(contract.predecessor(), contract.admin(), contract.datasets(0, 1), contract.models(0, 1))?;
    let rules = deployed.market.rules().await?;
    let mut lines = vec![
        ("registry", contract.address().to_string()),
        ("titles", deployed.titles.address().to_string()),
        ("market", deployed.market.address().to_string()),
        ("deployer", admin.to_string()),
        ("records", format!("{}, {}", show::count(datasets.total, "dataset"), show::count(models.total, "model"))),
        ("windows", format!("of jobs: {} at most", show::duration(rules.longest_window.into()))),
        ("unbonding", format!("stake that is taken back waits {}", show::duration(rules.unbonding.into()))),
    ];
    lines.extend(predecessor.map(|old| ("carries on", format!("{} with titles {}", old.registry, old.titles))));
    let data = json!({
        "registry": contract.address(), "titles": deployed.titles.address(), "market": deployed.market.address(),
        "admin": admin, "datasets": datasets.total, "models": models.total, "predecessor": predecessor,
        "rules": rules,
    });
    Answer::new(data, show::fields(lines))
}

async fn predecessor(deployed: &Deployed) -> anyhow::Result<Predecessor> {
    deployed.registry.predecessor().await?.context("this registry has no predecessor: there is nothing to import from")
}

/// What is to be copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Item {
    Dataset(Hash),
    Model(Hash),
    Grant(Hash, Address),
}

impl Item {
    fn what(&self) -> String {
        match self {
            Item::Dataset(id) => format!("import dataset {id}"),
            Item::Model(id) => format!("import model {id}"),
            Item::Grant(dataset, account) => format!("import the grant of {account} to dataset {dataset}"),
        }
    }

    fn call(&self, registry: &Contract) -> Call<(), registry::Error> {
        match self {
            Item::Dataset(id) => registry.import_dataset(*id),
            Item::Model(id) => registry.import_model(*id),
            Item::Grant(dataset, account) => registry.import_grant(*dataset, *account),
        }
    }
}

/// Puts what is to be copied into an order in which all that a record was made
/// from comes before it.
struct Order<'a> {
    old: &'a Contract,
    new: &'a Contract,
    seen: HashSet<Item>,
    items: Vec<Item>,
}

impl Order<'_> {
    /// Adds a record and what it was made from, unless it is here already.
    async fn add(&mut self, item: Item) -> anyhow::Result<()> {
        // Two visits of each: its inputs go on top of it, and it is taken after them.
        let mut stack = vec![(item, false)];
        while let Some((item, inputs_are_in)) = stack.pop() {
            if inputs_are_in {
                self.items.push(item);
                continue;
            }
            if !self.seen.insert(item) || self.is_here(item).await? {
                continue;
            }
            let node = match item {
                Item::Dataset(id) => Node::Dataset(id),
                Item::Model(id) => Node::Model(id),
                Item::Grant(..) => continue,
            };
            stack.push((item, true));
            for input in all_pages(|offset| self.old.made_from(&node, offset, MAX_PAGE)).await? {
                match input {
                    Node::Dataset(id) => stack.push((Item::Dataset(id), false)),
                    Node::Model(id) => stack.push((Item::Model(id), false)),
                    Node::Job { .. } => {}
                }
            }
        }
        Ok(())
    }

    async fn is_here(&self, item: Item) -> anyhow::Result<bool> {
        Ok(match item {
            Item::Dataset(id) => self.new.dataset(id).await?.is_some(),
            Item::Model(id) => self.new.model(id).await?.is_some(),
            Item::Grant(dataset, account) => self.new.grant(dataset, account).await?.is_some(),
        })
    }

    /// Adds the grants of a dataset that still hold.
    async fn add_grants(&mut self, dataset: Hash, now: u64) -> anyhow::Result<()> {
        for (account, grant) in all_pages(|offset| self.old.grants(dataset, offset, MAX_PAGE)).await? {
            let item = Item::Grant(dataset, account);
            if (grant.until == FOR_EVER || grant.holds(now)) && !self.is_here(item).await? {
                self.items.push(item);
            }
        }
        Ok(())
    }
}

impl Import {
    async fn run(self, global: &Global) -> anyhow::Result<Answer> {
        let deployed = global.connect().await?;
        let old = Contract::at(&deployed.chain, predecessor(&deployed).await?.registry);
        let wanted = self.wanted(&old).await?;
        let mut order = Order { old: &old, new: &deployed.registry, seen: HashSet::new(), items: vec![] };
        for item in &wanted {
            order.add(*item).await?;
        }
        if self.grants {
            let now = deployed.chain.now().await?;
            let datasets: HashSet<Hash> = wanted.iter().filter_map(dataset_of).collect();
            for dataset in datasets {
                order.add_grants(dataset, now).await?;
            }
        }
        let items = order.items;
        let data = json!({ "from": old.address(), "imported": items.iter().map(Item::what).collect::<Vec<_>>() });
        let Some((first, rest)) = items.split_first() else {
            return Answer::new(data, "all of it is on record here already");
        };
        let mut signing = Signing::new(global, &deployed.chain).await?;
        let call = first.call(&deployed.registry);
        let run = signing.plan(first.what(), &call).await?;
        if !rest.is_empty() {
            let what = format!("import {} more", show::count(rest.len() as u64, "record"));
            signing.plan_later(what, None, "about as much each; known when what each was made from is there");
        }
        if !signing.confirm().await? {
            return signing.tried(data);
        }
        signing.send(&first.what(), &call, &run).await?;
        for item in rest {
            signing.send_now(&item.what(), &item.call(&deployed.registry)).await?;
        }
        signing.done(data, format!("{} imported", show::count(items.len() as u64, "record")))
    }

    /// The records that were named, as datasets or models of the predecessor.
    async fn wanted(&self, old: &Contract) -> anyhow::Result<Vec<Item>> {
        if self.all {
            let datasets = all_pages(|offset| old.datasets(offset, MAX_PAGE)).await?;
            let models = all_pages(|offset| old.models(offset, MAX_PAGE)).await?;
            return Ok(datasets.into_iter().map(Item::Dataset).chain(models.into_iter().map(Item::Model)).collect());
        }
        let mut wanted = vec![];
        for id in &self.ids {
            wanted.push(match old.dataset(*id).await? {
                Some(_) => Item::Dataset(*id),
                None if old.model(*id).await?.is_some() => Item::Model(*id),
                None => bail!("the predecessor {} has no dataset or model {id}; check the id", old.address()),
            });
        }
        Ok(wanted)
    }
}

fn dataset_of(item: &Item) -> Option<Hash> {
    match item {
        Item::Dataset(id) => Some(*id),
        _ => None,
    }
}

async fn claim_title(global: &Global, model: Hash) -> anyhow::Result<Answer> {
    let deployed = global.connect().await?;
    let old = Titles::at(&deployed.chain, predecessor(&deployed).await?.titles);
    deployed.registry.model(model).await?.with_context(|| {
        format!("{}; if the predecessor has it, `assay registry import {model}` comes first", no_model(&model))
    })?;
    let here = deployed.titles.address();
    let owner =
        old.owner_of(model).await?.with_context(|| format!("{} has no title of model {model}", old.address()))?;
    if owner == here {
        bail!("the title of model {model} was exchanged already; `assay model title {model}` shows its owner");
    }
    let call = old.safe_transfer_from(owner, here, model);
    let what = format!("exchange the old title of model {model} for one here, for good");
    let data = json!({ "model": model, "owner": owner, "from": old.address(), "titles": here });
    let text = format!("{owner} has the title of model {model} here now");
    signing::one(global, &deployed.chain, &what, &call, |()| data, |()| text).await
}
