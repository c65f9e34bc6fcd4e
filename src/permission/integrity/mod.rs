//! What is wrong with what is stored.

mod issue;
mod records;
mod sections;

pub use issue::{Issue, IssueCode, IssueReport, Severity};
pub use records::check_records;
pub use sections::check_configurations;
