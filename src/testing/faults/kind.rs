//! What can go wrong, where, and when.

use crate::error::ErrorKind;

/// A call that can fail.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Operation {
    /// [`PlatformConnector::check`](crate::connector::PlatformConnector::check).
    Check,
    /// Each page of [`FileStore::list`](crate::connector::FileStore::list), and its end.
    ListPage,
    /// [`FileStore::stat`](crate::connector::FileStore::stat).
    Stat,
    /// [`FileStore::read`](crate::connector::FileStore::read).
    Read,
    /// Each piece of a [`FileReader`](crate::connector::FileReader), and its end.
    ReadPiece,
    /// [`FileStore::upload`](crate::connector::FileStore::upload).
    Upload,
    /// [`FileStore::resume_upload`](crate::connector::FileStore::resume_upload).
    ResumeUpload,
    /// [`UploadSession::write`](crate::connector::UploadSession::write).
    Write,
    /// [`UploadSession::finish`](crate::connector::UploadSession::finish).
    Finish,
    /// [`UploadSession::abort`](crate::connector::UploadSession::abort).
    Abort,
    /// [`FileStore::copy`](crate::connector::FileStore::copy).
    Copy,
    /// [`FileStore::rename`](crate::connector::FileStore::rename).
    Rename,
    /// [`FileStore::delete`](crate::connector::FileStore::delete).
    Delete,
    /// [`FileStore::persist`](crate::connector::FileStore::persist).
    Persist,
    /// [`ChangeFeed::start`](crate::connector::ChangeFeed::start).
    StartChanges,
    /// [`ChangeFeed::changes`](crate::connector::ChangeFeed::changes).
    Changes,
    /// [`LinkSharing::create_link`](crate::connector::LinkSharing::create_link).
    CreateLink,
    /// [`LinkSharing::links`](crate::connector::LinkSharing::links).
    Links,
    /// [`LinkSharing::revoke_link`](crate::connector::LinkSharing::revoke_link).
    RevokeLink,
    /// [`GalleryHost::galleries`](crate::connector::GalleryHost::galleries).
    Galleries,
    /// [`GalleryHost::gallery`](crate::connector::GalleryHost::gallery).
    Gallery,
    /// [`GalleryHost::create_gallery`](crate::connector::GalleryHost::create_gallery).
    CreateGallery,
    /// [`GalleryHost::update_gallery`](crate::connector::GalleryHost::update_gallery).
    UpdateGallery,
    /// [`GalleryHost::items`](crate::connector::GalleryHost::items).
    GalleryItems,
    /// [`GalleryHost::add_item`](crate::connector::GalleryHost::add_item).
    AddItem,
    /// [`GalleryHost::order_items`](crate::connector::GalleryHost::order_items).
    OrderItems,
    /// [`GalleryHost::remove_item`](crate::connector::GalleryHost::remove_item).
    RemoveItem,
    /// [`GalleryHost::favourites`](crate::connector::GalleryHost::favourites).
    Favourites,
    /// [`GalleryHost::publish_gallery`](crate::connector::GalleryHost::publish_gallery).
    PublishGallery,
    /// [`GalleryHost::unpublish_gallery`](crate::connector::GalleryHost::unpublish_gallery).
    UnpublishGallery,
    /// [`PresetProcessor::presets`](crate::connector::PresetProcessor::presets).
    Presets,
    /// [`PresetProcessor::develop`](crate::connector::PresetProcessor::develop).
    Develop,
    /// [`PresetProcessor::develop_status`](crate::connector::PresetProcessor::develop_status).
    DevelopStatus,
    /// [`PresetProcessor::cancel_develop`](crate::connector::PresetProcessor::cancel_develop).
    CancelDevelop,
    /// [`Publisher::validate`](crate::connector::Publisher::validate).
    Validate,
    /// [`Publisher::publish`](crate::connector::Publisher::publish).
    Publish,
    /// [`Publisher::publish_status`](crate::connector::Publisher::publish_status).
    PublishStatus,
    /// [`Publisher::cancel_publish`](crate::connector::Publisher::cancel_publish).
    CancelPublish,
    /// [`Publisher::insights`](crate::connector::Publisher::insights).
    Insights,
    /// [`ContactBook::contact_changes`](crate::connector::ContactBook::contact_changes).
    ContactChanges,
    /// [`ContactBook::client`](crate::connector::ContactBook::client).
    Client,
    /// [`ContactBook::job`](crate::connector::ContactBook::job).
    Job,
    /// [`WebhookSource::subscribe`](crate::connector::WebhookSource::subscribe).
    Subscribe,
    /// [`WebhookSource::renew`](crate::connector::WebhookSource::renew).
    Renew,
    /// [`WebhookSource::unsubscribe`](crate::connector::WebhookSource::unsubscribe).
    Unsubscribe,
    /// [`StorageBackend::commit`](crate::storage::StorageBackend::commit).
    Commit,
    /// [`StorageBackend::get`](crate::storage::StorageBackend::get).
    Get,
    /// [`StorageBackend::query`](crate::storage::StorageBackend::query).
    Query,
    /// [`StorageBackend::read_journal`](crate::storage::StorageBackend::read_journal).
    ReadJournal,
    /// [`StorageBackend::journal_head`](crate::storage::StorageBackend::journal_head).
    JournalHead,
}

