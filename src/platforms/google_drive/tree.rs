//! Paths from parents: a pure function over all folders of an account.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::connector::{FilePath, SkipReason};

use super::model::{Kind, Rank, Remote};

/// All folders that the account can see, below its top and elsewhere, by their ids.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    folders: HashMap<Box<str>, Folder>,
}

#[derive(Clone, Debug)]
struct Folder {
    name: Box<str>,
    parent: Option<Box<str>>,
    rank: Rank,
}

/// Where the folders below the top are.
#[derive(Clone, Debug, Default)]
pub(super) struct Places(HashMap<Box<str>, Place>);

/// Where a folder is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Place {
    /// At this path; the top has none.
    Seen(String),
    /// Under this name for people, but not at a path.
    Hidden(String, SkipReason),
}

impl Tree {
    /// Takes in a folder, in place of what was known of it; tells whether nothing was.
    pub(super) fn insert(&mut self, folder: &Remote) -> bool {
        let known = Folder {
            name: folder.name.clone(),
            parent: folder.parent().map(Into::into),
            rank: folder.rank(),
        };
        self.folders.insert(folder.id.clone(), known).is_none()
    }

    /// Forgets a folder; tells whether it was known.
    pub(super) fn remove(&mut self, id: &str) -> bool {
        self.folders.remove(id).is_some()
    }

    /// Returns where all folders are below the one with the id `root`.
    ///
    /// Of two folders of one name the older holds it; the other, and all below it, has no path. Nor has a folder whose
    /// name cannot be part of one.
    pub(super) fn places(&self, root: &str) -> Places {
        let mut below: HashMap<&str, Vec<(&str, &Folder)>> = HashMap::new();
        for (id, folder) in &self.folders {
            if let Some(parent) = &folder.parent {
                below.entry(parent).or_default().push((id, folder));
            }
        }
        let mut places = HashMap::new();
        let mut open = vec![(root, Place::Seen(String::new()))];
        // Each folder has one parent, so that none is reached twice; the top may be below itself in a broken answer.
        while let Some((id, place)) = open.pop() {
            if places.contains_key(id) {
                continue;
            }
            let mut children = below.remove(id).unwrap_or_default();
            children.sort_by(|(_, a), (_, b)| a.rank.cmp(&b.rank));
            let mut taken = HashMap::new();
            for (child, folder) in children {
                let is_first = taken.insert(&folder.name, ()).is_none();
                open.push((child, place.child(&folder.name, is_first)));
            }
            places.insert(id.into(), place);
        }
        Places(places)
    }

    /// Returns the ids of a folder and of all below it.
    pub(super) fn below(&self, top: &str) -> Vec<Box<str>> {
        let mut children: HashMap<&str, Vec<&str>> = HashMap::new();
        for (id, folder) in &self.folders {
            if let Some(parent) = &folder.parent {
                children.entry(parent).or_default().push(id);
            }
        }
        let (mut found, mut open) = (Vec::new(), vec![top]);
        let mut seen = HashSet::new();
        while let Some(id) = open.pop() {
            // Folders in a circle end.
            if seen.insert(id) {
                found.push(id.into());
                open.extend(children.remove(id).unwrap_or_default());
            }
        }
        found
    }
}

impl Places {
    pub(super) fn get(&self, id: &str) -> Option<&Place> {
        self.0.get(id)
    }

    /// The path of a folder that has one.
    pub(super) fn path(&self, id: &str) -> Option<&str> {
        match self.0.get(id) {
            Some(Place::Seen(path)) => Some(path),
            _ => None,
        }
    }

    /// The folders that have a path, by it. The top's is empty.
    pub(super) fn by_path(&self) -> BTreeMap<&str, &str> {
        let seen = self.0.iter().filter_map(|(id, place)| match place {
            Place::Seen(path) => Some((&**path, &**id)),
            Place::Hidden(..) => None,
        });
        seen.collect()
    }
}

