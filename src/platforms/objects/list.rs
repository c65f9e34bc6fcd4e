//! Listings.

use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;

use crate::connector::kit::pages;
use crate::connector::{FileEntry, FilePath, ListPage, SkipReason, Skipped};
use crate::error::Result;

use super::bucket::{Bucket, Listed, Object};
use super::keys::Keys;

/// Lists everything of an account.
pub(super) fn list<B: Bucket>(bucket: Arc<B>, keys: Keys) -> BoxStream<'static, Result<ListPage>> {
    pages(None, move |at: Option<String>| {
        let (bucket, keys) = (Arc::clone(&bucket), keys.clone());
        async move {
            let Listed { objects, next } = bucket.page(keys.prefix(), at.as_deref()).await?;
            Ok((page(&keys, objects), next.map(Some)))
        }
    })
    .boxed()
}

fn page(keys: &Keys, objects: Vec<(String, Object)>) -> ListPage {
    let mut page = ListPage::default();
    for (key, object) in objects {
        let Some(name) = keys.below(&key) else {
            continue;
        };
        // Consoles keep a folder that is empty as an empty object of its name.
        if object.version.size == 0 && (name.is_empty() || name.ends_with('/')) {
            continue;
        }
        match FilePath::parse(name) {
            Ok(path) if path.is_internal() => {}
            Ok(path) => page.entries.push(entry(path, object)),
            Err(_) => {
                let skipped = Skipped::new(name, SkipReason::InvalidName);
                page.skipped.push(skipped);
            }
        }
    }
    page
}

/// An object as a file.
pub(super) fn entry(path: FilePath, object: Object) -> FileEntry {
    let entry = FileEntry::new(path, object.version);
    match object.media_type {
        Some(media_type) => entry.with_media_type(media_type),
        None => entry,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector::FileVersion;

    #[test]
    fn keys_that_are_no_paths_are_said_and_folders_are_not() {
        let object = |size| Object::new(FileVersion::new(size));
        let objects = [
            ("p/a", 1),
            ("p/", 0),
            ("p/day/", 0),
            ("p/day/", 3),
            ("p/x//y", 1),
            ("p/.garland/z", 1),
            ("q/b", 1),
        ];
        let objects = objects.map(|(key, size)| (key.to_owned(), object(size)));
        let prefix: FilePath = "p".parse().unwrap();
        let page = page(&Keys::new(Some(&prefix)), objects.into());
        let paths: Vec<&str> = page.entries.iter().map(|e| e.path.as_str()).collect();
        let skipped: Vec<&str> = page.skipped.iter().map(|s| s.name.as_str()).collect();
        assert_eq!((paths, skipped), (vec!["a"], vec!["day/", "x//y"]));
    }
}
