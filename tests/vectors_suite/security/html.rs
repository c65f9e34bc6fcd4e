//! What HTML really is once it is parsed as a browser parses it.

use std::borrow::Cow;
use std::cell::RefCell;

use html5ever::tendril::{StrTendril, TendrilSink as _};
use html5ever::tree_builder::{ElementFlags, NodeOrText, QuirksMode, TreeSink};
use html5ever::{Attribute, ExpandedName, QualName};

/// Says what in `html` could do something, if anything could.
pub(crate) fn danger(html: &str) -> Option<String> {
    let elements = html5ever::parse_document(Elements::default(), html5ever::ParseOpts::default())
        .one(StrTendril::from(html));
    elements.iter().find_map(|(name, attributes)| {
        let name = name.local.to_ascii_lowercase();
        if FORBIDDEN.contains(&name.as_ref()) {
            return Some(format!("element `{name}`"));
        }
        attributes.iter().find_map(|attribute| {
            let own = attribute.name.local.to_ascii_lowercase();
            let bare = own.rsplit(':').next().unwrap_or_default();
            if bare.starts_with("on") {
                return Some(format!("attribute `{own}`"));
            }
            let url = URLS.contains(&bare) && runs(&attribute.value);
            url.then(|| format!("attribute `{own}` = `{}`", attribute.value))
        })
    })
}

/// How many elements there are beside `html`, `head` and `body`.
pub(crate) fn elements(html: &str) -> usize {
    let elements = html5ever::parse_document(Elements::default(), html5ever::ParseOpts::default())
        .one(StrTendril::from(html));
    let implied = ["html", "head", "body"];
    let own = |(name, _): &&(QualName, Vec<Attribute>)| !implied.contains(&name.local.as_ref());
    elements.iter().filter(own).count()
}

const FORBIDDEN: &[&str] = &[
    "script", "iframe", "object", "embed", "base", "meta", "link", "style", "svg", "math", "form",
    "frame", "frameset", "applet", "input", "button", "textarea", "template", "noscript",
];

const URLS: &[&str] = &[
    "href",
    "src",
    "action",
    "formaction",
    "background",
    "cite",
    "data",
    "poster",
    "srcdoc",
    "srcset",
    "longdesc",
    "usemap",
    "manifest",
    "ping",
    "lowsrc",
    "dynsrc",
    "code",
    "codebase",
    "archive",
    "classid",
    "profile",
    "icon",
    "xmlns",
    "to",
    "from",
    "values",
];

/// Browsers drop tabs and line ends in a URL, and controls and spaces before it.
fn runs(url: &str) -> bool {
    let kept = url.chars().filter(|one| *one > ' ' && *one != '\u{7f}');
    let scheme = kept.collect::<String>().to_lowercase();
    ["javascript:", "vbscript:", "livescript:", "mocha:", "data:"]
        .iter()
        .any(|start| scheme.starts_with(start))
}

/// Every element that the parser makes, wherever it puts it.
#[derive(Default)]
struct Elements(RefCell<Vec<&'static Element>>);

type Element = (QualName, RefCell<Vec<Attribute>>);

impl TreeSink for Elements {
    type Handle = Handle;
    type Output = Vec<(QualName, Vec<Attribute>)>;
    type ElemName<'a> = ExpandedName<'a>;

    fn finish(self) -> Self::Output {
        let made = self.0.into_inner();
        made.into_iter()
            .map(|(name, attributes)| (name.clone(), attributes.borrow().clone()))
            .collect()
    }

    fn get_document(&self) -> Handle {
        Handle::Other(usize::MAX)
    }

    fn get_template_contents(&self, target: &Handle) -> Handle {
        *target
    }

    fn same_node(&self, one: &Handle, other: &Handle) -> bool {
        one == other
    }

    fn elem_name<'a>(&'a self, target: &'a Handle) -> ExpandedName<'a> {
        match target {
            Handle::Element(at) => self.0.borrow()[*at].0.expanded(),
            Handle::Other(_) => panic!("not an element"),
        }
    }

    fn create_element(
        &self,
        name: QualName,
        attributes: Vec<Attribute>,
        _: ElementFlags,
    ) -> Handle {
        let mut made = self.0.borrow_mut();
        // Names are lent out for as long as the sink lives; a test program can leave them behind.
        made.push(Box::leak(Box::new((name, RefCell::new(attributes)))));
        Handle::Element(made.len() - 1)
    }

    fn create_comment(&self, _: StrTendril) -> Handle {
        Handle::Other(0)
    }

    fn create_pi(&self, _: StrTendril, _: StrTendril) -> Handle {
        Handle::Other(0)
    }

    fn add_attrs_if_missing(&self, target: &Handle, attributes: Vec<Attribute>) {
        if let Handle::Element(at) = target {
            self.0.borrow()[*at].1.borrow_mut().extend(attributes);
        }
    }

    fn append_before_sibling(&self, _: &Handle, _: NodeOrText<Handle>) {}
    fn append_based_on_parent_node(&self, _: &Handle, _: &Handle, _: NodeOrText<Handle>) {}
    fn parse_error(&self, _: Cow<'static, str>) {}
    fn set_quirks_mode(&self, _: QuirksMode) {}
    fn append(&self, _: &Handle, _: NodeOrText<Handle>) {}
    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}
    fn remove_from_parent(&self, _: &Handle) {}
    fn reparent_children(&self, _: &Handle, _: &Handle) {}
}

/// A node: only elements are told apart.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Handle {
    Element(usize),
    Other(usize),
}
