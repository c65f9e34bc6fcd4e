//! Never more requests than a platform has published, in any window.

mod layer;
mod window;

pub use layer::{Quota, QuotaOptions};
