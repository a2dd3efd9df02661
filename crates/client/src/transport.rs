//! A WebSocket connection that comes back by itself.
//!
//! Requests are repeated after a lost connection, with growing and jittered
//! pauses. That is safe because every request that this crate makes may be
//! repeated: reads change nothing, and a transaction is only ever sent again as
//! the same signed bytes, which a chain includes once at most.

use crate::error::ConnectionError;
use assay_protocol::Hash;
use std::{
    sync::OnceLock,
    time::{Duration, Instant},
};
use subxt::rpcs::{
    RpcClient,
    client::{RpcParams, RpcSubscription},
};
use tokio::sync::{Mutex, watch};

/// How patiently a client deals with a node that does not answer.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// How long the first connection is tried for.
    pub first_connection: Duration,
    /// How long a request is tried for once the connection was lost.
    pub reconnection: Duration,
    /// How long one answer may take before the connection counts as lost.
    pub answer: Duration,
    /// How long a transaction is waited for until it is finalised.
    pub finality: Duration,
}

impl Patience {
    /// For a command that somebody waits for.
    pub const COMMAND: Patience = Patience {
        first_connection: Duration::from_secs(3),
        reconnection: Duration::from_secs(30),
        answer: Duration::from_secs(30),
        finality: Duration::from_secs(180),
    };

    /// For a daemon: outlives a node that is restarted or upgraded.
    pub const DAEMON: Patience = Patience {
        first_connection: Duration::from_secs(120),
        reconnection: Duration::from_secs(3600),
        answer: Duration::from_secs(30),
        finality: Duration::from_secs(600),
    };
}

impl Default for Patience {
    fn default() -> Self {
        Patience::COMMAND
    }
}

/// Pauses that double from 50 ms to 5 s, each drawn at random from the upper
/// half of its range, so that many clients do not come back at once.
#[derive(Debug)]
pub(crate) struct Backoff {
    ceiling: Duration,
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(50);
    const LAST: Duration = Duration::from_secs(5);

    pub(crate) fn new() -> Self {
        Self { ceiling: Self::FIRST }
    }

    /// The next pause.
    pub(crate) fn next(&mut self) -> Duration {
        let pause = self.ceiling.mul_f64(0.5 + 0.5 * fastrand::f64());
        self.ceiling = (self.ceiling * 2).min(Self::LAST);
        pause
    }
}

/// One connection.
#[derive(Clone)]
pub(crate) struct Live {
    generation: u64,
    client: RpcClient,
}

/// A connection to one node. Not cloned; held in an `Arc` by the chain.
pub(crate) struct Transport {
    url: String,
    patience: Patience,
    live: Mutex<Option<Live>>,
    genesis: OnceLock<Hash>,
    /// Counts connections; a change tells subscribers to subscribe again.
    generation: watch::Sender<u64>,
}

impl Transport {
    /// Connects for the first time.
    pub(crate) async fn connect(url: &str, patience: Patience) -> Result<Self, ConnectionError> {
        let bad = |reason: &str| ConnectionError::BadUrl { url: url.into(), reason: reason.into() };
        if !(url.starts_with("ws://") || url.starts_with("wss://")) {
            return Err(bad("it must start with ws:// or wss://"));
        }
        let transport = Self {
            url: url.into(),
            patience,
            live: Mutex::default(),
            genesis: OnceLock::new(),
            generation: watch::Sender::new(0),
        };
        let method = "chain_getBlockHash";
        let genesis = transport
            .with_deadline(patience.first_connection, method, |live| async move {
                live.client.request::<Hash>(method, rpc_params((0,))).await
            })
            .await?;
        // Nobody else has this transport yet, so nobody else can have set it.
        let _ = transport.genesis.set(genesis);
        Ok(transport)
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn patience(&self) -> Patience {
        self.patience
    }

    pub(crate) fn genesis(&self) -> Hash {
        *self.genesis.get().expect("set by connect")
    }

    /// Changes whenever a connection is made.
    pub(crate) fn generations(&self) -> watch::Receiver<u64> {
        self.generation.subscribe()
    }

    /// Makes a request; repeats it over reconnections.
    pub(crate) async fn request<T: serde::de::DeserializeOwned>(
        &self,
        method: &str,
        params: RpcParams,
    ) -> Result<T, ConnectionError> {
        self.with_deadline(self.patience.reconnection, method, |live| {
            let params = params.clone();
            async move { live.client.request(method, params).await }
        })
        .await
    }

    /// Subscribes on a connection, whose generation comes along: when that
    /// changes, the stream is dead, whether it says so or not.
    pub(crate) async fn subscribe<T: serde::de::DeserializeOwned + Send + 'static>(
        &self,
        method: &str,
        unsubscribe: &str,
    ) -> Result<(u64, RpcSubscription<T>), ConnectionError> {
        self.with_deadline(self.patience.reconnection, method, |live| async move {
            let subscription = live.client.subscribe(method, RpcParams::new(), unsubscribe).await?;
            Ok((live.generation, subscription))
        })
        .await
    }

