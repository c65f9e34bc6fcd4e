//! The way to a partner.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::error::Error;
use crate::id::OrganizationId;

use super::records::Partner;

/// One message to one partner.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PartnerCall<'a> {
    /// In whose name.
    pub organization: &'a OrganizationId,
    /// To whom.
    pub partner: &'a Partner,
    /// Names the message, the same at every try that says the same: 1 to 128 of `A–Z a–z 0–9 _ -`. A partner that has it already passes over
    /// it.
    pub id: &'a str,
    /// The exact bytes to sign and to send.
    pub body: Bytes,
}

/// What became of one try.
#[derive(Debug)]
#[non_exhaustive]
pub enum PartnerAttempt {
    /// The partner has it.
    Delivered,
    /// To be tried again, not before `after`.
    Retry {
        /// How long the partner asks to wait at least.
        after: Option<Duration>,
    },
    /// Not to be tried again until somebody has looked at it.
    GiveUp {
        /// Why.
        reason: Error,
    },
}

/// Brings messages to partners, one try at a time: by default signed webhooks, `WebhookTransport`.
#[async_trait]
pub trait PartnerTransport: fmt::Debug + Send + Sync + 'static {
    /// Tries once. It ends by itself, well within [`PartnerOptions::lease`](super::PartnerOptions::lease).
    ///
    /// # Cancel safety
    ///
    /// When dropped, the message may or may not have arrived; it is tried again with the same id.
    async fn attempt(&self, call: PartnerCall<'_>) -> PartnerAttempt;
}
