//! Patterns of sections, and sections made of them.

use std::future::ready;

use futures_util::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};

use crate::engine::journal::{Event, EventKind};
use crate::error::{Error, ErrorKind, Result};
use crate::permission::Resource;
use crate::storage::{Batch, JournalName, Precondition, Query, RecordId, Version, Versioned};
use crate::studio::team::{Written, check_id};
use crate::telemetry::{self, call};

use super::super::configuration::Configuration;
use super::super::records::{
    SECTION_CONFIGURATIONS, SECTION_TEMPLATE_CHANGED, SECTION_TEMPLATE_REMOVED, SECTION_TEMPLATES,
    TemplateRecord,
};
use super::super::template::Template;
use super::check::check_configuration;
use super::handle::{
    MANAGE, MANAGE_PROTECTED, SectionService, is_protected, keyed, section_resource,
};

/// Most sections that are made of a pattern at once: each takes four steps of a batch, and the wedding one.
const MOST: usize = 24;

/// Most bytes of the name of a template.
const LONGEST_NAME: usize = 200;

impl SectionService {
    /// Keeps the sections of `wedding`, or those of the whole organization, as a template: at most 24.
    ///
    /// # Errors
    /// - [`ErrorKind::InvalidInput`]: the id or the name is none, of 1 to 200 bytes without control characters.
    /// - [`ErrorKind::Denied`]: the actor may not `section.manage` the organization or one of the sections, or not
    ///   `section.manage_protected` one though its type is protected; or one stands in the template that it replaces, and
    ///   they may not `section.manage_protected` the organization.
    /// - [`ErrorKind::LimitExceeded`]: there are more sections than that.
    /// - [`ErrorKind::Conflict`]: the precondition does not hold; and those of the database.
    ///
    /// # Cancel safety
    ///
    /// As [`SectionService::patch`].
    pub async fn keep_template(
        &self,
        template: &str,
        name: &str,
        wedding: Option<&str>,
        expected: Precondition,
    ) -> Result<Written> {
        let work = async {
            let id = template_key(template)?;
            if name.len() > LONGEST_NAME {
                let message = "the name of a template has at most 200 bytes";
                return Err(Error::new(
                    ErrorKind::InvalidInput,
                    "section.template",
                    message,
                ));
            }
            check_id(name, "section.template")?;
            self.ask_all(&MANAGE).await?;
            let record = TemplateRecord {
                name: name.to_owned(),
                sections: self.pattern(wedding).await?,
            };
            let old = self.store.get(&SECTION_TEMPLATES, &id).await?;
            if let Some(old) = &old {
                self.ask_of_template(&old.value).await?;
            }
            let found = old.map(|old| old.version);
            expected.verify(SECTION_TEMPLATES.name(), &id, found)?;
            let version = found.map_or(Version::new(1), Version::next);
            let held = found.map_or(Precondition::Absent, Precondition::At);
            let mut batch = Batch::new(self.clock.now());
            batch.put_with(&SECTION_TEMPLATES, id, &record, held, Vec::new())?;
            let event = self.template_event(SECTION_TEMPLATE_CHANGED, template);
            batch.append(JournalName::main(), &event)?;
            self.commit(batch, version).await
        };
        call!(self.store.telemetry(), "section.keep_template", work)
    }

    /// Returns a template.
    ///
    /// # Errors
    /// [`ErrorKind::Denied`]: the actor may not `section.manage` the organization, or not `section.manage_protected` it
    /// though a section of a protected type stands in it; and those of the database.
    pub async fn template(&self, template: &str) -> Result<Option<Versioned<TemplateRecord>>> {
        let work = async {
            let id = template_key(template)?;
            self.ask_all(&MANAGE).await?;
            let found = self.store.get(&SECTION_TEMPLATES, &id).await?;
            if let Some(found) = &found {
                self.ask_of_template(&found.value).await?;
            }
            Ok(found)
        };
        call!(self.store.telemetry(), "section.template", work)
    }

