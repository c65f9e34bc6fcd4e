//! What happens to a path among peers (`spec/sync.md` §4).

use std::cmp::Reverse;

use crate::error::Result;

use super::desk::{Desk, Version};
use super::groups::Groups;
use super::model::{ConflictKind, KeptReason, RecoverReason, Resolution};
use super::options::ConflictStrategy;
use super::replicas::ReplicaSet;
use super::states::States;
use super::walk::Row;

/// Decides about one path.
pub(super) fn settle(desk: &mut Desk<'_, '_, '_>, row: Row<'_, '_>) -> Result<()> {
    let states = States::of_peers(row);
    let holders = states.holders();
    if holders.is_empty() {
        if states.unknown.is_empty() {
            desk.draft.agree(row.path, desk.scope.members())?;
        }
        return Ok(());
    }
    let Groups { groups, undecided } = Groups::new(holders, |a, b| states.bond(row, a, b));
    let takers = takers(desk, row)?;
    if !undecided.is_empty() {
        return desk.draft.verify(row.path, undecided);
    }
    let is_old = |group: &&ReplicaSet| !group.and(states.unchanged).is_empty();
    let old = groups.iter().find(is_old).copied();
    let case = Case {
        row,
        states,
        old: old.unwrap_or_default(),
        writable: holders.or(takers.without(states.unknown)),
    };
    let nothing_new = old == Some(holders) && states.created.is_empty();
    if nothing_new && !states.deleted.is_empty() {
        return if desk.scope.partial {
            desk.draft.kept(row.path, holders, KeptReason::Incomplete)
        } else {
            desk.draft.delete(row.path, holders)
        };
    }
    let versions = case.versions(&groups);
    match *versions {
        [only] => case.spread(desk, only),
        _ => case.conflict(desk, &versions),
    }
}

/// Returns who lacks a listed path and can take it; records who cannot.
pub(super) fn takers(desk: &mut Desk<'_, '_, '_>, row: Row<'_, '_>) -> Result<ReplicaSet> {
    let lacking = row.cells.iter().filter(|cell| cell.listed.is_none());
    let lacking: ReplicaSet = lacking.map(|cell| cell.index).collect();
    if lacking == desk.scope.members() {
        return Ok(ReplicaSet::EMPTY);
    }
    desk.takers(row.path, lacking)
}

/// One path and all that is known of it.
#[derive(Clone, Copy)]
struct Case<'r, 'w> {
    row: Row<'r, 'w>,
    states: States,
    /// The group of those that still hold what all had agreed on.
    old: ReplicaSet,
    writable: ReplicaSet,
}

impl Case<'_, '_> {
    /// Returns who has changed it. Who changed to what the others still have has not.
    fn modified(&self) -> ReplicaSet {
        self.states.modified.without(self.old)
    }

    /// Picks the groups that have a claim on the path: an edit supersedes what all had agreed on, a copy
    /// that never agreed is its rival.
    fn versions(&self, groups: &[ReplicaSet]) -> Vec<Version> {
        let others = || groups.iter().filter(|group| **group != self.old);
        let edited = others().any(|group| !group.and(self.modified()).is_empty());
        let claims = groups.iter().filter(|group| **group != self.old || !edited);
        claims.map(|&group| Version::new(self.row, group)).collect()
    }

    /// Brings the only version to everybody.
    fn spread(&self, desk: &mut Desk<'_, '_, '_>, version: Version) -> Result<()> {
        let path = self.row.path;
        let deleted = self.states.deleted;
        let is_news =
            version.holders != self.old || !version.holders.and(self.states.created).is_empty();
        if is_news && !deleted.is_empty() && desk.strategy(path) == ConflictStrategy::ManualReview {
            let kind = ConflictKind::DeleteModify;
            let versions = vec![version.holders];
            let conflict = desk
                .draft
                .conflict(path, kind, Resolution::Manual, versions)?;
            conflict.deleted = deleted;
            return Ok(());
        }
        let lacking = self.writable.without(version.holders);
        if lacking.is_empty() {
            let news = !self.states.news().is_empty() && self.states.unknown.is_empty();
            return if news {
                desk.draft.agree(path, self.writable)
            } else {
                Ok(())
            };
        }
        self.overwrite(desk, version)
    }

    /// Copies a version to everybody else, after their own versions are brought to safety.
    fn overwrite(&self, desk: &mut Desk<'_, '_, '_>, version: Version) -> Result<()> {
        let path = self.row.path;
        let lacking = self.writable.without(version.holders);
        let own = self.modified().or(self.states.created);
        desk.draft
            .recover(path, lacking.and(own), RecoverReason::Overwrite)?;
        self.copy(desk, version, lacking)
    }

    fn copy(&self, desk: &mut Desk<'_, '_, '_>, version: Version, to: ReplicaSet) -> Result<()> {
        let Some(from) = version.holders.first() else {
            return Ok(());
        };
        let source = (from, self.row.size(from));
        desk.draft
            .copy(self.row.path, source, to, self.states.holders())
    }

