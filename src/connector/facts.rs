//! What a platform can do, as data.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::hashes::HashAlgorithm;

/// The fixed facts of a platform, the same for every account on it.
///
/// Limits are data, so that a plan can respect them before a byte is sent.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Platform {
    /// Stable lower-case id, as in the cargo feature: `local`, `dropbox`.
    pub id: &'static str,
    /// The name as its makers write it.
    pub name: &'static str,
    /// What kind of place it is.
    pub category: Category,
    /// How an account is connected.
    pub auth: AuthKind,
    /// How many requests it takes, as published. Empty: no published limit.
    pub rate_limits: &'static [RateLimit],
    /// How many transfers at once make sense on one account.
    pub concurrency: usize,
}

impl Platform {
    /// Makes the facts of a platform without published rate limits, four transfers at once.
    #[must_use]
    pub const fn new(
        id: &'static str,
        name: &'static str,
        category: Category,
        auth: AuthKind,
    ) -> Self {
        Self {
            id,
            name,
            category,
            auth,
            rate_limits: &[],
            concurrency: 4,
        }
    }

    /// Sets [`Platform::rate_limits`].
    #[must_use]
    pub const fn with_rate_limits(mut self, limits: &'static [RateLimit]) -> Self {
        self.rate_limits = limits;
        self
    }

    /// Sets [`Platform::concurrency`]. At least 1.
    #[must_use]
    pub const fn with_concurrency(mut self, concurrency: usize) -> Self {
        self.concurrency = if concurrency == 0 { 1 } else { concurrency };
        self
    }
}

/// What kind of place a platform is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Category {
    /// A folder, card or network mount.
    Local,
    /// Drives, buckets and file servers.
    Cloud,
    /// Photo tools and catalogues.
    Photography,
    /// Client galleries.
    Gallery,
    /// Social networks.
    Social,
    /// Client and job management.
    Crm,
    /// A connector of another library, carried over.
    Bridge,
}

/// How an account is connected.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AuthKind {
    /// No credentials.
    None,
    /// OAuth 2.0 in the user's name.
    OAuth2,
    /// An API key or token.
    ApiKey,
    /// A key pair or shared key that signs each request.
    SignedRequest,
    /// User name and password.
    Password,
    /// An SSH key.
    SshKey,
}

/// A published bound on requests: at most `requests` in any window of `per`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct RateLimit {
    /// How many requests.
    pub requests: u32,
    /// In any window of this length.
    pub per: Duration,
}

impl RateLimit {
    /// Makes a limit of `requests` in any window of `per`.
    #[must_use]
    pub const fn new(requests: u32, per: Duration) -> Self {
        Self { requests, per }
    }
}

/// What one account can do with files. Constant for the life of the connector.
///
/// Two accounts on one platform may differ: a memory card ignores case, a disk does not.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct FileFacts {
    /// Which names it takes and how it tells them apart.
    pub names: NameRules,
    /// How finely modified times are kept; `None` if a written time is not kept at all.
    pub time_precision: Option<Duration>,
    /// The hashes it reports for every file it stores, without reading it again.
    pub hashes: &'static [HashAlgorithm],
    /// How an upload is cut.
    pub chunks: ChunkRules,
    /// Whether listings come ordered by path bytes. Others are sorted in memory.
    pub lists_in_order: bool,
    /// Largest file in bytes; `None` if no bound is published.
    pub max_file_size: Option<u64>,
}

impl Default for FileFacts {
    /// Any name, times to the millisecond, no hashes, chunks of 1 MiB, unordered listings.
    fn default() -> Self {
        Self {
            names: NameRules::default(),
            time_precision: Some(Duration::from_millis(1)),
            hashes: &[],
            chunks: ChunkRules::default(),
            lists_in_order: false,
            max_file_size: None,
        }
    }
}

impl FileFacts {
    /// Sets [`FileFacts::names`].
    #[must_use]
    pub fn with_names(mut self, names: NameRules) -> Self {
        self.names = names;
        self
    }

    /// Sets [`FileFacts::time_precision`].
    #[must_use]
    pub fn with_time_precision(mut self, precision: impl Into<Option<Duration>>) -> Self {
        self.time_precision = precision.into();
        self
    }

    /// Sets [`FileFacts::hashes`].
    #[must_use]
    pub fn with_hashes(mut self, hashes: &'static [HashAlgorithm]) -> Self {
        self.hashes = hashes;
        self
    }

