//! Signatures of webhooks, those that go out and those that come in.
//!
//! - [`WebhookSigner`] signs by the [Standard Webhooks] scheme, with two secrets while one replaces the other.
//! - [`WebhookVerifier`] checks what comes in by a [`Scheme`], of which every platform's is one value.
//! - [`Deliveries`] tells what has come before.
//! - [`Handshake`] answers the question a platform asks before it sends anything.
//!
//! [Standard Webhooks]: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md

mod deliveries;
mod evidence;
mod handshake;
mod message;
mod scheme;
mod secret;
mod signer;
mod verifier;

pub use deliveries::{Deliveries, Receipt, WEBHOOK_DELIVERIES, WebhookRecord};
pub use handshake::Handshake;
pub use scheme::{Encoding, Layout, Part, Scheme, Stamp};
pub use secret::SigningSecret;
pub use signer::{SignedHeaders, WebhookId, WebhookSigner};
pub use verifier::{Verified, WebhookVerifier};
