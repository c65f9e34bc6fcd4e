//! The policies of all organizations, and their pictures.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;

use crate::clock::{Clock, Timestamp};
use crate::error::{Error, ErrorKind, Result};
use crate::id::OrganizationId;

use super::super::resolver::{
    Action, Actor, Decision, PermissionResolver, PermissionSnapshot, Resource,
};
use super::policies::CedarPolicies;

/// Decides by each organization's [`CedarPolicies`].
///
/// An organization without any is denied everything. A picture is of the instant at which it was taken: `context.now` stands
/// still in it. Every decision says that it is not to be kept, since Cedar does not tell when time would change it.
///
/// # Example
///
/// ```
/// use std::sync::Arc;
/// use garland::SystemClock;
/// use garland::permission::cedar::{CedarPolicies, CedarResolver};
/// use garland::permission::{Action, Actor, Resource, authorize};
/// use serde_json::json;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> garland::Result<()> {
/// let policies = r#"
///     permit(principal in Team::"photographers", action == Action::"sync.run", resource);
///     forbid(principal, action, resource) when { resource.locked };
/// "#;
/// let entities = json!([
///     { "uid": { "type": "User", "id": "ann" }, "attrs": {}, "parents": [{ "type": "Team", "id": "photographers" }] },
///     { "uid": { "type": "connector", "id": "card" }, "attrs": { "locked": false }, "parents": [] },
///     { "uid": { "type": "connector", "id": "tape" }, "attrs": {}, "parents": [] },
/// ]);
/// let resolver = CedarResolver::new(Arc::new(SystemClock::new()));
/// let studio = "studio".parse()?;
/// resolver.put(&studio, CedarPolicies::parse(1, policies, entities)?)?;
///
/// let (ann, run) = (Actor::User("ann".into()), Action::new("sync.run"));
/// let card = [Resource::new("connector", "card")];
/// authorize(&resolver, &studio, &ann, &run, &card).await?;
/// // Nobody has said whether the tape is locked: the second policy fails, and that denies.
/// let tape = [Resource::new("connector", "tape")];
/// assert!(authorize(&resolver, &studio, &ann, &run, &tape).await.is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct CedarResolver {
    organizations: RwLock<BTreeMap<OrganizationId, CedarPolicies>>,
    clock: Arc<dyn Clock>,
}

impl CedarResolver {
    /// Makes a resolver without any policies.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            organizations: RwLock::default(),
            clock,
        }
    }

    /// Replaces what decides in `organization`, in one step: a question sees all of the old or all of the new.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`]: the organization's policies are of this revision already, or of a later one; they stay.
    pub fn put(&self, organization: &OrganizationId, policies: CedarPolicies) -> Result<()> {
        let mut organizations = self
            .organizations
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        match organizations.entry(organization.clone()) {
            Entry::Occupied(held) if held.get().revision() >= policies.revision() => {
                let message = "there are policies as new as these";
                Err(Error::new(ErrorKind::Conflict, "permission.put", message)
                    .with_context("held", held.get().revision())
                    .with_context("given", policies.revision()))
            }
            Entry::Occupied(mut held) => {
                held.insert(policies);
                Ok(())
            }
            Entry::Vacant(place) => {
                place.insert(policies);
                Ok(())
            }
        }
    }

    fn held(&self, organization: &OrganizationId) -> Option<CedarPolicies> {
        let organizations = self
            .organizations
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        organizations.get(organization).cloned()
    }
}

#[async_trait]
impl PermissionResolver for CedarResolver {
    async fn snapshot(
        &self,
        organization: &OrganizationId,
        at_least: Option<u64>,
    ) -> Result<Arc<dyn PermissionSnapshot>> {
        let policies = self.held(organization).ok_or_else(|| {
            let message = "the organization has no policies";
            Error::new(ErrorKind::NotFound, "permission.snapshot", message)
        })?;
        if at_least.is_some_and(|least| policies.revision() < least) {
            let message = "the policies are older than asked for";
            return Err(
                Error::new(ErrorKind::Unavailable, "permission.snapshot", message)
                    .with_context("held", policies.revision())
                    .with_context("wanted", at_least.unwrap_or_default()),
            );
        }
        Ok(Arc::new(Picture {
            organization: organization.clone(),
            policies,
            now: self.clock.now(),
        }))
    }
}

/// The policies of one organization at one instant.
#[derive(Debug)]
struct Picture {
    organization: OrganizationId,
    policies: CedarPolicies,
    now: Timestamp,
}

impl PermissionSnapshot for Picture {
    fn revision(&self) -> u64 {
        self.policies.revision()
    }

    fn decide(&self, actor: &Actor, action: &Action, resources: &[Resource]) -> Vec<Decision> {
        let Self {
            organization, now, ..
        } = self;
        self.policies
            .decide(organization, *now, actor, action, resources)
    }
}
