//! What partners are sent: `sections.md` §7.

mod canonical;
mod message;
mod settings;

pub use message::PartnerMessage;
pub use settings::{PartnerGrant, PartnerSettings};
