//! By which URL others reach a server of this machine.

use crate::output::UsageError;
use anyhow::Context as _;
use std::net::SocketAddr;

/// The URL to announce for a server that is bound to `bound`.
///
/// # Errors
/// [`UsageError`] if there is no telling by which address others reach it, or
/// the URL given is none.
pub fn endpoint(given: Option<&str>, bound: SocketAddr) -> anyhow::Result<String> {
    match given {
        Some(url) if url.starts_with("http://") || url.starts_with("https://") => {
            Ok(url.trim_end_matches('/').to_owned())
        }
        Some(url) => Err(UsageError(format!("--endpoint {url}: give an http:// or https:// URL")).into()),
        None if bound.ip().is_unspecified() => Err(UsageError(format!(
            "--listen {bound} is every address of this machine: say with --endpoint by which URL others reach it"
        )))
        .context("no endpoint"),
        None => Ok(format!("http://{bound}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_endpoint_is_where_others_reach_the_server() {
        let bound: SocketAddr = "127.0.0.1:9955".parse().unwrap();
        assert_eq!(endpoint(None, bound).unwrap(), "http://127.0.0.1:9955");
        assert_eq!(endpoint(Some("https://a.example/x/"), bound).unwrap(), "https://a.example/x");
        assert!(endpoint(Some("a.example"), bound).unwrap_err().is::<UsageError>());
        let error = endpoint(None, "0.0.0.0:9955".parse().unwrap()).unwrap_err();
        assert!(format!("{error:#}").contains("--endpoint"), "{error:#}");
    }
}
