//! Why a registry or titles must refuse a message: all reasons.

use super::chain::{HOSTILE, REGISTRIES, TITLES};
use super::model::Model;
use super::msg::{Msg, Refusal};
use assay_protocol::commitment::model_id;
use assay_protocol::hash::Native;
use assay_protocol::registry::{
    Error, FOR_EVER, MAX_DATASETS, NamedParent, Node, Royalty, check_licence, check_locations, check_name, check_text,
};
use assay_protocol::titles::{self, Call};
use assay_protocol::{Address, Hash};

/// Basis points in a whole.
const WHOLE: u32 = 10_000;
const ZERO: Address = Address([0; 20]);

impl Model {
    /// Reasons to refuse the datasets that something is made from.
    fn due_of_inputs(&self, at: usize, ids: &[Hash], due: &mut Vec<Refusal>) {
        if ids.len() > MAX_DATASETS {
            due.push(Error::TooManyDatasets.into());
        }
        for (place, id) in ids.iter().enumerate() {
            if ids[..place].contains(id) {
                due.push(Error::RepeatedDataset(*id).into());
            }
            if !self.registries[at].data.contains_key(id) {
                due.push(Error::UnknownDataset(*id).into());
            }
        }
    }

    /// What a job of `client` would owe, or all reasons to refuse it.
    pub fn inputs(
        &self,
        at: usize,
        client: Address,
        ids: &[Hash],
        parent: Option<Hash>,
    ) -> Result<Vec<Royalty>, Vec<Refusal>> {
        let (registry, mut due, mut owed) = (&self.registries[at], Vec::new(), Vec::new());
        if ids.is_empty() {
            due.push(Error::NoDataset.into());
        }
        self.due_of_inputs(at, ids, &mut due);
        for id in ids {
            let Some(data) = registry.data.get(id) else { continue };
            if data.withdrawn.is_some() {
                due.push(Error::Withdrawn(*id).into());
            }
            let granted = registry.grants.get(&(*id, client)).is_some_and(|grant| self.now <= grant.until);
            if !data.terms.open && data.owner != client && !granted {
                due.push(Error::NoGrant(*id).into());
            }
            owed.push(Royalty { node: Node::Dataset(*id), to: data.owner, share_bp: data.terms.royalty_bp });
        }
        if let Some(id) = parent {
            match registry.made.get(&id) {
                Some(made) => {
                    let to = self.owner_of(at, &id).expect("a model has an owner");
                    owed.push(Royalty { node: Node::Model(id), to, share_bp: made.royalty_bp });
                }
                None => due.push(Error::UnknownModel(id).into()),
            }
        }
        owed.retain(|royalty| royalty.share_bp > 0);
        if due.is_empty() { Ok(owed) } else { Err(due) }
    }

    fn due_of_data(&self, at: usize, who: Address, id: &Hash, in_use: bool, due: &mut Vec<Refusal>) {
        match self.registries[at].data.get(id) {
            None => due.push(Error::UnknownDataset(*id).into()),
            Some(data) => {
                if data.owner != who {
                    due.push(Error::NotOwner.into());
                }
                if in_use && data.withdrawn.is_some() {
                    due.push(Error::Withdrawn(*id).into());
                }
            }
        }
    }

    fn due_of_model(&self, at: usize, who: Address, id: &Hash, due: &mut Vec<Refusal>) {
        if !self.registries[at].made.contains_key(id) {
            due.push(Error::UnknownModel(*id).into());
        } else if self.owner_of(at, id) != Some(who) {
            due.push(Error::NotOwner.into());
        }
    }

