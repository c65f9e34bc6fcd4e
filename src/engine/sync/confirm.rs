//! Asking a place about what its feed of changes may not have told yet.
//!
//! A feed can be late. What this sync itself has just written may be missing in what the feed has told, and would look like
//! something that a person deleted; so whatever is not as all last agreed, and was not told just now, is looked at. Of what
//! is missing it does not matter what was told: nothing is deleted elsewhere on the word of a feed alone.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::connector::{FilePath, NamedConnector};
use crate::engine::transfer::Calls;
use crate::error::{ErrorKind, Result};

use super::inventory::Inventory;
use super::options::SyncOptions;
use super::report::Listed;
use super::scan::Scan;

/// How many files are asked about; if it were more, a listing is cheaper.
const MOST: usize = 200;

/// How many are asked about at a time.
const AT_ONCE: usize = 8;

/// Asks about what is not as it was held, and amends the scan. `false`: too much to ask, list the place.
pub(super) async fn confirm(
    place: &NamedConnector,
    calls: &Calls,
    options: &SyncOptions,
    scan: &mut Scan,
    held: &[&Inventory],
) -> Result<bool> {
    let Listed::Changes { told, .. } = scan.report.listed else {
        return Ok(true);
    };
    if scan.report.incomplete.is_some() {
        return Ok(true);
    }
    let facts = place.files()?.facts();
    let precision = facts.time_precision.unwrap_or(Duration::from_millis(1));
    let mut suspects = BTreeMap::new();
    for held in held {
        for (path, then) in held.iter() {
            let is_as_held = match scan.listing.get(path.as_str()) {
                Some(now) => scan.told.contains(&path) || !then.changed(now, precision),
                None => scan.blocked.covers(path.as_str()),
            };
            if !is_as_held && suspects.insert(path, ()).is_none() && suspects.len() > MOST {
                return Ok(false);
            }
        }
    }
    if suspects.is_empty() {
        return Ok(true);
    }
    let asked = suspects.len() as u64;
    let ask = |path: FilePath| async move {
        let files = place.files()?;
        let entry = calls.repeat("files.stat", || files.stat(&path)).await?;
        Ok::<_, crate::Error>((path, entry))
    };
    let answers = stream::iter(suspects.into_keys().map(ask)).buffer_unordered(AT_ONCE);
    let answers: Vec<_> = match answers.try_collect().await {
        Ok(answers) => answers,
        Err(error) if error.kind() == ErrorKind::Cancelled => return Err(error),
        Err(error) => {
            scan.report.incomplete = Some(error.with_context("connector", place.name()));
            return Ok(true);
        }
    };
    let mut amended = BTreeMap::new();
    for (path, entry) in answers {
        match entry {
            // The place may spell the name otherwise.
            Some(entry) if options.includes(entry.path.as_str()) => {
                amended.insert(entry.path, Some(entry.version));
            }
            _ => {
                amended.insert(path, None);
            }
        }
    }
    scan.listing = scan.listing.amended(&amended);
    scan.report.files = scan.listing.len() as u64;
    scan.report.listed = Listed::Changes { told, asked };
    Ok(true)
}
