//! What becomes of several sidecars: pure, over values.

use std::collections::{BTreeMap, BTreeSet};

use super::dates::Moment;
use super::packet::{Child, Element, Name, Packet, RDF, XML};

const XMP: &str = "http://ns.adobe.com/xap/1.0/";
const DIGIKAM: &str = "http://www.digikam.org/ns/1.0/";

/// Settings that make a look only together.
const TOGETHER: [&str; 2] = [
    "http://ns.adobe.com/camera-raw-settings/1.0/",
    "http://darktable.sf.net/",
];

/// Merges sidecars, the newest first; `None` if there are none.
pub(super) fn merge(ranked: &[Packet]) -> Option<Packet> {
    let newest = ranked.first()?;
    let mut merged = Packet {
        about: String::new(),
        properties: Vec::new(),
        prefixes: BTreeMap::new(),
        is_wrapped: newest.is_wrapped,
    };
    let abouts = ranked.iter().map(|packet| &packet.about);
    let about = abouts.into_iter().find(|about| !about.is_empty());
    merged.about = about.cloned().unwrap_or_default();
    for packet in ranked {
        for (space, prefix) in &packet.prefixes {
            let known = merged.prefixes.entry(space.clone());
            known.or_insert_with(|| prefix.clone());
        }
    }
    let mut seen = BTreeSet::new();
    let all: Vec<BTreeMap<&Name, &Element>> = ranked.iter().map(Packet::by_name).collect();
    for (packet, place) in ranked.iter().zip(0..) {
        for property in &packet.properties {
            let name = &property.name;
            if !seen.insert(name) || is_of_an_older_look(ranked, place, name) {
                continue;
            }
            let values = all.iter().filter_map(|packet| packet.get(name).copied());
            let values: Vec<&Element> = values.collect();
            merged.properties.push(value(property, &values));
        }
    }
    Some(merged)
}

/// Whether a newer sidecar has settings of this kind of its own, among which this one is not.
fn is_of_an_older_look(ranked: &[Packet], place: usize, name: &Name) -> bool {
    let is_part = |element: &Element| element.name.space == name.space;
    TOGETHER.contains(&&*name.space)
        && ranked
            .iter()
            .take(place)
            .any(|packet| packet.properties.iter().any(is_part))
}

/// What becomes of one property; `newest` is the first of `values`.
fn value(newest: &Element, values: &[&Element]) -> Element {
    if values.iter().all(|value| *value == newest) || TOGETHER.contains(&&*newest.name.space) {
        return newest.clone();
    }
    if newest.name.is(XMP, "MetadataDate") {
        return latest(newest, values);
    }
    let arrays: Option<Vec<Array<'_>>> = values.iter().map(|value| array(value)).collect();
    let Some(arrays) = arrays else {
        return newest.clone();
    };
    let has = |kind: &str| arrays.iter().any(|array| array.kind == kind);
    if has("Bag") && !has("Alt") {
        return list(&newest.name, "Bag", united(&arrays));
    }
    if newest.name.is(DIGIKAM, "TagsList") && !has("Alt") {
        return list(&newest.name, "Seq", united(&arrays));
    }
    if arrays.iter().all(|array| array.kind == "Alt")
        && let Some(items) = by_language(&arrays)
    {
        return list(&newest.name, "Alt", items);
    }
    newest.clone()
}

/// A property that holds one text or several.
struct Array<'a> {
    /// `Bag`, `Seq` or `Alt`; empty for a text that is in none.
    kind: &'a str,
    items: Vec<Element>,
}

fn array(property: &Element) -> Option<Array<'_>> {
    if !property.attributes.is_empty() {
        return None;
    }
    let li = || Name::new(RDF, "li");
    if let Some(text) = property.text() {
        let items = (!text.trim().is_empty()).then(|| Element::with_text(li(), text));
        return Some(Array {
            kind: "",
            items: items.into_iter().collect(),
        });
    }
    let inside = property.only_child()?;
    let kind = &*inside.name.local;
    let is_array = &*inside.name.space == RDF && matches!(kind, "Bag" | "Seq" | "Alt");
    if !is_array || !inside.attributes.is_empty() {
        return None;
    }
    let items = inside.children.iter().map(|child| match child {
        Child::Element(item) if item.name == li() && item.text().is_some() => Some(item.clone()),
        _ => None,
    });
    Some(Array {
        kind,
        items: items.collect::<Option<_>>()?,
    })
}

fn united(arrays: &[Array<'_>]) -> Vec<Element> {
    let mut seen = BTreeSet::new();
    let items = arrays.iter().flat_map(|array| &array.items);
    items
        .filter(|item| seen.insert((&item.attributes, item.text())))
        .cloned()
        .collect()
}

/// One text for each language, the default one first; `None` if they are not told apart by language.
fn by_language(arrays: &[Array<'_>]) -> Option<Vec<Element>> {
    let lang = Name::new(XML, "lang");
    let mut seen = BTreeSet::new();
    let mut texts = Vec::new();
    for array in arrays {
        let mut own = BTreeSet::new();
        for item in &array.items {
            let language = item.attributes.get(&lang)?.to_ascii_lowercase();
            if item.attributes.len() > 1 || !own.insert(language.clone()) {
                return None;
            }
            if seen.insert(language.clone()) {
                texts.push((language != "x-default", item.clone()));
            }
        }
    }
    // The sort is stable; a default that is not first is one that nobody finds.
    texts.sort_by_key(|(is_other, _)| *is_other);
    Some(texts.into_iter().map(|(_, item)| item).collect())
}

fn list(name: &Name, kind: &str, items: Vec<Element>) -> Element {
    let mut inside = Element::new(Name::new(RDF, kind));
    inside.children = items.into_iter().map(Child::Element).collect();
    let mut property = Element::new(name.clone());
    property.children.push(Child::Element(inside));
    property
}

/// The value with the latest moment; the newest one if one cannot be read.
fn latest(newest: &Element, values: &[&Element]) -> Element {
    let moments = values.iter().map(|value| {
        let moment = value.text().and_then(Moment::parse)?;
        Some((moment, *value))
    });
    let Some(moments) = moments.collect::<Option<Vec<_>>>() else {
        return newest.clone();
    };
    let mut best: Option<(Moment, &Element)> = None;
    for (moment, value) in moments {
        if best.is_none_or(|(latest, _)| moment > latest) {
            best = Some((moment, value));
        }
    }
    best.map_or(newest, |(_, value)| value).clone()
}
