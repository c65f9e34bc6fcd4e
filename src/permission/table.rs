//! A table of shared values ordered by id, cheap to copy with one of them changed.

use std::sync::Arc;

/// Something with an id.
pub(super) trait Keyed {
    fn key(&self) -> &str;
}

#[derive(Clone, Debug)]
pub(super) struct Table<T>(Arc<Vec<Arc<T>>>);

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T: Keyed> Table<T> {
    /// Of several with one id, the last counts.
    pub(super) fn new(values: Vec<T>) -> Self {
        let mut rows: Vec<_> = values.into_iter().map(Arc::new).collect();
        // Stable, so that the last of equals is the last.
        rows.sort_by(|one, other| one.key().cmp(other.key()));
        rows.reverse();
        rows.dedup_by(|later, kept| later.key() == kept.key());
        rows.reverse();
        Self(Arc::new(rows))
    }

    /// Whether it is the very same table.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(super) fn rows(&self) -> &[Arc<T>] {
        &self.0
    }

    pub(super) fn get(&self, id: &str) -> Option<&Arc<T>> {
        self.0.get(self.find(id).ok()?)
    }

    pub(super) fn find(&self, id: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|row| row.key().cmp(id))
    }

    pub(super) fn put(&mut self, value: T) {
        let found = self.find(value.key());
        let rows = Arc::make_mut(&mut self.0);
        match found {
            Ok(at) => {
                if let Some(row) = rows.get_mut(at) {
                    *row = Arc::new(value);
                }
            }
            Err(at) => rows.insert(at, Arc::new(value)),
        }
    }

    pub(super) fn remove(&mut self, id: &str) {
        if let Ok(at) = self.find(id) {
            Arc::make_mut(&mut self.0).remove(at);
        }
    }
}
