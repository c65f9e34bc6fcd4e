//! What makes a name dangerous to some program that will see it.

use unicode_normalization::UnicodeNormalization as _;

/// Why a name is not taken as it was written.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Hazard {
    /// Nothing that can be seen.
    Empty,
    /// Over [`DisplayName::MAX`](super::DisplayName::MAX) bytes.
    TooLong,
    /// A control character, a line separator or a noncharacter.
    Control,
    /// A character that cannot be seen, or one that turns the direction of the text.
    Invisible,
    /// A slash, a backslash, a colon, or what a program may take for one or for dots.
    Separator,
    /// A character that a shell, a template, a pattern, a header or markup gives a meaning to.
    Syntax,
    /// The extension of a program at the end, or of one that servers run inside.
    Program,
    /// A name that an operating system keeps for itself.
    Reserved,
    /// A dot, a dash or a tilde at the start, or a dot or a space at the end.
    Edge,
}

impl Hazard {
    /// Tells whether nobody writes this by accident, so that the file is better refused than renamed.
    #[must_use]
    pub const fn is_hostile(self) -> bool {
        matches!(
            self,
            Self::Control | Self::Invisible | Self::Separator | Self::Program
        )
    }

    pub(super) const fn message(self) -> &'static str {
        match self {
            Self::Empty => "a name cannot be empty",
            Self::TooLong => "a name has at most 255 bytes",
            Self::Control => "a name cannot hold control characters",
            Self::Invisible => "a name cannot hold characters that nobody sees",
            Self::Separator => "a name cannot hold a separator of paths",
            Self::Syntax => "a name cannot hold characters with a meaning to programs",
            Self::Program => "a name cannot hold the extension of a program",
            Self::Reserved => "an operating system keeps this name for itself",
            Self::Edge => "a name cannot begin or end like this",
        }
    }
}

/// Judges one character, with the one that follows it.
pub(super) fn of_character(character: char, next: Option<char>) -> Option<Hazard> {
    match character {
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' => Some(Hazard::Control),
        _ if is_noncharacter(character) => Some(Hazard::Control),
        _ if is_invisible(character) => Some(Hazard::Invisible),
        '/' | '\\' | ':' => Some(Hazard::Separator),
        '"' | '*' | '?' | '<' | '>' | '|' | '`' | ';' => Some(Hazard::Syntax),
        '$' if matches!(next, Some('(' | '{')) => Some(Hazard::Syntax),
        '%' if next.is_some_and(|next| next.is_ascii_alphanumeric() || next == '%') => {
            Some(Hazard::Syntax)
        }
        '{' if next == Some('{') => Some(Hazard::Syntax),
        '}' if next == Some('}') => Some(Hazard::Syntax),
        '#' if next == Some('{') => Some(Hazard::Syntax),
        _ if character.is_ascii() => None,
        _ => look_alike(character),
    }
}

/// Characters that some program folds to a separator or to dots (Unicode's compatibility forms, and
/// those that only look like one).
fn look_alike(character: char) -> Option<Hazard> {
    match character {
        // Fraction, division and set minus; slashes of mathematics; colons of ratio and of letters.
        '\u{2044}' | '\u{2215}' | '\u{2216}' | '\u{29f5}' | '\u{29f8}' | '\u{29f9}'
        | '\u{2236}' | '\u{a789}' | '\u{2024}' | '\u{2025}' | '\u{fe52}' | '\u{ff0e}' => {
            return Some(Hazard::Separator);
        }
        _ => {}
    }
    std::iter::once(character)
        .nfkd()
        .find_map(|folded| match folded {
            '/' | '\\' | ':' => Some(Hazard::Separator),
            '"' | '*' | '?' | '<' | '>' | '|' | '`' | ';' => Some(Hazard::Syntax),
            _ => None,
        })
}

const fn is_noncharacter(character: char) -> bool {
    let code = character as u32;
    code & 0xfffe == 0xfffe || (code >= 0xfdd0 && code <= 0xfdef)
}

