//! The part of the link that a transfer may use.

use crate::connector::{Category, NamedConnector};
use crate::engine::bandwidth::{Bandwidth, Class, Direction, Lane, Stream};
use crate::error::Result;
use crate::id::OrganizationId;

use super::calls::{Calls, cancelled};

/// How many bytes are asked for at once, so that others have their turn in between, however large the parts are that a
/// platform wants. A part leaves in one piece once all of it has been asked for.
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
        let stream = (platform.category != Category::Local).then(|| {
            let stream = Stream::new(direction, self.organization.as_str(), platform.id);
            stream.with_class(self.class)
        });
        let mut way = Way {
            bandwidth: self.bandwidth.clone(),
            stream,
            lane: None,
            paid: 0,
        };
        way.enter()?;
        Ok(way)
    }
}

/// One way of a transfer's bytes; leaves the link when it is dropped.
#[derive(Debug)]
pub(super) struct Way {
    bandwidth: Bandwidth,
    /// As what it joins; `None` where nothing is shared.
    stream: Option<Stream>,
    lane: Option<Lane>,
    /// Bytes that may go and have not been sent yet.
    paid: usize,
}

impl Way {
    /// Waits until so many bytes may go. What was paid ahead counts.
    pub(super) async fn take(&mut self, bytes: usize, calls: &Calls) -> Result<()> {
        self.pay_ahead(bytes, calls).await?;
        self.paid = self.paid.saturating_sub(bytes);
        Ok(())
    }

    /// Waits until so many bytes may go and keeps that for the next [`take`](Self::take). When this is dropped, what has
    /// been waited for so far is kept.
    pub(super) async fn pay_ahead(&mut self, bytes: usize, calls: &Calls) -> Result<()> {
        while self.paid < bytes {
            let grain = (bytes - self.paid).min(GRAIN);
            let Some(lane) = self.enter()? else {
                return Ok(());
            };
            tokio::select! {
                biased;
                () = calls.cancel.cancelled() => return Err(cancelled("transfer.throttle")),
                () = lane.take(grain) => {}
            }
            self.paid += grain;
        }
        Ok(())
    }

    /// Leaves the link, which others may have meanwhile, until the next bytes have to go.
    pub(super) fn leave(&mut self) {
        self.lane = None;
    }

    fn enter(&mut self) -> Result<Option<&Lane>> {
        if let (None, Some(stream)) = (&self.lane, &self.stream) {
            self.lane = Some(self.bandwidth.join(stream)?);
        }
        Ok(self.lane.as_ref())
    }
}
