//! Reading a sidecar.

use std::collections::{BTreeMap, BTreeSet};

use roxmltree::{Attribute, Document, Node, ParsingOptions};

use crate::error::{Error, ErrorKind, Result};

use super::bounds;
use super::packet::{Child, Element, META, Name, Packet, RDF, XML};

/// More than the largest sidecars with thousands of brush strokes have.
const MOST_NODES: u32 = 50_000;

/// Reads a sidecar, or says why it is none.
pub(super) fn read(content: &[u8]) -> Result<Packet> {
    let text = std::str::from_utf8(content)
        .map_err(|cause| refused("a sidecar is text in UTF-8").with_source(cause))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    bounds::check(text)?;
    let options = ParsingOptions {
        allow_dtd: false,
        nodes_limit: MOST_NODES,
        ..ParsingOptions::default()
    };
    let document = Document::parse_with_options(text, options).map_err(|cause| {
        let error = match cause {
            roxmltree::Error::NodesLimitReached => Error::new(
                ErrorKind::LimitExceeded,
                "xmp.read",
                "the sidecar has too many elements",
            ),
            _ => refused("the sidecar is not well-formed XML"),
        };
        error.with_source(cause)
    })?;
    let mut reader = Reader::default();
    let mut about = BTreeSet::new();
    for description in rdf(&document)?.children().filter(is_content) {
        about.extend(reader.description(description)?);
    }
    let is_wrapped = document
        .root()
        .children()
        .any(|node| node.pi().is_some_and(|pi| pi.target == "xpacket"));
    let mut about = about.into_iter().filter(|about| !about.is_empty());
    match (about.next(), about.next()) {
        (_, Some(_)) => Err(refused("the sidecar speaks of several things")),
        (about, None) => Ok(Packet {
            about: about.unwrap_or_default(),
            properties: reader.properties,
            prefixes: reader.prefixes,
            is_wrapped,
        }),
    }
}

/// The one `rdf:RDF`, at the root or right below it.
fn rdf<'a, 'input>(document: &'a Document<'input>) -> Result<Node<'a, 'input>> {
    let root = document.root_element();
    if is(root, RDF, "RDF") {
        return Ok(root);
    }
    let name = root.tag_name();
    let is_meta = name.namespace() == Some(META) && matches!(name.name(), "xmpmeta" | "xapmeta");
    let mut inside = root.children().filter(is_content);
    match (is_meta, inside.next(), inside.next()) {
        (true, Some(rdf), None) if is(rdf, RDF, "RDF") => Ok(rdf),
        _ => Err(refused("the file is not an XMP sidecar")),
    }
}

#[derive(Default)]
struct Reader {
    properties: Vec<Element>,
    names: BTreeSet<Name>,
    prefixes: BTreeMap<Box<str>, Box<str>>,
}

impl Reader {
    /// Takes in what a description says, and returns what it speaks of.
    fn description(&mut self, node: Node<'_, '_>) -> Result<Option<String>> {
        if !is(node, RDF, "Description") {
            return Err(refused(
                "something else than descriptions is in the sidecar",
            ));
        }
        let mut about = None;
        for attribute in node.attributes() {
            match (attribute.namespace().unwrap_or(""), attribute.name()) {
                (RDF | "", "about") => about = Some(attribute.value().to_owned()),
                (RDF | XML | "", _) => {
                    return Err(
                        refused("a description has an attribute that XMP does not use")
                            .with_context("attribute", attribute.name()),
                    );
                }
                _ => {
                    let name = self.attribute_name(node, &attribute);
                    self.add(Element::with_text(name, attribute.value()))?;
                }
            }
        }
        for child in node.children().filter(is_content) {
            if child.is_text() || child.tag_name().namespace().is_none() {
                return Err(refused(
                    "a description holds something else than properties",
                ));
            }
            let element = self.element(child, false);
            self.add(element)?;
        }
        Ok(about)
    }

    fn add(&mut self, property: Element) -> Result<()> {
        if self.names.insert(property.name.clone()) {
            self.properties.push(property);
            return Ok(());
        }
        Err(refused("a property is there twice").with_context("property", property.name.local))
    }

    /// Recursion is bounded by [`bounds`].
    fn element(&mut self, node: Node<'_, '_>, is_literal: bool) -> Element {
        let name = node.tag_name();
        let space = name.namespace().unwrap_or("");
        self.note(node, space);
        let mut element = Element::new(Name::new(space, name.name()));
        for attribute in node.attributes() {
            let name = self.attribute_name(node, &attribute);
            element
                .attributes
                .insert(name, attribute.value().to_owned());
        }
        let parse_type = node.attribute((RDF, "parseType"));
        let is_literal = is_literal || parse_type == Some("Literal");
        // Space between elements only makes the file pretty.
        let is_pretty = !is_literal && node.children().any(|child| child.is_element());
        for child in node.children() {
            if child.is_element() {
                let child = self.element(child, is_literal);
                element.children.push(Child::Element(child));
            } else if let Some(text) = child.text().filter(|_| child.is_text()) {
                if text.is_empty() || is_pretty && is_space(text) {
                    continue;
                }
                match element.children.last_mut() {
                    Some(Child::Text(before)) => before.push_str(text),
                    _ => element.children.push(Child::Text(text.to_owned())),
                }
            }
        }
        element
    }

    fn attribute_name(&mut self, node: Node<'_, '_>, attribute: &Attribute<'_, '_>) -> Name {
        let space = attribute.namespace().unwrap_or("");
        self.note(node, space);
        Name::new(space, attribute.name())
    }

    fn note(&mut self, node: Node<'_, '_>, space: &str) {
        if self.prefixes.contains_key(space) {
            return;
        }
        if let Some(prefix) = node
            .lookup_prefix(space)
            .filter(|prefix| !prefix.is_empty())
        {
            self.prefixes.insert(space.into(), prefix.into());
        }
    }
}

fn is(node: Node<'_, '_>, space: &str, local: &str) -> bool {
    let name = node.tag_name();
    name.namespace() == Some(space) && name.name() == local
}

/// Elements and text that is more than space between them.
fn is_content(node: &Node<'_, '_>) -> bool {
    node.is_element() || node.is_text() && !node.text().is_none_or(is_space)
}

fn is_space(text: &str) -> bool {
    text.bytes()
        .all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
}

fn refused(message: &'static str) -> Error {
    Error::new(ErrorKind::InvalidInput, "xmp.read", message)
}
