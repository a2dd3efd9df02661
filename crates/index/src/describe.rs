//! Events as the index keeps and serves them.

use assay_export::{Amount, Node, name_of};
use assay_protocol::{Address, Hash, market, registry, titles};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// In which block.
    pub block: u64,
    /// Its place among the block's events of contracts.
    pub position: u32,
    /// Chain time of the block, in seconds since 1970.
    pub time: u64,
    /// `market`, `registry` or `titles`.
    pub contract: String,
    /// What, such as `job_moved` or `transfer`.
    pub event: String,
    /// Its fields: sums as decimal strings, nodes as objects.
    #[schema(value_type = Object)]
    pub fields: Value,
}

/// An event without its place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Description {
    pub contract: &'static str,
    pub event: &'static str,
    pub fields: Value,
    /// Nodes and accounts that it is about, as texts.
    pub subjects: BTreeSet<String>,
}

/// How the API and the database name an account as the subject of an event.
pub(crate) fn account(address: &Address) -> String {
    format!("account:{address}")
}

fn describe(
    contract: &'static str,
    event: &'static str,
    fields: Value,
    nodes: &[Node],
    accounts: &[&Address],
) -> Description {
    let subjects = nodes.iter().map(Node::to_string).chain(accounts.iter().map(|one| account(one))).collect();
    Description { contract, event, fields, subjects }
}

/// An event of the market at `address`.
pub(crate) fn of_market(address: Address, event: &market::Event) -> Description {
    use market::Event as E;
    let node = |job: &u64| Node::Job { market: address, job: *job };
    let with =
        |name, fields, job: &u64, accounts: &[&Address]| describe("market", name, fields, &[node(job)], accounts);
    let alone = |name, fields, account: &Address| describe("market", name, fields, &[], &[account]);
    match event {
        E::JobMoved { job, state, deadline } => {
            with("job_moved", json!({ "job": job, "state": name_of(state), "deadline": deadline }), job, &[])
        }
        E::Enlisted { job, verifier, bond } => {
            with("enlisted", json!({ "job": job, "verifier": verifier, "bond": Amount(*bond) }), job, &[verifier])
        }
        E::Released { job, verifier, bond } => {
            with("released", json!({ "job": job, "verifier": verifier, "bond": Amount(*bond) }), job, &[verifier])
        }
        E::SecretRevealed { job, by } => with("secret_revealed", json!({ "job": job, "by": by }), job, &[by]),
        E::SlotMoved { job, slot, verifier, check } => {
            let fields = json!({ "job": job, "slot": slot, "verifier": verifier, "check": name_of(check) });
            with("slot_moved", fields, job, &[verifier])
        }
        E::SeatMoved { job, seat, verifier } => {
            with("seat_moved", json!({ "job": job, "seat": seat, "verifier": verifier }), job, &[verifier])
        }
        E::Staked { account, role, amount } => {
            alone("staked", json!({ "account": account, "role": role, "amount": Amount(*amount) }), account)
        }
        E::Slashed { account, job, amount, reason } => {
            let fields =
                json!({ "account": account, "job": job, "amount": Amount(*amount), "reason": name_of(reason) });
            with("slashed", fields, job, &[account])
        }
        E::Credited { account, job, amount, reason } => {
            let fields =
                json!({ "account": account, "job": job, "amount": Amount(*amount), "reason": name_of(reason) });
            match job {
                Some(job) => with("credited", fields, job, &[account]),
                None => alone("credited", fields, account),
            }
        }
        E::Withdrawn { account, amount } => {
            alone("withdrawn", json!({ "account": account, "amount": Amount(*amount) }), account)
        }
        E::ModelRegistered { job, model, known } => {
            let fields = json!({ "job": job, "model": model, "known": known });
            describe("market", "model_registered", fields, &[node(job), Node::Model { id: *model }], &[])
        }
        E::ModelRefused { job, error } => {
            with("model_refused", json!({ "job": job, "error": error.to_string() }), job, &[])
        }
        E::Unbonding { account, role, amount, at } => {
            let fields = json!({ "account": account, "role": role, "amount": Amount(*amount), "at": at });
            alone("unbonding", fields, account)
        }
        E::OfferChanged { operator, offered } => {
            alone("offer_changed", json!({ "operator": operator, "offered": offered }), operator)
        }
        E::EndsOpened { job, model } => with("ends_opened", json!({ "job": job, "model": model }), job, &[]),
        E::Demanded { job, number, by, deadline } => {
            let fields = json!({ "job": job, "number": number, "by": by, "deadline": deadline });
            with("demanded", fields, job, &[by])
        }
        E::Answered { job, number, by } => {
            with("answered", json!({ "job": job, "number": number, "by": by }), job, &[by])
        }
    }
}

