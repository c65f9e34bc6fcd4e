//! What a layer knows of a call: what it is for, whether it may be made again, whether it is small.

use std::fmt;

use crate::connector::{Expect, ReadOptions};

/// The largest range in bytes whose reading counts as small.
const SMALL_READ: u64 = 256 << 10;

/// Which part of an account a call goes to.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Facet {
    /// The account itself.
    Account,
    /// [`FileStore`](crate::connector::FileStore), with its readers and upload sessions.
    Files,
    /// [`ChangeFeed`](crate::connector::ChangeFeed).
    Changes,
    /// [`LinkSharing`](crate::connector::LinkSharing).
    Links,
    /// [`GalleryHost`](crate::connector::GalleryHost).
    Galleries,
    /// [`PresetProcessor`](crate::connector::PresetProcessor).
    Presets,
    /// [`Publisher`](crate::connector::Publisher).
    Publisher,
    /// [`ContactBook`](crate::connector::ContactBook).
    Contacts,
    /// [`WebhookSource`](crate::connector::WebhookSource).
    Webhooks,
}

/// What a call is for. Platforms fail by kind: uploads are down while listings answer.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum CallKind {
    /// Whether the account answers at all.
    Check,
    /// Pages: listings, feeds, books.
    List,
    /// One thing that is looked at or read.
    Read,
    /// Bytes of files on their way to the platform.
    Write,
    /// A change that carries no bytes: copy, rename, delete, links, items of a gallery.
    Change,
    /// What makes something public, or asks how far that is.
    Publish,
}

impl CallKind {
    /// All kinds, in their order.
    pub const ALL: [Self; 6] = [
        Self::Check,
        Self::List,
        Self::Read,
        Self::Write,
        Self::Change,
        Self::Publish,
    ];

    /// Returns the stable code, in snake case.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::List => "list",
            Self::Read => "read",
            Self::Write => "write",
            Self::Change => "change",
            Self::Publish => "publish",
        }
    }
}

impl fmt::Display for CallKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// Whether a call that failed may be made again by somebody who does not know what came of it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Repeat {
    /// Twice has the effect of once: reads, pages, acts under a key, acts that set a state.
    Safe,
    /// Only when the platform refused to hear it
    /// ([`ErrorKind::RateLimited`](crate::ErrorKind::RateLimited)): after a lost answer it would
    /// fail for what it has itself done, or do it twice.
    Unheard,
    /// Not by a layer: bytes in mid-stream, where somebody has to ask first how far the platform is.
    Never,
}

/// One call of an account, as layers see it.
///
/// # Example
///
/// ```
/// use garland::resilience::{Call, CallKind, Facet, Repeat};
///
/// let call = Call::new(Facet::Files, "files.stat", CallKind::Read);
/// assert_eq!(call.repeat(), Repeat::Never);
/// assert!(call.is_request() && !call.is_small());
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Call {
    facet: Facet,
    name: &'static str,
    kind: CallKind,
    repeat: Repeat,
    small: bool,
    long: bool,
    request: bool,
}

impl Call {
    /// Describes a request that is neither small nor ever repeated. `name` is `facet.method`.
    #[must_use]
    pub const fn new(facet: Facet, name: &'static str, kind: CallKind) -> Self {
        Self {
            facet,
            name,
            kind,
            repeat: Repeat::Never,
            small: false,
            long: false,
            request: true,
        }
    }

    /// Sets [`Call::repeat`].
    #[must_use]
    pub const fn with_repeat(mut self, repeat: Repeat) -> Self {
        self.repeat = repeat;
        self
    }

    /// Sets [`Call::is_small`].
    #[must_use]
    pub const fn with_small(mut self, small: bool) -> Self {
        self.small = small;
        self
    }

    /// Sets [`Call::is_long`].
    #[must_use]
    pub const fn with_long(mut self, long: bool) -> Self {
        self.long = long;
        self
    }

    /// Sets [`Call::is_request`].
    #[must_use]
    pub const fn with_request(mut self, request: bool) -> Self {
        self.request = request;
        self
    }

    /// Returns which part of the account is called.
    #[must_use]
    pub const fn facet(&self) -> Facet {
        self.facet
    }

    /// Returns its name, `facet.method`, from a fixed list: fit for a label.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns what it is for.
    #[must_use]
    pub const fn kind(&self) -> CallKind {
        self.kind
    }

