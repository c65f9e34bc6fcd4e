//! Calls that are not lost when a layer refuses them.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::sleep;

use crate::error::Result;

use super::super::base::{is_own, way};
use super::around::{Around, once};
use super::call::Call;

/// How long to wait after a refusal that does not say.
const USUAL: Duration = Duration::from_secs(1);

/// The least wait: what a timer can tell apart.
const LEAST: Duration = Duration::from_millis(1);

/// The longest wait before asking again: a pause may have been lifted meanwhile.
const MOST: Duration = Duration::from_secs(30);

/// Makes a call that cannot be made anew, such as the end of an upload: as long as the layer refuses it
/// for a while and has not begun it, waits and asks again.
pub(super) async fn patiently<A, T, Fut>(around: &A, call: &Call, mut request: Fut) -> Result<T>
where
    A: Around,
    T: Send,
    Fut: Future<Output = Result<T>> + Send + Unpin,
{
    let mut is_begun = false;
    let request = &mut request;
    let first = once(Begin(&mut *request, &mut is_begun));
    let mut answer = around.around(call, first).await;
    loop {
        let wait = match &answer {
            Err(error) if !is_begun && is_own(error) && error.is_retryable() => {
                error.retry_after().unwrap_or(USUAL)
            }
            _ => return answer,
        };
        sleep(wait.clamp(LEAST, MOST)).await;
        let again = once(Begin(&mut *request, &mut is_begun));
        // The patience of the whole way in is for those who may be sent away.
        answer = way::within(None, around.around(call, again)).await;
    }
}

/// Notes that a request has begun.
struct Begin<'a, Fut>(&'a mut Fut, &'a mut bool);

impl<Fut: Future + Unpin> Future for Begin<'_, Fut> {
    type Output = Fut::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        *self.1 = true;
        Pin::new(&mut *self.0).poll(context)
    }
}
