//! The REST API: read-only, paged, with ETags; `docs/index.md` describes it for
//! people, [`openapi`] for programs.

mod accounts;
mod answer;
mod exports;
mod lists;
mod openapi;
mod query;
mod records;

pub use answer::ApiError;
pub use openapi::openapi;
pub use query::{MAX_LIMIT, MAX_NODES};

use crate::{
    error::IndexError,
    follow::Progress,
    store::{Snapshot, State, Store},
};
use axum::{
    Router,
    extract::{Request, State as Extension},
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::watch};
use tower_governor::{GovernorLayer, governor::GovernorConfigBuilder, key_extractor::SmartIpKeyExtractor};
use tower_http::{
    cors::{Any, CorsLayer},
    timeout::TimeoutLayer,
};

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(20);
/// How often addresses that have been quiet are forgotten.
const FORGET: Duration = Duration::from_secs(60);
/// The header with the block as of which an answer is.
pub const BLOCK_HEADER: HeaderName = HeaderName::from_static("x-assay-block");

/// How the API is served.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Requests per second that an address may go on with.
    pub per_second: u32,
    /// Requests that an address may make at once.
    pub burst: u32,
    /// Whether `X-Forwarded-For` and the like say who asks. Only behind a proxy
    /// that sets them: otherwise everybody can be anybody.
    pub behind_proxy: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { per_second: 20, burst: 100, behind_proxy: false }
    }
}

/// What the handlers share.
#[derive(Clone, Debug)]
struct Api {
    store: Store,
    /// How far the index is; nothing if nobody follows the chain.
    progress: Option<watch::Receiver<Progress>>,
}

impl Api {
    /// A view of one moment and where the index stood then.
    async fn snapshot(&self) -> Result<(Snapshot, State), IndexError> {
        let snapshot = self.store.snapshot().await?;
        let state = snapshot.state().await?.ok_or(IndexError::Empty)?;
        Ok((snapshot, state))
    }
}

/// The routes without limits on who asks how often.
fn routes(api: Api) -> Router {
    let cached = Router::new()
        .route("/v1/datasets", get(lists::datasets))
        .route("/v1/datasets/{id}", get(records::dataset))
        .route("/v1/models", get(lists::models))
        .route("/v1/models/{id}", get(records::model))
        .route("/v1/jobs", get(lists::jobs))
        .route("/v1/jobs/{id}", get(records::job))
        .route("/v1/jobs/{id}/contributions", get(records::contributions))
        .route("/v1/jobs/{id}/payments", get(lists::payments))
        .route("/v1/operators", get(lists::operators))
        .route("/v1/operators/{account}", get(records::operator))
        .route("/v1/verifiers", get(lists::verifiers))
        .route("/v1/verifiers/{account}", get(records::verifier))
        .route("/v1/grants", get(lists::grants))
        .route("/v1/statements", get(lists::statements))
        .route("/v1/owners/{node}", get(lists::owners))
        .route("/v1/events", get(lists::events))
        .route("/v1/accounts/{account}", get(accounts::account))
        .route("/v1/search", get(accounts::search))
        .route("/v1/lineage/{node}", get(exports::lineage))
        .route("/v1/exports/{form}/{node}", get(exports::export))
        .layer(middleware::from_fn_with_state(api.clone(), etag));
    Router::new()
        .merge(cached)
        .route("/v1/status", get(accounts::status))
        .route("/v1/openapi.json", get(openapi::serve))
        .fallback(async || ApiError::not_found("there is nothing here; /v1/openapi.json says what there is"))
        .method_not_allowed_fallback(async || {
            ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "read_only", "this API only answers GET and HEAD")
        })
        .with_state(api)
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, TIMEOUT))
        .layer(
            CorsLayer::new()
                .allow_origin(Any)
                .allow_methods([Method::GET, Method::HEAD])
                .allow_headers([header::IF_NONE_MATCH])
                .expose_headers([header::ETAG, header::RETRY_AFTER, BLOCK_HEADER]),
        )
        .layer(middleware::map_response(async |mut response: Response| {
            response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
            response
        }))
}

/// Serves the API until `stop` ends.
///
/// # Errors
/// If the address cannot be listened on.
pub async fn serve(
    store: Store,
    progress: Option<watch::Receiver<Progress>>,
    address: SocketAddr,
    options: Options,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(SocketAddr, impl Future<Output = std::io::Result<()>>), IndexError> {
    let failed = |source| IndexError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    let router = limited(routes(Api { store, progress }), options);
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    Ok((bound, async move { axum::serve(listener, service).with_graceful_shutdown(stop).await }))
}

/// Limits how often an address may ask.
fn limited(router: Router, options: Options) -> Router {
    let period = Duration::from_secs(1) / options.per_second.max(1);
    let mut builder = GovernorConfigBuilder::default();
    builder.period(period).burst_size(options.burst.max(1));
    macro_rules! layer {
        ($builder:expr) => {{
            let config = Arc::new($builder.finish().expect("neither period nor burst is zero"));
            let limiter = config.limiter().clone();
            tokio::spawn(async move {
                loop {
                    tokio::time::sleep(FORGET).await;
                    limiter.retain_recent();
                }
            });
            router.layer(GovernorLayer::new(config).error_handler(|error| answer::too_many(error).into_response()))
        }};
    }
    match options.behind_proxy {
        true => layer!(builder.key_extractor(SmartIpKeyExtractor)),
        false => layer!(builder),
    }
}

/// Answers 304 to who has the answer as of the last change already.
///
/// The tag is read before the answer is made, which may be of a later block: who
/// keeps that one only asks once more.
async fn etag(Extension(api): Extension<Api>, request: Request, next: Next) -> Response {
    let state = match api.store.state().await.map(|state| state.ok_or(IndexError::Empty)) {
        Ok(Ok(state)) => state,
        Ok(Err(error)) | Err(error) => return ApiError::from(error).into_response(),
    };
    let changed = &state.changed;
    let tag = format!("\"{}-{}-{}\"", env!("CARGO_PKG_VERSION"), changed.number, &changed.hash.to_string()[2..18]);
    let known = request.headers().get_all(header::IF_NONE_MATCH).iter().any(|value| {
        let tags = value.to_str().unwrap_or_default();
        tags.split(',').map(|one| one.trim().trim_start_matches("W/")).any(|one| one == tag || one == "*")
    });
    let mut response = match known {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => next.run(request).await,
    };
    if response.status().is_success() || known {
        let value = |text: String| HeaderValue::from_str(&text).expect("digits and dots");
        let headers = response.headers_mut();
        headers.insert(header::ETAG, value(tag));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(BLOCK_HEADER, value(state.chain.block.number.to_string()));
    }
    response
}