    /// Sets [`FileFacts::chunks`].
    #[must_use]
    pub fn with_chunks(mut self, chunks: ChunkRules) -> Self {
        self.chunks = chunks;
        self
    }

    /// Sets [`FileFacts::lists_in_order`].
    #[must_use]
    pub fn with_lists_in_order(mut self, ordered: bool) -> Self {
        self.lists_in_order = ordered;
        self
    }

    /// Sets [`FileFacts::max_file_size`].
    #[must_use]
    pub fn with_max_file_size(mut self, bytes: impl Into<Option<u64>>) -> Self {
        self.max_file_size = bytes.into();
        self
    }
}

/// Which names an account takes, and which it takes for the same (`spec/sync.md` §7).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct NameRules {
    /// Whether `A` and `a` are two names.
    pub case_sensitive: bool,
    /// How it spells what can be spelled in several ways.
    pub unicode: UnicodeForm,
    /// Characters that cannot stand in a component.
    pub forbidden: Box<str>,
    /// Longest component in bytes of UTF-8.
    pub max_name: usize,
    /// Whether a component may not end in a dot or a space (Windows, `OneDrive`).
    pub no_trailing_dot_or_space: bool,
    /// Stems that cannot be used, in any case and with any extension (`CON`, `NUL`, …), in upper case.
    pub reserved: Vec<Box<str>>,
}

impl Default for NameRules {
    /// Everything that a [`FilePath`](super::FilePath) can hold, components up to 255 bytes.
    fn default() -> Self {
        Self {
            case_sensitive: true,
            unicode: UnicodeForm::AsWritten,
            forbidden: Box::default(),
            max_name: 255,
            no_trailing_dot_or_space: false,
            reserved: Vec::new(),
        }
    }
}

impl NameRules {
    /// The rules of Windows file systems and of FAT and exFAT cards
    /// ([naming files](https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file)).
    #[must_use]
    pub fn windows() -> Self {
        let numbered = |stem: &'static str| (1..=9).map(move |n| format!("{stem}{n}").into());
        Self {
            case_sensitive: false,
            forbidden: "<>:\"\\|?*".chars().chain('\u{1}'..='\u{1f}').collect(),
            no_trailing_dot_or_space: true,
            reserved: ["CON", "PRN", "AUX", "NUL"]
                .map(Into::into)
                .into_iter()
                .chain(numbered("COM"))
                .chain(numbered("LPT"))
                .collect(),
            ..Self::default()
        }
    }

    /// Sets [`NameRules::case_sensitive`].
    #[must_use]
    pub fn with_case_sensitive(mut self, sensitive: bool) -> Self {
        self.case_sensitive = sensitive;
        self
    }

    /// Sets [`NameRules::unicode`].
    #[must_use]
    pub fn with_unicode(mut self, form: UnicodeForm) -> Self {
        self.unicode = form;
        self
    }

    /// Sets [`NameRules::forbidden`].
    #[must_use]
    pub fn with_forbidden(mut self, characters: impl Into<Box<str>>) -> Self {
        self.forbidden = characters.into();
        self
    }

    /// Sets [`NameRules::max_name`].
    #[must_use]
    pub fn with_max_name(mut self, bytes: usize) -> Self {
        self.max_name = bytes;
        self
    }

    /// Tells whether one path component can be written.
    ///
    /// # Example
    ///
    /// ```
    /// use garland::connector::NameRules;
    ///
    /// let card = NameRules::windows();
    /// assert!(card.allows("IMG_0001.jpg"));
    /// assert!(!card.allows("first look?.jpg"));
    /// assert!(!card.allows("aux.txt"));
    /// assert!(!card.allows("toast."));
    /// ```
    #[must_use]
    pub fn allows(&self, component: &str) -> bool {
        if component.len() > self.max_name {
            return false;
        }
        if !self.forbidden.is_empty() && component.contains(|c| self.forbidden.contains(c)) {
            return false;
        }
        if self.no_trailing_dot_or_space && component.ends_with(['.', ' ']) {
            return false;
        }
        let stem = component.split('.').next().unwrap_or(component);
        !self
            .reserved
            .iter()
            .any(|reserved| stem.eq_ignore_ascii_case(reserved))
    }
}

/// How an account spells characters that Unicode can compose in several ways.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum UnicodeForm {
    /// Two spellings are two names.
    #[default]
    AsWritten,
    /// All spellings of one text are one name (compared in NFC).
    Nfc,
}

