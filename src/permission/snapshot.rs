//! Everything that decides in one organization, at one revision.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use crate::clock::Timestamp;
use crate::id::OrganizationId;
use crate::wedding::{Grace, PhaseAt, SectionType, UtcOnly, Zones};

use super::evaluate::{Context, Moment};
use super::member::Member;
use super::rights::{Rights, Statement};
use super::section::Section;
use super::table::Table;
use super::view::View;
use super::wedding::{Scheduled, Wedding};

/// Everything that decides who sees what in one organization, at one revision, unchanging: the same question has the same
/// answer for ever.
///
/// Cheap to clone. Questions do no I/O and never fail: what cannot be decided is denied, with a reason. None waits for
/// another, but for what the first of them works out for all: where ids stand, groups of sections, the calendar of a wedding.
///
/// # Example
///
/// ```
/// use garland::OrganizationId;
/// use garland::permission::{Change, Context, Member, Section, Snapshot};
/// use garland::wedding::parse_instant;
/// use serde_json::json;
///
/// let studio: OrganizationId = "studio".parse()?;
/// let member = |id: &str, role: &str| Member::read(&json!({ "id": id, "organizationId": "studio", "role": role }));
/// let budget = |roles: &[&str]| Section::read(&json!({
///     "id": "b", "organizationId": "studio", "sectionType": "budget", "visibility": { "roles": roles },
/// }));
/// let snapshot = Snapshot::builder(studio)
///     .members([member("ann", "couple"), member("bo", "guest")])
///     .sections([budget(&["couple"])])
///     .build(1);
///
/// let context = Context::organization(parse_instant("2026-06-20T10:00:00Z").unwrap());
/// assert!(snapshot.decide("ann", "b", &context).can_view);
/// assert_eq!(snapshot.decide("bo", "b", &context).denials.codes(), ["no_role_grant"]);
///
/// let impact = snapshot.simulate(&[Change::PutSection(budget(&["couple", "guest"]))], &context);
/// assert_eq!(impact.audience(), ["bo"]);
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Snapshot(Arc<State>);

#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) organization: OrganizationId,
    pub(super) revision: u64,
    pub(super) zones: Arc<dyn Zones>,
    pub(super) grace: Grace,
    pub(super) members: Table<Member>,
    pub(super) weddings: Table<Scheduled>,
    pub(super) sections: Table<Section>,
    /// The organization's own; beside the default tables they make the rights.
    statements: Table<Statement>,
    rights: Rights,
    /// Rows of `sections` by section type, made when first asked for.
    groups: OnceLock<Groups>,
}

/// Rows of the table of sections, by section type.
pub(super) type Groups = Arc<BTreeMap<SectionType, Vec<usize>>>;

impl State {
    pub(super) fn groups(&self) -> &Groups {
        self.groups.get_or_init(|| {
            let mut groups: BTreeMap<SectionType, Vec<usize>> = BTreeMap::new();
            for (row, section) in self.sections.rows().iter().enumerate() {
                if let Some(section_type) = section.section_type() {
                    match groups.get_mut(section_type) {
                        Some(rows) => rows.push(row),
                        None => _ = groups.insert(section_type.clone(), vec![row]),
                    }
                }
            }
            Arc::new(groups)
        })
    }
}

/// One thing that becomes different.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Change {
    /// A member comes, or is changed.
    PutMember(Member),
    /// The member of this id goes.
    RemoveMember(Arc<str>),
    /// A wedding comes, or is changed.
    PutWedding(Wedding),
    /// The wedding of this id goes.
    RemoveWedding(Arc<str>),
    /// A section comes, or is changed.
    PutSection(Section),
    /// The section of this id goes.
    RemoveSection(Arc<str>),
    /// A statement of the organization's own comes, or is changed.
    PutStatement(Statement),
    /// The statement of this id goes.
    RemoveStatement(Arc<str>),
}

/// Puts a [`Snapshot`] together.
#[derive(Debug)]
pub struct SnapshotBuilder {
    state: State,
    members: Vec<Member>,
    weddings: Vec<Wedding>,
    sections: Vec<Section>,
}

impl SnapshotBuilder {
    /// Sets the rules of time zones. Default: only UTC is known.
    #[must_use]
    pub fn zones(mut self, zones: Arc<dyn Zones>) -> Self {
        self.state.zones = zones;
        self
    }

    /// Sets how long a wedding day goes on after its midnight. Default: not at all.
    #[must_use]
    pub fn grace(mut self, grace: Grace) -> Self {
        self.state.grace = grace;
        self
    }

    /// Adds members; of several with one id the last counts.
    #[must_use]
    pub fn members(mut self, members: impl IntoIterator<Item = Member>) -> Self {
        self.members.extend(members);
        self
    }

    /// Adds weddings; of several with one id the last counts.
    #[must_use]
    pub fn weddings(mut self, weddings: impl IntoIterator<Item = Wedding>) -> Self {
        self.weddings.extend(weddings);
        self
    }

    /// Adds sections; of several with one id the last counts.
    #[must_use]
    pub fn sections(mut self, sections: impl IntoIterator<Item = Section>) -> Self {
        self.sections.extend(sections);
        self
    }

