//! One patience for all waits of a call on its way in.

use std::sync::Arc;
use std::time::Duration;

use crate::connector::PlatformConnector;
use crate::error::Result;

use super::base::Scope;
use super::base::way::{self, Way};
use super::seam::{Around, Call, ConnectorLayer, Wrapped};

/// Lets the layers within wait for so long together, after which the one that a call waits in refuses it.
///
/// Each of them may be patient enough by itself, and all of them one after the other be too slow for
/// whoever waits for the answer.
#[derive(Clone, Debug)]
pub(super) struct Entrance {
    scope: Scope,
    patience: Duration,
}

impl Entrance {
    pub(super) fn new(scope: Scope, patience: Duration) -> Self {
        Self { scope, patience }
    }
}

impl ConnectorLayer for Entrance {
    fn apply(&self, inner: Arc<dyn PlatformConnector>) -> Arc<dyn PlatformConnector> {
        Arc::new(Wrapped::new(inner, self.clone()))
    }
}

impl Around for Entrance {
    async fn around<T, F, Fut>(&self, call: &Call, mut make: F) -> Result<T>
    where
        T: Send,
        F: FnMut() -> Fut + Send,
        Fut: Future<Output = Result<T>> + Send,
    {
        if !call.is_request() {
            return make().await;
        }
        let way = Way::new(&self.scope, self.patience);
        way::within(Some(way), make()).await
    }
}