/// How an upload is cut into chunks.
///
/// [`next`](ChunkRules::next) gives the size of each chunk; the driver of the upload never sends another.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ChunkRules {
    /// Each chunk but the last is a multiple of this. At least 1.
    pub alignment: u64,
    /// Smallest chunk but the last.
    pub minimum: u64,
    /// Largest chunk.
    pub maximum: u64,
    /// What to use where nothing else is asked.
    pub preferred: u64,
    /// What is asked of the last chunk.
    pub last: LastChunk,
    /// How many chunks an upload may have; `None` if no bound is published.
    pub max_count: Option<u64>,
    /// Whether the platform names the size of each chunk when the upload begins.
    pub chosen_by_server: bool,
}

/// What is asked of the last chunk of an upload.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum LastChunk {
    /// Any size from 1 byte.
    Any,
    /// At least the minimum, unless it is the only one.
    AtLeastMinimum,
}

impl Default for ChunkRules {
    /// Any cut; 1 MiB preferred, at most 64 MiB.
    fn default() -> Self {
        Self {
            alignment: 1,
            minimum: 1,
            maximum: 64 << 20,
            preferred: 1 << 20,
            last: LastChunk::Any,
            max_count: None,
            chosen_by_server: false,
        }
    }
}

impl ChunkRules {
    /// Makes rules from the alignment, the bounds and the preferred size, all in bytes.
    ///
    /// Values that contradict each other are drawn together: `minimum` up to a multiple of `alignment`,
    /// `maximum` to at least `minimum`, `preferred` between both.
    #[must_use]
    pub fn new(alignment: u64, minimum: u64, maximum: u64, preferred: u64) -> Self {
        let alignment = alignment.max(1);
        let minimum = minimum.max(1).next_multiple_of(alignment);
        let maximum = (maximum / alignment * alignment).max(minimum);
        let preferred = (preferred / alignment * alignment).clamp(minimum, maximum);
        Self {
            alignment,
            minimum,
            maximum,
            preferred,
            ..Self::default()
        }
    }

    /// Sets [`ChunkRules::last`].
    #[must_use]
    pub fn with_last(mut self, last: LastChunk) -> Self {
        self.last = last;
        self
    }

    /// Sets [`ChunkRules::max_count`].
    #[must_use]
    pub fn with_max_count(mut self, count: impl Into<Option<u64>>) -> Self {
        self.max_count = count.into();
        self
    }

    /// Sets [`ChunkRules::chosen_by_server`].
    #[must_use]
    pub fn with_chosen_by_server(mut self, chosen: bool) -> Self {
        self.chosen_by_server = chosen;
        self
    }

    /// Returns the size of every chunk but the last for a file of `total` bytes: the preferred one, or
    /// larger where the file would otherwise need more than [`max_count`](Self::max_count) chunks.
    /// `None` if the file cannot be sent within the rules.
    #[must_use]
    pub fn size_for(&self, total: u64) -> Option<u64> {
        let Some(count) = self.max_count else {
            return Some(self.preferred);
        };
        let needed = total
            .div_ceil(count.max(1))
            .checked_next_multiple_of(self.alignment)?;
        (needed <= self.maximum).then_some(needed.max(self.preferred))
    }

    /// Returns the size of the next chunk, with `rest` bytes still to send in chunks of `size`.
    ///
    /// # Example
    ///
    /// ```
    /// use garland::connector::{ChunkRules, LastChunk};
    ///
    /// let rules = ChunkRules::new(4, 8, 64, 8).with_last(LastChunk::AtLeastMinimum);
    /// assert_eq!(rules.next(8, 30), 8);
    /// assert_eq!(rules.next(8, 14), 14); // 8 would leave a last chunk of 6, below the minimum
    /// assert_eq!(rules.next(8, 3), 3);
    /// assert_eq!(rules.next(64, 66), 56); // one chunk cannot hold 66, so the last has 10
    /// ```
    #[must_use]
    pub fn next(&self, size: u64, rest: u64) -> u64 {
        if rest <= size {
            return rest;
        }
        let short_tail = rest - size < self.minimum;
        if self.last == LastChunk::Any || !short_tail {
            return size;
        }
        if rest <= self.maximum {
            return rest;
        }
        // Too much for one chunk: this one leaves the last its minimum.
        let alignment = self.alignment.max(1);
        let shorter = rest.saturating_sub(self.minimum) / alignment * alignment;
        if shorter >= self.minimum {
            shorter
        } else {
            size
        }
    }
}