    fn conflict(&self, desk: &mut Desk<'_, '_, '_>, versions: &[Version]) -> Result<()> {
        match desk.strategy(self.row.path) {
            ConflictStrategy::ManualReview => self.record(desk, versions, Resolution::Manual, None),
            ConflictStrategy::SourceWins => match versions.first() {
                Some(&first) => self.win(desk, versions, first),
                None => Ok(()),
            },
            ConflictStrategy::NewerWins => match self.newest(desk, versions) {
                Some(newest) => self.win(desk, versions, newest),
                None => self.duplicate(desk, versions),
            },
            ConflictStrategy::Merge if desk.is_mergeable(self.row.path) => {
                self.merge(desk, versions)
            }
            ConflictStrategy::Merge | ConflictStrategy::Duplicate => self.duplicate(desk, versions),
        }
    }

    fn kind(&self, versions: &[Version]) -> ConflictKind {
        let edited = |version: &Version| !version.holders.and(self.modified()).is_empty();
        let old_counts = versions.iter().any(|version| version.holders == self.old);
        if versions.iter().all(edited) {
            ConflictKind::ModifyModify
        } else if !old_counts && !versions.iter().any(edited) {
            ConflictKind::CreateCreate
        } else {
            ConflictKind::CreateModify
        }
    }

    fn record(
        &self,
        desk: &mut Desk<'_, '_, '_>,
        versions: &[Version],
        resolution: Resolution,
        winner: Option<Version>,
    ) -> Result<()> {
        let holders = versions.iter().map(|version| version.holders).collect();
        let kind = self.kind(versions);
        let conflict = desk
            .draft
            .conflict(self.row.path, kind, resolution, holders)?;
        conflict.deleted = self.states.deleted;
        conflict.winner = winner.and_then(|winner| winner.holders.first());
        Ok(())
    }

    /// Returns the newest version, if times can tell.
    fn newest(&self, desk: &Desk<'_, '_, '_>, versions: &[Version]) -> Option<Version> {
        let ranked = ranked(versions.to_vec());
        let known = ranked.iter().all(|version| version.time.is_some());
        let [newest, second, ..] = *ranked else {
            return None;
        };
        let ahead = newest.time?.saturating_since(second.time?);
        let tells = known && ahead > desk.planner.options().clock_tolerance;
        tells.then_some(newest)
    }

    fn win(
        &self,
        desk: &mut Desk<'_, '_, '_>,
        versions: &[Version],
        winner: Version,
    ) -> Result<()> {
        self.record(desk, versions, Resolution::Overwrite, Some(winner))?;
        self.overwrite(desk, winner)
    }

    fn merge(&self, desk: &mut Desk<'_, '_, '_>, versions: &[Version]) -> Result<()> {
        self.record(desk, versions, Resolution::Merge, None)?;
        let path = self.row.path;
        let own = self.modified().or(self.states.created);
        let inputs = versions
            .iter()
            .fold(ReplicaSet::EMPTY, |all, version| all.or(version.holders));
        let outside = own.and(self.writable).without(inputs);
        desk.draft
            .recover(path, outside, RecoverReason::Overwrite)?;
        let from = versions
            .iter()
            .filter_map(|version| version.holders.first());
        desk.draft
            .merge(path, from.collect(), self.writable, self.states.holders())
    }

    /// Keeps every version everywhere: the first in rank under the path, the others under new names.
    fn duplicate(&self, desk: &mut Desk<'_, '_, '_>, versions: &[Version]) -> Result<()> {
        let ranked = ranked(versions.to_vec());
        let Some((&winner, _)) = ranked.split_first() else {
            return Ok(());
        };
        let losers = versions
            .iter()
            .filter(|version| version.holders != winner.holders);
        let mut renamed: Vec<(Version, String)> = Vec::new();
        for &loser in losers {
            let name = if desk.scope.partial {
                None
            } else {
                desk.conflict_name(self.row.path, loser, self.writable)
            };
            let Some(name) = name else {
                for (_, name) in &renamed {
                    desk.conflict_names.take_back(name);
                }
                return self.record(desk, versions, Resolution::Deferred, None);
            };
            // At once, as the next loser's replica may be called the same but for case.
            desk.conflict_names.give(&name);
            renamed.push((loser, name));
        }
        self.record(desk, versions, Resolution::Duplicate, Some(winner))?;
        for (loser, name) in renamed {
            desk.draft.rename(self.row.path, &name, loser.holders)?;
            let takers = desk.takers_of_new(&name, self.writable.without(loser.holders))?;
            if let Some(from) = loser.holders.first() {
                let source = (from, self.row.size(from));
                desk.draft.copy(&name, source, takers, ReplicaSet::EMPTY)?;
            }
        }
        let rivals = versions
            .iter()
            .fold(ReplicaSet::EMPTY, |all, version| all.or(version.holders));
        let own = self.modified().or(self.states.created).without(rivals);
        let lacking = self.writable.without(winner.holders);
        desk.draft
            .recover(self.row.path, lacking.and(own), RecoverReason::Overwrite)?;
        self.copy(desk, winner, lacking)
    }
}

/// Orders versions by rank: known times first, then the later, then the lowest replica.
fn ranked(mut versions: Vec<Version>) -> Vec<Version> {
    versions.sort_by_key(|version| (Reverse(version.time), version.holders.first()));
    versions
}
