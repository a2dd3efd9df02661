//! The chain on disk.
//!
//! Substrate's own ParityDb applies a commit in the background: what was
//! finalised in the last moments before the process is killed can be gone. Here
//! a commit is one transaction of `redb`, which has reached the disk when the
//! call returns. A block is only announced after that, so a block that a client
//! has seen survives any way for the process to end, and a power cut too.

use redb::{Database as Redb, ReadOnlyTable, ReadableDatabase, ReadableTable, TableDefinition};
use sc_client_db::DbHash;
use sp_database::{error::DatabaseError, Change, ColumnId, Database, Transaction};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError, RwLock},
};

/// The store's file inside the base path.
pub const FILE_NAME: &str = "chain.redb";

type Bytes = &'static [u8];
/// Values, keyed by column and key.
const VALUES: TableDefinition<Bytes, Bytes> = TableDefinition::new("values");
/// How often a value of a reference-counted column is wanted.
const COUNTS: TableDefinition<Bytes, u32> = TableDefinition::new("counts");

/// Why the store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open.
    #[error(
        "the chain in {0} is in use by another assay-node: stop that one, or choose another \
         --base-path"
    )]
    Locked(PathBuf),
    /// The folder cannot be made or written.
    #[error("cannot use {0} as --base-path: {1}")]
    Folder(PathBuf, io::Error),
    /// The file is not a store, or is damaged.
    #[error(
        "cannot open the chain in {0}: {1}; choose another --base-path, or move the folder away \
         to start afresh"
    )]
    Unreadable(PathBuf, Box<redb::Error>),
}

/// A key-value store in one file.
pub struct Store {
    db: Redb,
    /// What is committed. Reading needs no transaction of its own this way.
    view: RwLock<ReadOnlyTable<Bytes, Bytes>>,
    /// Held while committing, so that `view` never steps back.
    commit: Mutex<()>,
}

impl Store {
    /// Opens the store in `folder`, which is created if need be.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(folder: &Path) -> Result<Self, OpenError> {
        fs::create_dir_all(folder).map_err(|e| OpenError::Folder(folder.to_owned(), e))?;
        let unreadable = |e: redb::Error| match e {
            redb::Error::DatabaseAlreadyOpen => OpenError::Locked(folder.to_owned()),
            redb::Error::Io(e) => OpenError::Folder(folder.to_owned(), e),
            e => OpenError::Unreadable(folder.to_owned(), Box::new(e)),
        };
        let db = Redb::create(folder.join(FILE_NAME)).map_err(|e| unreadable(e.into()))?;
        let view = Self::prepare(&db).map_err(unreadable)?;
        Ok(Self { db, view: RwLock::new(view), commit: Mutex::new(()) })
    }

    /// Makes sure that the tables exist.
    fn prepare(db: &Redb) -> Result<ReadOnlyTable<Bytes, Bytes>, redb::Error> {
        let write = db.begin_write()?;
        write.open_table(VALUES)?;
        write.open_table(COUNTS)?;
        write.commit()?;
        Ok(db.begin_read()?.open_table(VALUES)?)
    }

    fn apply(&self, transaction: Transaction<DbHash>) -> Result<(), redb::Error> {
        // A poisoned lock guards no data that could be half changed.
        let _committing = self.commit.lock().unwrap_or_else(PoisonError::into_inner);
        let mut write = self.db.begin_write()?;
        // Costs a little at each commit and saves reading the whole file after a
        // crash.
        write.set_quick_repair(true);
        {
            let mut values = write.open_table(VALUES)?;
            let mut counts = write.open_table(COUNTS)?;
            for change in transaction.0 {
                match change {
                    Change::Set(column, key, value) => {
                        values.insert(&*full_key(column, &key), &*value)?;
                    }
                    Change::Remove(column, key) => {
                        values.remove(&*full_key(column, &key))?;
                    }
                    Change::Store(column, hash, value) => {
                        let key = full_key(column, hash.as_ref());
                        let count = counts.get(&*key)?.map_or(0, |count| count.value());
                        if count == 0 {
                            values.insert(&*key, &*value)?;
                        }
                        counts.insert(&*key, count + 1)?;
                    }
                    Change::Reference(column, hash) => {
                        let key = full_key(column, hash.as_ref());
                        let count = counts.get(&*key)?.map(|count| count.value());
                        if let Some(count) = count {
                            counts.insert(&*key, count + 1)?;
                        }
                    }
                    Change::Release(column, hash) => {
                        let key = full_key(column, hash.as_ref());
                        let count = counts.get(&*key)?.map(|count| count.value());
                        match count {
                            Some(1) => {
                                counts.remove(&*key)?;
                                values.remove(&*key)?;
                            }
                            Some(count) => {
                                counts.insert(&*key, count - 1)?;
                            }
                            None => {}
                        }
                    }
                }
            }
        }
        write.commit()?;
        let view = self.db.begin_read()?.open_table(VALUES)?;
        *self.view.write().unwrap_or_else(PoisonError::into_inner) = view;
        Ok(())
    }
}

