//! The database: SQLite or PostgreSQL, with the same tables
//! (`migrations/`) and the same queries.

mod lineage;
mod read;
mod write;

pub use lineage::Records;
pub use read::{Filter, Found, Page, Snapshot};

use crate::error::IndexError;
use assay_export::{BlockInfo, ChainInfo};
use serde::{Deserialize, Serialize};
use sqlx::{
    AnyPool, Executor,
    any::{AnyPoolOptions, install_default_drivers},
    migrate::Migrator,
};
use std::path::{Path, PathBuf};

static MIGRATIONS: Migrator = sqlx::migrate!();

/// Connections at the same time: one writes, the others serve.
const CONNECTIONS: u32 = 8;

/// The tables that hold records, in no order.
const TABLES: [&str; 14] = [
    "meta",
    "blocks",
    "datasets",
    "models",
    "jobs",
    "standings",
    "grants",
    "statements",
    "payments",
    "edges",
    "owner_changes",
    "events",
    "event_subjects",
    "names",
];

/// The index's database.
#[derive(Clone, Debug)]
pub struct Store {
    pool: AnyPool,
    kind: Kind,
    shown: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Sqlite,
    Postgres,
}

/// Where the index stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Which chain and contracts, and the block that was read last.
    pub chain: ChainInfo,
    /// The first block that was read.
    pub from: u64,
    /// The last block in which something changed; the first one before that.
    pub changed: BlockInfo,
}

impl Store {
    /// Opens a database and makes what is missing: `sqlite:FILE`, or
    /// `postgres://USER:PASSWORD@HOST/NAME`.
    ///
    /// # Errors
    /// If there is no such database, or another version made it.
    pub async fn open(url: &str) -> Result<Self, IndexError> {
        install_default_drivers();
        let (kind, url, shown) = match url.split_once(':') {
            Some(("sqlite", rest)) => {
                let path = Path::new(rest.trim_start_matches("//"));
                make_folder(path)?;
                (Kind::Sqlite, format!("sqlite:{}?mode=rwc", path.display()), format!("sqlite:{}", path.display()))
            }
            Some(("postgres" | "postgresql", rest)) => (Kind::Postgres, url.to_owned(), without_password(rest)),
            _ => return Err(IndexError::DatabaseUrl { scheme: url.split(':').next().unwrap_or_default().into() }),
        };
        let pool = AnyPoolOptions::new()
            .max_connections(CONNECTIONS)
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    if kind == Kind::Sqlite {
                        // Readers see the last commit while one writes. What a power cut may
                        // lose of the newest blocks is read from the chain again.
                        for pragma in ["journal_mode = WAL", "synchronous = NORMAL", "busy_timeout = 10000"] {
                            connection.execute(format!("PRAGMA {pragma}").as_str()).await?;
                        }
                    }
                    Ok(())
                })
            })
            .connect(&url)
            .await?;
        let store = Self { pool, kind, shown };
        MIGRATIONS.run(&store.pool).await?;
        Ok(store)
    }

    /// The database's URL without its password.
    pub fn url(&self) -> &str {
        &self.shown
    }

    /// A view of one moment, of which all parts belong together.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn snapshot(&self) -> Result<Snapshot, IndexError> {
        let mut transaction = self.pool.begin().await?;
        if self.kind == Kind::Postgres {
            transaction.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        }
        Ok(Snapshot::new(transaction))
    }

    /// Where the index stands; nothing before it has begun.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn state(&self) -> Result<Option<State>, IndexError> {
        self.snapshot().await?.state().await
    }

    /// Forgets everything.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn clear(&self) -> Result<(), IndexError> {
        let mut transaction = self.pool.begin().await?;
        for table in TABLES {
            transaction.execute(format!("DELETE FROM {table}").as_str()).await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}

fn make_folder(file: &Path) -> Result<(), IndexError> {
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(folder).map_err(|source| IndexError::Folder { path: PathBuf::from(folder), source })
}

/// A URL as it may be shown and logged.
fn without_password(url: &str) -> String {
    let rest = url.split_once("//").map_or(url, |(_, rest)| rest);
    let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    let host = host.split_once('?').map_or(host, |(host, _)| host);
    format!("postgres://{host}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_shown() {
        assert_eq!(without_password("//me:secret@db.example/assay?sslmode=x"), "postgres://db.example/assay");
        assert_eq!(without_password("///assay?host=/run/postgresql"), "postgres:///assay");
    }

    #[tokio::test]
    async fn other_databases_are_refused() {
        for url in ["mysql://x/y", "", "index.db"] {
            let error = Store::open(url).await.err().unwrap().to_string();
            assert!(error.contains("sqlite:FILE"), "{error}");
        }
    }
}
