//! Which calls of a server take conditions.

/// Which writing calls of a server take the condition that a key is free, or that a revision is there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::platforms) struct Acts {
    /// A file written in one call.
    pub(in crate::platforms) put: bool,
    /// A file that appears at the end of an upload in parts.
    pub(in crate::platforms) complete: bool,
    /// A copy, as to what is at its target.
    pub(in crate::platforms) copy: bool,
    /// A delete.
    pub(in crate::platforms) delete: bool,
}

impl Acts {
    /// Every call takes conditions.
    #[cfg(any(feature = "azure", feature = "gcs"))]
    pub(in crate::platforms) const ALL: Self = Self {
        put: true,
        complete: true,
        copy: true,
        delete: true,
    };
}
