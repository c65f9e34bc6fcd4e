//! The account under test, and short ways to use it.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt as _;

use crate::clock::Timestamp;
use crate::connector::{
    Expect, FileEntry, FilePath, FileStore, Hashes, IdempotencyKey, Page, PageCursor,
    PlatformConnector, ReadOptions, Subscription, UploadRequest, UploadSession, WebhookDelivery,
};
use crate::error::{ErrorKind, Result};

type Advance = dyn Fn(Duration) -> Timestamp + Send + Sync;
type Deliver = dyn Fn(&Subscription) -> (WebhookDelivery, Timestamp) + Send + Sync;

/// An empty account for one rule of [`connector`](super::connector).
pub struct Account {
    first: Arc<dyn PlatformConnector>,
    second: Arc<dyn PlatformConnector>,
    expire_cursors: Option<Box<dyn Fn() + Send + Sync>>,
    advance: Option<Box<Advance>>,
    deliver: Option<Box<Deliver>>,
    signs_bodies: bool,
    unproven_headers: &'static [&'static str],
    resumes_behind: bool,
    kept: Vec<Box<dyn Any + Send + Sync>>,
}

impl Account {
    /// Takes two connectors to one account, the second as another process would make it.
    #[must_use]
    pub fn new(first: impl PlatformConnector, second: impl PlatformConnector) -> Self {
        Self::shared(Arc::new(first), Arc::new(second))
    }

    /// As [`new`](Self::new), with connectors that are shared already.
    #[must_use]
    pub fn shared(first: Arc<dyn PlatformConnector>, second: Arc<dyn PlatformConnector>) -> Self {
        Self {
            first,
            second,
            expire_cursors: None,
            advance: None,
            deliver: None,
            signs_bodies: true,
            unproven_headers: &[],
            resumes_behind: false,
            kept: Vec::new(),
        }
    }

    /// Says how all cursors of the change feed and of the books are made to expire.
    #[must_use]
    pub fn with_expire_cursors(mut self, expire: impl Fn() + Send + Sync + 'static) -> Self {
        self.expire_cursors = Some(Box::new(expire));
        self
    }

    /// Says how the clock that the account goes by is moved on, and what it then shows.
    #[must_use]
    pub fn with_clock(
        mut self,
        advance: impl Fn(Duration) -> Timestamp + Send + Sync + 'static,
    ) -> Self {
        self.advance = Some(Box::new(advance));
        self
    }

    /// Says how a genuine delivery with some news is made for a subscription, and when it came.
    #[must_use]
    pub fn with_deliveries(
        mut self,
        deliver: impl Fn(&Subscription) -> (WebhookDelivery, Timestamp) + Send + Sync + 'static,
    ) -> Self {
        self.deliver = Some(Box::new(deliver));
        self
    }

    /// Says whether deliveries are signed over their body; some platforms only send a token along.
    /// By default they are.
    #[must_use]
    pub fn with_signed_bodies(mut self, signed: bool) -> Self {
        self.signs_bodies = signed;
        self
    }

    /// Says which headers of a delivery are read though nothing proves them, such as the number of a message of a platform
    /// that signs nothing. By default none is.
    #[must_use]
    pub fn with_unproven_headers(mut self, names: &'static [&'static str]) -> Self {
        self.unproven_headers = names;
        self
    }

    /// Says whether an upload that goes on by its token may stand before what was sent, as with a sealed
    /// account, which sends the end of a chunk with the whole of it again. By default it stands where it
    /// was left.
    #[must_use]
    pub fn with_resumes_behind(mut self, behind: bool) -> Self {
        self.resumes_behind = behind;
        self
    }

    /// Keeps something as long as the account, such as its folder or its server.
    #[must_use]
    pub fn keeping(mut self, thing: impl Any + Send + Sync) -> Self {
        self.kept.push(Box::new(thing));
        self
    }

    pub(super) fn first(&self) -> &dyn PlatformConnector {
        &*self.first
    }

    pub(super) fn first_shared(&self) -> &Arc<dyn PlatformConnector> {
        &self.first
    }

    pub(super) fn files(&self) -> Option<&dyn FileStore> {
        self.first.files()
    }

    pub(super) fn files_elsewhere(&self) -> Option<&dyn FileStore> {
        self.second.files()
    }

    /// Moves the account's clock on; `None` if nobody said how.
    pub(super) fn advance(&self, by: Duration) -> Option<Timestamp> {
        self.advance.as_ref().map(|advance| advance(by))
    }

    /// Makes a genuine delivery; `None` if nobody said how.
    pub(super) fn deliver(
        &self,
        subscription: &Subscription,
    ) -> Option<(WebhookDelivery, Timestamp)> {
        let deliver = self.deliver.as_ref();
        deliver.map(|deliver| deliver(subscription))
    }

    pub(super) fn signs_bodies(&self) -> bool {
        self.signs_bodies
    }

    /// Tells whether what a header says is taken without proof.
    pub(super) fn is_unproven(&self, name: &str) -> bool {
        let mut names = self.unproven_headers.iter();
        names.any(|unproven| unproven.eq_ignore_ascii_case(name))
    }

    pub(super) fn resumes_behind(&self) -> bool {
        self.resumes_behind
    }

    /// Makes all cursors expire; `false` if nobody said how.
    pub(super) fn expire_cursors(&self) -> bool {
        self.expire_cursors
            .as_ref()
            .map(|expire| expire())
            .is_some()
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("first", &self.first)
            .field("second", &self.second)
            .finish_non_exhaustive()
    }
}

