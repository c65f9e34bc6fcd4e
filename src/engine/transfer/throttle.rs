//! The part of the link that a transfer may use.

use crate::connector::{Category, NamedConnector};
use crate::engine::bandwidth::{Bandwidth, Class, Direction, Lane, Stream};
use crate::error::Result;
use crate::id::OrganizationId;

use super::calls::{Calls, cancelled};

/// How many bytes are asked for at once: a new rate holds from the next of them on, however large the parts are that a
/// platform wants.
const GRAIN: usize = 64 << 10;

/// Where the transfers of one mover stand among all that share the link.
#[derive(Clone, Debug)]
pub(super) struct Throttle {
    pub(super) bandwidth: Bandwidth,
    pub(super) organization: OrganizationId,
    pub(super) class: Class,
}

impl Throttle {
    /// Joins those that share the link to the platform of `place`. What is on this machine shares none.
    pub(super) fn join(&self, direction: Direction, place: &NamedConnector) -> Result<Way> {
        let platform = place.connector().platform();
        if platform.category == Category::Local {
            return Ok(Way(None));
        }
        let stream = Stream::new(direction, self.organization.as_str(), platform.id);
        let lane = self.bandwidth.join(&stream.with_class(self.class))?;
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
        let all = async {
            let mut left = bytes;
            while left > 0 {
                let grain = left.min(GRAIN);
                lane.take(grain).await;
                left -= grain;
            }
        };
        tokio::select! {
            biased;
            () = calls.cancel.cancelled() => Err(cancelled("transfer.throttle")),
            () = all => Ok(()),
        }
    }
}
