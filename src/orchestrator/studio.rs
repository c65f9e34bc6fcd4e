//! People, weddings and sections, for one organization and one actor.

use std::sync::Arc;

use crate::studio::section::SectionService;
use crate::studio::team::Directory;

use super::handle::Organization;

impl Organization {
    /// Returns the members and weddings of the organization. Each of its calls asks the permission resolver.
    ///
    /// # Example
    ///
    /// ```
    /// use garland::permission::Actor;
    /// use garland::section::PolicyOptions;
    /// use garland::storage::Precondition;
    /// use garland::{Orchestrator, backends::Memory};
    /// use serde_json::json;
    ///
    /// # async fn run() -> garland::Result<()> {
    /// let studio = Orchestrator::builder()
    ///     .storage(Memory::new())
    ///     .stored_permissions(PolicyOptions::default())
    ///     .build()
    ///     .await?;
    /// let member = |id, role| json!({"id": id, "organizationId": "default", "role": role});
    /// studio.team().put_member(&member("ada", "admin"), Precondition::Absent).await?;
    ///
    /// let ada = studio.as_actor(Actor::User("ada".into()));
    /// ada.team().put_member(&member("ann", "couple"), Precondition::Absent).await?;
    /// let ann = studio.as_actor(Actor::User("ann".into()));
    /// assert!(ann.team().remove_member("ada", Precondition::Any).await.is_err());
    /// # Ok(())
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(run())?;
    /// # Ok::<(), garland::Error>(())
    /// ```
    #[must_use]
    pub fn team(&self) -> Directory {
        let (permissions, zones) = (&self.shared.permissions, &self.shared.zones);
        Directory::new(
            self.records(),
            Arc::clone(permissions),
            Arc::clone(&self.shared.clock),
            Arc::clone(zones),
        )
        .acting_as(self.actor.clone())
    }

    /// Returns the sections of the organization. Each of its calls asks the permission resolver.
    #[must_use]
    pub fn sections(&self) -> SectionService {
        SectionService::new(
            self.records(),
            self.shared.policy.clone(),
            Arc::clone(&self.shared.permissions),
            Arc::clone(&self.shared.clock),
            self.shared.chance.clone(),
        )
        .acting_as(self.actor.clone())
    }
}