impl Database<DbHash> for Store {
    fn commit(&self, transaction: Transaction<DbHash>) -> Result<(), DatabaseError> {
        self.apply(transaction).map_err(|error| DatabaseError(Box::new(error)))
    }

    fn get(&self, column: ColumnId, key: &[u8]) -> Option<Vec<u8>> {
        let view = self.view.read().unwrap_or_else(PoisonError::into_inner);
        match view.get(&*full_key(column, key)) {
            Ok(value) => value.map(|value| value.value().to_vec()),
            // The trait has no way to say that the disk failed, and "absent"
            // would be a lie that ends up in a block.
            Err(error) => panic!("cannot read the chain's store: {error}"),
        }
    }
}

fn full_key(column: ColumnId, key: &[u8]) -> Vec<u8> {
    let mut full = Vec::with_capacity(4 + key.len());
    full.extend_from_slice(&column.to_be_bytes());
    full.extend_from_slice(key);
    full
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(store: &Store, build: impl FnOnce(&mut Transaction<DbHash>)) {
        let mut transaction = Transaction::new();
        build(&mut transaction);
        store.commit(transaction).unwrap();
    }

    #[test]
    fn keeps_columns_apart_and_survives_reopening() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        commit(&store, |t| {
            t.set(1, b"key", b"one");
            t.set(2, b"key", b"two");
            t.set(2, b"gone", b"x");
            t.remove(2, b"gone");
        });
        assert_eq!(store.get(1, b"key"), Some(b"one".to_vec()));
        drop(store);
        let store = Store::open(folder.path()).unwrap();
        assert_eq!(store.get(2, b"key"), Some(b"two".to_vec()));
        assert_eq!(store.get(2, b"gone"), None);
    }

    #[test]
    fn a_counted_value_goes_with_its_last_reference() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let hash = DbHash::repeat_byte(7);
        commit(&store, |t| {
            t.store(3, hash, b"value".to_vec());
            t.store(3, hash, b"value".to_vec());
            t.reference(3, hash);
            t.release(3, hash);
        });
        assert_eq!(store.get(3, hash.as_ref()), Some(b"value".to_vec()));
        commit(&store, |t| t.release(3, hash));
        assert_eq!(store.get(3, hash.as_ref()), Some(b"value".to_vec()));
        commit(&store, |t| t.release(3, hash));
        assert_eq!(store.get(3, hash.as_ref()), None);
        commit(&store, |t| t.release(3, hash));
    }

    #[test]
    fn a_second_opening_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let _store = Store::open(folder.path()).unwrap();
        assert!(matches!(Store::open(folder.path()), Err(OpenError::Locked(_))));
    }

    #[test]
    fn a_file_that_is_no_store_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE_NAME), [7u8; 8192]).unwrap();
        assert!(Store::open(folder.path()).is_err());
    }
}
