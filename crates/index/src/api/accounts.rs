//! Accounts, search, and how the index itself does.

use super::{
    Api, ApiError,
    answer::ErrorBody,
    query::{Path, Query, SearchFor},
};
use crate::{
    follow::Progress,
    store::{Filter, Found, Snapshot},
};
use assay_export::{BlockInfo, ChainInfo, Node, Standing};
use assay_protocol::{Address, market::Role};
use axum::{
    Json,
    extract::State,
    http::{HeaderName, HeaderValue, header},
};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// Most that a search finds of each kind.
const FOUND: u32 = 20;
/// Hex digits of an id that a search wants at least.
const LEAST_DIGITS: usize = 4;

/// What an account has and does. Lists have the filters to give each of these.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Account {
    #[schema(value_type = String)]
    account: Address,
    /// Datasets that it owns.
    datasets: u64,
    /// Models that it owns.
    models: u64,
    /// Jobs that it posted.
    jobs_posted: u64,
    /// Jobs that it claimed last.
    jobs_claimed: u64,
    /// Grants that it has.
    grants: u64,
    /// Statements that it made.
    statements: u64,
    /// Payments of jobs to it.
    payments: u64,
    /// Events about it.
    events: u64,
    #[schema(value_type = Option<Standing>)]
    operator: Option<Box<RawValue>>,
    #[schema(value_type = Option<Standing>)]
    verifier: Option<Box<RawValue>>,
}

async fn summary(snapshot: &Snapshot, account: Address) -> Result<Account, ApiError> {
    let by = |column| Filter { limit: 1, ..Filter::default() }.and(column, Some(account));
    Ok(Account {
        account,
        datasets: snapshot.datasets(&by("owner")).await?.total,
        models: snapshot.models(&by("owner")).await?.total,
        jobs_posted: snapshot.jobs(&by("client")).await?.total,
        jobs_claimed: snapshot.jobs(&by("operator")).await?.total,
        grants: snapshot.grants(&by("account")).await?.total,
        statements: snapshot.statements(&by("author")).await?.total,
        payments: snapshot.payments_to(&by("account")).await?.total,
        events: snapshot
            .events(Some(&crate::describe::account(&account)), &Filter { limit: 1, ..Filter::default() })
            .await?
            .total,
        operator: snapshot.standing(Role::Operator, account).await?,
        verifier: snapshot.standing(Role::Verifier, account).await?,
    })
}

/// What an account has and does; all zero if nothing is known of it.
#[utoipa::path(get, path = "/v1/accounts/{account}", tag = "records", params(("account" = String, Path)),
    responses((status = 200, body = Account), (status = 400, body = ErrorBody)))]
pub(super) async fn account(State(api): State<Api>, Path(account): Path<Address>) -> Result<Json<Account>, ApiError> {
    let (snapshot, _) = api.snapshot().await?;
    Ok(Json(summary(&snapshot, account).await?))
}

/// What a search found.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct Results {
    /// Datasets and models, by id or by name, newest first; at most 20.
    nodes: Vec<Found>,
    /// The job with this number.
    job: Option<Node>,
    /// The account with this address.
    account: Option<Account>,
}

/// Datasets and models by a part of their name or the start of their id; a job by its
/// number; an account by its address.
#[utoipa::path(get, path = "/v1/search", tag = "lists", params(SearchFor),
    responses((status = 200, body = Results), (status = 400, body = ErrorBody)))]
pub(super) async fn search(
    State(api): State<Api>,
    Query(SearchFor { q }): Query<SearchFor>,
) -> Result<Json<Results>, ApiError> {
    let (text, mut results) = (q.trim(), Results::default());
    if text.is_empty() {
        return Err(ApiError::bad_request("q is empty: give a part of a name, an id or an account"));
    }
    let (snapshot, state) = api.snapshot().await?;
    let digits = text.strip_prefix("0x").map(str::to_lowercase);
    let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    match digits {
        Some(digits) if digits.len() < LEAST_DIGITS => {
            return Err(ApiError::bad_request(format!("give at least {LEAST_DIGITS} digits of an id")));
        }
        Some(digits) => {
            results.nodes = snapshot.with_id(&digits, FOUND).await?;
            if let Ok(account) = text.to_lowercase().parse::<Address>() {
                results.account = Some(summary(&snapshot, account).await?);
            }
        }
        None => {
            results.nodes = snapshot.named(text, FOUND).await?;
            if let Ok(job) = text.trim_start_matches("job").trim_start_matches([' ', ':', '#']).parse() {
                let node = Node::Job { market: state.chain.market, job };
                results.job = snapshot.raw(node, state.chain.market).await?.map(|_| node);
            }
        }
    }
    Ok(Json(results))
}

/// How the index does.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Status {
    /// The program's version.
    version: &'static str,
    /// The chain, and the last block that was read.
    chain: ChainInfo,
    /// The first block that was read: history begins there.
    from: u64,
    /// The last block in which something changed, which the `ETag` names.
    changed: BlockInfo,
    /// How far it is; `null` if this process only serves.
    progress: Option<Progress>,
}

/// How the index does, and which chain it is of.
#[utoipa::path(get, path = "/v1/status", tag = "index",
    responses((status = 200, body = Status), (status = 503, body = ErrorBody)))]
pub(super) async fn status(State(api): State<Api>) -> Result<([(HeaderName, HeaderValue); 1], Json<Status>), ApiError> {
    let (_, state) = api.snapshot().await?;
    let progress = api.progress.map(|progress| progress.borrow().clone());
    let status = Status {
        version: env!("CARGO_PKG_VERSION"),
        chain: state.chain,
        from: state.from,
        changed: state.changed,
        progress,
    };
    Ok(([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], Json(status)))
}
