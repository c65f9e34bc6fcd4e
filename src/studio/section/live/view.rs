//! What one subscriber was told, and what differs since.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::clock::Timestamp;
use crate::permission::{Context, EffectiveSection, Snapshot, View};
use crate::storage::Version;
use crate::wedding::{Phase, SectionType};

use super::changed::Changed;
use super::cursor::Cursor;
use super::own::Own;
use super::picture::place;
use super::update::{Difference, LiveSection, Picture};

/// Tells one state of a section in a view from another.
type Print = [u8; 16];

/// What one member was told of one wedding, or of the organization. It keeps no contents: of each section a print, and
/// until when time leaves it alone.
#[derive(Clone, Debug)]
pub(super) struct ViewState {
    member: Arc<str>,
    wedding: Option<Arc<str>>,
    own: Own,
    revision: u64,
    /// The instant this was worked out for, and at which all of it held.
    as_of: Timestamp,
    phase: Option<Phase>,
    known: BTreeMap<SectionType, Known>,
    /// How many of `known` are shown.
    shown: usize,
    valid_until: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Known {
    /// Nothing if it is not to be seen.
    print: Option<Print>,
    valid_until: Option<Timestamp>,
}

/// What may have become different.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scope<'a> {
    /// Anything.
    All,
    /// Only this.
    Changed(&'a Changed),
}

/// From what was told to what is to be told.
#[derive(Debug)]
pub(super) struct Step {
    revision: u64,
    as_of: Timestamp,
    phase: Option<Phase>,
    /// What is known of sections that were looked at; nothing of those that are not there.
    found: Vec<(SectionType, Option<Known>)>,
    shown: Vec<LiveSection>,
    gone: Vec<SectionType>,
    /// Whether the phase is another.
    turned: bool,
}

impl ViewState {
    /// Begins with somebody who knows of nothing.
    pub(super) fn new(member: Arc<str>, wedding: Option<Arc<str>>, own: Own) -> Self {
        Self {
            member,
            wedding,
            own,
            revision: 0,
            as_of: Timestamp::from_millis(i64::MIN),
            phase: None,
            known: BTreeMap::new(),
            shown: 0,
            valid_until: None,
        }
    }

    /// Takes note of what the member has arranged, and returns whether it is other than before: then everything is to
    /// be looked at.
    pub(super) fn arrange(&mut self, own: Own) -> bool {
        let differs = self.own != own;
        self.own = own;
        differs
    }

    /// Works out what differs at `now`, in a state of which only `scope` is other than in the last.
    ///
    /// As long as nothing is [taken](Self::take), nothing was told.
    pub(super) fn step(&self, snapshot: &Snapshot, now: Timestamp, scope: Scope<'_>) -> Step {
        let types = match scope {
            Scope::Changed(changed) if !self.is_stale(now) && !self.is_meant(changed) => {
                &changed.sections
            }
            _ => return self.step_all(snapshot, now),
        };
        if types.is_empty() {
            return self.still(snapshot, now);
        }
        let view = self.look(snapshot, now);
        let found = types.iter().map(|section_type| {
            let section = view.section(&self.member, section_type);
            (section_type.clone(), section)
        });
        self.compare(snapshot, &view, found.collect(), now)
    }

    /// Takes a step, and returns what is to be told of it: nothing if nothing differs.
    pub(super) fn take(&mut self, step: Step, snapshot: &Snapshot) -> Option<Difference> {
        let tells = step.tells();
        self.revision = step.revision;
        self.as_of = step.as_of;
        self.phase = step.phase;
        if !step.found.is_empty() {
            self.learn(step.found);
        }
        tells.then(|| Difference {
            phase: step.phase,
            shown: step.shown,
            gone: step.gone,
            cursor: self.cursor(snapshot),
        })
    }

    /// Returns all there is to see, given what is told of it to somebody who knows of nothing.
    pub(super) fn picture(&self, told: Option<Difference>, snapshot: &Snapshot) -> Picture {
        Picture {
            phase: self.phase,
            sections: told.map_or_else(Vec::new, |told| told.shown),
            cursor: self.cursor(snapshot),
        }
    }

    fn learn(&mut self, found: Vec<(SectionType, Option<Known>)>) {
        for (section_type, found) in found {
            let old = match found {
                Some(known) => self.known.insert(section_type, known),
                None => self.known.remove(&section_type),
            };
            let was = old.is_some_and(|known| known.print.is_some());
            let is = found.is_some_and(|known| known.print.is_some());
            self.shown = self.shown.saturating_sub(was.into());
            self.shown = self.shown.saturating_add(is.into());
        }
        let ends = self.known.values().filter_map(|known| known.valid_until);
        self.valid_until = ends.min();
    }

    /// The instant at which time alone may change something, seen or unseen.
    pub(super) const fn next_wake(&self) -> Option<Timestamp> {
        self.valid_until
    }

    /// Where a subscriber stands who was told this.
    pub(super) fn cursor(&self, snapshot: &Snapshot) -> Cursor {
        Cursor {
            revision: self.revision,
            at: self.as_of,
            digest: self.digest(snapshot),
        }
    }

    /// A digest of all that is seen, by whom, and where.
    pub(super) fn digest(&self, snapshot: &Snapshot) -> [u8; 16] {
        let mut print = Printer::new();
        print.text(snapshot.organization().as_str());
        print.text(&self.member);
        print.maybe(self.wedding.as_deref());
        print.maybe(self.phase.map(Phase::as_str));
        for (section_type, known) in &self.known {
            if let Some(shown) = &known.print {
                print.text(section_type.as_str());
                print.bytes(shown);
            }
        }
        print.end()
    }

