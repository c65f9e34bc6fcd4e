//! Webhooks from platforms: subscribed, checked, kept until they are acted on, renewed before they end.
//!
//! A [`WebhookInbox`] belongs to one organization. A host gives it every request that comes in under its address
//! ([`receive`](WebhookInbox::receive)) and answers what it is told; it calls [`tend`](WebhookInbox::tend) from time to time;
//! and it acts on what has come ([`act`](WebhookInbox::act)), mostly by a sync, which follows the platform's feed of changes.
//!
//! What platforms send is only a hint where to look: it is never lost once it was answered, it may be acted on twice, and
//! what was missed is made good by a look now and then ([`WebhookOptions::look_every`]).

mod act;
mod events;
mod inbox;
mod options;
mod receive;
mod records;
mod subscribe;
mod tend;

pub use inbox::{WebhookInbox, WebhookParts};
pub use options::WebhookOptions;
pub use records::{
    HintRecord, SubscriptionRecord, SubscriptionState, WEBHOOK_HINTS, WEBHOOK_SUBSCRIPTIONS,
};
pub use tend::Tended;
