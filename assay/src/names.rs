//! Reading what people type for accounts, ids and nodes.

use anyhow::{Context, bail};
use assay_client::AccountId;
use assay_protocol::registry::Node;
use assay_protocol::{Address, Hash};
use assay_shell::options::Deployed;
use std::str::FromStr;

/// An account as typed: an address of 20 bytes, or SS58 or 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Account {
    /// An address, whose account is asked from the chain.
    Address(Address),
    /// An account of the chain.
    Id(AccountId),
}

impl Account {
    /// The address by which contracts know it.
    pub fn address(&self) -> Address {
        match self {
            Account::Address(address) => *address,
            Account::Id(id) => id.address(),
        }
    }
}

impl FromStr for Account {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(address) = text.parse() {
            return Ok(Account::Address(address));
        }
        text.parse().map(Account::Id).map_err(|_| {
            "not an account: give 0x and 40 hex digits (an address), SS58, or 0x and 64 hex digits (a public key)"
                .into()
        })
    }
}

/// A node of the provenance graph as typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeName {
    /// A dataset's or a model's id.
    Id(Hash),
    /// A dataset's id.
    Dataset(Hash),
    /// A model's id.
    Model(Hash),
    /// A job of the deployment's market.
    Job(u64),
}

impl FromStr for NodeName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = match text.split_once(':') {
            Some(("dataset", id)) => id.parse().ok().map(NodeName::Dataset),
            Some(("model", id)) => id.parse().ok().map(NodeName::Model),
            Some(("job", number)) => number.parse().ok().map(NodeName::Job),
            Some(_) => None,
            None => text.parse().ok().map(NodeName::Id),
        };
        read.ok_or_else(|| {
            "not a node: give a model's or dataset's id (0x and 64 hex digits), or job:N for a job of the market".into()
        })
    }
}

impl NodeName {
    /// The node, after asking the registry and the market whether it is there.
    pub async fn find(self, deployed: &Deployed) -> anyhow::Result<Node> {
        let registry = &deployed.registry;
        let (as_model, as_dataset) = match self {
            NodeName::Job(job) => {
                deployed.market.job(job).await?.with_context(|| no_job(job))?;
                return Ok(Node::Job { market: deployed.market.address(), job });
            }
            NodeName::Model(id) => (Some(id), None),
            NodeName::Dataset(id) => (None, Some(id)),
            NodeName::Id(id) => (Some(id), Some(id)),
        };
        if let Some(id) = as_model
            && registry.model(id).await?.is_some()
        {
            return Ok(Node::Model(id));
        }
        if let Some(id) = as_dataset
            && registry.dataset(id).await?.is_some()
        {
            return Ok(Node::Dataset(id));
        }
        let id = as_model.or(as_dataset).unwrap_or_default();
        bail!(
            "nothing with the id {id} is registered here; `assay model list` and `assay dataset list` show what is, \
             and --deployment names another registry"
        )
    }
}

/// What to say when there is no such job.
pub fn no_job(job: u64) -> String {
    format!("the market has no job {job}; `assay job list` shows them")
}

/// What to say when there is no such dataset.
pub fn no_dataset(id: &Hash) -> String {
    format!(
        "dataset {id} is not registered; `assay dataset list` shows those that are, `assay dataset register` adds one"
    )
}

/// What to say when there is no such model.
pub fn no_model(id: &Hash) -> String {
    format!("model {id} is not registered; `assay model list` shows those that are")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_read_in_every_form() {
        let alice = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY".parse::<Account>().unwrap();
        assert_eq!(alice.address().to_string(), "0x9621dde636de098b43efb0fa9b61facfe328f99d");
        let address = alice.address().to_string().parse::<Account>().unwrap();
        assert_eq!(address, Account::Address(alice.address()));
        for bad in ["", "Alice", "0x12", "5Grwva"] {
            assert!(bad.parse::<Account>().unwrap_err().contains("SS58"), "{bad}");
        }
    }

    #[test]
    fn nodes_are_read() {
        let id = Hash([7; 32]);
        assert_eq!(id.to_string().parse(), Ok(NodeName::Id(id)));
        assert_eq!(format!("model:{id}").parse(), Ok(NodeName::Model(id)));
        assert_eq!(format!("dataset:{id}").parse(), Ok(NodeName::Dataset(id)));
        assert_eq!("job:12".parse(), Ok(NodeName::Job(12)));
        for bad in ["", "job", "job:-1", "job:x", "thing:1", "0x12", "model:12"] {
            assert!(bad.parse::<NodeName>().unwrap_err().contains("job:N"), "{bad}");
        }
    }
}
