//! Conflicts that wait for a person.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::connector::{ConnectorName, FilePath, FileVersion};
use crate::error::Result;
use crate::id::RunId;
use crate::storage::{Batch, Collection, Precondition, Query, RecordId, Store};

use super::options::StrategyOverride;
use super::plan::{
    Action, Conflict, ConflictKind, ConflictStrategy, Plan, ReplicaIndex, Resolution, World,
};
use super::state::Agreement;

/// The collection of open conflicts.
pub const SYNC_CONFLICTS: Collection<OpenConflict> = Collection::new("sync_conflicts");

/// A conflict that was left to a person.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct OpenConflict {
    /// The file.
    pub path: FilePath,
    /// What stands against what.
    pub kind: ConflictKind,
    /// Each version: who holds it, and what it is there.
    pub versions: Vec<OpenVersion>,
    /// Who has deleted the file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deleted: Vec<ConnectorName>,
    /// The run that found it first.
    pub run: RunId,
    /// When that was.
    pub found: Timestamp,
}

/// One version in an [`OpenConflict`].
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct OpenVersion {
    /// Who holds it.
    pub replicas: Vec<ConnectorName>,
    /// What it is on the first of them.
    pub version: FileVersion,
}

/// What a person wants of an [`OpenConflict`].
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Choice {
    /// The version of this place goes everywhere; the others go to the recovery folders.
    Keep(ConnectorName),
    /// Every version is kept, all but one under a new name.
    KeepAll,
    /// The versions are merged.
    Merge,
}

/// Reads the open conflicts of a sync, by path.
pub(super) async fn open(store: &Store, agreement: &Agreement) -> Result<Vec<OpenConflict>> {
    let query = Query::all(SYNC_CONFLICTS.name().clone()).prefix(&prefix(agreement));
    let found: Vec<_> = store.all(&SYNC_CONFLICTS, query).try_collect().await?;
    let mut open: Vec<OpenConflict> = found.into_iter().map(|found| found.value).collect();
    open.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(open)
}

/// Makes the record say what the plan says: new conflicts are added, those that are gone are removed.
pub(super) async fn record(
    store: &Store,
    agreement: &Agreement,
    plan: &Plan,
    world: &World,
    names: &[ConnectorName],
    run: RunId,
    now: Timestamp,
) -> Result<()> {
    let waits = |conflict: &&Conflict| {
        matches!(
            conflict.resolution,
            Resolution::Manual | Resolution::Deferred
        )
    };
    let mut wanted: BTreeMap<RecordId, OpenConflict> = BTreeMap::new();
    for conflict in plan.conflicts.iter().filter(waits) {
        let found = describe(conflict, plan, world, names, run, now);
        wanted.insert(id(agreement, &found)?, found);
    }
    let query = Query::all(SYNC_CONFLICTS.name().clone()).prefix(&prefix(agreement));
    let known: Vec<_> = store.all(&SYNC_CONFLICTS, query).try_collect().await?;
    let mut batch = Batch::new(now);
    for known in known {
        match wanted.get_mut(&known.id) {
            Some(conflict) => {
                (conflict.run, conflict.found) = (known.value.run, known.value.found);
                if *conflict == known.value {
                    wanted.remove(&known.id);
                }
            }
            None => {
                batch.delete(&SYNC_CONFLICTS, known.id, Precondition::Any);
            }
        }
        if !batch.has_room(1) {
            store
                .commit(std::mem::replace(&mut batch, Batch::new(now)))
                .await?;
        }
    }
    for (id, conflict) in wanted {
        if !batch.has_room(1) {
            store
                .commit(std::mem::replace(&mut batch, Batch::new(now)))
                .await?;
        }
        batch.put(&SYNC_CONFLICTS, id, &conflict)?;
    }
    store.commit(batch).await.map(|_| ())
}

/// Forgets the conflicts at `path`: one, or one for each target.
pub(super) async fn close(
    store: &Store,
    agreement: &Agreement,
    path: &FilePath,
    now: Timestamp,
) -> Result<()> {
    let mut batch = Batch::new(now);
    for conflict in open(store, agreement).await? {
        if conflict.path == *path {
            batch.delete(
                &SYNC_CONFLICTS,
                id(agreement, &conflict)?,
                Precondition::Any,
            );
        }
    }
    store.commit(batch).await.map(|_| ())
}

