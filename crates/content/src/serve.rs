//! An HTTP server over a store or a plain folder.
//!
//! | path | gives |
//! | --- | --- |
//! | `/blob/0x…` | the blob with this SHA-256 |
//! | `/state/0x…` | the checkpoint with this state root |
//! | `/leaves/0x…` | the leaves of the commitment with this root |
//! | `/health` | `ok` |

use crate::store::{Kind, Store};
use assay_protocol::Hash;
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use tokio::net::TcpListener;
use tokio_util::io::ReaderStream;

async fn content(kind: Kind, store: Store, hash: String) -> Response {
    let Ok(hash) = hash.parse::<Hash>() else {
        return (StatusCode::BAD_REQUEST, "the path must end in 0x and 64 hex digits\n").into_response();
    };
    let file = match tokio::fs::File::open(store.path(kind, &hash)).await {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return (StatusCode::NOT_FOUND, format!("no {} {hash} here\n", kind.folder())).into_response();
        }
        Err(error) => {
            tracing::error!(%hash, %error, "cannot read content");
            return (StatusCode::INTERNAL_SERVER_ERROR, "cannot read the content\n").into_response();
        }
    };
    let length = match file.metadata().await {
        Ok(metadata) => metadata.len(),
        Err(error) => {
            tracing::error!(%hash, %error, "cannot read content");
            return (StatusCode::INTERNAL_SERVER_ERROR, "cannot read the content\n").into_response();
        }
    };
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_LENGTH, length.to_string()),
        // A hash never names other bytes.
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable".to_owned()),
    ];
    (headers, Body::from_stream(ReaderStream::new(file))).into_response()
}

/// The routes over a store.
pub fn router(store: Store) -> Router {
    Router::new()
        .route("/health", get(|| async { "ok\n" }))
        .route("/blob/{hash}", get(|State(store): State<Store>, Path(hash)| content(Kind::Blob, store, hash)))
        .route("/state/{hash}", get(|State(store): State<Store>, Path(hash)| content(Kind::State, store, hash)))
        .route("/leaves/{hash}", get(|State(store): State<Store>, Path(hash)| content(Kind::Leaves, store, hash)))
        .with_state(store)
}

/// The routes over a store's checkpoints alone: a store may hold data that its
/// owner sells.
pub fn checkpoint_router(store: Store) -> Router {
    Router::new()
        .route("/health", get(|| async { "ok\n" }))
        .route("/state/{hash}", get(|State(store): State<Store>, Path(hash)| content(Kind::State, store, hash)))
        .with_state(store)
}

/// The routes over a plain folder: each file under its path. For data owners.
pub fn folder_router(folder: impl AsRef<std::path::Path>) -> Router {
    Router::new()
        .route("/health", get(|| async { "ok\n" }))
        .fallback_service(tower_http::services::ServeDir::new(folder))
}

/// Binds `address` and serves `router` until `shutdown` resolves; returns the
/// bound address (of use with port 0) and the server's future.
///
/// # Errors
/// If the address cannot be bound: it is taken, or not this machine's.
pub async fn serve(
    router: Router,
    address: SocketAddr,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<(SocketAddr, impl Future<Output = io::Result<()>>)> {
    let listener = TcpListener::bind(address).await.map_err(|error| {
        io::Error::new(error.kind(), format!("cannot listen on {address}: {error}; choose another port with --listen"))
    })?;
    let bound = listener.local_addr()?;
    Ok((bound, async move { axum::serve(listener, router).with_graceful_shutdown(shutdown).await }))
}
