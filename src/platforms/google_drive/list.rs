//! Listing: all that the account can see, in pages of a thousand, and paths built from parents.

use std::collections::HashMap;

use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt as _, TryStreamExt as _};

use crate::connector::{FileEntry, ListPage, Skipped};
use crate::error::{Error, Result};

use super::account::GoogleDrive;
use super::model::{Kind, Rank, Remote};
use super::tree::{Place, Tree};

const OPERATION: &str = "google_drive.list";

/// How many files a page has that is handed on.
const PAGE: usize = 1_000;

impl GoogleDrive {
    /// Lists everything below the top, ordered by path.
    ///
    /// Which path a file has is known when all folders are, and whether it holds its name when all files are. So
    /// everything is taken in before the first page is handed on.
    pub(super) fn listing(self) -> BoxStream<'static, Result<ListPage>> {
        stream::once(async move {
            let found = self.everything().await?;
            Ok::<_, Error>(stream::iter(found.into_iter().map(Ok)))
        })
        .try_flatten()
        .boxed()
    }

    async fn everything(&self) -> Result<Vec<ListPage>> {
        let root = self.calls.root_id().await?;
        let mut pages = self
            .calls
            .search_pages(OPERATION, "trashed = false".to_owned());
        let (mut tree, mut files) = (Tree::default(), HashMap::new());
        while let Some(page) = pages.try_next().await? {
            for found in page {
                if found.kind() == Kind::Folder {
                    tree.insert(&found);
                } else if !found.trashed {
                    // What moves while it is listed comes twice; the later word holds.
                    files.insert(found.id.clone(), found);
                }
            }
        }
        let places = tree.places(root);
        let files: Vec<(&Place, Remote)> = files
            .into_values()
            .filter_map(|file| Some((places.get(file.parent()?)?, file)))
            .collect();
        self.known()
            .remember_twins(files.iter().map(|(_, file)| file));
        let holders = holders(files.iter().map(|(_, file)| file));
        let (mut entries, mut skipped) = (Vec::new(), Vec::new());
        for (place, file) in &files {
            match place.file(file, holders.get(&name_of(file)) == Some(&file.rank())) {
                Ok(path) if path.is_internal() => {}
                Ok(path) => entries.push(file.entry(path)),
                Err((shown, _)) if is_internal(&shown) => {}
                Err((shown, reason)) => skipped.push(Skipped::new(shown, reason)),
            }
        }
        entries.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        skipped.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(into_pages(&entries, skipped))
    }
}

/// A name in a folder.
pub(super) type Name = (Box<str>, Box<str>);

/// The folder and the name of a file.
pub(super) fn name_of(file: &Remote) -> Name {
    (file.parent().unwrap_or_default().into(), file.name.clone())
}

/// Returns for each name the rank of the file with content that holds it.
fn holders<'a>(files: impl Iterator<Item = &'a Remote>) -> HashMap<Name, Rank> {
    let mut holders: HashMap<Name, Rank> = HashMap::new();
    for file in files.filter(|file| file.kind() == Kind::Content) {
        let rank = file.rank();
        let holder = holders.entry(name_of(file)).or_insert_with(|| rank.clone());
        if rank < *holder {
            *holder = rank;
        }
    }
    holders
}

fn is_internal(shown: &str) -> bool {
    let top = shown.split('/').next();
    top.is_some_and(|top| top.eq_ignore_ascii_case(".garland"))
}

fn into_pages(entries: &[FileEntry], skipped: Vec<Skipped>) -> Vec<ListPage> {
    let mut pages: Vec<ListPage> = entries
        .chunks(PAGE)
        .map(|page| ListPage::new(page.to_vec()))
        .collect();
    if !skipped.is_empty() {
        pages.push(ListPage::default().with_skipped(skipped));
    }
    pages
}
