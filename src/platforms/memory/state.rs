//! What an account in memory holds, and the rules by which it changes.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::time::Duration;

use bytes::Bytes;

use crate::clock::Timestamp;
use crate::connector::{
    Change, ContentHasher, Expect, FileEntry, FilePath, FileVersion, HashAlgorithm, Hashes,
    ShareLink,
};
use crate::error::{Error, ErrorKind, Result};

use super::contacts::Book;
use super::galleries::Galleries;
use super::options::MemoryOptions;
use super::presets::Darkroom;
use super::publisher::Wall;
use super::upload::Pending;
use super::webhooks::Hooks;

/// Everything in the account, under one lock. No call waits while it holds it.
#[derive(Debug, Default)]
pub(super) struct State {
    /// By key of the name, which tells apart only what the account tells apart.
    files: BTreeMap<String, Stored>,
    pub(super) uploads: BTreeMap<u64, Pending>,
    pub(super) links: Vec<ShareLink>,
    pub(super) log: VecDeque<Change>,
    /// How many changes fell out of the log.
    pub(super) forgotten: u64,
    pub(super) galleries: Galleries,
    pub(super) darkroom: Darkroom,
    pub(super) wall: Wall,
    pub(super) book: Book,
    pub(super) hooks: Hooks,
    ticks: u64,
    /// How far its clock was moved on by hand.
    pub(super) ahead: Duration,
}

/// One file.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) path: FilePath,
    pub(super) content: Bytes,
    pub(super) revision: u64,
    id: u64,
    modified: Timestamp,
    media_type: Option<Box<str>>,
    hashes: Hashes,
}

/// A file about to be placed.
pub(super) struct Incoming {
    pub(super) path: FilePath,
    pub(super) content: Bytes,
    pub(super) modified: Option<Timestamp>,
    pub(super) media_type: Option<Box<str>>,
}

impl State {
    /// Counts on: each change gets a number and a moment of its own.
    pub(super) fn tick(&mut self) -> u64 {
        self.ticks += 1;
        self.ticks
    }

    /// The moment of the last change, or later if the clock was moved on.
    pub(super) fn now(&self) -> Timestamp {
        let since = self.ahead.saturating_add(Duration::from_secs(self.ticks));
        Timestamp::from_millis(1_750_000_000_000).saturating_add(since)
    }

    pub(super) fn find(&self, options: &MemoryOptions, path: &str) -> Option<&Stored> {
        self.files.get(&options.facts.names.key(path))
    }

    /// Every file in the order of paths, or in an order that only looks random.
    pub(super) fn all(&self, options: &MemoryOptions) -> Vec<&Stored> {
        let mut files: Vec<&Stored> = self.files.values().collect();
        if options.facts.lists_in_order {
            files.sort_by(|a, b| a.path.cmp(&b.path));
        } else {
            files.sort_by_cached_key(|stored| {
                *blake3::hash(stored.path.as_str().as_bytes()).as_bytes()
            });
        }
        files
    }

    /// Tells whether a file or a folder is at `path`.
    pub(super) fn is_taken(&self, options: &MemoryOptions, path: &FilePath) -> bool {
        let key = options.facts.names.key(path.as_str());
        self.files.contains_key(&key) || self.first_below(&key).is_some()
    }

    /// Bytes of all files and unfinished uploads.
    pub(super) fn used(&self) -> u64 {
        let files = self
            .files
            .values()
            .map(|stored| stored.content.len() as u64);
        let uploads = self.uploads.values().map(Pending::received);
        files.chain(uploads).sum()
    }

    /// Checks that `expect` holds at `path`.
    pub(super) fn check(
        &self,
        options: &MemoryOptions,
        path: &FilePath,
        expect: &Expect,
        operation: &'static str,
    ) -> Result<()> {
        let there = self.find(options, path.as_str());
        let fault = match (expect, there) {
            (Expect::Absent, Some(_)) => (ErrorKind::AlreadyExists, "a file is there already"),
            (Expect::Version(_), None) => (ErrorKind::Conflict, "the file is gone"),
            (Expect::Version(version), Some(stored))
                if is_other(options, version, &stored.version(options)) =>
            {
                (ErrorKind::Conflict, "another version is there")
            }
            _ => return Ok(()),
        };
        Err(Error::new(fault.0, operation, fault.1).with_context("path", path))
    }

