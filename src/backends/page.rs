//! Pages that end by number and by bytes.

use crate::storage::{IndexKey, JournalEntry, Query, QueryCursor, Record, RecordPage};

/// Gathers a page of records.
#[derive(Debug)]
pub(super) struct PageOfRecords {
    room: Room,
    records: Vec<Record>,
    last_key: Option<IndexKey>,
}

impl PageOfRecords {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            room: Room::new(limit),
            records: Vec::new(),
            last_key: None,
        }
    }

    /// Whether one more record would be too many.
    pub(super) fn is_full(&self) -> bool {
        self.room.is_full()
    }

    /// Adds the next record, found under `key` if the query goes by an index.
    pub(super) fn push(&mut self, key: Option<IndexKey>, record: Record) {
        self.room.take(record.value.as_str().len());
        self.last_key = key;
        self.records.push(record);
    }

    /// Ends the page; `more` if a record follows.
    pub(super) fn finish(self, more: bool) -> RecordPage {
        let last = self.records.last().filter(|_| more);
        let next = last.map(|record| QueryCursor::new(self.last_key, record.id.clone()));
        RecordPage::new(self.records, next)
    }
}

/// Gathers a page of a journal.
#[derive(Debug)]
pub(super) struct PageOfEntries {
    room: Room,
    entries: Vec<JournalEntry>,
}

impl PageOfEntries {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            room: Room::new(limit),
            entries: Vec::new(),
        }
    }

    /// Whether one more entry would be too many.
    pub(super) fn is_full(&self) -> bool {
        self.room.is_full()
    }

    pub(super) fn push(&mut self, entry: JournalEntry) {
        self.room.take(entry.event.as_str().len());
        self.entries.push(entry);
    }

    pub(super) fn finish(self) -> Vec<JournalEntry> {
        self.entries
    }
}

#[derive(Debug)]
struct Room {
    items: usize,
    bytes: usize,
}

impl Room {
    fn new(limit: usize) -> Self {
        Self {
            items: limit.clamp(1, Query::MAX_LIMIT),
            bytes: Query::PAGE_BYTES,
        }
    }

    fn is_full(&self) -> bool {
        self.items == 0 || self.bytes == 0
    }

    fn take(&mut self, bytes: usize) {
        self.items = self.items.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}
