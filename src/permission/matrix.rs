//! Many members and many sections at once, as bits.

use std::sync::Arc;

use crate::clock::Timestamp;
use crate::wedding::{AccessLevel, Role};

use super::decision::earliest;
use super::evaluate::{Context, granted, guard, limits, window_until};
use super::member::Member;
use super::section::Section;
use super::snapshot::Snapshot;
use super::view::View;

/// Who may see, edit and hide what: one bit for each, without reasons.
///
/// Each bit is what [`View::decide`] says.
///
/// # Example
///
/// ```
/// use garland::permission::{Context, Member, Section, Snapshot};
/// use garland::wedding::parse_instant;
/// use serde_json::json;
///
/// let snapshot = Snapshot::builder("studio".parse()?)
///     .members([Member::read(&json!({ "id": "ann", "organizationId": "studio", "role": "couple" }))])
///     .sections([Section::read(&json!({
///         "id": "photos", "organizationId": "studio", "sectionType": "photos", "visibility": { "roles": ["couple"] },
///     }))])
///     .build(1);
/// let matrix = snapshot.matrix(&["ann", "nobody"], &Context::organization(parse_instant("2026-06-20T10:00:00Z").unwrap()));
/// let photos = matrix.sections().position(|id| id == "photos").unwrap();
/// assert!(matrix.can_view(0, photos));
/// assert!(!matrix.can_edit(0, photos));
/// assert!(!matrix.can_view(1, photos));
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Matrix {
    sections: Vec<Arc<str>>,
    /// By member: three rows of bits, one bit a section.
    rows: Vec<Row>,
    valid_until: Option<Timestamp>,
}

#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Row {
    view: Vec<u64>,
    edit: Vec<u64>,
    hide: Vec<u64>,
}

impl Matrix {
    /// Returns the ids of the sections, in the order of their columns.
    pub fn sections(&self) -> impl ExactSizeIterator<Item = &str> {
        self.sections.iter().map(|id| &**id)
    }

    /// Whether the member of this row sees the section of this column; not if there is no such row or column.
    #[must_use]
    pub fn can_view(&self, row: usize, column: usize) -> bool {
        self.rows.get(row).is_some_and(|row| get(&row.view, column))
    }

    /// Whether they may change it.
    #[must_use]
    pub fn can_edit(&self, row: usize, column: usize) -> bool {
        self.rows.get(row).is_some_and(|row| get(&row.edit, column))
    }

    /// Whether they may hide it.
    #[must_use]
    pub fn can_hide(&self, row: usize, column: usize) -> bool {
        self.rows.get(row).is_some_and(|row| get(&row.hide, column))
    }

    /// Returns how many sections the member of this row sees.
    #[must_use]
    pub fn visible_count(&self, row: usize) -> usize {
        let bits = self.rows.get(row).map_or(&[][..], |row| &row.view);
        bits.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Returns the first instant at which time alone may change a bit.
    #[must_use]
    pub const fn valid_until(&self) -> Option<Timestamp> {
        self.valid_until
    }
}

fn get(bits: &[u64], at: usize) -> bool {
    bits.get(at / 64)
        .is_some_and(|word| word >> (at % 64) & 1 == 1)
}

fn set(bits: &mut [u64], at: usize, on: bool) {
    if let Some(word) = bits.get_mut(at / 64) {
        *word = *word & !(1 << (at % 64)) | u64::from(on) << (at % 64);
    }
}

impl Row {
    fn of(sections: usize) -> Self {
        let words = vec![0; sections.div_ceil(64)];
        Self {
            view: words.clone(),
            edit: words.clone(),
            hide: words,
        }
    }

    fn set(&mut self, at: usize, view: bool, edit: bool, hide: bool) {
        set(&mut self.view, at, view);
        set(&mut self.edit, at, edit);
        set(&mut self.hide, at, hide);
    }
}

impl View<'_> {
    /// Decides for each of `members` and every section of the snapshot. Somebody who is not there may nothing.
    #[must_use]
    pub fn matrix(&self, members: &[&str]) -> Matrix {
        let sections = self.state.sections.rows();
        // All members of one role and one level share a row, but for sections that ask for a field of their own.
        let mut shared: [Option<Row>; Role::ALL.len() * AccessLevel::ALL.len()] =
            Default::default();
        let own: Vec<_> = sections
            .iter()
            .enumerate()
            .filter(|(_, section)| section.rules().is_some_and(|rules| rules.field.is_some()))
            .collect();
        let row = |id: &&str| {
            let Some(member) = self.state.members.get(id) else {
                return Row::of(sections.len());
            };
            let Ok(role) = member.role() else {
                return Row::of(sections.len());
            };
            if member.organization() != Some(self.state.organization.as_str()) {
                return self.row_of_its_own(member);
            }
            let level = self.moment.level(member);
            let place = role as usize * AccessLevel::ALL.len() + level as usize;
            let Some(place) = shared.get_mut(place) else {
                return self.row_of_its_own(member);
            };
            let mut row = place
                .get_or_insert_with(|| self.shared_row(member, role, level))
                .clone();
            for (at, section) in &own {
                self.set_own(&mut row, *at, member, section);
            }
            row
        };
        let rows = members.iter().map(row).collect();
        let windows = sections
            .iter()
            .filter_map(|section| window_until(section.rules()?, self.moment.now));
        Matrix {
            sections: sections.iter().map(|section| section.shared_id()).collect(),
            rows,
            valid_until: windows.map(Some).fold(self.moment.phase_until(), earliest),
        }
    }

    /// What every member of this role and level in this organization may, as far as their own fields do not count.
    fn shared_row(&self, member: &Member, role: Role, level: AccessLevel) -> Row {
        let sections = self.state.sections.rows();
        let mut row = Row::of(sections.len());
        for (at, section) in sections.iter().enumerate() {
            let Ok((_, rules)) = guard(member, section, &self.moment) else {
                continue;
            };
            let (_, denials) = granted(rules, role, level);
            let view =
                denials | limits(rules, role, level, &self.moment) == 0 && rules.unknown.is_none();
            row.set(
                at,
                view,
                view && rules.edit.contains(role),
                view && rules.hide.contains(role),
            );
        }
        row
    }

    fn row_of_its_own(&self, member: &Member) -> Row {
        let sections = self.state.sections.rows();
        let mut row = Row::of(sections.len());
        for (at, section) in sections.iter().enumerate() {
            self.set_own(&mut row, at, member, section);
        }
        row
    }

    fn set_own(&self, row: &mut Row, at: usize, member: &Member, section: &Section) {
        let found = self.decide(member, section);
        row.set(at, found.can_view, found.can_edit, found.can_hide);
    }
}

impl Snapshot {
    /// Decides for each of `members` and every section: [`View::matrix`].
    #[must_use]
    pub fn matrix(&self, members: &[&str], context: &Context) -> Matrix {
        self.at(context).matrix(members)
    }
}
