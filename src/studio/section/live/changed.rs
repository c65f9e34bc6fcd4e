//! What is different between two states of an organization.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::permission::Snapshot;
use crate::wedding::SectionType;

/// Whose and which records are others in a later state: everything else decides as it did.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Changed {
    /// The types of the sections that came, went or changed.
    pub(super) sections: BTreeSet<SectionType>,
    pub(super) members: BTreeSet<Arc<str>>,
    pub(super) weddings: BTreeSet<Arc<str>>,
}

impl Changed {
    /// Compares two states. What one was made of and the other has kept is passed over by its address.
    pub(super) fn between(before: &Snapshot, after: &Snapshot) -> Self {
        let mut changed = Self::default();
        differing(
            before.sections(),
            after.sections(),
            |section| section.id(),
            |section| changed.sections.extend(section.section_type().cloned()),
        );
        differing(
            before.members(),
            after.members(),
            |member| member.id(),
            |member| _ = changed.members.insert(member.id().into()),
        );
        differing(
            before.weddings(),
            after.weddings(),
            |wedding| wedding.id(),
            |wedding| _ = changed.weddings.insert(wedding.id().into()),
        );
        changed
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many names there are in it.
    pub(super) fn len(&self) -> usize {
        let sections = self.sections.len();
        sections
            .saturating_add(self.members.len())
            .saturating_add(self.weddings.len())
    }

    /// Adds what another change changed.
    pub(super) fn and(&mut self, other: &Self) {
        self.sections.extend(other.sections.iter().cloned());
        self.members.extend(other.members.iter().cloned());
        self.weddings.extend(other.weddings.iter().cloned());
    }
}

/// Gives what only one of two lists has, and both of what differs, for lists ordered by id.
fn differing<'a, T: PartialEq + 'a>(
    before: impl Iterator<Item = &'a T>,
    after: impl Iterator<Item = &'a T>,
    id: impl Fn(&T) -> &str,
    mut found: impl FnMut(&'a T),
) {
    let (mut before, mut after) = (before.peekable(), after.peekable());
    loop {
        let order = match (before.peek(), after.peek()) {
            (None, None) => return,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(old), Some(new)) => id(old).cmp(id(new)),
        };
        let old = if order.is_le() { before.next() } else { None };
        let new = if order.is_ge() { after.next() } else { None };
        if let (Some(old), Some(new)) = (old, new)
            && (std::ptr::eq(old, new) || old == new)
        {
            continue;
        }
        old.into_iter().chain(new).for_each(&mut found);
    }
}
