//! What people arrange for themselves.

use serde::Serialize;
use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};
use crate::storage::{Batch, IndexKey, JournalName, Precondition, Version, Versioned};
use crate::studio::team::Written;
use crate::telemetry::call;

use super::super::overlay::Overlay;
use super::super::patch::Patch;
use super::super::records::{
    BY_SECTION, OverlayRecord, SECTION_CONFIGURATIONS, SECTION_OVERLAYS, SECTION_PERSONALIZED, key,
};
use super::super::scope::Target;
use super::check::check_changes;
use super::handle::{READ, SectionService, missing, section_key, section_resource};

/// How often an arrangement is made anew because somebody else was quicker; each time somebody was.
const TRIES: usize = 100;

/// What the event tells besides the section.
#[derive(Debug, Serialize)]
struct Personalized<'a> {
    user: &'a str,
    version: Version,
}

impl SectionService {
    /// Changes a section for the person who acts, and for nobody else: `changes` is a [`Patch`] of layout and
    /// customization. `expected` is about the person's own arrangement, not about the shared section.
    ///
    /// # Errors
    /// - [`ErrorKind::InvalidInput`], [`ErrorKind::LimitExceeded`]: the changes are not valid, or it is not a person who
    ///   acts.
    /// - [`ErrorKind::Denied`]: the person may not `section.read` it.
    /// - [`ErrorKind::NotFound`]: there is no such section, or the person does not see it in `wedding`.
    /// - [`ErrorKind::Conflict`]: the precondition does not hold.
    /// - [`ErrorKind::Unavailable`]: the section changes faster than it can be arranged.
    /// - Those of the database.
    ///
    /// # Cancel safety
    ///
    /// As [`SectionService::patch`].
    pub async fn personalize(
        &self,
        section: &str,
        wedding: Option<&str>,
        changes: &Value,
        expected: Precondition,
    ) -> Result<Written> {
        let work = async {
            section_key(section)?;
            let patch = check_changes(changes, Target::Personal)?;
            self.ask(&READ, section_resource(section)).await?;
            let user = self.person().await?;
            for _ in 0..TRIES {
                let made = self.try_personalize(user, section, wedding, &patch, expected);
                if let Some(written) = made.await? {
                    return Ok(written);
                }
            }
            let message = "the section changes faster than it can be arranged";
            Err(
                Error::new(ErrorKind::Unavailable, "section.personalize", message)
                    .with_context("section", section),
            )
        };
        call!(self.store.telemetry(), "section.personalize", work)
    }

    /// Makes an arrangement; nothing if the section or the arrangement was changed while it did.
    async fn try_personalize(
        &self,
        user: &str,
        section: &str,
        wedding: Option<&str>,
        patch: &Patch,
        expected: Precondition,
    ) -> Result<Option<Written>> {
        let seen = self.part(user, wedding, Some(section)).await?;
        let seen = seen.first().ok_or_else(|| missing(section))?;
        let id = key(&[user, section])?;
        let old = self.store.get(&SECTION_OVERLAYS, &id).await?;
        let found = old.as_ref().map(|old| old.version);
        expected.verify(SECTION_OVERLAYS.name(), &id, found)?;
        let overlay = match old {
            Some(old) => old.value.overlay.then(patch)?,
            None => Overlay::new(patch.clone())?,
        };
        let size = Value::from(overlay.clone()).to_string().len();
        if size > Patch::MAX_BYTES {
            let message = "an arrangement is at most 64 KiB of JSON";
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                "section.personalize",
                message,
            ));
        }
        let record = OverlayRecord {
            user_id: user.to_owned(),
            section_id: section.to_owned(),
            overlay,
        };
        let version = found.map_or(Version::new(1), Version::next);
        let mut batch = Batch::new(self.clock.now());
        // A section that goes meanwhile must not leave an arrangement behind.
        let there = Precondition::At(seen.version);
        batch.check(&SECTION_CONFIGURATIONS, section_key(section)?, there);
        let held = found.map_or(Precondition::Absent, Precondition::At);
        let indexes = vec![(BY_SECTION, IndexKey::parse(section)?)];
        batch.put_with(&SECTION_OVERLAYS, id, &record, held, indexes)?;
        let event = self.event(SECTION_PERSONALIZED, section);
        let event = event.with_data(&Personalized { user, version })?;
        batch.append(JournalName::main(), &event)?;
        match self.commit(batch, version).await {
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(None),
            done => done.map(Some),
        }
    }

    /// Returns what the person who acts has arranged for themselves of a section.
    ///
    /// # Errors
    /// - [`ErrorKind::InvalidInput`]: it is not a person who acts.
    /// - [`ErrorKind::Denied`]: the person may not `section.read` it.
    /// - Those of the database.
    pub async fn arrangement(&self, section: &str) -> Result<Option<Versioned<OverlayRecord>>> {
        let work = async {
            section_key(section)?;
            self.ask(&READ, section_resource(section)).await?;
            let user = self.person().await?;
            let id = key(&[user, section])?;
            self.store.get(&SECTION_OVERLAYS, &id).await
        };
        call!(self.store.telemetry(), "section.arrangement", work)
    }

    async fn person(&self) -> Result<&str> {
        let Some(user) = self.acting_member().await? else {
            let message = "only a member has an arrangement of their own";
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "section.personalize",
                message,
            ));
        };
        // So that it can be part of a key.
        crate::studio::team::check_id(user, "section.personalize")?;
        Ok(user)
    }
}
