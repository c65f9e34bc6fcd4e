//! A platform that only exists here: it keeps no byte, has a quota, and fails or slows down when it is told to.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use garland::connector::{
    AuthKind, Category, Expect, FileEntry, FileFacts, FilePath, FileReader, FileStore, FileVersion,
    Hashes, Health, ListPage, Platform, PlatformConnector, RateLimit, ReadOptions, UploadRequest,
    UploadSession, UploadToken,
};
use garland::{Error, ErrorKind, Result};

use crate::clock::Saturday;

/// How long a call takes.
const ANSWER: Duration = Duration::from_millis(80);

/// What most platforms of the example publish about themselves.
static LIMITS: [RateLimit; 2] = [
    RateLimit::new(20, Duration::from_secs(1)),
    RateLimit::new(600, Duration::from_secs(60)),
];

/// What one says that allows little.
pub(crate) static STRICT_LIMITS: [RateLimit; 2] = [
    RateLimit::new(2, Duration::from_secs(1)),
    RateLimit::new(30, Duration::from_secs(60)),
];

static STEADY: Platform = Platform::new("steady", "Steady", Category::Cloud, AuthKind::OAuth2)
    .with_rate_limits(&LIMITS)
    .with_concurrency(16);
static FAILING: Platform = Platform::new("failing", "Failing", Category::Gallery, AuthKind::OAuth2)
    .with_rate_limits(&LIMITS)
    .with_concurrency(16);
static THROTTLING: Platform = Platform::new(
    "throttling",
    "Throttling",
    Category::Social,
    AuthKind::OAuth2,
)
.with_rate_limits(&LIMITS)
.with_concurrency(16);

static STRICT: Platform = Platform::new("strict", "Strict", Category::Crm, AuthKind::OAuth2)
    .with_rate_limits(&STRICT_LIMITS)
    .with_concurrency(16);

/// How a platform behaves on that day.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Mood {
    /// It answers.
    Steady,
    /// For a while nothing of it answers.
    Failing,
    /// For a while it wants far fewer calls than it publishes, and says so.
    Throttling,
    /// It answers, and allows less than it is asked for all day.
    Strict,
}

impl Mood {
    fn platform(self) -> &'static Platform {
        match self {
            Self::Steady => &STEADY,
            Self::Failing => &FAILING,
            Self::Throttling => &THROTTLING,
            Self::Strict => &STRICT,
        }
    }
}

/// What an account has seen.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    /// Calls that reached it.
    pub(crate) calls: u64,
    /// Those of them that came while it was down or had asked for quiet.
    pub(crate) in_vain: u64,
    /// Calls that were too many for a window that it publishes. Its quota was broken so often.
    pub(crate) over_quota: u64,
    /// When it first answered after its trouble.
    pub(crate) answered_after: Option<Duration>,
}

/// One account. Cheap to clone; clones are the same account.
#[derive(Clone, Debug)]
pub(crate) struct Account(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    mood: Mood,
    /// When it is as its mood says; steady at other times.
    trouble: Range<Duration>,
    clock: Saturday,
    facts: FileFacts,
    log: Mutex<Log>,
}

#[derive(Debug, Default)]
struct Log {
    seen: Seen,
    /// When each call of the longest window came.
    calls: VecDeque<Duration>,
    /// Until when it has asked for quiet.
    quiet: Duration,
}

impl Account {
    pub(crate) fn new(mood: Mood, trouble: Range<Duration>, clock: Saturday) -> Self {
        Self(Arc::new(Inner {
            mood,
            trouble,
            clock,
            facts: FileFacts::default(),
            log: Mutex::default(),
        }))
    }

    pub(crate) fn mood(&self) -> Mood {
        self.0.mood
    }

    pub(crate) fn seen(&self) -> Seen {
        self.log().seen
    }

    /// Takes one call.
    async fn call(&self) -> Result<()> {
        self.note(self.0.clock.time());
        tokio::time::sleep(ANSWER).await;
        self.judge(self.0.clock.time())
    }

    /// Counts a call in the moment it comes.
    fn note(&self, now: Duration) {
        let limits = self.0.mood.platform().rate_limits;
        let mut log = self.log();
        log.seen.calls += 1;
        log.calls.push_back(now);
        for limit in limits {
            let recent = log.calls.iter().rev();
            let within = recent.take_while(|call| now.saturating_sub(**call) < limit.per);
            if within.count() > limit.requests as usize {
                log.seen.over_quota += 1;
            }
        }
        let longest = limits.iter().map(|limit| limit.per).max();
        let forgotten = now.saturating_sub(longest.unwrap_or_default());
        while log.calls.front().is_some_and(|call| *call < forgotten) {
            log.calls.pop_front();
        }
        if self.0.mood == Mood::Throttling && now < log.quiet {
            log.seen.in_vain += 1;
        }
    }