    /// Puts a file at its path, over what is there.
    pub(super) fn place(
        &mut self,
        options: &MemoryOptions,
        incoming: Incoming,
        operation: &'static str,
    ) -> Result<FileEntry> {
        check_name(options, &incoming.path, operation)?;
        self.check_folders(options, &incoming.path, operation)?;
        let revision = self.tick();
        let now = self.now();
        let key = options.facts.names.key(incoming.path.as_str());
        let old = self.files.get(&key);
        let stored = Stored {
            path: match old {
                Some(old) => old.path.clone(),
                None => self.spelled(options, &incoming.path)?,
            },
            id: old.map_or(revision, |old| old.id),
            revision,
            modified: kept(options, incoming.modified, now),
            media_type: incoming.media_type,
            hashes: hash(options.facts.hashes.iter().copied(), &incoming.content),
            content: incoming.content,
        };
        let entry = stored.entry(options);
        self.files.insert(key, stored);
        self.note(options, Change::Present(entry.clone()));
        Ok(entry)
    }

    pub(super) fn remove(&mut self, options: &MemoryOptions, path: &FilePath) -> Option<Stored> {
        let key = options.facts.names.key(path.as_str());
        let stored = self.files.remove(&key)?;
        self.links.retain(|link| link.path != stored.path);
        let change = if options.deletes_by_id && options.ids {
            Change::GoneById(stored.id.to_string().into())
        } else {
            Change::Gone(stored.path.clone())
        };
        self.note(options, change);
        Some(stored)
    }

    pub(super) fn rename(
        &mut self,
        options: &MemoryOptions,
        from: &FilePath,
        to: &FilePath,
        operation: &'static str,
    ) -> Result<FileEntry> {
        let rules = &options.facts.names;
        check_name(options, to, operation)?;
        let (old_key, new_key) = (rules.key(from.as_str()), rules.key(to.as_str()));
        // Only the spelling changes, where the account takes both for one name.
        if old_key != new_key {
            self.check(options, to, &Expect::Absent, operation)?;
        }
        self.check_folders(options, to, operation)?;
        let mut stored = self.files.remove(&old_key).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, operation, "no such file").with_context("path", from)
        })?;
        let old_path = stored.path.clone();
        stored.path = self.spelled(options, to)?;
        let entry = stored.entry(options);
        self.galleries.follow(&old_path, &stored.path);
        self.files.insert(new_key, stored);
        if !(options.deletes_by_id && options.ids) {
            self.note(options, Change::Gone(old_path));
        }
        self.note(options, Change::Present(entry.clone()));
        Ok(entry)
    }

    /// Spoils a byte in the middle of a file and nothing else.
    pub(super) fn rot(&mut self, options: &MemoryOptions, path: &str) -> bool {
        let key = options.facts.names.key(path);
        let Some(stored) = self.files.get_mut(&key) else {
            return false;
        };
        let mut content = stored.content.to_vec();
        let middle = content.len() / 2;
        let Some(byte) = content.get_mut(middle) else {
            return false;
        };
        *byte ^= 1;
        stored.content = content.into();
        true
    }

    /// A file cannot be where a folder is, nor a folder where a file is.
    fn check_folders(
        &self,
        options: &MemoryOptions,
        path: &FilePath,
        operation: &'static str,
    ) -> Result<()> {
        let key = options.facts.names.key(path.as_str());
        let clash = |what| {
            Err(Error::new(ErrorKind::AlreadyExists, operation, what).with_context("path", path))
        };
        if self.first_below(&key).is_some() {
            return clash("a folder is there already");
        }
        let above = |end: usize| key.get(..end).unwrap_or_default();
        let in_the_way = key
            .match_indices('/')
            .map(|(end, _)| above(end))
            .any(|folder| self.files.contains_key(folder));
        if in_the_way {
            return clash("a file is where a folder must be");
        }
        Ok(())
    }

    /// The path in the spelling that its folders already have.
    fn spelled(&self, options: &MemoryOptions, path: &FilePath) -> Result<FilePath> {
        let rules = &options.facts.names;
        let mut spelled = rules.spell(path.as_str());
        if !rules.case_sensitive {
            let folders: Vec<usize> = path.as_str().match_indices('/').map(|(at, _)| at).collect();
            for (depth, end) in folders.into_iter().enumerate().rev() {
                let folder = path.as_str().get(..end).unwrap_or_default();
                if let Some(stored) = self.first_below(&rules.key(folder)) {
                    let known = stored.path.components().take(depth + 1);
                    let new = path.components().skip(depth + 1);
                    let new = new.map(|component| rules.spell(component));
                    let parts: Vec<String> = known.map(str::to_owned).chain(new).collect();
                    spelled = parts.join("/");
                    break;
                }
            }
        }
        FilePath::parse(spelled)
    }

    fn first_below(&self, key: &str) -> Option<&Stored> {
        let folder = format!("{key}/");
        let from = Bound::Included(folder.as_str());
        self.files
            .range::<str, _>((from, Bound::Unbounded))
            .next()
            .filter(|(key, _)| key.starts_with(&folder))
            .map(|(_, stored)| stored)
    }

    fn note(&mut self, options: &MemoryOptions, change: Change) {
        let internal = match &change {
            Change::Present(entry) => entry.path.is_internal(),
            Change::Gone(path) => path.is_internal(),
            _ => false,
        };
        if internal {
            return;
        }
        self.log.push_back(change);
        while self.log.len() > options.history {
            self.log.pop_front();
            self.forgotten += 1;
        }
    }
}

