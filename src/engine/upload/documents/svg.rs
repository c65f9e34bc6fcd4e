//! SVG ([SVG 2](https://www.w3.org/TR/SVG2/)): drawings only, nothing that acts or reaches out.

use std::io::{Read, Seek};

use roxmltree::{Attribute, Node};

use crate::upload::sniff::find;
use crate::upload::verdict::Reason;
use crate::upload::window::{Checked, Fault, Window};
use crate::upload::xml;

/// Largest drawing in bytes: it is the one kind that is held in memory as a whole.
pub(in crate::engine::upload) const MAX_SVG: u64 = 2 << 20;

const NAMESPACE: &str = "http://www.w3.org/2000/svg";

/// Reads a drawing. Whatever could run, load or expand is a reason to refuse it.
pub(in crate::engine::upload) fn svg<R: Read + Seek>(file: &mut Window<R>) -> Checked<()> {
    if file.size() > MAX_SVG {
        return Err(Reason::TooLarge.into());
    }
    let mut bytes = Vec::new();
    file.each(0..file.size(), |piece| {
        bytes.extend_from_slice(piece);
        Ok(())
    })?;
    let text = std::str::from_utf8(&bytes).map_err(|_| Reason::ContentMismatch)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lower = text.as_bytes().to_ascii_lowercase();
    if !find(&lower, b"<svg") && !find(&lower, b":svg") {
        return Err(Reason::ContentMismatch.into());
    }
    let drawing = xml::parse(text)?;
    let root = drawing.root_element();
    if !root.has_tag_name((NAMESPACE, "svg")) {
        return Err(Reason::ContentMismatch.into());
    }
    drawing.descendants().try_for_each(node)
}

fn node(node: Node<'_, '_>) -> Checked<()> {
    if node.is_pi() {
        return Err(Reason::ActiveContent.into());
    }
    if !node.is_element() {
        return Ok(());
    }
    let name = node.tag_name().name().to_ascii_lowercase();
    let foreign = node.tag_name().namespace() != Some(NAMESPACE);
    let html = node.tag_name().namespace().is_some_and(|space| {
        space.contains("xhtml") || space.contains("XInclude") || space.contains("xml-events")
    });
    if html || ACTING.contains(&name.as_str()) {
        return Err(Reason::ActiveContent.into());
    }
    if name == "style" {
        let sheet: String = node.descendants().filter_map(|part| part.text()).collect();
        style(&sheet)?;
    }
    // Editors keep their own elements in their own namespaces; they draw nothing.
    if foreign && node.tag_name().namespace().is_none() {
        return Err(Reason::Malformed.into());
    }
    let animates = matches!(
        name.as_str(),
        "animate" | "set" | "animatetransform" | "animatemotion" | "animatecolor"
    );
    node.attributes()
        .try_for_each(|own| attribute(animates, own))
}

/// Elements that run, embed or load.
const ACTING: &[&str] = &[
    "script",
    "foreignobject",
    "handler",
    "listener",
    "iframe",
    "object",
    "embed",
    "audio",
    "video",
    "canvas",
    "source",
    "track",
    "link",
    "meta",
    "base",
    "form",
    "input",
    "button",
    "html",
    "body",
    "head",
    "img",
    "use-script",
    "font-face-uri",
    "tref",
    "discard",
    "prefetch",
];

fn attribute(animates: bool, own: Attribute<'_, '_>) -> Checked<()> {
    let name = own.name().to_ascii_lowercase();
    let value = own.value();
    if name.starts_with("on") || runs(value) {
        return Err(Reason::ActiveContent.into());
    }
    match name.as_str() {
        "href"
        | "src"
        | "base"
        | "data"
        | "action"
        | "formaction"
        | "xlink:href"
        | "externalresourcesrequired" => link(value),
        // An animation can put a link where none was.
        "attributename" if animates => {
            let target = value.trim().to_ascii_lowercase();
            let target = target.rsplit(':').next().unwrap_or_default();
            if target == "href" || target == "src" || target == "style" || target.starts_with("on")
            {
                return Err(Reason::ActiveContent.into());
            }
            Ok(())
        }
        _ => style(value),
    }
}

/// A reference may point within the drawing or to a picture of pixels inside it.
fn link(value: &str) -> Checked<()> {
    let value = squeezed(value);
    let pictures = [
        "data:image/png;",
        "data:image/jpeg;",
        "data:image/gif;",
        "data:image/webp;",
    ];
    if value.is_empty()
        || value.starts_with('#')
        || pictures.iter().any(|start| value.starts_with(start))
    {
        return Ok(());
    }
    Err(Reason::ExternalReference.into())
}

fn runs(value: &str) -> bool {
    let value = squeezed(value);
    [
        "javascript:",
        "vbscript:",
        "livescript:",
        "data:text",
        "data:application",
        "data:image/svg",
    ]
    .iter()
    .any(|scheme| value.contains(scheme))
}

/// A style may name colours and places within the drawing. Readers take comments out, but not what only
/// looks like one, so it is read with and without.
fn style(value: &str) -> Checked<()> {
    judge_style(&squeezed(value))?;
    if value.contains("/*") {
        judge_style(&squeezed(&without_comments(value)))?;
    }
    Ok(())
}

fn judge_style(value: &str) -> Checked<()> {
    // An escape can spell any of the words below; no drawing tool writes one.
    let words = ["@import", "expression(", "-moz-binding", "behavior:", "\\"];
    if value.contains("url(")
        || value.contains("image(")
        || value.contains("src(")
        || value.contains("image-set(")
    {
        let targets = value.split("url(").skip(1);
        let inside = |target: &str| target.trim_start_matches(['"', '\'']).starts_with('#');
        if !targets.into_iter().all(inside)
            || value.contains("image(")
            || value.contains("src(")
            || value.contains("image-set(")
        {
            return Err(Reason::ExternalReference.into());
        }
    }
    if words.iter().any(|word| value.contains(word)) {
        return Err(Fault::Reject(Reason::ActiveContent));
    }
    Ok(())
}

/// In lower case, without white space and controls, which readers pass over.
fn squeezed(value: &str) -> String {
    let kept = value
        .chars()
        .filter(|one| !one.is_whitespace() && !one.is_control());
    kept.collect::<String>().to_lowercase()
}

fn without_comments(value: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(value.len()), value);
    while let Some((before, comment)) = rest.split_once("/*") {
        out.push_str(before);
        rest = comment.split_once("*/").map_or("", |(_, after)| after);
    }
    out + rest
}
