//! Pages and idempotency keys, as every facet of an account in memory has them.

use std::collections::BTreeMap;
use std::fmt;

use crate::connector::{IdempotencyKey, Page, PageCursor};
use crate::error::{Error, ErrorKind, Result};

/// Cuts a page out of all rows. A cursor is how many came before.
pub(super) fn page<T>(
    rows: Vec<T>,
    after: Option<&PageCursor>,
    size: usize,
    operation: &'static str,
) -> Result<Page<T>> {
    let passed: usize = match after {
        Some(cursor) => cursor
            .as_str()
            .parse()
            .map_err(|cause: std::num::ParseIntError| foreign(operation).with_source(cause))?,
        None => 0,
    };
    let end = passed.saturating_add(size.max(1));
    let next = (end < rows.len()).then(|| PageCursor::new(end.to_string()));
    let rows = rows.into_iter().skip(passed).take(size.max(1));
    Ok(Page::new(rows.collect()).with_next(next))
}

pub(super) fn foreign(operation: &'static str) -> Error {
    let message = "not a cursor of this connector";
    Error::new(ErrorKind::InvalidInput, operation, message)
}

pub(super) fn missing(operation: &'static str, what: &'static str, id: &dyn fmt::Display) -> Error {
    Error::new(ErrorKind::NotFound, operation, "no such thing").with_context(what, id)
}

/// What was asked for under which key, and what came of it.
#[derive(Debug)]
pub(super) struct Keys<R, T>(BTreeMap<IdempotencyKey, (R, T)>);

impl<R, T> Default for Keys<R, T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<R: PartialEq, T: Clone> Keys<R, T> {
    /// What came of the same request before.
    pub(super) fn find(
        &self,
        key: &IdempotencyKey,
        request: &R,
        operation: &'static str,
    ) -> Result<Option<T>> {
        match self.0.get(key) {
            None => Ok(None),
            Some((asked, made)) if asked == request => Ok(Some(made.clone())),
            Some(_) => Err(Error::new(
                ErrorKind::Conflict,
                operation,
                "the key was used with another request",
            )
            .with_context("key", key)),
        }
    }

    pub(super) fn keep(&mut self, key: IdempotencyKey, request: R, made: T) {
        self.0.insert(key, (request, made));
    }
}
