//! The files of the folder: each call, handed to a thread that may block.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream::BoxStream;

use crate::connector::{
    Expect, FileEntry, FileFacts, FilePath, FileReader, FileStore, FileVersion, ListPage,
    ReadOptions, UploadRequest, UploadSession, UploadToken,
};
use crate::error::Result;

use super::blocking::{ahead, blocking};
use super::error::{fault, flush_fault};
use super::folder::LocalFolder;
use super::options::Durability;
use super::read::Reading;
use super::shift;
use super::upload::Session;
use super::walk::Walker;

#[async_trait]
impl FileStore for LocalFolder {
    fn facts(&self) -> &FileFacts {
        &self.shared.facts
    }

    fn list(&self) -> BoxStream<'static, Result<ListPage>> {
        ahead("local.list", Walker::new(Arc::clone(&self.shared)))
    }

    async fn stat(&self, path: &FilePath) -> Result<Option<FileEntry>> {
        let operation = "local.stat";
        let (shared, path) = (Arc::clone(&self.shared), path.clone());
        blocking(operation, move || {
            let follow = shared.tree.follow_links;
            let Some(place) = shared.tree.find(&path, follow, operation)? else {
                return Ok(None);
            };
            let stat = place
                .file(follow)
                .map_err(|cause| fault(operation, &path, cause))?;
            Ok(stat.map(|stat| FileEntry::new(path.clone(), shared.version(&stat))))
        })
        .await
    }

    async fn read(&self, path: &FilePath, options: ReadOptions) -> Result<FileReader> {
        let operation = "local.read";
        let (shared, path) = (Arc::clone(&self.shared), path.clone());
        let (version, reading) = blocking(operation, move || {
            Reading::open(&shared, &path, options, operation)
        })
        .await?;
        Ok(FileReader::new(version, ahead(operation, reading)))
    }

    async fn upload(&self, request: UploadRequest) -> Result<Box<dyn UploadSession>> {
        let shared = Arc::clone(&self.shared);
        let session = blocking("local.upload", move || Session::begin(shared, request)).await?;
        Ok(Box::new(session))
    }

    async fn resume_upload(&self, token: &UploadToken) -> Result<Box<dyn UploadSession>> {
        let (shared, token) = (Arc::clone(&self.shared), token.clone());
        let session = Session::resume(shared, token).await?;
        Ok(Box::new(session))
    }

    async fn copy(
        &self,
        from: &FilePath,
        version: &FileVersion,
        to: &FilePath,
        expect: &Expect,
    ) -> Result<Option<FileEntry>> {
        let shared = Arc::clone(&self.shared);
        let (from, version, to) = (from.clone(), version.clone(), to.clone());
        let expect = expect.clone();
        blocking("local.copy", move || {
            shift::copy(&shared, &from, &version, &to, &expect).map(Some)
        })
        .await
    }

    async fn rename(&self, from: &FilePath, expect: &Expect, to: &FilePath) -> Result<FileEntry> {
        let shared = Arc::clone(&self.shared);
        let (from, expect, to) = (from.clone(), expect.clone(), to.clone());
        blocking("local.rename", move || {
            shift::rename(&shared, &from, &expect, &to)
        })
        .await
    }

    async fn delete(&self, path: &FilePath, expect: &Expect) -> Result<()> {
        let shared = Arc::clone(&self.shared);
        let (path, expect) = (path.clone(), expect.clone());
        blocking("local.delete", move || {
            shift::delete(&shared, &path, &expect)
        })
        .await
    }

    async fn persist(&self) -> Result<()> {
        if self.shared.options.durability != Durability::Barrier || self.shared.syncs_each_file() {
            return Ok(());
        }
        #[cfg(target_os = "linux")]
        {
            let operation = "local.persist";
            let shared = Arc::clone(&self.shared);
            blocking(operation, move || {
                let root = shared.tree.open_root(operation)?;
                let name = shared.tree.root.display();
                let folder =
                    super::tree::readable(&root).map_err(|cause| fault(operation, &name, cause))?;
                rustix::fs::syncfs(folder).map_err(|cause| flush_fault(operation, name, cause))
            })
            .await?;
        }
        Ok(())
    }
}
