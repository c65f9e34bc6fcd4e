//! The feed of changes.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::connector::kit::HttpRequest;
use crate::connector::{ChangeCursor, ChangeFeed, ChangePage};
use crate::error::{Error, ErrorKind, Result};

use super::account::GoogleDrive;
use super::calls::{PAGE, for_all_drives};
use super::list::{Name, name_of};
use super::model::{FIELDS, FOLDER, FeedPage, Kind, Remote, StartToken};
use super::news::News;
use super::tree::Tree;

const OPERATION: &str = "google_drive.changes";

/// What was learned of the account on the way, so that the feed can tell paths.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// All folders, as they were at a place in the feed.
    tree: Option<(ChangeCursor, Arc<Tree>)>,
    /// Files that share their name in their folder with others: when one goes, another shows.
    twins: HashMap<Box<str>, Name>,
}

impl Known {
    /// Takes in which of all files share their names.
    pub(super) fn remember_twins<'a>(&mut self, files: impl Iterator<Item = &'a Remote>) {
        self.twins.clear();
        self.learn_twins(files);
    }

    pub(super) fn learn_twins<'a>(&mut self, files: impl Iterator<Item = &'a Remote>) {
        let mut names: HashMap<Name, Vec<&Remote>> = HashMap::new();
        for file in files.filter(|file| file.kind() == Kind::Content) {
            names.entry(name_of(file)).or_default().push(file);
        }
        let twins = names.into_iter().filter(|(_, files)| files.len() > 1);
        for (name, files) in twins {
            let named = files
                .into_iter()
                .map(|file| (file.id.clone(), name.clone()));
            self.twins.extend(named);
        }
    }

    /// The name that a file was seen to share.
    pub(super) fn twin(&self, id: &str) -> Option<Name> {
        self.twins.get(id).cloned()
    }

    fn tree_at(&self, cursor: &ChangeCursor) -> Option<Arc<Tree>> {
        let (at, tree) = self.tree.as_ref()?;
        (at == cursor).then(|| Arc::clone(tree))
    }
}

#[async_trait]
impl ChangeFeed for GoogleDrive {
    async fn start(&self) -> Result<ChangeCursor> {
        let cursor = self.start_token().await?;
        // Folders as they are now: a listing that follows sees none older.
        let tree = Arc::new(self.all_folders().await?);
        self.known().tree = Some((cursor.clone(), tree));
        Ok(cursor)
    }

    async fn changes(&self, cursor: &ChangeCursor) -> Result<ChangePage> {
        let page = self.feed_page(cursor).await?;
        let more = page.next_page_token.is_some();
        let next = page.next_page_token.or(page.new_start_page_token);
        let next = ChangeCursor::new(next.ok_or_else(|| {
            let message = "the feed does not say where it goes on";
            Error::new(ErrorKind::Unexpected, OPERATION, message)
        })?);
        let known = self.known().tree_at(cursor);
        if page.changes.is_empty() {
            if let Some(tree) = known {
                self.known().tree = Some((next.clone(), tree));
            }
            return Ok(ChangePage::new(Vec::new(), next, more));
        }
        let root = self.calls.root_id().await?;
        let mut news = match known {
            Some(tree) => News::after(tree, root),
            None => News::without_past(self.all_folders().await?),
        };
        for item in page.changes {
            let Some(id) = item.file_id else { continue };
            let twin = self.known().twin(&id);
            news.take(id, item.file.filter(|_| !item.removed), twin);
        }
        self.fill(&mut news).await?;
        news.resolve(root);
        for path in news.moved_folders() {
            self.folders.forget(&path);
        }
        self.look_into(&mut news).await?;
        let (changes, tree) = news.finish(&mut self.known());
        self.known().tree = Some((next.clone(), Arc::new(tree)));
        Ok(ChangePage::new(changes, next, more))
    }
}

impl GoogleDrive {
    pub(super) fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the place in the feed at which nothing has happened yet.
    pub(super) async fn start_token(&self) -> Result<ChangeCursor> {
        let mut request =
            for_all_drives(HttpRequest::get(self.calls.at("/changes/startPageToken")));
        if let Some(drive) = &self.calls.shared_drive {
            request = request.query("driveId", drive);
        }
        let start: StartToken = self.calls.api.json(OPERATION, request).await?;
        Ok(ChangeCursor::new(start.start_page_token))
    }

    async fn all_folders(&self) -> Result<Tree> {
        let query = format!("mimeType = '{FOLDER}' and trashed = false");
        let mut tree = Tree::default();
        for folder in self.calls.search(OPERATION, query).await? {
            tree.insert(&folder);
        }
        Ok(tree)
    }

    async fn feed_page(&self, cursor: &ChangeCursor) -> Result<FeedPage> {
        let fields = format!(
            "kind,nextPageToken,newStartPageToken,changes(changeType,removed,fileId,file({FIELDS}))"
        );
        let request = HttpRequest::get(self.calls.at("/changes"))
            .query("pageToken", cursor.as_str())
            .query("pageSize", PAGE)
            .query("spaces", "drive")
            .query("includeRemoved", "true")
            .query("fields", fields);
        let mut request = self.calls.in_drive(request);
        if let Some(drive) = &self.calls.shared_drive {
            request = request.query("driveId", drive);
        }
        let page = self.calls.api.json(OPERATION, request).await;
        page.map_err(|error| match error.kind() {
            // A token that is not known is answered in several ways.
            ErrorKind::NotFound | ErrorKind::Expired => {
                let message = "the platform no longer knows the cursor";
                Error::new(ErrorKind::Expired, OPERATION, message).with_source(error)
            }
            _ => error,
        })
    }

    /// Asks for the folders in folders that were not known.
    async fn fill(&self, news: &mut News) -> Result<()> {
        let other = format!(" and trashed = false and mimeType = '{FOLDER}'");
        loop {
            let new = news.new_folders();
            if new.is_empty() {
                return Ok(());
            }
            for query in News::queries_below(&new, &other) {
                for folder in self.calls.search(OPERATION, query).await? {
                    news.find_folder(&folder);
                }
            }
        }
    }

    /// Asks Drive for what the page of the feed does not say.
    async fn look_into(&self, news: &mut News) -> Result<()> {
        let mut open = news.lost_folders();
        let mut seen: BTreeSet<Box<str>> = open.iter().cloned().collect();
        while !open.is_empty() {
            let mut next = Vec::new();
            for query in News::queries_below(&open, "") {
                for found in self.calls.search(OPERATION, query).await? {
                    if found.kind() != Kind::Folder {
                        news.lose(&found);
                    } else if seen.insert(found.id.clone()) {
                        next.push(found.id);
                    }
                }
            }
            open = next;
        }
        let other = format!(" and trashed = false and mimeType != '{FOLDER}'");
        for query in News::queries_below(&news.open_folders(), &other) {
            for found in self.calls.search(OPERATION, query).await? {
                news.find(found);
            }
        }
        for query in news.queries_for_names() {
            for found in self.calls.search(OPERATION, query).await? {
                news.find_named(found);
            }
        }
        Ok(())
    }
}