    /// All reasons to refuse the message; none if it must be taken.
    pub fn due(&self, at: usize, who: Address, value: u128, msg: &Msg) -> Vec<Refusal> {
        let (registry, mut due) = (&self.registries[at], Vec::new());
        let mut need = |holds: bool, why: Error| {
            if !holds {
                due.push(Refusal::Registry(why));
            }
        };
        let taken = |here: bool, node: Node| match here {
            true => Some(Error::AlreadyRegistered),
            false => (at == 1 && self.knows(0, &node)).then_some(Error::InPredecessor),
        };
        match msg {
            Msg::BindMarket { market } => {
                need(who == self.admin, Error::NotAdmin);
                need(registry.market.is_none(), Error::MarketAlreadyBound);
                need(*market != ZERO, Error::ZeroAddress);
                need(self.titles[at].bound, Error::TitlesNotBound);
            }
            Msg::RegisterDataset { args } => {
                need(check_name(&args.name).is_ok(), Error::BadName);
                let bad = [args.terms.check().err(), check_locations(&args.locations).err()];
                bad.into_iter().flatten().for_each(|error| need(false, error));
                need(args.bytes > 0, Error::EmptyDataset);
                taken(registry.data.contains_key(&args.id), Node::Dataset(args.id))
                    .into_iter()
                    .for_each(|error| need(false, error));
                let named: Vec<Hash> = args.parents.iter().map(|parent| parent.dataset).collect();
                need(!named.contains(&args.id), Error::SelfParent);
                let asked = |id: &Hash| registry.data.get(id).map_or(0, |data| data.terms.royalty_bp);
                need(named.iter().map(|id| u32::from(asked(id))).sum::<u32>() <= WHOLE, Error::RoyaltiesTooHigh);
                for NamedParent { dataset, most_bp } in args.parents.iter().copied() {
                    let asked_bp = asked(&dataset);
                    need(asked_bp <= most_bp, Error::ShareRaised { dataset, asked_bp, most_bp });
                }
                self.due_of_inputs(at, &named, &mut due);
            }
            Msg::RegisterModel { args } => {
                need(registry.market == Some(who), Error::NotMarket);
                need(check_name(&args.name).is_ok(), Error::BadName);
                need(check_licence(&args.licence).is_ok(), Error::BadLicence);
                need(u32::from(args.royalty_bp) <= WHOLE, Error::BadRoyalty);
                need(args.owner != ZERO, Error::ZeroAddress);
                need(!args.datasets.is_empty(), Error::NoDataset);
                let parent = args.parent.filter(|id| !registry.made.contains_key(id));
                parent.into_iter().for_each(|id| need(false, Error::UnknownModel(id)));
                let id = model_id(&Native, &args.owner, &args.program, &args.final_state);
                taken(registry.made.contains_key(&id), Node::Model(id))
                    .into_iter()
                    .for_each(|error| need(false, error));
                self.due_of_inputs(at, &args.datasets, &mut due);
            }
            Msg::SetTerms { dataset, terms } => {
                terms.check().err().into_iter().for_each(|error| need(false, error));
                self.due_of_data(at, who, dataset, true, &mut due);
            }
            Msg::SetRoyalty { model, royalty_bp } => {
                need(u32::from(*royalty_bp) <= WHOLE, Error::BadRoyalty);
                self.due_of_model(at, who, model, &mut due);
            }
            Msg::SetLocations { node, locations } => {
                check_locations(locations).err().into_iter().for_each(|error| need(false, error));
                match node {
                    Node::Dataset(id) => self.due_of_data(at, who, id, true, &mut due),
                    Node::Model(id) => self.due_of_model(at, who, id, &mut due),
                    Node::Job { .. } => need(false, Error::NotARecord),
                }
            }
            Msg::TransferDataset { dataset, to } => {
                need(*to != ZERO, Error::ZeroAddress);
                self.due_of_data(at, who, dataset, false, &mut due);
            }
            Msg::WithdrawLocations { dataset } => self.due_of_data(at, who, dataset, true, &mut due),
            Msg::GrantAccess { dataset, account, until, terms } => {
                need(*account != ZERO, Error::ZeroAddress);
                need(*until >= self.now, Error::GrantOver { now: self.now });
                if let Some(grant) = registry.grants.get(&(*dataset, *account)) {
                    let worse = grant.terms != *terms || *until < grant.until;
                    need(self.now > grant.until || !worse, Error::GrantStands { until: grant.until });
                }
                self.due_of_data(at, who, dataset, true, &mut due);
            }
            Msg::BuyAccess { dataset, terms } => self.due_of_buy(at, (who, value), dataset, terms, &mut due),
            Msg::Withdraw => need(registry.credits.contains_key(&who), Error::NothingToWithdraw),
            Msg::AddStatement { node, text } => {
                need(check_text(text).is_ok(), Error::BadText);
                match node {
                    Node::Dataset(id) => need(registry.data.contains_key(id), Error::UnknownDataset(*id)),
                    Node::Model(id) => need(registry.made.contains_key(id), Error::UnknownModel(*id)),
                    Node::Job { .. } => need(false, Error::NotARecord),
                }
            }
            Msg::ImportDataset { dataset } => {
                need(at == 1, Error::NoPredecessor);
                need(!registry.data.contains_key(dataset), Error::AlreadyRegistered);
                match self.registries[0].data.get(dataset) {
                    None => need(false, Error::NothingToImport),
                    Some(data) => data.parents.iter().for_each(|(id, _)| {
                        need(registry.data.contains_key(id), Error::ImportFirst(Node::Dataset(*id)));
                    }),
                }
            }
            Msg::ImportModel { model } => {
                need(at == 1, Error::NoPredecessor);
                need(!registry.made.contains_key(model), Error::AlreadyRegistered);
                match self.registries[0].made.get(model) {
                    None => need(false, Error::NothingToImport),
                    Some(made) => {
                        for id in &made.from {
                            need(registry.data.contains_key(id), Error::ImportFirst(Node::Dataset(*id)));
                        }
                        if let Some(id) = made.parent {
                            need(registry.made.contains_key(&id), Error::ImportFirst(Node::Model(id)));
                        }
                    }
                }
            }
            Msg::ImportGrant { dataset, account } => {
                need(at == 1, Error::NoPredecessor);
                match registry.data.get(dataset) {
                    None => need(false, Error::UnknownDataset(*dataset)),
                    Some(data) => {
                        let old = self.registries[0].grants.get(&(*dataset, *account));
                        let old = old.filter(|grant| data.imported.is_some_and(|at| grant.at < at));
                        let here = registry.grants.get(&(*dataset, *account));
                        let better = old.filter(|old| {
                            here.is_none_or(|here| {
                                old.until > here.until && (here.until < self.now || here.terms == old.terms)
                            })
                        });
                        need(better.is_some(), Error::NothingToImport);
                        let sum = here.zip(old).map(|(here, old)| here.paid.checked_add(old.paid));
                        need(sum != Some(None), Error::Overflow);
                    }
                }
            }
            Msg::Titles(call) => self.due_of_titles(at, who, call, &mut due),
        }
        due
    }

