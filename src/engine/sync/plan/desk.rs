//! What the rules have at hand while they go through a scope.

use crate::error::Result;

use super::conflict_name::{ConflictNames, Loser, split_extension};
use super::draft::Draft;
use super::model::ConflictKind;
use super::names::Names;
use super::options::ConflictStrategy;
use super::planner::Planner;
use super::replicas::{ReplicaIndex, ReplicaSet};
use super::scope::{Scope, Side};
use super::walk::Row;
use crate::clock::Timestamp;

/// The scope, the wishes of the caller, and the plan in the making.
pub(super) struct Desk<'s, 'w, 'o> {
    pub(super) scope: &'s Scope<'w>,
    pub(super) planner: &'s Planner<'o>,
    pub(super) names: Names<'s, 'w>,
    pub(super) conflict_names: ConflictNames<'s, 'w>,
    pub(super) draft: &'s mut Draft,
}

impl<'s, 'w, 'o> Desk<'s, 'w, 'o> {
    pub(super) fn new(
        scope: &'s Scope<'w>,
        planner: &'s Planner<'o>,
        draft: &'s mut Draft,
    ) -> Self {
        Self {
            scope,
            planner,
            names: Names::new(scope),
            conflict_names: ConflictNames::new(scope),
            draft,
        }
    }

    /// Returns those of `lacking` that can take the name, and records the others.
    pub(super) fn takers(&mut self, path: &str, lacking: ReplicaSet) -> Result<ReplicaSet> {
        let mut takers = ReplicaSet::EMPTY;
        for (at, side) in self.scope.sides.iter().enumerate() {
            if !lacking.contains(side.index) {
                continue;
            }
            match self.names.fault(at, path) {
                None => takers.insert(side.index),
                Some(kind) => self.draft.skipped(path, kind, side.index.into())?,
            }
        }
        Ok(takers)
    }

    /// Tells whether `replica` could take a name, without recording it.
    pub(super) fn can_take(&mut self, path: &str, replica: ReplicaIndex) -> bool {
        let at = self
            .scope
            .sides
            .iter()
            .position(|side| side.index == replica);
        at.is_some_and(|at| self.names.fault(at, path).is_none())
    }

    /// Returns what settles a conflict on this path.
    pub(super) fn strategy(&self, path: &str) -> ConflictStrategy {
        self.planner.strategy_for(path)
    }

    /// Tells whether versions of this file can be merged.
    pub(super) fn is_mergeable(&self, path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        let extension = split_extension(name).1.map(str::to_lowercase);
        let mergeable = &self.planner.options().mergeable;
        extension.is_some_and(|extension| mergeable.iter().any(|other| **other == *extension))
    }

    /// Finds the conflict name of a version that all of `fitting` have room for and all its holders can take.
    pub(super) fn conflict_name(
        &mut self,
        path: &str,
        version: Version,
        fitting: ReplicaSet,
    ) -> Option<String> {
        let scope = self.scope;
        let sides = || scope.sides.iter();
        let first = scope.side(version.holders.first()?)?;
        let room = sides().filter(|side| fitting.contains(side.index));
        let loser = Loser {
            path,
            replica: &first.replica.name,
            time: version.time,
            max_name: room.map(|side| side.replica.names.max_name).min()?,
        };
        self.conflict_names.find(&loser, |name| {
            let mut holders = sides().filter(|side| version.holders.contains(side.index));
            holders.all(|side| allows(side, name))
        })
    }

    /// Records that some of `replicas` do not take a new name; returns the others.
    pub(super) fn takers_of_new(&mut self, path: &str, replicas: ReplicaSet) -> Result<ReplicaSet> {
        let scope = self.scope;
        let takes = |replica: &ReplicaIndex| {
            let side = scope.side(*replica);
            side.is_some_and(|side| allows(side, path))
        };
        let takers: ReplicaSet = replicas.iter().filter(takes).collect();
        let others = replicas.without(takers);
        if !others.is_empty() {
            self.draft
                .skipped(path, ConflictKind::NameInvalid, others)?;
        }
        Ok(takers)
    }
}

fn allows(side: &Side<'_>, path: &str) -> bool {
    path.split('/').all(|name| side.replica.names.allows(name))
}

/// One of several contents of a path.
#[derive(Clone, Copy, Debug)]
pub(super) struct Version {
    pub(super) holders: ReplicaSet,
    /// The earliest time known among its holders.
    pub(super) time: Option<Timestamp>,
}

impl Version {
    pub(super) fn new(row: Row<'_, '_>, holders: ReplicaSet) -> Self {
        let times = holders
            .iter()
            .filter_map(|replica| row.listed(replica)?.modified);
        Self {
            holders,
            time: times.min(),
        }
    }
}
