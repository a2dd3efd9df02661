//! What requests may ask for.

use super::ApiError;
use crate::store::Filter;
use assay_export::Node;
use assay_protocol::{Address, Hash};
use axum::extract::FromRequestParts;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

/// Most items of a page.
pub const MAX_LIMIT: u32 = 200;
/// Items of a page if nothing is said.
const LIMIT: u32 = 50;
/// Most nodes of a lineage.
pub const MAX_NODES: usize = 2_000;

/// A query string.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(ApiError))]
pub(super) struct Query<T>(pub T);

/// The variable parts of a path.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(ApiError))]
pub(super) struct Path<T>(pub T);

/// Which way a list goes.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Order {
    /// Newest first.
    #[default]
    Newest,
    /// Oldest first, as the chain's own lists.
    Oldest,
}

/// Which part of a list.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Paging {
    /// Items to leave out: 0 if not given.
    #[serde(default)]
    pub offset: u64,
    /// Items at most: 1 to 200, 50 if not given.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// `newest` first, or `oldest`.
    #[serde(default)]
    #[param(inline)]
    pub order: Order,
}

impl Paging {
    pub(super) fn filter(self) -> Result<Filter, ApiError> {
        let limit = self.limit.unwrap_or(LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(ApiError::bad_request(format!("limit is {limit}; it must be from 1 to {MAX_LIMIT}")));
        }
        let oldest_first = matches!(self.order, Order::Oldest);
        Ok(Filter { equal: vec![], oldest_first, offset: self.offset, limit })
    }
}

/// Whose datasets.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct DatasetsBy {
    /// Only those of this owner.
    #[param(value_type = Option<String>)]
    pub owner: Option<Address>,
}

/// Whose models.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ModelsBy {
    /// Only those of this owner.
    #[param(value_type = Option<String>)]
    pub owner: Option<Address>,
    /// Only those that this operator trained.
    #[param(value_type = Option<String>)]
    pub operator: Option<Address>,
}

/// Which jobs.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct JobsBy {
    /// Only those of this client.
    #[param(value_type = Option<String>)]
    pub client: Option<Address>,
    /// Only those of this operator.
    #[param(value_type = Option<String>)]
    pub operator: Option<Address>,
    /// Only those in this state, such as `final`.
    pub state: Option<String>,
}

/// Whose grants.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct GrantsBy {
    /// Those of this dataset.
    #[param(value_type = Option<String>)]
    pub dataset: Option<Hash>,
    /// Those that this account has.
    #[param(value_type = Option<String>)]
    pub account: Option<Address>,
}

/// Which statements.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct StatementsBy {
    /// Those about this node, such as `model:0x…`.
    pub node: Option<String>,
    /// Those of this account.
    #[param(value_type = Option<String>)]
    pub author: Option<Address>,
}

/// Which events.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct EventsBy {
    /// Only those about this node (`model:0x…`, `dataset:0x…`, `job:N`).
    pub node: Option<String>,
    /// Only those about this account.
    #[param(value_type = Option<String>)]
    pub account: Option<Address>,
}

/// How much of a lineage.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Extent {
    /// What was made from the node, instead of what it was made from.
    #[serde(default)]
    pub into: bool,
    /// Edges from the node: 32 if not given.
    pub depth: Option<u32>,
    /// Nodes altogether: 1 to 2,000, 500 if not given.
    #[param(minimum = 1, maximum = 2_000)]
    pub nodes: Option<usize>,
}

impl Extent {
    pub(super) fn limits(self) -> Result<crate::Limits, ApiError> {
        let nodes = self.nodes.unwrap_or(500);
        if !(1..=MAX_NODES).contains(&nodes) {
            return Err(ApiError::bad_request(format!("nodes is {nodes}; it must be from 1 to {MAX_NODES}")));
        }
        Ok(crate::Limits { into: self.into, depth: self.depth.unwrap_or(32), nodes })
    }
}

/// What to search for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SearchFor {
    /// A part of a name, the start of an id (0x and at least 4 digits), an account's
    /// address, or a job's number.
    pub q: String,
}

/// A node in a request: as in answers, or `job:N` for a job of this market.
pub(super) fn node(text: &str, market: Address) -> Result<Node, ApiError> {
    let job = text.strip_prefix("job:").and_then(|number| number.parse().ok());
    match job {
        Some(job) => Ok(Node::Job { market, job }),
        None => text.parse().map_err(ApiError::bad_request),
    }
}
