//! What is wrong with what is stored.

use std::collections::HashSet;

use futures_util::TryStreamExt as _;
use serde_json::{Value, json};

use crate::error::Result;
use crate::permission::{Issue, IssueCode, IssueReport, check_configurations, check_records};
use crate::storage::{Collection, Query};
use crate::studio::team::{TEAM_MEMBERS, WEDDINGS};
use crate::telemetry::call;

use super::super::records::RAW_SECTIONS;
use super::handle::{MANAGE, SectionService, is_protected};
use super::results::{SECTION_PERMISSIONS, SectionResult};

impl SectionService {
    /// Checks all section configurations: `sections.md`, §6. What is wrong with who sees a section of a protected type is
    /// left out unless the actor may `section.manage_protected` the organization.
    ///
    /// # Errors
    /// - [`ErrorKind::Denied`](crate::ErrorKind::Denied): the actor may not `section.manage` the organization.
    /// - Those of the database: what could not be read is never called valid.
    pub async fn check(&self) -> Result<IssueReport> {
        let work = async {
            self.ask_all(&MANAGE).await?;
            // As they stand, also those that are no object.
            let configurations = self.values(&RAW_SECTIONS).await?;
            let weddings = self.values(&WEDDINGS).await?;
            let organization = self.store.organization().as_str();
            let mut report =
                check_configurations(organization, Some(&configurations), Some(&weddings));
            let text = |record: &Value, name| Some(record.get(name)?.as_str()?.to_owned());
            let more = configurations
                .iter()
                .filter(|one| is_protected(text(one, "sectionType").as_deref()));
            let more: HashSet<_> = more.filter_map(|one| text(one, "id")).collect();
            let is_more = |issue: &Issue| {
                tells_who_sees(issue.code)
                    && issue.subject.as_ref().is_none_or(|id| more.contains(id))
            };
            if report.issues().iter().any(is_more) && !self.may_see_protected().await? {
                report.retain(|issue| !is_more(issue));
            }
            Ok(report)
        };
        call!(self.store.telemetry(), "section.check", work)
    }

    /// Checks all stored results against the members: `sections.md`, §6. What of it is about protected types is left out
    /// unless the actor may `section.manage_protected` the organization.
    ///
    /// # Errors
    /// As [`SectionService::check`].
    pub async fn check_results(&self) -> Result<IssueReport> {
        let work = async {
            self.ask_all(&MANAGE).await?;
            let members = self.values(&TEAM_MEMBERS).await?;
            let query = Query::all(SECTION_PERMISSIONS.name().clone());
            let mut found = self.store.all(&SECTION_PERMISSIONS, query);
            let mut records = Vec::new();
            while let Some(results) = found.try_next().await? {
                let results = results.value;
                let record = |section: &SectionResult| {
                    json!({
                        "userId": results.user_id,
                        "organizationId": results.organization_id,
                        "weddingId": results.wedding_id,
                        "sectionType": section.section_type,
                        "canView": section.can_view,
                        "canEdit": section.can_edit,
                        "canHide": section.can_hide,
                    })
                };
                records.extend(results.sections.iter().map(record));
            }
            let organization = self.store.organization().as_str();
            let mut report = check_records(organization, Some(&members), Some(&records));
            let is_more = |issue: &Issue| types(issue).any(|name| is_protected(Some(name)));
            if report.issues().iter().any(is_more) && !self.may_see_protected().await? {
                report.retain(|issue| !is_more(issue) || without_protected(issue));
            }
            Ok(report)
        };
        call!(self.store.telemetry(), "section.check_results", work)
    }

    async fn values(&self, collection: &Collection<Value>) -> Result<Vec<Value>> {
        let query = Query::all(collection.name().clone());
        let found = self.store.all(collection, query);
        found.map_ok(|found| found.value).try_collect().await
    }
}

/// Whether an issue of a configuration is about its visibility or permissions, which it then tells of.
const fn tells_who_sees(code: IssueCode) -> bool {
    matches!(
        code,
        IssueCode::UnknownCondition
            | IssueCode::MalformedCondition
            | IssueCode::UnknownRole
            | IssueCode::UnknownPhase
            | IssueCode::NoRoleListed
            | IssueCode::NoPhaseListed
            | IssueCode::EditWithoutView
            | IssueCode::HideWithoutView
            | IssueCode::RestrictedRoleListed
    )
}

/// The section types that an issue of results names, behind the wedding.
fn types(issue: &Issue) -> impl Iterator<Item = &str> {
    let names_types = matches!(
        issue.code,
        IssueCode::DuplicateRecord
            | IssueCode::EditWithoutView
            | IssueCode::HideWithoutView
            | IssueCode::MissingRequired
            | IssueCode::RestrictedSection
    );
    let names = issue.detail.iter().skip(1).filter(move |_| names_types);
    names.map(String::as_str)
}

/// Takes protected types out of an issue of results, and returns whether it still names any.
fn without_protected(issue: &mut Issue) -> bool {
    let names = types(issue).filter(|name| !is_protected(Some(name)));
    let names: Vec<_> = names.map(ToOwned::to_owned).collect();
    let is_told = !names.is_empty();
    issue.detail.truncate(1);
    issue.detail.extend(names);
    is_told
}
