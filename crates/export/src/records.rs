//! Records as the index keeps and serves them: what the contracts answer, with
//! ids beside the records, sums as decimal strings and names for states.

use assay_protocol::{
    Address, Hash,
    registry::{self, FOR_EVER},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{fmt, str::FromStr};
use utoipa::ToSchema;

/// A sum in the contract's unit, 10^-18 of a token. A string of digits in JSON,
/// which other languages would round as a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, ToSchema)]
#[schema(value_type = String, pattern = "^[0-9]+$", example = "10000000000000000000")]
pub struct Amount(pub u128);

/// Digits of the contract's unit after a token's point.
const DECIMALS: u32 = 18;

impl Amount {
    /// In tokens, in full precision.
    pub fn in_tokens(self) -> String {
        let token = 10u128.pow(DECIMALS);
        let fraction = format!("{:018}", self.0 % token);
        let text = format!("{}.{}", self.0 / token, fraction.trim_end_matches('0'));
        text.trim_end_matches('.').to_owned()
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map(Amount).map_err(D::Error::custom)
    }
}

/// A node of the provenance graph. As text: `dataset:0x…`, `model:0x…`, `job:MARKET:N`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Node {
    /// A dataset.
    Dataset {
        /// The hash of its manifest.
        #[schema(value_type = String)]
        id: Hash,
    },
    /// A model.
    Model {
        /// Its id.
        #[schema(value_type = String)]
        id: Hash,
    },
    /// A training job.
    Job {
        /// The market contract that held it.
        #[schema(value_type = String)]
        market: Address,
        /// Its number in that market.
        job: u64,
    },
}

impl Node {
    /// `dataset`, `model` or `job`.
    pub fn kind(&self) -> &'static str {
        match self {
            Node::Dataset { .. } => "dataset",
            Node::Model { .. } => "model",
            Node::Job { .. } => "job",
        }
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Node::Dataset { id } | Node::Model { id } => write!(f, "{}:{id}", self.kind()),
            Node::Job { market, job } => write!(f, "job:{market}:{job}"),
        }
    }
}

impl FromStr for Node {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
        let read = match kind {
            "dataset" => rest.parse().ok().map(|id| Node::Dataset { id }),
            "model" => rest.parse().ok().map(|id| Node::Model { id }),
            "job" => rest
                .split_once(':')
                .and_then(|(market, job)| Some(Node::Job { market: market.parse().ok()?, job: job.parse().ok()? })),
            _ => None,
        };
        read.ok_or_else(|| format!("{text:?} is no node: give dataset:0x…, model:0x… or job:MARKET:N"))
    }
}

impl From<registry::Node> for Node {
    fn from(node: registry::Node) -> Self {
        match node {
            registry::Node::Dataset(id) => Node::Dataset { id },
            registry::Node::Model(id) => Node::Model { id },
            registry::Node::Job { market, job } => Node::Job { market, job },
        }
    }
}

impl From<Node> for registry::Node {
    fn from(node: Node) -> Self {
        match node {
            Node::Dataset { id } => registry::Node::Dataset(id),
            Node::Model { id } => registry::Node::Model(id),
            Node::Job { market, job } => registry::Node::Job { market, job },
        }
    }
}

/// The name that the protocol's JSON gives a plain enum's variant, such as `final`.
pub fn name_of(variant: &impl Serialize) -> String {
    match serde_json::to_value(variant) {
        Ok(serde_json::Value::String(name)) => name,
        other => unreachable!("an enum without fields is a string in JSON, not {other:?}"),
    }
}

/// Where a record was copied from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Import {
    /// The registry that it comes from.
    #[schema(value_type = String)]
    pub from: Address,
    /// Statements that were made there until then, and stay there.
    pub statements: u32,
    /// Chain time of the copying, in seconds since 1970.
    pub at: u64,
    /// Block of the copying.
    pub block: u32,
}

impl From<registry::Import> for Import {
    fn from(import: registry::Import) -> Self {
        let registry::Import { from, statements, at, block } = import;
        Self { from, statements, at, block }
    }
}

/// A dataset on record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Dataset {
    /// The hash of its manifest.
    #[schema(value_type = String)]
    pub id: Hash,
    /// Who owns it now.
    #[schema(value_type = String)]
    pub owner: Address,
    /// A name for people, by its owner; empty if it was withdrawn.
    pub name: String,
    /// Bytes of all its files together.
    pub bytes: u64,
    /// SPDX licence expression.
    pub licence: String,
    /// SHA-256 of the licence's text, if it is one of its own.
    #[schema(value_type = Option<String>)]
    pub licence_text: Option<Hash>,
    /// Whether anybody may use it in jobs.
    pub open: bool,
    /// What access costs; `null` if it is not for sale.
    pub price: Option<Amount>,
    /// How long bought access lasts, in seconds; 0 for ever.
    pub access_seconds: u64,
    /// Share of a job's payment for its owner, in basis points.
    pub royalty_bp: u16,
    /// The hash by which grants name these terms.
    #[schema(value_type = String)]
    pub terms: Hash,
    /// Chain time of the registration, in seconds since 1970.
    pub registered_at: u64,
    /// Block of the registration.
    pub block: u32,
    /// Since when its name and locations are removed, in seconds since 1970.
    pub withdrawn_at: Option<u64>,
    /// Where it can be fetched, best first. Written by strangers: show, do not follow.
    pub locations: Vec<String>,
    /// Where it was copied from, if it was.
    pub imported: Option<Import>,
}

