//! Statements as records have them. What is not understood is kept as such.

use std::collections::BTreeSet;
use std::str::FromStr;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::wedding::parse_instant;

use super::condition::Condition;
use super::statement::{Clause, Effect, Selector, Statement, Subject};

impl Statement {
    /// Reads a statement as a record has it. Never fails: what cannot be read is kept as a [fault](Statement::faults).
    ///
    /// | key | value |
    /// |---|---|
    /// | `id` | text that is not empty |
    /// | `effect` | `allow` or `deny` |
    /// | `subject` | an object with one key: `anyone` (true), `member` (id), `organizationRole`, `weddingRole`, `vendorType` |
    /// | `verbs` | a list of [`Verb`](super::Verb)s |
    /// | `object` | an object with any of `kinds`, `ids`, `weddings`, `with`, `without` (lists); one that is absent sets no limit, one that is empty matches nothing |
    /// | `condition` | absent, or an object with any of `phases` (list), `from`, `until` (instants of RFC 3339), `arrival` (list), `assigned` (true or false), `relations` (list), `outsider` (true or false) |
    ///
    /// `null` is the same as absent. Nothing else may stand there: a key that is not known might have been a restriction. A
    /// list with one unknown word in it is unreadable as a whole.
    ///
    /// A statement with a fault that allows gives nothing. One that denies, or whose effect cannot be read, denies whatever
    /// its readable parts match: an unreadable subject may be anybody, unreadable verbs any verb, an unreadable condition may
    /// hold. Text instead of a statement denies everything to everybody, until it is put right.
    ///
    /// # Example
    ///
    /// ```
    /// use garland::permission::rights::{Effect, Statement};
    ///
    /// let read = Statement::read(&serde_json::json!({
    ///     "id": "no-early-prints",
    ///     "effect": "deny",
    ///     "subject": {"weddingRole": "guest"},
    ///     "verbs": ["download_original", "print"],
    ///     "object": {"kinds": ["picture"]},
    /// }));
    /// assert_eq!(read.effect(), Effect::Deny);
    /// assert_eq!(read.faults(), ["verbs"]);
    /// ```
    #[must_use]
    pub fn read(value: &Value) -> Self {
        let mut faults = BTreeSet::new();
        let mut fields = Fields::of(value, "statement", &mut faults);
        let id = fields.needed("id", |value| value.as_str().filter(|id| !id.is_empty()));
        let effect = fields.needed("effect", word);
        let subject = fields.needed("subject", subject);
        let verbs = fields.needed("verbs", words);
        let object = fields.take("object");
        let condition = fields.take("condition");
        fields.end();
        Self {
            id: id.set().copied().unwrap_or_default().into(),
            effect: effect.set().copied().unwrap_or(Effect::Deny),
            subject,
            verbs,
            object: selector(object, &mut faults),
            condition: condition_of(condition, &mut faults),
            faults: faults.into_iter().collect(),
        }
    }

    /// Returns the statement as [`Statement::read`] reads it. What could not be read is left out; an allow that had faults
    /// comes back as one that still has some.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut all = Map::new();
        let mut put = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                all.insert(key.into(), value);
            }
        };
        put("id", Some(json!(&*self.id)));
        put("effect", Some(json!(self.effect)));
        put("subject", self.subject.set().map(subject_value));
        let verbs = self.verbs.set();
        put("verbs", verbs.map(|verbs| list(verbs.iter())));
        put("object", Some(selector_value(&self.object)));
        put("condition", condition_value(&self.condition));
        // Nobody knows this key, so that whoever reads it does not take for whole what is not.
        put(
            "faults",
            (!self.faults.is_empty()).then(|| json!(self.faults)),
        );
        Value::Object(all)
    }
}

fn selector(value: Option<&Value>, faults: &mut BTreeSet<&'static str>) -> Selector {
    let Some(value) = value else {
        faults.insert("object");
        return Selector::ANY;
    };
    let mut fields = Fields::of(value, "object", faults);
    let selector = Selector {
        kinds: fields.may("kinds", "object.kinds", words),
        ids: fields.may("ids", "object.ids", texts),
        weddings: fields.may("weddings", "object.weddings", texts),
        with: fields.may("with", "object.with", words),
        without: fields.may("without", "object.without", words),
    };
    fields.end();
    selector
}

fn condition_of(value: Option<&Value>, faults: &mut BTreeSet<&'static str>) -> Condition {
    let Some(value) = value else {
        return Condition::NONE;
    };
    let mut fields = Fields::of(value, "condition", faults);
    let instant = |value: &Value| value.as_str().and_then(parse_instant);
    let mut condition = Condition {
        phases: fields.may("phases", "condition.phases", words),
        from: fields.may("from", "condition.from", instant),
        until: fields.may("until", "condition.until", instant),
        arrival: fields.may("arrival", "condition.arrival", words),
        assigned: fields.may("assigned", "condition.assigned", Value::as_bool),
        relations: fields.may("relations", "condition.relations", words),
        outsider: fields.may("outsider", "condition.outsider", Value::as_bool),
    };
    fields.end();
    if let (Some(from), Some(until)) = (condition.from.set(), condition.until.set())
        && until <= from
    {
        (condition.from, condition.until) = (Clause::Unreadable, Clause::Unreadable);
        faults.insert("condition.until");
    }
    condition
}

