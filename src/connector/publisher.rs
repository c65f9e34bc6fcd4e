//! Publishing to social networks.

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::{ErrorKind, Result};

use super::ids::{IdempotencyKey, opaque};
use super::posts::{Post, PostFinding};

opaque! {
    /// A platform's name for a post that is out.
    PostId;
    /// A connector's name for a post on its way. Good after a restart and in another process.
    PublishJobId;
}

/// How an account publishes. Constant for the life of the connector.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct PublisherFacts {
    /// Whether media can be sent from files.
    pub takes_files: bool,
    /// Whether media can be fetched by the platform from public addresses.
    pub takes_urls: bool,
    /// Whether the platform itself keeps a post until its time.
    pub schedules: bool,
}

impl PublisherFacts {
    /// Sets [`PublisherFacts::takes_files`].
    #[must_use]
    pub const fn with_takes_files(mut self, takes_files: bool) -> Self {
        self.takes_files = takes_files;
        self
    }

    /// Sets [`PublisherFacts::takes_urls`].
    #[must_use]
    pub const fn with_takes_urls(mut self, takes_urls: bool) -> Self {
        self.takes_urls = takes_urls;
        self
    }

    /// Sets [`PublisherFacts::schedules`].
    #[must_use]
    pub const fn with_schedules(mut self, schedules: bool) -> Self {
        self.schedules = schedules;
        self
    }
}

/// How far a post is.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum PublishStatus {
    /// The platform keeps it until then.
    Scheduled(Timestamp),
    /// It is being sent or worked on.
    Processing,
    /// It is out.
    Published(PublishedPost),
    /// Nothing came of it, and nothing is out.
    Failed {
        /// What can be done about it.
        kind: ErrorKind,
        /// Why, for people.
        message: String,
    },
    /// It was cancelled before it was out.
    Cancelled,
}

/// A post that is out.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct PublishedPost {
    /// The platform's name for it.
    pub id: PostId,
    /// Where everyone finds it, if the platform tells.
    pub permalink: Option<String>,
}

impl PublishedPost {
    /// Makes the record of a post.
    #[must_use]
    pub fn new(id: PostId) -> Self {
        Self {
            id,
            permalink: None,
        }
    }

    /// Sets [`PublishedPost::permalink`].
    #[must_use]
    pub fn with_permalink(mut self, permalink: impl Into<Option<String>>) -> Self {
        self.permalink = permalink.into();
        self
    }
}

/// Something that a platform counts.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Metric {
    /// How often it was shown or played.
    Views,
    /// To how many accounts.
    Reach,
    /// Likes and other marks of approval.
    Likes,
    /// Comments.
    Comments,
    /// How often it was passed on.
    Shares,
    /// How often it was kept.
    Saves,
    /// How often its link was followed.
    Clicks,
}

/// What a platform has counted for a post, from the beginning.
///
/// What is not there is not counted, or not told to this account; it is not zero.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Insights {
    /// The counts.
    pub counts: BTreeMap<Metric, u64>,
}

impl Insights {
    /// Takes the counts.
    #[must_use]
    pub fn new(counts: BTreeMap<Metric, u64>) -> Self {
        Self { counts }
    }
}

/// The social account behind one connector.
///
/// A host checks consent and embargo before it calls; nothing here knows of them.
///
/// # For implementors
/// A platform without idempotency keys is asked, before anything is sent a second time, whether the
/// post is out already: a record of the key on the platform's side, or the newest posts.
/// Where that cannot be told, answer [`ErrorKind::Conflict`] rather than post twice. An app that
/// the platform has not approved yet (Meta App Review, TikTok audit, Pinterest trial) is
/// [`ErrorKind::Denied`] with the gate in the message, or a finding where it only narrows the audience.
#[async_trait]
pub trait Publisher: fmt::Debug + Send + Sync {
    /// Returns how the account publishes.
    fn facts(&self) -> PublisherFacts;

    /// Holds a post against the platform's limits and tells everything that is amiss. Publishes
    /// nothing and reads no media; asks the platform only for limits that change by the account.
    ///
    /// # Errors
    /// Those of the platform. What is wrong with the post is never an error.
    async fn validate(&self, post: &Post) -> Result<Vec<PostFinding>>;

    /// Publishes a post at once, or at `at`. The same key and the same post again return the job
    /// begun before: nothing is ever posted twice.
    ///
    /// # Errors
    /// - [`ErrorKind::InvalidInput`]: [`validate`](Self::validate) finds an error, or `at` has passed.
    /// - [`ErrorKind::Unsupported`]: a source of media, or a time, that is not in [`PublisherFacts`].
    /// - [`ErrorKind::NotFound`]: a file of the media is not there.
    /// - [`ErrorKind::Conflict`]: the key was used with another post or time.
    /// - [`ErrorKind::LimitExceeded`]: no more posts today; see [`Error::retry_after`].
    /// - [`ErrorKind::Denied`]: the account or the app may not publish this.
    ///
    /// # Cancel safety
    /// Safe to drop; whether it is on its way is told by the same call with the same key.
    ///
    /// [`Error::retry_after`]: crate::Error::retry_after
    async fn publish(
        &self,
        key: &IdempotencyKey,
        post: &Post,
        at: Option<Timestamp>,
    ) -> Result<PublishJobId>;

    /// Asks how far a post is, and takes it further where the platform wants that (containers).
    /// [`PublishStatus::Published`], [`PublishStatus::Failed`] and [`PublishStatus::Cancelled`] do not
    /// change any more.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`]: no such job, or the platform has forgotten it.
    async fn publish_status(&self, job: &PublishJobId) -> Result<PublishStatus>;

    /// Stops a post that is not out yet. One that has been stopped already is no error.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`]: no such job.
    /// - [`ErrorKind::Conflict`]: it is out, or has failed.
    async fn cancel_publish(&self, job: &PublishJobId) -> Result<()>;

    /// Returns what the platform has counted for a post.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`]: no such post.
    /// - [`ErrorKind::Denied`]: the account may not see counts.
    async fn insights(&self, post: &PostId) -> Result<Insights>;
}
