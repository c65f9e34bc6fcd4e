//! What is stored, as what decides for every service.

use std::sync::Arc;

use async_trait::async_trait;

use crate::error::Result;
use crate::id::OrganizationId;
use crate::permission::{PermissionResolver, PermissionSnapshot};

use super::answers::Answers;
use super::stored::StoredPolicy;

/// Answers by the state of one entry of the journal, at one instant; behind what is committed by
/// [`PolicyOptions::freshness`](super::PolicyOptions::freshness) at the most, unless `at_least` asks for more.
#[async_trait]
impl PermissionResolver for StoredPolicy {
    async fn snapshot(
        &self,
        organization: &OrganizationId,
        at_least: Option<u64>,
    ) -> Result<Arc<dyn PermissionSnapshot>> {
        let state = self.state(organization, at_least).await?;
        let now = self.now();
        Ok(Arc::new(Answers { state, now }))
    }
}
