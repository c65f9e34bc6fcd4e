//! How things move safely.

#[cfg(feature = "crypto")]
#[cfg_attr(docsrs, doc(cfg(feature = "crypto")))]
pub mod audit;
pub mod bandwidth;
pub mod cache;
#[cfg(feature = "crypto")]
#[cfg_attr(docsrs, doc(cfg(feature = "crypto")))]
pub mod crypto;
pub mod journal;
#[cfg(feature = "oauth")]
#[cfg_attr(docsrs, doc(cfg(feature = "oauth")))]
pub mod oauth;
#[cfg(feature = "outbound")]
#[cfg_attr(docsrs, doc(cfg(feature = "outbound")))]
pub mod outbound;
#[cfg(feature = "crypto")]
#[cfg_attr(docsrs, doc(cfg(feature = "crypto")))]
pub mod privacy;
pub(crate) mod resilience;
pub mod sync;
pub mod text;
pub mod transfer;
#[cfg(feature = "upload")]
#[cfg_attr(docsrs, doc(cfg(feature = "upload")))]
pub mod upload;
#[cfg(all(feature = "crypto", feature = "kit"))]
#[cfg_attr(docsrs, doc(cfg(all(feature = "crypto", feature = "kit"))))]
pub mod webhooks;
