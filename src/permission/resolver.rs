//! Who decides, and what is asked.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::id::OrganizationId;

/// Who acts.
///
/// Made by the host's own authentication, never from what a client sends.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Actor {
    /// The host program itself.
    #[default]
    Host,
    /// A person, by the host's id.
    User(String),
    /// A program in its own name, by the host's id.
    Service(String),
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host => f.write_str("host"),
            Self::User(id) => write!(f, "user {id}"),
            Self::Service(id) => write!(f, "service {id}"),
        }
    }
}

/// What an actor wants to do: `sync.run`, `conflict.resolve`.
#[derive(Clone, Debug, Eq, Hash, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Action(Cow<'static, str>);

impl Action {
    /// Names an action as `area.verb`.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What an action is done to.
#[derive(Clone, Debug, Eq, Hash, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Resource {
    /// What it is: `connector`, `section`.
    pub kind: Cow<'static, str>,
    /// Which one.
    pub id: String,
}

impl Resource {
    /// Names a resource.
    #[must_use]
    pub fn new(kind: &'static str, id: impl Into<String>) -> Self {
        Self {
            kind: Cow::Borrowed(kind),
            id: id.into(),
        }
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.id)
    }
}

/// Why a decision came out as it did.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Reason {
    /// Stable code in snake case.
    pub code: Cow<'static, str>,
    /// For people.
    pub text: String,
}

impl Reason {
    /// Gives a reason.
    #[must_use]
    pub fn new(code: &'static str, text: impl Into<String>) -> Self {
        Self {
            code: Cow::Borrowed(code),
            text: text.into(),
        }
    }
}

/// Yes or no, and why. A denial is a decision, not an error.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Decision {
    /// Whether the actor may.
    pub allow: bool,
    /// Why.
    pub reasons: Vec<Reason>,
    /// The first instant at which time alone may change the answer; it must not be used at or after it. Nothing if
    /// time alone changes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
}

impl Decision {
    /// Says yes.
    #[must_use]
    pub fn allow(reason: Reason) -> Self {
        Self {
            allow: true,
            reasons: vec![reason],
            valid_until: None,
        }
    }

    /// Says no.
    #[must_use]
    pub fn deny(reason: Reason) -> Self {
        Self {
            allow: false,
            reasons: vec![reason],
            valid_until: None,
        }
    }
}

/// All that decides, at one revision, unchanging: the same question always has the same answer.
pub trait PermissionSnapshot: fmt::Debug + Send + Sync {
    /// Returns the number of the state this is a picture of.
    fn revision(&self) -> u64;

    /// Decides one action of one actor on many resources, in their order. Never fails: what cannot
    /// be decided is denied.
    fn decide(&self, actor: &Actor, action: &Action, resources: &[Resource]) -> Vec<Decision>;
}

/// Decides what actors may do.
///
/// Whoever has the rules at hand gives a [`snapshot`](Self::snapshot) and leaves [`decide`](Self::decide) as it is. Whoever
/// asks an engine elsewhere is a [`RemoteResolver`](super::RemoteResolver), which has no picture and decides all the same.
#[async_trait]
pub trait PermissionResolver: fmt::Debug + Send + Sync + 'static {
    /// Returns a picture of what decides in `organization`, of a revision not below `at_least`.
    ///
    /// Whoever has just changed a permission gives the revision of that change and reads their own write: the picture
    /// has it, and whatever came before it. `None` takes the newest picture at hand, which may be behind by as much as
    /// the implementor says of itself. Revisions of one organization only grow and mean nothing in another; a resolver
    /// whose rules do not change has one revision and takes no notice of `at_least`.
    ///
    /// # Errors
    /// Why there is none, or none as new as that; the caller then denies. An older picture is never given instead.
    /// [`ErrorKind::Unsupported`] if there never is one.
    ///
    /// # Cancel safety
    ///
    /// An implementor keeps nothing half done: the call may be dropped at any point.
    async fn snapshot(
        &self,
        organization: &OrganizationId,
        at_least: Option<u64>,
    ) -> Result<Arc<dyn PermissionSnapshot>>;

    /// Decides one action of one actor on many resources, in their order, by rules of a revision not below `at_least`.
    ///
    /// By itself it asks a [`snapshot`](Self::snapshot), without waiting once it has one. A resolver that wraps another
    /// one passes this on too, or it denies where the inner one has no picture.
    ///
    /// # Errors
    /// Why nothing can be decided; the caller then denies. What can be decided, but not in the actor's favour, is a
    /// [`Decision`] and no error.
    ///
    /// # Cancel safety
    ///
    /// An implementor keeps nothing half done: the call may be dropped at any point.
    async fn decide(
        &self,
        organization: &OrganizationId,
        at_least: Option<u64>,
        actor: &Actor,
        action: &Action,
        resources: &[Resource],
    ) -> Result<Vec<Decision>> {
        let snapshot = self.snapshot(organization, at_least).await?;
        Ok(snapshot.decide(actor, action, resources))
    }
}

/// Asks `resolver` whether `actor` may do `action` to every one of `resources`.
///
/// # Errors
/// [`ErrorKind::Denied`] with the reasons for the first resource denied, or if nothing was decided.
pub async fn authorize(
    resolver: &dyn PermissionResolver,
    organization: &OrganizationId,
    actor: &Actor,
    action: &Action,
    resources: &[Resource],
) -> Result<()> {
    let denied = |resource: String, why: String| {
        Error::new(
            ErrorKind::Denied,
            "permission.authorize",
            "the actor may not do this",
        )
        .with_context("actor", actor)
        .with_context("action", action.as_str())
        .with_context("resource", resource)
        .with_context("why", why)
    };
    let decided = resolver.decide(organization, None, actor, action, resources);
    let decisions = decided.await.map_err(|cause| {
        denied(String::new(), "permissions cannot be read".into()).with_source(cause)
    })?;
    if decisions.len() != resources.len() || decisions.is_empty() {
        return Err(denied(String::new(), "the resolver did not decide".into()));
    }
    match decisions
        .iter()
        .zip(resources)
        .find(|(decision, _)| !decision.allow)
    {
        None => Ok(()),
        Some((decision, resource)) => {
            let why: Vec<_> = decision
                .reasons
                .iter()
                .map(|reason| reason.text.as_str())
                .collect();
            Err(denied(resource.to_string(), why.join("; ")))
        }
    }
}
