//! Where a query begins and ends, in one shape for every kind of query.

use std::ops::Bound;

use crate::error::{Error, ErrorKind, Result};
use crate::storage::{Query, QueryCursor};

/// A place in an order: a key and an id. A query by id has the id as the key, and no id.
pub(super) type Place = (Box<str>, Box<str>);

/// The places a query goes through: from `from`, before `to`.
///
/// Keys have no NUL, so the first text behind a key is the key and a NUL: any bound and any cursor
/// can be written as these two.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Span {
    pub(super) from: Place,
    pub(super) to: Option<Place>,
}

impl Span {
    /// Reads the bounds and the cursor of a query; `None` if nothing lies between them.
    pub(super) fn of(query: &Query) -> Result<Option<Self>> {
        let mut from = match &query.from {
            Bound::Included(key) => key.clone(),
            Bound::Excluded(key) => behind(key),
            Bound::Unbounded => "".into(),
        };
        let mut to = match &query.to {
            Bound::Included(key) => Some(behind(key)),
            Bound::Excluded(key) => Some(key.clone()),
            Bound::Unbounded => None,
        };
        let mut ids: (Box<str>, Box<str>) = ("".into(), "".into());
        if let Some(cursor) = &query.after {
            let (key, id) = place(query, cursor)?;
            if query.descending {
                if to.as_deref().is_none_or(|to| key < to) {
                    (to, ids.1) = (Some(key.into()), id.into());
                }
            } else if query.index.is_some() {
                if key >= &*from {
                    (from, ids.0) = (key.into(), behind(id));
                }
            } else if key >= &*from {
                from = behind(key);
            }
        }
        let span = Self {
            from: (from, ids.0),
            to: to.map(|to| (to, ids.1)),
        };
        let is_empty = span.to.as_ref().is_some_and(|to| *to <= span.from);
        Ok((!is_empty).then_some(span))
    }
}

fn place<'c>(query: &Query, cursor: &'c QueryCursor) -> Result<(&'c str, &'c str)> {
    match (&query.index, &cursor.key) {
        (Some(_), Some(key)) => Ok((key.as_str(), cursor.id.as_str())),
        (None, None) => Ok((cursor.id.as_str(), "")),
        _ => Err(Error::new(
            ErrorKind::InvalidInput,
            "storage.query",
            "the cursor is of another query",
        )
        .with_context("collection", &query.collection)),
    }
}

fn behind(key: &str) -> Box<str> {
    [key, "\0"].concat().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{CollectionName, IndexName};

    const NAME: CollectionName = CollectionName::new("places");

    fn span(query: &Query) -> Option<(Place, Option<Place>)> {
        let span = Span::of(query).unwrap();
        span.map(|span| (span.from, span.to))
    }

    fn at(key: &str, id: &str) -> Place {
        (key.into(), id.into())
    }

    #[test]
    fn a_cursor_narrows_and_never_widens() {
        let cursor = QueryCursor::new(None, "m".parse().unwrap());
        let query = Query::all(NAME).prefix("n");
        assert_eq!(
            span(&query.clone().with_after(cursor.clone())),
            Some((at("n", ""), Some(at("o", ""))))
        );
        assert_eq!(span(&query.descending().with_after(cursor.clone())), None);
        let all = Query::all(NAME).with_after(cursor);
        assert_eq!(span(&all), Some((at("m\0", ""), None)));
        assert_eq!(
            span(&all.descending()),
            Some((at("", ""), Some(at("m", ""))))
        );
    }

    #[test]
    fn a_cursor_in_an_index_stands_between_ids() {
        let key = "k".parse().unwrap();
        let cursor = QueryCursor::new(Some(key), "i".parse().unwrap());
        let query = Query::all(NAME).by(IndexName::new("by_day"));
        let after = query.with_after(cursor.clone());
        assert_eq!(span(&after), Some((at("k", "i\0"), None)));
        assert_eq!(
            span(&after.descending()),
            Some((at("", ""), Some(at("k", "i"))))
        );
        let other = Query::all(NAME).with_after(cursor);
        assert_eq!(
            Span::of(&other).unwrap_err().kind(),
            ErrorKind::InvalidInput
        );
    }
}
