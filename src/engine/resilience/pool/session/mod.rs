//! Sessions that are kept open between calls, for protocols that log in once and then talk.

mod events;
mod factory;
mod guard;
mod options;
mod pool;
mod shelf;
mod stats;

pub use events::{CloseReason, SessionEvent, SessionEvents};
pub use factory::SessionFactory;
pub use guard::PooledSession;
pub use options::SessionOptions;
pub use pool::SessionPool;
pub use stats::{ClosedSessions, SessionStats};
