//! Spans around the public operations of a service, and what is counted of them.

use futures_util::stream::{self, BoxStream, StreamExt as _};
use tracing::{Instrument as _, Span};

use crate::error::{Error, ErrorKind};

use super::handle::{Telemetry, outcome};
use super::names::SECTION_CALLS;

/// Runs one public operation of a service in a span of its name, and counts how it ended.
macro_rules! call {
    ($telemetry:expr, $operation:literal, $work:expr) => {
        $crate::telemetry::called(
            $telemetry,
            $operation,
            tracing::debug_span!($operation),
            $work,
        )
        .await
    };
}
pub(crate) use call;

/// What [`call!`] does with the span it makes.
pub(crate) async fn called<T>(
    telemetry: &Telemetry,
    operation: &'static str,
    span: Span,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let done = work.instrument(span).await;
    let outcome = match done.as_ref().map_err(Error::kind) {
        Err(ErrorKind::Denied) => "denied",
        Err(ErrorKind::NotFound) => "not_found",
        _ => outcome(&done, "done"),
    };
    let labels = [("operation", operation), ("outcome", outcome)];
    telemetry.count(SECTION_CALLS, &labels, 1);
    done
}

/// Runs whatever a stream does in a span.
pub(crate) fn within<T: 'static>(
    span: Span,
    mut stream: BoxStream<'static, T>,
) -> BoxStream<'static, T> {
    stream::poll_fn(move |context| span.in_scope(|| stream.poll_next_unpin(context))).boxed()
}
