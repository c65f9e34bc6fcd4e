//! Listing: all below the top folder
//! ([list_folder](https://www.dropbox.com/developers/documentation/http/documentation#files-list_folder)).

use std::collections::BTreeMap;

use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt as _, TryStreamExt as _};

use crate::connector::kit::pages;
use crate::connector::{FileEntry, ListPage, SkipReason, Skipped};
use crate::error::{Error, ErrorKind, Result};

use super::account::Dropbox;
use super::calls::Answer;
use super::model::{CursorArg, ListArg, Listed, Metadata, Remote};
use super::place::At;

const OPERATION: &str = "dropbox.list";

/// How many files a page has that is handed on.
const PAGE: usize = 1_000;

/// The most entries that Dropbox puts on a page.
const LIMIT: u32 = 2_000;

/// What was found, by a path in which case does not count.
#[derive(Debug, Default)]
pub(super) struct Found(BTreeMap<String, Result<FileEntry, Skipped>>);

impl Dropbox {
    /// Lists everything below the top, ordered by path.
    ///
    /// Later pages may take back what earlier ones said, so that everything is taken in before the first page is handed on.
    pub(super) fn listing(self) -> BoxStream<'static, Result<ListPage>> {
        stream::once(async move {
            let found = self
                .everything(OPERATION, self.top.path.to_string())
                .await?;
            Ok::<_, Error>(stream::iter(found.into_pages().into_iter().map(Ok)))
        })
        .try_flatten()
        .boxed()
    }

    /// Takes in everything below a folder.
    pub(super) async fn everything(
        &self,
        operation: &'static str,
        folder: String,
    ) -> Result<Found> {
        let account = self.clone();
        let mut listed = pages(None::<Box<str>>, move |cursor| {
            let (account, folder) = (account.clone(), folder.clone());
            async move {
                let page = account.page(operation, &folder, cursor.as_deref()).await?;
                let next = page.has_more.then_some(Some(page.cursor));
                Ok((page.entries, next))
            }
        });
        let mut found = Found::default();
        while let Some(entries) = listed.try_next().await? {
            for entry in entries {
                self.take_in(&mut found, entry);
            }
        }
        Ok(found)
    }

    async fn page(
        &self,
        operation: &'static str,
        folder: &str,
        cursor: Option<&str>,
    ) -> Result<Listed> {
        let answer: Answer<Listed> = match cursor {
            Some(cursor) => {
                let arg = CursorArg { cursor };
                self.calls
                    .ask(operation, "files/list_folder/continue", &arg)
                    .await?
            }
            None => {
                let arg = ListArg {
                    limit: Some(LIMIT),
                    ..ListArg::below(folder)
                };
                self.calls.ask(operation, "files/list_folder", &arg).await?
            }
        };
        answer.map_err(|fault| match fault.kind() {
            // Whoever asks for a listing begins anew by themselves.
            ErrorKind::Expired => {
                let message = "the listing changed too much under way";
                Error::new(ErrorKind::Unavailable, operation, message)
            }
            _ => fault.into_error(operation),
        })
    }

    /// Takes in an entry as Dropbox says how: a file takes the place of all that was there and below, a deletion takes it
    /// away.
    fn take_in(&self, found: &mut Found, entry: Metadata) {
        match entry {
            Metadata::File(file) => match self.local(file.path_display.as_deref()) {
                At::Here(path) => {
                    let key = self.key(&path);
                    found.clear(&key);
                    if path.is_internal() {
                        return;
                    }
                    let told = match file.skip() {
                        None => Ok(file.entry(path)),
                        Some(reason) => Err(skipped(path.as_str(), reason, &file)),
                    };
                    found.0.insert(key, told);
                }
                At::Nameless(name) => {
                    let told = skipped(&name, SkipReason::InvalidName, &file);
                    found.0.insert(self.names().key(&name), Err(told));
                }
                At::Top | At::Nowhere => {}
            },
            Metadata::Deleted(place) => match self.local(place.path_display.as_deref()) {
                At::Here(path) => found.clear(&self.key(&path)),
                At::Nameless(name) => found.clear(&self.names().key(&name)),
                At::Top => found.0.clear(),
                At::Nowhere => {}
            },
            Metadata::Folder(_) | Metadata::Other => {}
        }
    }
}

pub(super) fn skipped(name: &str, reason: SkipReason, file: &Remote) -> Skipped {
    Skipped::new(name, reason).with_id(file.id.clone())
}

impl Found {
    /// Takes away what is at a place and below.
    fn clear(&mut self, key: &str) {
        self.0.remove(key);
        let below = format!("{key}/");
        let mut inside = self.0.range(below.clone()..);
        let mut keys = Vec::new();
        while let Some((other, _)) = inside.next().filter(|(other, _)| other.starts_with(&below)) {
            keys.push(other.clone());
        }
        for key in keys {
            self.0.remove(&key);
        }
    }

    /// Returns the files, ordered by path, and what is passed over.
    pub(super) fn into_parts(self) -> (Vec<FileEntry>, Vec<Skipped>) {
        let (mut entries, mut skipped) = (Vec::new(), Vec::new());
        for told in self.0.into_values() {
            match told {
                Ok(entry) => entries.push(entry),
                Err(passed) => skipped.push(passed),
            }
        }
        entries.sort_by(|a: &FileEntry, b| a.path.cmp(&b.path));
        (entries, skipped)
    }

    fn into_pages(self) -> Vec<ListPage> {
        let (entries, skipped) = self.into_parts();
        let mut entries = entries.into_iter();
        let mut pages = vec![ListPage::default().with_skipped(skipped)];
        loop {
            let page: Vec<FileEntry> = entries.by_ref().take(PAGE).collect();
            if page.is_empty() {
                return pages;
            }
            pages.push(ListPage::new(page));
        }
    }
}