/// The path with this text.
pub(super) fn path(text: &str) -> FilePath {
    FilePath::parse(text).unwrap()
}

/// The key with this text.
pub(super) fn key(text: &str) -> IdempotencyKey {
    text.parse().unwrap()
}

/// How often a job is asked for before it is taken to stand still.
pub(super) const POLLS: u32 = 1000;

/// Everything on all pages.
pub(super) async fn all_pages<T>(
    get: impl AsyncFn(Option<PageCursor>) -> Result<Page<T>>,
) -> Vec<T> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = get(after).await.unwrap();
        all.extend(page.items);
        match page.next {
            None => return all,
            next => after = next,
        }
    }
}

/// Bytes that differ at every place and for every `seed`.
pub(super) fn content(size: u64, seed: u64) -> Bytes {
    let word = |n: u64| {
        (n ^ seed << 32)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .to_le_bytes()
    };
    let count = usize::try_from(size).unwrap();
    (0..size.div_ceil(8)).flat_map(word).take(count).collect()
}

/// Sends everything that is still to be sent, in the chunks the session asks for.
pub(super) async fn send(session: &mut dyn UploadSession, content: &Bytes) -> Result<()> {
    while session.next_chunk() > 0 {
        let from = usize::try_from(session.offset()).unwrap();
        let size = usize::try_from(session.next_chunk()).unwrap();
        session.write(content.slice(from..from + size)).await?;
    }
    Ok(())
}

/// Uploads a file as `request` says.
pub(super) async fn upload(
    files: &dyn FileStore,
    request: UploadRequest,
    content: &Bytes,
) -> Result<FileEntry> {
    let mut session = files.upload(request).await?;
    send(&mut *session, content).await?;
    session.finish(&Hashes::new()).await
}

/// Uploads a small file with what must be there before.
pub(super) async fn put_if(
    files: &dyn FileStore,
    name: &str,
    content: &'static str,
    expect: Expect,
) -> Result<FileEntry> {
    let request = UploadRequest::new(path(name), content.len() as u64).with_expect(expect);
    upload(files, request, &Bytes::from(content)).await
}

/// Uploads a small file over whatever is there.
pub(super) async fn put(files: &dyn FileStore, name: &str, content: &'static str) -> FileEntry {
    put_if(files, name, content, Expect::Anything)
        .await
        .unwrap()
}

/// Reads with options.
pub(super) async fn read_with(
    files: &dyn FileStore,
    name: &str,
    options: ReadOptions,
) -> Result<Vec<u8>> {
    let reader = files.read(&path(name), options).await?;
    let pieces: Vec<Bytes> = reader.bytes.try_collect().await?;
    Ok(pieces.concat())
}

/// Reads a whole file.
pub(super) async fn read(files: &dyn FileStore, name: &str) -> Vec<u8> {
    read_with(files, name, ReadOptions::default())
        .await
        .unwrap()
}

/// Looks at a file.
pub(super) async fn stat(files: &dyn FileStore, name: &str) -> Option<FileEntry> {
    files.stat(&path(name)).await.unwrap()
}

/// Lists everything.
pub(super) async fn list(files: &dyn FileStore) -> Vec<FileEntry> {
    let pages: Vec<_> = files.list().try_collect().await.unwrap();
    let before = pages.split_last().map_or(&[][..], |(_, before)| before);
    assert!(
        before.iter().all(|page| !page.is_last),
        "a page follows the last"
    );
    pages.into_iter().flat_map(|page| page.entries).collect()
}

/// The kind of error that `result` must be.
#[track_caller]
pub(super) fn kind<T>(result: Result<T>) -> ErrorKind {
    match result {
        Ok(_) => unreachable!("succeeded though the promises say it must not"),
        Err(error) => error.kind(),
    }
}