    /// Returns whether it may be made again.
    #[must_use]
    pub const fn repeat(&self) -> Repeat {
        self.repeat
    }

    /// Tells whether it reads little and changes nothing, so that two at once do no harm.
    #[must_use]
    pub const fn is_small(&self) -> bool {
        self.small
    }

    /// Tells whether a try that takes long may be cut off soon: it neither carries bytes nor makes the
    /// platform work. To copy a large file may take minutes. Whether it may be made again is another
    /// matter ([`Call::repeat`]).
    #[must_use]
    pub const fn is_quick(&self) -> bool {
        self.request && matches!(self.kind, CallKind::Check | CallKind::List | CallKind::Read)
    }

    /// Tells whether a healthy platform may take long for it: it carries bytes, or the platform works through
    /// those of a file. That one of them has been out for a while when somebody gives it up shows nothing.
    #[must_use]
    pub const fn is_long(&self) -> bool {
        self.long
    }

    /// Tells whether it is a request of its own. The next piece of a file that is being read is not:
    /// the platform answers the request that opened it.
    #[must_use]
    pub const fn is_request(&self) -> bool {
        self.request
    }

    /// To open a file.
    pub(super) fn open(options: &ReadOptions) -> Self {
        let range = options.range.as_ref();
        let small = range.is_some_and(|range| range.end.saturating_sub(range.start) <= SMALL_READ);
        FILES_READ.with_small(small)
    }

    /// To copy a file. With nothing expected at its place a second copy changes nothing.
    pub(super) fn copy(expect: &Expect) -> Self {
        match expect {
            Expect::Anything => FILES_COPY.with_repeat(Repeat::Safe),
            _ => FILES_COPY,
        }
    }
}

const fn look(facet: Facet, name: &'static str) -> Call {
    safe(facet, name, CallKind::Read).with_small(true)
}

const fn page(facet: Facet, name: &'static str) -> Call {
    safe(facet, name, CallKind::List)
}

const fn safe(facet: Facet, name: &'static str, kind: CallKind) -> Call {
    Call::new(facet, name, kind).with_repeat(Repeat::Safe)
}

const fn long(call: Call) -> Call {
    call.with_long(true)
}

const fn unheard(facet: Facet, name: &'static str, kind: CallKind) -> Call {
    Call::new(facet, name, kind).with_repeat(Repeat::Unheard)
}

pub(super) const CHECK: Call = safe(Facet::Account, "account.check", CallKind::Check);

/// One page of a listing. The stream stands where it failed, so the page cannot be asked for again.
pub(super) const FILES_LIST: Call = Call::new(Facet::Files, "files.list", CallKind::List);
pub(super) const FILES_STAT: Call = look(Facet::Files, "files.stat");
pub(super) const FILES_READ: Call = safe(Facet::Files, "files.read", CallKind::Read);
pub(super) const FILES_PIECE: Call =
    Call::new(Facet::Files, "files.piece", CallKind::Read).with_request(false);
pub(super) const FILES_UPLOAD: Call = unheard(Facet::Files, "files.upload", CallKind::Write);
pub(super) const FILES_RESUME: Call = safe(Facet::Files, "files.resume", CallKind::Write);
pub(super) const FILES_COPY: Call = long(unheard(Facet::Files, "files.copy", CallKind::Change));
pub(super) const FILES_RENAME: Call = long(unheard(Facet::Files, "files.rename", CallKind::Change));
pub(super) const FILES_DELETE: Call = unheard(Facet::Files, "files.delete", CallKind::Change);
/// A disk that has failed to write may say so only once.
pub(super) const FILES_PERSIST: Call = Call::new(Facet::Files, "files.persist", CallKind::Change);
pub(super) const UPLOAD_WRITE: Call =
    long(Call::new(Facet::Files, "upload.write", CallKind::Write));
pub(super) const UPLOAD_FINISH: Call =
    long(Call::new(Facet::Files, "upload.finish", CallKind::Write));
pub(super) const UPLOAD_ABORT: Call = Call::new(Facet::Files, "upload.abort", CallKind::Write);

pub(super) const CHANGES_START: Call = look(Facet::Changes, "changes.start");
pub(super) const CHANGES_NEXT: Call = page(Facet::Changes, "changes.next");

