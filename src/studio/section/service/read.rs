//! Reading sections: what somebody may see, as they have arranged it.

use std::collections::BTreeMap;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::error::{Error, ErrorKind, Result};
use crate::permission::{EffectiveSection, Resource};
use crate::storage::{JournalName, Query, Version, Versioned};
use crate::telemetry::call;

use super::super::configuration::Configuration;
use super::super::group::Group;
use super::super::overlay::Overlay;
use super::super::records::{SECTION_CONFIGURATIONS, SECTION_OVERLAYS, key, key_prefix};
use super::handle::{
    MANAGE, MANAGE_PROTECTED, READ, SectionService, is_protected, keyed, missing, section_key,
    section_resource,
};

/// How many records are read at once.
const ABREAST: usize = 8;

/// How often the state may change while sections are read.
const TRIES: usize = 32;

/// A section as somebody sees it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SectionView {
    /// Its id.
    pub id: String,
    /// The version of the shared configuration, to be named by a [patch](SectionService::patch).
    pub version: Version,
    /// The configuration, with the person's own arrangement over it. Who sees it (`visibility`, `permissions`) is there
    /// only for those who may `section.manage` it, and `section.manage_protected` if its type is protected.
    pub configuration: Configuration,
    /// What the person may with it, and until when that holds; nothing for the host, and for a service
    /// that is no member.
    pub decision: Option<EffectiveSection>,
}

impl SectionService {
    /// Returns one section, as it counts for `wedding`, or for the organization itself.
    ///
    /// # Errors
    /// - [`ErrorKind::Denied`]: the actor may not `section.read` it.
    /// - [`ErrorKind::NotFound`]: there is none, or it is not part of what the person sees there: they do not learn
    ///   which.
    /// - [`ErrorKind::Unavailable`]: what decides cannot be read, or changes faster than it can be read; and those of
    ///   the database.
    pub async fn read(&self, section: &str, wedding: Option<&str>) -> Result<SectionView> {
        let work = async {
            section_key(section)?;
            let resource = section_resource(section);
            let member = self.ask_viewer(&READ, resource).await?;
            let views = match member {
                Some(user) => self.part(user, wedding, Some(section)).await?,
                None => vec![view(self.find(section).await?)],
            };
            let views = self.strip(views).await?;
            views.into_iter().next().ok_or_else(|| missing(section))
        };
        call!(self.store.telemetry(), "section.read", work)
    }

    /// Returns the sections of `wedding`, or of the organization itself: of a person those they see there, in the order
    /// of the page, else all configurations, by id. What the actor may not `section.read` is left out.
    ///
    /// # Errors
    /// - [`ErrorKind::Denied`]: the actor may not `section.read` the organization.
    /// - [`ErrorKind::Unavailable`]: as [`SectionService::read`]; and those of the database.
    pub async fn list(&self, wedding: Option<&str>) -> Result<Vec<SectionView>> {
        let work = async {
            let organization = self.store.organization().as_str();
            let whole = Resource::new("organization", organization);
            let member = self.ask_viewer(&READ, whole).await?;
            let views = match member {
                Some(user) => self.part(user, wedding, None).await?,
                None => self.all(wedding).await?,
            };
            let ids: Vec<_> = views.iter().map(|view| view.id.as_str()).collect();
            let may = self.may(&READ, &ids).await?;
            let allowed = views.into_iter().zip(may).filter(|(_, may)| *may);
            self.strip(allowed.map(|(view, _)| view).collect()).await
        };
        call!(self.store.telemetry(), "section.list", work)
    }

