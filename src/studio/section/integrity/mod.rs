//! What is wrong with what is stored: `sections.md` §6.

mod configurations;
mod issue;
mod records;

pub use configurations::check_configurations;
pub use issue::{Issue, IssueCode, IssueReport, Severity};
pub use records::check_records;
