//! The roots a ring knows: one that wraps, and others that only still open.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::engine::crypto::secret::SecretKey;
use crate::engine::crypto::wrap::KekId;
use crate::error::{ErrorKind, Result};
use crate::id::OrganizationId;

use super::local_root::another;
use super::provider::KeyProvider;

/// Shared by the clones of a ring, so that a change of the root is a change for all of them.
#[derive(Clone)]
pub(super) struct Roots(Arc<Mutex<Vec<Arc<dyn KeyProvider>>>>);

impl Roots {
    pub(super) fn new(root: Arc<dyn KeyProvider>) -> Self {
        Self(Arc::new(Mutex::new(vec![root])))
    }

    /// Lets `root` open what it has wrapped.
    pub(super) fn add(&self, root: Arc<dyn KeyProvider>) {
        self.change(|roots| roots.push(root));
    }

    /// Makes `root` the one that wraps.
    pub(super) fn put_first(&self, root: Arc<dyn KeyProvider>) {
        self.change(|roots| {
            roots.retain(|known| !Arc::ptr_eq(known, &root));
            roots.insert(0, root);
        });
    }

    /// Forgets every root but `root`.
    pub(super) fn keep_only(&self, root: &Arc<dyn KeyProvider>) {
        self.change(|roots| roots.retain(|known| Arc::ptr_eq(known, root)));
    }

    pub(super) async fn wrap(
        &self,
        organization: &OrganizationId,
        epoch: KekId,
        key: &SecretKey,
    ) -> Result<Vec<u8>> {
        match self.all().first() {
            Some(root) => root.wrap(organization, epoch, key).await,
            None => Err(another()),
        }
    }

    /// Asks one root after the other. A root that cannot be reached does not hide one that can.
    pub(super) async fn unwrap(
        &self,
        organization: &OrganizationId,
        epoch: KekId,
        wrapped: &[u8],
    ) -> Result<SecretKey> {
        let mut failed = None;
        for root in self.all() {
            match root.unwrap(organization, epoch, wrapped).await {
                Ok(key) => return Ok(key),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        Err(failed.unwrap_or_else(another).with_context("epoch", epoch))
    }

    fn all(&self) -> Vec<Arc<dyn KeyProvider>> {
        self.change(|roots| roots.clone())
    }

    fn change<T>(&self, change: impl FnOnce(&mut Vec<Arc<dyn KeyProvider>>) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Roots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.all()).finish()
    }
}
