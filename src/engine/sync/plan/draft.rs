//! A plan in the making: what was decided so far, in whatever order, and how it becomes a plan.

use crate::connector::FilePath;
use crate::error::Result;

use super::model::{
    Action, Conflict, ConflictKind, Counts, Kept, KeptReason, RecoverReason, Resolution,
};
use super::order;
use super::replicas::{ReplicaIndex, ReplicaSet};
use super::tally::Tally;

/// Collects actions and what is told about paths.
#[derive(Debug, Default)]
pub(super) struct Draft {
    verify: Vec<Action>,
    recover: Vec<Action>,
    rename: Vec<Action>,
    copy: Vec<Action>,
    merge: Vec<Action>,
    delete: Vec<Action>,
    agree: Vec<Action>,
    pub(super) conflicts: Vec<Conflict>,
    pub(super) kept: Vec<Kept>,
    bytes: u64,
    changed: Tally,
}

impl Draft {
    pub(super) fn verify(&mut self, path: &str, replicas: ReplicaSet) -> Result<()> {
        let path = FilePath::parse(path)?;
        self.verify.push(Action::Verify { path, replicas });
        Ok(())
    }

    /// Adds a recovery, unless it would be of nothing.
    pub(super) fn recover(
        &mut self,
        path: &str,
        replicas: ReplicaSet,
        why: RecoverReason,
    ) -> Result<()> {
        if !replicas.is_empty() {
            let path = FilePath::parse(path)?;
            self.recover.push(Action::Recover {
                path,
                replicas,
                why,
            });
        }
        Ok(())
    }

    pub(super) fn rename(&mut self, path: &str, new: &str, replicas: ReplicaSet) -> Result<()> {
        let (path, new_path) = (FilePath::parse(path)?, FilePath::parse(new)?);
        self.rename.push(Action::Rename {
            path,
            new_path,
            replicas,
        });
        Ok(())
    }

    /// Adds a copy of a file of `size` bytes, unless it would be to nobody. `holders` are those of its
    /// targets that list the path.
    pub(super) fn copy(
        &mut self,
        path: &str,
        (from, size): (ReplicaIndex, u64),
        to: ReplicaSet,
        holders: ReplicaSet,
    ) -> Result<()> {
        if !to.is_empty() {
            let path = FilePath::parse(path)?;
            self.copy.push(Action::Copy { path, from, to });
            self.bytes = size
                .saturating_mul(u64::from(to.len()))
                .saturating_add(self.bytes);
            self.changed.add(to.and(holders));
        }
        Ok(())
    }

    pub(super) fn merge(
        &mut self,
        path: &str,
        from: ReplicaSet,
        to: ReplicaSet,
        holders: ReplicaSet,
    ) -> Result<()> {
        let path = FilePath::parse(path)?;
        self.merge.push(Action::Merge { path, from, to });
        self.changed.add(to.and(holders));
        Ok(())
    }

    pub(super) fn delete(&mut self, path: &str, replicas: ReplicaSet) -> Result<()> {
        let path = FilePath::parse(path)?;
        self.delete.push(Action::Delete { path, replicas });
        Ok(())
    }

    pub(super) fn agree(&mut self, path: &str, replicas: ReplicaSet) -> Result<()> {
        let path = FilePath::parse(path)?;
        self.agree.push(Action::Agree { path, replicas });
        Ok(())
    }

    pub(super) fn kept(&mut self, path: &str, replicas: ReplicaSet, why: KeptReason) -> Result<()> {
        let path = FilePath::parse(path)?;
        self.kept.extend(replicas.iter().map(|replica| Kept {
            path: path.clone(),
            replica,
            why,
        }));
        Ok(())
    }

    /// Adds a conflict between versions.
    pub(super) fn conflict(
        &mut self,
        path: &str,
        kind: ConflictKind,
        resolution: Resolution,
        versions: Vec<ReplicaSet>,
    ) -> Result<&mut Conflict> {
        let conflict = Conflict {
            path: FilePath::parse(path)?,
            kind,
            resolution,
            versions,
            deleted: ReplicaSet::EMPTY,
            winner: None,
            replicas: ReplicaSet::EMPTY,
        };
        Ok(self.conflicts.push_mut(conflict))
    }

    /// Records that `replicas` cannot take a name.
    pub(super) fn skipped(
        &mut self,
        path: &str,
        kind: ConflictKind,
        replicas: ReplicaSet,
    ) -> Result<()> {
        self.conflict(path, kind, Resolution::Skipped, Vec::new())?
            .replicas = replicas;
        Ok(())
    }
}

/// The parts of a plan, in order.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) actions: Vec<Action>,
    pub(super) conflicts: Vec<Conflict>,
    pub(super) kept: Vec<Kept>,
    pub(super) counts: Counts,
    /// How many files each replica loses, those recovered instead of deleted included.
    pub(super) deleted: Tally,
    /// How many files each replica gets another content of.
    pub(super) changed: Tally,
}

impl Draft {
    /// Brings everything in order and joins what is alike.
    pub(super) fn finish(mut self) -> Finished {
        let mut counts = Counts {
            bytes: self.bytes,
            ..Counts::default()
        };
        let mut deleted = Tally::default();
        let mut actions = Vec::new();
        for kind in [
            &mut self.verify,
            &mut self.recover,
            &mut self.rename,
            &mut self.copy,
            &mut self.merge,
            &mut self.delete,
            &mut self.agree,
        ] {
            order::actions(kind);
            for action in kind.iter() {
                count(action, &mut counts, &mut deleted);
            }
            actions.append(kind);
        }
        order::conflicts(&mut self.conflicts);
        self.kept
            .sort_by(|a, b| (&a.path, a.replica).cmp(&(&b.path, b.replica)));
        Finished {
            actions,
            conflicts: self.conflicts,
            kept: self.kept,
            counts,
            deleted,
            changed: self.changed,
        }
    }
}

fn count(action: &Action, counts: &mut Counts, deleted: &mut Tally) {
    let replicas = action.replicas();
    let pairs = u64::from(replicas.len());
    match action {
        Action::Verify { .. } => counts.verify += 1,
        Action::Recover { why, .. } => {
            counts.recover += pairs;
            if *why == RecoverReason::Delete {
                counts.delete += pairs;
                deleted.add(replicas);
            }
        }
        Action::Rename { .. } => counts.rename += pairs,
        Action::Copy { .. } => counts.copy += pairs,
        Action::Merge { .. } => counts.merge += pairs,
        Action::Delete { .. } => {
            counts.delete += pairs;
            deleted.add(replicas);
        }
        Action::Agree { .. } => counts.agree += 1,
    }
}
