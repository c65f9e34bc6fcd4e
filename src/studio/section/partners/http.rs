//! Signed webhooks.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::engine::crypto::signatures::{WebhookId, WebhookSigner};
use crate::engine::outbound::http::{Attempt, WebhookSender};
use crate::error::Result;
use crate::id::OrganizationId;

use super::transport::{PartnerAttempt, PartnerCall, PartnerTransport};

/// Where the secrets of partners are kept: the host's.
#[async_trait]
pub trait PartnerSecrets: fmt::Debug + Send + Sync + 'static {
    /// Returns what signs with the secret of this name. There is none by default.
    ///
    /// # Errors
    /// A kind that may be tried again, if it cannot be read now; any other, if there is no such secret: the partner is
    /// then told no more until somebody resumes it.
    async fn signer(&self, organization: &OrganizationId, secret: &str) -> Result<WebhookSigner>;
}

/// Sends each message as a signed webhook, through a client that calls only what may be called.
#[derive(Clone, Debug)]
pub struct WebhookTransport {
    sender: WebhookSender,
    secrets: Arc<dyn PartnerSecrets>,
}

impl WebhookTransport {
    /// Sends through `sender`, signed with `secrets`.
    #[must_use]
    pub fn new(sender: WebhookSender, secrets: Arc<dyn PartnerSecrets>) -> Self {
        Self { sender, secrets }
    }
}

#[async_trait]
impl PartnerTransport for WebhookTransport {
    async fn attempt(&self, call: PartnerCall<'_>) -> PartnerAttempt {
        let signer = self.secrets.signer(call.organization, &call.partner.secret);
        let signed = async { Ok((signer.await?, WebhookId::parse(call.id)?)) };
        let (signer, id) = match signed.await {
            Ok(signed) => signed,
            Err(reason) => return judge(reason),
        };
        let url = &call.partner.url;
        match self.sender.attempt(url, &signer, &id, call.body).await {
            Attempt::Delivered { .. } => PartnerAttempt::Delivered,
            Attempt::Retry { after, .. } => PartnerAttempt::Retry { after },
            Attempt::GiveUp { reason } => PartnerAttempt::GiveUp { reason },
        }
    }
}

fn judge(reason: crate::error::Error) -> PartnerAttempt {
    if reason.is_retryable() {
        let after = reason.retry_after();
        return PartnerAttempt::Retry { after };
    }
    PartnerAttempt::GiveUp { reason }
}