impl Place {
    fn child(&self, name: &str, is_first: bool) -> Self {
        match self {
            Self::Hidden(shown, reason) => Self::Hidden(join(shown, name), *reason),
            Self::Seen(path) if !is_name(name) => {
                Self::Hidden(join(path, name), SkipReason::InvalidName)
            }
            Self::Seen(path) if !is_first => {
                Self::Hidden(join(path, name), SkipReason::DuplicateName)
            }
            Self::Seen(path) => Self::Seen(join(path, name)),
        }
    }

    /// Returns where a file in this folder is, the first of its name there or not.
    pub(super) fn file(
        &self,
        file: &Remote,
        is_first: bool,
    ) -> Result<FilePath, (String, SkipReason)> {
        let reason = match file.kind() {
            Kind::Native => Some(SkipReason::NoContent),
            Kind::Shortcut => Some(SkipReason::SymbolicLink),
            Kind::Folder | Kind::Content => None,
        };
        match (self.child(&file.name, is_first), reason) {
            (Self::Seen(path), Some(reason)) => Err((path, reason)),
            (Self::Seen(path), None) => {
                FilePath::parse(&*path).map_err(|_| (path, SkipReason::InvalidName))
            }
            (Self::Hidden(shown, hidden), reason) => Err((shown, reason.unwrap_or(hidden))),
        }
    }
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        return name.to_owned();
    }
    format!("{folder}/{name}")
}

/// Tells whether a name can be a component of a path: in Drive it can also hold a `/`, or be `..`.
fn is_name(name: &str) -> bool {
    !name.contains('/') && FilePath::parse(name).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(id: &str, parent: &str, name: &str, second: u32) -> Remote {
        let json = serde_json::json!({
            "id": id, "name": name, "parents": [parent], "mimeType": super::super::model::FOLDER,
            "createdTime": format!("2025-06-15T12:00:{second:02}.000Z"),
        });
        serde_json::from_value(json).unwrap()
    }

    fn tree(folders: &[(&str, &str, &str, u32)]) -> Tree {
        let mut tree = Tree::default();
        for (id, parent, name, second) in folders {
            tree.insert(&folder(id, parent, name, *second));
        }
        tree
    }

    #[test]
    fn paths_follow_from_parents() {
        let places = tree(&[
            ("b", "a", "B", 1),
            ("a", "top", "A", 2),
            ("x", "other", "X", 3),
        ])
        .places("top");
        assert_eq!(places.path("top"), Some(""));
        assert_eq!(places.path("b"), Some("A/B"));
        assert_eq!(places.get("x"), None);
    }

    #[test]
    fn of_two_folders_of_one_name_the_older_holds_it() {
        let places = tree(&[
            ("new", "top", "A", 2),
            ("old", "top", "A", 1),
            ("in", "new", "B", 3),
        ])
        .places("top");
        assert_eq!(places.path("old"), Some("A"));
        let hidden = |text: &str| Some(Place::Hidden(text.to_owned(), SkipReason::DuplicateName));
        assert_eq!(places.get("new").cloned(), hidden("A"));
        assert_eq!(places.get("in").cloned(), hidden("A/B"));
    }

    #[test]
    fn folders_in_a_circle_are_nowhere_and_end() {
        let tree = tree(&[
            ("a", "b", "A", 1),
            ("b", "a", "B", 2),
            ("top", "top", "T", 3),
        ]);
        let places = tree.places("top");
        assert_eq!(places.get("a"), None);
        assert_eq!(tree.below("a"), ["a".into(), "b".into()]);
    }

    #[test]
    fn a_name_that_leads_elsewhere_has_no_path() {
        let places = tree(&[
            ("a", "top", "..", 1),
            ("b", "top", "x/y", 2),
            ("c", "b", "C", 3),
        ])
        .places("top");
        for id in ["a", "b", "c"] {
            assert!(matches!(
                places.get(id),
                Some(Place::Hidden(_, SkipReason::InvalidName))
            ));
        }
    }
}
