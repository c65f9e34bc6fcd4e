//! External systems that are told of sections: who they are, what each is told, and how far each has been told.
//!
//! The journal is the queue. Each partner has a place in it of its own, kept in the database; what an entry makes of a
//! message is worked out when it is due, by the partner's settings and by what decides as they are then.

mod delivery;
#[cfg(all(feature = "crypto", feature = "http"))]
mod http;
mod options;
mod outbox;
mod records;
mod service;
mod transport;

pub use delivery::PartnerEnd;
#[cfg(all(feature = "crypto", feature = "http"))]
#[cfg_attr(docsrs, doc(cfg(all(feature = "crypto", feature = "http"))))]
pub use http::{PartnerSecrets, WebhookTransport};
pub use options::PartnerOptions;
pub use records::{
    Partner, PartnerPlace, SECTION_PARTNER_CHANGED, SECTION_PARTNER_PLACES,
    SECTION_PARTNER_REMOVED, SECTION_PARTNER_STOPPED, SECTION_PARTNERS,
};
pub use service::Partners;
pub use transport::{PartnerAttempt, PartnerCall, PartnerTransport};
