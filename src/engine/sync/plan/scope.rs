//! The replicas that are planned together: all peers, or a source and one of its targets.

use crate::connector::VersionRef;
use crate::engine::sync::inventory::Inventory;

use super::replicas::{ReplicaIndex, ReplicaSet};
use super::spelling;
use super::view::View;
use super::walk::Cell;
use super::world::{Replica, World};

/// One replica within a [`Scope`].
pub(super) struct Side<'w> {
    pub(super) index: ReplicaIndex,
    pub(super) replica: &'w Replica,
    /// What it held when the members of this scope last agreed.
    pub(super) base: &'w Inventory,
    pub(super) view: View<'w>,
}

/// Replicas that are planned together, in replica order; one-way: the source, then the target.
pub(super) struct Scope<'w> {
    pub(super) sides: Vec<Side<'w>>,
    /// Whether some listing is incomplete.
    pub(super) partial: bool,
}

impl<'w> Scope<'w> {
    pub(super) fn peers(world: &'w World) -> Self {
        let members = world.indexed();
        Self::new(members.map(|(index, replica)| (index, replica, &replica.base)))
    }

    pub(super) fn one_way(
        (source_index, source): (ReplicaIndex, &'w Replica),
        (target_index, target): (ReplicaIndex, &'w Replica),
    ) -> Self {
        Self::new(
            [
                (source_index, source, &target.source_base),
                (target_index, target, &target.base),
            ]
            .into_iter(),
        )
    }

    fn new(members: impl Iterator<Item = (ReplicaIndex, &'w Replica, &'w Inventory)>) -> Self {
        let members: Vec<_> = members.collect();
        let mut shown = spelling::respell(&members).into_iter();
        let sides = members.iter().map(|&(index, replica, base)| Side {
            index,
            replica,
            base,
            view: View::new(&replica.listing, shown.next().unwrap_or_default()),
        });
        Self {
            sides: sides.collect(),
            partial: members.iter().any(|(_, replica, _)| replica.incomplete),
        }
    }

    pub(super) fn members(&self) -> ReplicaSet {
        self.sides.iter().map(|side| side.index).collect()
    }

    pub(super) fn side(&self, replica: ReplicaIndex) -> Option<&Side<'w>> {
        self.sides.iter().find(|side| side.index == replica)
    }

    /// Returns what each member knows of one path.
    pub(super) fn cells(&self, path: &str) -> Vec<Cell<'w>> {
        let sides = self.sides.iter();
        sides.map(|side| Cell::look_up(side, path)).collect()
    }
}

impl<'w> Side<'w> {
    pub(super) fn listed(&self, path: &str) -> Option<VersionRef<'w>> {
        self.view.get(path)
    }
}
