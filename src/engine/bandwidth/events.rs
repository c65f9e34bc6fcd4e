//! What happens on a link, told to whoever listens.

use std::fmt;
use std::sync::Arc;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::class::Class;
use super::rate::Rate;
use super::settings::Direction;

/// How many events are kept for a listener that is behind.
pub(super) const KEPT: usize = 4_096;

/// One transfer among those of one [`Bandwidth`](super::Bandwidth); never given twice.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct StreamId(pub(super) u64);

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Whom an event is about.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Who {
    /// The transfer.
    pub stream: StreamId,
    /// Which way its bytes go.
    pub direction: Direction,
    /// Whose transfer it is.
    pub organization: Arc<str>,
    /// Which platform it goes to or comes from.
    pub platform: Arc<str>,
}

/// A place in the tree that shares a link.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Place {
    /// The link itself.
    Link,
    /// An organization.
    Organization(Arc<str>),
    /// A platform of an organization.
    Platform(Arc<str>, Arc<str>),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link => f.write_str("link"),
            Self::Organization(organization) => f.write_str(organization),
            Self::Platform(organization, platform) => write!(f, "{organization}/{platform}"),
        }
    }
}

/// What makes a rate what it is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Why {
    /// Nothing bounds the transfer.
    Unlimited,
    /// It can use no more.
    Demand,
    /// It is at its own limit.
    Cap,
    /// Its platform or organization is at its limit.
    GroupCap,
    /// It has what it is guaranteed, and no part of the rest.
    Guarantee,
    /// It has its part, by weight.
    Share,
    /// Nothing was left for it, or nothing is carried at all.
    Nothing,
}

/// What made rates change.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Cause {
    /// A transfer has joined.
    Joined,
    /// A transfer has left.
    Left,
    /// A transfer has another class.
    Class,
    /// A transfer can use more or less than before.
    Demand,
    /// The link carries more or less than before.
    Capacity,
    /// The policy, a share or a limit was changed.
    Settings,
    /// An organization's event has begun or ended.
    Escalation,
}

/// Something that happened.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum BandwidthEvent {
    /// A transfer takes part from now on.
    #[non_exhaustive]
    Joined {
        /// The transfer.
        who: Who,
        /// How urgent it is.
        class: Class,
    },
    /// A transfer takes part no longer.
    #[non_exhaustive]
    Left {
        /// The transfer.
        who: Who,
        /// How many bytes it took in all.
        bytes: u64,
    },
    /// A transfer has another class.
    #[non_exhaustive]
    Class {
        /// The transfer.
        who: Who,
        /// How urgent it is now.
        class: Class,
    },
    /// A transfer has another rate; changes of less than one in a hundred are not told.
    #[non_exhaustive]
    Rate {
        /// The transfer.
        who: Who,
        /// What it has now, rounded down; nothing means that nothing bounds it.
        rate: Option<Rate>,
        /// What makes it so much.
        why: Why,
        /// What made it change.
        cause: Cause,
    },
    /// Guarantees do not fit, or by another amount than before.
    #[non_exhaustive]
    Overcommitted {
        /// Which link.
        direction: Direction,
        /// Where they do not fit.
        place: Place,
        /// What is guaranteed below it and can be used now, rounded down.
        asked: Rate,
        /// What there is for that, rounded down.
        granted: Rate,
    },
    /// Guarantees fit again.
    #[non_exhaustive]
    Recovered {
        /// Which link.
        direction: Direction,
        /// Where they fit again.
        place: Place,
    },
    /// An event of an organization has begun to count, or does no longer.
    #[non_exhaustive]
    Escalated {
        /// The organization.
        organization: Arc<str>,
        /// Whether its transfers are raised from now on.
        raised: bool,
    },
    /// The link carries another amount.
    #[non_exhaustive]
    CapacityChanged {
        /// Which link.
        direction: Direction,
        /// What it carries now; nothing means as much as there is.
        capacity: Option<Rate>,
    },
    /// The listener was too slow, and this many events are lost to it. [`snapshot`](super::Bandwidth::snapshot) tells how
    /// things stand.
    Missed(u64),
}

/// A listener: gets what happens after it was made.
///
/// Up to 4,096 events are kept for it.
#[derive(Debug)]
pub struct BandwidthEvents(pub(super) Receiver<BandwidthEvent>);

impl BandwidthEvents {
    /// Waits for the next event; nothing when no handle is left that could make one.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop: no event is lost.
    pub async fn next(&mut self) -> Option<BandwidthEvent> {
        match self.0.recv().await {
            Ok(event) => Some(event),
            Err(RecvError::Lagged(missed)) => Some(BandwidthEvent::Missed(missed)),
            Err(RecvError::Closed) => None,
        }
    }
}
