//! A table of shared values ordered by id, cheap to copy with one of them changed, and quick to find one in.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

/// Something with an id.
pub(super) trait Keyed {
    fn key(&self) -> &Arc<str>;
}

#[derive(Clone)]
pub(super) struct Table<T> {
    rows: Arc<Vec<Arc<T>>>,
    /// Where each id stands, made when first asked for; tables with the same ids share it.
    places: Arc<OnceLock<HashMap<Arc<str>, usize>>>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self::of(Vec::new())
    }
}

impl<T: fmt::Debug> fmt::Debug for Table<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.rows()).finish()
    }
}

impl<T> Table<T> {
    fn of(rows: Vec<Arc<T>>) -> Self {
        Self {
            rows: Arc::new(rows),
            places: Arc::default(),
        }
    }

    /// Whether it is the very same table.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.rows, &other.rows)
    }

    pub(super) fn rows(&self) -> &[Arc<T>] {
        &self.rows
    }
}

impl<T: Keyed> Table<T> {
    /// Of several with one id, the last counts. Without an id none stands for another: each may restrict something.
    pub(super) fn new(values: Vec<T>) -> Self {
        let mut rows: Vec<_> = values.into_iter().map(Arc::new).collect();
        // Stable, so that the last of equals is the last.
        rows.sort_by(|one, other| one.key().cmp(other.key()));
        rows.reverse();
        rows.dedup_by(|later, kept| later.key() == kept.key() && !kept.key().is_empty());
        rows.reverse();
        Self::of(rows)
    }

    /// Nothing is found without an id.
    pub(super) fn get(&self, id: &str) -> Option<&Arc<T>> {
        let places = self.places.get_or_init(|| {
            let rows = self.rows.iter().enumerate();
            rows.filter(|(_, row)| !row.key().is_empty())
                .map(|(at, row)| (Arc::clone(row.key()), at))
                .collect()
        });
        self.rows.get(*places.get(id)?)
    }

    pub(super) fn put(&mut self, value: T) {
        let found = self.find(value.key());
        let rows = Arc::make_mut(&mut self.rows);
        match found {
            Ok(at) => {
                if let Some(row) = rows.get_mut(at) {
                    *row = Arc::new(value);
                }
            }
            Err(at) => {
                rows.insert(at, Arc::new(value));
                self.places = Arc::default();
            }
        }
    }

    pub(super) fn remove(&mut self, id: &str) {
        if let Ok(at) = self.find(id) {
            Arc::make_mut(&mut self.rows).remove(at);
            self.places = Arc::default();
        }
    }

    /// The place of the row with this id, or where one belongs: what has no id is none of those that have none either, and
    /// belongs behind them.
    fn find(&self, id: &str) -> Result<usize, usize> {
        if id.is_empty() {
            return Err(self.rows.partition_point(|row| row.key().is_empty()));
        }
        self.rows.binary_search_by(|row| (**row.key()).cmp(id))
    }
}