/// Tells whether the versions in conflict are still those that a person has seen.
pub(super) fn is_as_seen(
    seen: &OpenConflict,
    plan: &Plan,
    world: &World,
    names: &[ConnectorName],
) -> bool {
    let holders = |conflict: &OpenConflict| -> BTreeSet<BTreeSet<ConnectorName>> {
        let versions = conflict.versions.iter();
        versions
            .map(|version| version.replicas.iter().cloned().collect())
            .collect()
    };
    let before = holders(seen);
    let mut now = plan
        .conflicts
        .iter()
        .filter(|conflict| conflict.path == seen.path)
        .map(|conflict| {
            holders(&describe(
                conflict, plan, world, names, seen.run, seen.found,
            ))
        })
        .peekable();
    // A strategy that settles it may leave no conflict to compare with.
    let same_holders = now.peek().is_none() || now.any(|now| now == before);
    let unchanged = |version: &OpenVersion| {
        let first = version.replicas.first();
        let index = first.and_then(|name| names.iter().position(|other| other == name));
        let index = index.and_then(ReplicaIndex::new);
        let listed = index.and_then(|index| {
            let path = plan.listed_path(&seen.path, index);
            world.replica(index)?.listing.get(path.as_str())
        });
        listed.is_some_and(|now| !version.version.as_ref().changed(now, Duration::ZERO))
    };
    same_holders && seen.versions.iter().all(unchanged)
}

/// The strategy that a person has chosen for one path.
#[derive(Clone, Debug)]
pub(super) struct Chosen {
    pub(super) path: FilePath,
    pub(super) strategy: ConflictStrategy,
}

impl StrategyOverride for Chosen {
    fn strategy(&self, path: &str) -> Option<ConflictStrategy> {
        (path == self.path.as_str()).then_some(self.strategy)
    }
}

/// Leaves of a plan only what concerns one path and the new names that its versions get.
pub(super) fn narrow(plan: &mut Plan, path: &FilePath) {
    let mut ours = BTreeSet::from([path.clone()]);
    for action in &plan.actions {
        if let Action::Rename {
            path: old,
            new_path,
            ..
        } = action
            && old == path
        {
            ours.insert(new_path.clone());
        }
    }
    plan.actions.retain(|action| ours.contains(action.path()));
    plan.conflicts
        .retain(|conflict| ours.contains(&conflict.path));
    plan.kept.retain(|kept| ours.contains(&kept.path));
    // One file that a person has looked at is no mass change.
    plan.refused.clear();
}

fn describe(
    conflict: &Conflict,
    plan: &Plan,
    world: &World,
    names: &[ConnectorName],
    run: RunId,
    found: Timestamp,
) -> OpenConflict {
    let listed = |set: super::plan::ReplicaSet| {
        set.iter()
            .filter_map(|replica| names.get(replica.get()).cloned())
            .collect::<Vec<_>>()
    };
    let version = |set: super::plan::ReplicaSet| {
        let holder = set.first()?;
        let listed = plan.listed_path(&conflict.path, holder);
        let listing = &world.replica(holder)?.listing;
        Some(listing.get(listed.as_str())?.to_version())
    };
    OpenConflict {
        path: conflict.path.clone(),
        kind: conflict.kind,
        versions: conflict
            .versions
            .iter()
            .map(|&set| OpenVersion {
                replicas: listed(set),
                version: version(set).unwrap_or_default(),
            })
            .collect(),
        deleted: listed(conflict.deleted),
        run,
        found,
    }
}

fn prefix(agreement: &Agreement) -> String {
    format!("{}/", agreement.as_str())
}

/// A path has one conflict among peers, and one with each target otherwise.
fn id(agreement: &Agreement, conflict: &OpenConflict) -> Result<RecordId> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(conflict.path.as_str().as_bytes());
    for holder in conflict
        .versions
        .iter()
        .flat_map(|version| &version.replicas)
    {
        hasher.update(b"\0").update(holder.as_str().as_bytes());
    }
    let digest = hasher.finalize().to_hex();
    RecordId::parse(format!("{}{digest}", prefix(agreement)))
}
