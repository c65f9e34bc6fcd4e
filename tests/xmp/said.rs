//! What a sidecar says, read without garland; and short ways to make and merge some.

use std::collections::BTreeMap;

use garland::connector::FileVersion;
use garland::sync::{MergeInput, Merger, XmpMerger};
use garland::{Result, Timestamp};

const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";

const ARRAYS: [&str; 3] = ["Alt", "Bag", "Seq"];

/// Properties by their prefix-free name: `{namespace}local`, each as its texts.
pub(crate) type Said = BTreeMap<String, Vec<String>>;

/// Reads what a sidecar says: a text as one, an array as its items, with `lang:` before those of an Alt.
#[track_caller]
pub(crate) fn said(sidecar: &[u8]) -> Said {
    let text = std::str::from_utf8(sidecar).unwrap();
    let document = roxmltree::Document::parse(text.trim_start_matches('\u{feff}')).unwrap();
    let is = |node: &roxmltree::Node<'_, '_>, name: &str| {
        node.tag_name().namespace() == Some(RDF) && node.tag_name().name() == name
    };
    let mut said = Said::new();
    for description in document
        .descendants()
        .filter(|node| is(node, "Description") && is(&node.parent().unwrap(), "RDF"))
    {
        for attribute in description.attributes() {
            if attribute.namespace() != Some(RDF) {
                let name = format!("{{{}}}{}", attribute.namespace().unwrap(), attribute.name());
                said.insert(name, vec![attribute.value().to_owned()]);
            }
        }
        for property in description.children().filter(|node| node.is_element()) {
            let name = property.tag_name();
            let name = format!("{{{}}}{}", name.namespace().unwrap(), name.name());
            let items: Vec<_> = property
                .descendants()
                .filter(|node| is(node, "li"))
                .collect();
            let whole = |node: roxmltree::Node<'_, '_>| -> String {
                let texts = node.descendants().filter(|node| node.is_text());
                texts.filter_map(|node| node.text()).collect()
            };
            let is_array = |node| ARRAYS.iter().any(|kind| is(&node, kind));
            let texts = if !property.children().any(is_array) && items.is_empty() {
                vec![whole(property)]
            } else {
                let text = |item: &roxmltree::Node<'_, '_>| {
                    let lang = item
                        .attributes()
                        .find(|attribute| attribute.name() == "lang");
                    lang.map_or_else(
                        || whole(*item),
                        |lang| format!("{}:{}", lang.value(), whole(*item)),
                    )
                };
                items.iter().map(text).collect()
            };
            assert!(
                said.insert(name, texts).is_none(),
                "a property is there twice"
            );
        }
    }
    said
}

/// The texts of a property of a well-known namespace: `dc:subject`.
#[track_caller]
pub(crate) fn get(sidecar: &[u8], name: &str) -> Vec<String> {
    let (prefix, local) = name.split_once(':').unwrap();
    let space = SPACES.iter().find(|(known, _)| *known == prefix).unwrap().1;
    let said = said(sidecar);
    said.get(&format!("{{{space}}}{local}"))
        .cloned()
        .unwrap_or_default()
}

pub(crate) const SPACES: [(&str, &str); 7] = [
    ("crs", "http://ns.adobe.com/camera-raw-settings/1.0/"),
    ("dc", "http://purl.org/dc/elements/1.1/"),
    ("digiKam", "http://www.digikam.org/ns/1.0/"),
    ("lr", "http://ns.adobe.com/lightroom/1.0/"),
    ("photoshop", "http://ns.adobe.com/photoshop/1.0/"),
    ("xmp", "http://ns.adobe.com/xap/1.0/"),
    (
        "mwg",
        "http://www.metadataworkinggroup.com/schemas/regions/",
    ),
];

/// A sidecar with this inside its description.
pub(crate) fn sidecar(attributes: &str, properties: &str) -> String {
    let spaces: String = SPACES
        .iter()
        .map(|(prefix, space)| format!(" xmlns:{prefix}=\"{space}\""))
        .collect();
    format!(
        "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF xmlns:rdf=\"{RDF}\">\
         <rdf:Description rdf:about=\"\"{spaces} {attributes}>{properties}</rdf:Description>\
         </rdf:RDF></x:xmpmeta>"
    )
}

/// An array property.
pub(crate) fn array(name: &str, kind: &str, items: &[&str]) -> String {
    let items: String = items
        .iter()
        .map(|item| match item.split_once('=') {
            Some((lang, text)) => format!("<rdf:li xml:lang=\"{lang}\">{text}</rdf:li>"),
            None => format!("<rdf:li>{item}</rdf:li>"),
        })
        .collect();
    format!("<{name}><rdf:{kind}>{items}</rdf:{kind}></{name}>")
}

pub(crate) fn input(modified: impl Into<Option<i64>>, content: impl AsRef<[u8]>) -> MergeInput {
    let content = content.as_ref().to_vec();
    let modified = modified.into().map(Timestamp::from_millis);
    let version = FileVersion::new(content.len() as u64).with_modified(modified);
    MergeInput::new("somewhere", version, content.into())
}

pub(crate) fn try_merge(inputs: &[MergeInput]) -> Result<Vec<u8>> {
    let path = "day/IMG_1.xmp".parse().unwrap();
    let merged = XmpMerger::new().merge(&path, inputs)?;
    Ok(merged.to_vec())
}

/// Merges versions, each modified later than the one after it.
#[track_caller]
pub(crate) fn merge<T: AsRef<[u8]>>(newest_first: &[T]) -> Vec<u8> {
    let inputs = newest_first
        .iter()
        .zip(0..)
        .map(|(content, age)| input(1_000 - age, content));
    let inputs: Vec<_> = inputs.collect();
    try_merge(&inputs).unwrap()
}
