//! What waits: changes of configurations, and marks on permissions that are out of date.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::super::patch::Patch;

/// What a [`BatchQueue`](super::BatchQueue) takes, how long it keeps it and how it merges it. Sealed: there are
/// [`ConfigurationChange`] and [`PermissionMark`].
pub trait BatchItem: sealed::Sealed + Clone + fmt::Debug + Send + Sync + 'static {
    /// What a flush has for all items of one key.
    type Entry: Clone + fmt::Debug + PartialEq + Send + Sync + 'static;

    /// How long the first item of an empty queue waits.
    const WINDOW: Duration;

    /// How many items fill the queue, several for one key included.
    const ITEMS: usize;

    /// Merges the item into the entry of its key, or adds one at the end.
    #[doc(hidden)]
    fn merge_into(self, entries: &mut Vec<Self::Entry>);
}

mod sealed {
    #[expect(unnameable_types, reason = "what seals a trait is not to be named")]
    pub trait Sealed {}
    impl Sealed for super::ConfigurationChange {}
    impl Sealed for super::PermissionMark {}
}

/// A valid, sanitized change of one configuration. The queue holds them 2,000 ms, or until there are ten.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ConfigurationChange {
    /// Of which configuration.
    pub config_id: Arc<str>,
    /// What it says.
    pub patch: Patch,
    /// Who made it.
    pub by: Arc<str>,
}

impl ConfigurationChange {
    /// Makes a change of the configuration `config_id` by `by`.
    #[must_use]
    pub fn new(config_id: impl Into<Arc<str>>, patch: Patch, by: impl Into<Arc<str>>) -> Self {
        Self {
            config_id: config_id.into(),
            patch,
            by: by.into(),
        }
    }
}

/// All that a flush changes in one configuration, as one write.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ConfigurationEntry {
    /// Of which configuration.
    pub config_id: Arc<str>,
    /// The changes composed in the order of arrival. Its [`Scope`](crate::section::Scope) is worked out now, not before.
    pub patch: Patch,
    /// Who made them, each once, in the order of their first change.
    pub by: Vec<Arc<str>>,
    /// How many changes it is made of.
    pub merged: usize,
}

impl BatchItem for ConfigurationChange {
    type Entry = ConfigurationEntry;

    const WINDOW: Duration = Duration::from_millis(2_000);
    const ITEMS: usize = 10;

    fn merge_into(self, entries: &mut Vec<ConfigurationEntry>) {
        let known = entries
            .iter_mut()
            .find(|entry| entry.config_id == self.config_id);
        let Some(entry) = known else {
            entries.push(ConfigurationEntry {
                config_id: self.config_id,
                patch: self.patch,
                by: vec![self.by],
                merged: 1,
            });
            return;
        };
        entry.patch = entry.patch.then(&self.patch);
        if !entry.by.contains(&self.by) {
            entry.by.push(self.by);
        }
        entry.merged += 1;
    }
}

/// Says that somebody's permissions are out of date, in one wedding or in the organization. The queue holds them 1,000 ms,
/// or until there are five.
///
/// It is compared part by part, never as joined text. The value is worked out at the flush.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub struct PermissionMark {
    /// Whose.
    pub user_id: Arc<str>,
    /// In which organization.
    pub organization_id: Arc<str>,
    /// For which wedding; nothing for the organization itself.
    pub wedding_id: Option<Arc<str>>,
}

impl PermissionMark {
    /// Marks the permissions of `user_id` in `organization_id`, for `wedding_id` if there is one.
    #[must_use]
    pub fn new(
        user_id: impl Into<Arc<str>>,
        organization_id: impl Into<Arc<str>>,
        wedding_id: Option<Arc<str>>,
    ) -> Self {
        Self {
            user_id: user_id.into(),
            organization_id: organization_id.into(),
            wedding_id,
        }
    }
}

/// Permissions that a flush has to work out anew.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PermissionEntry {
    /// Whose, and where.
    pub mark: PermissionMark,
    /// How often they were marked.
    pub merged: usize,
}

impl BatchItem for PermissionMark {
    type Entry = PermissionEntry;

    const WINDOW: Duration = Duration::from_millis(1_000);
    const ITEMS: usize = 5;

    fn merge_into(self, entries: &mut Vec<PermissionEntry>) {
        match entries.iter_mut().find(|entry| entry.mark == self) {
            Some(entry) => entry.merged += 1,
            None => entries.push(PermissionEntry {
                mark: self,
                merged: 1,
            }),
        }
    }
}
