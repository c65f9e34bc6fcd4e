//! Looking at a place: its whole listing as an inventory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;

use crate::clock::Clock;
use crate::connector::{
    ChangeFeed, FilePath, FileVersion, Hashes, NameRules, NamedConnector, Skipped, UnicodeForm,
};
use crate::engine::transfer::Calls;
use crate::error::{Error, ErrorKind, Result};

use super::events::{SyncEvent, SyncEvents};
use super::inventory::{Inventory, InventoryBuilder};
use super::options::SyncOptions;
use super::progress::{Phase, Progress, Rates, TICK};
use super::report::{Listed, ReplicaReport};
use super::snapshot::{Followed, Kept, Shelf, follow};

/// The folder of garland's own files in a place: recovered versions, uploads in flight. Never listed.
pub(crate) const OWN_FOLDER: &str = ".garland";

/// What a listing gave.
#[derive(Debug)]
pub(crate) struct Scan {
    pub(crate) listing: Inventory,
    pub(crate) report: ReplicaReport,
    /// Names in the listing that hold something which is not handed out as a file. Whatever is known
    /// under such a name, or below it, is left alone everywhere: it is neither there nor gone.
    pub(crate) blocked: Blocked,
    /// The paths that a feed of changes has told of in this look.
    pub(crate) told: BTreeSet<FilePath>,
    /// Everything that was passed over, where the listing is to be remembered.
    passed_over: Vec<Skipped>,
}

/// Hashes that this run has computed, by path: what was read, and its hashes.
pub(crate) type Learned = std::collections::BTreeMap<FilePath, (FileVersion, Hashes)>;

/// Counts what all listings of a run have found, and tells it now and then.
#[derive(Debug)]
pub(crate) struct Tally {
    events: SyncEvents,
    clock: Arc<dyn Clock>,
    seen: Mutex<(Rates, u64, Duration)>,
}

impl Tally {
    pub(crate) fn new(events: SyncEvents, clock: Arc<dyn Clock>) -> Self {
        let seen = Mutex::new((Rates::new(), 0, clock.elapsed()));
        Self {
            events,
            clock,
            seen,
        }
    }

    fn add(&self, files: u64) {
        let now = self.clock.elapsed();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let (rates, items, told) = &mut *seen;
        *items += files;
        if now.saturating_sub(*told) < TICK {
            return;
        }
        *told = now;
        let (_, items_per_second) = rates.update(now, 0, *items);
        self.events.emit(SyncEvent::Progress(Progress {
            phase: Phase::Scan,
            items: *items,
            total_items: None,
            bytes: 0,
            total_bytes: 0,
            bytes_per_second: 0.0,
            items_per_second,
            eta: None,
        }));
    }
}

/// How a place is looked at.
#[derive(Debug)]
pub(crate) struct Look<'a> {
    pub(crate) place: &'a NamedConnector,
    pub(crate) options: &'a SyncOptions,
    pub(crate) calls: &'a Calls,
    pub(crate) learned: &'a Learned,
    pub(crate) tally: &'a Tally,
    pub(crate) shelf: Shelf,
    /// Whether what is found is kept for the next time.
    pub(crate) remembers: bool,
    /// Why nothing that was remembered is to be used, if so.
    pub(crate) whole: Option<Listed>,
}

