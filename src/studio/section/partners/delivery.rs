//! Telling one partner, entry by entry.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use tracing::Instrument as _;

use crate::engine::journal::{Subscription, SubscriptionOptions};
use crate::error::{Error, Result};
use crate::id::{Ids, RunId};
use crate::storage::{
    Batch, JournalEntry, JournalName, Lease, Precondition, RecordId, Version, Versioned,
};
use crate::telemetry::PARTNER_TRIES;

use super::super::external::PartnerMessage;
use super::super::records::key;
use super::outbox::{Mark, Matter, Part, Stated, matter, page, stated};
use super::records::{
    Partner, PartnerPlace, SECTION_PARTNER_PLACES, SECTION_PARTNER_STOPPED, SECTION_PARTNERS,
};
use super::service::{Partners, missing};
use super::transport::{PartnerAttempt, PartnerCall};

/// Entries that are nothing to partners and may be read again after a restart.
const SKIPPED: u64 = 256;

/// Why a partner is told no more.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum PartnerEnd {
    /// It is gone.
    Removed,
    /// It wants no more, or may not be called: see [`PartnerPlace::stopped`]. [`Partners::resume`] goes on.
    Stopped,
}

/// What became of one part.
enum Told {
    Done,
    /// It was not delivered, and the partner has changed: what it is told may be something else.
    Changed,
    End(PartnerEnd),
}

/// One partner while it is being told.
struct Course {
    id: String,
    key: RecordId,
    lease: Lease,
    /// When the lease was renewed last.
    renewed: Duration,
    place: PartnerPlace,
    version: Version,
}

impl Partners {
    /// Tells a partner of every change, in the order of the journal, until it is removed or stopped; to be run as a task of
    /// its own for each partner. A second one for the same partner, in this process or another, is turned away.
    ///
    /// A try that fails is made again, at ever longer intervals and for as long as it takes; nothing overtakes it. Where
    /// the answer to a try is lost, the message comes again with the same id, as long as it says the same. What somebody
    /// may says as of which revision it is: after a restart the one statement that was under way may come once more, of
    /// a later revision and with another id.
    ///
    /// What somebody may is told when their results are stored, and of those of whom results are stored whenever they
    /// themselves are changed or removed, or the wedding is removed or moves to another day or time zone. It is what
    /// decides at the time of each try that is told, however old the stored results are.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`](crate::ErrorKind::NotFound): there is no such partner.
    /// - [`ErrorKind::Denied`](crate::ErrorKind::Denied): the actor may not.
    /// - [`ErrorKind::Locked`](crate::ErrorKind::Locked): another task tells it.
    /// - [`ErrorKind::Conflict`](crate::ErrorKind::Conflict): it was resumed or removed meanwhile; call again.
    /// - [`ErrorKind::Expired`](crate::ErrorKind::Expired): the journal does not reach its place, as after an older backup
    ///   was restored.
    /// - Those of the database. A later call goes on from the same place.
    ///
    /// # Cancel safety
    ///
    /// Safe to drop: the next call goes on from the last message whose delivery was noted. The lease runs out by itself.
    pub async fn deliver(&self, id: &str) -> Result<PartnerEnd> {
        let key = self.ask(id).await?;
        self.known(&key).await?;
        let place = self.store.get(&SECTION_PARTNER_PLACES, &key).await?;
        let place = place.ok_or_else(|| missing(id))?;
        let mut course = Course {
            lease: self.hold(id).await?,
            renewed: self.clock.elapsed(),
            id: id.to_owned(),
            key,
            place: place.value,
            version: place.version,
        };
        let span = tracing::info_span!("partner.deliver", partner.id = id);
        let ended = self.follow(&mut course).instrument(span).await;
        let released = course.lease.release().await;
        let ended = ended?;
        released.map(|()| ended)
    }

