//! The seam itself: a layer goes around an account, and around each of its calls.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::connector::PlatformConnector;
use crate::error::{Error, ErrorKind, Result};

use super::call::Call;

/// Goes around a whole account and gives it back with something more.
///
/// State lives in the layer, wrappers are cheap views of it: what a layer has learnt of an account
/// it knows in every wrapper it has made. So one value is for one account, and is applied to each
/// connector of that account.
pub trait ConnectorLayer: fmt::Debug + Send + Sync + 'static {
    /// Wraps an account.
    fn apply(&self, inner: Arc<dyn PlatformConnector>) -> Arc<dyn PlatformConnector>;
}

/// Goes around each call of an account. [`Wrapped`](super::Wrapped) makes a connector of it, so that
/// a layer is this one method.
///
/// # For implementors
/// - `make` begins a try. Call it once, or again only as [`Call::repeat`] allows; two tries at once
///   only if the call [is small](Call::is_small).
/// - Let what is [no request](Call::is_request) pass without a wait: the platform is answering already.
/// - The future returned may be dropped at any point. Whatever was taken for the call goes back then.
/// - An error of a try is passed on as it is. The end of a stream comes as an error too, of the kind
///   [`ErrorKind::Cancelled`]: it is no answer of the platform.
///
/// # Example
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use garland::connector::PlatformConnector;
/// use garland::platforms::MemoryPlatform;
/// use garland::resilience::{Around, Call, Wrapped};
///
/// #[derive(Clone, Debug, Default)]
/// struct Counting(Arc<AtomicU64>);
///
/// impl Around for Counting {
///     async fn around<T, F, Fut>(&self, _: &Call, mut make: F) -> garland::Result<T>
///     where
///         T: Send,
///         F: FnMut() -> Fut + Send,
///         Fut: Future<Output = garland::Result<T>> + Send,
///     {
///         self.0.fetch_add(1, Ordering::Relaxed);
///         make().await
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> garland::Result<()> {
/// let counting = Counting::default();
/// let account = Wrapped::new(Arc::new(MemoryPlatform::default()), counting.clone());
/// account.check().await?;
/// assert_eq!(counting.0.load(Ordering::Relaxed), 1);
/// # Ok(())
/// # }
/// ```
pub trait Around: Clone + fmt::Debug + Send + Sync + 'static {
    /// Makes a call.
    ///
    /// # Errors
    /// Those of the call, and the layer's own.
    fn around<T, F, Fut>(&self, call: &Call, make: F) -> impl Future<Output = Result<T>> + Send
    where
        T: Send,
        F: FnMut() -> Fut + Send,
        Fut: Future<Output = Result<T>> + Send;
}

/// Makes a `make` of a call that can be made only once.
pub(super) fn once<T, Fut>(call: Fut) -> impl FnMut() -> Once<Fut>
where
    Fut: Future<Output = Result<T>> + Unpin,
{
    let mut call = Some(call);
    move || Once(call.take())
}

/// The one try of a call; a second one is an error of the layer that asked for it.
#[derive(Debug)]
pub(super) struct Once<Fut>(Option<Fut>);

impl<T, Fut: Future<Output = Result<T>> + Unpin> Future for Once<Fut> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Some(call) => Pin::new(call).poll(context),
            None => Poll::Ready(Err(Error::new(
                ErrorKind::Unexpected,
                "resilience.around",
                "a call that can be made only once was made again",
            ))),
        }
    }
}
