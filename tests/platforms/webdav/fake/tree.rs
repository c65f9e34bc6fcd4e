//! Files and folders.

use std::collections::BTreeMap;

use axum::body::Bytes;

#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) content: Bytes,
    /// Seconds since 1970.
    pub(crate) modified: i64,
    pub(crate) checksum: Option<String>,
    pub(crate) media_type: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) id: u64,
    pub(crate) etag: u64,
    /// None for a folder.
    pub(crate) file: Option<File>,
}

/// Everything of one user, by path without slashes at its ends; the empty one is the top.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) nodes: BTreeMap<String, Node>,
    count: u64,
}

impl Default for Tree {
    fn default() -> Self {
        let top = Node {
            id: 1,
            etag: 1,
            file: None,
        };
        Self {
            nodes: BTreeMap::from([(String::new(), top)]),
            count: 1,
        }
    }
}

impl Tree {
    pub(crate) fn is_folder(&self, path: &str) -> bool {
        self.nodes.get(path).is_some_and(|node| node.file.is_none())
    }

    pub(crate) fn has_room_above(&self, path: &str) -> bool {
        self.is_folder(parent(path))
    }

    pub(crate) fn file(&self, path: &str) -> Option<&File> {
        self.nodes.get(path)?.file.as_ref()
    }

    pub(crate) fn used(&self) -> usize {
        let files = self.nodes.values().filter_map(|node| node.file.as_ref());
        files.map(|file| file.content.len()).sum()
    }

    fn next(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    /// A file that is replaced keeps its id.
    pub(crate) fn put(&mut self, path: &str, file: Option<File>) -> &Node {
        let number = self.next();
        let node = Node {
            id: self.nodes.get(path).map_or(number, |node| node.id),
            etag: number,
            file,
        };
        self.nodes.insert(path.to_owned(), node);
        self.touch_above(path);
        &self.nodes[path]
    }

    pub(crate) fn remove(&mut self, path: &str) {
        let inside = format!("{path}/");
        self.nodes
            .retain(|at, _| at != path && !at.starts_with(&inside));
        self.touch_above(path);
    }

    pub(crate) fn shift(&mut self, from: &str, to: &str, copies: bool) {
        self.remove_if_there(to);
        let inside = format!("{from}/");
        let moved: Vec<_> = self
            .nodes
            .iter()
            .filter(|(at, _)| *at == from || at.starts_with(&inside))
            .map(|(at, node)| (format!("{to}{}", &at[from.len()..]), node.clone()))
            .collect();
        if !copies {
            self.remove(from);
        }
        for (at, mut node) in moved {
            if copies {
                node.id = self.next();
                node.etag = node.id;
                // A copy is a new file, of now.
                if let Some(file) = &mut node.file {
                    file.modified = 1_790_000_000;
                }
            }
            self.nodes.insert(at, node);
        }
        self.touch_above(to);
    }

    pub(crate) fn remove_if_there(&mut self, path: &str) {
        if self.nodes.contains_key(path) {
            self.remove(path);
        }
    }

    /// What changes in a folder changes the marks of all folders above it.
    fn touch_above(&mut self, path: &str) {
        let mut at = path;
        while !at.is_empty() {
            at = parent(at);
            let number = self.next();
            if let Some(node) = self.nodes.get_mut(at) {
                node.etag = number;
            }
        }
    }
}

pub(crate) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}