impl Operation {
    /// Tells whether a call may leave something behind.
    #[must_use]
    pub const fn has_effect(self) -> bool {
        matches!(
            self,
            Self::Upload
                | Self::Write
                | Self::Finish
                | Self::Abort
                | Self::Copy
                | Self::Rename
                | Self::Delete
                | Self::CreateLink
                | Self::RevokeLink
                | Self::CreateGallery
                | Self::UpdateGallery
                | Self::AddItem
                | Self::OrderItems
                | Self::RemoveItem
                | Self::PublishGallery
                | Self::UnpublishGallery
                | Self::Develop
                | Self::DevelopStatus
                | Self::CancelDevelop
                | Self::Publish
                | Self::PublishStatus
                | Self::CancelPublish
                | Self::Subscribe
                | Self::Renew
                | Self::Unsubscribe
                | Self::Commit
        )
    }
}

/// Before or after a call has had its effect.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third")]
pub enum Moment {
    /// Nothing has happened yet.
    Before,
    /// It has happened, but nobody hears of it.
    After,
}

/// How a call goes wrong.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum FaultKind {
    /// An error instead of the effect.
    Error(ErrorKind),
    /// The effect, and then an error instead of the answer.
    LostAnswer(ErrorKind),
    /// No answer, ever; the effect is there or not.
    Hang(Moment),
    /// A read ends early, without an error.
    TruncatedRead,
    /// A read fails between two pieces.
    BrokenRead,
    /// One bit of a piece that is read is another.
    CorruptRead,
    /// A listing ends with an error before its end.
    CutListing,
    /// One bit of a chunk is another by the time it arrives.
    CorruptWrite,
    /// The upload is forgotten.
    LostSession,
    /// The entry that comes back has hashes that are not those of its content.
    LyingHash,
}

impl FaultKind {
    /// Every kind of fault, errors among them that pass and some that do not.
    pub const ALL: [Self; 16] = [
        Self::Error(ErrorKind::Unavailable),
        Self::Error(ErrorKind::Timeout),
        Self::Error(ErrorKind::RateLimited),
        Self::Error(ErrorKind::Denied),
        Self::Error(ErrorKind::Full),
        Self::LostAnswer(ErrorKind::Unavailable),
        Self::LostAnswer(ErrorKind::Timeout),
        Self::Hang(Moment::Before),
        Self::Hang(Moment::After),
        Self::TruncatedRead,
        Self::BrokenRead,
        Self::CorruptRead,
        Self::CutListing,
        Self::CorruptWrite,
        Self::LostSession,
        Self::LyingHash,
    ];

    /// The faults of an ordinary bad connection: each passes, and nothing is wrong with the bytes.
    pub const PASSING: [Self; 7] = [
        Self::Error(ErrorKind::Unavailable),
        Self::Error(ErrorKind::Timeout),
        Self::Error(ErrorKind::RateLimited),
        Self::LostAnswer(ErrorKind::Unavailable),
        Self::LostAnswer(ErrorKind::Timeout),
        Self::BrokenRead,
        Self::LostSession,
    ];

    /// Tells whether the kind can befall this operation.
    #[must_use]
    pub const fn befalls(self, operation: Operation) -> bool {
        match self {
            Self::Error(_) | Self::Hang(Moment::Before) => true,
            Self::LostAnswer(_) | Self::Hang(Moment::After) => operation.has_effect(),
            Self::TruncatedRead | Self::BrokenRead | Self::CorruptRead => {
                matches!(operation, Operation::ReadPiece)
            }
            Self::CutListing => matches!(operation, Operation::ListPage),
            Self::CorruptWrite => matches!(operation, Operation::Write),
            Self::LostSession => matches!(operation, Operation::Write | Operation::ResumeUpload),
            Self::LyingHash => matches!(
                operation,
                Operation::Stat | Operation::Finish | Operation::Copy
            ),
        }
    }
}

/// One fault at a place of the test's choice.
///
/// # Example
///
/// ```
/// use garland::ErrorKind;
/// use garland::testing::{FaultKind, FaultRule, Faults, Operation};
///
/// let full = FaultKind::Error(ErrorKind::Full);
/// let faults = Faults::none().with_rule(FaultRule::new(Operation::Write, full).nth(2).on("day/a.jpg"));
/// assert!(faults.injected().is_empty());
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FaultRule {
    /// The call that fails.
    pub operation: Operation,
    /// How it fails.
    pub kind: FaultKind,
    /// Only calls about this: a path, a link's id, a collection or a journal.
    pub subject: Option<Box<str>>,
    /// Only calls through the thing with this label.
    pub label: Option<Box<str>>,
    /// From which of the matching calls on it fails, from 1.
    pub nth: u64,
    /// How many calls fail from there on.
    pub times: u64,
}

impl FaultRule {
    /// The first call of `operation` fails so, once.
    #[must_use]
    pub fn new(operation: Operation, kind: FaultKind) -> Self {
        Self {
            operation,
            kind,
            subject: None,
            label: None,
            nth: 1,
            times: 1,
        }
    }

    /// Sets [`FaultRule::subject`].
    #[must_use]
    pub fn on(mut self, subject: impl Into<Box<str>>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// Sets [`FaultRule::label`].
    #[must_use]
    pub fn at(mut self, label: impl Into<Box<str>>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Sets [`FaultRule::nth`], from 1.
    #[must_use]
    pub fn nth(mut self, nth: u64) -> Self {
        self.nth = nth.max(1);
        self
    }

    /// Sets [`FaultRule::times`].
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = times;
        self
    }

    /// Lets every matching call from [`FaultRule::nth`] on fail.
    #[must_use]
    pub fn always(self) -> Self {
        self.times(u64::MAX)
    }
}