    /// Returns all templates, by id, page by page. A refusal or a failure is the last item.
    ///
    /// Asks for `section.manage` of the organization; those with a section of a protected type are left out for who may not
    /// `section.manage_protected` it.
    #[must_use]
    pub fn templates(&self) -> BoxStream<'static, Result<Versioned<TemplateRecord>>> {
        let service = self.clone();
        let found = async move {
            let may = match service.may_read_protected().await {
                Ok(may) => may,
                Err(error) => return stream::iter([Err(error)]).boxed(),
            };
            let query = Query::all(SECTION_TEMPLATES.name().clone());
            let all = service.store.all(&SECTION_TEMPLATES, query);
            let allowed = all.try_filter(move |found| ready(may || !tells_more(&found.value)));
            allowed.boxed()
        };
        let found = stream::once(found).flatten().boxed();
        telemetry::within(tracing::debug_span!("section.templates"), found)
    }

    /// Removes a template. Sections that were made of it stay.
    ///
    /// # Errors
    /// - [`ErrorKind::Denied`]: as [`SectionService::template`].
    /// - [`ErrorKind::NotFound`], [`ErrorKind::Conflict`], and those of the database.
    ///
    /// # Cancel safety
    ///
    /// As [`SectionService::patch`].
    pub async fn remove_template(&self, template: &str, expected: Precondition) -> Result<Written> {
        let work = async {
            let id = template_key(template)?;
            self.ask_all(&MANAGE).await?;
            let found = self.store.get(&SECTION_TEMPLATES, &id).await?;
            let found = found.ok_or_else(|| no_template(template))?;
            self.ask_of_template(&found.value).await?;
            expected.verify(SECTION_TEMPLATES.name(), &id, Some(found.version))?;
            let mut batch = Batch::new(self.clock.now());
            batch.delete(&SECTION_TEMPLATES, id, Precondition::At(found.version));
            let event = self.template_event(SECTION_TEMPLATE_REMOVED, template);
            batch.append(JournalName::main(), &event)?;
            self.commit(batch, found.version).await
        };
        call!(self.store.telemetry(), "section.remove_template", work)
    }

    /// Makes the sections of a template for `wedding`, all or none, and returns their ids.
    ///
    /// # Errors
    /// - [`ErrorKind::Denied`]: the actor may not `section.manage` the organization, or not `section.manage_protected` one
    ///   of the sections though its type is protected.
    /// - [`ErrorKind::NotFound`]: there is no such template or wedding.
    /// - [`ErrorKind::AlreadyExists`]: the wedding has a section of one of the types.
    /// - Those of the database.
    ///
    /// # Cancel safety
    ///
    /// After a drop all sections are there, with their history and events, or none.
    pub async fn use_template(&self, template: &str, wedding: &str) -> Result<Vec<String>> {
        let work = async {
            let id = template_key(template)?;
            self.ask_all(&MANAGE).await?;
            let found = self.store.get(&SECTION_TEMPLATES, &id).await?;
            let found = found.ok_or_else(|| no_template(template))?;
            self.instantiate(&found.value.sections, wedding).await
        };
        call!(self.store.telemetry(), "section.use_template", work)
    }

    /// Makes the sections of one wedding, or those of the whole organization, for another wedding, all or none, and
    /// returns their ids. What people have arranged for themselves is not copied.
    ///
    /// # Errors
    /// As [`SectionService::use_template`], and [`ErrorKind::Denied`] for a section to be copied as
    /// [`SectionService::keep_template`]; [`ErrorKind::LimitExceeded`] if there are more than 24.
    ///
    /// # Cancel safety
    ///
    /// As [`SectionService::use_template`].
    pub async fn copy(&self, from: Option<&str>, wedding: &str) -> Result<Vec<String>> {
        let work = async {
            self.ask_all(&MANAGE).await?;
            let pattern = self.pattern(from).await?;
            self.instantiate(&pattern, wedding).await
        };
        call!(self.store.telemetry(), "section.copy", work)
    }

    async fn pattern(&self, wedding: Option<&str>) -> Result<Template> {
        let query = Query::all(SECTION_CONFIGURATIONS.name().clone());
        let found = self.store.all(&SECTION_CONFIGURATIONS, query);
        let ours = |found: &Versioned<Configuration>| {
            let theirs = found.value.as_map().get("weddingId");
            std::future::ready(theirs.and_then(|id| id.as_str()) == wedding)
        };
        let found = found.try_filter(ours).take(MOST + 1);
        let found = found.map_ok(|found| keyed(&found.id, found.value));
        let found: Vec<_> = found.try_collect().await?;
        for configuration in &found {
            let id = configuration.id().unwrap_or_default();
            self.ask(&MANAGE, section_resource(id)).await?;
            self.ask_protected(configuration).await?;
        }
        let organization = self.store.organization().as_str();
        let pattern = match wedding {
            Some(wedding) => Template::of_wedding(&found, organization, wedding),
            None => Template::of_organization(&found, organization),
        };
        if found.len() > MOST {
            let message = "a template has at most 24 sections";
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                "section.template",
                message,
            ));
        }
        Ok(pattern)
    }

    async fn instantiate(&self, pattern: &Template, wedding: &str) -> Result<Vec<String>> {
        check_id(wedding, "section.copy")?;
        if pattern.len() > MOST {
            let message = "a template has at most 24 sections";
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                "section.copy",
                message,
            ));
        }
        let organization = self.store.organization().as_str();
        let made = pattern.instantiate(organization, Some(wedding), || self.new_name());
        let mut batch = Batch::new(self.clock.now());
        self.hold_wedding(&mut batch, Some(wedding)).await?;
        let mut types: Vec<_> = made.iter().map(Configuration::section_type).collect();
        types.sort_unstable();
        if types.windows(2).any(|pair| pair.first() == pair.last()) {
            let message = "the sections to be copied are several of one type";
            return Err(Error::new(
                ErrorKind::AlreadyExists,
                "section.copy",
                message,
            ));
        }
        for configuration in &made {
            check_configuration(configuration)?;
            self.ask_protected(configuration).await?;
            self.add_new(&mut batch, configuration)?;
        }
        if !made.is_empty() {
            self.commit_new(batch).await?;
        }
        let ids = made.iter().filter_map(Configuration::id);
        Ok(ids.map(ToOwned::to_owned).collect())
    }

    /// Asks what its sections would ask. They have no ids, so it is asked of the organization.
    async fn ask_of_template(&self, template: &TemplateRecord) -> Result<()> {
        if tells_more(template) {
            self.ask_all(&MANAGE_PROTECTED).await?;
        }
        Ok(())
    }

    /// Asks for templates at all, and returns whether the actor may have those too that [tell more](tells_more). What
    /// cannot be decided is a failure.
    async fn may_read_protected(&self) -> Result<bool> {
        self.ask_all(&MANAGE).await?;
        self.may_see_protected().await
    }

    fn template_event(&self, kind: EventKind, template: &str) -> Event {
        Event::new(kind)
            .by(self.actor.clone())
            .about(Resource::new("template", template))
    }
}

fn template_key(template: &str) -> Result<RecordId> {
    check_id(template, "section.template")?;
    RecordId::parse(template)
}

/// Whether a section stands in it that more is asked of.
fn tells_more(template: &TemplateRecord) -> bool {
    template.sections.types().any(is_protected)
}

fn no_template(template: &str) -> Error {
    let message = "there is no such template";
    Error::new(ErrorKind::NotFound, "section.template", message).with_context("template", template)
}
