//! Configurations of sections: what a change says, whether it may be made, whom it concerns, and what is wrong with
//! what is stored.
//!
//! Two things live here. The rules, each a pure function of its arguments, exactly as `sections.md` has it.
//! A change is [`validate`]d into a [`Patch`], waits in a [`BatchQueue`] where it is composed with others, is applied to
//! a [`Configuration`], and its [`Scope`] says whom it concerns. A person's own [`Overlay`] lies over the configuration
//! that all share. [`check_configurations`] and [`check_records`] report what is wrong with what is stored, and
//! [`PartnerSettings`] decide what leaves the house.
//!
//! And what carries them out: a [`StoredPolicy`] follows what decides in an organization, and a [`SectionService`]
//! reads, changes, undoes, copies and reports, for one actor, never more than their part. A [`SectionQueue`] lets changes
//! wait a moment for others.

mod batch;
mod configuration;
mod equality;
mod external;
mod group;
mod live;
mod overlay;
mod partners;
mod patch;
mod policy;
mod records;
mod scope;
mod service;
mod template;
mod validate;

pub use crate::permission::{
    Issue, IssueCode, IssueReport, Severity, check_configurations, check_records,
};
pub use batch::{
    BatchItem, BatchQueue, ConfigurationChange, ConfigurationEntry, Flush, FlushId,
    PermissionEntry, PermissionMark, Trigger,
};
pub use configuration::Configuration;
pub use external::{PartnerGrant, PartnerMessage, PartnerSettings};
pub use group::Group;
pub use live::{
    Cursor, Difference, LiveOptions, LiveSection, LiveSections, LiveView, Picture, Subscription,
    Update, WatchRequest,
};
pub use overlay::Overlay;
pub use partners::{
    Partner, PartnerAttempt, PartnerCall, PartnerEnd, PartnerOptions, PartnerPlace,
    PartnerTransport, Partners, SECTION_PARTNER_CHANGED, SECTION_PARTNER_PLACES,
    SECTION_PARTNER_REMOVED, SECTION_PARTNER_STOPPED, SECTION_PARTNERS,
};
#[cfg(all(feature = "crypto", feature = "http"))]
#[cfg_attr(docsrs, doc(cfg(all(feature = "crypto", feature = "http"))))]
pub use partners::{PartnerSecrets, WebhookTransport};
pub use patch::Patch;
pub use policy::{PolicyOptions, StoredPolicy};
pub use records::{
    Author, HistoryEntry, HistoryKind, OverlayRecord, SECTION_ARRANGEMENTS_REMOVED,
    SECTION_CHANGED, SECTION_CONFIGURATIONS, SECTION_HISTORY, SECTION_HISTORY_ERASED,
    SECTION_OVERLAYS, SECTION_PERSONALIZED, SECTION_REMOVED, SECTION_SLOTS,
    SECTION_TEMPLATE_CHANGED, SECTION_TEMPLATE_REMOVED, SECTION_TEMPLATES, TemplateRecord,
};
pub use scope::{Reach, Scope, Target};
pub use service::{
    Patched, QueueOptions, SECTION_PERMISSIONS, SECTION_RESULTS, SECTION_RESULTS_CHANGED,
    SECTION_SYNCS, SectionQueue, SectionResult, SectionResults, SectionService, SectionView,
    SyncProgress, SyncRecord, Ticket,
};
pub use template::Template;
pub use validate::{Validation, ValidationCode, ValidationError, validate};
