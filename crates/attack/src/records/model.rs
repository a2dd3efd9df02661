//! Registries and titles a second time, from their law: what each message needs,
//! and what it changes.

use super::chain::TITLES;
use super::msg::Msg;
use assay_protocol::commitment::model_id;
use assay_protocol::hash::Native;
use assay_protocol::registry::{DatasetTerms, FOR_EVER, Grant, NamedParent, Node};
use assay_protocol::titles::Call;
use assay_protocol::{Address, Hash};
use std::collections::{BTreeMap, BTreeSet};

/// Basis points in a whole.
const WHOLE: u128 = 10_000;
const ZERO: Address = Address([0; 20]);

/// A dataset.
#[derive(Clone, Debug)]
pub struct Data {
    /// Its owner.
    pub owner: Address,
    /// Its name, empty once withdrawn.
    pub name: String,
    /// Its terms.
    pub terms: DatasetTerms,
    /// What it was derived from, with the shares as of then.
    pub parents: Vec<(Hash, u16)>,
    /// Where it is.
    pub locations: Vec<String>,
    /// Since when it is withdrawn.
    pub withdrawn: Option<u64>,
    /// When it was copied here, if it was.
    pub imported: Option<u64>,
}

/// A model.
#[derive(Clone, Debug)]
pub struct Made {
    /// Share of later jobs' payments.
    pub royalty_bp: u16,
    /// What it was made from.
    pub from: Vec<Hash>,
    /// Its parent.
    pub parent: Option<Hash>,
    /// Where it is.
    pub locations: Vec<String>,
    /// Whether it was copied here.
    pub imported: bool,
}

/// A registry.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    /// The bound market.
    pub market: Option<Address>,
    /// Datasets.
    pub data: BTreeMap<Hash, Data>,
    /// Models.
    pub made: BTreeMap<Hash, Made>,
    /// Who has access to what.
    pub grants: BTreeMap<(Hash, Address), Grant>,
    /// How much can be withdrawn.
    pub credits: BTreeMap<Address, u128>,
    /// How many statements there are about a record, and by whom.
    pub said: Vec<(Node, Address, String)>,
    /// All that came in, less all that went out.
    pub held: u128,
}

/// Titles.
#[derive(Clone, Debug, Default)]
pub struct Titles {
    /// Whether they are bound to their registry.
    pub bound: bool,
    /// Who owns which.
    pub owners: BTreeMap<Hash, Address>,
    /// Who else may transfer one.
    pub approved: BTreeMap<Hash, Address>,
    /// Who may transfer all of another's.
    pub operators: BTreeSet<(Address, Address)>,
    /// All tokens, oldest first.
    pub order: Vec<Hash>,
}

/// Everything.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// The old registry and the new one.
    pub registries: [Registry; 2],
    /// Their titles.
    pub titles: [Titles; 2],
    /// Who deployed all of it.
    pub admin: Address,
    /// Chain time.
    pub now: u64,
}

/// `amount * bp / 10,000`, rounded down.
fn part_of(amount: u128, bp: u16) -> u128 {
    let bp = u128::from(bp);
    amount / WHOLE * bp + amount % WHOLE * bp / WHOLE
}

impl Model {
    /// Who owns a model by the registry `at`.
    pub fn owner_of(&self, at: usize, model: &Hash) -> Option<Address> {
        let made = self.registries[at].made.get(model)?;
        let here = self.titles[at].owners.get(model).copied();
        here.or_else(|| if made.imported { self.owner_of(0, model) } else { None })
    }

    /// Whether a registry, or the one it carries on, has a record.
    pub(super) fn knows(&self, at: usize, node: &Node) -> bool {
        let here = match node {
            Node::Dataset(id) => self.registries[at].data.contains_key(id),
            Node::Model(id) => self.registries[at].made.contains_key(id),
            Node::Job { .. } => true,
        };
        here || (at == 1 && self.knows(0, node))
    }

