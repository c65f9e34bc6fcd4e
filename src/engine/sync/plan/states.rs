//! What has become of a path on each member (`spec/sync.md` §2).

use crate::connector::Likeness;

use super::replicas::{ReplicaIndex, ReplicaSet};
use super::walk::{Cell, Row};

/// The state of one path on each member: every member is in exactly one of the sets.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct States {
    /// Listed and in base, the same.
    pub(super) unchanged: ReplicaSet,
    /// Listed and in base, changed.
    pub(super) modified: ReplicaSet,
    /// Listed, not in base.
    pub(super) created: ReplicaSet,
    /// In base, not listed.
    pub(super) deleted: ReplicaSet,
    /// In neither.
    pub(super) absent: ReplicaSet,
    /// Not listed by an incomplete listing.
    pub(super) unknown: ReplicaSet,
}

/// Tells whether all members list the path, all hold an agreed base of it, and none has changed it.
/// Then there is nothing to do, whatever the relation.
pub(super) fn is_quiet(cells: &[Cell<'_>], bases_agree: bool) -> bool {
    let same = |cell: &Cell<'_>| match (cell.listed, cell.base) {
        (Some(listed), Some(base)) => !base.changed(listed, cell.precision),
        _ => false,
    };
    cells.iter().all(same) && (bases_agree || !bases_differ(cells))
}

/// Tells whether two bases cannot be one agreement.
fn bases_differ(cells: &[Cell<'_>]) -> bool {
    let differ = |a: &Cell<'_>, b: &Cell<'_>| match (a.base, b.base) {
        (Some(x), Some(y)) => x.compare(y, a.precision.max(b.precision)) == Likeness::Different,
        _ => false,
    };
    let mut rest = cells;
    while let Some((first, others)) = rest.split_first() {
        if others.iter().any(|other| differ(first, other)) {
            return true;
        }
        rest = others;
    }
    false
}

impl States {
    /// Reads the states of peers, for whom bases that differ are no agreement and count as none.
    pub(super) fn of_peers(row: Row<'_, '_>) -> Self {
        let void = bases_differ(row.cells);
        row.cells.iter().fold(Self::default(), |mut states, cell| {
            let mut cell = *cell;
            cell.base = cell.base.filter(|_| !void);
            states.add(&cell);
            states
        })
    }

    /// Reads the states of a source and a target, whose bases may differ after a merge.
    pub(super) fn of_pair(row: Row<'_, '_>) -> Self {
        row.cells.iter().fold(Self::default(), |mut states, cell| {
            states.add(cell);
            states
        })
    }

    fn add(&mut self, cell: &Cell<'_>) {
        let set = match (cell.listed, cell.base) {
            (Some(listed), Some(base)) if base.changed(listed, cell.precision) => {
                &mut self.modified
            }
            (Some(_), Some(_)) => &mut self.unchanged,
            (Some(_), None) => &mut self.created,
            (None, _) if cell.incomplete => &mut self.unknown,
            (None, Some(_)) => &mut self.deleted,
            (None, None) => &mut self.absent,
        };
        set.insert(cell.index);
    }

    /// Returns who lists the path.
    pub(super) fn holders(&self) -> ReplicaSet {
        self.unchanged.or(self.modified).or(self.created)
    }

    /// Returns who has something to record.
    pub(super) fn news(&self) -> ReplicaSet {
        self.modified.or(self.created).or(self.deleted)
    }

    /// Returns what two holders are to each other (`spec/sync.md` §3).
    pub(super) fn bond(&self, row: Row<'_, '_>, a: ReplicaIndex, b: ReplicaIndex) -> Bond {
        let unchanged = |replica| self.unchanged.contains(replica);
        let modified = |replica| self.modified.contains(replica);
        if unchanged(a) && unchanged(b) {
            return Bond::Same;
        }
        let one_modified = (unchanged(a) && modified(b)) || (modified(a) && unchanged(b));
        match row.compare(a, b) {
            Likeness::Same => Bond::Same,
            Likeness::Different => Bond::Different,
            _ if one_modified => Bond::Apart,
            Likeness::Weak => Bond::Weak,
            Likeness::Unknown => Bond::Unknown,
        }
    }
}

/// What two holders of a path are to each other.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Bond {
    /// Equal content.
    Same,
    /// Different contents.
    Different,
    /// No proof of a difference, but one has changed what both had agreed on.
    Apart,
    /// Nothing contradicts.
    Weak,
    /// No evidence.
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector::FileVersion;
    use std::time::Duration;

    fn states(cells: [(Option<u64>, Option<u64>, bool); 2]) -> States {
        let versions = cells.map(|(now, then, incomplete)| {
            let version = |size: Option<u64>| size.map(FileVersion::new);
            (version(now), version(then), incomplete)
        });
        let cells: Vec<Cell<'_>> = (0..)
            .zip(&versions)
            .map(|(at, (now, then, incomplete))| Cell {
                index: ReplicaIndex::new(at).unwrap(),
                precision: Duration::from_millis(1),
                incomplete: *incomplete,
                listed: now.as_ref().map(FileVersion::as_ref),
                base: then.as_ref().map(FileVersion::as_ref),
            })
            .collect();
        States::of_peers(Row::new("p", &cells))
    }

    #[test]
    fn bases_that_differ_are_no_agreement() {
        let both = states([(Some(0), Some(0), false), (None, Some(7), false)]);
        assert_eq!((both.created.len(), both.absent.len()), (1, 1));
        let one = states([(Some(0), Some(0), false), (None, Some(0), false)]);
        assert_eq!((one.unchanged.len(), one.deleted.len()), (1, 1));
    }

    #[test]
    fn what_an_incomplete_listing_lacks_is_unknown() {
        let states = states([(Some(1), Some(0), true), (None, Some(0), true)]);
        assert_eq!((states.modified.len(), states.unknown.len()), (1, 1));
        assert_eq!(states.news().len(), 1);
    }
}
