//! Names, paths and markup that people hand in.

use bytes::Bytes;
use garland::connector::{FilePath, FileStore as _, Hashes, UploadRequest};
use garland::platforms::LocalFolder;
use garland::text::{DisplayName, RichText, escape_attribute, escape_html, relative_path};
use serde_json::Value;
use unicode_normalization::UnicodeNormalization as _;

use super::html;
use super::primitives::text;

/// `filenames.json`: `accept` comes out byte for byte after NFC, `refuse_or_neutralise` is refused as it
/// stands and changed when it is taken all the same, and whatever is taken comes back as it was.
pub(crate) fn filenames(line: &str) -> Result<(), String> {
    let entry: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let (name, verdict) = (text(&entry, "name")?, text(&entry, "verdict")?);
    let written: String = name.nfc().collect();
    let (parsed, safe) = (DisplayName::parse(name).ok(), DisplayName::neutralise(name));
    let wrong = |what: &str| Err(format!("{what}: {name:?} gave {parsed:?}, {safe:?}"));
    match (verdict, &parsed) {
        ("accept", None) => return wrong("refused"),
        ("refuse_or_neutralise", Some(_)) => return wrong("taken as it is"),
        ("accept" | "refuse_or_neutralise" | "no_crash", _) => {}
        _ => return Err(format!("an unknown verdict: {line}")),
    }
    if parsed
        .as_ref()
        .is_some_and(|parsed| parsed.as_str() != written || *parsed != safe)
    {
        return wrong("changed");
    }
    if parsed.is_none() && safe.as_str() == written {
        return wrong("refused, but not made safe");
    }
    let twin = DisplayName::neutralise(&name.nfd().collect::<String>());
    if twin.key() != safe.key() {
        return wrong("its twin in NFD has another key");
    }
    harmless(&safe)
}

fn harmless(name: &DisplayName) -> Result<(), String> {
    let shown = name.as_str();
    let again = DisplayName::parse(shown).map_err(|error| format!("{shown:?}: {error}"))?;
    if again != *name {
        return Err(format!("{shown:?} does not come back"));
    }
    let bad = |one: char| {
        one.is_control()
            || "/\\:*?\"<>|`".contains(one)
            || matches!(one, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    let folded: String = shown.nfkc().collect();
    let dots = shown.trim_matches('.').is_empty() || folded.trim_matches('.').is_empty();
    if shown.contains(bad) || dots || shown.len() > DisplayName::MAX {
        return Err(format!("{shown:?} is not harmless"));
    }
    Ok(())
}

/// `path-traversal.json`: as a name it is harmless; as a path it is refused where the list says so; and
/// however it is decoded, nothing outside a folder is touched.
pub(crate) fn traversal(line: &str) -> Result<(), String> {
    let entry: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let (attack, must) = (text(&entry, "s")?, text(&entry, "must")?);
    harmless(&DisplayName::neutralise(attack))?;
    let handed = relative_path(attack).ok();
    if must == "refuse as a path" && handed.is_some() {
        return Err(format!("taken as a path: {attack:?}"));
    }
    let place = Place::new()?;
    for variant in decodings(attack) {
        harmless(&DisplayName::neutralise(&variant))?;
        // What FilePath takes may be written; it stays inside whatever it is called.
        if let Ok(path) = FilePath::parse(variant) {
            place.write(path)?;
        }
    }
    place.check(attack)
}

/// A folder with a canary beside it.
struct Place {
    outer: tempfile::TempDir,
    runtime: tokio::runtime::Runtime,
}

impl Place {
    fn new() -> Result<Self, String> {
        let outer = tempfile::tempdir().map_err(|error| error.to_string())?;
        std::fs::create_dir(outer.path().join("root")).map_err(|error| error.to_string())?;
        std::fs::write(outer.path().join("canary"), "alive").map_err(|error| error.to_string())?;
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        Ok(Self { outer, runtime })
    }

    /// A refusal is as good as a file inside.
    fn write(&self, path: FilePath) -> Result<(), String> {
        let folder =
            LocalFolder::open(self.outer.path().join("root")).map_err(|error| error.to_string())?;
        self.runtime.block_on(async {
            if let Ok(mut session) = folder.upload(UploadRequest::new(path, 1)).await
                && session.write(Bytes::from_static(b"x")).await.is_ok()
            {
                drop(session.finish(&Hashes::new()).await);
            }
        });
        Ok(())
    }

    fn check(&self, attack: &str) -> Result<(), String> {
        let entries = std::fs::read_dir(self.outer.path()).map_err(|error| error.to_string())?;
        let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
        names.sort();
        let alive = std::fs::read_to_string(self.outer.path().join("canary"));
        if names == ["canary", "root"] && alive.is_ok_and(|text| text == "alive") {
            return Ok(());
        }
        Err(format!("{attack:?} left the root: {names:?}"))
    }
}

/// The text as it stands, decoded once, twice and three times, leniently; with `\` as `/`.
fn decodings(attack: &str) -> Vec<String> {
    let mut out = vec![attack.to_owned()];
    for round in 0..3 {
        let next = decode(&out[round]);
        out.push(next);
    }
    let slashes: Vec<String> = out.iter().map(|text| text.replace('\\', "/")).collect();
    let relative: Vec<String> = slashes
        .iter()
        .map(|text| text.trim_start_matches('/').to_owned())
        .collect();
    out.extend(slashes);
    out.extend(relative);
    out.sort();
    out.dedup();
    out
}

/// `%XX` and `%uXXXX`; then UTF-8 as a careless decoder reads it, overlong forms too.
fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut raw, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let digits = |from: usize, to: usize| {
            let digits = text.get(at + from..at + to)?;
            u32::from_str_radix(digits, 16).ok()
        };
        if bytes[at] == b'%' {
            if let Some(code) = digits(2, 6).filter(|_| bytes.get(at + 1) == Some(&b'u')) {
                let one = char::from_u32(code).unwrap_or('?');
                raw.extend_from_slice(one.nfkc_first().to_string().as_bytes());
                at += 6;
                continue;
            }
            if let Some(code) = digits(1, 3) {
                raw.push(u8::try_from(code).unwrap_or(b'?'));
                at += 3;
                continue;
            }
        }
        raw.push(bytes[at]);
        at += 1;
    }
    careless(&raw)
}

