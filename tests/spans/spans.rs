//! Spans, as a subscriber sees them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use tracing_core::span::Current;

use crate::world::{CONTENT, sections, sync};

/// Names of spans with their fields, which span lies in which, and everything that was said.
#[derive(Debug, Default)]
struct Seen {
    spans: BTreeMap<&'static str, BTreeSet<&'static str>>,
    nested: BTreeSet<(&'static str, &'static str)>,
    values: Vec<String>,
    known: BTreeMap<u64, &'static Metadata<'static>>,
    entered: Vec<u64>,
}

#[derive(Clone, Debug, Default)]
struct Listener {
    seen: Arc<Mutex<Seen>>,
    last: Arc<AtomicU64>,
}

struct Values<'a>(&'a mut Vec<String>);

impl Visit for Values<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.push(format!("{}={value:?}", field.name()));
    }
}

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("garland")
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let id = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let mut seen = self.seen.lock().unwrap();
        let metadata = attributes.metadata();
        let fields = metadata.fields().iter().map(|field| field.name());
        seen.spans
            .entry(metadata.name())
            .or_default()
            .extend(fields);
        if let Some(outer) = seen.entered.last() {
            let outer = seen.known[outer].name();
            seen.nested.insert((outer, metadata.name()));
        }
        seen.known.insert(id, metadata);
        attributes.record(&mut Values(&mut seen.values));
        Id::from_u64(id)
    }

    fn event(&self, event: &Event<'_>) {
        event.record(&mut Values(&mut self.seen.lock().unwrap().values));
    }

    fn enter(&self, span: &Id) {
        self.seen.lock().unwrap().entered.push(span.into_u64());
    }

    fn exit(&self, span: &Id) {
        let mut seen = self.seen.lock().unwrap();
        assert_eq!(seen.entered.pop(), Some(span.into_u64()));
    }

    fn current_span(&self) -> Current {
        let seen = self.seen.lock().unwrap();
        match seen.entered.last() {
            Some(id) => Current::new(Id::from_u64(*id), seen.known[id]),
            None => Current::none(),
        }
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}
}

#[test]
fn every_operation_that_does_io_has_a_span_with_the_documented_fields() {
    let listener = Listener::default();
    tracing::subscriber::with_default(listener.clone(), sync);
    let seen = listener.seen.lock().unwrap();
    let documented: [(&str, &[&str]); 4] = [
        ("storage.commit", &["storage.writes"]),
        ("sync.plan", &["sync.places"]),
        ("sync.run", &["sync.run", "sync.places"]),
        (
            "transfer.run",
            &[
                "file.path",
                "file.size",
                "transfer.source",
                "transfer.destinations",
            ],
        ),
    ];
    for (name, fields) in documented {
        let expected: BTreeSet<&str> = fields.iter().copied().collect();
        assert_eq!(seen.spans.get(name), Some(&expected), "{name}");
    }
    for inner in ["transfer.run", "storage.commit"] {
        assert!(seen.nested.contains(&("sync.run", inner)), "{inner}");
    }
    let values = seen.values.join("\n");
    assert!(values.contains("file.path=day/IMG_1.jpg"), "{values}");
    assert!(values.contains("attempt=1"), "retries are events: {values}");
    assert!(!values.contains(CONTENT));
}

#[test]
fn what_is_done_with_sections_has_spans_that_hold_no_contents() {
    let listener = Listener::default();
    tracing::subscriber::with_default(listener.clone(), sections);
    let seen = listener.seen.lock().unwrap();
    let plain = [
        "team.write",
        "team.read",
        "team.list",
        "section.create",
        "section.patch",
        "section.read",
        "section.queue",
        "section.mark",
        "section.sync",
        "partner.put",
    ];
    for name in plain {
        assert_eq!(seen.spans.get(name), Some(&BTreeSet::new()), "{name}");
    }
    for (name, field) in [
        ("section.flush", "section.queue"),
        ("partner.deliver", "partner.id"),
    ] {
        assert_eq!(seen.spans.get(name), Some(&BTreeSet::from([field])));
    }
    for outer in [
        "team.write",
        "section.patch",
        "section.flush",
        "section.sync",
        "partner.deliver",
    ] {
        assert!(seen.nested.contains(&(outer, "storage.commit")), "{outer}");
    }
    let values = seen.values.join("\n");
    assert!(values.contains("section.queue=\"changes\""), "{values}");
    assert!(values.contains("attempt=1"), "retries are events: {values}");
    assert!(!values.contains(CONTENT));
}
