//! Finds the records about a person in one collection, page by page.

use std::collections::{HashSet, VecDeque};
use std::ops::Bound;

use crate::engine::audit::{AUDIT_SIDE_RECORDS, SubjectId, SubjectVault};
use crate::error::Result;
use crate::storage::{CollectionName, Query, Record, RecordId, Store};

use super::coverage::{Finder, PersonalData};
use super::field::FieldPath;

/// Records of one page.
pub(super) const PAGE: usize = 90;

/// The pages of records about one person in one collection; each record once.
#[derive(Debug)]
pub(super) struct Pages {
    store: Store,
    searches: VecDeque<Search>,
    /// Kept only where there are several searches, which may find one record twice.
    seen: Option<HashSet<RecordId>>,
}

#[derive(Debug)]
struct Search {
    query: Query,
    /// The field that has to hold one of the ids.
    filter: Option<(FieldPath, Vec<String>)>,
}

impl Pages {
    /// `ids` are those of [`names`].
    pub(super) fn new(store: &Store, data: &PersonalData, ids: &[String]) -> Self {
        let mut searches = VecDeque::new();
        for finder in &data.finders {
            match finder {
                // One walk for all ids.
                Finder::Field(field) => searches.push_back(Search {
                    query: Query::all(data.collection.clone()).with_limit(1_000),
                    filter: Some((field.clone(), ids.to_vec())),
                }),
                _ => searches.extend(ids.iter().map(|id| Search {
                    query: query(&data.collection, finder, id),
                    filter: None,
                })),
            }
        }
        let seen = (searches.len() > 1).then(HashSet::new);
        Self {
            store: store.clone(),
            searches,
            seen,
        }
    }

    /// The next records; may be none though more follow. `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Record>>> {
        let Some(search) = self.searches.front_mut() else {
            return Ok(None);
        };
        let page = self.store.query(&search.query).await?;
        let mut found = Vec::new();
        for record in page.records {
            let fits = match &search.filter {
                None => true,
                Some((field, ids)) => holds(&record, field, ids)?,
            };
            let is_new = |seen: &mut HashSet<RecordId>| seen.insert(record.id.clone());
            if fits && self.seen.as_mut().is_none_or(is_new) {
                found.push(record);
            }
        }
        match page.next {
            Some(cursor) => search.query.after = Some(cursor),
            None => _ = self.searches.pop_front(),
        }
        Ok(Some(found))
    }
}

/// What a collection knows people by: their ids, or the random names of the sealed side records.
pub(super) async fn names<'a>(
    vault: &SubjectVault,
    data: &PersonalData,
    ids: impl IntoIterator<Item = &'a SubjectId>,
) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for id in ids {
        if data.collection != *AUDIT_SIDE_RECORDS.name() {
            names.push(id.to_string());
        } else if let Some(holder) = vault.holder(id).await? {
            names.push(holder.as_str().to_owned());
        }
    }
    Ok(names)
}

/// Collects the ids of all records about a person in one collection.
pub(super) async fn ids(
    store: &Store,
    data: &PersonalData,
    names: &[String],
) -> Result<HashSet<RecordId>> {
    let mut all = HashSet::new();
    let mut pages = Pages::new(store, data, names);
    while let Some(page) = pages.next().await? {
        all.extend(page.into_iter().map(|record| record.id));
    }
    Ok(all)
}

fn query(collection: &CollectionName, finder: &Finder, id: &str) -> Query {
    let query = Query::all(collection.clone()).with_limit(PAGE);
    let exactly = || Bound::Included(Box::from(id));
    match finder {
        Finder::IdFrom(name) => {
            let name = || Bound::Included(Box::from(name(id)));
            query.between(name(), name())
        }
        Finder::Id | Finder::Field(_) => query.between(exactly(), exactly()),
        Finder::IdPrefix(mark) => query.prefix(&format!("{id}{mark}")),
        Finder::Index(index) => query.by(index.clone()).between(exactly(), exactly()),
        Finder::IndexPrefix(index, mark) => query.by(index.clone()).prefix(&format!("{id}{mark}")),
    }
}

fn holds(record: &Record, field: &FieldPath, ids: &[String]) -> Result<bool> {
    let value = record
        .value
        .read()
        .map_err(|error| error.with_context("id", &record.id))?;
    let mut found = false;
    field.visit(&value, &mut |value| {
        found |= match value {
            serde_json::Value::String(text) => ids.contains(text),
            serde_json::Value::Number(number) => ids.contains(&number.to_string()),
            _ => false,
        };
    });
    Ok(found)
}
