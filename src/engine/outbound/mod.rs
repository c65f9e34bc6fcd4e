//! Calls to addresses that a host or a user has named: external sync, webhooks, public files.
//!
//! Such an address must not lead into the network the host itself stands in. Three steps, none of which
//! does for another:
//!
//! 1. [`TargetPolicy::check`] reads the URL and refuses what is not plainly a public `https` address.
//! 2. [`Guard::pin`] resolves the name once, and refuses it if any address is not global.
//! 3. The connection goes to the addresses that were checked and to no others; each redirect begins at 1.
//!
//! With the feature `http`, `GuardedClient` does all three and holds to limits of size and time.

mod address;
mod guard;
#[cfg(feature = "http")]
#[cfg_attr(docsrs, doc(cfg(feature = "http")))]
pub mod http;
mod policy;
mod redirect;
mod spelling;

pub use address::is_global;
pub use guard::{Guard, PinnedTarget, Resolve, SystemResolver};
pub use policy::{Target, TargetPolicy};
pub use redirect::RedirectPolicy;
