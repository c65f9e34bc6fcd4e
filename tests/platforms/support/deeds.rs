//! What is done on a bad day, and what must be true of it afterwards.

use std::fmt;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use garland::connector::{
    Expect, FileEntry, FilePath, FileStore, Hashes, PlatformConnector, ReadOptions, UploadRequest,
};
use garland::{ErrorKind, Result};

/// Something that is done with a connector.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Deed {
    List,
    Stat,
    Read,
    /// Of a new file.
    Upload,
    /// Over a file that is there.
    Replace,
    Delete,
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", format!("{self:?}").to_lowercase())
    }
}

/// What a deed has brought, which must be right.
#[derive(Debug)]
pub(super) enum Brought {
    Entries(Vec<FileEntry>),
    Entry(Option<FileEntry>),
    Content(Vec<u8>),
    Nothing,
}

/// A file of its own for one deed on one bad day.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) deed: Deed,
    path: FilePath,
    old: Bytes,
    new: Bytes,
    /// The file as it was before the deed.
    before: Option<FileEntry>,
}

impl Case {
    /// Makes the file, as far as it has to be there before.
    pub(super) async fn prepare(files: &dyn FileStore, deed: Deed, number: u64, size: u64) -> Self {
        let path = FilePath::parse(format!("bad days/{deed}-{number}.bin")).unwrap();
        let mut case = Self {
            deed,
            path,
            old: content(size.min(1_000), number),
            new: content(size, number + 1_000_000),
            before: None,
        };
        if deed != Deed::Upload {
            case.before = Some(put(files, &case.path, &case.old).await.unwrap());
        }
        case
    }

    /// Does it.
    pub(super) async fn try_it(&self, connector: &dyn PlatformConnector) -> Result<Brought> {
        let files = connector.files().unwrap();
        match self.deed {
            Deed::List => Ok(Brought::Entries(list(files).await?)),
            Deed::Stat => Ok(Brought::Entry(files.stat(&self.path).await?)),
            Deed::Read => {
                let version = self.before.as_ref().unwrap().version.clone();
                let options = ReadOptions::default().with_version(version);
                let reader = files.read(&self.path, options).await?;
                let pieces: Vec<Bytes> = reader.bytes.try_collect().await?;
                Ok(Brought::Content(pieces.concat()))
            }
            Deed::Upload | Deed::Replace => {
                let entry = put(files, &self.path, &self.new).await?;
                Ok(Brought::Entry(Some(entry)))
            }
            Deed::Delete => {
                files.delete(&self.path, &Expect::Anything).await?;
                Ok(Brought::Nothing)
            }
        }
    }

    /// Tells what is wrong with what it has brought, and with what the platform has, after it succeeded.
    pub(super) async fn done(&self, brought: Brought, judge: &dyn FileStore) -> Option<String> {
        match (self.deed, brought) {
            (Deed::List, Brought::Entries(entries)) => self.listed(&entries, self.old.len()),
            (Deed::Stat, Brought::Entry(entry)) => {
                let is_right =
                    entry.as_ref().map(|entry| entry.version.size) == Some(self.old.len() as u64);
                (!is_right).then(|| format!("stat says {entry:?}"))
            }
            (Deed::Read, Brought::Content(content)) => {
                let is_right = content == self.old;
                (!is_right).then(|| format!("{} other bytes were read", content.len()))
            }
            (Deed::Upload | Deed::Replace, Brought::Entry(Some(entry))) => {
                if entry.version.size != self.new.len() as u64 {
                    return Some(format!("it says that it made {entry:?}"));
                }
                let entries = list(judge).await.unwrap();
                match self.listed(&entries, self.new.len()) {
                    None => self.intact(judge, &[&self.new]).await,
                    wrong => wrong,
                }
            }
            (Deed::Delete, Brought::Nothing) => {
                let left = judge.stat(&self.path).await.unwrap();
                left.map(|entry| format!("still there: {entry:?}"))
            }
            (deed, brought) => Some(format!("{deed} brought {brought:?}")),
        }
    }

    /// Tells what is wrong with what the platform has after an error: nothing may be there in part.
    pub(super) async fn undone(&self, judge: &dyn FileStore) -> Option<String> {
        match self.deed {
            Deed::List | Deed::Stat | Deed::Read => self.intact(judge, &[&self.old]).await,
            Deed::Upload | Deed::Delete if judge.stat(&self.path).await.unwrap().is_none() => None,
            Deed::Upload => self.intact(judge, &[&self.new]).await,
            Deed::Replace => self.intact(judge, &[&self.old, &self.new]).await,
            Deed::Delete => self.intact(judge, &[&self.old]).await,
        }
    }

    /// Whether an error means, once all is well again, that the deed was done before.
    pub(super) fn was_done(&self, kind: ErrorKind) -> bool {
        self.deed == Deed::Delete && kind == ErrorKind::NotFound
    }

    /// Removes what is left.
    pub(super) async fn tidy(&self, judge: &dyn FileStore) {
        match judge.delete(&self.path, &Expect::Anything).await {
            Err(error) if error.kind() != ErrorKind::NotFound => panic!("{error}"),
            _ => {}
        }
    }

    fn listed(&self, entries: &[FileEntry], size: usize) -> Option<String> {
        let own: Vec<_> = entries
            .iter()
            .filter(|entry| entry.path == self.path)
            .collect();
        let is_right = matches!(&own[..], [entry] if entry.version.size == size as u64);
        (!is_right).then(|| format!("listed are {own:?}"))
    }

    async fn intact(&self, judge: &dyn FileStore, contents: &[&Bytes]) -> Option<String> {
        let reader = match judge.read(&self.path, ReadOptions::default()).await {
            Ok(reader) => reader,
            Err(error) => return Some(format!("afterwards: {error}")),
        };
        let pieces: Vec<Bytes> = reader.bytes.try_collect().await.unwrap();
        let content = pieces.concat();
        let is_right = contents.iter().any(|own| content == **own);
        (!is_right).then(|| {
            format!(
                "afterwards it has {} bytes that nobody wrote",
                content.len()
            )
        })
    }
}

async fn list(files: &dyn FileStore) -> Result<Vec<FileEntry>> {
    let pages: Vec<_> = files.list().try_collect().await?;
    Ok(pages.into_iter().flat_map(|page| page.entries).collect())
}

async fn put(files: &dyn FileStore, path: &FilePath, content: &Bytes) -> Result<FileEntry> {
    let request = UploadRequest::new(path.clone(), content.len() as u64);
    let mut session = files.upload(request).await?;
    while session.next_chunk() > 0 {
        let from = usize::try_from(session.offset()).unwrap();
        let size = usize::try_from(session.next_chunk()).unwrap();
        session.write(content.slice(from..from + size)).await?;
    }
    session.finish(&Hashes::new()).await
}

/// Bytes that differ at every place and for every `seed`.
fn content(size: u64, seed: u64) -> Bytes {
    let word = |n: u64| {
        (n ^ seed << 32)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .to_le_bytes()
    };
    let count = usize::try_from(size).unwrap();
    (0..size.div_ceil(8)).flat_map(word).take(count).collect()
}
