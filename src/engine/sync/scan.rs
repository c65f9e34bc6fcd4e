//! Looking at a place: its whole listing as an inventory.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;

use crate::clock::Clock;
use crate::connector::{
    FilePath, FileVersion, Hashes, NameRules, NamedConnector, Skipped, UnicodeForm,
};
use crate::engine::transfer::Calls;
use crate::error::{Error, Result};

use super::events::{SyncEvent, SyncEvents};
use super::inventory::{Inventory, InventoryBuilder};
use super::options::SyncOptions;
use super::progress::{Phase, Progress, Rates, TICK};
use super::report::ReplicaReport;

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

/// Lists a place. A listing that breaks off is an incomplete one, not an error.
pub(crate) async fn scan(
    place: &NamedConnector,
    options: &SyncOptions,
    calls: &Calls,
    learned: &Learned,
    tally: &Tally,
) -> Result<Scan> {
    let mut failures = 0;
    loop {
        let mut scan = Scan {
            listing: Inventory::default(),
            report: ReplicaReport {
                name: place.name().clone(),
                files: 0,
                incomplete: None,
                not_safe: None,
                skipped: Vec::new(),
                skipped_total: 0,
            },
            blocked: Blocked::default(),
        };
        let mut builder = Inventory::builder();
        let outcome = list(
            place,
            options,
            calls,
            learned,
            tally,
            &mut builder,
            &mut scan,
        )
        .await;
        if let Err(error) = outcome {
            failures += 1;
            let again = calls.wait("sync.list", failures, error).await;
            match again {
                Ok(()) => continue,
                Err(error) if error.kind() == crate::ErrorKind::Cancelled => return Err(error),
                Err(error) => scan.report.incomplete = Some(named(error, place)),
            }
        }
        match builder.finish() {
            Ok(listing) => scan.listing = listing,
            // A place that lists one path twice cannot be believed in anything it lists.
            Err(error) => scan.report.incomplete = Some(named(error, place)),
        }
        scan.report.files = scan.listing.len() as u64;
        tally.events.emit(SyncEvent::Listed {
            replica: place.name().clone(),
            files: scan.report.files,
            incomplete: scan.report.incomplete.is_some(),
        });
        for skipped in &scan.report.skipped {
            let (replica, skipped) = (place.name().clone(), skipped.clone());
            tally.events.emit(SyncEvent::Skipped { replica, skipped });
        }
        return Ok(scan);
    }
}

async fn list(
    place: &NamedConnector,
    options: &SyncOptions,
    calls: &Calls,
    learned: &Learned,
    tally: &Tally,
    builder: &mut InventoryBuilder,
    scan: &mut Scan,
) -> Result<()> {
    let mut pages = place.files()?.list();
    while let Some(page) = calls
        .once("sync.list", async { pages.next().await.transpose() })
        .await?
    {
        let files = page.entries.len() as u64;
        for entry in page.entries {
            if entry.path.is_internal() || !options.includes(entry.path.as_str()) {
                continue;
            }
            let mut version = entry.version;
            if let Some((then, hashes)) = learned.get(&entry.path)
                && !then.as_ref().changed(version.as_ref(), Duration::ZERO)
            {
                version.hashes = version.hashes.or(hashes);
            }
            builder.push(&entry.path, version.as_ref());
        }
        tally.add(files);
        for skipped in page.skipped {
            if !is_own(&skipped.name) {
                scan.pass_over(skipped, options);
            }
        }
    }
    Ok(())
}

impl Scan {
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
