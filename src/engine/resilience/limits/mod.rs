//! Rate limits for the routes of a host: an exact sliding window, in bounded memory.
//!
//! - [`RateLimiter`] counts by any key, such as an actor and a route, or an address.
//! - [`client_address`] tells which address to count by behind a proxy.

mod address;
mod decision;
mod hits;
mod limit;
mod limiter;
mod shard;

pub use address::{Network, client_address};
pub use decision::{Decision, Level};
pub use limit::{Limit, LimiterOptions};
pub use limiter::RateLimiter;
