//! What somebody may do in a section that they see.

use crate::wedding::{Role, RoleSet, SectionKind};

use super::codes::codes;

codes! {
    /// Something that may be done in a section, ordered by name. Names are stable.
    Capability, all:
    /// Adds tasks of vendors to the timeline.
    AddVendorTasks = "canAddVendorTasks",
    /// Writes to vendors.
    ContactVendors = "canContactVendors",
    /// Deletes pictures.
    DeletePhotos = "canDeletePhotos",
    /// Changes the categories of the budget.
    EditBudgetCategories = "canEditBudgetCategories",
    /// Changes what is known of guests.
    EditGuestInfo = "canEditGuestInfo",
    /// Changes things on the day itself.
    MakeWeddingDayChanges = "canMakeWeddingDayChanges",
    /// Changes a section without a meaning of its own.
    Modify = "canModify",
    /// Changes what has been.
    ModifyPastEvents = "canModifyPastEvents",
    /// Rates vendors.
    RateVendors = "canRateVendors",
    /// Uploads documents.
    UploadDocuments = "canUploadDocuments",
    /// Uploads pictures.
    UploadPhotos = "canUploadPhotos",
    /// Sees the whole budget.
    ViewFullBudget = "canViewFullBudget",
    /// Sees what is known of guests.
    ViewGuestDetails = "canViewGuestDetails",
    /// Sees private documents.
    ViewPrivateDocuments = "canViewPrivateDocuments",
}

/// A set of capabilities.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Capabilities(u16);

impl Capabilities {
    /// Nothing.
    pub const EMPTY: Self = Self(0);

    const fn one(capability: Capability) -> Self {
        Self(1 << capability as u32)
    }

    /// Whether `capability` is in it.
    #[must_use]
    pub const fn contains(self, capability: Capability) -> bool {
        self.0 >> capability as u32 & 1 == 1
    }

    /// Whether there is none in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns those in it, ordered by name.
    pub fn iter(self) -> impl Iterator<Item = Capability> {
        Capability::ALL
            .into_iter()
            .filter(move |capability| self.contains(*capability))
    }

    pub(super) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

const A: RoleSet = RoleSet::of(&[Role::Admin]);
const AC: RoleSet = RoleSet::of(&[Role::Admin, Role::Coordinator]);
const ACP: RoleSet = RoleSet::of(&[Role::Admin, Role::Coordinator, Role::Photographer]);
const ACU: RoleSet = RoleSet::of(&[Role::Admin, Role::Coordinator, Role::Couple]);
const AP: RoleSet = RoleSet::of(&[Role::Admin, Role::Photographer]);

/// The table of `permissions.md` §3 D: who has it, and whether they must be able to edit.
const fn table(kind: Option<SectionKind>) -> &'static [(Capability, RoleSet, bool)] {
    use Capability as C;
    use SectionKind as S;
    match kind {
        Some(S::Timeline) => &[
            (C::ModifyPastEvents, A, true),
            (C::AddVendorTasks, AC, true),
        ],
        Some(S::Budget) => &[
            (C::ViewFullBudget, ACU, false),
            (C::EditBudgetCategories, AC, true),
        ],
        Some(S::GuestList) => &[
            (C::ViewGuestDetails, ACU, false),
            (C::EditGuestInfo, AC, true),
        ],
        Some(S::VendorManagement) => {
            &[(C::ContactVendors, AC, false), (C::RateVendors, ACU, false)]
        }
        Some(S::Photos) => &[(C::UploadPhotos, ACP, false), (C::DeletePhotos, AP, false)],
        Some(S::Documents) => &[
            (C::UploadDocuments, ACU, false),
            (C::ViewPrivateDocuments, AC, false),
        ],
        Some(S::Billing | S::Admin | S::Dashboard) | None => &[(C::Modify, AC, true)],
    }
}

/// What `role` may in a section of this kind: without editing, and what editing adds.
pub(super) fn of(kind: Option<SectionKind>, role: Role) -> (Capabilities, Capabilities) {
    let (mut plain, mut editing) = (Capabilities::EMPTY, Capabilities::EMPTY);
    for (capability, roles, needs_edit) in table(kind) {
        if roles.contains(role) {
            let place = if *needs_edit {
                &mut editing
            } else {
                &mut plain
            };
            *place = place.or(Capabilities::one(*capability));
        }
    }
    (plain, editing)
}

/// What `role` may besides on the day itself.
pub(super) fn on_wedding_day(kind: Option<SectionKind>, role: Role) -> Capabilities {
    if ACP.contains(role) && !kind.is_some_and(SectionKind::is_protected) {
        Capabilities::one(Capability::MakeWeddingDayChanges)
    } else {
        Capabilities::EMPTY
    }
}
