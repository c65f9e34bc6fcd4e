//! The chain of a journal, checked entry by entry. Pure.

use std::fmt;

use crate::storage::{ChainHash, JournalEntry, JournalHead};

/// Follows the entries of a journal and checks that each belongs where it stands.
///
/// # Example
///
/// ```
/// use garland::Timestamp;
/// use garland::journal::{Break, Chain};
/// use garland::storage::{ChainHash, JournalEntry, JournalHead, Json};
///
/// let at = Timestamp::from_millis(0);
/// let one = JournalEntry::following(&ChainHash::START, 1, at, Json::of("made")?);
/// let mut two = JournalEntry::following(&one.hash, 2, at, Json::of("paid")?);
/// two.event = Json::of("not paid")?;
///
/// let mut chain = Chain::new(JournalHead::default());
/// assert!(chain.follow(&one).is_ok());
/// assert!(matches!(chain.follow(&two), Err(Break::Hash { sequence: 2, .. })));
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Chain {
    head: JournalHead,
}

impl Chain {
    /// Begins behind an entry that is known to be good; the default head is the very beginning.
    #[must_use]
    pub fn new(head: JournalHead) -> Self {
        Self { head }
    }

    /// Returns the last entry that was good.
    #[must_use]
    pub fn head(&self) -> JournalHead {
        self.head
    }

    /// Checks the entry that comes next. After a break it stays where it was.
    ///
    /// # Errors
    /// Where and how the chain is broken.
    pub fn follow(&mut self, entry: &JournalEntry) -> Result<(), Break> {
        let expected = self.head.sequence.saturating_add(1);
        if entry.sequence != expected {
            return Err(Break::Gap {
                expected,
                found: entry.sequence,
            });
        }
        let hash = self.head.hash.link(entry.sequence, entry.at, &entry.event);
        if entry.hash != hash {
            return Err(Break::Hash {
                sequence: entry.sequence,
                expected: hash,
                found: entry.hash,
            });
        }
        self.head = JournalHead::new(entry.sequence, hash);
        Ok(())
    }
}

/// Where a journal is not what it must be.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Break {
    /// An entry is missing, or not in its place.
    Gap {
        /// The number that comes next.
        expected: u64,
        /// The number that stands there.
        found: u64,
    },
    /// An entry was changed, or one before it was, with its hash.
    Hash {
        /// The number of the entry.
        sequence: u64,
        /// The hash that follows from what the entry says.
        expected: ChainHash,
        /// The hash that stands there.
        found: ChainHash,
    },
    /// The recorded end is not that of the last entry: the tail was cut off, or added to.
    Head {
        /// The end as it is recorded.
        recorded: JournalHead,
        /// The last entry there is.
        last: JournalHead,
    },
    /// An end that was known from elsewhere is not on the chain: it was built anew.
    Rewritten {
        /// The end that was known.
        known: JournalHead,
        /// The hash that stands there now; `None` if the journal does not reach so far.
        found: Option<ChainHash>,
    },
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gap { expected, found } => {
                write!(f, "entry {found} stands where entry {expected} belongs")
            }
            Self::Hash {
                sequence,
                expected,
                found,
            } => write!(
                f,
                "entry {sequence} or what is before it was changed: its hash is {found} and must be {expected}"
            ),
            Self::Head { recorded, last } => write!(
                f,
                "the journal ends with entry {} ({}), but its recorded end is entry {} ({})",
                last.sequence, last.hash, recorded.sequence, recorded.hash
            ),
            Self::Rewritten {
                known,
                found: Some(found),
            } => write!(
                f,
                "the journal was written anew: the hash of entry {} was {} and is {found}",
                known.sequence, known.hash
            ),
            Self::Rewritten { known, found: None } => write!(
                f,
                "the journal was cut off: it once reached entry {} ({})",
                known.sequence, known.hash
            ),
        }
    }
}