    fn due_of_buy(&self, at: usize, (who, value): (Address, u128), id: &Hash, terms: &Hash, due: &mut Vec<Refusal>) {
        let Some(data) = self.registries[at].data.get(id) else {
            return due.push(Error::UnknownDataset(*id).into());
        };
        if data.withdrawn.is_some() {
            due.push(Error::Withdrawn(*id).into());
        }
        let current = data.terms.hash(&Native);
        if *terms != current {
            due.push(Error::TermsDiffer { terms: current }.into());
        }
        let Some(price) = data.terms.price else { return due.push(Error::NotForSale.into()) };
        if value != price {
            due.push(Error::WrongValue { expected: price, sent: value }.into());
        }
        if let Some(grant) = self.registries[at].grants.get(&(*id, who)) {
            if grant.until == FOR_EVER {
                due.push(Error::HasAccess.into());
            }
            if grant.paid.checked_add(price).is_none() {
                due.push(Error::Overflow.into());
            }
        }
    }

    fn due_of_titles(&self, at: usize, who: Address, call: &Call, due: &mut Vec<Refusal>) {
        let here = &self.titles[at];
        match call {
            Call::TransferFrom { from, to, token } => self.due_of_transfer(at, (who, *from, *to), token, due),
            Call::SafeTransferFrom { from, to, token } | Call::SafeTransferFromWith { from, to, token, .. } => {
                self.due_of_transfer(at, (who, *from, *to), token, due);
                let exchanged = match TITLES.iter().position(|titles| titles == to) {
                    Some(other) => {
                        let mut refused = Vec::new();
                        self.due_of_exchange(other, TITLES[at], *from, token, &mut refused);
                        refused.is_empty()
                    }
                    None => *to != HOSTILE && !REGISTRIES.contains(to),
                };
                if !exchanged {
                    due.push(titles::Error::InvalidReceiver(*to).into());
                }
            }
            Call::Approve { token, .. } => match here.owners.get(token) {
                None => due.push(titles::Error::NonexistentToken(*token).into()),
                Some(owner) if *owner != who && !here.operators.contains(&(*owner, who)) => {
                    due.push(titles::Error::InvalidApprover(who).into());
                }
                Some(_) => {}
            },
            Call::SetApprovalForAll { operator: ZERO, .. } => due.push(titles::Error::InvalidOperator(ZERO).into()),
            Call::SetApprovalForAll { .. } => {}
            Call::OnErc721Received { from, token, .. } => self.due_of_exchange(at, who, *from, token, due),
            Call::Mint { to, token } => {
                if !here.bound {
                    due.push(titles::Error::RegistryNotBound.into());
                }
                if who != REGISTRIES[at] {
                    due.push(titles::Error::NotRegistry.into());
                }
                if *to == ZERO {
                    due.push(titles::Error::InvalidReceiver(ZERO).into());
                }
                if here.owners.contains_key(token) {
                    due.push(titles::Error::InvalidSender(ZERO).into());
                }
            }
            Call::BindRegistry { registry } => {
                if who != self.admin {
                    due.push(titles::Error::NotAdmin.into());
                }
                if here.bound {
                    due.push(titles::Error::RegistryAlreadyBound.into());
                }
                if *registry != REGISTRIES[at] {
                    due.push(titles::Error::NotARegistry(*registry).into());
                }
            }
            other => unreachable!("{other:?} changes nothing"),
        }
    }

