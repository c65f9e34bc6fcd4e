//! The seam to whoever decides what an actor may do.
//!
//! A [`PermissionResolver`] gives an unchanging [`PermissionSnapshot`], which answers for one actor
//! and many resources at a time. Every service call asks it before it writes. A host that decides by
//! itself names [`TrustedHost`]; a host that names nothing gets [`HostOnly`].

mod resolver;
pub mod rights;
mod trusted;

pub use resolver::{
    Action, Actor, Decision, PermissionResolver, PermissionSnapshot, Reason, Resource, authorize,
};
pub use trusted::{HostOnly, TrustedHost};