impl Stored {
    pub(super) fn version(&self, options: &MemoryOptions) -> FileVersion {
        let mut version = FileVersion::new(self.content.len() as u64)
            .with_modified(self.modified)
            .with_hashes(self.hashes.clone());
        if options.revisions {
            version = version.with_revision(format!("r{}", self.revision));
        }
        if options.ids {
            version = version.with_id(self.id.to_string());
        }
        version
    }

    pub(super) fn entry(&self, options: &MemoryOptions) -> FileEntry {
        let mut entry = FileEntry::new(self.path.clone(), self.version(options));
        entry.media_type.clone_from(&self.media_type);
        entry
    }

    pub(super) fn incoming(&self, to: FilePath) -> Incoming {
        Incoming {
            path: to,
            content: self.content.clone(),
            modified: Some(self.modified),
            media_type: self.media_type.clone(),
        }
    }
}

/// Tells whether `now` is another version than `expected`.
pub(super) fn is_other(options: &MemoryOptions, expected: &FileVersion, now: &FileVersion) -> bool {
    let precision = options.facts.time_precision.unwrap_or_default();
    expected.as_ref().changed(now.as_ref(), precision)
}

/// Refuses a path that the account cannot take.
pub(super) fn check_name(
    options: &MemoryOptions,
    path: &FilePath,
    operation: &'static str,
) -> Result<()> {
    if options.facts.names.allows_path(path) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::InvalidInput,
        operation,
        "the account cannot take this name",
    )
    .with_context("path", path))
}

/// The modified time as the account keeps it, cut down to its precision.
fn kept(options: &MemoryOptions, asked: Option<Timestamp>, now: Timestamp) -> Timestamp {
    let Some(precision) = options.facts.time_precision else {
        return now;
    };
    let step = i64::try_from(precision.as_millis()).unwrap_or(1).max(1);
    let millis = asked.unwrap_or(now).as_millis();
    Timestamp::from_millis(millis.div_euclid(step).saturating_mul(step))
}

/// Computes the hashes of a content that is at hand as a whole.
pub(super) fn hash(algorithms: impl IntoIterator<Item = HashAlgorithm>, content: &[u8]) -> Hashes {
    let mut hasher = ContentHasher::new(algorithms);
    hasher.update(content);
    hasher.finish()
}
