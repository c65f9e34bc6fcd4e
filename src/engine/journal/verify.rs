//! Walks a stored journal and says where it is broken.

use std::fmt;

use crate::error::Result;
use crate::storage::{JournalEntry, JournalHead, JournalName, Store};

use super::chain::{Break, Chain};

/// Entries of one page.
const PAGE: usize = 1_000;

/// What [`verify`] found.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Verification {
    /// The last entry that was found good: keep it elsewhere, and give it to [`verify`] next time.
    pub head: JournalHead,
    /// The first place where the journal is broken.
    pub broken: Option<Break>,
}

impl Verification {
    /// Tells whether nothing was found wrong.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        self.broken.is_none()
    }
}

impl fmt::Display for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.broken {
            None => write!(f, "{} entries are intact", self.head.sequence),
            Some(broken) => write!(f, "{broken}; {} before are intact", self.head.sequence),
        }
    }
}

/// Reads a journal from the beginning and checks numbers, hashes and end.
///
/// A chain alone does not show that its tail was cut off or that it was built anew from some entry
/// on. `known` are ends that were kept elsewhere, from earlier verifications, in any order: each
/// must still be on the chain. Whoever appends meanwhile does not disturb it.
///
/// # Errors
/// Those of the database. A broken journal is an answer, not an error.
///
/// # Cancel safety
///
/// Safe to drop.
pub async fn verify(
    store: &Store,
    journal: &JournalName,
    known: &[JournalHead],
) -> Result<Verification> {
    let recorded = store.journal_head(journal).await?;
    let mut walk = Walk {
        chain: Chain::default(),
        recorded,
        known: known
            .iter()
            .filter(|known| known.sequence > 0)
            .copied()
            .collect(),
    };
    walk.known
        .sort_by_key(|known| std::cmp::Reverse(known.sequence));
    let broken = walk.run(store, journal).await?;
    Ok(Verification {
        head: walk.chain.head(),
        broken,
    })
}

struct Walk {
    chain: Chain,
    recorded: JournalHead,
    /// The next known end is last.
    known: Vec<JournalHead>,
}

impl Walk {
    async fn run(&mut self, store: &Store, journal: &JournalName) -> Result<Option<Break>> {
        // As far as the recorded end, which is older than what is appended meanwhile.
        while self.chain.head().sequence < self.recorded.sequence {
            let after = self.chain.head().sequence;
            let page = store.read_journal(journal, after, PAGE).await?;
            if page.is_empty() {
                return Ok(Some(self.wrong_end()));
            }
            for entry in page {
                if entry.sequence > self.recorded.sequence && self.is_at_end() {
                    break;
                }
                if let Some(broken) = self.step(&entry) {
                    return Ok(Some(broken));
                }
            }
        }
        if self.chain.head() != self.recorded {
            return Ok(Some(self.wrong_end()));
        }
        if let Some(known) = self.known.pop() {
            return Ok(Some(Break::Rewritten { known, found: None }));
        }
        // An entry behind the end is good only if the end has gone on.
        let behind = store
            .read_journal(journal, self.recorded.sequence, 1)
            .await?;
        if let Some(entry) = behind.first()
            && store.journal_head(journal).await? == self.recorded
        {
            let last = JournalHead::new(entry.sequence, entry.hash);
            let recorded = self.recorded;
            return Ok(Some(Break::Head { recorded, last }));
        }
        Ok(None)
    }

    fn is_at_end(&self) -> bool {
        self.chain.head().sequence == self.recorded.sequence
    }

    fn step(&mut self, entry: &JournalEntry) -> Option<Break> {
        let before = self.chain;
        if let Err(broken) = self.chain.follow(entry) {
            return Some(broken);
        }
        while let Some(known) = self.known.pop_if(|known| known.sequence == entry.sequence) {
            if known.hash != entry.hash {
                self.chain = before;
                let found = Some(entry.hash);
                return Some(Break::Rewritten { known, found });
            }
        }
        None
    }

    fn wrong_end(&self) -> Break {
        Break::Head {
            recorded: self.recorded,
            last: self.chain.head(),
        }
    }
}
