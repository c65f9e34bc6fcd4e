//! What went wrong on the way, in garland's words.

use std::error::Error as StdError;

use crate::error::{Error, ErrorKind};

/// Maps a fault of the client. The URL is left out: it may hold secrets.
pub(super) fn failed(cause: reqwest::Error) -> Error {
    let cause = cause.without_url();
    if let Some(own) = own(&cause) {
        return Error::new(own.kind(), own.operation(), own.message()).with_source(cause);
    }
    let (kind, message) = if cause.is_timeout() {
        (ErrorKind::Timeout, "the server did not answer in time")
    } else if cause.is_builder() {
        (ErrorKind::InvalidInput, "the request cannot be made")
    } else if cause.is_connect() {
        (ErrorKind::Unavailable, "no connection was made")
    } else {
        (ErrorKind::Unavailable, "the connection broke off")
    };
    Error::new(kind, "http.send", message).with_source(cause)
}

/// The whole exchange took too long.
pub(super) fn late() -> Error {
    let late = "the exchange took longer than is allowed";
    Error::new(ErrorKind::Timeout, "http.send", late)
}

/// The other side sends more than is allowed.
pub(super) fn too_much(what: &'static str, most: u64) -> Error {
    let much = "the server sends more than is allowed";
    Error::new(ErrorKind::LimitExceeded, "http.send", much)
        .with_context("of", what)
        .with_context("most", most)
}

/// An error of the guard comes back through the client's layers.
fn own(error: &reqwest::Error) -> Option<&Error> {
    causes(error).find_map(|cause| cause.downcast_ref::<Error>())
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    let mut next = error.source();
    std::iter::from_fn(move || {
        let cause = next?;
        next = cause.source();
        Some(cause)
    })
}
