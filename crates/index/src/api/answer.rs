//! Errors as the API answers them, and JSON.

use crate::error::IndexError;
use assay_export::ExportError;
use axum::{
    Json,
    extract::rejection::{PathRejection, QueryRejection},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use tower_governor::GovernorError;
use utoipa::ToSchema;

/// What is wrong.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ErrorDetail {
    /// For programs: `bad_request`, `not_found`, `read_only`, `too_many_requests`,
    /// `not_ready` or `internal`.
    pub code: &'static str,
    /// For people: what is wrong and what to do.
    pub message: String,
}

/// The body of every answer that is an error.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ErrorBody {
    /// What is wrong.
    pub error: ErrorDetail,
}

/// An error with its status.
#[derive(Clone, Debug)]
pub struct ApiError {
    status: StatusCode,
    retry_after: Option<u64>,
    detail: ErrorDetail,
}

impl ApiError {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, retry_after: None, detail: ErrorDetail { code, message: message.into() } }
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", message)
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    fn after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds.max(1));
        self
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(ErrorBody { error: self.detail })).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<IndexError> for ApiError {
    fn from(error: IndexError) -> Self {
        match error {
            IndexError::Empty => Self::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", error.to_string()).after(2),
            // What is wrong inside is for the log: it may name files and hosts.
            error => {
                tracing::error!("cannot answer a request: {error}");
                let message = "the index cannot answer; its log says why";
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
            }
        }
    }
}

impl From<ExportError> for ApiError {
    fn from(error: ExportError) -> Self {
        Self::bad_request(error.to_string())
    }
}

impl From<QueryRejection> for ApiError {
    fn from(rejection: QueryRejection) -> Self {
        Self::bad_request(rejection.body_text())
    }
}

impl From<PathRejection> for ApiError {
    fn from(rejection: PathRejection) -> Self {
        Self::bad_request(rejection.body_text())
    }
}

/// To who asks too often.
pub(super) fn too_many(error: GovernorError) -> ApiError {
    match error {
        GovernorError::TooManyRequests { wait_time, .. } => {
            let message = format!("too many requests from your address: try again in {} s", wait_time.max(1));
            ApiError::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", message).after(wait_time)
        }
        GovernorError::UnableToExtractKey | GovernorError::Other { .. } => {
            ApiError::bad_request("the request does not say where it comes from")
        }
    }
}
