//! Walking all folders.

use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, FuturesUnordered};

use crate::connector::{FilePath, ListPage, SkipReason, Skipped};
use crate::error::{Error, ErrorKind, Result};

use super::calls::{Dav, entry};
use super::xml::Told;

/// The longest path that is gone down to, in bytes. A server whose folders contain themselves would be walked for ever.
const LONGEST: usize = 4_096;

/// What was found in a folder.
struct Listed {
    page: ListPage,
    folders: Vec<FilePath>,
}

struct Walk {
    dav: Arc<Dav>,
    /// Folders still to be asked, the last first, so that few wait. `None` is the top.
    waiting: Vec<Option<FilePath>>,
    asking: FuturesUnordered<BoxFuture<'static, Result<Listed>>>,
}

/// Lists everything, a page for each folder that was asked.
pub(super) fn list(dav: Arc<Dav>) -> BoxStream<'static, Result<ListPage>> {
    let walk = Walk {
        dav,
        waiting: vec![None],
        asking: FuturesUnordered::new(),
    };
    stream::unfold(Some(walk), |walk| async move {
        let mut walk = walk?;
        match walk.next().await? {
            Ok(page) => Some((Ok(page), Some(walk))),
            Err(error) => Some((Err(error), None)),
        }
    })
    .boxed()
}

impl Walk {
    async fn next(&mut self) -> Option<Result<ListPage>> {
        while self.asking.len() < self.dav.listings {
            let Some(folder) = self.waiting.pop() else {
                break;
            };
            self.asking
                .push(Box::pin(ask(Arc::clone(&self.dav), folder)));
        }
        let listed = self.asking.next().await?;
        Some(listed.map(|listed| {
            self.waiting.extend(listed.folders.into_iter().map(Some));
            listed.page
        }))
    }
}

async fn ask(dav: Arc<Dav>, folder: Option<FilePath>) -> Result<Listed> {
    let told = if dav.is_deep {
        match dav.list(folder.as_ref(), "infinity").await {
            Err(error) if is_too_deep(&error) => dav.list(folder.as_ref(), "1").await,
            told => told,
        }
    } else {
        dav.list(folder.as_ref(), "1").await
    };
    let told = match told {
        Ok(told) => told,
        // It went away after it was told of.
        Err(error) if error.kind() == ErrorKind::NotFound && folder.is_some() => Vec::new(),
        Err(error) => return Err(error),
    };
    sort_out(&dav, folder.as_ref(), told)
}

/// A server that does not go so deep says so in many ways; one that goes too deep says too much.
fn is_too_deep(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Denied
            | ErrorKind::InvalidInput
            | ErrorKind::LimitExceeded
            | ErrorKind::Unsupported
            | ErrorKind::Conflict
    )
}

fn sort_out(dav: &Dav, folder: Option<&FilePath>, told: Vec<Told>) -> Result<Listed> {
    let mut listed = Listed {
        page: ListPage::default(),
        folders: Vec::new(),
    };
    let mut folders = Vec::new();
    for told in told {
        if told.status == Some(404) {
            continue;
        }
        let Some(below) = dav.below(folder, &told) else {
            let message = "the server tells of what is not in the folder";
            return Err(Error::new(ErrorKind::Unexpected, "webdav.list", message));
        };
        if below.is_empty() {
            continue;
        }
        if let Some(status) = told.status.filter(|status| *status >= 300) {
            let message = "the server does not tell of all that is in the folder";
            return Err(Error::new(ErrorKind::Denied, "webdav.list", message)
                .with_context("status", status));
        }
        let path = match path(folder, below) {
            Ok(path) => path,
            Err(skipped) => {
                listed.page.skipped.push(skipped);
                continue;
            }
        };
        if path.is_internal() {
            continue;
        }
        if told.is_folder {
            folders.push(path);
            continue;
        }
        let name = path.as_str().to_owned();
        match entry(path, told) {
            Some(entry) => listed.page.entries.push(entry),
            None => listed
                .page
                .skipped
                .push(Skipped::new(name, SkipReason::NoContent)),
        }
    }
    // A folder of which nothing was told is empty, or was not gone into: even a server that takes `infinity` may go but one
    // step, without a word.
    folders.sort();
    let entries = listed.page.entries.iter().map(|entry| &entry.path);
    let mut parents: Vec<&str> = entries
        .chain(&folders)
        .filter_map(FilePath::parent)
        .collect();
    parents.sort_unstable();
    parents.dedup();
    let open = |folder: &FilePath| parents.binary_search(&folder.as_str()).is_err();
    let unasked: Vec<FilePath> = folders
        .iter()
        .filter(|folder| open(folder))
        .cloned()
        .collect();
    listed.folders = unasked;
    Ok(listed)
}

/// The path of what lies below a folder, or why it has none.
fn path(folder: Option<&FilePath>, below: &[Vec<u8>]) -> std::result::Result<FilePath, Skipped> {
    let shown = || below.join(&b'/').escape_ascii().to_string();
    let mut text = folder.map_or_else(String::new, |folder| folder.as_str().to_owned());
    for segment in below {
        let Ok(name) = std::str::from_utf8(segment) else {
            return Err(Skipped::new(shown(), SkipReason::NotUtf8));
        };
        if name.contains('/') {
            return Err(Skipped::new(shown(), SkipReason::InvalidName));
        }
        if !text.is_empty() {
            text.push('/');
        }
        text.push_str(name);
    }
    if text.len() > LONGEST {
        return Err(Skipped::new(shown(), SkipReason::TooLong));
    }
    FilePath::parse(text).map_err(|_| Skipped::new(shown(), SkipReason::InvalidName))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_leads_elsewhere_is_no_path() {
        let folder = FilePath::parse("day").unwrap();
        let path = |name: &[u8]| super::path(Some(&folder), &[name.to_vec()]);
        assert_eq!(path(b"a b.jpg").unwrap().as_str(), "day/a b.jpg");
        for (name, reason) in [
            (&b".."[..], SkipReason::InvalidName),
            (b"../../etc/passwd", SkipReason::InvalidName),
            (b"a/b", SkipReason::InvalidName),
            (b"a\0", SkipReason::InvalidName),
            (b"\xff", SkipReason::NotUtf8),
            (&[b'n'; 5_000], SkipReason::TooLong),
        ] {
            assert_eq!(path(name).unwrap_err().reason, reason);
        }
    }
}
