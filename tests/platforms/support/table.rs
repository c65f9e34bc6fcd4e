//! The table of bad days: what may befall a connector, and what it may make of it.

use std::time::Duration;

use garland::ErrorKind::{self, *};
use garland::testing::http::{FaultProxy, HttpFault, HttpReply};
use garland::{Error, Timestamp};

use super::deeds::Deed::{self, *};

/// A fault, where it is tried, and the errors that it may become.
pub(super) struct BadDay {
    pub(super) name: &'static str,
    pub(super) fault: fn(&FaultProxy) -> HttpFault,
    /// What is tried on that day. Each of its calls is befallen in turn.
    pub(super) on: &'static [Deed],
    /// The kinds of error that are true. Nothing may succeed that has not been done, but a deed that the fault does not
    /// hinder may succeed.
    pub(super) kinds: &'static [ErrorKind],
    /// What else must be true of the error.
    pub(super) also: fn(&Error) -> bool,
}

const ALL: &[Deed] = &[List, Stat, Read, Upload, Replace, Delete];
/// Where every try takes as long as the client waits.
const SOME: &[Deed] = &[List, Read, Upload];
const WRITES: &[Deed] = &[Upload, Replace, Delete];
const UPLOADS: &[Deed] = &[Upload, Replace];

const fn day(
    name: &'static str,
    fault: fn(&FaultProxy) -> HttpFault,
    on: &'static [Deed],
    kinds: &'static [ErrorKind],
) -> BadDay {
    BadDay {
        name,
        fault,
        on,
        kinds,
        also: |_| true,
    }
}

/// What a broken or foolish answer may become.
const GARBLED: &[ErrorKind] = &[Unavailable, Unexpected, Corrupt, Changed];
/// What a connection may become that breaks while an answer is on its way.
const BROKEN: &[ErrorKind] = &[Unavailable, Unexpected];

/// Retried by whoever asks, after a while.
fn passes(error: &Error) -> bool {
    error.is_retryable()
}

fn asks_for_two_seconds(error: &Error) -> bool {
    error.is_retryable() && error.retry_after() == Some(Duration::from_secs(2))
}

fn never_passes(error: &Error) -> bool {
    !error.is_retryable()
}

impl BadDay {
    const fn also(mut self, also: fn(&Error) -> bool) -> Self {
        self.also = also;
        self
    }
}

pub(super) const BAD_DAYS: &[BadDay] = &[
    day("401", |_| HttpFault::status(401), ALL, &[Unauthenticated]).also(never_passes),
    day(
        "403",
        |_| HttpFault::status(403),
        ALL,
        &[Denied, Unauthenticated],
    )
    .also(never_passes),
    day(
        "404 while reading",
        |_| HttpFault::status(404),
        &[Read],
        &[NotFound, Changed],
    ),
    day(
        "404 while writing",
        |_| HttpFault::status(404),
        UPLOADS,
        &[NotFound, Expired, Conflict],
    ),
    day(
        "409 while writing",
        |_| HttpFault::status(409),
        WRITES,
        &[Conflict, AlreadyExists, Changed, Expired],
    ),
    day(
        "412 while writing",
        |_| HttpFault::status(412),
        WRITES,
        &[Conflict, AlreadyExists, Changed, Expired],
    ),
    day(
        "423 while writing",
        |_| HttpFault::status(423),
        WRITES,
        &[Locked],
    ),
    day(
        "507 while uploading",
        |_| HttpFault::status(507),
        UPLOADS,
        &[Full],
    )
    .also(never_passes),
    day(
        "429 with Retry-After",
        |_| HttpFault::Answer(HttpReply::new(429).with_header("retry-after", "2")),
        ALL,
        &[RateLimited],
    )
    .also(asks_for_two_seconds),
    day("500", |_| HttpFault::status(500), ALL, &[Unavailable]).also(passes),
    day(
        "503 with Retry-After",
        |_| HttpFault::Answer(HttpReply::new(503).with_header("retry-after", "2")),
        ALL,
        &[Unavailable, RateLimited],
    )
    .also(asks_for_two_seconds),
    day(
        "502 after the deed",
        |_| HttpFault::Lost(HttpReply::new(502)),
        ALL,
        &[Unavailable],
    )
    .also(passes),
    day("page for people", |_| HttpFault::html(), ALL, GARBLED),
    day(
        "page for people after the deed",
        |_| HttpFault::Lost(HttpReply::html()),
        ALL,
        GARBLED,
    ),
    day(
        "malformed answer",
        |_| HttpFault::Lost(HttpReply::malformed_json()),
        ALL,
        GARBLED,
    ),
    day(
        "nothing where something should be",
        |_| HttpFault::Lost(HttpReply::new(200)),
        &[List, Stat, Read],
        GARBLED,
    ),
    day("body cut short", |_| HttpFault::CutAnswer(9), ALL, BROKEN).also(passes),
    day(
        "one byte missing",
        |_| HttpFault::CutAnswer(u64::MAX),
        ALL,
        BROKEN,
    )
    .also(passes),
    day(
        "length too large",
        |_| HttpFault::WrongLength(5),
        ALL,
        GARBLED,
    ),
    day(
        "length too small",
        |_| HttpFault::WrongLength(-1),
        ALL,
        GARBLED,
    ),
    day(
        "redirect to another host",
        |proxy| HttpFault::redirect(format!("{}/there", proxy.elsewhere())),
        ALL,
        &[Refused],
    )
    .also(never_passes),
    day(
        "reset before the call",
        |_| HttpFault::ResetBefore,
        ALL,
        &[Unavailable],
    )
    .also(passes),
    day(
        "reset in the middle of the request",
        |_| HttpFault::ResetInRequest(100),
        UPLOADS,
        &[Unavailable],
    )
    .also(passes),
    day(
        "answer lost",
        |_| HttpFault::ResetAfter,
        ALL,
        &[Unavailable],
    )
    .also(passes),
    day(
        "reset in the middle of the answer",
        |_| HttpFault::ResetInAnswer(9),
        ALL,
        BROKEN,
    )
    .also(passes),
    day(
        "silence before the deed",
        |_| HttpFault::HangBefore,
        SOME,
        &[Timeout],
    )
    .also(passes),
    day(
        "silence after the deed",
        |_| HttpFault::HangAfter,
        SOME,
        &[Timeout],
    )
    .also(passes),
    day(
        "a byte now and then",
        |_| HttpFault::Trickle(Duration::from_secs(600)),
        SOME,
        &[Timeout],
    )
    .also(passes),
    day(
        "platform's clock far behind",
        |_| HttpFault::Date(Timestamp::from_millis(1_750_000_000_000)),
        ALL,
        &[],
    ),
    day(
        "answer of before comes again",
        |_| HttpFault::Repeat,
        &[List],
        GARBLED,
    ),
];
