//! Lineage, and the forms in which other tools read it.

use super::{
    Api, ApiError,
    answer::ErrorBody,
    query::{self, Extent, Path, Query},
};
use crate::{Limits, lineage, store::Records};
use assay_export::{Form, Node, Provenance};
use axum::{
    Json,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};

async fn follow(api: &Api, node: &str, limits: Limits) -> Result<Provenance, ApiError> {
    let (snapshot, state) = api.snapshot().await?;
    let market = state.chain.market;
    let node: Node = query::node(node, market)?;
    let records = Records { snapshot: &snapshot, market };
    let found = lineage::follow(&records, state.chain, node, limits).await?;
    found.ok_or_else(|| ApiError::not_found(format!("there is no {node} on record")))
}

/// What a node was made from, or what was made from it, with all records.
#[utoipa::path(get, path = "/v1/lineage/{node}", tag = "lineage",
    params(("node" = String, Path, description = "`model:0x…`, `dataset:0x…` or `job:N`"), Extent),
    responses((status = 200, body = Provenance), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(super) async fn lineage(
    State(api): State<Api>,
    Path(node): Path<String>,
    Query(extent): Query<Extent>,
) -> Result<Json<Provenance>, ApiError> {
    Ok(Json(follow(&api, &node, extent.limits()?).await?))
}

/// A node's provenance in a form that other tools read: `prov` (W3C
/// PROV-JSON), `prov-ld` (the same as JSON-LD),
/// `croissant` (a dataset, JSON-LD), `statement` (a model, in-toto), `card` (a model,
/// Markdown), `svg`.
#[utoipa::path(get, path = "/v1/exports/{form}/{node}", tag = "lineage",
    params(("form" = String, Path, description = "`prov`, `prov-ld`, `croissant`, `statement`, `card` or `svg`"),
        ("node" = String, Path, description = "`model:0x…`, `dataset:0x…` or `job:N`"), Extent),
    responses((status = 200, content((serde_json::Value = "application/json"), (String = "text/markdown"),
        (String = "image/svg+xml"))), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(super) async fn export(
    State(api): State<Api>,
    Path((form, node)): Path<(String, String)>,
    Query(extent): Query<Extent>,
) -> Result<Response, ApiError> {
    let form: Form = form.parse().map_err(ApiError::bad_request)?;
    let provenance = follow(&api, &node, extent.limits()?).await?;
    let text = form.export(&provenance, &[])?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(form.content_type())),
        // Nothing in it is to be run, wherever it is shown.
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'")),
    ];
    Ok((headers, text).into_response())
}