    /// Whether time may have changed something.
    fn is_stale(&self, now: Timestamp) -> bool {
        now < self.as_of || self.valid_until.is_some_and(|until| now >= until)
    }

    /// Whether a change is one of the member or of the wedding, which touches every section.
    fn is_meant(&self, changed: &Changed) -> bool {
        let wedding = self.wedding.as_deref();
        changed.members.contains(&*self.member)
            || wedding.is_some_and(|wedding| changed.weddings.contains(wedding))
    }

    fn look<'a>(&self, snapshot: &'a Snapshot, now: Timestamp) -> View<'a> {
        let context = match &self.wedding {
            Some(wedding) => Context::wedding(Arc::clone(wedding), now),
            None => Context::organization(now),
        };
        snapshot.at(&context)
    }

    /// The same at a later revision.
    fn still(&self, snapshot: &Snapshot, now: Timestamp) -> Step {
        Step {
            revision: snapshot.revision(),
            as_of: now,
            phase: self.phase,
            found: Vec::new(),
            shown: Vec::new(),
            gone: Vec::new(),
            turned: false,
        }
    }

    fn step_all(&self, snapshot: &Snapshot, now: Timestamp) -> Step {
        let view = self.look(snapshot, now);
        let all = view.sections(&self.member).into_iter();
        let mut found: Vec<_> = all
            .map(|section| (section.section_type.clone(), Some(section)))
            .collect();
        let here: BTreeSet<_> = found.iter().map(|(name, _)| name.clone()).collect();
        let missing = self.known.keys().filter(|name| !here.contains(name));
        found.extend(missing.map(|name| (name.clone(), None)));
        self.compare(snapshot, &view, found, now)
    }

    fn compare(
        &self,
        snapshot: &Snapshot,
        view: &View<'_>,
        sections: Vec<(SectionType, Option<EffectiveSection>)>,
        now: Timestamp,
    ) -> Step {
        let mut step = self.still(snapshot, now);
        let mut count = self.shown;
        for (section_type, section) in sections {
            let before = self.known.get(&section_type).and_then(|known| known.print);
            let valid_until = section.as_ref().and_then(|section| section.valid_until);
            let is_there = section.is_some();
            let seen = section.filter(|section| section.can_view);
            let shown = seen.map(|section| shown(snapshot, section, &self.own));
            let print = shown.as_ref().map(|(print, _)| *print);
            count = count.saturating_sub(before.is_some().into());
            count = count.saturating_add(print.is_some().into());
            match shown {
                Some((print, shown)) if before != Some(print) => step.shown.push(shown),
                None if before.is_some() => step.gone.push(section_type.clone()),
                _ => {}
            }
            let known = is_there.then_some(Known { print, valid_until });
            step.found.push((section_type, known));
        }
        // Whoever sees nothing of a wedding is not told how far it is.
        step.phase = view.phase().filter(|_| count > 0);
        step.turned = step.phase != self.phase;
        let key = |shown: &LiveSection| (place(shown), shown.section.section_type.clone());
        step.shown.sort_by_cached_key(key);
        step.gone.sort_unstable();
        step
    }
}

impl Step {
    /// Whether there is something to tell.
    pub(super) fn tells(&self) -> bool {
        self.turned || !self.shown.is_empty() || !self.gone.is_empty()
    }
}

/// What is told of a section, and its print.
fn shown(snapshot: &Snapshot, section: EffectiveSection, own: &Own) -> (Print, LiveSection) {
    let mut print = Printer::new();
    let mut versions = Vec::with_capacity(section.config_ids.len());
    let mut arranged = Vec::with_capacity(section.config_ids.len());
    for id in &section.config_ids {
        let record = snapshot.section(id);
        let (version, content) =
            record.map_or((0, 0), |record| (record.version(), record.content()));
        print.text(id);
        print.bytes(&version.to_be_bytes());
        print.bytes(&content.to_be_bytes());
        versions.push(Version::new(version));
        let own = own.of(id);
        // Neither is ever empty, so that nothing is told from something.
        print.bytes(&own.map_or_else(Vec::new, |own| own.version.get().to_be_bytes().into()));
        print.bytes(&own.map_or_else(Vec::new, |own| own.content.into()));
        arranged.push(own.map(|own| own.version));
    }
    print.bytes(&[section.can_edit.into(), section.can_hide.into()]);
    for capability in section.capabilities.iter() {
        print.text(capability.as_str());
    }
    // Neither is ever empty, so that nothing is told from a number.
    print.bytes(
        &section
            .position
            .map_or_else(Vec::new, |at| at.to_be_bytes().into()),
    );
    let until = section.valid_until.map(Timestamp::as_millis);
    print.bytes(&until.map_or_else(Vec::new, |until| until.to_be_bytes().into()));
    let shown = LiveSection {
        section,
        versions,
        arranged,
    };
    (print.end(), shown)
}

/// Hashes parts so that no two lists of parts look the same.
struct Printer(blake3::Hasher);

impl Printer {
    fn new() -> Self {
        Self(blake3::Hasher::new())
    }

    fn bytes(&mut self, bytes: &[u8]) {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.0.update(&length.to_be_bytes());
        self.0.update(bytes);
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn maybe(&mut self, text: Option<&str>) {
        self.bytes(&[text.is_some().into()]);
        self.text(text.unwrap_or_default());
    }

    fn end(&self) -> Print {
        let mut print = Print::default();
        let hash = self.0.finalize();
        for (to, from) in print.iter_mut().zip(hash.as_bytes()) {
            *to = *from;
        }
        print
    }
}
