//! Folders by path, where a platform knows them by id.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::caching::Cache;
use crate::clock::Clock;
use crate::error::Result;

/// How many folders are remembered.
const FOLDERS: u64 = 65_536;

/// How long a folder is believed to be where it was, if nobody says otherwise.
const BELIEVED: Duration = Duration::from_secs(300);

/// A platform's folders, one level at a time.
#[async_trait]
pub trait Folders: fmt::Debug + Send + Sync + 'static {
    /// Returns the id of the folder `name` in the folder `parent`.
    ///
    /// # Errors
    /// Those of the platform. A missing folder is none.
    async fn find(&self, parent: &str, name: &str) -> Result<Option<Arc<str>>>;

    /// Makes the folder `name` in the folder `parent`, or returns the one that is there.
    ///
    /// # Errors
    /// Those of the platform.
    async fn make(&self, parent: &str, name: &str) -> Result<Arc<str>>;
}

/// Finds folders by path and remembers them; makes each once, also when many ask at the same time: some platforms take
/// two folders of one name. Cheap to clone.
#[derive(Debug)]
pub struct FolderIds<F> {
    folders: Arc<F>,
    root: Arc<str>,
    /// What is not there stays here only while it is looked for.
    known: Cache<String, Option<Arc<str>>>,
    making: Cache<String, Arc<str>>,
}

impl<F> Clone for FolderIds<F> {
    fn clone(&self) -> Self {
        Self {
            folders: Arc::clone(&self.folders),
            root: Arc::clone(&self.root),
            known: self.known.clone(),
            making: self.making.clone(),
        }
    }
}

impl<F: Folders> FolderIds<F> {
    /// Looks for folders below the one with the id `root`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput): never with these bounds.
    pub fn new(folders: F, root: impl Into<Arc<str>>, clock: Arc<dyn Clock>) -> Result<Self> {
        let known = Cache::builder(FOLDERS)
            .ttl(BELIEVED)
            .prefixes_of(String::as_str)
            .clock(Arc::clone(&clock))
            .build()?;
        let making = Cache::builder(FOLDERS).clock(clock).build()?;
        Ok(Self {
            folders: Arc::new(folders),
            root: root.into(),
            known,
            making,
        })
    }

    /// Returns the id of a folder, `None` for the root; no folder is no error.
    ///
    /// # Errors
    /// Those of the platform.
    ///
    /// # Cancel safety
    /// Safe to drop.
    pub async fn find(&self, folder: Option<&str>) -> Result<Option<Arc<str>>> {
        let (mut id, mut path) = (Arc::clone(&self.root), String::new());
        for name in folder.into_iter().flat_map(|folder| folder.split('/')) {
            step(&mut path, name);
            match self.child(&id, &path, name).await? {
                Some(child) => id = child,
                None => return Ok(None),
            }
        }
        Ok(Some(id))
    }

    /// Returns the id of a folder, made with all above it where they are missing.
    ///
    /// # Errors
    /// Those of the platform.
    ///
    /// # Cancel safety
    /// Safe to drop; some of the folders may have been made.
    pub async fn find_or_make(&self, folder: Option<&str>) -> Result<Arc<str>> {
        let (mut id, mut path) = (Arc::clone(&self.root), String::new());
        for name in folder.into_iter().flat_map(|folder| folder.split('/')) {
            step(&mut path, name);
            id = match self.child(&id, &path, name).await? {
                Some(child) => child,
                None => self.make(&id, &path, name).await?,
            };
        }
        Ok(id)
    }

    /// Forgets a folder and all below it, such as after the platform said that it is not there.
    pub fn forget(&self, folder: &str) {
        self.known.remove(folder);
        // A prefix that is longer than the cache takes is forgotten with all the rest.
        if self.known.invalidate_prefix(&format!("{folder}/")).is_err() {
            self.known.invalidate_all();
        }
    }

    async fn child(&self, parent: &Arc<str>, path: &str, name: &str) -> Result<Option<Arc<str>>> {
        let (folders, parent, name) = (
            Arc::clone(&self.folders),
            Arc::clone(parent),
            name.to_owned(),
        );
        let load = async move { folders.find(&parent, &name).await };
        let found = self.known.get_with(path.to_owned(), load).await?;
        if found.is_none() {
            // Anybody may make it in the next moment.
            self.known.remove(path);
        }
        Ok(found)
    }

    async fn make(&self, parent: &Arc<str>, path: &str, name: &str) -> Result<Arc<str>> {
        let (folders, parent, name) = (
            Arc::clone(&self.folders),
            Arc::clone(parent),
            name.to_owned(),
        );
        let (known, at) = (self.known.clone(), path.to_owned());
        let load = async move {
            // Somebody may have made it since it was looked for.
            if let Some(found) = known.get(&at).flatten() {
                return Ok(found);
            }
            let made = folders.make(&parent, &name).await?;
            known.insert(at, Some(Arc::clone(&made)));
            Ok(made)
        };
        let made = self.making.get_with(path.to_owned(), load).await;
        // What was made is known; here it would only grow old.
        self.making.remove(path);
        made
    }
}

fn step(path: &mut String, name: &str) {
    if !path.is_empty() {
        path.push('/');
    }
    path.push_str(name);
}
