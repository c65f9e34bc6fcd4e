//! What is in the account.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::body::Bytes;
use garland::connector::{ContentHasher, HashAlgorithm};
use garland::{Clock, Timestamp};
use serde_json::{Value, json};

use super::call::Reply;
use super::upload::Session;
use super::watch::Channel;

pub(crate) const FOLDER: &str = "application/vnd.google-apps.folder";
pub(crate) const SHORTCUT: &str = "application/vnd.google-apps.shortcut";

/// The id of the top of My Drive.
pub(crate) const MY_DRIVE: &str = "0AMyDriveRootUk9PVA";

#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) mime: String,
    pub(crate) parent: Option<String>,
    pub(crate) created: Timestamp,
    pub(crate) modified: Timestamp,
    /// `None` for what has no bytes.
    pub(crate) content: Option<Bytes>,
    pub(crate) revision: u64,
    /// Whether it was put into the bin itself.
    pub(crate) is_trashed: bool,
    pub(crate) permissions: Vec<Value>,
}

#[derive(Debug)]
pub(crate) struct World {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) items: BTreeMap<String, Item>,
    /// Shared drives, whose ids are those of their top folders.
    drives: BTreeSet<String>,
    /// Ids in the order in which what they name has changed.
    pub(super) log: Vec<String>,
    /// Changes before this one cannot be asked for any more.
    pub(super) forgotten: usize,
    pub(super) generated: BTreeSet<String>,
    pub(super) sessions: BTreeMap<String, Session>,
    pub(super) channels: BTreeMap<String, Channel>,
    /// How many bytes of a part a session keeps at most, where it does not keep all.
    pub(crate) keeps_at_most: Option<u64>,
    /// How many files a page has at most, whatever is asked for.
    pub(crate) page_cap: usize,
    /// How many bytes there is room for.
    pub(crate) room: Option<u64>,
    numbers: u64,
}

