//! The seam to outside platforms: one trait, its facets, and the values they exchange.
//!
//! A [`PlatformConnector`] is one configured account. What it can do is told by its facets
//! ([`FileStore`], [`ChangeFeed`], [`LinkSharing`] …) and, as data, by [`Platform`] and [`FileFacts`].
//! A host's own connector implements the same traits and is held to the same promises by
//! `garland::testing::connector` (feature `testing`).

mod advice;
mod changes;
mod contacts;
mod digest;
mod facts;
mod files;
mod galleries;
mod hash_type;
mod hashes;
mod ids;
#[cfg(feature = "kit")]
#[cfg_attr(docsrs, doc(cfg(feature = "kit")))]
pub mod kit;
mod links;
mod names;
mod path;
mod platform;
mod posts;
mod presets;
mod publisher;
mod registry;
mod version;
mod webhooks;

pub use advice::RateAdvice;
#[cfg(feature = "webdav")]
pub(crate) use advice::http_date;
#[cfg(all(feature = "crypto", feature = "http"))]
pub(crate) use advice::retry_after;
pub use changes::{Change, ChangeCursor, ChangeFeed, ChangePage};
pub use contacts::{
    CalendarDay, Client, ClientId, ContactBook, ContactChange, ContactCursor, ContactPage, Job,
    JobDate, JobId, JobState,
};
pub use digest::ContentHasher;
pub use facts::{
    AuthKind, Category, ChunkRules, FileFacts, LastChunk, NameRules, Platform, RateLimit,
    UnicodeForm,
};
pub use files::{
    Expect, FileEntry, FileReader, FileStore, ListPage, ReadOptions, SkipReason, Skipped,
    UploadRequest, UploadSession, UploadToken,
};
pub use galleries::{
    Favourite, Gallery, GalleryAccess, GalleryFacts, GalleryHost, GalleryId, GalleryItem,
    GalleryItemId, GallerySpec, GalleryState, NewGalleryItem,
};
pub(crate) use hash_type::hash_type;
pub use hashes::{HashAlgorithm, Hashes, HashesRef};
pub(crate) use hashes::{from_hex, to_hex};
pub use ids::{IdempotencyKey, Page, PageCursor};
pub use links::{LinkOptions, LinkScope, LinkSharing, ShareLink};
pub use path::FilePath;
pub use platform::{Health, PlatformConnector};
pub use posts::{MediaSource, Post, PostAudience, PostFinding, PostForm, PostMedia, Severity};
pub use presets::{
    DevelopJobId, DevelopOutcome, DevelopOutput, DevelopRequest, DevelopResult, DevelopStatus,
    Preset, PresetId, PresetProcessor,
};
pub use publisher::{
    Insights, Metric, PostId, PublishJobId, PublishStatus, PublishedPost, Publisher, PublisherFacts,
};
pub use registry::{ConnectorName, ConnectorRegistry, NamedConnector};
pub use version::{FileVersion, Likeness, VersionRef};
pub use webhooks::{
    ChangeHint, Subscription, SubscriptionId, SubscriptionRequest, VerifiedDelivery,
    WebhookDelivery, WebhookReply, WebhookSecret, WebhookSource,
};
