//! Entries and heads in one order, checked as they come. Pure.

use std::fmt;

use crate::engine::journal::{Break, Chain};
use crate::storage::{JournalEntry, JournalHead};

use super::checkpoint::Checkpoint;
use super::tree::{Frontier, TreeHash};

/// Where a journal is not what was signed.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum AuditBreak {
    /// The chain is broken at one entry: it was changed, removed, inserted or moved.
    Chain(Break),
    /// The chain was made anew: one of these entries is not what it was when the head was signed.
    Rewritten {
        /// The last entry that is what it was.
        after: u64,
        /// The entry that the head ends with.
        upto: u64,
    },
    /// The tail was cut off.
    Cut {
        /// The last entry there is.
        end: u64,
        /// The entry that the head ends with.
        signed: u64,
    },
    /// Two genuine heads say different things of the same entries: there are two journals.
    Fork {
        /// The entry that both end with.
        size: u64,
    },
    /// A head is not genuine: it was changed, or made by somebody without the key.
    Forged {
        /// How many entries it says it covers.
        size: u64,
    },
    /// A head is that of another journal.
    Foreign {
        /// Which journal it names.
        origin: String,
    },
}

impl fmt::Display for AuditBreak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chain(broken) => broken.fmt(f),
            Self::Rewritten { after, upto } => write!(
                f,
                "the journal was written anew: of the entries {} to {upto}, one at least is not what was signed",
                after.saturating_add(1)
            ),
            Self::Cut { end, signed } => write!(
                f,
                "the journal was cut off: it ends with entry {end}, and entry {signed} was signed"
            ),
            Self::Fork { size } => write!(
                f,
                "there are two journals: two genuine heads of {size} entries differ"
            ),
            Self::Forged { size } => write!(f, "the head of {size} entries is not genuine"),
            Self::Foreign { origin } => {
                write!(
                    f,
                    "a head is that of another journal, `{}`",
                    origin.escape_debug()
                )
            }
        }
    }
}

/// Follows a journal, entry by entry, and compares it with checkpoints where they end.
#[derive(Clone, Debug, Default)]
pub(super) struct Walk {
    chain: Chain,
    frontier: Frontier,
    /// The last entry that a head has vouched for.
    vouched: u64,
}

impl Walk {
    /// Begins behind the entries that a checkpoint covers; `None` if the frontier is not its own.
    pub(super) fn behind(checkpoint: &Checkpoint, frontier: Frontier) -> Option<Self> {
        let fits = (checkpoint.size, checkpoint.root) == (frontier.size(), frontier.root());
        fits.then(|| Self {
            chain: Chain::new(checkpoint.end()),
            frontier,
            vouched: checkpoint.size,
        })
    }

    pub(super) fn end(&self) -> JournalHead {
        self.chain.head()
    }

    pub(super) fn vouched(&self) -> u64 {
        self.vouched
    }

    pub(super) fn entry(&mut self, entry: &JournalEntry) -> Result<(), AuditBreak> {
        self.chain.follow(entry).map_err(AuditBreak::Chain)?;
        self.frontier.push(TreeHash::of_entry(entry));
        Ok(())
    }

    /// Compares with the genuine checkpoints of this size.
    pub(super) fn compare(&mut self, checkpoints: &[Checkpoint]) -> Result<(), AuditBreak> {
        let size = self.end().sequence;
        let say = |one: &Checkpoint| (one.root, one.end());
        let mut said = checkpoints.iter().map(say);
        let Some(first) = said.next() else {
            return Ok(());
        };
        if said.any(|other| other != first) {
            return Err(AuditBreak::Fork { size });
        }
        if first != (self.frontier.root(), self.end()) {
            return Err(AuditBreak::Rewritten {
                after: self.vouched,
                upto: size,
            });
        }
        self.vouched = size;
        Ok(())
    }
}
