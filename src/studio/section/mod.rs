//! Configurations of sections: what a change says, whether it may be made, whom it concerns, and what is wrong with
//! what is stored.
//!
//! Everything here is a pure function of its arguments, exactly as `sections.md` has it: no clock, no store, no chance.
//! A change is [`validate`]d into a [`Patch`], waits in a [`BatchQueue`] where it is composed with others, is applied to
//! a [`Configuration`], and its [`Scope`] says whom it concerns. A person's own [`Overlay`] lies over the configuration
//! that all share. [`check_configurations`] and [`check_records`] report what is wrong with what is stored, and
//! [`PartnerSettings`] decide what leaves the house.

mod batch;
mod code;
mod configuration;
mod equality;
mod external;
mod group;
mod integrity;
mod live;
mod overlay;
mod patch;
mod policy;
mod records;
mod scope;
mod template;
mod validate;

pub use batch::{
    BatchItem, BatchQueue, ConfigurationChange, ConfigurationEntry, Flush, FlushId,
    PermissionEntry, PermissionMark, Trigger,
};
pub use configuration::Configuration;
pub use external::{PartnerGrant, PartnerMessage, PartnerSettings};
pub use group::Group;
pub use integrity::{Issue, IssueCode, IssueReport, Severity, check_configurations, check_records};
pub use live::{
    Cursor, Difference, LiveOptions, LiveSection, LiveSections, LiveView, Picture, Subscription,
    Update, WatchRequest,
};
pub use overlay::Overlay;
pub use patch::Patch;
pub use policy::{PolicyOptions, StoredPolicy};
pub use records::{SECTION_CHANGED, SECTION_CONFIGURATIONS, SECTION_REMOVED};
pub use scope::{Reach, Scope, Target};
pub use template::Template;
pub use validate::{Validation, ValidationCode, ValidationError, validate};
