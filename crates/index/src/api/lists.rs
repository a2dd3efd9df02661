//! Lists, page by page.

use super::{
    Api, ApiError,
    answer::ErrorBody,
    query::{self, DatasetsBy, EventsBy, GrantsBy, JobsBy, ModelsBy, Paging, Path, Query, StatementsBy},
};
use crate::{describe, store::Page};
use assay_export::{Dataset, Grant, Job, Model, OwnerChange, Payment, Standing, Statement};
use assay_protocol::market::Role;
use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

type Listing = Result<Json<Page>, ApiError>;

/// A page of a list.
///
/// Describes [`Page`], whose items are JSON already.
#[derive(Serialize, ToSchema)]
pub(super) struct Listed<T> {
    /// Items in the whole list.
    total: u64,
    /// Items before this page.
    offset: u64,
    /// The items of this page.
    items: Vec<T>,
}

/// Datasets.
#[utoipa::path(get, path = "/v1/datasets", tag = "lists", params(Paging, DatasetsBy),
    responses((status = 200, body = Listed<Dataset>), (status = 400, body = ErrorBody)))]
pub(super) async fn datasets(
    State(api): State<Api>,
    Query(paging): Query<Paging>,
    Query(by): Query<DatasetsBy>,
) -> Listing {
    let (snapshot, _) = api.snapshot().await?;
    Ok(Json(snapshot.datasets(&paging.filter()?.and("owner", by.owner)).await?))
}

/// Models.
#[utoipa::path(get, path = "/v1/models", tag = "lists", params(Paging, ModelsBy),
    responses((status = 200, body = Listed<Model>), (status = 400, body = ErrorBody)))]
pub(super) async fn models(
    State(api): State<Api>,
    Query(paging): Query<Paging>,
    Query(by): Query<ModelsBy>,
) -> Listing {
    let (snapshot, _) = api.snapshot().await?;
    let filter = paging.filter()?.and("owner", by.owner).and("operator", by.operator);
    Ok(Json(snapshot.models(&filter).await?))
}

/// Jobs.
#[utoipa::path(get, path = "/v1/jobs", tag = "lists", params(Paging, JobsBy),
    responses((status = 200, body = Listed<Job>), (status = 400, body = ErrorBody)))]
pub(super) async fn jobs(State(api): State<Api>, Query(paging): Query<Paging>, Query(by): Query<JobsBy>) -> Listing {
    let (snapshot, _) = api.snapshot().await?;
    let filter = paging.filter()?.and("client", by.client).and("operator", by.operator).and("state", by.state);
    Ok(Json(snapshot.jobs(&filter).await?))
}

/// What a job has paid, credit by credit.
#[utoipa::path(get, path = "/v1/jobs/{id}/payments", tag = "jobs", params(("id" = u64, Path), Paging),
    responses((status = 200, body = Listed<Payment>), (status = 400, body = ErrorBody)))]
pub(super) async fn payments(State(api): State<Api>, Path(job): Path<u64>, Query(paging): Query<Paging>) -> Listing {
    let (snapshot, _) = api.snapshot().await?;
    Ok(Json(snapshot.payments(job, &paging.filter()?).await?))
}

/// Who ever staked as an operator.
#[utoipa::path(get, path = "/v1/operators", tag = "lists", params(Paging),
    responses((status = 200, body = Listed<Standing>), (status = 400, body = ErrorBody)))]
pub(super) async fn operators(State(api): State<Api>, Query(paging): Query<Paging>) -> Listing {
    let (snapshot, _) = api.snapshot().await?;
    Ok(Json(snapshot.standings(Role::Operator, paging.filter()?).await?))
}

/// Who ever staked as a verifier.
#[utoipa::path(get, path = "/v1/verifiers", tag = "lists", params(Paging),
    responses((status = 200, body = Listed<Standing>), (status = 400, body = ErrorBody)))]
pub(super) async fn verifiers(State(api): State<Api>, Query(paging): Query<Paging>) -> Listing {
    let (snapshot, _) = api.snapshot().await?;
    Ok(Json(snapshot.standings(Role::Verifier, paging.filter()?).await?))
}

/// Access to datasets, by dataset or by account.
#[utoipa::path(get, path = "/v1/grants", tag = "lists", params(Paging, GrantsBy),
    responses((status = 200, body = Listed<Grant>), (status = 400, body = ErrorBody)))]
pub(super) async fn grants(
    State(api): State<Api>,
    Query(paging): Query<Paging>,
    Query(by): Query<GrantsBy>,
) -> Listing {
    if by.dataset.is_none() && by.account.is_none() {
        return Err(ApiError::bad_request("say whose grants: ?dataset=0x… or ?account=0x…"));
    }
    let (snapshot, _) = api.snapshot().await?;
    Ok(Json(snapshot.grants(&paging.filter()?.and("dataset", by.dataset).and("account", by.account)).await?))
}

/// What accounts said, by node or by author.
#[utoipa::path(get, path = "/v1/statements", tag = "lists", params(Paging, StatementsBy),
    responses((status = 200, body = Listed<Statement>), (status = 400, body = ErrorBody)))]
pub(super) async fn statements(
    State(api): State<Api>,
    Query(paging): Query<Paging>,
    Query(by): Query<StatementsBy>,
) -> Listing {
    if by.node.is_none() && by.author.is_none() {
        return Err(ApiError::bad_request("say which statements: ?node=model:0x… or ?author=0x…"));
    }
    let (snapshot, state) = api.snapshot().await?;
    let node = by.node.map(|node| query::node(&node, state.chain.market)).transpose()?;
    Ok(Json(snapshot.statements(&paging.filter()?.and("node", node).and("author", by.author)).await?))
}

/// Who owned a dataset or a model, by change of owner.
#[utoipa::path(get, path = "/v1/owners/{node}", tag = "records",
    params(("node" = String, Path, description = "`dataset:0x…` or `model:0x…`"), Paging),
    responses((status = 200, body = Listed<OwnerChange>), (status = 400, body = ErrorBody)))]
pub(super) async fn owners(State(api): State<Api>, Path(node): Path<String>, Query(paging): Query<Paging>) -> Listing {
    let (snapshot, state) = api.snapshot().await?;
    let node = query::node(&node, state.chain.market)?;
    Ok(Json(snapshot.owner_changes(&paging.filter()?.and("node", Some(node))).await?))
}

/// What happened, altogether or to one node or account.
#[utoipa::path(get, path = "/v1/events", tag = "lists", params(Paging, EventsBy),
    responses((status = 200, body = Listed<describe::Event>), (status = 400, body = ErrorBody)))]
pub(super) async fn events(
    State(api): State<Api>,
    Query(paging): Query<Paging>,
    Query(by): Query<EventsBy>,
) -> Listing {
    let (snapshot, state) = api.snapshot().await?;
    let subject = match (by.node, by.account) {
        (Some(_), Some(_)) => return Err(ApiError::bad_request("give node or account, not both")),
        (Some(node), None) => Some(query::node(&node, state.chain.market)?.to_string()),
        (None, account) => account.as_ref().map(describe::account),
    };
    Ok(Json(snapshot.events(subject.as_deref(), &paging.filter()?).await?))
}
