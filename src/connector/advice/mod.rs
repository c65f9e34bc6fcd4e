//! What the headers of an answer say about how fast to go on.

mod fields;
mod moment;
mod rate;

#[cfg(feature = "webdav")]
pub(crate) use moment::http_date;
#[cfg(all(feature = "crypto", feature = "http"))]
pub(crate) use moment::retry_after;
pub use rate::RateAdvice;