/// Format characters. The joiners U+200C and U+200D stay: Persian, Indic scripts and emoji need them.
const fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Tells whether a name makes some system run the file: by its end everywhere, and by any part of it on
/// servers that look at every part.
///
/// What stands behind `;`, `:` or `%` in a part does not count: old servers run `a.asp;.jpg`, and Windows
/// drops dots and spaces at the end. A dot in a sentence, as in `Booking.com confirmation.pdf`, is none.
pub(crate) fn is_program_name(name: &str) -> bool {
    let ignored = |last: char| matches!(last, '.' | ';' | ':' | '%') || last.is_whitespace();
    let Some((_, parts)) = name.trim_end_matches(ignored).split_once('.') else {
        return false;
    };
    let mut parts = parts.split('.');
    let last = parts.next_back();
    last.is_some_and(is_program) || parts.any(is_served_program)
}

/// Tells whether the last part of a name makes some system run the file.
pub(super) fn is_program(part: &str) -> bool {
    PROGRAMS.contains(&own_word(part).trim_start().to_ascii_lowercase().as_str())
}

/// Tells whether a part inside a name makes a server run the file.
pub(super) fn is_served_program(part: &str) -> bool {
    SERVED.contains(&own_word(part).to_ascii_lowercase().as_str())
}

fn own_word(part: &str) -> &str {
    part.split([';', ':', '%'])
        .next()
        .unwrap_or_default()
        .trim_end()
}

const SERVED: &[&str] = &[
    "asa", "asax", "ascx", "ashx", "asmx", "asp", "aspx", "cgi", "fcgi", "htaccess", "htpasswd",
    "jsp", "jspx", "phar", "php", "php3", "php4", "php5", "php7", "php8", "phps", "pht", "phtml",
    "pl", "py", "sh", "shtml",
];

const PROGRAMS: &[&str] = &[
    "ade",
    "adp",
    "apk",
    "app",
    "application",
    "appref",
    "asa",
    "asax",
    "ascx",
    "ashx",
    "asmx",
    "asp",
    "aspx",
    "bash",
    "bat",
    "cer",
    "cgi",
    "chm",
    "class",
    "cmd",
    "com",
    "command",
    "cpl",
    "csh",
    "deb",
    "desktop",
    "dll",
    "docm",
    "dotm",
    "exe",
    "fcgi",
    "gadget",
    "hta",
    "htaccess",
    "htpasswd",
    "inf",
    "ini",
    "ins",
    "isp",
    "jar",
    "js",
    "jse",
    "jsp",
    "jspx",
    "ksh",
    "lnk",
    "lua",
    "mde",
    "mht",
    "mhtml",
    "mjs",
    "msc",
    "msi",
    "msp",
    "mst",
    "ocx",
    "phar",
    "php",
    "php3",
    "php4",
    "php5",
    "php7",
    "php8",
    "phps",
    "pht",
    "phtml",
    "pif",
    "pl",
    "pm",
    "potm",
    "ppam",
    "ppsm",
    "pptm",
    "ps1",
    "psd1",
    "psm1",
    "py",
    "pyc",
    "pyw",
    "rb",
    "reg",
    "rpm",
    "scf",
    "scr",
    "sct",
    "sh",
    "shb",
    "shs",
    "shtml",
    "sldm",
    "so",
    "swf",
    "sys",
    "url",
    "user",
    "vb",
    "vbe",
    "vbs",
    "war",
    "workflow",
    "ws",
    "wsc",
    "wsf",
    "wsh",
    "xlam",
    "xll",
    "xlsm",
    "xltm",
    "zsh",
];

/// Tells whether Windows, macOS or a file manager gives the whole name a meaning.
pub(super) fn is_reserved(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end();
    let stem = stem.to_uppercase();
    let numbered = |rest: &str| {
        let mut characters = rest.chars();
        matches!(
            characters.next(),
            Some('0'..='9' | '\u{b9}' | '\u{b2}' | '\u{b3}')
        ) && characters.next().is_none()
    };
    let device = matches!(
        stem.as_str(),
        "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$" | "CLOCK$"
    ) || ["COM", "LPT"]
        .into_iter()
        .any(|port| stem.strip_prefix(port).is_some_and(numbered));
    device
        || ["desktop.ini", "thumbs.db", "autorun.inf", "ehthumbs.db"]
            .into_iter()
            .any(|kept| name.eq_ignore_ascii_case(kept))
}
