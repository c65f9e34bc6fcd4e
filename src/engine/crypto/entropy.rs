//! Where secrets come from.

use std::fmt;

use crate::error::{Error, ErrorKind, Result};

/// A source of bytes that nobody can guess. Unlike [`Chance`](crate::Chance) it has no fallback: a
/// source that fails is an error, and nothing is sealed or signed.
pub trait Entropy: fmt::Debug + Send + Sync + 'static {
    /// Fills `bytes`, all of them.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`]: there is no chance to be had. What stands in `bytes` must not be used.
    fn fill(&self, bytes: &mut [u8]) -> Result<()>;
}

/// The operating system's source.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SystemEntropy;

impl SystemEntropy {
    /// Names the operating system's source.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<()> {
        getrandom::fill(bytes).map_err(|cause| {
            Error::new(
                ErrorKind::Unavailable,
                "entropy.fill",
                "the system gives no random bytes",
            )
            .with_source(cause)
        })
    }
}

/// Draws a fixed number of bytes.
pub(crate) fn draw<const N: usize>(entropy: &dyn Entropy) -> Result<[u8; N]> {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes)?;
    Ok(bytes)
}
