//! Which names a member can take (`spec/sync.md` §7).
//!
//! Asked only for paths that a member does not hold. Answers about folders are kept while the walk stays
//! inside them, and spellings that a member cannot tell apart are looked for once, when first needed.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::connector::{NameRules, UnicodeForm};

use super::model::ConflictKind;
use super::scope::{Scope, Side};
use super::spelling::normal;
use super::walk::Walk;

/// Answers for one scope.
pub(super) struct Names<'s, 'w> {
    scope: &'s Scope<'w>,
    /// The path asked for last, of which `folders` are the ancestors.
    text: String,
    folders: Vec<Folder>,
    collisions: HashMap<Folding, Collisions>,
}

/// What is known of an ancestor.
struct Folder {
    /// Where its name ends in the path.
    end: usize,
    /// For each side, once asked, what stands against a name below it.
    faults: Vec<Option<Faults>>,
}

/// What stands against a name, of the folder itself or one above it.
#[derive(Clone, Copy, Debug, Default)]
struct Faults {
    invalid: bool,
    file_directory: bool,
    collision: bool,
}

impl Faults {
    fn or(self, other: Self) -> Self {
        Self {
            invalid: self.invalid || other.invalid,
            file_directory: self.file_directory || other.file_directory,
            collision: self.collision || other.collision,
        }
    }

    fn first(self) -> Option<ConflictKind> {
        let faults = [
            (self.invalid, ConflictKind::NameInvalid),
            (self.file_directory, ConflictKind::FileDirectory),
            (self.collision, ConflictKind::NameCollision),
        ];
        faults
            .into_iter()
            .find_map(|(found, kind)| found.then_some(kind))
    }
}

impl<'s, 'w> Names<'s, 'w> {
    pub(super) fn new(scope: &'s Scope<'w>) -> Self {
        Self {
            scope,
            text: String::new(),
            folders: Vec::new(),
            collisions: HashMap::new(),
        }
    }

    /// Returns what stands against writing `path`, which it does not hold, to the side at `at`.
    pub(super) fn fault(&mut self, at: usize, path: &str) -> Option<ConflictKind> {
        let side = self.scope.sides.get(at)?;
        self.enter(path);
        let above = self.folder_faults(at, side);
        let name = path.rsplit('/').next().unwrap_or(path);
        let same = self.spellings(side, path);
        let faults = above.or(Faults {
            invalid: !side.replica.names.allows(name),
            file_directory: same.is_folder_on(side),
            collision: same.owner(side) != path,
        });
        faults.first()
    }

    /// Keeps the folders that lie above `path` and adds those that are new.
    fn enter(&mut self, path: &str) {
        let same = self
            .text
            .bytes()
            .zip(path.bytes())
            .take_while(|(a, b)| a == b);
        let same = same.count();
        // A folder is kept if the `/` behind it is the same too.
        self.folders.retain(|folder| folder.end < same);
        let known = self.folders.last().map_or(0, |folder| folder.end + 1);
        for (end, _) in path.match_indices('/').filter(|(end, _)| *end >= known) {
            self.folders.push(Folder {
                end,
                faults: vec![None; self.scope.sides.len()],
            });
        }
        self.text.clear();
        self.text.push_str(path);
    }

    /// Returns what stands against any name in the folder that was entered.
    fn folder_faults(&mut self, at: usize, side: &'s Side<'w>) -> Faults {
        let text = std::mem::take(&mut self.text);
        let mut above = Faults::default();
        for depth in 0..self.folders.len() {
            let known = |folder: &Folder| folder.faults.get(at).copied().flatten();
            let folder = self.folders.get(depth);
            let end = folder.map_or(0, |folder| folder.end);
            let faults = folder.and_then(known).unwrap_or_else(|| {
                let path = text.get(..end).unwrap_or_default();
                above.or(self.ancestor_faults(side, path))
            });
            let folder = self.folders.get_mut(depth);
            if let Some(slot) = folder.and_then(|folder| folder.faults.get_mut(at)) {
                *slot = Some(faults);
            }
            above = faults;
        }
        self.text = text;
        above
    }

