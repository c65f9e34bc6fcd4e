//! The part of the link that a transfer may use.

use crate::engine::bandwidth::{Bandwidth, Class, Direction, Lane, Stream};
use crate::connector::{Category, NamedConnector};
use crate::error::Result;
use crate::id::OrganizationId;

use super::calls::{Calls, cancelled};

/// Where the transfers of one mover stand among all that share the link.
#[derive(Clone, Debug)]
pub(crate) struct Throttle {
    pub(crate) bandwidth: Bandwidth,
    pub(crate) organization: OrganizationId,
    pub(crate) class: Class,
}

impl Throttle {
    /// Joins those that share the link to the platform of `place`. What is on this machine shares none.
    pub(super) fn join(&self, direction: Direction, place: &NamedConnector) -> Result<Way> {
        let platform = place.connector().platform();
        if platform.category == Category::Local {
            return Ok(Way(None));
        }
        let stream = Stream::new(direction, self.organization.as_str(), platform.id);
        let lane = self.bandwidth.join(stream.with_class(self.class))?;
        Ok(Way(Some(lane)))
    }
}

/// One way of a transfer's bytes; leaves the link when it is dropped.
#[derive(Debug)]
pub(super) struct Way(Option<Lane>);

impl Way {
    /// Waits until so many bytes may go.
    pub(super) async fn take(&self, bytes: usize, calls: &Calls) -> Result<()> {
        let Some(lane) = &self.0 else {
            return Ok(());
        };
        tokio::select! {
            biased;
            () = calls.cancel.cancelled() => Err(cancelled("transfer.throttle")),
            () = lane.take(bytes as u64) => Ok(()),
        }
    }
}
