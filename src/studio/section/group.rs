//! The shape of a configuration: its four groups, their fields, and what a field holds.

use crate::permission::codes::codes;

codes! {
    /// One of the four parts of a configuration that a patch may change.
    Group:
    /// Who sees it: roles, phases, conditions.
    Visibility = "visibility",
    /// Where it stands and how large it is.
    Layout = "layout",
    /// What it says and how it looks.
    Customization = "customization",
    /// Who may view, edit and hide it.
    Permissions = "permissions",
}

impl Group {
    /// All of them, in the order of the specification.
    pub const ALL: [Self; 4] = [
        Self::Visibility,
        Self::Layout,
        Self::Customization,
        Self::Permissions,
    ];

    /// Whether a person may change it for themselves.
    #[must_use]
    pub const fn is_personal(self) -> bool {
        matches!(self, Self::Layout | Self::Customization)
    }

    /// Whether it decides who sees what. Nothing in it is ever thrown away because it could not be read.
    pub(super) const fn guards(self) -> bool {
        !self.is_personal()
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|group| group.as_str() == name)
    }

    /// What the field `name` of this group holds; nothing if it has no such field.
    pub(super) fn field(self, name: &str) -> Option<Field> {
        let field = match (self, name) {
            (Self::Visibility, "roles")
            | (Self::Permissions, "canView" | "canEdit" | "canHide") => Field::Roles,
            (Self::Visibility, "weddingPhase") => Field::Phases,
            (Self::Visibility, "conditions") => Field::Conditions,
            (Self::Layout, "position") => Field::Whole {
                from: 0,
                to: 65_535,
            },
            (Self::Layout, "columns") => Field::Whole { from: 1, to: 12 },
            (Self::Layout, "size") => Field::Size,
            (Self::Layout, "responsive") | (Self::Customization, "theme") => Field::Map,
            (Self::Customization, "title") => Field::Text { most: 100 },
            (Self::Customization, "subtitle") => Field::Text { most: 200 },
            (Self::Customization, "color") => Field::Color,
            (Self::Customization, "icon") => Field::Icon,
            _ => return None,
        };
        Some(field)
    }
}

/// What a field holds: the table of `sections.md` §1.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Field {
    /// A set of roles.
    Roles,
    /// A set of phases.
    Phases,
    /// The map of conditions.
    Conditions,
    /// A whole number in a range, both ends included.
    Whole {
        /// The least.
        from: i64,
        /// The greatest.
        to: i64,
    },
    /// One of four sizes.
    Size,
    /// Text of so many Unicode scalar values at most.
    Text {
        /// How many.
        most: usize,
    },
    /// A color.
    Color,
    /// The name of an icon.
    Icon,
    /// A map without rules of its own.
    Map,
}

impl Field {
    /// Whether it is merged key by key.
    pub(super) const fn is_map(self) -> bool {
        matches!(self, Self::Conditions | Self::Map)
    }

    /// Whether neither order nor repeats mean anything in it.
    pub(super) const fn is_set(self) -> bool {
        matches!(self, Self::Roles | Self::Phases)
    }
}
