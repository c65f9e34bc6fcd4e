//! Who may call a platform now, and how many at once.
//!
//! # What a connection pool is over HTTP
//!
//! Over HTTP there is nothing to pool but permission. One client for each platform (and proxy, and TLS profile)
//! already keeps idle connections, and HTTP/2 carries many calls over one of them; a second client would only split
//! them up and open more sockets. What a platform minds is how many calls are under way on one account. So a
//! [`PlatformPool`] hands out permits, not sockets: all connectors of a platform share one client, and each call holds a
//! permit of its account while it runs. It bounds calls, not connections: how many sockets carry them is the
//! client's own affair.
//!
//! Protocols that log in once and then talk (SFTP, sockets) do have something to keep: a session. A [`SessionPool`]
//! keeps them.
//!
//! - [`Permits`]: a set of permits that goes by priority and can be resized at any time.
//! - [`PlatformPool`]: permits of one account on one platform; their number follows what the platform bears, and its
//!   health is told.
//! - [`SessionPool`]: open sessions of one account, with a lifetime, validated before use.

mod controller;
mod events;
mod gradient;
mod health;
mod line;
mod options;
mod outcome;
mod permits;
mod platform;
mod priority;
mod session;
mod stats;

pub use controller::Algorithm;
pub use events::{PoolEvent, PoolEvents};
pub use health::HealthState;
pub use options::PoolOptions;
pub use outcome::Outcome;
pub use permits::{Permit, Permits};
pub use platform::{PlatformPool, PoolPermit};
pub use priority::Priority;
pub use session::{
    CloseReason, ClosedSessions, PooledSession, SessionEvent, SessionEvents, SessionFactory,
    SessionOptions, SessionPool, SessionStats,
};
pub use stats::{OutcomeCounts, PoolStats};
