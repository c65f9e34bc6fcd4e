//! How long the way in may take, through all layers in which a call waits.

use std::time::Duration;

tokio::task_local! {
    /// When the waits of the call that this task makes have to be over, by the clock of its account.
    static END: Option<Duration>;
}

/// Makes a call whose waits, in all layers together, end at `end`; with `None` each layer waits as long
/// as it has patience itself.
pub(in super::super) async fn within<F: Future>(end: Option<Duration>, call: F) -> F::Output {
    END.scope(end, call).await
}

/// Returns how long a layer whose own patience is `own` may wait from `now` on.
pub(in super::super) fn patience(now: Duration, own: Duration) -> Duration {
    let end = END.try_with(|end| *end).ok().flatten();
    end.map_or(own, |end| own.min(end.saturating_sub(now)))
}
