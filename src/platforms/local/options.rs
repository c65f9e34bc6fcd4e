//! How a folder is used.

use std::time::Duration;

use crate::connector::NameRules;

/// How a [`LocalFolder`](super::LocalFolder) behaves.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LocalOptions {
    /// Whether files and folders behind symbolic links are listed and read. Changes never go
    /// through a linked folder; a linked file is replaced by a file. Default false.
    pub follow_links: bool,
    /// When what was written survives a loss of power. Default [`Durability::Barrier`].
    pub durability: Durability,
    /// Which names the folder takes. Default: found out when it is opened.
    pub names: Option<NameRules>,
    /// How finely it keeps times. Default: found out when it is opened.
    pub time_precision: Option<Duration>,
    /// Entries on a page of a listing. Default 1,000, at least 1.
    pub page_size: usize,
    /// Bytes in a piece of a read, of which at most three are in memory. Default 512 KiB, at least 4 KiB.
    pub piece_size: usize,
}

/// When what was written survives a loss of power.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Durability {
    /// At [`persist`](crate::connector::FileStore::persist): one `syncfs` for all that was written.
    /// Where there is no such call (not Linux), as [`Durability::EachFile`].
    #[default]
    Barrier,
    /// When each file is finished: `fsync` of the file and of its folder. Slow on many small files.
    EachFile,
    /// Whenever the system gets to it. After a loss of power, files that a sync takes for
    /// delivered may be missing, and look as if somebody had deleted them. For scratch folders.
    None,
}

impl Default for LocalOptions {
    fn default() -> Self {
        Self {
            follow_links: false,
            durability: Durability::default(),
            names: None,
            time_precision: None,
            page_size: 1_000,
            piece_size: 512 << 10,
        }
    }
}

impl LocalOptions {
    /// Sets [`LocalOptions::follow_links`].
    #[must_use]
    pub fn with_follow_links(mut self, follow: bool) -> Self {
        self.follow_links = follow;
        self
    }

    /// Sets [`LocalOptions::durability`].
    #[must_use]
    pub fn with_durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Sets [`LocalOptions::names`].
    #[must_use]
    pub fn with_names(mut self, names: impl Into<Option<NameRules>>) -> Self {
        self.names = names.into();
        self
    }

    /// Sets [`LocalOptions::time_precision`].
    #[must_use]
    pub fn with_time_precision(mut self, precision: impl Into<Option<Duration>>) -> Self {
        self.time_precision = precision.into();
        self
    }

    /// Sets [`LocalOptions::page_size`].
    #[must_use]
    pub fn with_page_size(mut self, entries: usize) -> Self {
        self.page_size = entries.max(1);
        self
    }

    /// Sets [`LocalOptions::piece_size`].
    #[must_use]
    pub fn with_piece_size(mut self, bytes: usize) -> Self {
        self.piece_size = bytes.max(4 << 10);
        self
    }
}
