//! What can go wrong with a call over HTTP.

use std::time::Duration;

use crate::clock::Timestamp;

use super::reply::HttpReply;

/// What goes wrong with a call.
///
/// A fault that cannot strike, such as a body cut short where there is none, lets the call pass and is not counted.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum HttpFault {
    /// The proxy answers itself: the platform never sees the call. Its body is read to its end first, unless the client
    /// waits for leave to send it.
    Answer(HttpReply),
    /// The platform carries the call out, and its answer is replaced by this one.
    Lost(HttpReply),
    /// The request of so many bytes of body arrives, or all but the last byte of a shorter one; then both connections are
    /// reset. Platforms must not take it for the whole.
    ResetInRequest(u64),
    /// The connection is reset before the platform sees the call.
    ResetBefore,
    /// The platform carries the call out; the connection is reset instead of its answer.
    ResetAfter,
    /// The connection is reset after so many bytes of the answer's body, or before the last byte of a shorter one.
    ResetInAnswer(u64),
    /// The connection is closed in good order after so many bytes of the answer's body, or before the last byte of a
    /// shorter one.
    CutAnswer(u64),
    /// `Content-Length` is wrong by so many bytes, and the connection is closed after the body. Befalls answers that have
    /// one and a body.
    WrongLength(i64),
    /// The answer comes a byte at a time, so far apart.
    Trickle(Duration),
    /// The platform never sees the call, and nothing is answered until the client goes away.
    HangBefore,
    /// The platform carries the call out, and nothing is answered until the client goes away.
    HangAfter,
    /// A bit of this byte of the request's body, from 0, arrives changed.
    FlipRequest(u64),
    /// A bit of this byte of the answer's body, from 0, arrives changed.
    FlipAnswer(u64),
    /// The answer says that it was made then.
    Date(Timestamp),
    /// The platform is asked, but the answer before this one that the same rule has seen comes again, such as the page
    /// before this one. Answers of more than 1 MiB are not kept.
    Repeat,
}

impl HttpFault {
    /// The platform refuses with this status before it has done anything.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::Answer(HttpReply::new(status))
    }

    /// A page for people where an answer should be, as from a gateway or a captive portal: status 200, HTML.
    #[must_use]
    pub fn html() -> Self {
        Self::Answer(HttpReply::html())
    }

    /// Status 200 and JSON that ends in the middle.
    #[must_use]
    pub fn malformed_json() -> Self {
        Self::Answer(HttpReply::malformed_json())
    }

    /// A redirect (307) to another address.
    #[must_use]
    pub fn redirect(address: impl Into<String>) -> Self {
        Self::Answer(HttpReply::new(307).with_header("location", address))
    }
}
