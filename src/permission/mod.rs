//! Who may see what, and who may do what.
//!
//! Two things live here. The seam to whoever decides: a [`PermissionResolver`] gives an unchanging
//! [`PermissionSnapshot`], which answers for one actor and many resources at a time. Every service call asks it before it
//! reads or writes. A host that decides by itself names [`TrustedHost`]; a host that names nothing gets [`HostOnly`]; a host
//! with an engine of its own puts a [`RemoteResolver`] before it.
//!
//! And the calculation for the sections of a wedding: a [`Snapshot`] of an organization's members, weddings and section
//! configurations answers who sees what, [who sees this](Snapshot::subjects), [what a change would do](Snapshot::simulate)
//! and until when an answer holds. It never grants by accident: what cannot be understood denies.

mod capability;
#[cfg(feature = "cedar")]
#[cfg_attr(docsrs, doc(cfg(feature = "cedar")))]
pub mod cedar;
pub(crate) mod codes;
mod condition;
mod decision;
mod denial;
mod evaluate;
mod explain;
mod general;
mod integrity;
mod matrix;
mod member;
pub(crate) mod numbers;
mod record;
mod remote;
mod resolver;
pub mod rights;
mod section;
mod simulate;
mod snapshot;
mod standing;
mod table;
mod trusted;
mod view;
mod wedding;

pub use capability::{Capabilities, Capability};
pub use condition::{Condition, ConditionFault, FieldTest};
pub use decision::{Grant, SectionDecision};
pub use denial::{Denial, Denials};
pub use evaluate::{Context, decide_one};
pub use explain::{Check, Explanation, Outcome, Rule};
pub use general::AsOf;
pub use integrity::{Issue, IssueCode, IssueReport, Severity, check_configurations, check_records};
pub use matrix::Matrix;
pub use member::Member;
pub use remote::{RemoteEngine, RemoteOptions, RemoteResolver};
pub use resolver::{
    Action, Actor, Decision, PermissionResolver, PermissionSnapshot, Reason, Resource, authorize,
};
pub use section::Section;
pub use simulate::{Impact, MemberImpact};
pub use snapshot::{Change, Snapshot, SnapshotBuilder};
pub use trusted::{HostOnly, TrustedHost};
pub use view::{EffectiveSection, View};
pub use wedding::Wedding;
