//! What one person sees, told as it changes.
//!
//! The pure half: [`view`] keeps what a subscriber was told and works out what differs, [`changed`] says what is different
//! between two states of an organization, so that only that is worked out anew. The other half follows the journal: one
//! [`follower`] for each organization, however many subscribe.

mod changed;
mod cursor;
mod follower;
mod options;
mod own;
mod picture;
mod published;
mod request;
mod service;
mod subscription;
mod update;
mod view;

pub use cursor::Cursor;
pub use options::LiveOptions;
pub use picture::LiveView;
pub use request::WatchRequest;
pub use service::LiveSections;
pub use subscription::Subscription;
pub use update::{Difference, LiveSection, Picture, Update};
