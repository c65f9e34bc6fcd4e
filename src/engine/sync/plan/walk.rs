//! Every path of a scope in byte order, with what each member lists and held.

use std::time::Duration;

use crate::connector::{Likeness, VersionRef};
use crate::engine::sync::inventory::Cursor;

use super::replicas::ReplicaIndex;
use super::scope::{Scope, Side};
use super::view::ViewCursor;

/// What one member knows of the path at hand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell<'w> {
    pub(super) index: ReplicaIndex,
    pub(super) precision: Duration,
    pub(super) incomplete: bool,
    pub(super) listed: Option<VersionRef<'w>>,
    pub(super) base: Option<VersionRef<'w>>,
}

impl<'w> Cell<'w> {
    fn blank(side: &Side<'w>) -> Self {
        Self {
            index: side.index,
            precision: side.replica.precision,
            incomplete: side.replica.incomplete,
            listed: None,
            base: None,
        }
    }

    /// Looks one path up.
    pub(super) fn look_up(side: &Side<'w>, path: &str) -> Self {
        Self {
            listed: side.view.get(path),
            base: side.base.get(path),
            ..Self::blank(side)
        }
    }
}

/// Merges the ordered listings and bases of a scope.
pub(super) struct Walk<'s, 'w> {
    lanes: Vec<Lane<'s, 'w>>,
    path: Vec<u8>,
    cells: Vec<Cell<'w>>,
}

struct Lane<'s, 'w> {
    listed: ViewCursor<'s, 'w>,
    base: Cursor<'w>,
}

impl<'s, 'w> Walk<'s, 'w> {
    /// Starts before the first path.
    pub(super) fn new(scope: &'s Scope<'w>) -> Self {
        let lanes = scope.sides.iter().map(|side| {
            let mut base = side.base.cursor();
            base.advance();
            Lane {
                listed: side.view.cursor(),
                base,
            }
        });
        Self {
            lanes: lanes.collect(),
            path: Vec::new(),
            cells: scope.sides.iter().map(Cell::blank).collect(),
        }
    }

    /// Steps to the next path. Returns false when there is none.
    pub(super) fn advance(&mut self) -> bool {
        for (lane, cell) in self.lanes.iter_mut().zip(&self.cells) {
            if cell.listed.is_some() {
                lane.listed.step();
            }
            if cell.base.is_some() {
                lane.base.advance();
            }
        }
        let paths = self
            .lanes
            .iter()
            .flat_map(|lane| [lane.listed.path(), lane.base.path()]);
        let Some(next) = paths.flatten().min() else {
            return false;
        };
        self.path.clear();
        self.path.extend_from_slice(next);
        let here = Some(&*self.path);
        for (lane, cell) in self.lanes.iter().zip(&mut self.cells) {
            let listed = lane.listed.path() == here;
            cell.listed = listed.then(|| lane.listed.version()).flatten();
            let base = lane.base.path() == here;
            cell.base = base.then(|| lane.base.version()).flatten();
        }
        true
    }

    pub(super) fn cells(&self) -> &[Cell<'w>] {
        &self.cells
    }

    /// Returns the path and its cells as one.
    pub(super) fn row(&self) -> Option<Row<'_, 'w>> {
        Some(Row::new(std::str::from_utf8(&self.path).ok()?, &self.cells))
    }
}

/// One path and what each member knows of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'r, 'w> {
    pub(super) path: &'r str,
    pub(super) cells: &'r [Cell<'w>],
}

impl<'r, 'w> Row<'r, 'w> {
    pub(super) fn new(path: &'r str, cells: &'r [Cell<'w>]) -> Self {
        Self { path, cells }
    }

    pub(super) fn cell(&self, replica: ReplicaIndex) -> Option<&Cell<'w>> {
        self.cells.iter().find(|cell| cell.index == replica)
    }

    pub(super) fn listed(&self, replica: ReplicaIndex) -> Option<VersionRef<'w>> {
        self.cell(replica)?.listed
    }

    pub(super) fn size(&self, replica: ReplicaIndex) -> u64 {
        self.listed(replica).map_or(0, |version| version.size)
    }

    /// Compares what two members list (`spec/sync.md` §2).
    pub(super) fn compare(&self, a: ReplicaIndex, b: ReplicaIndex) -> Likeness {
        let listed = |replica| {
            let cell = self.cell(replica)?;
            Some((cell.listed?, cell.precision))
        };
        match (listed(a), listed(b)) {
            (Some((a, precise)), Some((b, coarse))) => a.compare(b, precise.max(coarse)),
            _ => Likeness::Unknown,
        }
    }
}
