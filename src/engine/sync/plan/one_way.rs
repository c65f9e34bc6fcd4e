//! What happens to a path between a source and one target (`spec/sync.md` §5).

use crate::error::Result;

use super::desk::{Desk, Version};
use super::model::{ConflictKind, KeptReason, RecoverReason, Resolution};
use super::options::{ConflictStrategy, Relation};
use super::replicas::{ReplicaIndex, ReplicaSet};
use super::states::{Bond, States};
use super::walk::Row;

/// Decides about one path.
pub(super) fn settle(desk: &mut Desk<'_, '_, '_>, row: Row<'_, '_>) -> Result<()> {
    let [source, target] = row.cells else {
        return Ok(());
    };
    let case = Case {
        row,
        states: States::of_pair(row),
        source: source.index,
        target: target.index,
    };
    let takers = takers(desk, row)?;
    if !case.states.unknown.is_empty() {
        return Ok(());
    }
    match (source.listed.is_some(), target.listed.is_some()) {
        (true, true) => case.both(desk),
        (true, false) => case.copy(desk, takers),
        (false, true) => case.extra(desk),
        (false, false) => desk.draft.agree(row.path, case.pair()),
    }
}

/// Returns the target if it lacks what the source has and can take it; records it if it cannot.
pub(super) fn takers(desk: &mut Desk<'_, '_, '_>, row: Row<'_, '_>) -> Result<ReplicaSet> {
    match row.cells {
        [source, target] if source.listed.is_some() && target.listed.is_none() => {
            desk.takers(row.path, target.index.into())
        }
        _ => Ok(ReplicaSet::EMPTY),
    }
}

#[derive(Clone, Copy)]
struct Case<'r, 'w> {
    row: Row<'r, 'w>,
    states: States,
    source: ReplicaIndex,
    target: ReplicaIndex,
}

impl Case<'_, '_> {
    fn pair(&self) -> ReplicaSet {
        [self.source, self.target].into_iter().collect()
    }

    fn both(&self, desk: &mut Desk<'_, '_, '_>) -> Result<()> {
        match self.states.bond(self.row, self.source, self.target) {
            Bond::Unknown => desk.draft.verify(self.row.path, self.pair()),
            Bond::Same | Bond::Weak if self.states.news().is_empty() => Ok(()),
            Bond::Same | Bond::Weak => desk.draft.agree(self.row.path, self.pair()),
            Bond::Different | Bond::Apart if self.states.unchanged.contains(self.target) => {
                self.copy(desk, self.target.into())
            }
            Bond::Different | Bond::Apart => self.conflict(desk),
        }
    }

    /// The target has what the source has not.
    fn extra(&self, desk: &mut Desk<'_, '_, '_>) -> Result<()> {
        if desk.planner.relation() != Relation::Mirror {
            return Ok(());
        }
        let path = self.row.path;
        let target = self.target.into();
        if desk.scope.partial {
            return desk.draft.kept(path, target, KeptReason::Incomplete);
        }
        let own = !self.states.unchanged.contains(self.target);
        if own && desk.strategy(path) == ConflictStrategy::ManualReview {
            let kind = if self.states.created.contains(self.target) {
                ConflictKind::Extraneous
            } else {
                ConflictKind::DeleteModify
            };
            let versions = vec![target];
            let conflict = desk
                .draft
                .conflict(path, kind, Resolution::Manual, versions)?;
            conflict.deleted = self.source.into();
            return Ok(());
        }
        if own {
            desk.draft.recover(path, target, RecoverReason::Delete)
        } else {
            desk.draft.delete(path, target)
        }
    }

    fn copy(&self, desk: &mut Desk<'_, '_, '_>, to: ReplicaSet) -> Result<()> {
        let source = (self.source, self.row.size(self.source));
        desk.draft
            .copy(self.row.path, source, to, self.states.holders())
    }

    fn conflict(&self, desk: &mut Desk<'_, '_, '_>) -> Result<()> {
        let is_mirror = desk.planner.relation() == Relation::Mirror;
        match desk.strategy(self.row.path) {
            ConflictStrategy::ManualReview => self.record(desk, Resolution::Manual, None),
            ConflictStrategy::SourceWins => self.overwrite(desk),
            ConflictStrategy::NewerWins if self.is_newer(desk) => self.overwrite(desk),
            ConflictStrategy::NewerWins => {
                self.record(desk, Resolution::Kept, Some(self.target))?;
                let target = self.target.into();
                desk.draft.kept(self.row.path, target, KeptReason::NotNewer)
            }
            ConflictStrategy::Merge if desk.is_mergeable(self.row.path) => {
                self.record(desk, Resolution::Merge, None)?;
                let (path, target) = (self.row.path, self.target.into());
                desk.draft
                    .merge(path, self.pair(), target, self.states.holders())
            }
            // A mirror has no extra files.
            ConflictStrategy::Merge | ConflictStrategy::Duplicate if is_mirror => {
                self.overwrite(desk)
            }
            ConflictStrategy::Merge | ConflictStrategy::Duplicate => self.duplicate(desk),
        }
    }

    fn record(
        &self,
        desk: &mut Desk<'_, '_, '_>,
        resolution: Resolution,
        winner: Option<ReplicaIndex>,
    ) -> Result<()> {
        let kind = if self.states.created.contains(self.target) {
            ConflictKind::CreateCreate
        } else if self.states.unchanged.contains(self.source) {
            ConflictKind::TargetModify
        } else {
            ConflictKind::ModifyModify
        };
        let versions = vec![self.source.into(), self.target.into()];
        let conflict = desk
            .draft
            .conflict(self.row.path, kind, resolution, versions)?;
        conflict.winner = winner;
        Ok(())
    }

    /// Tells whether the source is newer by more than clocks may be apart.
    fn is_newer(&self, desk: &Desk<'_, '_, '_>) -> bool {
        let time = |replica| self.row.listed(replica)?.modified;
        let (Some(source), Some(target)) = (time(self.source), time(self.target)) else {
            return false;
        };
        source.saturating_since(target) > desk.planner.options().clock_tolerance
    }

    fn overwrite(&self, desk: &mut Desk<'_, '_, '_>) -> Result<()> {
        self.record(desk, Resolution::Overwrite, Some(self.source))?;
        let target = self.target.into();
        desk.draft
            .recover(self.row.path, target, RecoverReason::Overwrite)?;
        self.copy(desk, target)
    }

    /// Keeps the target's version under a new name.
    fn duplicate(&self, desk: &mut Desk<'_, '_, '_>) -> Result<()> {
        let target = self.target.into();
        let version = Version::new(self.row, target);
        let name = if desk.scope.partial {
            None
        } else {
            desk.conflict_name(self.row.path, version, target)
        };
        let Some(name) = name else {
            return self.record(desk, Resolution::Deferred, None);
        };
        self.record(desk, Resolution::Duplicate, Some(self.source))?;
        desk.conflict_names.give(&name);
        desk.draft.rename(self.row.path, &name, target)?;
        self.copy(desk, target)
    }
}
