//! Going through a feed of changes from where a snapshot was taken.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::connector::{
    Change, ChangeCursor, ChangeFeed, FileEntry, FilePath, FileVersion, Skipped,
};
use crate::engine::sync::inventory::Inventory;
use crate::engine::transfer::Calls;
use crate::error::{Error, ErrorKind, Result};

/// How many changes are followed at least before a listing is taken to be cheaper.
const WORTHWHILE: u64 = 10_000;

/// What a feed has told since a snapshot.
#[derive(Debug)]
pub(in crate::engine::sync) struct Followed {
    /// What is there now.
    pub(in crate::engine::sync) files: Inventory,
    /// What is there but not handed out as a file.
    pub(in crate::engine::sync) skipped: Vec<Skipped>,
    /// Where the feed goes on.
    pub(in crate::engine::sync) cursor: ChangeCursor,
    /// Every path that something was told of, and what is there; `None` if nothing is.
    pub(in crate::engine::sync) told: BTreeMap<FilePath, Option<FileVersion>>,
    /// How many changes were told.
    pub(in crate::engine::sync) changes: u64,
}

/// Follows `feed` from `cursor` to its end, where `files` and `skipped` were there.
///
/// [`ErrorKind::Expired`] means that a listing is due: the feed no longer knows the cursor, or tells more than that is worth.
pub(in crate::engine::sync) async fn follow(
    feed: &dyn ChangeFeed,
    calls: &Calls,
    mut cursor: ChangeCursor,
    files: Inventory,
    skipped: Vec<Skipped>,
) -> Result<Followed> {
    let most = WORTHWHILE.max(files.len() as u64);
    let mut state = State {
        base: &files,
        told: BTreeMap::new(),
        skipped,
    };
    let mut changes: u64 = 0;
    loop {
        let page = calls
            .repeat("sync.changes", || feed.changes(&cursor))
            .await?;
        changes = changes.saturating_add(page.changes.len() as u64);
        if page.more && (changes > most || page.next == cursor) {
            let message = "the feed tells more than a listing would";
            return Err(Error::new(ErrorKind::Expired, "sync.changes", message));
        }
        state.take(page.changes);
        cursor = page.next;
        if !page.more {
            break;
        }
    }
    let State { told, skipped, .. } = state;
    let files = if told.is_empty() {
        files
    } else {
        files.amended(&told)
    };
    Ok(Followed {
        files,
        skipped,
        cursor,
        told,
        changes,
    })
}

struct State<'a> {
    base: &'a Inventory,
    told: BTreeMap<FilePath, Option<FileVersion>>,
    skipped: Vec<Skipped>,
}

impl State<'_> {
    fn take(&mut self, changes: Vec<Change>) {
        let mut homes = self.homes(&changes);
        for change in changes {
            match change {
                Change::Present(entry) => self.present(entry, &mut homes),
                Change::Gone(path) => self.gone(&path),
                Change::GoneById(id) => {
                    self.leave(&id, None, &homes);
                    self.skipped
                        .retain(|skipped| skipped.id.as_ref() != Some(&id));
                }
                Change::Skipped(skipped) => {
                    if let Some(id) = &skipped.id {
                        self.leave(id, None, &homes);
                        self.skipped.retain(|known| known.id.as_ref() != Some(id));
                    }
                    if let Ok(path) = FilePath::parse(skipped.name.as_str()) {
                        self.gone(&path);
                    }
                    self.skipped.push(skipped);
                }
            }
        }
    }

    /// Where the files with these ids were, before and since: few are asked for, and a table of all would be large.
    fn homes(&self, changes: &[Change]) -> HashMap<Box<str>, Vec<FilePath>> {
        let ids = changes.iter().filter_map(|change| match change {
            Change::Present(entry) => entry.version.id.as_deref(),
            Change::GoneById(id) => Some(id),
            Change::Skipped(skipped) => skipped.id.as_deref(),
            Change::Gone(_) => None,
        });
        let ids: HashSet<&str> = ids.collect();
        let mut homes: HashMap<Box<str>, Vec<FilePath>> = HashMap::new();
        if ids.is_empty() {
            return homes;
        }
        let mut note = |id: Option<&str>, path: &dyn Fn() -> Option<FilePath>| {
            if let Some(id) = id.filter(|id| ids.contains(id))
                && let Some(path) = path()
            {
                homes.entry(id.into()).or_default().push(path);
            }
        };
        let mut cursor = self.base.cursor();
        while cursor.advance() {
            let id = cursor.version().and_then(|version| version.id);
            let path = || {
                let text = std::str::from_utf8(cursor.path()?).ok()?;
                FilePath::parse(text).ok()
            };
            note(id, &path);
        }
        for (path, version) in &self.told {
            let id = version.as_ref().and_then(|version| version.id.as_deref());
            note(id, &|| Some(path.clone()));
        }
        homes
    }

    fn present(&mut self, entry: FileEntry, homes: &mut HashMap<Box<str>, Vec<FilePath>>) {
        if let Some(id) = entry.version.id.clone() {
            self.leave(&id, Some(&entry.path), homes);
            self.skipped
                .retain(|skipped| skipped.id.as_ref() != Some(&id));
            homes.entry(id).or_default().push(entry.path.clone());
        }
        if entry.path.is_internal() {
            return;
        }
        let name = entry.path.as_str();
        self.skipped.retain(|skipped| skipped.name != name);
        self.told.insert(entry.path, Some(entry.version));
    }

    /// The file with this id is nowhere but at `stays`.
    fn leave(
        &mut self,
        id: &str,
        stays: Option<&FilePath>,
        homes: &HashMap<Box<str>, Vec<FilePath>>,
    ) {
        for path in homes.get(id).into_iter().flatten() {
            if Some(path) != stays && self.id_at(path) == Some(id) {
                self.told.insert(path.clone(), None);
            }
        }
    }

    fn id_at(&self, path: &FilePath) -> Option<&str> {
        match self.told.get(path) {
            Some(told) => told.as_ref()?.id.as_deref(),
            None => self.base.get(path.as_str())?.id,
        }
    }

    /// Nothing is at the path or below it.
    fn gone(&mut self, gone: &FilePath) {
        let folder = gone.as_str();
        self.skipped.retain(|skipped| {
            let rest = skipped.name.strip_prefix(folder);
            rest.is_none_or(|rest| !rest.is_empty() && !rest.starts_with('/'))
        });
        let inside = format!("{folder}/");
        let mut below = Vec::new();
        let mut cursor = self.base.seek(&inside);
        while let Some(path) = cursor.path() {
            if !path.starts_with(inside.as_bytes()) {
                break;
            }
            let path = std::str::from_utf8(path).ok();
            below.extend(path.and_then(|path| FilePath::parse(path).ok()));
            cursor.advance();
        }
        let since = self.told.keys().filter(|path| path.is_inside(folder));
        below.extend(since.cloned());
        below.push(gone.clone());
        for path in below {
            self.told.insert(path, None);
        }
    }
}
