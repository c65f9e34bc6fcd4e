//! An HTTP client that calls only what a [`TargetPolicy`](super::TargetPolicy) lets through, and believes
//! nothing about how much will come back.
//!
//! - [`GuardedClient`] sends a [`Request`] and streams the [`Response`].
//! - `WebhookSender` (with the feature `crypto`) tries once to deliver a signed webhook, and says what to do
//!   next.

mod client;
mod errors;
mod limits;
mod lookup;
mod request;
mod response;
#[cfg(feature = "crypto")]
mod sender;

pub use client::GuardedClient;
pub use limits::HttpLimits;
pub use request::{Method, Request};
pub use response::Response;
#[cfg(feature = "crypto")]
#[cfg_attr(docsrs, doc(cfg(feature = "crypto")))]
pub use sender::{Attempt, WebhookSender};