/// A model on record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Model {
    /// The model's id, which is its title's token.
    #[schema(value_type = String)]
    pub id: Hash,
    /// Who has its title now; `null` if that is still with a predecessor.
    #[schema(value_type = Option<String>)]
    pub owner: Option<Address>,
    /// Who got its title when it was registered.
    #[schema(value_type = String)]
    pub first_owner: Address,
    /// A name for people, by the client.
    pub name: String,
    /// SPDX licence expression.
    pub licence: String,
    /// Root of the step program that trained it.
    #[schema(value_type = String)]
    pub program: Hash,
    /// State root after the last segment.
    #[schema(value_type = String)]
    pub final_state: Hash,
    /// SHA-256 of the file that readers download.
    #[schema(value_type = String)]
    pub artefact: Hash,
    /// The market contract that registered it.
    #[schema(value_type = String)]
    pub market: Address,
    /// The job in that market that trained it.
    pub job: u64,
    /// Who trained it.
    #[schema(value_type = String)]
    pub operator: Address,
    /// Segments of the job.
    pub segments: u32,
    /// Segments that were drawn for checking.
    pub segments_drawn: u32,
    /// Drawn segments that a verifier replayed and confirmed.
    pub segments_checked: u32,
    /// Share of the payment of each job that starts from it, in basis points.
    pub royalty_bp: u16,
    /// Chain time of the registration, in seconds since 1970.
    pub registered_at: u64,
    /// Block of the registration.
    pub block: u32,
    /// Where it can be fetched, best first. Written by strangers: show, do not follow.
    pub locations: Vec<String>,
    /// Where it was copied from, if it was.
    pub imported: Option<Import>,
}

/// An account's access to a dataset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Grant {
    /// The dataset.
    #[schema(value_type = String)]
    pub dataset: Hash,
    /// Whose access.
    #[schema(value_type = String)]
    pub account: Address,
    /// The last second of chain time at which it holds; `null` for ever.
    pub until: Option<u64>,
    /// Under which terms.
    #[schema(value_type = String)]
    pub terms: Hash,
    /// What was paid for it, all purchases together.
    pub paid: Amount,
    /// When it was last granted or bought, in seconds since 1970.
    pub at: u64,
}

impl Grant {
    /// The grant of `account` for `dataset`.
    pub fn new(dataset: Hash, account: Address, grant: &registry::Grant) -> Self {
        let until = (grant.until != FOR_EVER).then_some(grant.until);
        Self { dataset, account, until, terms: grant.terms, paid: Amount(grant.paid), at: grant.at }
    }
}

/// What an account says of a dataset or a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Statement {
    /// Of what.
    pub node: Node,
    /// Its number in the list of its node.
    pub number: u32,
    /// Who says it.
    #[schema(value_type = String)]
    pub author: Address,
    /// `evaluation`, `audit`, `takedown` or `note`.
    pub kind: String,
    /// What it says.
    pub text: String,
    /// SHA-256 of a document that shows it.
    #[schema(value_type = Option<String>)]
    pub evidence: Option<Hash>,
    /// When, in seconds since 1970.
    pub at: u64,
    /// In which block.
    pub block: u32,
}

impl Statement {
    /// Statement `number` of `node`.
    pub fn new(node: Node, number: u32, statement: registry::Statement) -> Self {
        let registry::Statement { author, kind, text, evidence, at, block } = statement;
        Self { node, number, author, kind: name_of(&kind), text, evidence, at, block }
    }
}

/// A dataset or a title of a model that got a new owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OwnerChange {
    /// The dataset or the model.
    pub node: Node,
    /// Its owner until then; `null` if this is its first.
    #[schema(value_type = Option<String>)]
    pub from: Option<Address>,
    /// Its owner from then on.
    #[schema(value_type = String)]
    pub to: Address,
    /// In which block.
    pub block: u64,
    /// Chain time of that block, in seconds since 1970.
    pub time: u64,
}

/// A block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BlockInfo {
    /// Its height.
    pub number: u64,
    /// Its hash.
    #[schema(value_type = String)]
    pub hash: Hash,
    /// Its chain time, in seconds since 1970.
    pub time: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_keep_every_digit() {
        let sum = Amount(u128::MAX);
        let json = serde_json::to_string(&sum).unwrap();
        assert_eq!(json, "\"340282366920938463463374607431768211455\"");
        assert_eq!(serde_json::from_str::<Amount>(&json).unwrap(), sum);
        assert_eq!(Amount(1_500_000_000_000_000_000).in_tokens(), "1.5");
        assert_eq!(Amount(1).in_tokens(), "0.000000000000000001");
        assert_eq!((Amount(0).in_tokens(), Amount(10u128.pow(19)).in_tokens()), ("0".into(), "10".into()));
    }

    #[test]
    fn nodes_are_read_as_they_are_written() {
        for node in [
            Node::Dataset { id: Hash([1; 32]) },
            Node::Model { id: Hash([2; 32]) },
            Node::Job { market: Address([3; 20]), job: 7 },
        ] {
            assert_eq!(node.to_string().parse(), Ok(node));
            assert_eq!(Node::from(registry::Node::from(node)), node);
        }
        for bad in ["", "model", "model:1", "job:1", "job:0x12:1", "thing:0x00"] {
            assert!(bad.parse::<Node>().unwrap_err().contains("job:MARKET:N"), "{bad}");
        }
    }

    #[test]
    fn access_for_ever_has_no_end() {
        let grant = |until| registry::Grant { until, terms: Hash::default(), paid: 0, at: 1 };
        let new = |until| Grant::new(Hash::default(), Address::default(), &grant(until)).until;
        assert_eq!((new(FOR_EVER), new(FOR_EVER - 1)), (None, Some(FOR_EVER - 1)));
    }
}
