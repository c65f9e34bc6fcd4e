//! How long the way in may take, through all layers in which a call waits.

use std::time::Duration;

use crate::engine::resilience::caller::Waiting;

use super::account::Scope;

tokio::task_local! {
    /// When the waits of the call that this task makes have to be over.
    static WAY: Option<Way>;
}

/// The way in to one account. Another that is called on the way has its own.
#[derive(Clone, Debug)]
pub(in super::super) struct Way {
    scope: Scope,
    end: Duration,
}

impl Way {
    /// A way whose waits, in all layers together, end when `patience` is over.
    pub(in super::super) fn new(scope: &Scope, patience: Duration) -> Self {
        Self {
            end: scope.now().saturating_add(patience),
            scope: scope.clone(),
        }
    }
}

/// Makes a call on this way in; with `None` each layer waits as long as it has patience itself.
pub(in super::super) async fn within<F: Future>(way: Option<Way>, call: F) -> F::Output {
    WAY.scope(way, call).await
}

/// Awaits `wait`, which is told how long it may take in a layer whose own patience is `own`.
///
/// Somebody who bounds the call itself hears of a wait on the way in, so that he does not take it for
/// slowness of the platform.
pub(in super::super) async fn wait<F: Future>(
    scope: &Scope,
    own: Duration,
    wait: impl FnOnce(Duration) -> F,
) -> F::Output {
    let end = WAY.try_with(|way| {
        let way = way.as_ref().filter(|way| way.scope.is_same(scope));
        way.map(|way| way.end)
    });
    let Some(end) = end.ok().flatten() else {
        return wait(own).await;
    };
    let _told = Waiting::begin();
    wait(own.min(end.saturating_sub(scope.now()))).await
}
