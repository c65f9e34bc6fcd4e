//! What is wrong with what is stored.

use futures_util::TryStreamExt as _;
use serde_json::{Value, json};

use crate::error::Result;
use crate::permission::{IssueReport, check_configurations, check_records};
use crate::storage::{Collection, Query};
use crate::studio::team::{TEAM_MEMBERS, WEDDINGS};
use crate::telemetry::call;

use super::super::records::RAW_SECTIONS;
use super::handle::{MANAGE, SectionService};
use super::results::{SECTION_PERMISSIONS, SectionResult};

impl SectionService {
    /// Checks all section configurations: `sections.md`, §6.
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
            Ok(check_configurations(
                organization,
                Some(&configurations),
                Some(&weddings),
            ))
        };
        call!(self.store.telemetry(), "section.check", work)
    }

    /// Checks all stored results against the members: `sections.md`, §6.
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
            Ok(check_records(organization, Some(&members), Some(&records)))
        };
        call!(self.store.telemetry(), "section.check_results", work)
    }

    async fn values(&self, collection: &Collection<Value>) -> Result<Vec<Value>> {
        let query = Query::all(collection.name().clone());
        let found = self.store.all(collection, query);
        found.map_ok(|found| found.value).try_collect().await
    }
}