    async fn with_deadline<T, F>(
        &self,
        patience: Duration,
        method: &str,
        attempt: impl Fn(Live) -> F,
    ) -> Result<T, ConnectionError>
    where
        F: Future<Output = Result<T, subxt::rpcs::Error>>,
    {
        use subxt::rpcs::Error as Rpc;
        let started = Instant::now();
        let mut backoff = Backoff::new();
        loop {
            let reason = match self.live().await? {
                Err(reason) => reason,
                Ok(live) => {
                    let answer = tokio::time::timeout(self.patience.answer, attempt(live.clone()));
                    let reason = match answer.await {
                        Ok(Ok(value)) => return Ok(value),
                        Ok(Err(Rpc::User(error))) => {
                            let data = error.data.map(|data| data.get().trim_matches('"').to_string());
                            let message = match data {
                                Some(data) => format!("{}: {data}", error.message),
                                None => error.message,
                            };
                            return Err(ConnectionError::Refused {
                                url: self.url.clone(),
                                method: method.into(),
                                code: error.code,
                                message,
                            });
                        }
                        Ok(Err(error @ (Rpc::Deserialization(_) | Rpc::Decode(_) | Rpc::Serialization(_)))) => {
                            return Err(ConnectionError::BadAnswer {
                                url: self.url.clone(),
                                method: method.into(),
                                reason: error.to_string(),
                            });
                        }
                        Ok(Err(error)) => root_cause(&error),
                        Err(_) => format!("no answer to {method} in {:?}", self.patience.answer),
                    };
                    self.drop_connection(live.generation).await;
                    reason
                }
            };
            if started.elapsed() >= patience {
                return Err(ConnectionError::Unreachable { url: self.url.clone(), reason });
            }
            let pause = backoff.next().min(patience.saturating_sub(started.elapsed()));
            tracing::debug!(url = self.url, reason, ?pause, "connection lost, trying again");
            tokio::time::sleep(pause).await;
        }
    }

    /// The connection, made anew if there is none. The inner error is one that
    /// may pass.
    async fn live(&self) -> Result<Result<Live, String>, ConnectionError> {
        let mut live = self.live.lock().await;
        if let Some(live) = &*live {
            return Ok(Ok(live.clone()));
        }
        let connecting = RpcClient::from_insecure_url(&self.url);
        let client = match tokio::time::timeout(self.patience.answer, connecting).await {
            Ok(Ok(client)) => client,
            Ok(Err(error)) => return Ok(Err(root_cause(&error))),
            Err(_) => return Ok(Err(format!("no connection in {:?}", self.patience.answer))),
        };
        if let Some(expected) = self.genesis.get() {
            let asking = client.request::<Hash>("chain_getBlockHash", rpc_params((0,)));
            match tokio::time::timeout(self.patience.answer, asking).await {
                Ok(Ok(found)) if found == *expected => {}
                Ok(Ok(found)) => {
                    return Err(ConnectionError::OtherChain { url: self.url.clone(), expected: *expected, found });
                }
                Ok(Err(error)) => return Ok(Err(root_cause(&error))),
                Err(_) => return Ok(Err(format!("no answer in {:?}", self.patience.answer))),
            }
        }
        let generation = *self.generation.borrow() + 1;
        let fresh = Live { generation, client };
        *live = Some(fresh.clone());
        self.generation.send_replace(generation);
        tracing::debug!(url = self.url, generation, "connected");
        Ok(Ok(fresh))
    }

