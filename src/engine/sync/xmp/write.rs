//! Writing a sidecar.

use std::collections::{BTreeMap, BTreeSet};

use super::packet::{Child, Element, META, Name, Packet, RDF, XML};

/// Writes a sidecar; the same one always in the same bytes.
pub(super) fn write(packet: &Packet) -> String {
    let mut writer = Writer {
        prefixes: prefixes(packet),
        out: String::new(),
    };
    if packet.is_wrapped {
        writer.raw("<?xpacket begin=\"\u{feff}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n");
    }
    writer.raw("<x:xmpmeta xmlns:x=\"");
    writer.raw(META);
    writer.raw("\">\n <rdf:RDF xmlns:rdf=\"");
    writer.raw(RDF);
    writer.raw("\">\n  <rdf:Description rdf:about=\"");
    writer.attribute_text(&packet.about);
    writer.raw("\"");
    for (space, prefix) in writer.prefixes.clone() {
        if &*space != RDF && &*space != XML {
            writer.raw("\n    xmlns:");
            writer.raw(&prefix);
            writer.raw("=\"");
            writer.attribute_text(&space);
            writer.raw("\"");
        }
    }
    writer.raw(">\n");
    for property in &packet.properties {
        writer.property(property);
    }
    writer.raw("  </rdf:Description>\n </rdf:RDF>\n</x:xmpmeta>\n");
    if packet.is_wrapped {
        writer.raw("<?xpacket end=\"w\"?>\n");
    }
    writer.out
}

/// A prefix for every namespace used, each for one.
fn prefixes(packet: &Packet) -> BTreeMap<Box<str>, Box<str>> {
    let mut spaces = BTreeSet::new();
    let mut waiting: Vec<&Element> = packet.properties.iter().collect();
    while let Some(element) = waiting.pop() {
        spaces.insert(&*element.name.space);
        spaces.extend(element.attributes.keys().map(|name| &*name.space));
        waiting.extend(element.children.iter().filter_map(|child| match child {
            Child::Element(element) => Some(element),
            Child::Text(_) => None,
        }));
    }
    let mut prefixes: BTreeMap<Box<str>, Box<str>> = BTreeMap::new();
    prefixes.insert(RDF.into(), "rdf".into());
    prefixes.insert(XML.into(), "xml".into());
    let mut taken: BTreeSet<Box<str>> = ["rdf", "xml", "xmlns", "x"].map(Box::from).into();
    for space in spaces {
        if space.is_empty() || prefixes.contains_key(space) {
            continue;
        }
        let known = packet.prefixes.get(space).cloned();
        let numbered = (1_u64..).map(|number| Box::from(format!("ns{number}")));
        let mut candidates = known.into_iter().chain(numbered);
        if let Some(prefix) = candidates.find(|prefix| !taken.contains(prefix)) {
            taken.insert(prefix.clone());
            prefixes.insert(space.into(), prefix);
        }
    }
    prefixes
}

struct Writer {
    prefixes: BTreeMap<Box<str>, Box<str>>,
    out: String,
}

impl Writer {
    fn raw(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// A property on lines of its own, the items of an array on theirs.
    fn property(&mut self, property: &Element) {
        self.raw("   ");
        let is_array = |inside: &&Element| {
            let is_item =
                |child: &Child| matches!(child, Child::Element(item) if item.name.is(RDF, "li"));
            &*inside.name.space == RDF && inside.children.iter().all(is_item)
        };
        match property.only_child().filter(is_array) {
            Some(array) if !array.children.is_empty() => {
                self.start(property, false);
                self.raw("\n    ");
                self.start(array, false);
                for child in &array.children {
                    self.raw("\n     ");
                    self.child(child);
                }
                self.raw("\n    ");
                self.end(&array.name);
                self.raw("\n   ");
                self.end(&property.name);
            }
            _ => self.element(property),
        }
        self.raw("\n");
    }

    /// Recursion is bounded, as everything that is written was read before.
    fn element(&mut self, element: &Element) {
        self.start(element, element.children.is_empty());
        if !element.children.is_empty() {
            for child in &element.children {
                self.child(child);
            }
            self.end(&element.name);
        }
    }

    fn child(&mut self, child: &Child) {
        match child {
            Child::Element(element) => self.element(element),
            Child::Text(text) => self.text(text),
        }
    }

    fn start(&mut self, element: &Element, is_empty: bool) {
        self.raw("<");
        self.name(&element.name);
        for (name, value) in &element.attributes {
            self.raw(" ");
            self.name(name);
            self.raw("=\"");
            self.attribute_text(value);
            self.raw("\"");
        }
        self.raw(if is_empty { "/>" } else { ">" });
    }

    fn end(&mut self, name: &Name) {
        self.raw("</");
        self.name(name);
        self.raw(">");
    }

    fn name(&mut self, name: &Name) {
        if let Some(prefix) = self.prefixes.get(&name.space) {
            self.out.push_str(prefix);
            self.out.push(':');
        }
        self.out.push_str(&name.local);
    }

    fn text(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '&' => self.raw("&amp;"),
                '<' => self.raw("&lt;"),
                '>' => self.raw("&gt;"),
                // As it stands it would be read as a line feed.
                '\r' => self.raw("&#xD;"),
                c => self.out.push(c),
            }
        }
    }

    fn attribute_text(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '&' => self.raw("&amp;"),
                '<' => self.raw("&lt;"),
                '"' => self.raw("&quot;"),
                // As they stand they would be read as spaces.
                '\r' => self.raw("&#xD;"),
                '\n' => self.raw("&#xA;"),
                '\t' => self.raw("&#x9;"),
                c => self.out.push(c),
            }
        }
    }
}
