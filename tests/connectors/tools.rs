//! Short ways to use a store.

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use garland::Result;
use garland::connector::{
    Expect, FileEntry, FilePath, FileStore, Hashes, ReadOptions, UploadRequest,
};

pub(crate) fn path(text: &str) -> FilePath {
    text.parse().unwrap()
}

pub(crate) async fn put(
    files: &dyn FileStore,
    name: &str,
    content: &'static str,
) -> Result<FileEntry> {
    put_if(files, name, content, Expect::Anything).await
}

pub(crate) async fn put_if(
    files: &dyn FileStore,
    name: &str,
    content: &'static str,
    expect: Expect,
) -> Result<FileEntry> {
    let request = UploadRequest::new(path(name), content.len() as u64).with_expect(expect);
    let mut session = files.upload(request).await?;
    if !content.is_empty() {
        session.write(Bytes::from(content)).await?;
    }
    session.finish(&Hashes::new()).await
}

pub(crate) async fn read(files: &dyn FileStore, name: &str) -> Result<Vec<u8>> {
    let reader = files.read(&path(name), ReadOptions::default()).await?;
    let pieces: Vec<Bytes> = reader.bytes.try_collect().await?;
    Ok(pieces.concat())
}

/// Everything listed, on one page.
#[cfg(all(feature = "local", unix))]
pub(crate) async fn list(files: &dyn FileStore) -> Result<garland::connector::ListPage> {
    let pages: Vec<garland::connector::ListPage> = files.list().try_collect().await?;
    let (mut entries, mut skipped) = (Vec::new(), Vec::new());
    for page in pages {
        entries.extend(page.entries);
        skipped.extend(page.skipped);
    }
    Ok(garland::connector::ListPage::new(entries).with_skipped(skipped))
}

/// The names listed, in the order of the listing.
#[cfg(all(feature = "local", unix))]
pub(crate) async fn names(files: &dyn FileStore) -> Vec<String> {
    let page = list(files).await.unwrap();
    page.entries
        .into_iter()
        .map(|entry| String::from(entry.path))
        .collect()
}
