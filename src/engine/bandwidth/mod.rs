//! Who may send how fast: one link shared by all organizations, their platforms and their transfers.
//!
//! [`Bandwidth`] is the handle. A transfer [joins](Bandwidth::join) with its organization, platform and [`Class`], and
//! asks its [`Lane`] before its bytes go. What it gets follows from the tree link → organization → platform → transfer:
//!
//! 1. Guarantees are kept first. Where they do not all fit, by tiers, then in proportion, and somebody is told.
//! 2. The rest is lent, to the first tier that can use it. By default only an [emergency](Class::Emergency) has a tier
//!    of its own; all other classes share one by weight, so that none of them starves beside the others.
//! 3. Within a tier siblings get equal parts for their weights, counting what they have. What one cannot use goes to
//!    the others.
//!
//! Limits hold everywhere. While an organization's [event](EventWindow) lasts its transfers are raised to those of a
//! wedding day; a [`Timetable`] says what the link carries by weekday and local time.
//!
//! [`Tree`] is the same sharing as a pure function, for plans and tests.

mod arena;
mod builder;
mod calendar;
mod check;
mod class;
mod demand;
mod events;
mod fill;
mod gate;
mod handle;
mod hub;
mod lane;
mod local;
mod node;
mod pacer;
mod rate;
mod settings;
mod side;
mod snapshot;
mod solve;
mod timetable;
mod tree;

pub use builder::BandwidthBuilder;
pub use calendar::EventWindow;
pub use class::{Class, Policy, Standing};
pub use events::{BandwidthEvent, BandwidthEvents, Cause, Place, StreamId, Who, Why};
pub use handle::Bandwidth;
pub use lane::Lane;
pub use local::{LocalTime, Weekday};
pub use node::Node;
pub use rate::Rate;
pub use settings::{Direction, Share, Stream};
pub use snapshot::{LinkShares, OrganizationShares, PlatformShares, Snapshot, StreamShare};
pub use timetable::{Scheduled, Timetable};
pub use tree::{Allocation, Overcommit, Tree};
