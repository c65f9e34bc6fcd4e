//! Share links of an account in memory.

use async_trait::async_trait;

use crate::connector::{FilePath, LinkOptions, LinkSharing, ShareLink};
use crate::error::{Error, ErrorKind, Result};

use super::account::MemoryPlatform;

#[async_trait]
impl LinkSharing for MemoryPlatform {
    async fn create_link(&self, path: &FilePath, options: &LinkOptions) -> Result<ShareLink> {
        let mut state = self.state();
        if !state.is_taken(self.options(), path) {
            return Err(Error::new(
                ErrorKind::NotFound,
                "memory.create_link",
                "nothing is there to share",
            )
            .with_context("path", path));
        }
        let id = format!("link-{}", state.tick());
        let url = format!("memory://{id}");
        let link = ShareLink::new(id, url, path.clone()).with_expires(options.expires);
        state.links.push(link.clone());
        Ok(link)
    }

    async fn links(&self, path: &FilePath) -> Result<Vec<ShareLink>> {
        let state = self.state();
        let links = state.links.iter().filter(|link| link.path == *path);
        Ok(links.cloned().collect())
    }

    async fn revoke_link(&self, id: &str) -> Result<()> {
        self.state().links.retain(|link| &*link.id != id);
        Ok(())
    }
}