    /// Answers it, a little later.
    fn judge(&self, now: Duration) -> Result<()> {
        let mut log = self.log();
        if !self.0.trouble.contains(&now) {
            if now >= self.0.trouble.end {
                log.seen.answered_after.get_or_insert(now);
            }
            return Ok(());
        }
        let error = |kind, text: &str| Err(Error::new(kind, "platform.call", text));
        match self.0.mood {
            Mood::Steady | Mood::Strict => Ok(()),
            Mood::Failing => {
                log.seen.in_vain += 1;
                error(ErrorKind::Unavailable, "the platform is down")
            }
            Mood::Throttling if now < log.quiet => {
                let wait = log.quiet.saturating_sub(now);
                error(ErrorKind::RateLimited, "the platform asks for quiet")
                    .map_err(|error| error.with_retry_after(wait))
            }
            // Every so often it has enough.
            Mood::Throttling if log.seen.calls.is_multiple_of(40) => {
                log.quiet = now + Duration::from_secs(30);
                error(ErrorKind::RateLimited, "the platform asks for quiet")
                    .map_err(|error| error.with_retry_after(Duration::from_secs(30)))
            }
            Mood::Throttling => Ok(()),
        }
    }

    fn log(&self) -> std::sync::MutexGuard<'_, Log> {
        self.0.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl PlatformConnector for Account {
    fn platform(&self) -> &'static Platform {
        self.0.mood.platform()
    }

    async fn check(&self) -> Result<Health> {
        self.call().await?;
        Ok(Health::Healthy)
    }

    fn files(&self) -> Option<&dyn FileStore> {
        Some(self)
    }
}

#[async_trait]
impl FileStore for Account {
    fn facts(&self) -> &FileFacts {
        &self.0.facts
    }

    fn list(&self) -> BoxStream<'static, Result<ListPage>> {
        let account = self.clone();
        stream::once(async move {
            account.call().await?;
            Ok(ListPage::new(Vec::new()))
        })
        .boxed()
    }

    async fn stat(&self, _: &FilePath) -> Result<Option<FileEntry>> {
        self.call().await?;
        Ok(None)
    }

    async fn read(&self, path: &FilePath, _: ReadOptions) -> Result<FileReader> {
        self.call().await?;
        Err(nothing("files.read", path))
    }

    async fn upload(&self, request: UploadRequest) -> Result<Box<dyn UploadSession>> {
        self.call().await?;
        Ok(Box::new(Upload {
            account: self.clone(),
            request,
            offset: 0,
        }))
    }

    async fn resume_upload(&self, _: &UploadToken) -> Result<Box<dyn UploadSession>> {
        self.call().await?;
        let message = "nothing is kept of an upload that was left";
        Err(Error::new(
            ErrorKind::Expired,
            "files.resume_upload",
            message,
        ))
    }

    async fn copy(
        &self,
        from: &FilePath,
        _: &FileVersion,
        _: &FilePath,
        _: &Expect,
    ) -> Result<Option<FileEntry>> {
        self.call().await?;
        Err(nothing("files.copy", from))
    }

    async fn rename(&self, from: &FilePath, _: &Expect, _: &FilePath) -> Result<FileEntry> {
        self.call().await?;
        Err(nothing("files.rename", from))
    }

    async fn delete(&self, path: &FilePath, _: &Expect) -> Result<()> {
        self.call().await?;
        Err(nothing("files.delete", path))
    }

    async fn persist(&self) -> Result<()> {
        Ok(())
    }
}

/// A file on its way to nowhere.
#[derive(Debug)]
struct Upload {
    account: Account,
    request: UploadRequest,
    offset: u64,
}

#[async_trait]
impl UploadSession for Upload {
    fn offset(&self) -> u64 {
        self.offset
    }

    fn next_chunk(&self) -> u64 {
        1 << 20
    }

    fn token(&self) -> Option<UploadToken> {
        None
    }

    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        self.account.call().await?;
        self.offset += chunk.len() as u64;
        Ok(())
    }

    async fn finish(self: Box<Self>, _: &Hashes) -> Result<FileEntry> {
        self.account.call().await?;
        let version = FileVersion::new(self.offset);
        Ok(FileEntry::new(self.request.path.clone(), version))
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

fn nothing(operation: &'static str, path: &FilePath) -> Error {
    Error::new(ErrorKind::NotFound, operation, "no such file").with_context("path", path)
}