    async fn follow(&self, course: &mut Course) -> Result<PartnerEnd> {
        if course.place.stopped.is_some() {
            return Ok(PartnerEnd::Stopped);
        }
        let (journal, from) = (JournalName::main(), course.place.sequence);
        let options = SubscriptionOptions::default();
        let mut entries = Subscription::new(self.store.clone(), journal, from, options);
        loop {
            let entry = loop {
                match timeout(self.options.lease / 3, entries.next()).await {
                    Ok(entry) => break entry?,
                    Err(_) => self.renew(course).await?,
                }
            };
            if let Some(matter) = matter(&entry)
                && let Some(end) = self.tell(course, &entry, &matter).await?
            {
                return Ok(end);
            }
            let skipped = entry.sequence.saturating_sub(course.place.sequence);
            if skipped >= SKIPPED {
                self.note(course, entry.sequence, Mark::default()).await?;
            }
        }
    }

    /// Tells of one entry.
    async fn tell(
        &self,
        course: &mut Course,
        entry: &JournalEntry,
        matter: &Matter,
    ) -> Result<Option<PartnerEnd>> {
        let before = entry.sequence.saturating_sub(1);
        // A place within an entry is one of the entry right behind it.
        let place = Some(&course.place).filter(|place| place.sequence == before);
        let behind = place.map(PartnerPlace::mark).unwrap_or_default();
        let mut is_told = behind != Mark::default();
        let mut next = Some(behind);
        'pages: while let Some(behind) = next {
            self.renew(course).await?;
            let Some(mut partner) = self.store.get(&SECTION_PARTNERS, &course.key).await? else {
                return Ok(Some(PartnerEnd::Removed));
            };
            let page = page(&self.store, &partner.value, matter, &behind).await?;
            let (mut rest, mut done) = (page.parts.into_iter().peekable(), behind);
            while let Some((part, mark)) = rest.next() {
                let part = (entry.sequence, &part);
                match self.tell_part(course, &mut partner, part).await? {
                    Told::Done => {}
                    Told::Changed => {
                        next = Some(done);
                        continue 'pages;
                    }
                    Told::End(end) => return Ok(Some(end)),
                }
                is_told = true;
                // Of the last, the entry as a whole is noted.
                if rest.peek().is_some() || page.next.is_some() {
                    self.note(course, before, mark.clone()).await?;
                }
                done = mark;
            }
            next = page.next;
        }
        if is_told {
            self.note(course, entry.sequence, Mark::default()).await?;
        }
        Ok(None)
    }

    /// Tells one part of an entry, however often it has to be tried.
    async fn tell_part(
        &self,
        course: &mut Course,
        partner: &mut Versioned<Partner>,
        (sequence, part): (u64, &Part),
    ) -> Result<Told> {
        let mut failures = 0_u32;
        let mut last = None;
        loop {
            self.renew(course).await?;
            let message = self.word(&partner.value, part, &mut last).await?;
            let Some(message) = message else {
                return Ok(Told::Done);
            };
            let id = self.name(sequence, &message);
            match self.attempt(&partner.value, &id, message).await {
                PartnerAttempt::Delivered => return Ok(Told::Done),
                PartnerAttempt::Retry { after } => {
                    failures = failures.saturating_add(1);
                    self.pause(course, failures, after).await?;
                }
                PartnerAttempt::GiveUp { reason } => {
                    self.stop(course, &reason).await?;
                    return Ok(Told::End(PartnerEnd::Stopped));
                }
            }
            let Some(now) = self.store.get(&SECTION_PARTNERS, &course.key).await? else {
                return Ok(Told::End(PartnerEnd::Removed));
            };
            // It may have another address by now, or be told less.
            let is_changed = now.version != partner.version;
            *partner = now;
            if is_changed {
                return Ok(Told::Changed);
            }
        }
    }

    /// Puts a part into words; nothing if the partner is not told of it any more. What holds no more by the time of a later
    /// try is another message, so that a partner that has the first takes it too.
    async fn word(
        &self,
        partner: &Partner,
        part: &Part,
        last: &mut Option<Stated>,
    ) -> Result<Option<PartnerMessage>> {
        let pair = match part {
            Part::Message(message) => return Ok(Some(message.clone())),
            Part::Statement(pair) => pair,
        };
        let (settings, here) = (partner.sent(), (&self.store, self.clock.now()));
        *last = stated(&self.policy, here, &settings, pair, last.take()).await?;
        Ok(last.as_ref().map(|stated| stated.message.clone()))
    }

    /// Names a message by its entry and by what it says.
    fn name(&self, sequence: u64, message: &PartnerMessage) -> String {
        let organization = self.store.organization();
        // Organizations that share a partner have journals with the same numbers.
        let whose = blake3::hash(organization.as_str().as_bytes()).to_hex();
        let whose = whose.get(..16).unwrap_or_default();
        let says = blake3::hash(&message.body()).to_hex();
        let says = says.get(..32).unwrap_or_default();
        format!("sec_{whose}_{sequence}_{says}")
    }

    async fn attempt(
        &self,
        partner: &Partner,
        id: &str,
        message: PartnerMessage,
    ) -> PartnerAttempt {
        let call = PartnerCall {
            organization: self.store.organization(),
            partner,
            id,
            body: message.body(),
        };
        let tried = self.transport.attempt(call).await;
        let outcome = match &tried {
            PartnerAttempt::Delivered => "delivered",
            PartnerAttempt::Retry { .. } => "retry",
            PartnerAttempt::GiveUp { .. } => "refused",
        };
        self.store
            .telemetry()
            .count(PARTNER_TRIES, &[("outcome", outcome)], 1);
        tried
    }

    /// Waits before the next try, and goes on holding the partner.
    async fn pause(
        &self,
        course: &mut Course,
        failures: u32,
        after: Option<Duration>,
    ) -> Result<()> {
        let ceiling = self.options.ceiling(failures);
        let drawn = ceiling.mul_f64(0.5 + self.chance.unit() / 2.0);
        let mut left = drawn.max(after.unwrap_or_default());
        tracing::debug!(
            attempt = failures,
            wait_ms = left.as_millis(),
            "partner.retry"
        );
        while !left.is_zero() {
            let piece = left.min(self.options.lease / 3);
            sleep(piece).await;
            self.renew(course).await?;
            left = left.saturating_sub(piece);
        }
        Ok(())
    }

    async fn hold(&self, id: &str) -> Result<Lease> {
        let ids = Ids::new(Arc::clone(&self.clock), self.chance.clone());
        let (store, clock) = (self.store.clone(), Arc::clone(&self.clock));
        let lease = key(&["section_partner", id])?;
        let holder = RunId::generate(&ids);
        Lease::acquire(store, clock, lease, holder, self.options.lease).await
    }

    async fn renew(&self, course: &mut Course) -> Result<()> {
        let now = self.clock.elapsed();
        if now.saturating_sub(course.renewed) >= self.options.lease / 4 {
            course.lease.renew().await?;
            course.renewed = now;
        }
        Ok(())
    }

    /// Writes down how far the partner has been told.
    async fn note(&self, course: &mut Course, sequence: u64, within: Mark) -> Result<()> {
        let place = PartnerPlace {
            sequence,
            part: within.part,
            pair: within.pair,
            stopped: None,
        };
        let batch = Batch::new(self.clock.now());
        self.write(course, batch, place).await
    }

    async fn stop(&self, course: &mut Course, reason: &Error) -> Result<()> {
        let place = PartnerPlace {
            stopped: Some(format!("{}: {}", reason.kind(), reason.message())),
            ..course.place.clone()
        };
        let mut batch = Batch::new(self.clock.now());
        let event = self.event(SECTION_PARTNER_STOPPED, &course.id);
        batch.append(JournalName::main(), &event)?;
        self.write(course, batch, place).await
    }

    async fn write(
        &self,
        course: &mut Course,
        mut batch: Batch,
        place: PartnerPlace,
    ) -> Result<()> {
        let at = Precondition::At(course.version);
        let (id, none) = (course.key.clone(), Vec::new());
        batch.put_with(&SECTION_PARTNER_PLACES, id, &place, at, none)?;
        course.lease.fence().guard(&mut batch);
        self.store.commit(batch).await?;
        course.version = course.version.next();
        course.place = place;
        Ok(())
    }
}
