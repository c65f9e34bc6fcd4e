//! Roles, and three relations between them that do not imply each other.

use super::section_type::SectionKind;
use super::word::{word_set, words};

words! {
    /// What somebody is for the sections of a wedding.
    ///
    /// Who acts also as whom, who ranks above whom, and what is restricted for whom are three relations. Only the first
    /// ever gives something.
    ///
    /// # Example
    ///
    /// ```
    /// use garland::wedding::{Role, SectionKind};
    ///
    /// assert!(Role::Coordinator.acts_also_as().contains(Role::Vendor));
    /// assert!(Role::Photographer.rank() > Role::Couple.rank());
    /// assert!(!Role::Photographer.acts_also_as().contains(Role::Couple));
    /// assert!(SectionKind::Billing.is_restricted_for(Role::Vendor));
    /// assert!("Admin".parse::<Role>().is_err());
    /// ```
    Role, "role":
    /// Administers the organization.
    Admin = "admin",
    /// Runs weddings.
    Coordinator = "coordinator",
    /// Takes the pictures.
    Photographer = "photographer",
    /// Marries.
    Couple = "couple",
    /// Works for the wedding.
    Vendor = "vendor",
    /// Is invited.
    Guest = "guest",
}

word_set! {
    /// A set of roles.
    RoleSet(u8) of Role
}

impl RoleSet {
    /// Every role.
    pub const ALL: Self = Self::of(&Role::ALL);
}

impl Role {
    /// Returns whose grants this role inherits, itself not among them.
    #[must_use]
    pub const fn acts_also_as(self) -> RoleSet {
        match self {
            Self::Admin => RoleSet::of(&[
                Self::Coordinator,
                Self::Photographer,
                Self::Couple,
                Self::Vendor,
                Self::Guest,
            ]),
            Self::Coordinator => RoleSet::of(&[Self::Photographer, Self::Vendor]),
            Self::Photographer => RoleSet::of(&[Self::Vendor]),
            Self::Couple | Self::Vendor | Self::Guest => RoleSet::EMPTY,
        }
    }

    /// Returns the rank, 0 to 5: a floor for `minimumRole`, which only ever takes away.
    #[must_use]
    pub const fn rank(self) -> u8 {
        match self {
            Self::Admin => 5,
            Self::Coordinator => 4,
            Self::Photographer => 3,
            Self::Couple => 2,
            Self::Vendor => 1,
            Self::Guest => 0,
        }
    }

    /// Returns the section types that somebody of this role must be able to see, in no order.
    #[must_use]
    pub const fn required(self) -> &'static [SectionKind] {
        use SectionKind as S;
        match self {
            Self::Admin => &[S::Dashboard, S::Admin, S::Billing],
            Self::Coordinator => &[S::Timeline, S::VendorManagement, S::GuestList, S::Budget],
            Self::Photographer => &[S::Timeline, S::Photos, S::Documents],
            Self::Couple => &[S::Timeline, S::Budget, S::GuestList, S::Photos],
            Self::Vendor => &[S::Timeline, S::Documents],
            Self::Guest => &[S::Timeline, S::Photos],
        }
    }
}

words! {
    /// What a member is in the organization, strongest first.
    OrganizationRole, "organization role":
    /// May everything, keys and the end of the organization included.
    Owner = "owner",
    /// May everything but own the billing and end the organization.
    Admin = "admin",
    /// Runs all weddings.
    Coordinator = "coordinator",
    /// Works on the weddings assigned: from ingest to delivery.
    Photographer = "photographer",
    /// Works on files of the weddings assigned; shares nothing outside.
    Editor = "editor",
    /// Uploads to the weddings assigned; downloads no originals.
    Assistant = "assistant",
    /// Sees previews of the weddings assigned.
    Viewer = "viewer",
}

impl OrganizationRole {
    /// Returns the role this one has for sections.
    #[must_use]
    pub const fn for_sections(self) -> Role {
        match self {
            Self::Owner | Self::Admin => Role::Admin,
            Self::Coordinator => Role::Coordinator,
            Self::Photographer => Role::Photographer,
            Self::Editor | Self::Assistant | Self::Viewer => Role::Vendor,
        }
    }
}

words! {
    /// What somebody is for one wedding.
    WeddingRole, "wedding role":
    /// One of the two who marry.
    Couple = "couple",
    /// Named by the couple.
    Family = "family",
    /// Works for the wedding, with a vendor type.
    Vendor = "vendor",
    /// Is invited.
    Guest = "guest",
}
