//! The fetcher against servers that work, lie, stall and break.

use assay_content::{FetchError, Fetcher, Kind, Store, serve};
use assay_protocol::Hash;
use assay_protocol::hash::{Native, Sha256};
use std::future::pending;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const QUIET: assay_content::Progress<'static> = &|_, _| ();

fn fetcher() -> Fetcher {
    Fetcher::new(Duration::from_millis(300))
}

async fn serving(store: &Store) -> String {
    let router = serve::router(store.clone());
    let (address, server) = serve::serve(router, "127.0.0.1:0".parse().unwrap(), pending()).await.unwrap();
    tokio::spawn(server);
    format!("http://{address}")
}

/// A server that answers every request with `answer` and then does what `hold` says.
async fn scripted(answer: &'static str, hold: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = [0; 1024];
                let _ = stream.read(&mut request).await;
                stream.write_all(answer.as_bytes()).await.unwrap();
                if hold {
                    pending::<()>().await;
                }
            });
        }
    });
    format!("http://{address}")
}

#[tokio::test]
async fn content_comes_back_as_it_was_put() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let hash = store.put_blob(&[7; 100_000]).unwrap();
    let root = Native.sha256(b"root");
    store.put_state(&root, b"state").unwrap();
    let endpoints = [serving(&store).await];
    let blob = fetcher().blob(&endpoints, &hash, 100_000, QUIET).await.unwrap();
    assert_eq!(blob, [7; 100_000]);
    let state = fetcher().state(&endpoints, &root, 100, QUIET, Ok).await.unwrap();
    assert_eq!(state, b"state");
}

#[tokio::test]
async fn a_limit_is_kept_whatever_the_server_says() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let hash = store.put_blob(&[7; 1_000]).unwrap();
    let endpoint = serving(&store).await;
    let error = fetcher().get(&format!("{endpoint}/blob/{hash}"), 999, QUIET).await.unwrap_err();
    assert!(matches!(error, FetchError::TooLarge { limit: 999, .. }), "{error}");
    // Without a length, the bytes themselves are counted.
    let endless = scripted("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n0123456789", false).await;
    let error = fetcher().get(&endless, 9, QUIET).await.unwrap_err();
    assert!(matches!(error, FetchError::TooLarge { limit: 9, .. }), "{error}");
}

#[tokio::test]
async fn a_server_that_lies_about_the_length_is_found_out() {
    let server = scripted("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n0123456789", false).await;
    let error = fetcher().get(&server, 100, QUIET).await.unwrap_err();
    assert!(matches!(error, FetchError::Truncated { got: 10, announced: 20, .. }), "{error}");
}

#[tokio::test]
async fn a_server_that_stalls_is_given_up() {
    for answer in ["", "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n0123456789"] {
        let server = scripted(answer, true).await;
        let error = fetcher().get(&server, 100, QUIET).await.unwrap_err();
        assert!(matches!(error, FetchError::Stalled { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_drips_its_bytes_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 1024];
        let _ = stream.read(&mut request).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n").await.unwrap();
        // Never a stall, and never an end.
        let mut pace = tokio::time::interval(Duration::from_millis(50));
        while stream.write_all(b"0").await.is_ok() {
            pace.tick().await;
        }
    });
    let error = fetcher().get(&server, 1_000_000, QUIET).await.unwrap_err();
    assert!(matches!(error, FetchError::Slow { got: 1.., .. }), "{error}");
}

#[tokio::test]
async fn wrong_bytes_are_refused_and_the_next_source_is_asked() {
    let hash = Native.sha256(b"0123456789");
    let liar = scripted("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n012345678X", false).await;
    let missing = scripted("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", false).await;
    let honest = scripted("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789", false).await;
    let both = [missing.clone(), liar.clone()];
    let error = fetcher().blob(&both, &hash, 100, QUIET).await.unwrap_err().to_string();
    assert!(error.contains("404") && error.contains("served other content"), "{error}");
    let all = [missing, liar, honest];
    assert_eq!(fetcher().blob(&all, &hash, 100, QUIET).await.unwrap(), b"0123456789");
}

#[tokio::test]
async fn places_that_do_not_exist_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("nothing").display().to_string();
    let error = fetcher().allow_local(true).get(&place, 1, QUIET).await.unwrap_err().to_string();
    assert!(error.starts_with(&place), "{error}");
    let error = fetcher().get("ftp://host/file", 1, QUIET).await.unwrap_err();
    assert!(matches!(error, FetchError::UnknownPlace { .. }), "{error}");
    let error = fetcher().blob(&[], &Hash::default(), 1, QUIET).await.unwrap_err();
    assert!(matches!(error, FetchError::NoPlaces { .. }), "{error}");
    // Bound and dropped: nobody listens there.
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = fetcher().get(&format!("http://{closed}"), 1, QUIET).await.unwrap_err().to_string();
    assert!(error.contains("refused"), "{error}");
}

#[tokio::test]
async fn a_folder_of_this_machine_is_read_only_if_its_user_named_it() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("data"), b"0123456789").unwrap();
    let path = folder.path().display().to_string();
    for place in [path.clone(), format!("file://{path}")] {
        let places = [place.clone()];
        let get = async |fetcher: Fetcher| fetcher.file(&places, "data", 10, QUIET, |_| Ok(())).await;
        let error = get(fetcher()).await.unwrap_err().to_string();
        assert!(error.contains("--allow-local-locations"), "{error}");
        let beside = [folder.path().parent().unwrap().display().to_string()];
        get(fetcher().with_named(&beside)).await.unwrap_err();
        assert_eq!(get(fetcher().with_named(&places)).await.unwrap(), b"0123456789");
        assert_eq!(get(fetcher().allow_local(true)).await.unwrap(), b"0123456789");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_device_is_not_read() {
    // It has no length and no end.
    let error = fetcher().allow_local(true).get("file:///dev/zero", 10, QUIET).await.unwrap_err().to_string();
    assert!(error.contains("not a file"), "{error}");
}

#[tokio::test]
async fn odd_requests_get_plain_answers() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    std::fs::write(folder.path().join("secret"), b"x").unwrap();
    let endpoint = serving(&store).await;
    for path in ["blob/../secret", "blob/..%2fsecret", "blob/0x12", "secret"] {
        assert!(fetcher().get(&format!("{endpoint}/{path}"), 10, QUIET).await.is_err(), "{path}");
    }
    assert!(!store.has(Kind::Blob, &Hash::default()));
}

#[tokio::test]
async fn a_taken_port_is_reported() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let router = serve::folder_router(".");
    let result = serve::serve(router, taken.local_addr().unwrap(), pending()).await;
    let error = result.err().expect("the port is taken").to_string();
    assert!(error.contains("--listen"), "{error}");
}
