//! What a check finds.

use serde::Serialize;

use super::super::codes::codes;

codes! {
    /// How bad an issue is.
    Severity:
    /// What is stored is wrong.
    Error = "error",
    /// It may be meant.
    Warning = "warning",
}

codes! {
    /// What is wrong: the tables of `sections.md` §6.
    IssueCode:
    /// It could not be read.
    Unavailable = "unavailable",
    /// It belongs to another organization.
    ForeignOrganization = "foreign_organization",
    /// Its wedding does not exist.
    OrphanedWedding = "orphaned_wedding",
    /// Its wedding is another organization's.
    ForeignWedding = "foreign_wedding",
    /// It cannot be understood, and denies everybody.
    MalformedConfig = "malformed_config",
    /// Several have one position.
    DuplicatePosition = "duplicate_position",
    /// Several are for one section.
    DuplicateSection = "duplicate_section",
    /// There is no such condition: nobody sees the section.
    UnknownCondition = "unknown_condition",
    /// A condition cannot be evaluated: nobody sees the section.
    MalformedCondition = "malformed_condition",
    /// There is no such role.
    UnknownRole = "unknown_role",
    /// There is no such phase.
    UnknownPhase = "unknown_phase",
    /// Nobody is listed.
    NoRoleListed = "no_role_listed",
    /// It is limited to no phase at all.
    NoPhaseListed = "no_phase_listed",
    /// Who may edit it cannot see it.
    EditWithoutView = "edit_without_view",
    /// Who may hide it cannot see it.
    HideWithoutView = "hide_without_view",
    /// It is shown to roles for which its type is restricted.
    RestrictedRoleListed = "restricted_role_listed",
    /// It is about nobody in the organization.
    UnknownUser = "unknown_user",
    /// There are records, but the user has no role.
    NoRole = "no_role",
    /// There are several records for one section.
    DuplicateRecord = "duplicate_record",
    /// What the role requires cannot be seen.
    MissingRequired = "missing_required",
    /// What is restricted for the role can be seen.
    RestrictedSection = "restricted_section",
}

/// One thing that is wrong.
#[derive(Clone, Debug, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Issue {
    /// Of which configuration or user; nothing if it is about the check itself, or the record has no id.
    pub subject: Option<String>,
    /// How bad.
    pub severity: Severity,
    /// What.
    pub code: IssueCode,
    /// Names and ids, as the table has them for this code.
    pub detail: Vec<String>,
}

/// What a check found: issues by subject, code and detail, each once.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct IssueReport(Vec<Issue>);

impl IssueReport {
    /// Whether there is no error among the issues; warnings do not matter.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.0.iter().all(|issue| issue.severity != Severity::Error)
    }

    /// Returns the issues.
    #[must_use]
    pub fn issues(&self) -> &[Issue] {
        &self.0
    }

    /// The report of what could not be read: "no data" is never "valid".
    pub(super) fn unavailable() -> Self {
        let mut report = Self::default();
        report.error(None, IssueCode::Unavailable, []);
        report
    }

    pub(super) fn error(
        &mut self,
        subject: Option<&str>,
        code: IssueCode,
        detail: impl IntoIterator<Item = String>,
    ) {
        self.add(subject, Severity::Error, code, detail);
    }

    pub(super) fn warning(
        &mut self,
        subject: Option<&str>,
        code: IssueCode,
        detail: impl IntoIterator<Item = String>,
    ) {
        self.add(subject, Severity::Warning, code, detail);
    }

    /// Leaves out what is not for somebody to know.
    pub(crate) fn retain(&mut self, is_told: impl FnMut(&mut Issue) -> bool) {
        self.0.retain_mut(is_told);
    }

    pub(super) fn sorted(mut self) -> Self {
        self.0.sort_by(|a, b| order(a).cmp(&order(b)));
        self.0.dedup();
        self
    }

    fn add(
        &mut self,
        subject: Option<&str>,
        severity: Severity,
        code: IssueCode,
        detail: impl IntoIterator<Item = String>,
    ) {
        self.0.push(Issue {
            subject: subject.map(Into::into),
            severity,
            code,
            detail: detail.into_iter().collect(),
        });
    }
}

fn order(issue: &Issue) -> (Option<&str>, &'static str, &[String]) {
    (issue.subject.as_deref(), issue.code.as_str(), &issue.detail)
}