/// An event of the registry.
pub(crate) fn of_registry(event: &registry::Event) -> Description {
    use registry::Event as E;
    let dataset = |id: &Hash| Node::Dataset { id: *id };
    let with = |name, fields, node: Node, accounts: &[&Address]| describe("registry", name, fields, &[node], accounts);
    match event {
        E::MarketBound { market } => describe("registry", "market_bound", json!({ "market": market }), &[], &[]),
        E::DatasetRegistered { dataset: id, owner } => {
            with("dataset_registered", json!({ "dataset": id, "owner": owner }), dataset(id), &[owner])
        }
        E::ModelRegistered { model, owner, job, operator } => {
            let fields = json!({ "model": model, "owner": owner, "job": job, "operator": operator });
            with("model_registered", fields, Node::Model { id: *model }, &[owner, operator])
        }
        E::LocationsChanged { node, locations } => {
            let node = Node::from(*node);
            with("locations_changed", json!({ "node": node, "locations": locations }), node, &[])
        }
        E::DatasetTransferred { dataset: id, from, to } => {
            let fields = json!({ "dataset": id, "from": from, "to": to });
            with("dataset_transferred", fields, dataset(id), &[from, to])
        }
        E::TermsChanged { dataset: id, terms } => {
            with("terms_changed", json!({ "dataset": id, "terms": terms }), dataset(id), &[])
        }
        E::RoyaltyChanged { model, royalty_bp } => {
            let fields = json!({ "model": model, "royalty_bp": royalty_bp });
            with("royalty_changed", fields, Node::Model { id: *model }, &[])
        }
        E::DatasetWithdrawn { dataset: id } => with("dataset_withdrawn", json!({ "dataset": id }), dataset(id), &[]),
        E::AccessGranted { dataset: id, account, until, terms, paid } => {
            let until = (*until != registry::FOR_EVER).then_some(until);
            let fields =
                json!({ "dataset": id, "account": account, "until": until, "terms": terms, "paid": Amount(*paid) });
            with("access_granted", fields, dataset(id), &[account])
        }
        E::Credited { account, dataset: id, amount } => {
            let fields = json!({ "account": account, "dataset": id, "amount": Amount(*amount) });
            with("credited", fields, dataset(id), &[account])
        }
        E::Withdrawn { account, amount } => {
            let fields = json!({ "account": account, "amount": Amount(*amount) });
            describe("registry", "withdrawn", fields, &[], &[account])
        }
        E::Stated { node, author, number, kind } => {
            let node = Node::from(*node);
            let fields = json!({ "node": node, "author": author, "number": number, "kind": kind });
            with("stated", fields, node, &[author])
        }
        E::Imported { node } => {
            let node = Node::from(*node);
            with("imported", json!({ "node": node }), node, &[])
        }
    }
}

/// An event of the titles.
pub(crate) fn of_titles(event: &titles::Event) -> Description {
    use titles::Event as E;
    let with = |name, fields, token: &Hash, accounts: &[&Address]| {
        describe("titles", name, fields, &[Node::Model { id: *token }], accounts)
    };
    match event {
        E::Transfer { from, to, token } => {
            let accounts: Vec<&Address> = [from, to].into_iter().filter(|one| **one != Address::default()).collect();
            with("transfer", json!({ "from": from, "to": to, "model": token }), token, &accounts)
        }
        E::Approval { owner, approved, token } => {
            let fields = json!({ "owner": owner, "approved": approved, "model": token });
            with("approval", fields, token, &[owner])
        }
        E::ApprovalForAll { owner, operator, approved } => {
            let fields = json!({ "owner": owner, "operator": operator, "approved": approved });
            describe("titles", "approval_for_all", fields, &[], &[owner, operator])
        }
        E::RegistryBound { registry } => {
            describe("titles", "registry_bound", json!({ "registry": registry }), &[], &[])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_strings_and_subjects_are_found() {
        let (market, account) = (Address([1; 20]), Address([2; 20]));
        let event =
            market::Event::Credited { account, job: Some(7), amount: u128::MAX, reason: market::Reason::Payment };
        let described = of_market(market, &event);
        assert_eq!(described.fields["amount"], u128::MAX.to_string());
        assert_eq!((&described.fields["job"], &described.fields["reason"]), (&json!(7), &json!("payment")));
        let subjects = [format!("account:{account}"), format!("job:{market}:7")];
        assert_eq!(described.subjects, BTreeSet::from(subjects));
    }

    #[test]
    fn nobody_is_no_account() {
        let token = Hash([3; 32]);
        let mint = titles::Event::Transfer { from: Address::default(), to: Address([2; 20]), token };
        let subjects: Vec<String> = of_titles(&mint).subjects.into_iter().collect();
        assert_eq!(subjects, [format!("account:{}", Address([2; 20])), format!("model:{token}")]);
    }
}
