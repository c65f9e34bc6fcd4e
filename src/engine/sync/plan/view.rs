//! A listing as the plan sees it: some names stand for another spelling (`spec/sync.md` §7).

use crate::connector::VersionRef;
use crate::engine::sync::inventory::{Cursor, Inventory};

/// A listing in which some paths are shown under another spelling of the same text.
pub(super) struct View<'w> {
    inventory: &'w Inventory,
    /// By rising `shown`.
    moved: Vec<Moved>,
    /// What is listed but shown elsewhere, rising.
    hidden: Vec<Box<str>>,
}

/// A path that is shown under another spelling.
pub(super) struct Moved {
    pub(super) shown: Box<str>,
    pub(super) listed: Box<str>,
}

impl<'w> View<'w> {
    /// Shows `inventory` with `moved` paths under their other spelling. Where two files would be shown under
    /// one, the later stays as listed, so that none goes out of sight.
    pub(super) fn new(inventory: &'w Inventory, mut moved: Vec<Moved>) -> Self {
        moved.sort_by(|a, b| (&a.shown, &a.listed).cmp(&(&b.shown, &b.listed)));
        moved.dedup_by(|later, kept| later.shown == kept.shown);
        moved.retain(|moved| inventory.get(&moved.shown).is_none());
        let mut hidden: Vec<_> = moved.iter().map(|moved| moved.listed.clone()).collect();
        hidden.sort_unstable();
        Self {
            inventory,
            moved,
            hidden,
        }
    }

    pub(super) fn moved(&self) -> &[Moved] {
        &self.moved
    }

    pub(super) fn get(&self, path: &str) -> Option<VersionRef<'w>> {
        let same = |moved: &Moved| (*moved.shown).cmp(path);
        if let Ok(at) = self.moved.binary_search_by(same) {
            return self.inventory.get(&self.moved.get(at)?.listed);
        }
        if self.hides(path) {
            return None;
        }
        self.inventory.get(path)
    }

    /// Tells whether something lies inside the folder `path`.
    pub(super) fn has_folder(&self, path: &str) -> bool {
        if self.moved.is_empty() {
            return self.inventory.has_folder(path);
        }
        let inside = format!("{path}/");
        let first = self.moved.partition_point(|moved| *moved.shown < *inside);
        if self
            .moved
            .get(first)
            .is_some_and(|moved| moved.shown.starts_with(&inside))
        {
            return true;
        }
        let mut cursor = self.inventory.seek(&inside);
        while let Some(listed) = cursor
            .path()
            .and_then(|path| std::str::from_utf8(path).ok())
            && listed.starts_with(&inside)
        {
            if !self.hides(listed) {
                return true;
            }
            cursor.advance();
        }
        false
    }

    /// Returns a cursor at the first entry.
    pub(super) fn cursor(&self) -> ViewCursor<'_, 'w> {
        let mut cursor = ViewCursor {
            inventory: self.inventory,
            listed: self.inventory.cursor(),
            hidden: &self.hidden,
            moved: &self.moved,
            at_moved: false,
        };
        cursor.step_listed();
        cursor.choose();
        cursor
    }

    fn hides(&self, path: &str) -> bool {
        let at = self.hidden.partition_point(|hidden| **hidden < *path);
        self.hidden.get(at).is_some_and(|hidden| **hidden == *path)
    }
}

/// A place in a [`View`].
pub(super) struct ViewCursor<'s, 'w> {
    inventory: &'w Inventory,
    listed: Cursor<'w>,
    hidden: &'s [Box<str>],
    moved: &'s [Moved],
    at_moved: bool,
}

impl<'w> ViewCursor<'_, 'w> {
    pub(super) fn path(&self) -> Option<&[u8]> {
        if self.at_moved {
            return self.moved.first().map(|moved| moved.shown.as_bytes());
        }
        self.listed.path()
    }

    pub(super) fn version(&self) -> Option<VersionRef<'w>> {
        if self.at_moved {
            return self.inventory.get(&self.moved.first()?.listed);
        }
        self.listed.version()
    }

    pub(super) fn step(&mut self) {
        if self.at_moved {
            self.moved = self.moved.get(1..).unwrap_or_default();
        } else {
            self.step_listed();
        }
        self.choose();
    }

    fn step_listed(&mut self) {
        while self.listed.advance()
            && let Some((hidden, rest)) = self.hidden.split_first()
            && self.listed.path() == Some(hidden.as_bytes())
        {
            self.hidden = rest;
        }
    }

    fn choose(&mut self) {
        self.at_moved = self.moved.first().is_some_and(|moved| {
            let before = |listed| moved.shown.as_bytes() < listed;
            self.listed.path().is_none_or(before)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector::{FilePath, FileVersion};

    #[test]
    fn moved_paths_are_seen_only_under_their_other_name() {
        let mut builder = Inventory::builder();
        for (size, path) in (0..).zip(["a/x", "b", "c", "d/y"]) {
            builder.push(
                &FilePath::parse(path).unwrap(),
                FileVersion::new(size).as_ref(),
            );
        }
        let inventory = builder.finish().unwrap();
        let moved = |listed: &str, shown: &str| Moved {
            shown: shown.into(),
            listed: listed.into(),
        };
        let view = View::new(
            &inventory,
            vec![moved("a/x", "e/x"), moved("d/y", "a-"), moved("b", "c")],
        );
        let mut seen = Vec::new();
        let mut cursor = view.cursor();
        while let (Some(path), Some(version)) = (cursor.path(), cursor.version()) {
            let path = String::from_utf8(path.to_vec()).unwrap();
            assert_eq!(view.get(&path), Some(version));
            seen.push((path, version.size));
            cursor.step();
        }
        // `b` stays: its other name is taken.
        let expected = [("a-", 3), ("b", 1), ("c", 2), ("e/x", 0)];
        assert_eq!(seen, expected.map(|(path, size)| (path.to_owned(), size)));
        assert_eq!(view.get("a/x"), None);
        assert!(!view.has_folder("a") && !view.has_folder("d") && view.has_folder("e"));
    }
}
