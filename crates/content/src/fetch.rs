//! Getting content from places that nobody vouches for.

use assay_protocol::Hash;
use assay_protocol::hash::{Native, Sha256};
use futures_util::StreamExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::store::Kind;

/// Least bytes a second, on average, beyond the time that a stall may take: a
/// server that drips its bytes would else hold its reader for ever.
const LEAST_RATE: u64 = 32 << 10;

/// Bytes had so far, and all that will come if that is known.
pub type Progress<'a> = &'a (dyn Fn(u64, Option<u64>) + Sync);

/// Why a fetch failed.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The place is neither a URL that is understood nor a folder.
    #[error("{place}: not a place to fetch from; use http:// or https://")]
    UnknownPlace {
        /// The place.
        place: String,
    },
    /// The place is on this machine, and its user did not name it.
    #[error("{place}: a place on this machine, named by others; it is read only with --allow-local-locations")]
    LocalPlace {
        /// The place.
        place: String,
    },
    /// The server or disk failed.
    #[error("{place}: {reason}")]
    Unreachable {
        /// Where.
        place: String,
        /// What the server, the network or the disk said.
        reason: String,
    },
    /// Nothing came for a while.
    #[error("{place}: no byte for {seconds} s; the server stalls")]
    Stalled {
        /// Where.
        place: String,
        /// How long was waited.
        seconds: u64,
    },
    /// The bytes come so slowly that they may never all be here.
    #[error("{place}: {got} bytes in {seconds} s; the server is too slow")]
    Slow {
        /// Where.
        place: String,
        /// Bytes that came.
        got: u64,
        /// In how many seconds.
        seconds: u64,
    },
    /// More bytes than expected.
    #[error("{place}: more than the {limit} bytes that this content may have")]
    TooLarge {
        /// Where.
        place: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// Fewer bytes than announced.
    #[error("{place}: ended after {got} of {announced} bytes")]
    Truncated {
        /// Where.
        place: String,
        /// Bytes that came.
        got: u64,
        /// Bytes that were announced.
        announced: u64,
    },
    /// The bytes are not those asked for.
    #[error("{place}: served other content than asked for ({reason})")]
    WrongContent {
        /// Where.
        place: String,
        /// How they differ.
        reason: String,
    },
    /// All places failed.
    #[error("{what} could not be fetched: {}", .failures.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    AllFailed {
        /// What was asked for.
        what: String,
        /// The failure of each place.
        failures: Vec<FetchError>,
    },
    /// Nobody is known to have it.
    #[error("{what} could not be fetched: no place to fetch it from is known")]
    NoPlaces {
        /// What was asked for.
        what: String,
    },
}

/// Gets content over HTTP(S), and from the folders that its user named.
///
/// Most places are named on chain, by anybody: a file, device or pipe of this
/// machine that a stranger names is not opened.
#[derive(Clone, Debug)]
pub struct Fetcher {
    client: reqwest::Client,
    stall: Duration,
    /// Places that may be on this machine.
    named: Vec<String>,
    any_local: bool,
}

impl Default for Fetcher {
    fn default() -> Self {
        Self::new(Duration::from_secs(15))
    }
}

impl Fetcher {
    /// A fetcher that gives a source up when no byte has come for `stall`.
    ///
    /// # Panics
    /// If the TLS library cannot be set up, which no input causes.
    pub fn new(stall: Duration) -> Self {
        // An error means that one is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .connect_timeout(stall)
            .redirect(reqwest::redirect::Policy::limited(3))
            .user_agent(concat!("assay/", env!("CARGO_PKG_VERSION")))
            .build()
            .expect("the HTTP client has constant settings");
        Self { client, stall, named: vec![], any_local: false }
    }

    /// Reads folders of this machine too, whoever names them, if `allowed`.
    #[must_use]
    pub fn allow_local(mut self, allowed: bool) -> Self {
        self.any_local = allowed;
        self
    }

