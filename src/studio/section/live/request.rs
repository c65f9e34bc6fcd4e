//! Who wants to be told what.

use std::sync::Arc;

use crate::id::OrganizationId;
use crate::permission::Actor;

use super::cursor::Cursor;

/// Whose view is watched, by whom, and from where on.
///
/// # Example
///
/// ```
/// use garland::{OrganizationId, permission::Actor, section::WatchRequest};
///
/// let studio: OrganizationId = "studio".parse()?;
/// let hers = WatchRequest::new(studio, "ann").wedding("june");
/// assert_eq!(hers.actor, Actor::User("ann".into()));
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WatchRequest {
    /// The organization.
    pub organization: OrganizationId,
    /// The member whose view it is, by the host's id.
    pub member: Arc<str>,
    /// The wedding; nothing for the organization itself.
    pub wedding: Option<Arc<str>>,
    /// Who watches. A person watches only what they see themselves; the host and its services watch for whom the
    /// resolver lets them. Default: the member.
    pub actor: Actor,
    /// What the client was told last. Default: nothing.
    pub cursor: Option<Cursor>,
}

impl WatchRequest {
    /// Watches what `member` sees of the organization itself, as that member.
    #[must_use]
    pub fn new(organization: OrganizationId, member: impl Into<Arc<str>>) -> Self {
        let member = member.into();
        Self {
            organization,
            actor: Actor::User((*member).into()),
            member,
            wedding: None,
            cursor: None,
        }
    }

    /// Watches what they see of a wedding.
    #[must_use]
    pub fn wedding(mut self, wedding: impl Into<Arc<str>>) -> Self {
        self.wedding = Some(wedding.into());
        self
    }

    /// Sets [`WatchRequest::actor`].
    #[must_use]
    pub fn acting_as(mut self, actor: Actor) -> Self {
        self.actor = actor;
        self
    }

    /// Goes on from what the client was told last.
    #[must_use]
    pub fn after(mut self, cursor: Cursor) -> Self {
        self.cursor = Some(cursor);
        self
    }
}