    async fn drop_connection(&self, generation: u64) {
        let mut live = self.live.lock().await;
        if live.as_ref().is_some_and(|live| live.generation == generation) {
            *live = None;
        }
    }
}

/// The innermost error, which is the one that says something ("connection refused").
fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// Positional parameters of a request.
pub(crate) fn rpc_params(values: impl IntoParams) -> RpcParams {
    values.into_params()
}

/// Tuples that can be a request's parameters.
pub(crate) trait IntoParams {
    fn into_params(self) -> RpcParams;
}

macro_rules! into_params {
    ($($name:ident),+) => {
        impl<$($name: serde::Serialize),+> IntoParams for ($($name,)+) {
            fn into_params(self) -> RpcParams {
                #[allow(non_snake_case)]
                let ($($name,)+) = self;
                let mut params = RpcParams::new();
                $(params.push($name).expect("numbers and texts are JSON");)+
                params
            }
        }
    };
}
into_params!(A);
into_params!(A, B);
into_params!(A, B, C);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_limit_and_are_jittered() {
        let mut backoff = Backoff::new();
        let pauses: Vec<Duration> = (0..40).map(|_| backoff.next()).collect();
        assert!(pauses[0] >= Backoff::FIRST / 2 && pauses[0] <= Backoff::FIRST);
        for pause in &pauses[10..] {
            assert!(*pause >= Backoff::LAST / 2 && *pause <= Backoff::LAST, "{pause:?}");
        }
        assert!(pauses[10..].windows(2).any(|pair| pair[0] != pair[1]));
    }

    #[tokio::test]
    async fn a_url_that_is_none_is_refused_at_once() {
        for url in ["127.0.0.1:9944", "http://127.0.0.1:9944", ""] {
            let error = Transport::connect(url, Patience::COMMAND).await.err().unwrap();
            assert!(matches!(error, ConnectionError::BadUrl { .. }), "{error}");
        }
    }

    #[tokio::test]
    async fn a_node_that_is_not_there_is_said_to_be_so() {
        // A port that was free a moment ago and that nobody listens on.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let patience = Patience { first_connection: Duration::from_millis(200), ..Patience::COMMAND };
        let url = format!("ws://127.0.0.1:{port}");
        let error = Transport::connect(&url, patience).await.err().unwrap().to_string();
        assert!(error.contains(&url) && error.contains("refused"), "{error}");
    }

    /// Accepts connections and says `words` on each, then nothing.
    async fn odd_server(words: &'static [u8]) -> u16 {
        use tokio::io::AsyncWriteExt;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let mut kept = Vec::new();
            while let Ok((mut socket, _)) = listener.accept().await {
                // The client may have gone away already.
                let _ = socket.write_all(words).await;
                kept.push(socket);
            }
        });
        port
    }

    #[tokio::test]
    async fn a_server_that_stalls_or_is_none_is_not_waited_for() {
        let short = Duration::from_millis(300);
        let patience = Patience { first_connection: short, answer: short, ..Patience::COMMAND };
        for words in [&b""[..], b"HTTP/1.1 400 Bad Request\r\n\r\n", b"220 mail ready\r\n"] {
            let port = odd_server(words).await;
            for scheme in ["ws", "wss"] {
                let url = format!("{scheme}://127.0.0.1:{port}");
                let trying = tokio::time::timeout(Duration::from_secs(10), Transport::connect(&url, patience));
                let error = trying.await.expect("gives up in time").err().unwrap();
                assert!(matches!(error, ConnectionError::Unreachable { .. }), "{error}");
                assert!(error.to_string().contains(&url), "{error}");
            }
        }
    }
}