    /// Takes the message. Gives what leaves the contract.
    pub fn happen(&mut self, at: usize, who: Address, value: u128, msg: &Msg) -> u128 {
        let now = self.now;
        let registry = &mut self.registries[at];
        registry.held += value;
        match msg {
            Msg::BindMarket { market } => registry.market = Some(*market),
            Msg::RegisterDataset { args } => {
                let share = |parent: &NamedParent| (parent.dataset, registry.data[&parent.dataset].terms.royalty_bp);
                let data = Data {
                    owner: who,
                    name: args.name.clone(),
                    terms: args.terms.clone(),
                    parents: args.parents.iter().map(share).collect(),
                    locations: args.locations.clone(),
                    withdrawn: None,
                    imported: None,
                };
                registry.data.insert(args.id, data);
            }
            Msg::RegisterModel { args } => {
                let id = model_id(&Native, &args.owner, &args.program, &args.final_state);
                let made = Made {
                    royalty_bp: args.royalty_bp,
                    from: args.datasets.clone(),
                    parent: args.parent,
                    locations: Vec::new(),
                    imported: false,
                };
                registry.made.insert(id, made);
                self.issue(at, args.owner, id);
            }
            Msg::SetTerms { dataset, terms } => self.data(at, dataset).terms = terms.clone(),
            Msg::SetRoyalty { model, royalty_bp } => self.made(at, model).royalty_bp = *royalty_bp,
            Msg::SetLocations { node: Node::Dataset(id), locations } => {
                self.data(at, id).locations.clone_from(locations)
            }
            Msg::SetLocations { node: Node::Model(id), locations } => self.made(at, id).locations.clone_from(locations),
            Msg::SetLocations { .. } => unreachable!("refused"),
            Msg::TransferDataset { dataset, to } => self.data(at, dataset).owner = *to,
            Msg::WithdrawLocations { dataset } => {
                let data = self.data(at, dataset);
                data.locations.clear();
                data.name.clear();
                data.withdrawn = Some(now);
            }
            Msg::GrantAccess { dataset, account, until, terms } => {
                let paid = registry.grants.get(&(*dataset, *account)).map_or(0, |grant| grant.paid);
                registry.grants.insert((*dataset, *account), Grant { until: *until, terms: *terms, paid, at: now });
            }
            Msg::BuyAccess { dataset, terms } => self.buy(at, who, dataset, *terms),
            Msg::Withdraw => {
                let out = registry.credits.remove(&who).unwrap_or(0);
                registry.held -= out;
                return out;
            }
            Msg::AddStatement { node, text } => registry.said.push((*node, who, text.clone())),
            Msg::ImportDataset { dataset } => {
                let old = self.registries[0].data[dataset].clone();
                self.registries[1].data.insert(*dataset, Data { imported: Some(now), ..old });
            }
            Msg::ImportModel { model } => {
                let old = self.registries[0].made[model].clone();
                self.registries[1].made.insert(*model, Made { imported: true, ..old });
            }
            Msg::ImportGrant { dataset, account } => {
                let mut grant = self.registries[0].grants[&(*dataset, *account)];
                let here = self.registries[1].grants.get(&(*dataset, *account));
                grant.paid += here.map_or(0, |here| here.paid);
                self.registries[1].grants.insert((*dataset, *account), grant);
            }
            Msg::Titles(call) => self.transfer(at, who, call),
        }
        0
    }

    fn data(&mut self, at: usize, id: &Hash) -> &mut Data {
        self.registries[at].data.get_mut(id).expect("judged before")
    }

    fn made(&mut self, at: usize, id: &Hash) -> &mut Made {
        self.registries[at].made.get_mut(id).expect("judged before")
    }

    fn buy(&mut self, at: usize, who: Address, id: &Hash, terms: Hash) {
        let now = self.now;
        let registry = &mut self.registries[at];
        let data = &registry.data[id];
        let price = data.terms.price.expect("it is for sale");
        let before = registry.grants.get(&(*id, who));
        let from = before.filter(|grant| now <= grant.until).map_or(now, |grant| grant.until);
        let until = match data.terms.access_seconds {
            0 => FOR_EVER,
            seconds => from.saturating_add(seconds),
        };
        let paid = before.map_or(0, |grant| grant.paid) + price;
        let mut parts: Vec<(Address, u128)> =
            data.parents.iter().map(|(id, bp)| (registry.data[id].owner, part_of(price, *bp))).collect();
        let rest = price - parts.iter().map(|part| part.1).sum::<u128>();
        parts.push((data.owner, rest));
        registry.grants.insert((*id, who), Grant { until, terms, paid, at: now });
        for (owner, amount) in parts.into_iter().filter(|part| part.1 > 0) {
            *registry.credits.entry(owner).or_default() += amount;
        }
    }

    fn issue(&mut self, at: usize, to: Address, token: Hash) {
        self.titles[at].order.push(token);
        self.titles[at].owners.insert(token, to);
    }

    fn transfer(&mut self, at: usize, who: Address, call: &Call) {
        match call {
            Call::TransferFrom { from, to, token }
            | Call::SafeTransferFrom { from, to, token }
            | Call::SafeTransferFromWith { from, to, token, .. } => {
                self.titles[at].approved.remove(token);
                self.titles[at].owners.insert(*token, *to);
                if !matches!(call, Call::TransferFrom { .. }) && TITLES.contains(to) {
                    self.issue(1, *from, *token);
                }
            }
            Call::Approve { to: ZERO, token } => _ = self.titles[at].approved.remove(token),
            Call::Approve { to, token } => _ = self.titles[at].approved.insert(*token, *to),
            Call::SetApprovalForAll { operator, approved } => {
                let pair = (who, *operator);
                _ = if *approved {
                    self.titles[at].operators.insert(pair)
                } else {
                    self.titles[at].operators.remove(&pair)
                };
            }
            Call::OnErc721Received { from, token, .. } => self.issue(at, *from, *token),
            Call::Mint { to, token } => self.issue(at, *to, *token),
            Call::BindRegistry { .. } => self.titles[at].bound = true,
            other => unreachable!("{other:?} changes nothing"),
        }
    }
}