    fn ancestor_faults(&mut self, side: &'s Side<'w>, path: &str) -> Faults {
        let scope = self.scope;
        let name = path.rsplit('/').next().unwrap_or(path);
        let same = self.spellings(side, path);
        let is_file_elsewhere = || {
            let mut others = scope.sides.iter();
            others.any(|other| same.is_file_on(other)) && !same.is_folder_on(side)
        };
        Faults {
            invalid: !side.replica.names.allows(name),
            file_directory: same.is_file_on(side) || is_file_elsewhere(),
            collision: same.owner(side) != path,
        }
    }

    /// Returns every spelling in the scope that is the same name to this side.
    fn spellings<'a>(&'a mut self, side: &Side<'_>, path: &'a str) -> Same<'a> {
        let scope = self.scope;
        let Some(folding) = Folding::of(&side.replica.names) else {
            return Same::One(path);
        };
        let collisions = self.collisions.entry(folding);
        collisions
            .or_insert_with(|| Collisions::find(scope, folding))
            .of(path)
    }
}

/// The spellings of one name, rising.
enum Same<'a> {
    One(&'a str),
    Several(&'a [Box<str>]),
}

impl Same<'_> {
    fn iter(&self) -> impl Iterator<Item = &str> {
        let (one, several) = match self {
            Same::One(one) => (Some(*one), &[][..]),
            Same::Several(several) => (None, *several),
        };
        one.into_iter().chain(several.iter().map(|name| &**name))
    }

    fn is_file_on(&self, side: &Side<'_>) -> bool {
        self.iter().any(|name| side.listed(name).is_some())
    }

    fn is_folder_on(&self, side: &Side<'_>) -> bool {
        self.iter().any(|name| side.view.has_folder(name))
    }

    /// Returns whose name it is on this side: what it holds as a file, then as a folder, then the
    /// bytewise first.
    fn owner(&self, side: &Side<'_>) -> &str {
        if let Same::One(one) = self {
            return one;
        }
        let file = self.iter().find(|name| side.listed(name).is_some());
        let folder = || self.iter().find(|name| side.view.has_folder(name));
        let owner = file.or_else(folder).or_else(|| self.iter().next());
        owner.unwrap_or_default()
    }
}

/// How a replica takes two spellings for one name.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct Folding {
    normalises: bool,
    ignores_case: bool,
}

impl Folding {
    /// Both ways at once: what no replica could tell apart.
    pub(super) const FULL: Self = Self {
        normalises: true,
        ignores_case: true,
    };

    /// Returns how these rules fold, or `None` if every spelling is its own name.
    fn of(rules: &NameRules) -> Option<Self> {
        let folding = Self {
            normalises: rules.unicode == UnicodeForm::Nfc,
            ignores_case: !rules.case_sensitive,
        };
        (folding.normalises || folding.ignores_case).then_some(folding)
    }

    /// Returns what is equal for all spellings of one name.
    pub(super) fn key(self, name: &str) -> String {
        let name = if self.normalises {
            normal(name)
        } else {
            name.into()
        };
        if !self.ignores_case {
            return name.into_owned();
        }
        if name.is_ascii() {
            return name.to_ascii_lowercase();
        }
        let upper = name.chars().flat_map(char::to_uppercase);
        upper.flat_map(char::to_lowercase).collect()
    }
}

/// The names of a scope, files and folders, that have more than one spelling.
struct Collisions {
    folding: Folding,
    /// By key, each list rising.
    spellings: HashMap<String, Vec<Box<str>>>,
}

impl Collisions {
    /// Reads all names twice: once to see which keys come again, by a number each, and once to note those.
    fn find(scope: &Scope<'_>, folding: Folding) -> Self {
        let mut numbers = Vec::new();
        each_name(scope, |name| numbers.push(number(&folding.key(name))));
        numbers.sort_unstable();
        let again = numbers.iter().zip(numbers.iter().skip(1));
        let mut again: Vec<u64> = again.filter(|(a, b)| a == b).map(|(a, _)| *a).collect();
        again.dedup();
        drop(numbers);
        let mut spellings: HashMap<String, Vec<Box<str>>> = HashMap::new();
        if !again.is_empty() {
            each_name(scope, |name| {
                let key = folding.key(name);
                if again.binary_search(&number(&key)).is_ok() {
                    spellings.entry(key).or_default().push(name.into());
                }
            });
            spellings.retain(|_, names| {
                names.sort_unstable();
                names.dedup();
                names.len() > 1
            });
        }
        Self { folding, spellings }
    }

