//! Blocking work, kept off the runtime's threads.

use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use tokio::task::{JoinError, JoinHandle};

use crate::error::{Error, ErrorKind, Result};

/// Does one piece of blocking work on a thread for it.
pub(super) async fn blocking<T: Send + 'static>(
    operation: &'static str,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let joined = spawn(operation, work).await;
    joined.unwrap_or_else(|cause| Err(broken(operation, cause)))
}

/// Something that gives item after item, each by blocking work.
pub(super) trait Produce: Send + 'static {
    type Item: Send + 'static;

    fn next(&mut self) -> Result<Option<Self::Item>>;
}

/// Turns a producer into a stream that works one item ahead of its reader.
///
/// No thread waits for a reader: each item is a task of its own, so any number of open streams is
/// served by any number of threads. A dropped stream ends after the item at hand.
pub(super) fn ahead<P: Produce>(
    operation: &'static str,
    producer: P,
) -> BoxStream<'static, Result<P::Item>> {
    let start = Ahead::Ready(producer);
    stream::unfold(start, move |ahead| async move {
        let task = match ahead {
            Ahead::Ready(producer) => advance(operation, producer),
            Ahead::Working(task) => task,
            Ahead::Done => return None,
        };
        match task.await {
            Ok((producer, Ok(Some(item)))) => {
                Some((Ok(item), Ahead::Working(advance(operation, producer))))
            }
            Ok((_, Ok(None))) => None,
            Ok((_, Err(error))) => Some((Err(error), Ahead::Done)),
            Err(cause) => Some((Err(broken(operation, cause)), Ahead::Done)),
        }
    })
    .boxed()
}

enum Ahead<P: Produce> {
    Ready(P),
    Working(Task<P>),
    Done,
}

type Task<P> = JoinHandle<(P, Result<Option<<P as Produce>::Item>>)>;

fn advance<P: Produce>(operation: &'static str, mut producer: P) -> Task<P> {
    spawn(operation, move || {
        let item = producer.next();
        (producer, item)
    })
}

fn spawn<T: Send + 'static>(
    operation: &'static str,
    work: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<T> {
    let span = tracing::debug_span!("local.io", operation);
    tokio::task::spawn_blocking(move || span.in_scope(work))
}

fn broken(operation: &'static str, cause: JoinError) -> Error {
    let kind = if cause.is_cancelled() {
        ErrorKind::Cancelled
    } else {
        ErrorKind::Unexpected
    };
    Error::new(kind, operation, "the work was broken off").with_source(cause)
}
