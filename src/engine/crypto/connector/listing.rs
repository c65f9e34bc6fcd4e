//! Listing: the account's own listing, each object held against its record.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};

use crate::connector::{FileEntry, FilePath, ListPage, SkipReason, Skipped};
use crate::error::Result;
use crate::storage::RecordId;

use super::place::{Place, Secrets};
use super::records::SealedFile;

/// Lists every file. The records are read page by page beforehand, not one by one.
pub(super) fn list(place: Arc<Place>) -> BoxStream<'static, Result<ListPage>> {
    let start = async move {
        place.secrets().await?;
        let records = records(&place).await?;
        let pages = place.files()?.list();
        Ok(Listing {
            place,
            pages,
            records,
        })
    };
    let pages = stream::once(start).map(|started| match started {
        Ok(listing) => stream::try_unfold(listing, |mut listing| async move {
            let page = listing.pages.next().await.transpose()?;
            let Some(page) = page else { return Ok(None) };
            let page = listing.translate(page).await?;
            Ok(Some((page, listing)))
        })
        .boxed(),
        Err(error) => stream::once(async { Err(error) }).boxed(),
    });
    pages.flatten().boxed()
}

/// A listing under way.
struct Listing {
    place: Arc<Place>,
    pages: BoxStream<'static, Result<ListPage>>,
    /// Records whose objects have not come by yet.
    records: HashMap<RecordId, SealedFile>,
}

impl Listing {
    async fn translate(&mut self, page: ListPage) -> Result<ListPage> {
        let place = Arc::clone(&self.place);
        let secrets = place.secrets().await?;
        let mut entries = Vec::with_capacity(page.entries.len());
        let mut skipped: Vec<Skipped> = page
            .skipped
            .iter()
            .map(|skipped| passed_over(skipped, secrets))
            .collect();
        for entry in page.entries {
            let object = entry.path.clone();
            match self.entry(&place, secrets, entry).await? {
                Listed::File(entry) => entries.push(entry),
                Listed::Foreign(name) => {
                    let name = name.unwrap_or_else(|| format!("/{object}"));
                    skipped.push(Skipped::new(name, SkipReason::NotSealed));
                }
                Listed::Internal => {}
            }
        }
        Ok(ListPage::new(entries).with_skipped(skipped))
    }

    async fn entry(
        &mut self,
        place: &Place,
        secrets: &Secrets,
        entry: FileEntry,
    ) -> Result<Listed> {
        let Some(path) = secrets.names.file(&entry.path) else {
            return Ok(Listed::Foreign(None));
        };
        if path.is_internal() {
            return Ok(Listed::Internal);
        }
        let known = self.records.remove(&place.book.id(&path)?);
        let is_known = known.as_ref().is_some_and(|file| {
            let mut possible = file.possible();
            possible.any(|version| place.is_object_of(&entry.version, version))
        });
        // It may be newer than what was read of the records.
        let file = if is_known {
            known
        } else {
            place.owner(&path).await?
        };
        Ok(match file {
            Some(file) => Listed::File(place.entry(path, &entry.version, &file, secrets)),
            None => Listed::Foreign(Some(path.to_string())),
        })
    }
}

enum Listed {
    File(FileEntry),
    /// With the name of the file in whose place it lies, if that is one of ours.
    Foreign(Option<String>),
    Internal,
}

async fn records(place: &Place) -> Result<HashMap<RecordId, SealedFile>> {
    let mut records = HashMap::new();
    let mut all = place.book.all();
    while let Some(record) = all.next().await.transpose()? {
        let mut file = record.value;
        // They may be many, and are asked for only of an object that is not known.
        file.replaced = Vec::new();
        records.insert(record.id, file);
    }
    Ok(records)
}

/// What the account itself passes over, by the name of the file or folder that it would be here.
pub(super) fn passed_over(skipped: &Skipped, secrets: &Secrets) -> Skipped {
    let path = FilePath::parse(&*skipped.name).ok();
    let plain = path.and_then(|path| {
        let file = secrets.names.file(&path);
        file.or_else(|| secrets.names.folder(&path))
    });
    let name = plain.map_or_else(|| format!("/{}", skipped.name), |path| path.to_string());
    Skipped {
        name,
        ..skipped.clone()
    }
}