impl Look<'_> {
    /// Finds out what the place holds. A listing that breaks off is an incomplete one, not an error.
    pub(crate) async fn scan(&self) -> Result<Scan> {
        let scan = match self.place.connector().changes() {
            Some(feed) if !self.options.whole_listing_after.is_zero() => self.by_feed(feed).await?,
            _ => self.whole(Listed::Whole, false).await?,
        };
        self.tally.events.emit(SyncEvent::Listed {
            replica: self.place.name().clone(),
            files: scan.report.files,
            incomplete: scan.report.incomplete.is_some(),
        });
        for skipped in &scan.report.skipped {
            let (replica, skipped) = (self.place.name().clone(), skipped.clone());
            let told = SyncEvent::Skipped { replica, skipped };
            self.tally.events.emit(told);
        }
        Ok(scan)
    }

    /// Follows the feed from what was remembered; lists the place where that cannot be.
    async fn by_feed(&self, feed: &dyn ChangeFeed) -> Result<Scan> {
        let mut why = self.whole.unwrap_or(Listed::Whole);
        if self.whole.is_none()
            && let Some(kept) = self.remembered().await?
        {
            let (cursor, files) = (kept.cursor.clone(), kept.files.clone());
            match follow(feed, self.calls, cursor, files, kept.skipped.clone()).await {
                Ok(followed) => {
                    if self.remembers {
                        self.shelf.keep_changes(&kept, &followed).await?;
                    }
                    self.tally.add(followed.changes);
                    let listed = Listed::Changes {
                        told: followed.changes,
                        asked: 0,
                    };
                    return Ok(self.taken(followed, listed));
                }
                Err(error) if error.kind() == ErrorKind::Cancelled => return Err(error),
                Err(error) if error.kind() == ErrorKind::Expired => why = Listed::WholeAfterExpiry,
                Err(error) => {
                    let mut scan = self.empty(why);
                    scan.report.incomplete = Some(named(error, self.place));
                    return Ok(scan);
                }
            }
        }
        // The cursor first, so that no change falls between it and the listing.
        let start = self.calls.repeat("sync.changes", || feed.start()).await;
        let cursor = match start {
            Err(error) if error.kind() == ErrorKind::Cancelled => return Err(error),
            Err(error) => {
                tracing::debug!(error = %error, "a feed of changes does not begin");
                return self.whole(why, false).await;
            }
            Ok(cursor) => cursor,
        };
        let began = self.shelf.clock.now();
        let scan = self.whole(why, true).await?;
        if scan.report.incomplete.is_some() {
            return Ok(self.narrowed(scan));
        }
        let (files, skipped) = (scan.listing.clone(), scan.passed_over.clone());
        match follow(feed, self.calls, cursor, files, skipped).await {
            Ok(followed) => {
                if self.remembers {
                    let Followed {
                        cursor,
                        files,
                        skipped,
                        ..
                    } = &followed;
                    let cursor = cursor.clone();
                    self.shelf.keep_whole(cursor, files, skipped, began).await?;
                }
                Ok(self.taken(followed, why))
            }
            Err(error) if error.kind() == ErrorKind::Cancelled => Err(error),
            Err(_) => Ok(self.narrowed(scan)),
        }
    }

    /// What is remembered, if it is not too old.
    async fn remembered(&self) -> Result<Option<Kept>> {
        let kept = match self.shelf.load().await {
            Err(error) if error.kind() == ErrorKind::Corrupt => {
                tracing::warn!(error = %error, "what a place last held cannot be read; it is listed");
                None
            }
            other => other?,
        };
        let now = self.shelf.clock.now();
        Ok(kept.filter(|kept| {
            let age = now.saturating_since(kept.listed);
            kept.listed <= now && age < self.options.whole_listing_after
        }))
    }

    /// What a feed has told, as a scan.
    fn taken(&self, followed: Followed, listed: Listed) -> Scan {
        let mut scan = self.empty(listed);
        for skipped in followed.skipped {
            scan.pass_over(skipped, self.options);
        }
        scan.listing = followed.files;
        scan.told = followed.told.into_keys().collect();
        self.narrowed(scan)
    }

    /// Leaves out what does not take part, and puts in hashes that this run has computed.
    fn narrowed(&self, mut scan: Scan) -> Scan {
        if self.options.filter.is_some() {
            let out = scan.listing.iter();
            let out = out.filter(|(path, _)| !self.options.includes(path.as_str()));
            let out = out.map(|(path, _)| (path, None)).collect();
            scan.listing = scan.listing.amended(&out);
        }
        scan.learn(self.learned);
        scan.report.files = scan.listing.len() as u64;
        scan
    }

    fn empty(&self, listed: Listed) -> Scan {
        Scan {
            listing: Inventory::default(),
            report: ReplicaReport {
                name: self.place.name().clone(),
                files: 0,
                listed,
                incomplete: None,
                not_safe: None,
                skipped: Vec::new(),
                skipped_total: 0,
            },
            blocked: Blocked::default(),
            told: BTreeSet::new(),
            passed_over: Vec::new(),
        }
    }

    /// Lists the place; with `everything` also what does not take part.
    async fn whole(&self, listed: Listed, everything: bool) -> Result<Scan> {
        let mut failures = 0;
        loop {
            let mut scan = self.empty(listed);
            let mut builder = Inventory::builder();
            if let Err(error) = self.list(everything, &mut builder, &mut scan).await {
                failures += 1;
                let again = self.calls.wait("sync.list", failures, error).await;
                match again {
                    Ok(()) => continue,
                    Err(error) if error.kind() == ErrorKind::Cancelled => return Err(error),
                    Err(error) => scan.report.incomplete = Some(named(error, self.place)),
                }
            }
            match builder.finish() {
                Ok(listing) => scan.listing = listing,
                // A place that lists one path twice cannot be believed in anything it lists.
                Err(error) => scan.report.incomplete = Some(named(error, self.place)),
            }
            return Ok(if everything {
                scan
            } else {
                self.narrowed(scan)
            });
        }
    }

    async fn list(
        &self,
        everything: bool,
        builder: &mut InventoryBuilder,
        scan: &mut Scan,
    ) -> Result<()> {
        let mut pages = self.place.files()?.list();
        while let Some(page) = self
            .calls
            .once("sync.list", async { pages.next().await.transpose() })
            .await?
        {
            let files = page.entries.len() as u64;
            for entry in page.entries {
                let takes_part = everything || self.options.includes(entry.path.as_str());
                if takes_part && !entry.path.is_internal() {
                    builder.push(&entry.path, entry.version.as_ref());
                }
            }
            self.tally.add(files);
            for skipped in page.skipped {
                if is_own(&skipped.name) {
                    continue;
                }
                if everything {
                    scan.passed_over.push(skipped.clone());
                }
                scan.pass_over(skipped, self.options);
            }
        }
        Ok(())
    }
}

