//! A sidecar in memory, without anything that has no meaning.

use std::collections::BTreeMap;

pub(super) const META: &str = "adobe:ns:meta/";
pub(super) const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
pub(super) const XML: &str = "http://www.w3.org/XML/1998/namespace";

/// Everything that a sidecar says.
#[derive(Clone, Debug)]
pub(super) struct Packet {
    /// What it speaks of; mostly empty, for the file beside it.
    pub(super) about: String,
    /// Its properties in their order, each once.
    pub(super) properties: Vec<Element>,
    /// The prefix of each namespace, for the eyes of people.
    pub(super) prefixes: BTreeMap<Box<str>, Box<str>>,
    /// Whether the processing instructions of XMP packets stand around it.
    pub(super) is_wrapped: bool,
}

impl Packet {
    /// Tells whether two say the same, in whatever order.
    pub(super) fn says_the_same(&self, other: &Self) -> bool {
        self.about == other.about && self.by_name() == other.by_name()
    }

    pub(super) fn by_name(&self) -> BTreeMap<&Name, &Element> {
        let properties = self.properties.iter();
        properties.map(|element| (&element.name, element)).collect()
    }
}

/// A name in its namespace, which is empty for none.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Name {
    pub(super) space: Box<str>,
    pub(super) local: Box<str>,
}

impl Name {
    pub(super) fn new(space: &str, local: &str) -> Self {
        Self {
            space: space.into(),
            local: local.into(),
        }
    }

    pub(super) fn is(&self, space: &str, local: &str) -> bool {
        &*self.space == space && &*self.local == local
    }
}

/// An element: a property, an array, an item, or a part of a structure.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Element {
    pub(super) name: Name,
    pub(super) attributes: BTreeMap<Name, String>,
    /// What is inside. No text is empty, and no text follows on another.
    pub(super) children: Vec<Child>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Child {
    Element(Element),
    Text(String),
}

impl Element {
    pub(super) fn new(name: Name) -> Self {
        Self {
            name,
            attributes: BTreeMap::new(),
            children: Vec::new(),
        }
    }

    /// An element with a text, as a property written as an attribute means it.
    pub(super) fn with_text(name: Name, text: &str) -> Self {
        let mut element = Self::new(name);
        if !text.is_empty() {
            element.children.push(Child::Text(text.to_owned()));
        }
        element
    }

    /// The text inside, if there is nothing else.
    pub(super) fn text(&self) -> Option<&str> {
        match self.children.as_slice() {
            [] => Some(""),
            [Child::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The only element inside, if there is nothing else.
    pub(super) fn only_child(&self) -> Option<&Self> {
        match self.children.as_slice() {
            [Child::Element(element)] => Some(element),
            _ => None,
        }
    }
}
