//! What a page of the feed means for paths: pure but for what Drive is asked in between.
//!
//! Drive tells that a file or a folder has changed and what it is now, not where it was. So all folders are known by
//! their ids as they were at the cursor; the page brings them up to date, and what then has another path is told.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use crate::connector::{Change, FilePath};

use super::calls::quoted;
use super::feed::Known;
use super::list::{Name, name_of};
use super::model::{Kind, Remote};
use super::tree::{Places, Tree};

/// How many conditions a query has at most, and how long it grows in bytes.
const CONDITIONS: usize = 25;
const LENGTH: usize = 3_000;

#[derive(Debug, Default)]
pub(super) struct News {
    tree: Tree,
    /// Where folders were; `None` if only where they are now is known.
    before: Option<Places>,
    after: Places,
    /// The folders that the page names, with what they are now.
    folders: Vec<(Box<str>, Option<Remote>)>,
    /// Folders that were not known: made, moved in or taken out of the bin, the last with folders of which Drive says
    /// nothing.
    new: Vec<Box<str>>,
    /// The files with content that the page names.
    files: HashMap<Box<str>, Remote>,
    /// Files that were found besides.
    found: HashMap<Box<str>, Remote>,
    /// Ids at no path any more.
    gone: BTreeSet<Box<str>>,
    /// Paths of folders that are no more.
    gone_paths: BTreeSet<String>,
    /// Folders whose files have another path than before.
    open: BTreeSet<Box<str>>,
    /// Folders, once somewhere and now nowhere, of which it is not known where they were.
    lost: BTreeSet<Box<str>>,
    /// Names of which it has to be seen who holds them.
    names: HashSet<Name>,
}

impl News {
    /// Goes on from all folders as they were at the cursor.
    pub(super) fn after(tree: Arc<Tree>, root: &str) -> Self {
        Self {
            before: Some(tree.places(root)),
            tree: Arc::unwrap_or_clone(tree),
            ..Self::default()
        }
    }

    /// Begins with all folders as they are now.
    pub(super) fn without_past(tree: Tree) -> Self {
        Self {
            tree,
            ..Self::default()
        }
    }

    /// Takes in one change: what has this `id` is now so, or is no more. `twin` is the name it was seen to share.
    pub(super) fn take(&mut self, id: Box<str>, now: Option<Remote>, twin: Option<Name>) {
        self.names.extend(twin);
        let Some(now) = now else {
            if self.tree.remove(&id) {
                self.folders.push((id, None));
            } else {
                self.gone.insert(id);
            }
            return;
        };
        match now.kind() {
            Kind::Folder => {
                if now.trashed {
                    self.tree.remove(&id);
                } else if self.tree.insert(&now) {
                    self.new.push(id.clone());
                }
                self.folders.push((id, Some(now)));
            }
            Kind::Content if now.trashed => {
                self.names.insert(name_of(&now));
                self.gone.insert(id);
            }
            Kind::Content => {
                self.files.insert(id, now);
            }
            Kind::Native | Kind::Shortcut => {}
        }
    }

    /// Hands out the folders that were not known, to be asked for folders in them.
    pub(super) fn new_folders(&mut self) -> Vec<Box<str>> {
        std::mem::take(&mut self.new)
    }

    /// Takes in a folder that is in a new one.
    pub(super) fn find_folder(&mut self, folder: &Remote) {
        if self.tree.insert(folder) {
            self.new.push(folder.id.clone());
        }
    }

    /// Works out which folders and names have to be looked into, once all changes are taken in.
    pub(super) fn resolve(&mut self, root: &str) {
        self.after = self.tree.places(root);
        match self.before.take() {
            Some(before) => self.compare(&before),
            None => self.follow_folders(),
        }
        self.reopen_what_is_at_gone_paths();
        for (id, file) in &self.files {
            let folder = file.parent().and_then(|folder| self.after.path(folder));
            if folder.is_some() {
                self.names.insert(name_of(file));
            } else {
                self.gone.insert(id.clone());
            }
        }
        let after = &self.after;
        self.files.retain(|_, file| {
            file.parent()
                .is_some_and(|folder| after.path(folder).is_some())
        });
        self.names
            .retain(|(folder, _)| after.path(folder).is_some());
    }

    /// Finds what has another path than before.
    fn compare(&mut self, before: &Places) {
        if self.folders.is_empty() {
            return;
        }
        for (path, id) in before.by_path() {
            if self.after.path(id) != Some(path) && !path.is_empty() {
                self.gone_paths.insert(path.to_owned());
            }
        }
        for (path, id) in self.after.by_path() {
            if before.path(id) != Some(path) {
                self.open.insert(id.into());
            }
        }
        // What is below a path that is gone is gone with it.
        let all = self.gone_paths.clone();
        self.gone_paths
            .retain(|path| !ancestors(path).any(|above| all.contains(above)));
    }

    /// Without a past, every folder that is named may have been anywhere.
    fn follow_folders(&mut self) {
        for (id, _) in &self.folders {
            let is_seen = self.after.path(id).is_some();
            for id in self.tree.below(id) {
                if self.after.path(&id).is_some() {
                    self.open.insert(id);
                } else if !is_seen {
                    self.lost.insert(id);
                }
            }
        }
    }

