//! Who has arranged sections for themselves.
//!
//! What people arrange decides nothing, so it is no part of the state and is not read with it. It is only known up to
//! where it is as it was, so that whoever shows it knows when to read it again.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::permission::Snapshot;
use crate::storage::JournalHead;

/// The last entries by which members have arranged something.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(in super::super) struct Arranged {
    /// Where the state was read as a whole: what was arranged before is not known of.
    since: JournalHead,
    last: Arc<BTreeMap<Arc<str>, u64>>,
}

/// As long as this is the same for a member, so is what they have arranged.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(in super::super) struct ArrangedAt {
    since: JournalHead,
    last: Option<u64>,
}

impl Arranged {
    pub(super) fn since(since: JournalHead) -> Self {
        Self {
            since,
            last: Arc::default(),
        }
    }

    pub(in super::super) fn by(&self, member: &str) -> ArrangedAt {
        ArrangedAt {
            since: self.since,
            last: self.last.get(member).copied(),
        }
    }

    /// Takes entries in. There are no more names than there are members.
    pub(super) fn take(&mut self, entries: BTreeMap<Arc<str>, u64>, snapshot: &Snapshot) {
        if entries.is_empty() {
            return;
        }
        let last = Arc::make_mut(&mut self.last);
        last.extend(entries);
        last.retain(|member, _| snapshot.member(member).is_some());
    }
}