    fn of<'a>(&'a self, name: &'a str) -> Same<'a> {
        if self.spellings.is_empty() {
            return Same::One(name);
        }
        let several = self.spellings.get(&self.folding.key(name));
        several.map_or(Same::One(name), |several| Same::Several(several))
    }
}

/// Calls `see` once for every listed file and every folder above one.
pub(super) fn each_name(scope: &Scope<'_>, mut see: impl FnMut(&str)) {
    let mut walk = Walk::new(scope);
    let mut before = String::new();
    while walk.advance() {
        let Some(row) = walk.row() else { continue };
        if row.cells.iter().all(|cell| cell.listed.is_none()) {
            continue;
        }
        for (end, _) in row.path.match_indices('/') {
            // All that lies inside a folder stands together, so the path before tells whether it is new.
            let inside = row.path.get(..=end).unwrap_or_default();
            if !before.starts_with(inside) {
                see(row.path.get(..end).unwrap_or_default());
            }
        }
        see(row.path);
        before.clear();
        before.push_str(row.path);
    }
}

fn number(key: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector::{FilePath, FileVersion};
    use crate::engine::sync::{Inventory, Replica, World};

    fn inventory(paths: &[&str]) -> Inventory {
        let mut builder = Inventory::builder();
        for path in paths {
            let path = FilePath::parse(*path).unwrap();
            builder.push(&path, FileVersion::new(1).as_ref());
        }
        builder.finish().unwrap()
    }

    /// Asks what stands against writing `asked`, one after the other, to a card that ignores case.
    fn faults(card: &[&str], disk: &[&str], asked: &[&str]) -> Vec<Option<ConflictKind>> {
        let rules = NameRules::default()
            .with_case_sensitive(false)
            .with_forbidden("?");
        let card = Replica::new("card")
            .with_listing(inventory(card))
            .with_names(rules);
        let disk = Replica::new("disk").with_listing(inventory(disk));
        let world = World::new(vec![card, disk]).unwrap();
        let scope = Scope::peers(&world);
        let mut names = Names::new(&scope);
        asked.iter().map(|path| names.fault(0, path)).collect()
    }

    #[test]
    fn a_key_is_equal_for_all_spellings_of_a_name() {
        let key = |name: &str| Folding::FULL.key(name);
        assert_eq!(key("STRASSE"), key("Stra\u{df}e"));
        assert_eq!(key("\u{3a3}"), key("\u{3c2}"));
        assert_eq!(key("CAFE\u{301}"), key("caf\u{e9}"));
        assert_ne!(key("a"), key("b"));
    }

    #[test]
    fn the_held_spelling_owns_a_name_else_the_bytewise_first() {
        let disk = ["A.jpg", "a.jpg", "B.jpg", "b.jpg", "X/1", "x/2"];
        assert_eq!(
            faults(
                &["a.jpg"],
                &disk,
                &["A.jpg", "B.jpg", "X/1", "b.jpg", "x/2"]
            ),
            [
                Some(ConflictKind::NameCollision),
                None,
                None,
                Some(ConflictKind::NameCollision),
                Some(ConflictKind::NameCollision),
            ]
        );
    }

    #[test]
    fn a_file_and_a_folder_cannot_have_one_name_in_any_spelling() {
        let disk = ["d", "e/x", "f", "f/x", "g/h/i", "g/h/j"];
        let blocked = Some(ConflictKind::FileDirectory);
        assert_eq!(
            faults(
                &["D/y", "E"],
                &disk,
                &["d", "e/x", "f", "f/x", "g/h/i", "g/h/j"]
            ),
            [blocked, blocked, None, blocked, None, None]
        );
    }

    #[test]
    fn what_the_platform_forbids_counts_in_every_component() {
        let disk = ["a?/b/c", "a/b?"];
        let invalid = Some(ConflictKind::NameInvalid);
        assert_eq!(
            faults(&[], &disk, &["a?/b/c", "a/b?", "a/b"]),
            [invalid, invalid, None]
        );
    }
}
