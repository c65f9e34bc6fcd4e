//! What kind of place an account in memory plays.

use std::time::Duration;

use crate::connector::{FileFacts, GalleryFacts, PublisherFacts};

/// How a [`MemoryPlatform`](super::MemoryPlatform) behaves.
///
/// By default it can do everything: ids, revisions, copies, a change feed and links, galleries,
/// presets, posts, books and webhooks.
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
    /// Whether it offers galleries. Default true.
    pub galleries: bool,
    /// What its galleries can do; all of it is really kept to. Default: everything.
    pub gallery_facts: GalleryFacts,
    /// Whether it offers presets. Default true.
    pub presets: bool,
    /// Whether it publishes. Default true.
    pub publisher: bool,
    /// How it publishes; all of it is really kept to. Default: in every way.
    pub publisher_facts: PublisherFacts,
    /// How often a job that develops or publishes is asked for before it is done. Default 2.
    pub job_steps: u32,
    /// Whether it offers books. Default true.
    pub contacts: bool,
    /// Whether it offers webhooks. Default true.
    pub webhooks: bool,
    /// How long a subscription lasts unless renewed. Default 7 days.
    pub webhook_lifetime: Duration,
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
            galleries: true,
            gallery_facts: GalleryFacts::full(),
            presets: true,
            publisher: true,
            publisher_facts: PublisherFacts::default()
                .with_takes_files(true)
                .with_takes_urls(true)
                .with_schedules(true),
            job_steps: 2,
            contacts: true,
            webhooks: true,
            webhook_lifetime: Duration::from_secs(7 * 24 * 3600),
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

    /// A place like a plain folder: no ids, no revisions, and nothing but files.
    #[must_use]
    pub fn bare(facts: FileFacts) -> Self {
        Self {
            ids: false,
            revisions: false,
            change_feed: false,
            links: false,
            galleries: false,
            presets: false,
            publisher: false,
            contacts: false,
            webhooks: false,
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

    /// Sets [`MemoryOptions::galleries`].
    #[must_use]
    pub fn with_galleries(mut self, offered: bool) -> Self {
        self.galleries = offered;
        self
    }

    /// Sets [`MemoryOptions::gallery_facts`].
    #[must_use]
    pub fn with_gallery_facts(mut self, facts: GalleryFacts) -> Self {
        self.gallery_facts = facts;
        self
    }

    /// Sets [`MemoryOptions::presets`].
    #[must_use]
    pub fn with_presets(mut self, offered: bool) -> Self {
        self.presets = offered;
        self
    }

    /// Sets [`MemoryOptions::publisher`].
    #[must_use]
    pub fn with_publisher(mut self, offered: bool) -> Self {
        self.publisher = offered;
        self
    }

    /// Sets [`MemoryOptions::publisher_facts`].
    #[must_use]
    pub fn with_publisher_facts(mut self, facts: PublisherFacts) -> Self {
        self.publisher_facts = facts;
        self
    }

    /// Sets [`MemoryOptions::job_steps`].
    #[must_use]
    pub fn with_job_steps(mut self, times: u32) -> Self {
        self.job_steps = times;
        self
    }

    /// Sets [`MemoryOptions::contacts`].
    #[must_use]
    pub fn with_contacts(mut self, offered: bool) -> Self {
        self.contacts = offered;
        self
    }

    /// Sets [`MemoryOptions::webhooks`].
    #[must_use]
    pub fn with_webhooks(mut self, offered: bool) -> Self {
        self.webhooks = offered;
        self
    }

    /// Sets [`MemoryOptions::webhook_lifetime`].
    #[must_use]
    pub fn with_webhook_lifetime(mut self, lifetime: Duration) -> Self {
        self.webhook_lifetime = lifetime;
        self
    }
}
