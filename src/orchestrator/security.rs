//! Keys and what is built on them, for one organization and one actor.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::engine::crypto::{Entropy, KeyProvider, KeyRing, SystemEntropy};
use crate::error::{Error, ErrorKind, Result};
use crate::id::OrganizationId;
use crate::permission::{Action, Resource};

use super::handle::Organization;

const KEYS: Action = Action::new("keys.manage");

/// What a host gave for keeping secrets, and what was made of it.
pub(super) struct Security {
    pub(super) root: Option<Arc<dyn KeyProvider>>,
    pub(super) entropy: Arc<dyn Entropy>,
    /// One ring an organization, so that its handles share what is unwrapped.
    rings: Mutex<BTreeMap<OrganizationId, KeyRing>>,
}

impl Default for Security {
    fn default() -> Self {
        Self {
            root: None,
            entropy: Arc::new(SystemEntropy::new()),
            rings: Mutex::default(),
        }
    }
}

impl fmt::Debug for Security {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Security")
            .field("root", &self.root.is_some())
            .finish_non_exhaustive()
    }
}

impl Organization {
    /// Returns the keys of the organization, to rotate, destroy or export them.
    ///
    /// # Errors
    /// - [`ErrorKind::Denied`]: the actor may not `keys.manage`.
    /// - [`ErrorKind::InvalidInput`]: no [root](super::OrchestratorBuilder::root) was given.
    pub async fn keys(&self) -> Result<KeyRing> {
        self.authorize(&KEYS, &[self.resource()]).await?;
        self.ring()
    }

    pub(super) fn resource(&self) -> Resource {
        Resource::new("organization", self.organization.as_str())
    }

    pub(super) fn ring(&self) -> Result<KeyRing> {
        let security = &self.shared.security;
        let Some(root) = &security.root else {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "orchestrator.keys",
                "no root of the keys was given: call `OrchestratorBuilder::root`",
            ));
        };
        let mut rings = security
            .rings
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let ring = rings.entry(self.organization.clone()).or_insert_with(|| {
            KeyRing::new(
                self.store(),
                Arc::clone(root),
                Arc::clone(&self.shared.clock),
                Arc::clone(&security.entropy),
            )
        });
        Ok(ring.clone())
    }
}
