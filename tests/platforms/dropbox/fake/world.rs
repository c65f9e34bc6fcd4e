//! What is in the account.

use std::collections::{BTreeMap, HashMap};

use axum::body::Bytes;
use garland::connector::{ContentHasher, HashAlgorithm};
use serde_json::{Value, json};
use unicode_normalization::UnicodeNormalization as _;

use super::listing::Cursor;
use super::sharing::Link;
use super::upload::Session;

#[derive(Clone, Debug)]
pub(crate) enum Node {
    Folder { id: String, display: String },
    File(File),
}

#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) id: String,
    pub(crate) rev: String,
    pub(crate) display: String,
    pub(crate) content: Bytes,
    pub(crate) client_modified: String,
    pub(crate) is_downloadable: bool,
    pub(crate) is_link: bool,
}

#[derive(Debug)]
pub(crate) struct World {
    /// By path in lower case.
    pub(crate) nodes: BTreeMap<String, Node>,
    /// How what is gone was written.
    pub(super) graves: HashMap<String, String>,
    /// Paths in lower case, in the order in which something happened to them.
    pub(super) journal: Vec<String>,
    pub(super) cursors: HashMap<String, Cursor>,
    pub(crate) sessions: HashMap<String, Session>,
    pub(crate) links: Vec<Link>,
    pub(crate) is_team: bool,
    /// How many entries are on a page.
    pub(crate) page_cap: usize,
    /// How many bytes fit.
    pub(crate) quota: u64,
    /// What waiters are told to wait.
    pub(crate) backoff: Option<u64>,
    counter: u64,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            nodes: BTreeMap::new(),
            graves: HashMap::new(),
            journal: Vec::new(),
            cursors: HashMap::new(),
            sessions: HashMap::new(),
            links: Vec::new(),
            is_team: true,
            page_cap: 2_000,
            quota: u64::MAX,
            backoff: None,
            counter: 0,
        }
    }

    pub(super) fn next(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    /// Forgets all cursors.
    pub(crate) fn expire_cursors(&mut self) {
        self.cursors.clear();
    }

    /// Writes a file behind everybody's back.
    pub(crate) fn put(&mut self, path: &str, content: &str) {
        let folders = parents(path);
        for folder in folders {
            self.add_folder(&folder);
        }
        self.write_file(path, Bytes::from(content.to_owned()), None);
    }

    /// Makes a folder, if it is not there.
    pub(crate) fn add_folder(&mut self, path: &str) {
        let key = key(path);
        if !self.nodes.contains_key(&key) {
            let id = format!("id:folder{:013}", self.next());
            let display = self.display(path);
            self.set(key, Node::Folder { id, display });
        }
    }

    /// Takes something away, with all below.
    pub(crate) fn take(&mut self, path: &str) -> Vec<(String, Node)> {
        let key = key(path);
        let below = format!("{key}/");
        let inside = |own: &String| *own == key || own.starts_with(&below);
        let keys: Vec<String> = self
            .nodes
            .keys()
            .filter(|own| inside(own))
            .cloned()
            .collect();
        let mut taken = Vec::new();
        for own in keys {
            let node = self.nodes.remove(&own).unwrap();
            self.graves
                .insert(own.clone(), display_of(&node).to_owned());
            taken.push((own, node));
        }
        self.journal.push(key);
        taken
    }

    pub(super) fn set(&mut self, key: String, node: Node) {
        self.journal.push(key.clone());
        self.nodes.insert(key, node);
    }

    /// Writes a file where nothing or a file is; folders are there.
    pub(super) fn write_file(
        &mut self,
        path: &str,
        content: Bytes,
        modified: Option<String>,
    ) -> File {
        let key = key(path);
        let number = self.next();
        let (id, display) = match self.nodes.get(&key) {
            Some(Node::File(old)) => (old.id.clone(), old.display.clone()),
            _ => (format!("id:file{number:015}"), self.display(path)),
        };
        let file = File {
            id,
            rev: format!("{number:015x}"),
            display,
            content,
            client_modified: modified.unwrap_or_else(|| "2026-05-02T12:00:00Z".to_owned()),
            is_downloadable: true,
            is_link: false,
        };
        self.set(key, Node::File(file.clone()));
        file
    }

    /// How a path is shown: folders as they are, the name as given.
    pub(super) fn display(&self, path: &str) -> String {
        let path: String = path.nfc().collect();
        let (folder, name) = path.rsplit_once('/').unwrap();
        match self.nodes.get(&key(folder)) {
            Some(node) => format!("{}/{name}", display_of(node)),
            None => path,
        }
    }

    /// What a path or an id names. A path has to be spelled as it is kept.
    pub(super) fn find(&self, path: &str) -> Option<(String, Node)> {
        if path.starts_with("id:") {
            let mut nodes = self.nodes.iter();
            let (key, node) = nodes.find(|(_, node)| id_of(node) == path)?;
            return Some((key.clone(), node.clone()));
        }
        if path.nfc().ne(path.chars()) {
            return None;
        }
        let key = key(path);
        let node = self.nodes.get(&key)?;
        Some((key, node.clone()))
    }

    /// Changes a file behind everybody's back.
    pub(crate) fn edit(&mut self, path: &str, change: impl FnOnce(&mut File)) {
        let key = key(path);
        if let Some(Node::File(file)) = self.nodes.get_mut(&key) {
            change(file);
        }
        self.journal.push(key);
    }

    /// How many files have this name, whatever its case.
    pub(crate) fn named(&self, name: &str) -> usize {
        let end = format!("/{}", name.to_lowercase());
        self.nodes.keys().filter(|key| key.ends_with(&end)).count()
    }

    pub(super) fn used(&self) -> u64 {
        let sizes = self.nodes.values().map(|node| match node {
            Node::File(file) => file.content.len() as u64,
            Node::Folder { .. } => 0,
        });
        sizes.sum()
    }
}