fn subject(value: &Value) -> Option<Subject> {
    let fields = value.as_object()?;
    let mut fields = fields.iter().filter(|(_, value)| !value.is_null());
    let (Some((key, value)), None) = (fields.next(), fields.next()) else {
        return None;
    };
    match key.as_str() {
        "anyone" => (value == &Value::Bool(true)).then_some(Subject::Anyone),
        "member" => {
            let id = value.as_str().filter(|id| !id.is_empty())?;
            Some(Subject::Member(id.into()))
        }
        "organizationRole" => word(value).map(Subject::OrganizationRole),
        "weddingRole" => word(value).map(Subject::WeddingRole),
        "vendorType" => word(value).map(Subject::VendorType),
        _ => None,
    }
}

fn word<T: FromStr>(value: &Value) -> Option<T> {
    value.as_str()?.parse().ok()
}

fn words<T: FromStr, S: FromIterator<T>>(value: &Value) -> Option<S> {
    value.as_array()?.iter().map(word).collect()
}

fn texts(value: &Value) -> Option<BTreeSet<Arc<str>>> {
    let texts = value.as_array()?.iter();
    texts.map(|text| text.as_str().map(Arc::from)).collect()
}

/// The fields of an object, taken one by one, so that one that nobody knows is noticed.
struct Fields<'v, 'f> {
    rest: Vec<(&'v String, &'v Value)>,
    name: &'static str,
    faults: &'f mut BTreeSet<&'static str>,
    is_object: bool,
}

impl<'v, 'f> Fields<'v, 'f> {
    fn of(value: &'v Value, name: &'static str, faults: &'f mut BTreeSet<&'static str>) -> Self {
        let object = value.as_object();
        let fields = object.into_iter().flatten();
        Self {
            rest: fields.filter(|(_, value)| !value.is_null()).collect(),
            name,
            faults,
            is_object: object.is_some(),
        }
    }

    fn take(&mut self, key: &str) -> Option<&'v Value> {
        let at = self.rest.iter().position(|(name, _)| *name == key)?;
        Some(self.rest.swap_remove(at).1)
    }

    fn needed<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&'v Value) -> Option<T>,
    ) -> Clause<T> {
        match self.may(key, key, read) {
            Clause::Any => {
                self.faults.insert(key);
                Clause::Unreadable
            }
            clause => clause,
        }
    }

    fn may<T>(
        &mut self,
        key: &str,
        fault: &'static str,
        read: impl FnOnce(&'v Value) -> Option<T>,
    ) -> Clause<T> {
        if !self.is_object {
            return Clause::Unreadable;
        }
        let Some(value) = self.take(key) else {
            return Clause::Any;
        };
        read(value).map_or_else(
            || {
                self.faults.insert(fault);
                Clause::Unreadable
            },
            Clause::Only,
        )
    }

    fn end(self) {
        if !self.rest.is_empty() || !self.is_object {
            self.faults.insert(self.name);
        }
    }
}

fn list<T: std::fmt::Display>(words: impl Iterator<Item = T>) -> Value {
    words.map(|word| Value::String(word.to_string())).collect()
}

fn subject_value(subject: &Subject) -> Value {
    match subject {
        Subject::Anyone => json!({ "anyone": true }),
        Subject::Member(id) => json!({ "member": &**id }),
        Subject::OrganizationRole(role) => json!({ "organizationRole": role }),
        Subject::WeddingRole(role) => json!({ "weddingRole": role }),
        Subject::VendorType(kind) => json!({ "vendorType": kind }),
    }
}

fn selector_value(selector: &Selector) -> Value {
    object([
        ("kinds", selector.kinds.set().map(|set| list(set.iter()))),
        ("ids", selector.ids.set().map(|set| list(set.iter()))),
        (
            "weddings",
            selector.weddings.set().map(|set| list(set.iter())),
        ),
        ("with", selector.with.set().map(|set| list(set.iter()))),
        (
            "without",
            selector.without.set().map(|set| list(set.iter())),
        ),
    ])
}

fn condition_value(condition: &Condition) -> Option<Value> {
    let value = object([
        ("phases", condition.phases.set().map(|set| list(set.iter()))),
        ("from", condition.from.set().map(|at| json!(at.to_string()))),
        (
            "until",
            condition.until.set().map(|at| json!(at.to_string())),
        ),
        (
            "arrival",
            condition.arrival.set().map(|set| list(set.iter())),
        ),
        ("assigned", condition.assigned.set().map(|set| json!(set))),
        (
            "relations",
            condition.relations.set().map(|set| list(set.iter())),
        ),
        ("outsider", condition.outsider.set().map(|set| json!(set))),
    ]);
    value
        .as_object()
        .is_some_and(|set| !set.is_empty())
        .then_some(value)
}

fn object<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    let set = fields.into_iter();
    set.filter_map(|(key, value)| Some((key.to_owned(), value?)))
        .collect()
}