    /// Reads these places even if they are folders: the user of this machine named them.
    #[must_use]
    pub fn with_named(mut self, places: &[String]) -> Self {
        self.named.extend_from_slice(places);
        self
    }

    /// The bytes at `place` (a URL, or a path that may be read), at most `limit`.
    ///
    /// # Errors
    /// See [`FetchError`].
    pub async fn get(&self, place: &str, limit: u64, progress: Progress<'_>) -> Result<Vec<u8>, FetchError> {
        self.get_below(place, place, limit, progress).await
    }

    /// The bytes at `place`, which is `base` or below it.
    async fn get_below(
        &self,
        base: &str,
        place: &str,
        limit: u64,
        progress: Progress<'_>,
    ) -> Result<Vec<u8>, FetchError> {
        if let Some(path) = as_path(place) {
            if !self.any_local && !self.named.iter().any(|named| named == base) {
                return Err(FetchError::LocalPlace { place: place.to_owned() });
            }
            return read_file(place, &path, limit, progress).await;
        }
        if !place.starts_with("http://") && !place.starts_with("https://") {
            return Err(FetchError::UnknownPlace { place: place.to_owned() });
        }
        let unreachable =
            |error: reqwest::Error| FetchError::Unreachable { place: place.to_owned(), reason: root_cause(&error) };
        let stalled = |_| FetchError::Stalled { place: place.to_owned(), seconds: self.stall.as_secs() };
        let response = tokio::time::timeout(self.stall, self.client.get(place).send())
            .await
            .map_err(stalled)?
            .map_err(unreachable)?;
        if !response.status().is_success() {
            return Err(FetchError::Unreachable {
                place: place.to_owned(),
                reason: format!("the server answers {}", response.status()),
            });
        }
        let announced = response.content_length();
        let too_large = || FetchError::TooLarge { place: place.to_owned(), limit };
        if announced.is_some_and(|length| length > limit) {
            return Err(too_large());
        }
        let started = tokio::time::Instant::now();
        // Grown as bytes come: an announced length is not believed.
        let mut bytes = Vec::new();
        let mut stream = response.bytes_stream();
        while let Some(chunk) = tokio::time::timeout(self.stall, stream.next()).await.map_err(stalled)? {
            let chunk = match (chunk, announced) {
                (Ok(chunk), _) => chunk,
                (Err(_), Some(announced)) if (bytes.len() as u64) < announced => {
                    return Err(FetchError::Truncated { place: place.to_owned(), got: bytes.len() as u64, announced });
                }
                (Err(error), _) => return Err(unreachable(error)),
            };
            if (bytes.len() + chunk.len()) as u64 > limit {
                return Err(too_large());
            }
            bytes.extend_from_slice(&chunk);
            let (got, elapsed) = (bytes.len() as u64, started.elapsed());
            if elapsed > self.stall.saturating_mul(2) + Duration::from_secs(got / LEAST_RATE) {
                return Err(FetchError::Slow { place: place.to_owned(), got, seconds: elapsed.as_secs() });
            }
            progress(got, announced);
        }
        Ok(bytes)
    }

    async fn first<T>(
        &self,
        what: String,
        bases: &[String],
        path: &str,
        limit: u64,
        progress: Progress<'_>,
        check: impl Fn(Vec<u8>) -> Result<T, String>,
    ) -> Result<T, FetchError> {
        let mut failures = Vec::new();
        for base in bases {
            let place = join(base, path);
            let failure = match self.get_below(base, &place, limit, progress).await {
                Ok(bytes) => match check(bytes) {
                    Ok(content) => return Ok(content),
                    Err(reason) => FetchError::WrongContent { place, reason },
                },
                Err(error) => error,
            };
            tracing::debug!(%failure, "a source failed");
            failures.push(failure);
        }
        match failures.len() {
            0 => Err(FetchError::NoPlaces { what }),
            _ => Err(FetchError::AllFailed { what, failures }),
        }
    }

