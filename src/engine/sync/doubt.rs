//! After a run that did not end well: what it may have left is read before it is believed.
//!
//! A copy appears with the size and the time of its source. When the process or the power died before
//! the copy was known to be safe, that is all that speaks for it, and it may be a file of the right
//! size full of something else. So runs leave a mark while they are under way; after one that was not
//! taken back, files that only *look* alike and that nobody has agreed on are hashed.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::connector::{FilePath, FileVersion, Likeness};
use crate::error::Result;
use crate::id::RunId;
use crate::storage::{Batch, Collection, Precondition, RecordId, Store};

use super::inventory::Inventory;
use super::plan::{Relation, Replica};
use super::state::Agreement;

/// The collection of marks, one for each agreement that a run is changing.
pub const SYNC_UNDER_WAY: Collection<UnderWay> = Collection::new("sync_under_way");

/// Tells that a run has begun to change something, and has not ended well since.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[non_exhaustive]
pub struct UnderWay {
    /// The run.
    pub run: RunId,
    /// When it began.
    pub since: Timestamp,
}

/// Tells whether an earlier run of one of these agreements did not end well.
pub(super) async fn is_due(store: &Store, agreements: &[Agreement]) -> Result<bool> {
    for agreement in agreements {
        if store.get(&SYNC_UNDER_WAY, &id(agreement)?).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Adds to `batch` that a run is under way.
pub(super) fn begin(
    batch: &mut Batch,
    agreements: &[Agreement],
    run: RunId,
    since: Timestamp,
) -> Result<()> {
    for agreement in agreements {
        batch.put(&SYNC_UNDER_WAY, id(agreement)?, &UnderWay { run, since })?;
    }
    Ok(())
}

/// Adds to `batch` that all is well again.
pub(super) fn end(batch: &mut Batch, agreements: &[Agreement]) -> Result<()> {
    for agreement in agreements {
        batch.delete(&SYNC_UNDER_WAY, id(agreement)?, Precondition::Any);
    }
    Ok(())
}

fn id(agreement: &Agreement) -> Result<RecordId> {
    RecordId::parse(agreement.as_str())
}

/// Takes the times from files that only their times make alike, and on which nobody has agreed: what
/// is left proves nothing, so that they are hashed.
pub(super) fn cast(replicas: &mut [Replica], relation: Relation) {
    let mut doubted: Vec<BTreeMap<FilePath, Option<FileVersion>>> =
        replicas.iter().map(|_| BTreeMap::new()).collect();
    for (index, one) in replicas.iter().enumerate() {
        if relation != Relation::Peers && index > 0 {
            break;
        }
        for (other_index, other) in replicas.iter().enumerate().skip(index + 1) {
            let one_base = match relation {
                Relation::Peers => &one.base,
                _ => &other.source_base,
            };
            let precision = one.precision.max(other.precision);
            for (path, here) in one.listing.iter() {
                let Some(there) = other.listing.get(path.as_str()) else {
                    continue;
                };
                if here.compare(there, precision) != Likeness::Weak {
                    continue;
                }
                let agreed = |base: &Inventory, now, precision: Duration| {
                    let then = base.get(path.as_str());
                    then.is_some_and(|then| !then.changed(now, precision))
                };
                if agreed(one_base, here, one.precision)
                    && agreed(&other.base, there, other.precision)
                {
                    continue;
                }
                for (index, version) in [(index, here), (other_index, there)] {
                    if let Some(doubted) = doubted.get_mut(index) {
                        let version = version.to_version().with_modified(None);
                        doubted.insert(path.clone(), Some(version));
                    }
                }
            }
        }
    }
    for (replica, doubted) in replicas.iter_mut().zip(doubted) {
        if !doubted.is_empty() {
            replica.listing = replica.listing.amended(&doubted);
        }
    }
}
