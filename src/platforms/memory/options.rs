//! What kind of place an account in memory plays.

use crate::connector::FileFacts;

/// How a [`MemoryPlatform`](super::MemoryPlatform) behaves.
///
/// By default it can do everything: ids, revisions, copies, a change feed and links.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MemoryOptions {
    /// Names, times, hashes, chunks, order and sizes; all of them are really kept to.
    pub facts: FileFacts,
    /// How many bytes it holds, unfinished uploads included. Default: no bound.
    pub capacity: Option<u64>,
    /// Entries on a page of a listing or of the change feed. Default 100, at least 1.
    pub page_size: usize,
    /// Most bytes in a piece of a read. Default 64 KiB, at least 1.
    pub piece_size: usize,
    /// Whether files have ids, which a rename and a new version do not change. Default true.
    pub ids: bool,
    /// Whether each version has a revision. Default true.
    pub revisions: bool,
    /// Whether uploads can be resumed by a token. Default true.
    pub resumable: bool,
    /// Whether it copies within the account. Default true.
    pub copies: bool,
    /// Whether it offers a change feed. Default true.
    pub change_feed: bool,
    /// How many changes the feed remembers; an older cursor has expired. Default 10,000.
    pub history: usize,
    /// Whether the feed tells a deletion by id only, and a rename by nothing but its new path, as
    /// Google Drive does. Needs [`MemoryOptions::ids`]. Default false.
    pub deletes_by_id: bool,
    /// Whether it offers links. Default true.
    pub links: bool,
}

impl Default for MemoryOptions {
    fn default() -> Self {
        Self {
            facts: FileFacts::default(),
            capacity: None,
            page_size: 100,
            piece_size: 64 << 10,
            ids: true,
            revisions: true,
            resumable: true,
            copies: true,
            change_feed: true,
            history: 10_000,
            deletes_by_id: false,
            links: true,
        }
    }
}

impl MemoryOptions {
    /// Starts from the defaults with these facts.
    #[must_use]
    pub fn new(facts: FileFacts) -> Self {
        Self {
            facts,
            ..Self::default()
        }
    }

    /// A place like a plain folder: no ids, no revisions, no feed, no links.
    #[must_use]
    pub fn bare(facts: FileFacts) -> Self {
        Self {
            ids: false,
            revisions: false,
            change_feed: false,
            links: false,
            ..Self::new(facts)
        }
    }

    /// Sets [`MemoryOptions::capacity`].
    #[must_use]
    pub fn with_capacity(mut self, bytes: impl Into<Option<u64>>) -> Self {
        self.capacity = bytes.into();
        self
    }

    /// Sets [`MemoryOptions::page_size`].
    #[must_use]
    pub fn with_page_size(mut self, entries: usize) -> Self {
        self.page_size = entries.max(1);
        self
    }

    /// Sets [`MemoryOptions::piece_size`].
    #[must_use]
    pub fn with_piece_size(mut self, bytes: usize) -> Self {
        self.piece_size = bytes.max(1);
        self
    }

    /// Sets [`MemoryOptions::ids`].
    #[must_use]
    pub fn with_ids(mut self, ids: bool) -> Self {
        self.ids = ids;
        self
    }

    /// Sets [`MemoryOptions::revisions`].
    #[must_use]
    pub fn with_revisions(mut self, revisions: bool) -> Self {
        self.revisions = revisions;
        self
    }

    /// Sets [`MemoryOptions::resumable`].
    #[must_use]
    pub fn with_resumable(mut self, resumable: bool) -> Self {
        self.resumable = resumable;
        self
    }

    /// Sets [`MemoryOptions::copies`].
    #[must_use]
    pub fn with_copies(mut self, copies: bool) -> Self {
        self.copies = copies;
        self
    }

    /// Sets [`MemoryOptions::change_feed`].
    #[must_use]
    pub fn with_change_feed(mut self, offered: bool) -> Self {
        self.change_feed = offered;
        self
    }

    /// Sets [`MemoryOptions::history`].
    #[must_use]
    pub fn with_history(mut self, changes: usize) -> Self {
        self.history = changes;
        self
    }

    /// Sets [`MemoryOptions::deletes_by_id`].
    #[must_use]
    pub fn with_deletes_by_id(mut self, by_id: bool) -> Self {
        self.deletes_by_id = by_id;
        self
    }

    /// Sets [`MemoryOptions::links`].
    #[must_use]
    pub fn with_links(mut self, offered: bool) -> Self {
        self.links = offered;
        self
    }
}
