//! A day in the life of a host that prints, logs and stores everything it can lay hands on.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt::{Debug, Display, Write as _};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use futures_util::TryStreamExt as _;
use garland::backends::Sqlite;
use garland::crypto::{Entropy, SystemEntropy};
use garland::storage::{Collection, Query, StorageBackend, Store, Versioned};
use garland::{Clock, OrganizationId, SystemClock};
use serde::de::DeserializeOwned;
use tempfile::TempDir;

use crate::planted::Planted;

pub(crate) fn entropy() -> Arc<dyn Entropy> {
    Arc::new(SystemEntropy::new())
}

pub(crate) struct Day {
    pub(crate) planted: Planted,
    pub(crate) clock: Arc<dyn Clock>,
    /// For what lies beside the database, such as a key file: not looked at.
    pub(crate) vault: TempDir,
    database: TempDir,
    storage: Arc<Sqlite>,
    heard: String,
    printed: BTreeSet<&'static str>,
    /// What was erased in the course of the day, and must not be in the database in the evening.
    pub(crate) erased: Vec<Vec<u8>>,
}

/// What is left of it.
pub(crate) struct End {
    pub(crate) planted: Planted,
    pub(crate) heard: Vec<u8>,
    /// The types of what was printed.
    pub(crate) printed: BTreeSet<&'static str>,
    pub(crate) erased: Vec<Vec<u8>>,
    pub(crate) files: Vec<(&'static str, Vec<u8>)>,
}

impl Day {
    pub(crate) async fn begin() -> Self {
        let database = tempfile::tempdir().unwrap();
        let storage = Sqlite::open(database.path().join("studio.db"))
            .await
            .unwrap();
        Self {
            planted: Planted::default(),
            clock: Arc::new(SystemClock::new()),
            vault: tempfile::tempdir().unwrap(),
            database,
            storage: Arc::new(storage),
            heard: String::new(),
            printed: BTreeSet::new(),
            erased: Vec::new(),
        }
    }

    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    pub(crate) fn backend(&self) -> Arc<dyn StorageBackend> {
        Arc::clone(&self.storage) as Arc<dyn StorageBackend>
    }

    pub(crate) fn store(&self, organization: &str) -> Store {
        Store::new(self.backend(), self.organization(organization))
    }

    pub(crate) fn organization(&self, id: &str) -> OrganizationId {
        id.parse().unwrap()
    }

    /// Prints what a curious host could, and remembers of which types it was.
    pub(crate) fn print<T: Debug + ?Sized>(&mut self, value: &T) {
        self.printed.insert(std::any::type_name::<T>());
        let _ = writeln!(self.heard, "{value:?}\n{value:#?}");
    }

    /// Takes over what somebody else has printed of a value.
    pub(crate) fn overhear<T: Debug>(&mut self, text: &str) {
        self.printed.insert(std::any::type_name::<T>());
        self.hear(text);
    }

    /// Says what a host writes into its own log.
    pub(crate) fn hear(&mut self, text: &str) {
        let _ = writeln!(self.heard, "{text}");
    }

    /// Prints every record of a collection, as whoever reads the database in a program does.
    pub(crate) async fn print_all<T>(&mut self, store: &Store, collection: &Collection<T>)
    where
        T: Debug + DeserializeOwned + Send + 'static,
    {
        let all = store.all(collection, Query::all(collection.name().clone()));
        let all: Vec<Versioned<T>> = all.try_collect().await.unwrap();
        assert!(!all.is_empty(), "no {}", collection.name());
        for record in &all {
            self.print(&record.value);
        }
    }

    /// Prints an error with all its causes, in both ways.
    pub(crate) fn thrown<E: Error + Debug + Display>(&mut self, error: &E) {
        let mut cause: Option<&dyn Error> = Some(error);
        while let Some(error) = cause {
            let _ = writeln!(self.heard, "{error}\n{error:?}\n{error:#?}");
            cause = error.source();
        }
    }

    /// Expects a failure, and prints it.
    #[track_caller]
    pub(crate) fn fails<T, E: Error + Debug + Display>(&mut self, result: Result<T, E>) {
        match result {
            Ok(_) => panic!("this was to fail"),
            Err(error) => {
                self.printed.insert(std::any::type_name::<E>());
                self.thrown(&error);
            }
        }
    }

    pub(crate) async fn end(self) -> End {
        self.storage.close().await;
        let mut files = Vec::new();
        for entry in fs::read_dir(self.database.path()).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            let bytes = fs::read(&path).unwrap();
            if !bytes.is_empty() {
                files.push(("the database", bytes));
            }
        }
        assert!(!files.is_empty(), "no database was written");
        End {
            planted: self.planted,
            heard: self.heard.into_bytes(),
            printed: self.printed,
            erased: self.erased,
            files,
        }
    }
}