impl Scan {
    /// Puts in the hashes that this run has computed of what is listed.
    pub(super) fn learn(&mut self, learned: &Learned) {
        let hashed = learned.iter().filter_map(|(path, (then, hashes))| {
            let mut now = self.listing.get(path.as_str())?.to_version();
            if then.as_ref().changed(now.as_ref(), Duration::ZERO) {
                return None;
            }
            now.hashes = now.hashes.or(hashes);
            Some((path.clone(), Some(now)))
        });
        let hashed: BTreeMap<FilePath, Option<FileVersion>> = hashed.collect();
        if !hashed.is_empty() {
            self.listing = self.listing.amended(&hashed);
        }
    }

    fn pass_over(&mut self, skipped: Skipped, options: &SyncOptions) {
        // Whatever the filter says of the name itself: what lies below may take part.
        if FilePath::parse(skipped.name.as_str()).is_ok() {
            self.blocked.insert(&skipped.name);
        }
        if !options.includes(&skipped.name) {
            return;
        }
        self.report.skipped_total += 1;
        if self.report.skipped.len() < ReplicaReport::MOST_SKIPPED {
            self.report.skipped.push(skipped);
        }
    }
}

/// Names that hold something which is not handed out as a file, compared as the least exact place
/// would: places may spell one name differently, and to leave too much alone loses nothing.
#[derive(Debug, Default)]
pub(crate) struct Blocked(BTreeSet<String>);

impl Blocked {
    fn insert(&mut self, name: &str) {
        self.0.insert(loosely().key(name));
    }

    pub(crate) fn extend(&mut self, other: &Self) {
        self.0.extend(other.0.iter().cloned());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Tells whether `path` is one of them or lies below one.
    pub(crate) fn covers(&self, path: &str) -> bool {
        let key = loosely().key(path);
        let ancestors = key.match_indices('/').filter_map(|(at, _)| key.get(..at));
        ancestors
            .chain([key.as_str()])
            .any(|name| self.0.contains(name))
    }
}

fn loosely() -> NameRules {
    NameRules::default()
        .with_case_sensitive(false)
        .with_unicode(UnicodeForm::Nfc)
}

/// Tells whether a name for people is one in the folder of garland's own files.
fn is_own(name: &str) -> bool {
    let top = name.split('/').next();
    top.is_some_and(|top| top.eq_ignore_ascii_case(OWN_FOLDER))
}

fn named(error: Error, place: &NamedConnector) -> Error {
    error.with_context("connector", place.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blocked_name_blocks_what_is_below_it() {
        let mut names = Blocked::default();
        names.insert("a/Zo\u{eb}");
        assert!(names.covers("a/Zo\u{eb}"));
        assert!(names.covers("A/zoe\u{308}/x/y"), "another spelling");
        assert!(!names.covers("a/Zo\u{eb}s"));
        assert!(!names.covers("a"));
    }

    #[test]
    fn only_the_folder_of_that_name_at_the_top_is_our_own() {
        assert!(is_own(".garland/recovered/x") && is_own(".garland"));
        assert!(!is_own("a/.garland/x") && !is_own(".garlands"));
    }
}