    /// Where a folder was, another may be now, or a file of its name.
    fn reopen_what_is_at_gone_paths(&mut self) {
        let by_path = self.after.by_path();
        for path in &self.gone_paths {
            let inside = format!("{path}/");
            let at = by_path.get(&**path).into_iter();
            let below = by_path.range::<&str, _>(&*inside..);
            let below = below.take_while(|(other, _)| other.starts_with(&inside));
            let again = at.chain(below.map(|(_, id)| id));
            self.open.extend(again.map(|id| Box::from(*id)));
            let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
            if let Some(folder) = by_path.get(above) {
                self.names.insert(((*folder).into(), name.into()));
            }
        }
    }

    /// The paths at which folders were or are that have moved.
    pub(super) fn moved_folders(&self) -> BTreeSet<String> {
        let now = self.open.iter().filter_map(|id| self.after.path(id));
        let named = self.folders.iter().filter_map(|(_, folder)| {
            let folder = folder.as_ref()?;
            let above = self.after.path(folder.parent()?)?;
            let mark = if above.is_empty() { "" } else { "/" };
            Some(format!("{above}{mark}{}", folder.name))
        });
        let moved = self.gone_paths.iter().cloned().chain(named);
        let moved = moved.chain(now.map(str::to_owned));
        moved.filter(|path| !path.is_empty()).collect()
    }

    pub(super) fn lost_folders(&self) -> Vec<Box<str>> {
        self.lost.iter().cloned().collect()
    }

    pub(super) fn open_folders(&self) -> Vec<Box<str>> {
        self.open.iter().cloned().collect()
    }

    /// Takes in something that is in a lost folder.
    pub(super) fn lose(&mut self, file: &Remote) {
        if file.kind() == Kind::Content && !self.files.contains_key(&file.id) {
            self.gone.insert(file.id.clone());
        }
    }

    /// Takes in a file that is in an open folder.
    pub(super) fn find(&mut self, file: Remote) {
        if file.kind() == Kind::Content && !self.gone.contains(&file.id) {
            self.names.insert(name_of(&file));
            self.found.insert(file.id.clone(), file);
        }
    }

    /// Takes in a file that may have one of the names asked for: Drive takes upper and lower case for the same.
    pub(super) fn find_named(&mut self, file: Remote) {
        if self.names.contains(&name_of(&file)) {
            self.find(file);
        }
    }

    /// Returns the queries for all that is in some folders, with `other` conditions.
    pub(super) fn queries_below(folders: &[Box<str>], other: &str) -> Vec<String> {
        let conditions = folders
            .iter()
            .map(|id| format!("'{}' in parents", quoted(id)));
        let queries = any_of(conditions).into_iter();
        queries.map(|any| format!("({any}){other}")).collect()
    }

    /// Returns the queries for all of the names that have to be looked into, but in folders that are open anyway.
    pub(super) fn queries_for_names(&self) -> Vec<String> {
        let names = self
            .names
            .iter()
            .filter(|(folder, _)| !self.open.contains(folder));
        let names: BTreeSet<&Name> = names.collect();
        let conditions = names.into_iter().map(|(folder, name)| {
            format!(
                "('{}' in parents and name = '{}')",
                quoted(folder),
                quoted(name)
            )
        });
        let queries = any_of(conditions).into_iter();
        queries
            .map(|any| format!("({any}) and trashed = false"))
            .collect()
    }

    /// Says what has changed, and which folders there are now.
    pub(super) fn finish(mut self, known: &mut Known) -> (Vec<Change>, Tree) {
        // The word of the feed is newer than that of a search.
        self.found.extend(std::mem::take(&mut self.files));
        known.learn_twins(self.found.values());
        let mut by_name: BTreeMap<Name, Vec<&Remote>> = BTreeMap::new();
        for file in self.found.values() {
            by_name.entry(name_of(file)).or_default().push(file);
        }
        let (mut present, mut gone) = (Vec::new(), self.gone);
        for ((folder, _), mut files) in by_name {
            files.sort_by_key(|file| file.rank());
            for (number, file) in files.into_iter().enumerate() {
                let place = self.after.get(&folder);
                let path = place.and_then(|place| place.file(file, number == 0).ok());
                match path.filter(|path| !path.is_internal()) {
                    Some(path) => present.push(file.entry(path)),
                    None => {
                        gone.insert(file.id.clone());
                    }
                }
            }
        }
        present.sort_by(|a, b| a.path.cmp(&b.path));
        let paths = self.gone_paths.into_iter();
        let paths = paths.filter_map(|path| FilePath::parse(path).ok());
        let paths = paths.filter(|path| !path.is_internal());
        let changes = paths
            .map(Change::Gone)
            .chain(gone.into_iter().map(Change::GoneById))
            .chain(present.into_iter().map(Change::Present));
        (changes.collect(), self.tree)
    }
}

/// The folders above a path.
fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').filter_map(|(at, _)| path.get(..at))
}

/// Joins conditions to queries that are not too long.
fn any_of(conditions: impl Iterator<Item = String>) -> Vec<String> {
    let (mut queries, mut open, mut count) = (Vec::new(), String::new(), 0);
    for condition in conditions {
        if count == CONDITIONS || count > 0 && open.len() + condition.len() > LENGTH {
            queries.push(std::mem::take(&mut open));
            count = 0;
        }
        if count > 0 {
            open.push_str(" or ");
        }
        open.push_str(&condition);
        count += 1;
    }
    if count > 0 {
        queries.push(open);
    }
    queries
}
