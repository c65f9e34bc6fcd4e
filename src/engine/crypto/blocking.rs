//! Work that blocks, off the threads that drive futures.

use crate::error::{Error, ErrorKind, Result};

/// Runs what blocks where it may, within the span it was asked in.
///
/// # Errors
/// - [`ErrorKind::Cancelled`]: the runtime ends before it began.
/// - [`ErrorKind::Unexpected`]: it panicked.
/// - Those of the work.
pub(crate) async fn off_runtime<T: Send + 'static>(
    operation: &'static str,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let span = tracing::Span::current();
    let work = move || span.in_scope(work);
    tokio::task::spawn_blocking(work).await.map_err(|cause| {
        let kind = if cause.is_cancelled() {
            ErrorKind::Cancelled
        } else {
            ErrorKind::Unexpected
        };
        Error::new(kind, operation, "the work was broken off").with_source(cause)
    })?
}
