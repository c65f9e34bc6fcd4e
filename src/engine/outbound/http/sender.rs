//! One try to deliver a webhook.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::clock::Clock;
use crate::connector::retry_after;
use crate::engine::crypto::signatures::{WebhookId, WebhookSigner};
use crate::error::{Error, ErrorKind};

use super::client::GuardedClient;
use super::request::Request;
use super::response::Response;

/// What became of one try.
#[derive(Debug)]
#[non_exhaustive]
pub enum Attempt {
    /// The receiver has it: an answer of 200 to 299.
    Delivered {
        /// The status.
        status: u16,
    },
    /// Try again, a bounded number of times.
    Retry {
        /// How long the receiver asks to wait at least, at most a day.
        after: Option<Duration>,
        /// What went wrong. It holds nothing of the answer's body.
        reason: Error,
    },
    /// Do not try again: the receiver is gone, or its address may not be called.
    GiveUp {
        /// Why. It holds nothing of the answer's body.
        reason: Error,
    },
}

/// Delivers webhooks, one try at a time; when to try again is for the caller's queue.
///
/// Each try is signed anew with the time it is made. No redirect is followed, whatever the client's
/// [`RedirectPolicy`](crate::outbound::RedirectPolicy) says, and of the answer only the status and `Retry-After`
/// are read.
#[derive(Clone, Debug)]
pub struct WebhookSender {
    client: GuardedClient,
    clock: Arc<dyn Clock>,
}

impl WebhookSender {
    /// Sends through `client`.
    #[must_use]
    pub fn new(client: GuardedClient, clock: Arc<dyn Clock>) -> Self {
        Self { client, clock }
    }

    /// Tries once to hand `body`, which is JSON, to `url`. `id` is the same at every try of one message.
    ///
    /// As [Standard Webhooks] has it, every answer but 200 to 299 is a failure that is tried again, redirects
    /// among them; 410 means that the receiver wants no more.
    ///
    /// # Cancel safety
    /// Safe to drop; the webhook may or may not have arrived, and may be tried again.
    ///
    /// [Standard Webhooks]: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    pub async fn attempt(
        &self,
        url: &str,
        signer: &WebhookSigner,
        id: &WebhookId,
        body: Bytes,
    ) -> Attempt {
        let signed = match signer.sign(id, self.clock.now(), &body) {
            Ok(signed) => signed,
            Err(reason) => return Attempt::GiveUp { reason },
        };
        let bare = Request::post(url, body).with_header("content-type", "application/json");
        let request = signed
            .to_pairs()
            .into_iter()
            .fold(bare, |all, (name, value)| all.with_header(name, value));
        match self.client.send(request).await {
            Ok(response) => self.judge(&response),
            // An answer with too long a header is an answer that may be better another time.
            Err(reason) if reason.is_retryable() || reason.kind() == ErrorKind::LimitExceeded => {
                let after = reason.retry_after();
                Attempt::Retry { after, reason }
            }
            Err(reason) => Attempt::GiveUp { reason },
        }
    }

    fn judge(&self, response: &Response) -> Attempt {
        let status = response.status();
        let failed = |kind, message: &str| {
            Error::new(kind, "webhook_sender.attempt", message).with_context("status", status)
        };
        let asked = response.header("retry-after");
        let date = response.header("date");
        let after = asked.and_then(|text| retry_after(text, date, self.clock.now()));
        let (kind, message) = match status {
            200..=299 => return Attempt::Delivered { status },
            410 => {
                let reason = failed(ErrorKind::NotFound, "the receiver wants no more");
                return Attempt::GiveUp { reason };
            }
            300..=399 => (ErrorKind::Unavailable, "the receiver is somewhere else"),
            429 => (ErrorKind::RateLimited, "the receiver asks to slow down"),
            400..=499 => (ErrorKind::Unavailable, "the receiver does not take it"),
            _ => (ErrorKind::Unavailable, "the receiver failed"),
        };
        let mut reason = failed(kind, message);
        if let Some(wait) = after {
            reason = reason.with_retry_after(wait);
        }
        Attempt::Retry { after, reason }
    }
}