    /// Sets the organization's own statements, beside the default tables. Default: none.
    #[must_use]
    pub fn statements(mut self, statements: impl IntoIterator<Item = Statement>) -> Self {
        let own = Table::new(statements.into_iter().collect());
        self.state.rights = Rights::with_statements(
            self.state.organization.as_str(),
            own.rows().iter().map(|row| Statement::clone(row)),
        );
        self.state.statements = own;
        self
    }

    /// Makes the snapshot of this revision.
    #[must_use]
    pub fn build(self, revision: u64) -> Snapshot {
        Snapshot(Arc::new(State {
            revision,
            members: Table::new(self.members),
            weddings: Table::new(self.weddings.into_iter().map(Scheduled::new).collect()),
            sections: Table::new(self.sections),
            ..self.state
        }))
    }
}

impl Snapshot {
    /// Begins a snapshot of `organization` in which there is nothing yet.
    #[must_use]
    pub fn builder(organization: OrganizationId) -> SnapshotBuilder {
        SnapshotBuilder {
            state: State {
                statements: Table::default(),
                rights: Rights::new(organization.as_str()),
                organization,
                revision: 0,
                zones: Arc::new(UtcOnly::new()),
                grace: Grace::default(),
                members: Table::default(),
                weddings: Table::default(),
                sections: Table::default(),
                groups: OnceLock::new(),
            },
            members: Vec::new(),
            weddings: Vec::new(),
            sections: Vec::new(),
        }
    }

    /// Returns the snapshot after these changes, in their order. Only what they name is compiled anew; this one stays.
    #[must_use]
    pub fn with(&self, revision: u64, changes: impl IntoIterator<Item = Change>) -> Self {
        let mut state = State::clone(&self.0);
        state.revision = revision;
        let own = &mut state.statements;
        let before = own.clone();
        for change in changes {
            match change {
                Change::PutMember(member) => state.members.put(member),
                Change::RemoveMember(id) => state.members.remove(&id),
                Change::PutWedding(wedding) => state.weddings.put(Scheduled::new(wedding)),
                Change::RemoveWedding(id) => state.weddings.remove(&id),
                Change::PutSection(section) => {
                    state.sections.put(section);
                    state.groups = OnceLock::new();
                }
                Change::RemoveSection(id) => {
                    state.sections.remove(&id);
                    state.groups = OnceLock::new();
                }
                Change::PutStatement(statement) => own.put(statement),
                Change::RemoveStatement(id) => own.remove(&id),
            }
        }
        if !own.is(&before) {
            state.rights = Rights::with_statements(
                state.organization.as_str(),
                own.rows().iter().map(|row| Statement::clone(row)),
            );
        }
        Self(Arc::new(state))
    }

    /// Returns whose it is.
    #[must_use]
    pub fn organization(&self) -> &OrganizationId {
        &self.0.organization
    }

    /// Returns the number of the state this is a picture of: that of the last change it has seen.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.0.revision
    }

    /// Returns the member of this id.
    #[must_use]
    pub fn member(&self, id: &str) -> Option<&Member> {
        self.0.members.get(id).map(|member| &**member)
    }

    /// Returns the wedding of this id.
    #[must_use]
    pub fn wedding(&self, id: &str) -> Option<&Wedding> {
        self.scheduled(id).map(|row| row.wedding())
    }

    /// Returns the section of this id.
    #[must_use]
    pub fn section(&self, id: &str) -> Option<&Section> {
        self.0.sections.get(id).map(|section| &**section)
    }

    /// Returns all members, ordered by id.
    pub fn members(&self) -> impl ExactSizeIterator<Item = &Member> {
        self.0.members.rows().iter().map(|member| &**member)
    }

    /// Returns all weddings, ordered by id.
    pub fn weddings(&self) -> impl ExactSizeIterator<Item = &Wedding> {
        self.0.weddings.rows().iter().map(|row| row.wedding())
    }

    /// Returns all sections, ordered by id.
    pub fn sections(&self) -> impl ExactSizeIterator<Item = &Section> {
        self.0.sections.rows().iter().map(|section| &**section)
    }

    /// Returns the rules of general authorization.
    #[must_use]
    pub fn rights(&self) -> &Rights {
        &self.0.rights
    }

    /// Works the phase out once, for many questions in one context.
    #[must_use]
    pub fn at(&self, context: &Context) -> View<'_> {
        let row = context.wedding.as_ref().and_then(|id| self.scheduled(id));
        let wedding = row.map(|row| (row.wedding(), self.phase(row, context.now)));
        View::new(&self.0, Moment::new(context, wedding))
    }

    pub(super) fn scheduled(&self, id: &str) -> Option<&Scheduled> {
        self.0.weddings.get(id).map(|row| &**row)
    }

    pub(super) fn schedule(&self) -> impl Iterator<Item = &Scheduled> {
        self.0.weddings.rows().iter().map(|row| &**row)
    }

    pub(super) fn phase(&self, row: &Scheduled, now: Timestamp) -> PhaseAt {
        row.phase(self.0.grace, now, &*self.0.zones)
    }
}
