//! Resolvers for hosts that decide by themselves.

use std::sync::Arc;

use async_trait::async_trait;

use crate::error::Result;
use crate::id::OrganizationId;

use super::resolver::{
    Action, Actor, Decision, PermissionResolver, PermissionSnapshot, Reason, Resource,
};

/// Allows everything to everyone: the host has asked its own permissions before it calls.
///
/// An explicit choice; nothing takes it by default.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct TrustedHost;

impl TrustedHost {
    /// Makes the resolver.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

/// Allows everything to [`Actor::Host`] and nothing to anybody else: the default until a host
/// names a resolver.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct HostOnly;

impl HostOnly {
    /// Makes the resolver.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

#[async_trait]
impl PermissionResolver for TrustedHost {
    async fn snapshot(
        &self,
        _: &OrganizationId,
        _: Option<u64>,
    ) -> Result<Arc<dyn PermissionSnapshot>> {
        Ok(Arc::new(*self))
    }
}

#[async_trait]
impl PermissionResolver for HostOnly {
    async fn snapshot(
        &self,
        _: &OrganizationId,
        _: Option<u64>,
    ) -> Result<Arc<dyn PermissionSnapshot>> {
        Ok(Arc::new(*self))
    }
}

impl PermissionSnapshot for TrustedHost {
    fn revision(&self) -> u64 {
        0
    }

    fn decide(&self, _: &Actor, _: &Action, resources: &[Resource]) -> Vec<Decision> {
        let yes = || Decision::allow(Reason::new("trusted_host", "the host decides by itself"));
        resources.iter().map(|_| yes()).collect()
    }
}

impl PermissionSnapshot for HostOnly {
    fn revision(&self) -> u64 {
        0
    }

    fn decide(&self, actor: &Actor, _: &Action, resources: &[Resource]) -> Vec<Decision> {
        let decision = match actor {
            Actor::Host => Decision::allow(Reason::new("host", "the host itself acts")),
            _ => Decision::deny(Reason::new(
                "no_resolver",
                "the host has named no permission resolver, so only it may act",
            )),
        };
        vec![decision; resources.len()]
    }
}
