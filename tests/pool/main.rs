//! Permits, and the pools that hand them out: nothing lost, the order kept, and the limit where the platform bears it.

mod cancel;
mod limit;
mod order;
mod platform;
mod sessions;
mod storm;
mod tcp;
mod world;
