//! Proofs to hand over: checked by others without the database.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::storage::{JournalEntry, JournalName, Store};

use super::checkpoint::Origin;
use super::head::SignedHead;
use super::paths::{ConsistencyPath, InclusionPath, RangeRoots, beside_leaf, beside_old};
use super::signer::{HeadVerifier, is_genuine};
use super::tree::{Frontier, TreeHash};

/// Entries of one page.
const PAGE: usize = 1_000;

/// Shows that one entry is in the journal that a head was made of, and what it says.
///
/// Serializes as JSON; whoever has it and a [`HeadVerifier`] needs nothing else.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct EntryProof {
    /// The entry.
    pub entry: JournalEntry,
    /// The head.
    pub head: SignedHead,
    /// The way from the entry to the head's root.
    pub path: InclusionPath,
}

impl EntryProof {
    /// Checks it: signature, place and content.
    ///
    /// The entry's [`hash`](JournalEntry::hash) is not covered, as it speaks of other entries.
    ///
    /// # Errors
    /// - [`ErrorKind::Corrupt`]: the head is not genuine, or the entry is not among what it covers.
    /// - Those of the verifier.
    pub async fn verify(&self, verifier: &dyn HeadVerifier) -> Result<()> {
        genuine(&self.head, verifier).await?;
        let checkpoint = self.head.checkpoint();
        let index = self.entry.sequence.checked_sub(1).ok_or_else(|| {
            Error::new(
                ErrorKind::Corrupt,
                "entry_proof.verify",
                "no entry has the number 0",
            )
        })?;
        let leaf = TreeHash::of_entry(&self.entry);
        self.path
            .verify(&leaf, index, checkpoint.size, &checkpoint.root)
    }
}

/// Shows that a journal has only grown between two heads: nothing before the old one was changed.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct GrowthProof {
    /// The earlier head.
    pub old: SignedHead,
    /// The later head.
    pub new: SignedHead,
    /// The way from one root to the other.
    pub path: ConsistencyPath,
}

impl GrowthProof {
    /// Checks it: both signatures, one journal, and the growth.
    ///
    /// # Errors
    /// - [`ErrorKind::Corrupt`]: a head is not genuine, they are of two journals, or the later one does
    ///   not continue the earlier.
    /// - Those of the verifier.
    pub async fn verify(&self, verifier: &dyn HeadVerifier) -> Result<()> {
        genuine(&self.old, verifier).await?;
        genuine(&self.new, verifier).await?;
        let (old, new) = (self.old.checkpoint(), self.new.checkpoint());
        if old.origin != new.origin {
            return Err(Error::new(
                ErrorKind::Corrupt,
                "growth_proof.verify",
                "the heads are of two journals",
            )
            .with_context("old", &old.origin)
            .with_context("new", &new.origin));
        }
        self.path
            .verify((old.size, &old.root), (new.size, &new.root))
    }
}

/// Makes the proof that entry `sequence` is in the journal that `head` was made of.
///
/// Reads the journal once up to the head, in constant memory: the hashes of inner nodes are not kept.
/// The signature is not looked at; [`EntryProof::verify`] does.
///
/// # Errors
/// - [`ErrorKind::NotFound`]: the head does not cover the entry.
/// - [`ErrorKind::InvalidInput`]: the head is that of another journal.
/// - [`ErrorKind::Corrupt`]: the journal is not what the head was made of; see [`verify`](super::verify).
/// - Those of the database.
///
/// # Cancel safety
///
/// Safe to drop.
pub async fn prove(
    store: &Store,
    journal: &JournalName,
    sequence: u64,
    head: &SignedHead,
) -> Result<EntryProof> {
    let size = head.size();
    let Some(index) = sequence.checked_sub(1).filter(|index| *index < size) else {
        return Err(Error::new(
            ErrorKind::NotFound,
            "audit.prove",
            "the head does not cover the entry",
        )
        .with_context("entry", sequence)
        .with_context("size", size));
    };
    let read = Reading::of(store, journal, head, beside_leaf(index, size), sequence).await?;
    match read.entry {
        Some(entry) => Ok(EntryProof {
            entry,
            head: head.clone(),
            path: InclusionPath::new(read.hashes),
        }),
        None => Err(not_the_same(head)),
    }
}

/// Makes the proof that `new` continues `old`. Reads as [`prove`] does.
///
/// # Errors
/// - [`ErrorKind::InvalidInput`]: a head is that of another journal, or `old` is longer than `new`.
/// - [`ErrorKind::Corrupt`]: the journal is not what `new` was made of, or does not continue `old`.
/// - Those of the database.
///
/// # Cancel safety
///
/// Safe to drop.
pub async fn prove_growth(
    store: &Store,
    journal: &JournalName,
    old: &SignedHead,
    new: &SignedHead,
) -> Result<GrowthProof> {
    if old.size() > new.size() || old.checkpoint().origin != new.checkpoint().origin {
        return Err(Error::new(
            ErrorKind::InvalidInput,
            "audit.prove_growth",
            "the second head does not follow the first",
        )
        .with_context("old", old.size())
        .with_context("new", new.size()));
    }
    let ranges = beside_old(old.size(), new.size());
    let read = Reading::of(store, journal, new, ranges, 0).await?;
    let proof = GrowthProof {
        old: old.clone(),
        new: new.clone(),
        path: ConsistencyPath::new(read.hashes),
    };
    let (old, new) = (old.checkpoint(), new.checkpoint());
    proof
        .path
        .verify((old.size, &old.root), (new.size, &new.root))?;
    Ok(proof)
}

struct Reading {
    hashes: Vec<TreeHash>,
    entry: Option<JournalEntry>,
}

impl Reading {
    /// Reads what `head` covers, and keeps the roots over `ranges` and the entry `wanted`.
    async fn of(
        store: &Store,
        journal: &JournalName,
        head: &SignedHead,
        ranges: Vec<Range<u64>>,
        wanted: u64,
    ) -> Result<Self> {
        let checkpoint = head.checkpoint();
        if checkpoint.origin != Origin::new(store.organization(), journal) {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "audit.prove",
                "the head is that of another journal",
            )
            .with_context("origin", &checkpoint.origin));
        }
        let mut roots = RangeRoots::new(ranges);
        let mut whole = Frontier::default();
        let mut found = None;
        while whole.size() < checkpoint.size {
            let left = usize::try_from(checkpoint.size - whole.size()).unwrap_or(PAGE);
            let page = store
                .read_journal(journal, whole.size(), left.min(PAGE))
                .await?;
            if page.is_empty() {
                return Err(not_the_same(head));
            }
            for entry in page {
                let leaf = TreeHash::of_entry(&entry);
                roots.push(leaf);
                whole.push(leaf);
                if entry.sequence == wanted {
                    found = Some(entry);
                }
            }
        }
        match roots.finish() {
            Some(hashes) if whole.root() == checkpoint.root => Ok(Self {
                hashes,
                entry: found,
            }),
            _ => Err(not_the_same(head)),
        }
    }
}

async fn genuine(head: &SignedHead, verifier: &dyn HeadVerifier) -> Result<()> {
    if is_genuine(head, verifier).await? {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Corrupt,
        "signed_head.verify",
        "the head is not genuine",
    )
    .with_context("size", head.size()))
}

fn not_the_same(head: &SignedHead) -> Error {
    Error::new(
        ErrorKind::Corrupt,
        "audit.prove",
        "the journal is not what the head was made of",
    )
    .with_context("size", head.size())
}
