//! A resolver for hosts whose permissions are decided by an engine outside the program.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use tokio::time::timeout;

use crate::error::{Error, ErrorKind, Result};
use crate::id::OrganizationId;

use super::resolver::{
    Action, Actor, Decision, PermissionResolver, PermissionSnapshot, Reason, Resource,
};

/// An engine outside the program that decides: a service of the host's, asked over a wire.
///
/// Always asked for many resources at a time, so that one question is one round trip.
///
/// # Example
///
/// ```
/// use async_trait::async_trait;
/// use garland::permission::{
///     Action, Actor, Decision, Reason, RemoteEngine, RemoteOptions, RemoteResolver, Resource, authorize,
/// };
/// use garland::{OrganizationId, Result};
///
/// #[derive(Debug)]
/// struct Photographers;
///
/// #[async_trait]
/// impl RemoteEngine for Photographers {
///     async fn decide_batch(
///         &self, _: &OrganizationId, _: Option<u64>, actor: &Actor, _: &Action, resources: &[Resource],
///     ) -> Result<Vec<Decision>> {
///         let one = |resource: &Resource| match actor {
///             Actor::User(id) if id == "ann" && resource.kind == "photo" => Decision::allow(Reason::new("ann", "hers")),
///             _ => Decision::deny(Reason::new("not_hers", "only she may")),
///         };
///         Ok(resources.iter().map(one).collect())
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// let resolver = RemoteResolver::new(Photographers, RemoteOptions::default());
/// let (studio, see) = ("studio".parse()?, Action::new("photo.see"));
/// let photo = [Resource::new("photo", "first-look")];
/// assert!(authorize(&resolver, &studio, &Actor::User("ann".into()), &see, &photo).await.is_ok());
/// assert!(authorize(&resolver, &studio, &Actor::User("bo".into()), &see, &photo).await.is_err());
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait RemoteEngine: fmt::Debug + Send + Sync + 'static {
    /// Decides one action of one actor on `resources`, one decision for each, in their order, by rules of `organization`
    /// that are not older than `at_least`.
    ///
    /// Between one and [`RemoteOptions::batch`] resources come in one call, and several calls may run at once.
    ///
    /// # Errors
    /// Why it cannot decide, or not by rules as new as that: all of `resources` are then denied. Nothing is tried again
    /// here; an engine that wants that does it within its time.
    ///
    /// # Cancel safety
    ///
    /// The call is dropped when the time of its question is up, so it keeps nothing half done.
    async fn decide_batch(
        &self,
        organization: &OrganizationId,
        at_least: Option<u64>,
        actor: &Actor,
        action: &Action,
        resources: &[Resource],
    ) -> Result<Vec<Decision>>;
}

/// How an engine is asked.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RemoteOptions {
    /// How long one question may take, all of its calls together. Default: 2 seconds.
    pub timeout: Duration,
    /// The most resources in one call. Default: 256.
    pub batch: NonZeroUsize,
    /// The most calls of one question at a time. Default: 4.
    pub concurrency: NonZeroUsize,
}

impl Default for RemoteOptions {
    fn default() -> Self {
        const BATCH: NonZeroUsize = NonZeroUsize::MIN.saturating_add(255);
        const CONCURRENCY: NonZeroUsize = NonZeroUsize::MIN.saturating_add(3);
        Self {
            timeout: Duration::from_secs(2),
            batch: BATCH,
            concurrency: CONCURRENCY,
        }
    }
}

impl RemoteOptions {
    /// Sets [`RemoteOptions::timeout`].
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets [`RemoteOptions::batch`].
    #[must_use]
    pub const fn with_batch(mut self, batch: NonZeroUsize) -> Self {
        self.batch = batch;
        self
    }

    /// Sets [`RemoteOptions::concurrency`].
    #[must_use]
    pub const fn with_concurrency(mut self, concurrency: NonZeroUsize) -> Self {
        self.concurrency = concurrency;
        self
    }
}

/// Decides by a [`RemoteEngine`]: every resource about which the engine gives no proper answer in time is denied, and why is
/// told.
///
/// It holds no state between questions and takes no lock, and it keeps no answers. It has no
/// [`snapshot`](PermissionResolver::snapshot) to give.
///
/// | reason's code | when |
/// | --- | --- |
/// | `engine_timeout` | the engine did not answer in [`RemoteOptions::timeout`], or an earlier call did not |
/// | `engine_failed` | the engine returned an error |
/// | `engine_miscounted` | the engine gave fewer or more answers than it was asked for |
#[derive(Clone, Debug)]
pub struct RemoteResolver<E> {
    engine: E,
    options: RemoteOptions,
}

impl<E: RemoteEngine> RemoteResolver<E> {
    /// Puts a resolver before `engine`.
    #[must_use]
    pub const fn new(engine: E, options: RemoteOptions) -> Self {
        Self { engine, options }
    }
}

#[async_trait]
impl<E: RemoteEngine> PermissionResolver for RemoteResolver<E> {
    async fn snapshot(
        &self,
        _: &OrganizationId,
        _: Option<u64>,
    ) -> Result<Arc<dyn PermissionSnapshot>> {
        Err(Error::new(
            ErrorKind::Unsupported,
            "permission.snapshot",
            "an engine outside the program has no picture of its rules to give",
        ))
    }

    async fn decide(
        &self,
        organization: &OrganizationId,
        at_least: Option<u64>,
        actor: &Actor,
        action: &Action,
        resources: &[Resource],
    ) -> Result<Vec<Decision>> {
        let calls = resources
            .chunks(self.options.batch.get())
            .map(|resources| async move {
                let asked =
                    self.engine
                        .decide_batch(organization, at_least, actor, action, resources);
                proper(asked.await, resources.len())
            });
        let calls: Vec<_> = calls.collect();
        let mut answers = stream::iter(calls).buffered(self.options.concurrency.get());
        let mut decisions = Vec::with_capacity(resources.len());
        let asking = async {
            while let Some(answer) = answers.next().await {
                decisions.extend(answer);
            }
        };
        if timeout(self.options.timeout, asking).await.is_err() {
            let open = resources.len().saturating_sub(decisions.len());
            tracing::warn!(open, "a permission engine did not answer in time");
            decisions.resize(resources.len(), Decision::deny(too_late()));
        }
        Ok(decisions)
    }
}

/// The answers of one call if there is one for each resource, else as many denials.
fn proper(answer: Result<Vec<Decision>>, wanted: usize) -> Vec<Decision> {
    let reason = match answer {
        Ok(decisions) if decisions.len() == wanted => return decisions,
        Ok(decisions) => {
            let got = decisions.len();
            tracing::warn!(wanted, got, "a permission engine miscounted");
            Reason::new(
                "engine_miscounted",
                "the permission engine gave another number of answers than it was asked for",
            )
        }
        Err(error) => {
            // The actor learns that it failed; what failed is for whoever runs the engine.
            tracing::warn!(%error, "a permission engine failed");
            Reason::new("engine_failed", "the permission engine failed")
        }
    };
    vec![Decision::deny(reason); wanted]
}

fn too_late() -> Reason {
    Reason::new(
        "engine_timeout",
        "the permission engine did not answer in time",
    )
}