/// A second link would be another link.
pub(super) const LINKS_CREATE: Call = unheard(Facet::Links, "links.create", CallKind::Change);
pub(super) const LINKS_LIST: Call = page(Facet::Links, "links.list");
pub(super) const LINKS_REVOKE: Call = safe(Facet::Links, "links.revoke", CallKind::Change);

pub(super) const GALLERIES_LIST: Call = page(Facet::Galleries, "galleries.list");
pub(super) const GALLERIES_GET: Call = look(Facet::Galleries, "galleries.get");
pub(super) const GALLERIES_CREATE: Call =
    safe(Facet::Galleries, "galleries.create", CallKind::Change);
pub(super) const GALLERIES_UPDATE: Call =
    safe(Facet::Galleries, "galleries.update", CallKind::Change);
pub(super) const GALLERIES_ITEMS: Call = page(Facet::Galleries, "galleries.items");
pub(super) const GALLERIES_ADD: Call = safe(Facet::Galleries, "galleries.add", CallKind::Change);
pub(super) const GALLERIES_ORDER: Call =
    safe(Facet::Galleries, "galleries.order", CallKind::Change);
pub(super) const GALLERIES_REMOVE: Call =
    safe(Facet::Galleries, "galleries.remove", CallKind::Change);
pub(super) const GALLERIES_FAVOURITES: Call = page(Facet::Galleries, "galleries.favourites");
pub(super) const GALLERIES_PUBLISH: Call = long(safe(
    Facet::Galleries,
    "galleries.publish",
    CallKind::Publish,
));
pub(super) const GALLERIES_UNPUBLISH: Call =
    safe(Facet::Galleries, "galleries.unpublish", CallKind::Publish);

pub(super) const PRESETS_LIST: Call = page(Facet::Presets, "presets.list");
pub(super) const PRESETS_DEVELOP: Call = safe(Facet::Presets, "presets.develop", CallKind::Change);
pub(super) const PRESETS_STATUS: Call = look(Facet::Presets, "presets.status");
pub(super) const PRESETS_CANCEL: Call = safe(Facet::Presets, "presets.cancel", CallKind::Change);

pub(super) const PUBLISHER_VALIDATE: Call = look(Facet::Publisher, "publisher.validate");
pub(super) const PUBLISHER_PUBLISH: Call = long(safe(
    Facet::Publisher,
    "publisher.publish",
    CallKind::Publish,
));
/// Takes a post further on some platforms, so two at once are one too many: not small.
pub(super) const PUBLISHER_STATUS: Call =
    safe(Facet::Publisher, "publisher.status", CallKind::Publish);
pub(super) const PUBLISHER_CANCEL: Call =
    safe(Facet::Publisher, "publisher.cancel", CallKind::Publish);
pub(super) const PUBLISHER_INSIGHTS: Call = look(Facet::Publisher, "publisher.insights");

pub(super) const CONTACTS_CHANGES: Call = page(Facet::Contacts, "contacts.changes");
pub(super) const CONTACTS_CLIENT: Call = look(Facet::Contacts, "contacts.client");
pub(super) const CONTACTS_JOB: Call = look(Facet::Contacts, "contacts.job");

pub(super) const WEBHOOKS_SUBSCRIBE: Call =
    safe(Facet::Webhooks, "webhooks.subscribe", CallKind::Change);
pub(super) const WEBHOOKS_RENEW: Call = safe(Facet::Webhooks, "webhooks.renew", CallKind::Change);
pub(super) const WEBHOOKS_UNSUBSCRIBE: Call =
    safe(Facet::Webhooks, "webhooks.unsubscribe", CallKind::Change);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_short_range_is_a_small_read() {
        let range = |end| Call::open(&ReadOptions::default().with_range(10..end)).is_small();
        assert!(range(10 + SMALL_READ));
        assert!(!range(11 + SMALL_READ));
        assert!(!Call::open(&ReadOptions::default()).is_small());
    }

    #[test]
    fn a_copy_that_expects_something_would_meet_itself() {
        assert_eq!(Call::copy(&Expect::Anything).repeat(), Repeat::Safe);
        assert_eq!(Call::copy(&Expect::Absent).repeat(), Repeat::Unheard);
    }
}