trait Fold {
    fn nfkc_first(self) -> char;
}

impl Fold for char {
    fn nfkc_first(self) -> char {
        std::iter::once(self).nfkc().next().unwrap_or(self)
    }
}

fn careless(raw: &[u8]) -> String {
    let (mut out, mut at) = (String::new(), 0);
    while at < raw.len() {
        let (length, lead) = match raw[at] {
            byte @ 0xc0..=0xdf => (2, u32::from(byte & 0x1f)),
            byte @ 0xe0..=0xef => (3, u32::from(byte & 0x0f)),
            byte @ 0xf0..=0xf7 => (4, u32::from(byte & 0x07)),
            byte => (1, u32::from(byte)),
        };
        let tail = raw.get(at + 1..at + length).unwrap_or_default();
        let whole = tail.len() + 1 == length;
        let code = tail
            .iter()
            .fold(lead, |code, byte| (code << 6) | u32::from(byte & 0x3f));
        out.push(char::from_u32(if whole { code } else { 0xfffd }).unwrap_or('\u{fffd}'));
        at += if whole { length } else { 1 };
    }
    out
}

/// `xss.json`, the property of `meta.must`.
pub(crate) fn xss(line: &str) -> Result<(), String> {
    let entry: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let payload = text(&entry, "payload")?;
    let rules = RichText::new();
    let clean = rules.clean(payload);
    if let Some(danger) = html::danger(&clean) {
        return Err(format!("{danger} in {clean:?}, from {payload:?}"));
    }
    let twice = rules.clean(&clean);
    if twice != clean {
        return Err(format!("{clean:?} became {twice:?}"));
    }
    for escaped in [escape_html(payload), escape_attribute(payload)] {
        if escaped.contains('<') || html::elements(&escaped) > 0 {
            return Err(format!("escaped to {escaped:?}"));
        }
    }
    let attribute = escape_attribute(payload);
    for page in [
        format!("<p title={attribute}>x"),
        format!("<p title='{attribute}'>x"),
        format!("<p title=\"{attribute}\">x"),
    ] {
        if !attribute.is_empty() && (html::elements(&page) != 1 || html::danger(&page).is_some()) {
            return Err(format!("out of its attribute: {page:?}"));
        }
    }
    Ok(())
}