    fn due_of_transfer(
        &self,
        at: usize,
        (who, from, to): (Address, Address, Address),
        token: &Hash,
        due: &mut Vec<Refusal>,
    ) {
        let here = &self.titles[at];
        if to == ZERO || to == TITLES[at] {
            due.push(titles::Error::InvalidReceiver(to).into());
        }
        let Some(owner) = here.owners.get(token).copied() else {
            return due.push(titles::Error::NonexistentToken(*token).into());
        };
        let approved = here.approved.get(token) == Some(&who) || here.operators.contains(&(owner, who));
        if who != owner && !approved {
            due.push(titles::Error::InsufficientApproval { operator: who, token: *token }.into());
        }
        if from != owner {
            due.push(titles::Error::IncorrectOwner { sender: from, token: *token, owner }.into());
        }
    }

    fn due_of_exchange(&self, at: usize, sender: Address, from: Address, token: &Hash, due: &mut Vec<Refusal>) {
        if !self.titles[at].bound {
            due.push(titles::Error::RegistryNotBound.into());
        }
        if at == 0 || sender != TITLES[0] {
            due.push(titles::Error::NotPredecessor(sender).into());
        }
        if !self.registries[at].made.get(token).is_some_and(|made| made.imported) {
            due.push(titles::Error::NotImported(*token).into());
        }
        if from == ZERO {
            due.push(titles::Error::InvalidReceiver(ZERO).into());
        }
        if self.titles[at].owners.contains_key(token) {
            due.push(titles::Error::InvalidSender(ZERO).into());
        }
    }
}