    /// The blob `hash` from the first of the `endpoints` (servers as in
    /// [`crate::serve`]) that has it.
    ///
    /// # Errors
    /// What each endpoint did instead.
    pub async fn blob(
        &self,
        endpoints: &[String],
        hash: &Hash,
        limit: u64,
        progress: Progress<'_>,
    ) -> Result<Vec<u8>, FetchError> {
        let path = format!("{}/{hash}", Kind::Blob.folder());
        self.first(format!("blob {hash}"), endpoints, &path, limit, progress, |bytes| check_hash(bytes, hash)).await
    }

    /// The checkpoint with state root `root` from the first of the `endpoints`
    /// that has it; `check` decodes the bytes and refuses those with another root.
    ///
    /// # Errors
    /// What each endpoint did instead.
    pub async fn state<T>(
        &self,
        endpoints: &[String],
        root: &Hash,
        limit: u64,
        progress: Progress<'_>,
        check: impl Fn(Vec<u8>) -> Result<T, String>,
    ) -> Result<T, FetchError> {
        let path = format!("{}/{root}", Kind::State.folder());
        self.first(format!("checkpoint {root}"), endpoints, &path, limit, progress, check).await
    }

    /// The leaves of the commitment with Merkle root `root` from the first of the
    /// `endpoints` that has them; `check` decodes the bytes and refuses those
    /// with another root.
    ///
    /// # Errors
    /// What each endpoint did instead.
    pub async fn leaves<T>(
        &self,
        endpoints: &[String],
        root: &Hash,
        limit: u64,
        check: impl Fn(Vec<u8>) -> Result<T, String>,
    ) -> Result<T, FetchError> {
        let path = format!("{}/{root}", Kind::Leaves.folder());
        self.first(format!("leaves {root}"), endpoints, &path, limit, &|_, _| (), check).await
    }

    /// The file `path` of SHA-256 `hash` below the first of the `locations`
    /// (URLs or folders) that has it.
    ///
    /// # Errors
    /// What each location did instead.
    pub async fn file(
        &self,
        locations: &[String],
        path: &str,
        limit: u64,
        progress: Progress<'_>,
        check: impl Fn(&[u8]) -> Result<(), String>,
    ) -> Result<Vec<u8>, FetchError> {
        let check = |bytes: Vec<u8>| check(&bytes).map(|()| bytes);
        self.first(path.to_owned(), locations, path, limit, progress, check).await
    }
}

fn check_hash(bytes: Vec<u8>, hash: &Hash) -> Result<Vec<u8>, String> {
    match Native.sha256(&bytes) {
        found if found == *hash => Ok(bytes),
        found => Err(format!("its SHA-256 is {found}")),
    }
}

fn join(base: &str, path: &str) -> String {
    format!("{}/{path}", base.trim_end_matches('/'))
}

/// The path that `place` names, unless it is a URL of another kind.
fn as_path(place: &str) -> Option<PathBuf> {
    match place.strip_prefix("file://") {
        Some(path) => Some(path.into()),
        None => (!place.contains("://")).then(|| place.into()),
    }
}

async fn read_file(place: &str, path: &Path, limit: u64, progress: Progress<'_>) -> Result<Vec<u8>, FetchError> {
    let failed = |error: std::io::Error| FetchError::Unreachable { place: place.to_owned(), reason: error.to_string() };
    let metadata = tokio::fs::metadata(path).await.map_err(failed)?;
    // A device has no length and no end, and a pipe may never open.
    if !metadata.is_file() {
        return Err(failed(std::io::Error::other("not a file")));
    }
    let length = metadata.len();
    if length > limit {
        return Err(FetchError::TooLarge { place: place.to_owned(), limit });
    }
    let bytes = tokio::fs::read(path).await.map_err(failed)?;
    progress(bytes.len() as u64, Some(length));
    Ok(bytes)
}

/// The innermost cause says "connection refused"; the outer ones only "error sending request".
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
