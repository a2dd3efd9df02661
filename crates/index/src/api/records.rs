//! Single records.

use super::{Api, ApiError, answer::ErrorBody, query::Path};
use assay_export::{Contributions, Dataset, Job, Model, Node, Standing};
use assay_protocol::{Address, Hash, market::Role};
use axum::{Json, extract::State};
use serde_json::value::RawValue;

type Single = Result<Json<Box<RawValue>>, ApiError>;

async fn record(api: &Api, node: impl FnOnce(Address) -> Node) -> Result<Box<RawValue>, ApiError> {
    let (snapshot, state) = api.snapshot().await?;
    let node = node(state.chain.market);
    let record = snapshot.raw(node, state.chain.market).await?;
    record.ok_or_else(|| ApiError::not_found(format!("there is no {node} on record")))
}

/// A dataset.
#[utoipa::path(get, path = "/v1/datasets/{id}", tag = "records", params(("id" = String, Path)),
    responses((status = 200, body = Dataset), (status = 404, body = ErrorBody)))]
pub(super) async fn dataset(State(api): State<Api>, Path(id): Path<Hash>) -> Single {
    Ok(Json(record(&api, |_| Node::Dataset { id }).await?))
}

/// A model.
#[utoipa::path(get, path = "/v1/models/{id}", tag = "records", params(("id" = String, Path)),
    responses((status = 200, body = Model), (status = 404, body = ErrorBody)))]
pub(super) async fn model(State(api): State<Api>, Path(id): Path<Hash>) -> Single {
    Ok(Json(record(&api, |_| Node::Model { id }).await?))
}

/// A job.
#[utoipa::path(get, path = "/v1/jobs/{id}", tag = "jobs", params(("id" = u64, Path)),
    responses((status = 200, body = Job), (status = 404, body = ErrorBody)))]
pub(super) async fn job(State(api): State<Api>, Path(job): Path<u64>) -> Single {
    Ok(Json(record(&api, |market| Node::Job { market, job }).await?))
}

/// Who contributed data, computation and checks to a job, and what each was paid.
#[utoipa::path(get, path = "/v1/jobs/{id}/contributions", tag = "jobs", params(("id" = u64, Path)),
    responses((status = 200, body = Contributions), (status = 404, body = ErrorBody)))]
pub(super) async fn contributions(
    State(api): State<Api>,
    Path(job): Path<u64>,
) -> Result<Json<Contributions>, ApiError> {
    let record = record(&api, |market| Node::Job { market, job }).await?;
    let job: Job = serde_json::from_str(record.get()).map_err(crate::IndexError::from)?;
    Ok(Json(job.contributions))
}

async fn standing(api: &Api, role: Role, account: Address) -> Single {
    let (snapshot, _) = api.snapshot().await?;
    let standing = snapshot.standing(role, account).await?;
    let role = assay_export::name_of(&role);
    standing.map(Json).ok_or_else(|| ApiError::not_found(format!("{account} never staked as {role}")))
}

/// An operator.
#[utoipa::path(get, path = "/v1/operators/{account}", tag = "records", params(("account" = String, Path)),
    responses((status = 200, body = Standing), (status = 404, body = ErrorBody)))]
pub(super) async fn operator(State(api): State<Api>, Path(account): Path<Address>) -> Single {
    standing(&api, Role::Operator, account).await
}

/// A verifier.
#[utoipa::path(get, path = "/v1/verifiers/{account}", tag = "records", params(("account" = String, Path)),
    responses((status = 200, body = Standing), (status = 404, body = ErrorBody)))]
pub(super) async fn verifier(State(api): State<Api>, Path(account): Path<Address>) -> Single {
    standing(&api, Role::Verifier, account).await
}