impl World {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let mut world = Self {
            clock,
            items: BTreeMap::new(),
            drives: BTreeSet::new(),
            log: Vec::new(),
            forgotten: 0,
            generated: BTreeSet::new(),
            sessions: BTreeMap::new(),
            channels: BTreeMap::new(),
            keeps_at_most: None,
            page_cap: 1000,
            room: None,
            numbers: 0,
        };
        world.add(Some(MY_DRIVE), None, "My Drive", FOLDER, None);
        world
    }

    pub(crate) fn add_drive(&mut self, id: &str) {
        self.drives.insert(id.to_owned());
        self.add(Some(id), None, "Shared", FOLDER, None);
    }

    /// An id that looks like one of Drive's.
    pub(super) fn new_id(&mut self) -> String {
        self.numbers += 1;
        let mixed = self.numbers.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        format!("1{mixed:016x}_-{:08}", self.numbers)
    }

    pub(crate) fn add(
        &mut self,
        id: Option<&str>,
        parent: Option<&str>,
        name: &str,
        mime: &str,
        content: Option<Bytes>,
    ) -> String {
        let id = id.map_or_else(|| self.new_id(), str::to_owned);
        let now = self.clock.now();
        let item = Item {
            id: id.clone(),
            name: name.to_owned(),
            mime: mime.to_owned(),
            parent: parent.map(|parent| self.alias(parent).to_owned()),
            created: now,
            modified: now,
            content,
            revision: 1,
            is_trashed: false,
            permissions: Vec::new(),
        };
        self.items.insert(id.clone(), item);
        self.touch(&id);
        id
    }

    /// Adds a file with content, as somebody else would.
    pub(crate) fn put(&mut self, parent: &str, name: &str, content: &'static str) -> String {
        self.add(None, Some(parent), name, "image/jpeg", Some(content.into()))
    }

    /// Adds a folder, as somebody else would.
    pub(crate) fn folder(&mut self, parent: &str, name: &str) -> String {
        self.add(None, Some(parent), name, FOLDER, None)
    }

    /// Changes an item, as somebody else would.
    pub(crate) fn edit(&mut self, id: &str, change: impl FnOnce(&mut Item)) {
        change(self.items.get_mut(id).unwrap());
        self.touch(id);
    }

    /// Deletes for good, with all below.
    pub(crate) fn erase(&mut self, id: &str) {
        let below: Vec<String> = self.children(id).map(|item| item.id.clone()).collect();
        for child in below {
            self.erase(&child);
        }
        self.items.remove(id);
        self.touch(id);
    }

    pub(super) fn touch(&mut self, id: &str) {
        self.log.push(id.to_owned());
    }

    pub(crate) fn expire_tokens(&mut self) {
        self.forgotten = self.log.len() + 1;
        // One change stands for those that nobody can ask for any more.
        self.touch(MY_DRIVE);
    }

    pub(crate) fn forget_sessions(&mut self) {
        self.sessions.clear();
    }

    pub(crate) fn item(&self, id: &str) -> &Item {
        &self.items[self.alias(id)]
    }

    pub(crate) fn children(&self, id: &str) -> impl Iterator<Item = &Item> {
        let id = self.alias(id).to_owned();
        let items = self.items.values();
        items.filter(move |item| item.parent.as_ref() == Some(&id))
    }

    /// All items of a name that are not in the bin.
    pub(crate) fn named(&self, name: &str) -> Vec<&Item> {
        let items = self.items.values();
        let named = items.filter(|item| item.name == name && !self.is_trashed(item));
        named.collect()
    }

    pub(super) fn alias<'a>(&self, id: &'a str) -> &'a str {
        if id == "root" { MY_DRIVE } else { id }
    }

    pub(crate) fn is_trashed(&self, item: &Item) -> bool {
        let parent = item.parent.as_ref().and_then(|id| self.items.get(id));
        item.is_trashed || parent.is_some_and(|parent| self.is_trashed(parent))
    }

    /// The shared drive that an item is in.
    pub(super) fn drive_of(&self, item: &Item) -> Option<&str> {
        match item.parent.as_ref().and_then(|id| self.items.get(id)) {
            Some(parent) => self.drive_of(parent),
            None => self.drives.get(&item.id).map(|id| &**id),
        }
    }

    /// Finds what a caller may see: one that does not know of shared drives sees nothing of them.
    pub(super) fn find(&self, id: &str, knows_drives: bool) -> Result<&Item, Reply> {
        let item = self.items.get(self.alias(id));
        let item = item.filter(|item| knows_drives || self.drive_of(item).is_none());
        item.ok_or_else(|| Reply::at(404, "notFound", "fileId"))
    }

    pub(super) fn used(&self) -> u64 {
        let contents = self.items.values().filter_map(|item| item.content.as_ref());
        contents.map(|content| content.len() as u64).sum()
    }

    /// The resource, with all of its fields that are known here.
    pub(super) fn resource(&self, item: &Item) -> Value {
        let mut value = json!({
            "kind": "drive#file", "id": item.id, "name": item.name, "mimeType": item.mime,
            "createdTime": item.created.to_string(), "modifiedTime": item.modified.to_string(),
            "trashed": self.is_trashed(item), "version": item.revision.to_string(),
            "webViewLink": format!("https://drive.google.com/file/d/{}/view?usp=drivesdk", item.id),
            "capabilities": {"canAddChildren": item.mime == FOLDER, "canTrash": true},
            "shared": !item.permissions.is_empty(),
        });
        if let Some(parent) = &item.parent {
            value["parents"] = json!([parent]);
        }
        if let Some(drive) = self.drive_of(item) {
            value["driveId"] = drive.into();
        }
        let Some(content) = &item.content else {
            return value;
        };
        let algorithms = [
            HashAlgorithm::Md5,
            HashAlgorithm::Sha1,
            HashAlgorithm::Sha256,
        ];
        let mut hasher = ContentHasher::new(algorithms);
        hasher.update(content);
        for (algorithm, digest) in hasher.finish().iter() {
            let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            value[format!("{algorithm}Checksum")] = hex.into();
        }
        value["size"] = content.len().to_string().into();
        value["headRevisionId"] = format!("{}-{}", item.id, item.revision).into();
        value
    }
}
