//! What is personal about an event, sealed beside the journal under a key of the person it is about.

mod opening;
mod reference;
mod subject;
mod vault;

pub use opening::SideOpening;
pub use reference::SideRef;
pub use subject::SubjectId;
pub use vault::{
    AUDIT_SIDE_RECORDS, AUDIT_SUBJECTS, Holder, SideRecord, SubjectRecord, SubjectVault,
};