/// What stands for a path: in NFC, each character alone in lower case.
pub(super) fn key(path: &str) -> String {
    let lower = |c: char| {
        let mut lower = c.to_lowercase();
        match (lower.next(), lower.next()) {
            (Some(one), None) => one,
            _ => c,
        }
    };
    path.nfc().map(lower).collect()
}

pub(super) fn parents(path: &str) -> Vec<String> {
    let slashes = path.match_indices('/').map(|(at, _)| at);
    slashes.skip(1).map(|at| path[..at].to_owned()).collect()
}

pub(super) fn display_of(node: &Node) -> &str {
    match node {
        Node::Folder { display, .. } | Node::File(File { display, .. }) => display,
    }
}

pub(super) fn id_of(node: &Node) -> &str {
    match node {
        Node::Folder { id, .. } | Node::File(File { id, .. }) => id,
    }
}

pub(super) fn content_hash(content: &[u8]) -> String {
    let mut hasher = ContentHasher::new([HashAlgorithm::Dropbox]);
    hasher.update(content);
    let hashes = hasher.finish();
    let digest = hashes.get(HashAlgorithm::Dropbox).unwrap();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl File {
    pub(super) fn about(&self) -> Value {
        let mut about = json!({
            "name": self.display.rsplit('/').next(),
            "id": self.id,
            "client_modified": self.client_modified,
            "server_modified": "2026-05-02T12:00:00Z",
            "rev": self.rev,
            "size": self.content.len(),
            "path_lower": key(&self.display),
            "path_display": self.display,
            "is_downloadable": self.is_downloadable,
            "content_hash": content_hash(&self.content),
        });
        if self.is_link {
            about["symlink_info"] = json!({"target": "elsewhere"});
        }
        about
    }
}

impl Node {
    pub(super) fn about(&self) -> Value {
        match self {
            Self::File(file) => {
                let mut about = file.about();
                about[".tag"] = "file".into();
                about
            }
            Self::Folder { id, display } => json!({
                ".tag": "folder", "name": display.rsplit('/').next(), "id": id,
                "path_lower": key(display), "path_display": display,
            }),
        }
    }
}
