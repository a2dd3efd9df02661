//! The API's description for programs, OpenAPI 3.1.

use super::{accounts, exports, lists, records};
use axum::Json;
use utoipa::{OpenApi, openapi::OpenApi as Description};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Assay index",
        description = "Records, history and lineage of an Assay deployment. Read-only. Sums are decimal strings in \
                       10^-18 of a token, times seconds since 1970 by the chain's clock, accounts addresses of 20 bytes.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    paths(
        accounts::status,
        lists::datasets,
        records::dataset,
        lists::models,
        records::model,
        lists::jobs,
        records::job,
        records::contributions,
        lists::payments,
        lists::operators,
        records::operator,
        lists::verifiers,
        records::verifier,
        lists::grants,
        lists::statements,
        lists::owners,
        lists::events,
        accounts::account,
        accounts::search,
        exports::lineage,
        exports::export,
    )
)]
struct Documented;

/// The description. `docs/openapi.json` is it, written out.
pub fn openapi() -> Description {
    Documented::openapi()
}

pub(super) async fn serve() -> Json<Description> {
    Json(openapi())
}
