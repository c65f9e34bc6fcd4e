//! Formatted text through an allow list.

use std::collections::{HashMap, HashSet};
use std::fmt;

use ammonia::{Builder, UrlRelative};

use super::escape::escape_html;

/// How often text is cleaned again at most.
const ROUNDS: usize = 8;

/// The one way formatted text of people reaches a page: parsed as HTML, and only what is on a short
/// list comes out again.
///
/// Paragraphs, headings, lists, quotes, tables, emphasis, code, links (`http`, `https`, `mailto`, with
/// `rel="noopener noreferrer nofollow"`) and pictures (`https`). No style, class, id, form, frame,
/// SVG or `MathML`. Text is stored as it was written and cleaned when it is shown.
///
/// # Example
///
/// ```
/// use garland::text::RichText;
///
/// let rules = RichText::new();
/// assert_eq!(rules.clean("<b onclick=go()>Hello</b><script>x</script>"), "<b>Hello</b>");
/// assert_eq!(
///     rules.clean(r#"<a href="https://example.com/">us</a>"#),
///     r#"<a href="https://example.com/" rel="noopener noreferrer nofollow">us</a>"#,
/// );
/// assert_eq!(rules.clean(r#"<a href="javascript:go()">us</a>"#), r#"<a rel="noopener noreferrer nofollow">us</a>"#);
/// ```
pub struct RichText(Builder<'static>);

impl RichText {
    /// Makes the rules. Cheap to use, dearer to make: keep it.
    #[must_use]
    pub fn new() -> Self {
        let tags = HashSet::from([
            "a",
            "b",
            "blockquote",
            "br",
            "code",
            "del",
            "em",
            "h1",
            "h2",
            "h3",
            "h4",
            "hr",
            "i",
            "img",
            "ins",
            "li",
            "ol",
            "p",
            "pre",
            "q",
            "s",
            "small",
            "strong",
            "sub",
            "sup",
            "table",
            "tbody",
            "td",
            "tfoot",
            "th",
            "thead",
            "tr",
            "u",
            "ul",
        ]);
        let attributes = HashMap::from([
            ("a", HashSet::from(["href", "title"])),
            (
                "img",
                HashSet::from(["alt", "height", "src", "title", "width"]),
            ),
            ("ol", HashSet::from(["start"])),
            ("td", HashSet::from(["colspan", "rowspan"])),
            ("th", HashSet::from(["colspan", "rowspan", "scope"])),
        ]);
        let mut rules = Builder::empty();
        rules
            .tags(tags)
            .tag_attributes(attributes)
            .generic_attributes(HashSet::new())
            .clean_content_tags(HashSet::from(["script", "style"]))
            .url_schemes(HashSet::from(["http", "https", "mailto"]))
            .url_relative(UrlRelative::Deny)
            .link_rel(Some("noopener noreferrer nofollow"))
            .attribute_filter(|element, attribute, value| {
                let picture = element == "img" && attribute == "src";
                let secure = value
                    .get(..8)
                    .is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"));
                (!picture || secure).then_some(value.into())
            })
            .strip_comments(true);
        Self(rules)
    }

    /// Returns what of `html` may be shown. Cleaning it again gives the same.
    ///
    /// Some markup is another tree each time it is parsed, such as links within links in a table; it
    /// is cleaned until it stays the same, and shown as plain text if it never does.
    #[must_use]
    pub fn clean(&self, html: &str) -> String {
        let mut clean = self.0.clean(html).to_string();
        for _ in 0..ROUNDS {
            let again = self.0.clean(&clean).to_string();
            if again == clean {
                return clean;
            }
            clean = again;
        }
        self.0.clean(&escape_html(&clean)).to_string()
    }
}

impl Default for RichText {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for RichText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RichText(..)")
    }
}
