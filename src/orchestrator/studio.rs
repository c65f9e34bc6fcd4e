//! People, weddings and sections, for one organization and one actor.

use std::sync::Arc;

use crate::error::Result;
use crate::permission::{Action, Snapshot};
use crate::studio::section::{
    Cursor, PartnerOptions, PartnerTransport, Partners, SectionService, Subscription, WatchRequest,
};
use crate::studio::team::Directory;

use super::handle::Organization;

const PERMISSIONS: Action = Action::new("permissions.read");

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

    /// Returns the external systems that are told of the organization's sections, through `transport`. Each of its calls asks
    /// the permission resolver.
    ///
    /// # Example
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use async_trait::async_trait;
    /// use garland::section::{Partner, PartnerAttempt, PartnerCall, PartnerOptions, PartnerTransport};
    /// use garland::storage::Precondition;
    /// use garland::{Orchestrator, backends::Memory};
    /// use serde_json::json;
    ///
    /// /// Prints what it would send.
    /// #[derive(Debug)]
    /// struct Printer;
    ///
    /// #[async_trait]
    /// impl PartnerTransport for Printer {
    ///     async fn attempt(&self, call: PartnerCall<'_>) -> PartnerAttempt {
    ///         println!("{}: {} bytes", call.id, call.body.len());
    ///         PartnerAttempt::Delivered
    ///     }
    /// }
    ///
    /// # async fn run() -> garland::Result<()> {
    /// let studio = Orchestrator::builder().storage(Memory::new()).build().await?;
    /// let partners = studio.partners(Arc::new(Printer), PartnerOptions::default());
    /// let settings = json!({"syncLayout": true, "syncSections": ["photos"]});
    /// let crm = Partner::new("https://crm.example.com/hook", "crm-key").with_settings(settings);
    /// partners.put("crm", &crm, Precondition::Absent).await?;
    /// // A host runs `partners.deliver("crm")` as a task of its own.
    /// assert!(partners.get("crm").await?.is_some_and(|(_, place)| place.stopped.is_none()));
    /// # Ok(())
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(run())?;
    /// # Ok::<(), garland::Error>(())
    /// ```
    #[must_use]
    pub fn partners(
        &self,
        transport: Arc<dyn PartnerTransport>,
        options: PartnerOptions,
    ) -> Partners {
        Partners::new(
            self.records(),
            self.shared.policy.clone(),
            Arc::clone(&self.shared.permissions),
            transport,
            Arc::clone(&self.shared.clock),
            self.shared.chance.clone(),
            options,
        )
        .acting_as(self.actor.clone())
    }

    /// Begins to watch what `member` sees of a wedding's sections, or of the organization's: all of it first, then what
    /// differs, as soon as it does. With the cursor of an earlier subscription it goes on from there.
    ///
    /// # Errors
    /// As [`LiveSections::subscribe`](crate::section::LiveSections::subscribe).
    ///
    /// # Cancel safety
    ///
    /// Safe to drop.
    pub async fn watch_sections(
        &self,
        member: &str,
        wedding: Option<&str>,
        after: Option<Cursor>,
    ) -> Result<Subscription> {
        let mut request =
            WatchRequest::new(self.organization.clone(), member).acting_as(self.actor.clone());
        if let Some(wedding) = wedding {
            request = request.wedding(wedding);
        }
        if let Some(cursor) = after {
            request = request.after(cursor);
        }
        self.shared.live.subscribe(request).await
    }

    /// Returns everything that decides who sees what in the organization, at one revision: to explain, to simulate, or
    /// to draw the table of everybody.
    ///
    /// # Errors
    /// - [`ErrorKind::Denied`](crate::ErrorKind::Denied): the actor may not `permissions.read`.
    /// - As [`StoredPolicy::state`](crate::section::StoredPolicy::state).
    ///
    /// # Cancel safety
    ///
    /// Safe to drop.
    pub async fn permission_snapshot(&self, at_least: Option<u64>) -> Result<Snapshot> {
        self.authorize(&PERMISSIONS, &[self.resource()]).await?;
        self.shared.policy.state(&self.organization, at_least).await
    }
}