    /// What `user` sees of a context, or of one section in it.
    pub(super) async fn part(
        &self,
        user: &str,
        wedding: Option<&str>,
        only: Option<&str>,
    ) -> Result<Vec<SectionView>> {
        let mut at_least = None;
        let mut before: Option<Vec<SectionView>> = None;
        for _ in 0..TRIES {
            let state = self.state(at_least).await?;
            let seen = state.decide_all(user, &self.context(wedding));
            let wanted = |found: &EffectiveSection| {
                only.is_none_or(|only| found.config_ids.iter().any(|id| **id == *only))
            };
            let seen = seen.into_iter().filter(|one| one.can_view && wanted(one));
            let found = stream::iter(seen)
                .map(|decision| self.decided(decision, only))
                .buffered(ABREAST);
            let found: Vec<_> = found.try_collect().await?;
            let found: Vec<_> = found.into_iter().flatten().collect();
            // What was read belongs to the decision if nothing was written since, or if it was there, and seen, both
            // before and after.
            let head = self.store.journal_head(&JournalName::main()).await?;
            if head.sequence == state.revision() || before.as_ref() == Some(&found) {
                return self.arranged(user, found, only).await;
            }
            (at_least, before) = (Some(head.sequence), Some(found));
        }
        let message = "the sections change faster than they can be read";
        Err(Error::new(ErrorKind::Unavailable, "section.read", message))
    }

    async fn decided(
        &self,
        decision: EffectiveSection,
        only: Option<&str>,
    ) -> Result<Option<SectionView>> {
        let Some(id) = only.or_else(|| decision.config_ids.first().map(|id| &**id)) else {
            return Ok(None);
        };
        let id = section_key(id)?;
        let found = self.store.get(&SECTION_CONFIGURATIONS, &id).await?;
        Ok(found.map(|found| SectionView {
            decision: Some(decision),
            ..view(found)
        }))
    }

    /// Lays the person's own arrangement over what they see.
    async fn arranged(
        &self,
        user: &str,
        mut views: Vec<SectionView>,
        only: Option<&str>,
    ) -> Result<Vec<SectionView>> {
        if views.is_empty() {
            return Ok(views);
        }
        let mut overlays: BTreeMap<String, Overlay> = BTreeMap::new();
        if let Some(only) = only {
            let found = self
                .store
                .get(&SECTION_OVERLAYS, &key(&[user, only])?)
                .await?;
            overlays.extend(found.map(|found| (found.value.section_id, found.value.overlay)));
        } else {
            let query = Query::all(SECTION_OVERLAYS.name().clone()).prefix(&key_prefix(user)?);
            let mut found = self.store.all(&SECTION_OVERLAYS, query);
            while let Some(found) = found.try_next().await? {
                overlays.insert(found.value.section_id, found.value.overlay);
            }
        }
        for view in &mut views {
            if let Some(overlay) = overlays.get(&view.id) {
                view.configuration = overlay.apply(&view.configuration);
            }
        }
        Ok(views)
    }

    async fn all(&self, wedding: Option<&str>) -> Result<Vec<SectionView>> {
        let query = Query::all(SECTION_CONFIGURATIONS.name().clone());
        let found = self.store.all(&SECTION_CONFIGURATIONS, query);
        let ours = |found: &Versioned<Configuration>| {
            let theirs = found.value.wedding();
            let is_of_all = found
                .value
                .as_map()
                .get("weddingId")
                .is_none_or(|id| id.is_null());
            std::future::ready(is_of_all || theirs.is_some() && theirs == wedding)
        };
        found.try_filter(ours).map_ok(view).try_collect().await
    }

    /// Leaves out who sees a section, for those who have no say in it.
    async fn strip(&self, mut views: Vec<SectionView>) -> Result<Vec<SectionView>> {
        let ids: Vec<_> = views.iter().map(|view| view.id.as_str()).collect();
        let may = self.may(&MANAGE, &ids).await?;
        let more = views
            .iter()
            .filter(|view| is_protected(view.configuration.section_type()));
        let more: Vec<_> = more.map(|view| view.id.as_str()).collect();
        let mut may_more = self.may(&MANAGE_PROTECTED, &more).await?.into_iter();
        for (view, may) in views.iter_mut().zip(may) {
            let asks_more = is_protected(view.configuration.section_type());
            let is_for_them = !asks_more || may_more.next() == Some(true);
            if may && is_for_them {
                continue;
            }
            let mut record = view.configuration.as_map().clone();
            for group in [Group::Visibility, Group::Permissions] {
                record.remove(group.as_str());
            }
            view.configuration = Configuration::new(record);
        }
        Ok(views)
    }
}

fn view(found: Versioned<Configuration>) -> SectionView {
    let configuration = keyed(&found.id, found.value);
    SectionView {
        id: found.id.as_str().to_owned(),
        version: found.version,
        configuration,
        decision: None,
    }
}
