//! Listings that come in pages.

use std::collections::HashSet;
use std::future::Future;
use std::hash::Hash;

use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};

use crate::error::{Error, ErrorKind, Result};

/// Makes a stream of pages: `fetch` gets where to go on, and returns a page and where the next one is.
///
/// Ends with the first error. A place that comes a second time is one: a platform that goes in a circle would otherwise be
/// listed for ever.
///
/// # Example
///
/// ```
/// use futures_util::TryStreamExt as _;
/// use garland::connector::kit::pages;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> garland::Result<()> {
/// let three = pages(0, |page| async move { Ok((page * 10, (page < 2).then_some(page + 1))) });
/// assert_eq!(three.try_collect::<Vec<u32>>().await?, [0, 10, 20]);
/// # Ok(())
/// # }
/// ```
pub fn pages<S, T, F, W>(first: S, fetch: F) -> BoxStream<'static, Result<T>>
where
    S: Clone + Eq + Hash + Send + 'static,
    T: Send + 'static,
    F: Fn(S) -> W + Send + 'static,
    W: Future<Output = Result<(T, Option<S>)>> + Send + 'static,
{
    let start = (fetch, Some(first), HashSet::new());
    stream::unfold(start, |(fetch, at, mut seen)| async move {
        let at = at?;
        if !seen.insert(at.clone()) {
            let message = "the platform's listing goes in a circle";
            let error = Error::new(ErrorKind::Unavailable, "files.list", message);
            return Some((Err(error), (fetch, None, seen)));
        }
        match fetch(at).await {
            Ok((page, next)) => Some((Ok(page), (fetch, next, seen))),
            Err(error) => Some((Err(error), (fetch, None, seen))),
        }
    })
    .boxed()
}
