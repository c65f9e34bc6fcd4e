//! A proxy that spoils what goes through it (feature `testing-http`).
//!
//! [`FaultProxy`] stands between a connector and its platform, which may be a real server, a fake, or anything else that
//! speaks HTTP/1.1 without TLS. [`HttpRule`]s tell which calls go wrong and how ([`HttpFault`]); all others pass as
//! they are, so that signatures over the request still hold. Bodies stream in both directions.
//!
//! Sockets are real here, and so is time: tests that wait for a silent platform do so by a short
//! [`HttpOptions::idle`](crate::connector::kit::HttpOptions::idle), not by a paused clock.

mod connection;
mod decision;
mod fault;
mod framing;
mod head;
mod proxy;
mod reply;
mod rule;
mod tee;
mod wire;

pub use decision::HttpCall;
pub use fault::HttpFault;
pub use proxy::FaultProxy;
pub use reply::HttpReply;
pub use rule::HttpRule;
